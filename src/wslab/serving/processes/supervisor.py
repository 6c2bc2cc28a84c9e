"""The process that starts the workers and starts another one where one has died: uvicorn's own supervisor.

It reads where the kernel listens from its standard input, and gets everything else from there. None of a learner's code
runs in it, so it always hears that the kernel has ended, and kills its workers then.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import socket
import sys
import threading
import time
from typing import Any

from uvicorn.supervisors import Multiprocess

from wslab import parent_process
from wslab.serving.processes.frames import Message, Plan
from wslab.serving.processes.line import Line
from wslab.serving.processes.worker import Config


class _OfUvicorn(logging.Handler):
    """What uvicorn's supervisor says becomes a row of the log."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        kind = "error" if record.levelno >= logging.ERROR else "log"
        self._line.say({"kind": "row", "row": [time.perf_counter_ns(), kind, record.getMessage()]})


def _end_at_once() -> None:
    """Leave no worker behind."""
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(1)


def _watch_parent(parent: int) -> None:
    # A process that the kernel has forked holds the kernel's end of the line open when the kernel is gone.
    parent_process.wait_for_its_end(parent)
    _end_at_once()


def _shared(share: str) -> socket.socket:
    """The socket that the kernel has shared with this process, as Windows does it (`socket.share`)."""
    return socket.fromshare(bytes.fromhex(share))  # type: ignore[attr-defined,no-any-return,unused-ignore]


def main() -> None:
    """Serve until the kernel says `end`, or ends itself."""
    said = json.loads(sys.stdin.readline())
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    line = Line(said["line"], said["secret"], "supervisor")
    first: dict[str, Any] = line.read()
    plan: Plan = first["plan"]
    share = first["share"]
    sock = _shared(share) if share is not None else socket.socket(fileno=said["socket"])
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(_OfUvicorn(line))
    supervisor = Multiprocess(Config.of(plan), [sock])

    def told(message: Message) -> None:
        if message["kind"] == "end":
            supervisor.should_exit.set()

    line.attend(told, _end_at_once)
    if sys.platform != "win32":
        threading.Thread(target=_watch_parent, args=(said["kernel"],), name="wslab parent", daemon=True).start()
    supervisor.run()
    line.flush()
