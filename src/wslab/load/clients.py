"""Clients that cost next to nothing: each counts the bytes that come, and knows how many a message has."""

from __future__ import annotations

import asyncio
import base64
import os

from wslab.errors import LabError
from wslab.language import Text

SAID = b"x" * 64
FRAME = 2 + len(SAID)  # a short frame of a server: two bytes, and what was said
_SPOKEN = b"\x81" + bytes([0x80 | len(SAID)]) + b"\0\0\0\0" + SAID  # a client's: masked, here with zeros
_AT_ONCE = 50
_DEADLINE = 60.0

_TOO_SLOW = Text(
    en="A message to {sockets} clients had not reached all of them after {seconds} s. Ask for fewer: `--sockets`.",
    tr="{sockets} istemciye giden bir mesaj {seconds} saniyede hepsine ulaşmadı. Daha az istemci isteyin: `--sockets`.",
)
_NOT_OPENED = Text(en="The server did not open a WebSocket: {said}", tr="Sunucu WebSocket açmadı: {said}")


class _Client(asyncio.Protocol):
    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self.came = 0
        self._head = b""
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ("GET /ws HTTP/1.1", f"Host: {self.crowd.host}", "Upgrade: websocket", "Connection: Upgrade")
        head = "\r\n".join((*lines, f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""))
        transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        if not self._upgraded:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            status = head.partition(b"\r\n")[0]
            if b" 101 " not in status:
                self.opened.set_exception(LabError(_NOT_OPENED, said=status.decode()))
                return
            self._upgraded = True
        whole = self.came // FRAME
        self.came += len(data)
        if self.opened.done():
            self.crowd.count(self.came // FRAME - whole)
        elif self.came >= FRAME:  # the greeting
            self.opened.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(LabError(_NOT_OPENED, said=error or "–"))


class Crowd:
    """Clients of a server that all listen, and of which one speaks.

    Args:
        host: where the server listens.
        port: the same.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self._port = port
        self._clients: list[_Client] = []
        self._due = 0
        self._last: asyncio.Future[float] | None = None

    def __len__(self) -> int:
        return len(self._clients)

    async def grow(self, count: int) -> None:
        """Connect until there are so many."""
        loop = asyncio.get_running_loop()
        while (missing := count - len(self._clients)) > 0:
            async with asyncio.timeout(_DEADLINE):
                made = await asyncio.gather(
                    *(
                        loop.create_connection(lambda: _Client(self), self.host, self._port)
                        for _ in range(min(missing, _AT_ONCE))
                    )
                )
                self._clients += [client for _, client in made]
                await asyncio.gather(*(client.opened for _, client in made))

    async def broadcast(self) -> float:
        """Let one say something; the seconds until the last one has received it.

        Raises:
            LabError: it takes over a minute.
        """
        loop = asyncio.get_running_loop()
        self._due, self._last = len(self._clients), loop.create_future()
        begun = loop.time()
        transport = self._clients[0].transport
        assert transport is not None
        transport.write(_SPOKEN)
        try:
            async with asyncio.timeout(_DEADLINE):
                return await self._last - begun
        except TimeoutError:
            raise LabError(_TOO_SLOW, sockets=len(self._clients), seconds=round(_DEADLINE)) from None

    def count(self, messages: int) -> None:
        """What a client calls when whole messages have come."""
        self._due -= messages
        if self._due == 0 and messages and self._last is not None and not self._last.done():
            self._last.set_result(asyncio.get_running_loop().time())

    def leave(self) -> None:
        """End every connection at once."""
        for client in self._clients:
            if client.transport is not None:
                client.transport.abort()
        self._clients.clear()
