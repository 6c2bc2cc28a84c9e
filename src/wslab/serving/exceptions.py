"""Exceptions and places as a reader of a server's log wants them: their own lines, and nothing of the libraries."""

from __future__ import annotations

import asyncio
import linecache
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

from wslab.errors import exception_paths
from wslab.serving.log import Kind, Log
from wslab.source import is_user_code, place

_MOST_LEAVES = 20  # different ones of one group: a broadcast to a full room may fail for each client


def place_of(frame: FrameType | None) -> str:
    """The innermost place in this frame or its callers that is the reader's own code; empty if there is none."""
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            return place(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return ""


def outermost_function(frame: FrameType | None) -> str:
    """The first of the reader's own functions that led to this frame; empty if there is none."""
    name = ""
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            name = frame.f_code.co_name
        frame = frame.f_back
    return name


def place_of_caller() -> str:
    """The innermost place of the running code that is the reader's own; empty if there is none."""
    return place_of(sys._getframe(1))


def place_of_waiting(awaited: object) -> str:
    """The innermost of the reader's own lines at which a coroutine waits; empty if there is none."""
    where = ""
    while (frame := getattr(awaited, "cr_frame", None)) is not None:
        if is_user_code(frame.f_code.co_filename):
            where = place(frame.f_code.co_filename, frame.f_lineno)
        awaited = getattr(awaited, "cr_await", None)
    return where


def fold(*exceptions: BaseException) -> tuple[str, str]:
    """The lines of these exceptions' tracebacks that are the reader's own, and the place of the last one.

    Args:
        exceptions: one, or a group and what it holds, outermost first.
    """
    lines: list[str] = []
    where = ""
    for exception in exceptions:
        for frame, number in traceback.walk_tb(exception.__traceback__):
            code = frame.f_code
            if is_user_code(code.co_filename):
                where = place(code.co_filename, number)
                source = linecache.getline(code.co_filename, number, frame.f_globals).strip()
                lines.append(f"{where}, in {code.co_name}: {source}" if source else f"{where}, in {code.co_name}")
    return "\n".join(lines), where


def last_line(exception: BaseException) -> str:
    """What a traceback of it ends with: `ValueError: kaput`."""
    return "".join(traceback.format_exception_only(exception)).strip()


def innermost(exception: BaseException) -> tuple[BaseException, str]:
    """The exception itself, or the first one in a group; and the reader's own line that raised it."""
    path = next(exception_paths(exception))
    return path[-1], fold(*path)[1]


def collect_exception(
    log: Log,
    exception: BaseException,
    connection: str = "",
    note: str = "",
    kind: Kind = "error",
    *,
    caught: bool = False,
) -> None:
    """Put an exception into `log`: its last line, the reader's own lines, and the whole traceback.

    A group becomes an entry for each exception in it, as if the exception had come alone.
    """
    found: dict[tuple[str, str], str] = {}
    for path in exception_paths(exception):
        folded, where = fold(*path)
        found.setdefault((last_line(path[-1]), where), folded)
        if len(found) == _MOST_LEAVES:
            break
    whole = "".join(traceback.format_exception(exception))
    for (last, where), folded in found.items():
        log.add(
            kind,
            f"{note}: {last}" if note else last,
            connection=connection,
            place=where,
            detail=folded,
            traceback=whole,
            caught=caught,
        )


def loop_errors_into(log: Log) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """An exception handler for an event loop that puts what the loop reports into `log`.

    Source: Python docs, `loop.set_exception_handler()`.
    """

    def collect(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        message = context.get("message", "")
        if "exception" in context:
            collect_exception(log, context["exception"], note=message)
        else:
            log.add("error", message)

    return collect
