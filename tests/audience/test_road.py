"""road(): a way to a server that is cut silently, or drops who is idle."""

from __future__ import annotations

import asyncio

import pytest
import websockets
from fastapi import FastAPI, WebSocket

from wslab.audience import road
from wslab.serving import Server, serve


def echo() -> Server:
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    return serve(app)


async def test_what_passes_is_unchanged() -> None:
    with echo() as server:
        async with road(server) as way, websockets.connect(f"{way.ws_url}/ws") as client:
            await client.send("Merhaba")
            assert await asyncio.wait_for(client.recv(), 10) == "Merhaba"
            await client.close()
            assert client.close_code == 1000
        assert (await server.log.arrival("handler.end", 10)).text == "handler.end"


async def test_a_cut_is_silent_until_it_is_mended() -> None:
    with echo() as server:
        async with road(server) as way, websockets.connect(f"{way.ws_url}/ws") as client:
            way.cut()
            await client.send("Merhaba")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.recv(), 0.3)
            assert len(server.connections) == 1
            assert not any(entry.text == "websocket.receive" for entry in server.log.events)
            way.mend()
            assert await asyncio.wait_for(client.recv(), 10) == "Merhaba"


async def test_who_is_idle_is_dropped_and_a_ping_keeps_it() -> None:
    with echo() as server:
        async with road(server, idle=0.3) as way:
            quiet = await websockets.connect(f"{way.ws_url}/ws", ping_interval=None)
            async with websockets.connect(f"{way.ws_url}/ws", ping_interval=0.05) as pinging:
                await asyncio.wait_for(quiet.wait_closed(), 10)
                assert quiet.close_code == 1006
                await pinging.send("Merhaba")
                assert await asyncio.wait_for(pinging.recv(), 10) == "Merhaba"


async def test_the_end_of_the_road_ends_its_connections() -> None:
    with echo() as server:
        async with road(server) as way:
            client = await websockets.connect(f"{way.ws_url}/ws")
            way.cut()
        await asyncio.wait_for(client.wait_closed(), 10)
        await server.log.arrival("handler.end", 10)
