"""`server.connections`: what uvicorn holds, whether or not a handler is still at work for it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from datetime import UTC, datetime

import pytest
import websockets
from fastapi import FastAPI, WebSocket

from wslab.language import use_language
from wslab.serving import serve


def program(kept: list[WebSocket]) -> FastAPI:
    app = FastAPI()

    @app.websocket("/{room}")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        kept.append(websocket)
        await websocket.receive_text()

    return app


async def until_empty(server: object) -> None:
    async with asyncio.timeout(10):
        while server.connections:  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("ws", ["auto", "websockets", "wsproto"])
async def test_each_connection_has_its_peer_its_path_and_its_time(ws: str) -> None:
    if ws == "wsproto":
        pytest.importorskip("wsproto")
    kept: list[WebSocket] = []
    with serve(program(kept), ws=ws) as server:
        before = datetime.now(UTC)
        async with (
            websockets.connect(f"{server.ws_url}/hall?name=Ada") as ada,
            websockets.connect(f"{server.ws_url}/k%C3%B6%C5%9Fk") as bora,
        ):
            first, second = server.connections
            assert (first.path, second.path) == ("/hall?name=Ada", "/köşk")
            assert [one.peer for one in (first, second)] == [
                f"127.0.0.1:{client.local_address[1]}" for client in (ada, bora)
            ]
            assert before <= first.since <= second.since <= datetime.now(UTC)
            assert first.buffered == second.buffered == 0
        await until_empty(server)
    assert server.connections == ()


async def test_bytes_that_a_client_does_not_read_are_counted_also_when_its_handler_has_ended() -> None:
    kept: list[WebSocket] = []

    async def fill() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                while True:
                    await kept[0].send_text(secrets.token_hex(10_000))

    with serve(program(kept), send_buffer=4096) as server:
        async with websockets.connect(f"{server.ws_url}/ws", compression=None) as client:
            client.transport.pause_reading()
            await server.log.arrival("websocket.accept", 10)
            await asyncio.wait_for(asyncio.wrap_future(server.submit(fill())), 10)
            await client.send("the handler ends with this")
            await server.log.arrival("handler.end", 10)
            (held,) = server.connections
            assert held.buffered > 0
            assert server.open_websockets == 0
            client.transport.abort()
        await until_empty(server)


async def test_a_small_send_buffer_is_felt_sooner() -> None:
    async def taken(send_buffer: int | None) -> int:
        kept: list[WebSocket] = []
        sent = 0

        async def fill() -> None:
            nonlocal sent
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    while True:
                        await kept[0].send_text(secrets.token_hex(50_000))
                        sent += 100_000

        with serve(program(kept), send_buffer=send_buffer) as server:
            async with websockets.connect(f"{server.ws_url}/ws", compression=None) as client:
                client.transport.pause_reading()
                await server.log.arrival("websocket.accept", 10)
                await asyncio.wait_for(asyncio.wrap_future(server.submit(fill())), 10)
                client.transport.abort()
        return sent

    assert await taken(4096) < await taken(None)


async def test_how_the_table_shows() -> None:
    kept: list[WebSocket] = []
    with serve(program(kept)) as server:
        assert repr(server.connections) == "The server holds no WebSocket connection."
        async with websockets.connect(f"{server.ws_url}/ws?name=<Ada>"):
            head, row = repr(server.connections).splitlines()
            assert "bytes in the write buffer" in head
            assert "/ws?name=<Ada>" in row
            use_language("tr")
            shown = server.connections._repr_html_()
            assert "&lt;Ada&gt;" in shown
            assert "yazma arabelleğindeki bayt" in shown
