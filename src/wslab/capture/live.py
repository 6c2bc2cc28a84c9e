"""`capture()`: put yourself between a server and its clients, and see every byte."""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Protocol
from urllib.parse import urlsplit

from wslab.capture.data import Capture
from wslab.capture.errors import CaptureError
from wslab.capture.proxy import Proxy, Target
from wslab.capture.steps import Connection
from wslab.capture.transcript import Contents, Transcript
from wslab.language import Text

_NOT_A_SERVER = Text(
    en="capture() needs a server from serve(), or an address such as 'ws://127.0.0.1:8000'; this is {what}.",
    tr="capture(), serve() ile başlatılmış bir sunucu ya da 'ws://127.0.0.1:8000' gibi bir adres ister; bu ise {what}.",
)
_NOT_AN_ADDRESS = Text(
    en="{address!r} is no address that capture() can use; write one such as 'ws://127.0.0.1:8000'.",
    tr="{address!r} capture() için bir adres değil; 'ws://127.0.0.1:8000' gibi bir adres yazın.",
)
_ENCRYPTED = Text(
    en="{address!r} is encrypted, so its bytes cannot be read on the way; capture a ws:// or http:// server.",
    tr="{address!r} şifreli; baytları yolda okunamaz. ws:// ya da http:// adresli bir sunucuyu yakalayın.",
)
_UNKNOWN_HOST = Text(
    en="There is no host {host!r} ({why}).",
    tr="{host!r} adlı bir makine bulunamadı ({why}).",
)
_NOT_STARTED = Text(
    en="This capture has not begun. Write: with capture(server) as wire: … and connect to wire.ws_url inside.",
    tr="Bu yakalama başlamadı. Şöyle yazın: with capture(server) as wire: … ve içeride wire.ws_url adresine bağlanın.",
)
_ONCE = Text(
    en="A capture can be used once; write capture(server) again for another.",
    tr="Bir yakalama bir kez kullanılır; yenisi için tekrar capture(server) yazın.",
)


class ServerLike(Protocol):
    """What `capture()` needs of a server; where it has a `url` as well, as `serve()`'s have, that is what counts."""

    @property
    def host(self) -> str:
        """Where it listens."""

    @property
    def port(self) -> int:
        """On which port."""


class LiveCapture(Capture):
    """A capture that goes on while its `with` block runs, and is plain data afterwards.

    Connect to `ws_url` (or `url`) in place of the server's own. Everything a `Capture` can do, it can do at any time;
    it then tells what has passed so far.
    """

    def __init__(
        self,
        host: str,
        port: int,
        path: str,
        *,
        max_steps: int | None,
        max_bytes: int | None,
        process_of: Callable[[tuple[str, int]], int] | None = None,
    ) -> None:
        limits = {"max_steps": max_steps, "max_bytes": max_bytes}
        self._transcript = Transcript(**{name: limit for name, limit in limits.items() if limit is not None})
        super().__init__(self._transcript.read())
        self._process_of = process_of
        self._processes: dict[int, int] = {}
        self._target = (host, port)
        self._path = path
        self._proxy: Proxy | None = None

    def _read(self) -> Contents:
        contents = self._transcript.read()
        if self._process_of is None:
            return contents
        return contents._replace(connections=tuple(self._with_process(one) for one in contents.connections))

    def _with_process(self, connection: Connection) -> Connection:
        number, via = connection.number, connection.via
        # Kept as soon as it is known: the port may be another connection's later.
        if not self._processes.get(number) and via is not None and self._process_of is not None:
            self._processes[number] = self._process_of(via)
        return replace(connection, process=self._processes.get(number, 0))

    @property
    def host(self) -> str:
        """Where the capture listens: always this machine."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """The port to connect to.

        Raises:
            CaptureError: the capture has not begun.
        """
        if self._proxy is None:
            raise CaptureError(_NOT_STARTED)
        return self._proxy.port

    @property
    def url(self) -> str:
        """The address for HTTP clients and browsers: `http://127.0.0.1:53211`, and the server's token if it has one.

        Raises:
            CaptureError: the capture has not begun.
        """
        return f"http://{self.host}:{self.port}{self._path}"

    @property
    def ws_url(self) -> str:
        """The address for WebSocket clients: `ws://127.0.0.1:53211`, and the server's token if it has one.

        Raises:
            CaptureError: the capture has not begun.
        """
        return f"ws://{self.host}:{self.port}{self._path}"

    def __enter__(self) -> LiveCapture:
        if self._proxy is not None:
            raise CaptureError(_ONCE)
        targets = _targets(*self._target)
        self.started_at = time.time_ns()
        self.started_ns = started = time.perf_counter_ns()
        self._proxy = Proxy(targets, self._transcript, lambda: time.perf_counter_ns() - started)
        self._proxy.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> LiveCapture:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The clients may live on this very loop, and need it to say goodbye.
        await asyncio.to_thread(self.stop)

    def turned(self) -> concurrent.futures.Future[None]:
        """A future that is done once everything has been passed on that had arrived when this was called.

        Raises:
            CaptureError: the capture has not begun.
        """
        if self._proxy is None:
            raise CaptureError(_NOT_STARTED)
        return self._proxy.turned()

    def stop(self, grace: float = 1.0) -> None:
        """End the capture, as leaving its `with` block does. Connections that are still open end with a FIN.

        Args:
            grace: for how many seconds to wait, at most, while something still passes.
        """
        if self._proxy is not None:
            self._proxy.stop(grace)


def capture(server: ServerLike | str, *, max_steps: int | None = None, max_bytes: int | None = None) -> LiveCapture:
    """Put a transparent proxy in front of `server`, and see every byte that passes.

    >>> with capture(server) as wire:                                             # doctest: +SKIP
    ...     async with connect(wire.ws_url + "/ws") as websocket:
    ...         await websocket.send("Merhaba")
    >>> wire                                                                      # doctest: +SKIP

    Nothing is added, dropped, reordered or held back; a FIN passes as a FIN and a RST as a RST. There are plain
    `with` and `async with`; in a cell that awaits, both will do.

    Args:
        server: a server from `serve()`, or the address of one: `ws://…`, `http://…`. A path in the address stays in
            `ws_url` and `url`, and so does the token of a server that is shared with a room. Of a server with
            `processes` each connection tells which one took it.
        max_steps: how many steps to keep; the oldest go first. 50,000 if left out.
        max_bytes: how many of their bytes to keep; the oldest steps go first. 64 MiB if left out.

    Returns:
        The capture, to be used in a `with` statement.

    Raises:
        CaptureError: `server` is neither, or the address is none, or an encrypted one. Entering the `with` block
            raises it where there is no host of that name.
    """
    if isinstance(server, str):
        return LiveCapture(*_parsed(server), max_steps=max_steps, max_bytes=max_bytes)
    url = getattr(server, "url", None)
    if isinstance(url, str):
        # Not its host and port: "0.0.0.0" is where it listens, no address to connect to (Windows refuses it), and
        # only the address holds the token.
        process_of = getattr(server, "process_of", None)
        return LiveCapture(*_parsed(url), max_steps=max_steps, max_bytes=max_bytes, process_of=process_of)
    host, port = getattr(server, "host", None), getattr(server, "port", None)
    if not isinstance(host, str) or not isinstance(port, int):
        raise CaptureError(_NOT_A_SERVER, what=repr(server))
    return LiveCapture(host, port, "", max_steps=max_steps, max_bytes=max_bytes)


def _parsed(address: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or parts.scheme not in ("ws", "http", "wss", "https"):
        raise CaptureError(_NOT_AN_ADDRESS, address=address)
    if parts.scheme in ("wss", "https"):
        raise CaptureError(_ENCRYPTED, address=address)
    path = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
    return host, 80 if port is None else port, path


def _targets(host: str, port: int) -> list[Target]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise CaptureError(_UNKNOWN_HOST, host=host, why=error.strerror or error) from error
    return [(family, address) for family, _, _, _, address in found]
