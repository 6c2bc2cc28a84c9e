"""The ASGI layer between uvicorn and the app: it notes each message and answers the kit's own reachability probe.

It changes no message. Source: the ASGI specification, HTTP & WebSocket message format, version 2.4.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from wslab.asgi import sent_path
from wslab.language import shortened
from wslab.serving import collecting, printing
from wslab.serving.exceptions import place_of_caller
from wslab.serving.log import Log
from wslab.serving.ownership import begin_connection
from wslab.source import place

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

PROBE_PATH = "/.well-known/wslab"
"""A page in the browser asks here whether it reaches this very server; the learner's app never sees it."""

NOT_REGISTERED = "no WebSocket handler is registered for "
NOT_GIVEN = "FastAPI refused the WebSocket, since the address does not give the parameter: "
"""How the log begins to say why a handshake was answered with 403. The client is not told, nor is the handler run."""
FROM_ELSEWHERE = "sent from another thread than the server's, whose loop the socket belongs to: "
"""How the log begins to say that a message came from elsewhere; told once for each connection."""

_LONGEST = 200


def _why_refused(scope: Message, message: Message) -> str:
    """Why Starlette or FastAPI refused a WebSocket by themselves; empty where the app's own code did it."""
    # Starlette's router notes itself and the endpoint in the scope; FastAPI puts its list of errors in as the reason.
    if "router" in scope and "endpoint" not in scope:
        return NOT_REGISTERED + sent_path(scope)
    errors = message.get("reason")
    if isinstance(errors, list):
        missing = [error["loc"][-1] for error in errors if isinstance(error, dict) and error.get("type") == "missing"]
        return NOT_GIVEN + ", ".join(map(str, missing)) if missing else ""
    return ""


def _detail(message: Message) -> str:
    kind = message["type"]
    if kind in ("websocket.receive", "websocket.send"):
        text = message.get("text")
        payload = text if text is not None else repr(bytes(message.get("bytes") or b"")[:_LONGEST])
        return shortened(payload, _LONGEST)
    if kind in ("websocket.close", "websocket.disconnect"):
        # The code that the message leaves out is 1000 in a close and 1005 in a disconnect (ASGI specification).
        code = message.get("code", 1000 if kind == "websocket.close" else 1005)
        return f"{code} {message.get('reason') or ''}".strip()
    if kind in ("http.response.start", "websocket.http.response.start"):
        return str(message["status"])
    return ""


class Observed:
    """An ASGI app around the learner's app.

    Attributes:
        open_websockets: how many WebSocket handlers have accepted and not ended yet.
        lifespan_error: what the app raised while it started or stopped, None if nothing.
    """

    def __init__(self, app: App, log: Log, identity: str) -> None:
        self.app = app
        self.log = log
        self.identity = identity
        self.open_websockets = 0
        self.lifespan_error: BaseException | None = None
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            try:
                await self.app(scope, receive, send)
            except BaseException as error:
                self.lifespan_error = error
                raise
            return
        if scope["type"] == "http" and sent_path(scope) == PROBE_PATH:
            await self._answer_probe(send)
            return
        collecting.ensure()
        await self._observe(scope, receive, send)

    async def _observe(self, scope: Message, receive: Receive, send: Send) -> None:
        query = scope.get("query_string", b"").decode("latin-1")
        what = sent_path(scope) + (f"?{query}" if query else "")
        if scope["type"] == "http":
            what = f"{scope['method']} {what}"
        connection = f"#{next(self._numbers)} {what}"
        # Not reset afterwards: uvicorn logs an uncaught exception in this same context, and the task ends with it.
        begin_connection(self.log, connection)
        accepted = False
        home, loop, elsewhere = threading.get_ident(), asyncio.get_running_loop(), False

        def note(message: Message) -> None:
            self.log.add("asgi", message["type"], connection=connection, detail=_detail(message))

        async def noted_receive() -> Message:
            message = await receive()
            note(message)
            collecting.ensure()
            return message

        async def noted_send(message: Message) -> None:
            nonlocal accepted, elsewhere
            # A list may hold connections of a server that has ended: what is sent to these is no question of threads.
            if threading.get_ident() != home and loop.is_running() and not elsewhere:
                elsewhere = True
                self.log.add(
                    "warning", FROM_ELSEWHERE + message["type"], connection=connection, place=place_of_caller()
                )
            if message["type"] == "websocket.accept" and not accepted:
                # Counted before it leaves, so that a client that holds its 101 is always among the counted.
                accepted = True
                self.open_websockets += 1
            elif message["type"] == "websocket.close" and not accepted and (why := _why_refused(scope, message)):
                endpoint = getattr(scope.get("endpoint"), "__code__", None)
                where = place(endpoint.co_filename, endpoint.co_firstlineno) if endpoint is not None else ""
                self.log.add("warning", why, connection=connection, place=where)
            await send(message)
            note(message)

        try:
            await self.app(scope, noted_receive, noted_send)
        finally:
            if accepted:
                self.open_websockets -= 1
            printing.end_lines()
            self.log.add("asgi", "handler.end", connection=connection)

    async def _answer_probe(self, send: Send) -> None:
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"access-control-allow-origin", b"*"),
            (b"access-control-allow-private-network", b"true"),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.identity.encode()})
