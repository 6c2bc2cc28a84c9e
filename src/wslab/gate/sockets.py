"""WebSockets behind the gate: the app's, within the limits, and the one on which a visitor's page gets questions."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any, Protocol

from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from wslab.gate.limits import Bucket, Limits
from wslab.gate.people import Ending, Visitor

_LONGEST_MESSAGE = 4_096  # characters of a message from a page


class GateServices(Protocol):
    """What a WebSocket asks of its gate; `Gate` says what each of them is."""

    limits: Limits
    board: Callable[[Visitor], dict[str, Any]]
    hear: Callable[[Visitor, dict[str, Any]], None]
    changed: Callable[[], None]
    hang_up: Callable[[Scope], None]

    def refuse(self, reason: str, address: str) -> None:
        """Count a refusal."""

    def may_speak(self, visitor: Visitor, now: float) -> bool:
        """Whether one more message is within the limits."""

    def flooded_by(self, visitor: Visitor) -> str:
        """Count a flood; the reason for the close."""


class LimitedWebSocket:
    """A WebSocket of the app: its messages are counted, and a client that does not read cannot block other handlers."""

    def __init__(self, gate: GateServices, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        self._gate = gate
        self._visitor = visitor
        self._scope = scope
        self._receive = receive
        self._send = send
        self._now = asyncio.get_running_loop().time
        self._handler = asyncio.current_task()
        self._accepted = False
        self._closed_by_app = False
        self._ended: tuple[int, str] | None = None

    async def close(self, ending: Ending) -> None:
        """Close the connection; from now on the app finds it gone."""
        await self._close(ending.code, ending.reason.into(self._visitor.language))

    async def _close(self, code: int, reason: str) -> None:
        if self._ended is not None:
            return
        self._ended = (code, reason)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._gate.limits.send_deadline):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
            return
        self._gate.hang_up(self._scope)

    async def receive(self) -> Message:
        """The app's `receive`."""
        if self._ended is None:
            message = await self._receive()
        if self._ended is not None:
            return {"type": "websocket.disconnect", "code": self._ended[0], "reason": self._ended[1]}
        if message["type"] == "websocket.receive":
            gate = self._gate
            if not gate.may_speak(self._visitor, self._now()):
                await self._close(1008, gate.flooded_by(self._visitor))
                return await self.receive()
            self._visitor.messages += 1
            gate.changed()
        return message

    async def send(self, message: Message) -> None:
        """The app's `send`."""
        kind = message["type"]
        if self._ended is not None:
            return self._gone()
        if kind == "websocket.close":
            self._closed_by_app = True
        elif kind == "websocket.accept":
            self._accepted = True
        if kind != "websocket.send" or not self._accepted or self._closed_by_app:
            return await self._send(message)
        try:
            async with asyncio.timeout(self._gate.limits.send_deadline):
                await self._send(message)
        except TimeoutError:
            self._gate.refuse("slow-consumer", self._visitor.address)
        except Exception:
            # uvicorn says that the client is gone: a phone that sleeps.
            if asyncio.current_task() is self._handler:
                raise
        else:
            return None
        self._ended = (1006, "")
        self._gate.hang_up(self._scope)
        return self._gone()

    def _gone(self) -> None:
        # The client's own handler gets the exception that the ASGI specification asks for. The handler of another
        # client, which broadcasts, gets none: otherwise one phone that sleeps would end whoever spoke last.
        if asyncio.current_task() is self._handler:
            raise ConnectionResetError("the client is gone")


class PageSocket:
    """The gate's own WebSocket of a visitor's page: it shows the board and takes answers.

    Raises from `run()` what `board` or `hear` raised; the server's log gets it, and the page connects again.
    """

    def __init__(self, gate: GateServices, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        self.visitor = visitor
        self._gate = gate
        self._scope = scope
        self._socket = WebSocket(scope, receive, send)
        self._changed = asyncio.Event()
        self._changed.set()
        self._showing: asyncio.Task[None] | None = None

    def show_again(self) -> None:
        """Send the board anew."""
        self._changed.set()

    async def accept(self) -> None:
        """Finish the handshake."""
        await self._socket.accept()

    async def run(self) -> None:
        """Serve the page until it leaves."""
        self._showing = asyncio.create_task(self._show())
        try:
            await self._listen()
        finally:
            self._showing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._showing

    async def close(self, ending: Ending) -> None:
        """Say why, and close."""
        language = self.visitor.language
        over = json.dumps({"over": ending.sentence.into(language)}, ensure_ascii=False)
        self._stop_showing()
        await self._send(
            {"type": "websocket.send", "text": over},
            {"type": "websocket.close", "code": ending.code, "reason": ending.reason.into(language)},
        )

    def _stop_showing(self) -> None:
        # Before a close: a send after it is an error.
        if self._showing is not None:
            self._showing.cancel()

    async def _send(self, *messages: Message) -> bool:
        """Send, with one deadline for all; False where the connection was aborted instead."""
        try:
            async with asyncio.timeout(self._gate.limits.send_deadline):
                for message in messages:
                    await self._socket.send(message)
            return True
        except TimeoutError:
            self._gate.refuse("slow-consumer", self.visitor.address)
        except Exception:
            pass  # uvicorn says that the page is gone
        self._gate.hang_up(self._scope)
        return False

    async def _show(self) -> None:
        shown = True
        while shown:
            await self._changed.wait()
            self._changed.clear()
            try:
                text = json.dumps(self._gate.board(self.visitor), ensure_ascii=False)
            except Exception:
                # Without this the socket stays open, and the page waits for a question that never comes.
                self._gate.hang_up(self._scope)
                raise
            shown = await self._send({"type": "websocket.send", "text": text})

    async def _listen(self) -> None:
        limits, now = self._gate.limits, asyncio.get_running_loop().time
        bucket = Bucket(limits.messages_per_second, limits.message_burst, now())
        while (message := await self._socket.receive())["type"] == "websocket.receive":
            if not bucket.take(now()):
                self._stop_showing()
                reason = self._gate.flooded_by(self.visitor)
                await self._send({"type": "websocket.close", "code": 1008, "reason": reason})
                return
            text = message.get("text") or ""
            with contextlib.suppress(ValueError, RecursionError):
                said = json.loads(text) if len(text) <= _LONGEST_MESSAGE else None
                if isinstance(said, dict):
                    self._gate.hear(self.visitor, said)
                    self.show_again()
