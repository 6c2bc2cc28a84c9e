"""Why the ■ button works: the kernel's loop is woken five times a second.

An interrupt reaches a cell that awaits only when the loop next wakes; without a timer that may be never.
"""

from __future__ import annotations

import asyncio
import weakref

from wslab.jupyter import in_kernel

PERIOD = 0.2
"""Seconds between two wakes, and so the longest time that an interrupt waits."""

_beating: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()


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
    _beating.add(loop)

    def beat() -> None:
        loop.call_later(PERIOD, beat)

    beat()
