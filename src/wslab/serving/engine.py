"""uvicorn's server, with two changes: it says when it is ready, and it stops when it is told, not at the next tick."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import uvicorn


class Engine(uvicorn.Server):
    """A `uvicorn.Server` that sleeps on an event instead of waking ten times a second."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[], None],
        farewell: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """
        Args:
            config: uvicorn's.
            on_ready: called once the server answers.
            farewell: awaited when the server stops, while its connections are still open.
        """
        super().__init__(config)
        self._on_ready = on_ready
        self._farewell = farewell
        self._asked_to_stop = asyncio.Event()

    def ask_to_stop(self) -> None:
        """Begin the shutdown; must be called on the server's own loop."""
        self.should_exit = True
        self._asked_to_stop.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_ready()

    async def main_loop(self) -> None:
        # on_tick(0) renews the Date header, which needs doing once a second. A film of the loop shows a
        # learner's own tasks the better for the nine wakes in ten that this saves.
        while not await self.on_tick(0):
            try:
                async with asyncio.timeout(1.0):
                    await self._asked_to_stop.wait()
            except TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A connection whose transport asyncio is still making when its server closes is lost half-made, and its
        # socket stays open. So nothing more is accepted from here on, and a few turns of the loop let half-made
        # transports finish.
        for sock in sockets or []:
            if sock.fileno() == -1:
                # Who abandoned this thread has closed it, and asyncio fails to close a server without its socket.
                self.servers = []
            else:
                asyncio.get_running_loop().remove_reader(sock)
        for _ in range(6):
            await asyncio.sleep(0)
        if self._farewell is not None:
            await self._farewell()
        await super().shutdown(sockets=sockets)
