"""Where a server's output goes: into its own log, not into whichever cell happens to run.

A context variable names the log. uvicorn's tasks and thread-pool calls inherit it from the server's thread, so
output is told apart by who made it, not by when. `print`, `warnings` and `logging` are hooked while a server
runs and left alone afterwards.
"""

from __future__ import annotations

import linecache
import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Iterable
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import IO, Any, TextIO

from wslab.serving.log import Kind, Log
from wslab.source import is_user_code, place

log_here: ContextVar[Log | None] = ContextVar("wslab_log", default=None)
connection_here: ContextVar[str] = ContextVar("wslab_connection", default="")

_LONGEST_LINE = 10_000
_NEVER_AWAITED = r"coroutine '.*' was never awaited"
# The tail that sys.set_coroutine_origin_tracking_depth adds to the warning: where the coroutine was made.
_ORIGIN = re.compile(r'File "(?P<file>[^"\n]+)", line (?P<line>\d+), in ')


def place_of(frame: FrameType | None) -> str:
    """The innermost place in this frame or its callers that is the reader's own code; empty if there is none."""
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            return place(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return ""


def _place_of_caller() -> str:
    return place_of(sys._getframe(1))


def fold(trace: TracebackType | None) -> tuple[str, str]:
    """A traceback's lines that are the reader's own, innermost last, and the place of the innermost."""
    lines: list[str] = []
    where = ""
    for frame, number in traceback.walk_tb(trace):
        code = frame.f_code
        if is_user_code(code.co_filename):
            where = place(code.co_filename, number)
            source = linecache.getline(code.co_filename, number, frame.f_globals).strip()
            lines.append(f"{where}, in {code.co_name}: {source}" if source else f"{where}, in {code.co_name}")
    return "\n".join(lines), where


def collect_exception(log: Log, exception: BaseException, connection: str = "", note: str = "") -> None:
    """Put an exception into `log`: its last line, the reader's own lines, and the whole traceback."""
    folded, where = fold(exception.__traceback__)
    last = "".join(traceback.format_exception_only(exception)).strip()
    log.add(
        "error",
        f"{note}: {last}" if note else last,
        connection=connection,
        place=where,
        detail=folded,
        traceback="".join(traceback.format_exception(exception)),
    )


class _Routed:
    """A stand-in for sys.stdout or sys.stderr: a server's writes go to its log, all others straight through."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._pending: dict[int, tuple[Log, str, str, str]] = {}

    def write(self, text: str) -> int:
        log = log_here.get()
        if log is None:
            return self.stream.write(text)
        thread, connection = threading.get_ident(), connection_here.get()
        pending = self._pending.pop(thread, None)
        start = ""
        where = _place_of_caller()
        if pending is not None:
            if pending[0] is log and pending[1] == connection:
                start, where = pending[3], pending[2] or where
            else:  # somebody else's half line: it ends where the other one begins
                pending[0].add("print", pending[3], connection=pending[1], place=pending[2])
        *lines, rest = (start + text).split("\n")
        for line in lines:
            log.add("print", line[:_LONGEST_LINE], connection=connection, place=where)
        if rest:
            self._pending[thread] = (log, connection, where, rest[:_LONGEST_LINE])
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if log_here.get() is None:
            self.stream.flush()
            return
        pending = self._pending.pop(threading.get_ident(), None)
        if pending is not None:
            pending[0].add("print", pending[3], connection=pending[1], place=pending[2])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Handler(logging.Handler):
    """Collects what is logged inside a server."""

    def emit(self, record: logging.LogRecord) -> None:
        log = log_here.get()
        if log is None:
            return
        exception = record.exc_info[1] if record.exc_info else None
        if exception is not None:
            collect_exception(log, exception, connection_here.get())
            return
        kind: Kind = "error" if record.levelno >= logging.ERROR else "warning" if record.levelno >= 30 else "log"
        own = place(record.pathname, record.lineno) if is_user_code(record.pathname) else ""
        log.add(kind, record.getMessage().strip(), connection=connection_here.get(), place=own)


class _ElsewhereOnly(logging.Filter):
    """Keeps what was collected away from the handlers that would show it in a cell."""

    def filter(self, record: logging.LogRecord) -> bool:
        return log_here.get() is None


_handler = _Handler()
_elsewhere = _ElsewhereOnly()
_lock = threading.RLock()
_users = 0
_show_before: Any = None


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    log = log_here.get()
    if log is None or file is not None:
        _show_before(message, category, filename, lineno, file, line)
        return
    text = str(message)
    for origin in _ORIGIN.finditer(text):
        filename, lineno = origin["file"], int(origin["line"])
    log.add(
        "warning",
        f"{category.__name__}: {text.splitlines()[0] if text else ''}",
        connection=connection_here.get(),
        place=place(filename, lineno) if is_user_code(filename) else "",
    )


def ensure() -> None:
    """Hook print, warnings and logging, or hook them again where somebody has put another in front since."""
    global _show_before
    with _lock:
        if not _users:
            return
        for name in ("stdout", "stderr"):
            stream: IO[str] | None = getattr(sys, name)
            if stream is not None and not isinstance(stream, _Routed):
                setattr(sys, name, _Routed(stream))  # type: ignore[arg-type]
        if warnings.showwarning is not _show_warning:
            _show_before = warnings.showwarning
            warnings.showwarning = _show_warning
            # Python shows a warning once for a line; a learner who runs the cell again must see it again.
            # The filter stays afterwards: it hides nothing, and taking it out would need private functions.
            warnings.filterwarnings("always", _NEVER_AWAITED, RuntimeWarning)
        root = logging.getLogger()
        if _handler not in root.handlers:
            root.addHandler(_handler)
        for other in root.handlers:
            if other is not _handler and _elsewhere not in other.filters:
                other.addFilter(_elsewhere)


def begin() -> None:
    """One more server runs: its output is collected from now on."""
    global _users
    with _lock:
        _users += 1
        ensure()


def end() -> None:
    """One server fewer; after the last one every hook that is still on top is taken away."""
    global _users
    with _lock:
        _users -= 1
        if _users:
            return
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, _Routed):
                setattr(sys, name, stream.stream)
        if warnings.showwarning is _show_warning:
            warnings.showwarning = _show_before
        root = logging.getLogger()
        root.removeHandler(_handler)
        for other in root.handlers:
            other.removeFilter(_elsewhere)
