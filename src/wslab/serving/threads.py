"""A thread that a server's code starts, and a call that it hands to a pool, belong to that server as well.

`asyncio.to_thread()` carries the context along. `threading.Thread` and `loop.run_in_executor()` do not (before Python
3.14), so while a server runs, the starting and the handing over are noted.
"""

from __future__ import annotations

import _thread
import concurrent.futures
import dataclasses
import functools
import inspect
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from multiprocessing.pool import ThreadPool
from typing import Any

from wslab.serving import printing
from wslab.serving.exceptions import collect_exception, outermost_function, place_of
from wslab.serving.log import Log
from wslab.serving.ownership import Owner, acting_for, threads_of
from wslab.serving.switching import ModuleSwitch, Switch
from wslab.serving.watching import TaskSeen
from wslab.source import is_user_code, place

_for_a_pool: ContextVar[bool] = ContextVar("wslab_for_a_pool", default=False)


def _call(owner: Owner, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    with acting_for(owner):
        try:
            return function(*args, **kwargs)
        finally:
            printing.end_lines()


def _run(owner: Owner, thread: threading.Thread, run: Callable[[], None]) -> None:
    vars(thread).pop("run", None)
    # As in the server's own thread: “never awaited” names the line that made the coroutine.
    sys.set_coroutine_origin_tracking_depth(1)
    with acting_for(owner):
        try:
            run()
        except Exception as error:
            collect_exception(owner.log, error, owner.connection, f"Exception in thread {thread.name}")
            if threading.excepthook is not threading.__excepthook__:
                with acting_for(dataclasses.replace(owner, muted=True)):
                    threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, thread)))
        finally:
            printing.end_lines()


def _start(owner: Owner, thread: threading.Thread, start: Callable[[], None]) -> None:
    if not _for_a_pool.get() and thread.ident is None:
        # The attribute stands in front of the method until the thread runs.
        vars(thread)["run"] = functools.partial(_run, owner, thread, thread.run)
    start()


def _hand_over(owner: Owner, _pool: Any, hand_over: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    # A thread that the pool starts for this call will serve other callers, too, a cell among them.
    token = _for_a_pool.set(True)
    try:
        if not args:
            return hand_over(**kwargs)
        return hand_over(functools.partial(_call, owner, args[0]), *args[1:], **kwargs)
    finally:
        _for_a_pool.reset(token)


def _make(owner: Owner, pool: Any, make: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """A pool that a server's code makes: what readies its threads is the server's as well."""
    given = _SIGNATURE.bind(pool, *args, **kwargs).arguments
    if callable(given.get("initializer")):
        given["initializer"] = functools.partial(_call, owner, given["initializer"])
    del given["self"]
    make(**given)


_SIGNATURE = inspect.signature(concurrent.futures.ThreadPoolExecutor.__init__)


def _start_bare(owner: Owner, _module: Any, start: Callable[..., int], function: Callable[..., Any], *args: Any) -> int:
    return start(functools.partial(_call, owner, function), *args)


def left(log: Log, within: float) -> tuple[TaskSeen, ...]:
    """The threads in which the app's own code runs; those that end within so many seconds are waited for.

    Args:
        log: of a server that has stopped.
        within: seconds to wait at most.
    """
    until = time.monotonic() + within
    while (found := _running(log)) and time.monotonic() < until:
        found[0][0].join(until - time.monotonic())
    return tuple(seen for _, seen in found)


def _running(log: Log) -> list[tuple[threading.Thread, TaskSeen]]:
    mine = set(threads_of(log))
    frames = sys._current_frames()
    found = []
    for thread in threading.enumerate():
        if thread.ident not in mine or (frame := frames.get(thread.ident)) is None:
            continue
        function = thread.function if isinstance(thread, threading.Timer) else None
        code = getattr(function, "__code__", None)
        if name := outermost_function(frame):
            found.append((thread, TaskSeen(name, "thread", place_of(frame))))
        elif code is not None and is_user_code(code.co_filename):
            found.append((thread, TaskSeen(code.co_name, "thread", place(code.co_filename, code.co_firstlineno))))
    return found


switches: list[Switch | ModuleSwitch] = [
    ModuleSwitch(_thread, start_new_thread=_start_bare),
    Switch(concurrent.futures.ThreadPoolExecutor, "__init__", _make),
    Switch(threading.Thread, "start", _start),
    Switch(concurrent.futures.ThreadPoolExecutor, "submit", _hand_over),
    Switch(concurrent.futures.Future, "add_done_callback", _hand_over),
    *(Switch(ThreadPool, name, _hand_over) for name in ("apply_async", "_map_async", "imap", "imap_unordered")),
]
