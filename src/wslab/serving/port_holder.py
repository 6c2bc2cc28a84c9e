"""Who holds a port in this very process: an earlier server of the reader's own, or a socket that was left open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import selectors
import socket
import sys
import threading
from types import FrameType
from typing import Any

import uvicorn

from wslab.language import Text

_THREAD = Text(en="its thread {name!r}", tr="{name!r} adlı iş parçacığı")
_A_SOCKET = Text(en="a socket that is still open", tr="hâlâ açık olan bir soket")


def holder_here(port: int) -> str:
    """What a reader calls the owner of this port in this very process; empty where it is another process's."""
    own = [sock for sock in gc.get_objects() if issubclass(type(sock), socket.socket) and _occupies(sock, port)]
    descriptors = {sock.fileno() for sock in own}
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, innermost in sys._current_frames().items():
        frame: FrameType | None = innermost
        while frame is not None and frame.f_code is not holder_here.__code__:
            if any(_waits(value, port, descriptors) for value in list(frame.f_locals.values())):
                return _THREAD.format(name=names.get(ident, str(ident)))
            frame = frame.f_back
    return str(_A_SOCKET) if own else ""


def _occupies(sock: Any, port: int) -> bool:
    """Whether a socket is bound to the port, and is no connection of a server's."""
    try:
        address = sock.getsockname()
    except (OSError, AttributeError):  # it is closed, or no socket
        return False
    if not isinstance(address, tuple) or address[1:2] != (port,):
        return False
    try:
        sock.getpeername()
    except (OSError, AttributeError):
        return True
    return False


def _waits(value: object, port: int, descriptors: set[int]) -> bool:
    """Whether a thread that has this among its variables waits for clients of the port."""
    if isinstance(value, socket.socket):
        return value.fileno() in descriptors
    # An event loop of asyncio has a selector; http.server waits by one of its own.
    selector = getattr(value, "_selector", None) if isinstance(value, asyncio.AbstractEventLoop) else value
    if isinstance(selector, selectors.BaseSelector):
        with contextlib.suppress(RuntimeError):  # it is closed, or changes at this moment
            return not descriptors.isdisjoint(selector.get_map() or ())
    if isinstance(value, uvicorn.Server):  # on uvloop, which has sockets of its own
        held = [sock for server in getattr(value, "servers", ()) for sock in server.sockets]
        return any(_occupies(sock, port) for sock in held)
    return False
