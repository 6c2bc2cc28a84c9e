"""The watchdog: a thread that samples which line is running while a step takes too long."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslab.recording.tape import Tape

_log = logging.getLogger("wslab.recording")


class Watchdog:
    """Watches every tape that is being written; its thread lives only while there is one.

    It sleeps until the running step may have become too long. While nothing blocks it wakes 40 times a second at most.
    """

    def __init__(self) -> None:
        self._tapes: list[Tape] = []
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, tape: Tape) -> None:
        """Begin to watch `tape`."""
        with self._change:
            self._tapes.append(tape)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wslab recorder watchdog", daemon=True)
                self._thread.start()

    def forget(self, tape: Tape) -> None:
        """Stop watching `tape`; the thread ends with the last one."""
        with self._change:
            if tape in self._tapes:
                self._tapes.remove(tape)
            self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                if not self._tapes:
                    self._thread = None
                    return
                tapes = list(self._tapes)
            pause = 1.0
            for tape in tapes:
                try:
                    pause = min(pause, tape.look_for_blocking() / 1e9)
                except Exception:
                    _log.exception("the watchdog failed; blocked lines of one loop are no longer named")
                    self.forget(tape)
            with self._change:
                if self._tapes == tapes:
                    self._change.wait(max(pause, 0.001))
