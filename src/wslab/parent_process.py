"""For a process that must not outlive the one that has started it, also where that one was killed."""

from __future__ import annotations

import ctypes
import os
import signal
import time

_PR_SET_PDEATHSIG = 1  # prctl(2)
_PERIOD = 1.0


def kill_with_parent() -> None:
    """From here on Linux kills this process when the thread that has started it ends. Source: prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def wait_for_its_end(parent: int) -> None:
    """Return once this process has another parent, which is looked at every second.

    Args:
        parent: the number of the process that has started this one.
    """
    while os.getppid() == parent:
        time.sleep(_PERIOD)
