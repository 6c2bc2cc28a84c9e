"""What a server logs and warns goes into its log; everybody else's goes where Python's rules send it.

No handler and no filter is added anywhere: with a handler at the root logger, `logging.basicConfig()` would do nothing
in a cell, and `logging.lastResort` would not print a cell's warnings.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

from wslab.serving.exceptions import collect_exception, place_of_caller
from wslab.serving.log import Kind
from wslab.serving.ownership import Owner, acting_for, current_owner, owner_of_thread
from wslab.serving.switching import ModuleSwitch, Switch
from wslab.source import is_user_code, place


class _Collector(logging.Handler):
    """Puts records into the log of the server that made them."""

    def emit(self, record: logging.LogRecord) -> None:
        owner = current_owner()
        if owner is None:
            return
        exception = record.exc_info[1] if record.exc_info else _of_lifespan(record)
        error, warning = record.levelno >= logging.ERROR, record.levelno >= logging.WARNING
        kind: Kind = "error" if error else "warning" if warning else "log"
        if exception is not None and record.name in _OF_UVICORN:  # its own words say less than the exception does
            collect_exception(owner.log, exception, owner.connection)
            return
        try:
            text = record.getMessage().strip()
        except Exception:  # as in every handler of logging: `log.warning("%d", "three")` raises nothing in the app
            self.handleError(record)
            return
        # A library may log what it does not catch: asyncio that of a task, websockets that of a connection.
        caught = is_user_code(record.pathname)
        where = place(record.pathname, record.lineno) if caught else ""
        if exception is None:
            owner.log.add(kind, text, connection=owner.connection, place=where, caught=caught)
            return
        if text:
            # The error is the exception, which follows: what is logged with it would count as a second one.
            owner.log.add("log" if error else kind, text, connection=owner.connection, place=where)
        collect_exception(owner.log, exception, owner.connection, kind=kind, caught=caught)


def _of_lifespan(record: logging.LogRecord) -> BaseException | None:
    """The exception of a lifespan: uvicorn logs the text of its traceback alone, while it is being handled."""
    told = record.name in _OF_UVICORN and "Traceback (most recent call last)" in str(record.msg)
    return sys.exc_info()[1] if told else None


_collector = _Collector()


def _reporting_loop() -> asyncio.BaseEventLoop | None:
    """The loop whose `default_exception_handler` is logging, if one is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is asyncio.BaseEventLoop.default_exception_handler.__code__:
            found = frame.f_locals["self"]
            return found if isinstance(found, asyncio.BaseEventLoop) else None
        frame = frame.f_back
    return None


def _belongs_elsewhere(record: logging.LogRecord) -> bool:
    # “Task exception was never retrieved” is logged by whichever thread collects the garbage, maybe a server's; the
    # task's own loop tells whose it is.
    if record.name != "asyncio":
        return False
    loop = _reporting_loop()
    thread = getattr(loop, "_thread_id", None)
    return thread is not None and owner_of_thread(thread) is None


def _shows_text(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler)


def _call_handlers(
    owner: Owner, logger: logging.Logger, call_handlers: Callable[..., None], record: logging.LogRecord
) -> None:
    if _belongs_elsewhere(record):
        call_handlers(record)
        return
    _collector.handle(record)
    # The app's own log file gets the record as ever. A cell does not: not by a handler that writes to a stream, nor by
    # one that prints.
    with acting_for(dataclasses.replace(owner, muted=True)):
        ancestor: logging.Logger | None = logger
        while ancestor is not None:
            for handler in ancestor.handlers:
                if record.levelno >= handler.level and not _shows_text(handler):
                    handler.handle(record)
            ancestor = ancestor.parent if ancestor.propagate else None


# What uvicorn says of a server is wanted from warnings on, whatever a cell has set its loggers to; and what a cell has
# set stays as it is, for another uvicorn may run in this process.
_OF_UVICORN = frozenset({"uvicorn.error", "uvicorn.access", "uvicorn.asgi"})


def _is_enabled_for(_owner: Owner, logger: logging.Logger, is_enabled_for: Callable[[int], bool], level: int) -> bool:
    return level >= logging.WARNING if logger.name in _OF_UVICORN else is_enabled_for(level)


def _handle(_owner: Owner, logger: logging.Logger, handle: Callable[..., None], record: logging.LogRecord) -> None:
    if logger.name not in _OF_UVICORN:
        handle(record)
    elif logger.filter(record):  # also where a cell's dictConfig() has disabled the loggers that it does not name
        logger.callHandlers(record)


def _show_warning(owner: Owner, _module: object, show: Callable[..., None], message: warnings.WarningMessage) -> None:
    if owner.muted:
        return
    if message.file is not None:
        show(message)
        return
    text = str(message.message)
    owner.log.add(
        "warning",
        f"{message.category.__name__}: {text.splitlines()[0] if text else ''}",
        connection=owner.connection,
        place=place(message.filename, message.lineno) if is_user_code(message.filename) else "",
    )


def _warn_unawaited(owner: Owner, _module: object, warn: Callable[..., None], coroutine: Any) -> None:
    # Python's own way shows a warning once for a line; a learner who runs the cell again must see it again.
    made = [place(file, line) for file, line, _ in coroutine.cr_origin or () if is_user_code(file)]
    owner.log.add(
        "warning",
        f"RuntimeWarning: coroutine '{coroutine.__qualname__}' was never awaited",
        connection=owner.connection,
        place=made[0] if made else place_of_caller(),
    )
    # Somebody else, a recording for one, may want to hear of it.
    with acting_for(dataclasses.replace(owner, muted=True)), contextlib.suppress(Warning):
        warn(coroutine)


switches: list[Switch | ModuleSwitch] = [
    Switch(logging.Logger, "callHandlers", _call_handlers),
    Switch(logging.Logger, "isEnabledFor", _is_enabled_for),
    Switch(logging.Logger, "handle", _handle),
    # `warnings.showwarning` is public, and for that reason a cell's: catch_warnings() and captureWarnings() put theirs
    # there. These two are what the interpreter itself calls, above it.
    ModuleSwitch(warnings, _showwarnmsg=_show_warning, _warn_unawaited_coroutine=_warn_unawaited),
]
