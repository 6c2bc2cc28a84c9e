"""A second look at an app that does the wrong thing and raises nothing: what it catches itself, and its own tasks.

Tracing makes a server several times as slow, so nothing is watched unless somebody asks for it.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

from wslab.serving.exceptions import innermost, last_line, place_of_waiting
from wslab.source import is_user_code, place

State = Literal["waits", "ended", "cancelled", "raised", "thread", "timer"]

_MOST = 200
_EVERYDAY = frozenset(
    {
        "StopIteration", "StopAsyncIteration", "GeneratorExit", "CancelledError", "TimeoutError", "QueueEmpty",
        "QueueFull", "WebSocketDisconnect", "ClientDisconnected", "EndOfStream", "WouldBlock",
    }
)  # fmt: skip
"""Exceptions that a program catches in the course of its work."""


@dataclass(frozen=True, slots=True)
class Caught:
    """An exception in one of the reader's own lines, whoever caught it.

    Attributes:
        name: of its class.
        text: its last line, `NameError: name 'x' is not defined`.
        place: the line, `In[2] line 25`.
    """

    name: str
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task of the reader's own code.

    Attributes:
        name: of the function that it runs.
        state: how it is, or how it ended; `"thread"` where it is a running thread and no task, `"timer"` where it is a
            call that the loop is still to make.
        place: the reader's own line where it waits, or that raised, or where what is to be called begins; empty where
            there is none.
        text: of a task that raised, the exception's last line.
    """

    name: str
    state: State
    place: str = ""
    text: str = ""


class Watch:
    """Watches the app in one server after the other, from `begin()` in the server's own thread on.

    Attributes:
        caught: the exceptions, the first one first, each line once.
    """

    def __init__(self) -> None:
        self.caught: dict[tuple[str, str], Caught] = {}
        self._seen: list[BaseException] = []  # kept, so that no other exception gets the id of one of them
        self._tasks: list[tuple[str, Any]] = []
        self._over = False

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch what this thread runs; called in it."""
        former = loop.get_task_factory()

        def make(loop: asyncio.AbstractEventLoop, coroutine: Any, /, **options: Any) -> Any:
            task = former(loop, coroutine, **options) if former else asyncio.Task(coroutine, loop=loop, **options)
            if (name := _name_of(coroutine)) and not self._over and len(self._tasks) < _MOST:
                self._tasks.append((name, task))
            return task

        loop.set_task_factory(make)
        if sys.gettrace() is None:  # a debugger's, or that of a measurement of coverage, stays
            sys.settrace(self._enter)

    def end(self) -> None:
        """Watch no longer; a thread that is traced stops being so at its next call."""
        self._over = True

    def tasks(self) -> tuple[TaskSeen, ...]:
        """The tasks that were made, the first one first."""
        return tuple(_seen(name, task) for name, task in self._tasks)

    def _enter(self, frame: FrameType, event: str, arg: object) -> Any:
        if self._over:
            sys.settrace(None)
            return None
        if not is_user_code(frame.f_code.co_filename):
            return None
        frame.f_trace_lines = False
        return self._inside

    def _inside(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "exception" and not self._over and len(self._seen) < _MOST:
            error = arg[1]
            if isinstance(error, BaseException) and not any(error is one for one in self._seen):
                self._seen.append(error)
                self._note(error, place(frame.f_code.co_filename, frame.f_lineno))
        return self._inside

    def _note(self, error: BaseException, where: str) -> None:
        name = type(error).__name__
        # A send to a connection that is gone raises this one.
        gone = isinstance(error, RuntimeError) and "websocket.send" in str(error)
        if name not in _EVERYDAY and not gone:
            self.caught.setdefault((name, where), Caught(name, last_line(error), where))


def unfinished() -> tuple[TaskSeen, ...]:
    """The tasks and timers of the reader's own code on the running loop that are not done and nobody has cancelled."""
    left = [task for task in asyncio.all_tasks() if not task.cancelling()]
    own = tuple(_seen(_name_of(task.get_coro()), task) for task in left if _name_of(task.get_coro()))
    # What is called when a task of a library's is done, such as `asyncio.sleep()`, serves as a timer, too.
    calls = [(call, ()) for task in left for call, _ in getattr(task, "_callbacks", None) or ()]
    return own + tuple(filter(None, (_seen_call(*call) for call in (*calls, *_timers()))))


def _timers() -> Iterator[tuple[Any, Sequence[Any]]]:
    """What the running loop is still to call at a later time, with its arguments."""
    loop = asyncio.get_running_loop()
    # asyncio's private names, which uvloop does not have; a timer whose time has come waits among the ready ones.
    for handle in (*getattr(loop, "_scheduled", ()), *getattr(loop, "_ready", ())):
        if isinstance(handle, asyncio.TimerHandle) and not handle.cancelled():
            yield getattr(handle, "_callback", None), handle._args or ()


def _seen_call(call: Any, args: Sequence[Any]) -> TaskSeen | None:
    """A call to come, where it is one of the reader's own functions or begins one of their coroutines."""
    while isinstance(call, functools.partial):
        call, args = call.func, (*call.args, *args)
    codes = [getattr(call, "__code__", None), *(getattr(one, "cr_code", None) for one in args)]
    for code in codes:
        if code is not None and is_user_code(code.co_filename):
            return TaskSeen(code.co_name, "timer", place(code.co_filename, code.co_firstlineno))
    return None


def _name_of(coroutine: object) -> str:
    """The name of the reader's own function that made a coroutine; empty where it is not the reader's."""
    code = getattr(coroutine, "cr_code", None)
    return str(code.co_name) if code is not None and is_user_code(code.co_filename) else ""


def _seen(name: str, task: asyncio.Task[Any]) -> TaskSeen:
    if not task.done():
        return TaskSeen(name, "waits", place_of_waiting(task.get_coro()))
    if task.cancelled():
        return TaskSeen(name, "cancelled")
    error = task.exception()
    if error is None:
        return TaskSeen(name, "ended")
    cause, where = innermost(error)
    return TaskSeen(name, "raised", where, last_line(cause))
