"""Why the ■ button works: the kernel's loop is woken five times a second, and a cell that holds the loop is stopped.

An interrupt cancels a cell that awaits, but only when the loop next gets a turn. Without a timer that may be never; and
where nothing that a cell awaits ever waits, as in a loop that only sends, it has to be raised in the cell itself.
"""

from __future__ import annotations

import _thread
import asyncio
import signal
import threading
import time
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from wslab.jupyter import in_kernel
from wslab.source import ipython_shell

PERIOD = 0.2
"""Seconds between two wakes, and so the longest time that an interrupt waits for a loop that gets turns."""
_HELD = 2 * PERIOD
"""Seconds without a wake after which the loop counts as held."""

_beating: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, float] = weakref.WeakKeyDictionary()
"""The loops that are woken, and when each was last."""


def keep_interruptible() -> None:
    """Start waking the running loop, if it is a kernel's; calling it again changes nothing."""
    if not in_kernel():
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if loop in _beating:
        return

    def beat() -> None:
        _beating[loop] = time.monotonic()
        loop.call_later(PERIOD, beat)

    beat()
    ipython_shell().events.register("pre_run_cell", _stop_what_holds_the_loop)  # it takes a function once


def _stop_what_holds_the_loop(_info: Any) -> None:
    """Have an interrupt of the cell that begins now raised in it where the loop gets no turn to cancel it."""
    cancel = signal.getsignal(signal.SIGINT)
    if cancel is signal.default_int_handler or not callable(cancel):
        return  # a cell without `await`, in which Python raises KeyboardInterrupt by itself
    if threading.current_thread() is threading.main_thread() and (loop := asyncio.get_running_loop()) in _beating:
        # The kernel puts its own handler back when the cell ends.
        signal.signal(signal.SIGINT, _handler(loop, cancel))


def _handler(
    loop: asyncio.AbstractEventLoop, cancel: Callable[[int, FrameType | None], Any]
) -> Callable[[int, FrameType | None], None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        cancel(number, frame)
        asked = _beating[loop]
        if time.monotonic() - asked > _HELD:
            if _is_of_the_cell(frame):
                raise KeyboardInterrupt
            return

        def ask_again() -> None:
            if _beating[loop] == asked and signal.getsignal(signal.SIGINT) is interrupt:
                _thread.interrupt_main()

        later = threading.Timer(_HELD, ask_again)
        later.daemon = True
        later.start()

    return interrupt


def _is_of_the_cell(frame: FrameType | None) -> bool:
    """Whether this is the cell's own code, or code that it has called; raised elsewhere, it would end the kernel."""
    while frame is not None:
        if frame.f_code.co_name == "run_code" and frame.f_globals.get("__name__") == "IPython.core.interactiveshell":
            return True
        frame = frame.f_back
    return False
