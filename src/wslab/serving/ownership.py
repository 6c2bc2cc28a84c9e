"""Whose code is running: a server's or a cell's? Output is told apart by this alone, never by the time it came.

A server's code is what runs in the server's thread, and what that code starts elsewhere (`threads.py`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from wslab.serving.log import Log


@dataclass(frozen=True, slots=True)
class Owner:
    """The server that some code belongs to.

    Attributes:
        log: of the server.
        connection: which one the code handles, as `#3 /ws`; empty outside any connection.
        muted: what the code prints is dropped, since it has been collected in another form.
    """

    log: Log
    connection: str = ""
    muted: bool = False


# A task, a callback and a call of asyncio.to_thread() inherit the context, so they know their connection as well. The
# thread decides where a context comes from elsewhere: from a cell that called server.submit(), for example.
_of_context: ContextVar[Owner | None] = ContextVar("wslab_owner", default=None)
_of_thread: dict[int, Owner] = {}


def current_owner() -> Owner | None:
    """The server that the running code belongs to; None for code that is no server's."""
    return _of_context.get() or _of_thread.get(threading.get_ident())


def owner_of_thread(ident: int) -> Owner | None:
    """The server that runs in this thread at the moment, by the thread's identifier."""
    return _of_thread.get(ident)


def threads_of(log: Log) -> list[int]:
    """The identifiers of the threads that work for the server with this log at the moment."""
    return [ident for ident, owner in list(_of_thread.items()) if owner.log is log]


def begin_connection(log: Log, connection: str) -> None:
    """From here on the running task handles this connection, and so does what it starts."""
    _of_context.set(Owner(log, connection))


@contextlib.contextmanager
def acting_for(owner: Owner) -> Iterator[None]:
    """What this thread does inside the block belongs to a server."""
    ident = threading.get_ident()
    before = _of_thread.get(ident)
    _of_thread[ident] = owner
    token = _of_context.set(owner)
    try:
        yield
    finally:
        _of_context.reset(token)
        if before is None:
            del _of_thread[ident]
        else:
            _of_thread[ident] = before
