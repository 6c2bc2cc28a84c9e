"""Exceptions and places as a reader of a server's log wants them: their own lines, and nothing of the libraries."""

from __future__ import annotations

import linecache
import sys
import traceback
from types import FrameType, TracebackType

from wslab.serving.log import Log
from wslab.source import is_user_code, place


def place_of(frame: FrameType | None) -> str:
    """The innermost place in this frame or its callers that is the reader's own code; empty if there is none."""
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            return place(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return ""


def place_of_caller() -> str:
    """The innermost place of the running code that is the reader's own; empty if there is none."""
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
