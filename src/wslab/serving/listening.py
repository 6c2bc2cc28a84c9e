"""What every server of `serve()` has, be it a thread of this process or processes of its own."""

from __future__ import annotations

import asyncio
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, Self

from wslab.gate import Gate
from wslab.language import Text
from wslab.serving import browser
from wslab.serving.connections import Connections
from wslab.serving.log import Log

_STOPPED = Text(en="stopped", tr="durduruldu")
_RUNNING = Text(en="running, open WebSockets: {count}", tr="çalışıyor, açık WebSocket: {count}")
BLOCKED = Text(en="{place} holds the event loop", tr="olay döngüsünü {place} tutuyor")
WAITING = Text(en="something in it does not end", tr="içinde bir şey bitmiyor")


class Listening(ABC):
    """A server that listens at an address. It is a context manager, and awaiting it gives the server itself.

    Attributes:
        host, port: where it listens.
        name: what it is called in pictures.
        log: what the app printed, warned and raised.
        gate: what stands before the app when it is shared with a room, else None.
    """

    def __init__(self, host: str, port: int, name: str) -> None:
        self.host = host
        self.port = port
        self._wanted_port = port
        self.name = name
        self.log = Log()
        self.gate: Gate | None = None
        self.cell: tuple[str, int] | None = None
        """The notebook cell that started it, and that cell's execution count."""
        self._identity = secrets.token_hex(8)

    @property
    def url(self) -> str:
        """The address for HTTP, without a slash at the end: `http://127.0.0.1:53211`.

        For this machine; that of a server with a token holds the token: `http://127.0.0.1:53211/k7mq-2x9t-w4hd`.
        """
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}" + (f"/{self.gate.token}" if self.gate is not None else "")

    @property
    def ws_url(self) -> str:
        """The address for WebSockets, without a slash at the end: `ws://127.0.0.1:53211`."""
        return "ws" + self.url.removeprefix("http")

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether it answers."""

    @property
    @abstractmethod
    def open_websockets(self) -> int:
        """How many WebSocket handlers have accepted and not ended yet."""

    @property
    @abstractmethod
    def connections(self) -> Connections:
        """The WebSocket connections that uvicorn holds at this moment, oldest first; displayed, a table.

        Each has its `peer`, its `path`, the bytes that wait in its write buffer (`buffered`) and `since` when it is
        there. One whose handler has ended is among them until its last byte is gone; `open_websockets` counts handlers.
        """

    @abstractmethod
    def start(self, deadline: float = 10.0) -> Self:
        """Bind, start, and return once the server answers.

        Args:
            deadline: seconds that the app's own start-up may take.

        Raises:
            ServerStartError: the port is taken, or the app raised or did not finish while it started.
        """

    @abstractmethod
    def stop(self, deadline: float = 5.0) -> None:
        """Close every connection (WebSockets with 1012) and run the app's shutdown.

        Args:
            deadline: seconds to wait at most.
        """

    def restart(self) -> Self:
        """Stop and start again on the same port, with an empty log; open connections end with 1012.

        A server that took any free port takes another one if a program has been given its own meanwhile.
        """
        self.stop()
        self.log.begin_anew()
        return self.start()

    def page(self, path: str = "/", height: int = 320) -> browser.Page:
        """The page at `path`, shown in the notebook; straight or through jupyter-server-proxy, whichever reaches it.

        Args:
            path: where on this server, `/` by default; without a slash in front, one is put there.
            height: of the frame, in pixels.
        """
        return browser.Page(self.url, self.port, self._identity, "/" + path.removeprefix("/"), height)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def __await__(self) -> Generator[Any, None, Self]:
        # `await serve(app)` is a slip that costs nothing, so it works.
        yield from asyncio.sleep(0).__await__()
        return self

    def _state(self) -> str:
        return _RUNNING.format(count=self.open_websockets) if self.running else str(_STOPPED)

    def __repr__(self) -> str:
        return f"<Server {self.name} {self.url} · {self._state()}>"

    def _repr_html_(self) -> str:
        return browser.card(self.name, self.url, self.ws_url, self.port, self._identity, self._state(), self.running)


_running: list[Listening] = []
_registry = threading.RLock()


def register(server: Listening) -> None:
    """It runs from now on, and `servers()` names it."""
    with _registry:
        _running.append(server)


def unregister(server: Listening) -> None:
    """It does not run any more, or did not; no harm where it was not registered."""
    with _registry:
        if server in _running:
            _running.remove(server)


def registered() -> list[Listening]:
    """The servers that run, oldest first."""
    with _registry:
        return [server for server in _running if server.running]


def forget() -> None:
    """In a forked child: they are the parent's."""
    _running.clear()
