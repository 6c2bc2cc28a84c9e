"""Below a cell that failed: what a server raised meanwhile, which is often why.

A client sees a 500 or an end without a close frame; the exception behind it stands in the server's log.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from wslab.errors import LabError
from wslab.jupyter import in_kernel
from wslab.language import Text
from wslab.serving.listening import registered
from wslab.serving.log import Entry
from wslab.source import ipython_shell

_RAISED = Text(
    en="While this cell ran, this was raised in the server: {error}",
    tr="Bu hücre çalışırken sunucuda şu istisna oluştu: {error}",
)
_GRACE = 0.2  # seconds; the client has its answer a moment before the server has logged why
_MOST = 2
_NO_FAULT = "WebSocketDisconnect"
"""The exception that only says that a client has left."""

_began_ns = 0


def tell_of_failures() -> None:
    """From now on, show below a cell that failed what servers raised meanwhile; calling it again changes nothing."""
    if in_kernel():
        events = ipython_shell().events  # it takes a function once
        events.register("pre_run_cell", _begin)
        events.register("post_run_cell", _tell)


def _begin(_info: Any) -> None:
    global _began_ns
    _began_ns = time.perf_counter_ns()


def _tell(result: Any) -> None:
    error = getattr(result, "error_in_exec", None)
    if error is None or isinstance(error, LabError | KeyboardInterrupt | asyncio.CancelledError):
        return
    deadline = time.monotonic() + _GRACE
    raised = [
        entry
        for server in registered()
        for entry in server.log.errors_since(_began_ns, max(0, deadline - time.monotonic()))
        if entry.traceback  # what an app logs as an error without one was not raised
    ]
    told = dict.fromkeys(_told(entry) for entry in raised if _name(entry) != _NO_FAULT)
    for one in list(told)[:_MOST]:
        print(_RAISED.format(error=one))


def _told(entry: Entry) -> str:
    return f"{entry.text} ({entry.place})" if entry.place else entry.text


def _name(entry: Entry) -> str:
    return entry.text.partition(":")[0].rpartition(".")[2]
