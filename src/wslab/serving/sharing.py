"""An event loop that leaves the interpreter to other threads between two of its turns."""

from __future__ import annotations

import asyncio
import selectors
import time

_LEAVE = 0.00001


class _Sharing(selectors.DefaultSelector):
    """Sleeps before it polls.

    A loop that always has a step to run lets go of the interpreter's lock only in system calls, and takes it back
    before a thread that waits for the lock has woken up. Such a thread then gets nothing for 0.1 s and more.
    """

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            time.sleep(_LEAVE)
        return super().select(timeout)


def sharing_loop() -> asyncio.AbstractEventLoop:
    """A new event loop for the server of a check, whose clients run in another thread of the same process."""
    return asyncio.SelectorEventLoop(_Sharing())
