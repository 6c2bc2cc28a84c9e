"""What stands behind a capture of a server from serve(): its address, and the token of one that is shared."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI, WebSocket
from tests.capture.wires import DEADLINE, run
from tests.gate.visitors import chat
from websockets.asyncio.client import connect

from wslab.capture import capture
from wslab.recording import record
from wslab.serving import serve


def echo_app() -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(f"Mesajınız: {text}")

    return app


async def talk(url: str) -> None:
    async with asyncio.timeout(DEADLINE), connect(url + "/ws?name=Ada") as ada, connect(url + "/ws?name=Bora") as bora:
        for client, text in ((ada, "ada 1"), (bora, "bora 1"), (ada, "ada 2")):
            await client.send(text)
            assert await client.recv() == f"Mesajınız: {text}"


def test_the_address_of_a_private_server_has_no_path() -> None:
    with serve(chat()) as server, capture(server) as wire:
        assert wire.url == f"http://127.0.0.1:{wire.port}"
        assert httpx.get(f"{wire.url}/").json() == {"clients": 0}


def test_the_addresses_of_a_shared_server_hold_its_token() -> None:
    with serve(chat(), token=True) as server, capture(server) as wire:
        assert server.gate is not None
        assert wire.url == f"http://127.0.0.1:{wire.port}/{server.gate.token}"
        assert wire.ws_url == f"ws://127.0.0.1:{wire.port}/{server.gate.token}"
        assert httpx.get(f"{wire.url}/").json() == {"clients": 0}
        assert httpx.get(f"http://127.0.0.1:{wire.port}/").status_code == 403


def test_one_that_listens_on_every_address_is_reached_at_this_machines_own() -> None:
    with serve(chat(), host="0.0.0.0", token=True) as server, capture(server) as wire:
        assert httpx.get(f"{wire.url}/").json() == {"clients": 0}
    assert [connection.server for connection in wire.connections] == [("127.0.0.1", server.port)]


def test_a_film_and_a_wire_of_a_class() -> None:
    with serve(echo_app(), host="0.0.0.0", token=True) as server:
        with record(server) as film, capture(server) as wire:
            run(talk(wire.ws_url))
        both = film + wire
    assert both.notes == ()
    names = [lane.name for lane in film.lanes if lane.kind == "connection"]
    assert names == ["endpoint · Ada", "endpoint · Bora"]
    words = [one for one in both.signals if one.inward and one.text.startswith("TEXT")]
    assert [(one.text, film.lanes[one.lane].name) for one in words] == [
        ("TEXT “ada 1”", "endpoint · Ada"),
        ("TEXT “bora 1”", "endpoint · Bora"),
        ("TEXT “ada 2”", "endpoint · Ada"),
    ]
    assert all(film.steps[one.step - 1].lane == one.lane for one in words)
    answers = [one for one in both.signals if not one.inward and one.text.startswith("TEXT")]
    assert [one.text for one in answers] == [f"TEXT “Mesajınız: {one.text[6:]}" for one in words]
