"""Who comes to the gate in the tests: people with a cookie, programs with a token, and raw bytes."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import httpx
from fastapi import FastAPI, WebSocket
from websockets.sync.client import ClientConnection, connect

from wslab.serving import Server

PATIENCE = 10.0


def address(server: Server) -> str:
    """The server's address without its token."""
    return f"http://127.0.0.1:{server.port}"


def token(server: Server) -> str:
    assert server.gate is not None
    return server.gate.token


def join(server: Server, nickname: str, language: str = "en") -> httpx.Client:
    """A browser that has joined: it holds the cookie."""
    client = httpx.Client(base_url=address(server), timeout=PATIENCE)
    reply = client.post("/join", data={"code": token(server), "nickname": nickname, "lang": language})
    assert reply.status_code == 303, reply.text
    return client


def cookie(client: httpx.Client) -> str:
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


@contextlib.contextmanager
def socket_of(
    client: httpx.Client, path: str = "/ws", origin: str | None = None, **options: object
) -> Iterator[ClientConnection]:
    """A WebSocket with a browser's cookie, and the Origin that the browser would send."""
    own = f"http://{client.base_url.host}:{client.base_url.port}"
    with connect(
        own.replace("http", "ws", 1) + path,
        additional_headers={"Cookie": cookie(client)},
        origin=own if origin is None else origin,  # type: ignore[arg-type]
        open_timeout=PATIENCE,
        proxy=None,
        **options,  # type: ignore[arg-type]
    ) as connection:
        yield connection


def raw(server: Server, request: bytes, deadline: float = PATIENCE) -> bytes:
    """Everything that comes back for these bytes until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=deadline) as connection:
        connection.sendall(request)
        return until_closed(connection)


def unresponsive(server: Server, path: str, who: str = "") -> socket.socket:
    """A WebSocket whose other end has read the first line of the handshake, and reads nothing from then on.

    Args:
        who: the cookie that it brings along.
    """
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nCookie: {who}\r\n".encode()
        + b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert connection.recv(12) == b"HTTP/1.1 101"
    return connection


def until_closed(connection: socket.socket) -> bytes:
    reply = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65_536):
            reply += chunk
    return reply


def wait_until(true: Callable[[], object]) -> None:
    """Until what other threads do has become visible; what is waited for sends no event."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def chat() -> FastAPI:
    """A chat in which one gone client harms nobody."""
    app = FastAPI()
    clients: list[WebSocket] = []

    @app.get("/")
    async def root() -> dict[str, int]:
        return {"clients": len(clients)}

    @app.post("/length")
    async def length(body: list[int]) -> int:
        return len(body)

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        clients.append(websocket)
        try:
            async for text in websocket.iter_text():
                for client in list(clients):
                    await client.send_text(text)
        finally:
            clients.remove(websocket)

    return app
