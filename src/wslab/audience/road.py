"""A way to a server on which connections can be lost as they are outside: silently, or for being idle."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from wslab.serving import Server


class Road:
    """A TCP relay in front of a server: bytes pass as they are, until something happens on the way.

    Attributes:
        ws_url: the address for WebSockets by this way, without a slash at the end.
    """

    def __init__(self, server: Server, idle: float | None) -> None:
        self.ws_url = ""
        self._server = server
        self._idle = idle
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    def cut(self) -> None:
        """Let nothing pass any more, and tell neither end: the pulled cable, the phone in the tunnel."""
        self._open.clear()

    def mend(self) -> None:
        """Let everything pass again, what has waited included."""
        self._open.set()

    async def _serve(self) -> asyncio.Server:
        relay = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.ws_url = f"ws://127.0.0.1:{relay.sockets[0].getsockname()[1]}"
        return relay

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        onward, to_server = await asyncio.open_connection(self._server.host, self._server.port)
        self._writers.append(to_server)
        ends = (writer, to_server)
        last = [asyncio.get_running_loop().time()]
        for source, target in ((reader, to_server), (onward, writer)):
            self._start(self._pass_on(source, target, last))
        if self._idle is not None:
            self._start(self._drop_idle(ends, last, self._idle))

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, last: list[float]) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._open.wait()
                last[0] = asyncio.get_running_loop().time()
                target.write(data)
                await target.drain()
        await self._open.wait()
        target.close()

    async def _drop_idle(
        self, ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter], last: list[float], idle: float
    ) -> None:
        loop = asyncio.get_running_loop()
        while (left := last[0] + idle - loop.time()) > 0:  # noqa: ASYNC110 - it sleeps until the next byte is overdue
            await asyncio.sleep(left)
        for end in ends:
            end.transport.abort()

    async def _end(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def road(server: Server, *, idle: float | None = None) -> AsyncIterator[Road]:
    """Open a way to a server; at the end of the block it is closed, and every connection on it.

    Args:
        server: as `serve()` gives it.
        idle: seconds without a byte in either direction after which a connection is dropped, as proxies do (nginx
            after 60, `proxy_read_timeout`); None: never.
    """
    way = Road(server, idle)
    relay = await way._serve()
    try:
        yield way
    finally:
        relay.close()
        await way._end()
