"""What a check's clients do, as the server sees it; and what they see of the server."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect

from wslab.labs.deadlines import Deadlines
from wslab.labs.document import count_becomes
from wslab.labs.stage import Client, Refusal, Stage, quoted
from wslab.labs.venue import Served
from wslab.serving import hang_up


class Server:
    """An app that remembers how its clients left."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.left: list[tuple[int, str]] = []
        self.app.get("/")(self.root)
        self.app.post("/say")(self.say)
        self.app.websocket("/ws")(self.endpoint)
        self.app.websocket("/closed")(self.closed)

    async def root(self) -> dict[str, int]:
        return {"left": len(self.left)}

    async def say(self, word: str, body: dict[str, int]) -> JSONResponse:
        return JSONResponse({"word": word, **body}, status_code=201)

    async def endpoint(self, websocket: WebSocket) -> None:
        await websocket.accept(subprotocol=next(iter(websocket.scope["subprotocols"]), None))
        try:
            while True:
                text = await websocket.receive_text()
                if text == "goodbye":
                    await websocket.close(4001, "güle güle")
                    return
                if text == "boom":
                    raise ValueError(text)
                await websocket.send_text(text)
        except WebSocketDisconnect as gone:
            self.left.append((gone.code, gone.reason or ""))

    async def closed(self, websocket: WebSocket) -> None:
        await websocket.close()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def stage(server: Server, deadlines: Deadlines) -> AsyncIterator[Stage]:
    venue = Served(server.app)
    await venue.start()
    venue.begin("it")
    found = Stage(venue, deadlines)
    yield found
    await found.clear()
    venue.end()
    await venue.stop()


async def left(stage: Stage, server: Server, count: int = 1) -> list[tuple[int, str]]:
    """How clients left, once `count` of them have."""
    while len(server.left) < count:
        await stage.get("/", quietly=True)
    return server.left


async def test_four_ways_to_leave(stage: Stage, server: Server) -> None:
    ways = [Client.close, Client.close_without_code, Client.fin, Client.reset]
    for number, leave in enumerate(ways, 1):
        client = await stage.connect("A")
        await leave(client)
        await left(stage, server, number)
        assert client.end is not None
    # A FIN or a RST without a close frame is 1005 to the server, and so is a close frame without a code.
    assert server.left == [(1000, ""), (1005, ""), (1005, ""), (1005, "")]


async def test_a_goodbye_with_a_code_and_a_reason(stage: Stage, server: Server) -> None:
    client = await stage.connect("A")
    await client.close(4000, "bitti")
    assert await left(stage, server) == [(4000, "bitti")]
    assert not client.open
    assert not await client.send("too late")


async def test_the_servers_goodbye_is_seen(stage: Stage) -> None:
    client = await stage.connect("A")
    await client.send("goodbye")
    end = await client.ended()
    assert end is not None
    assert (end.code, end.reason, end.by_server) == (4001, "güle güle", True)
    assert str(end) == "4001 “güle güle”"
    assert await client.next() is None


async def test_a_crash_is_1006(stage: Stage) -> None:
    client = await stage.connect("A")
    await client.send("boom")
    end = await client.ended()
    assert end is not None
    assert (end.code, end.by_server) == (1006, False)
    assert [one.name for one in await stage.raised()] == ["ValueError"]


async def test_messages_are_taken_by_content_and_stay_until_taken(stage: Stage) -> None:
    client = await stage.connect("A")
    await client.send("bir", "iki", "üç")
    second = await client.next(lambda message: message.text == "iki")
    assert second is not None
    assert [(await client.next()).text, (await client.next()).text] == ["bir", "üç"]  # type: ignore[union-attr]
    assert await client.next(within=0.01) is None
    assert [message.text for message in client.messages] == ["bir", "iki", "üç"]
    assert re.fullmatch(r"waited \d+\.\d s, nothing came", stage.lines[-1].what.into("en"))


async def test_refusals_tell_their_status(stage: Stage) -> None:
    for path in ("/closed", "/nowhere"):
        refusal = await stage.try_connect("A", path)
        assert isinstance(refusal, Refusal)
        assert (refusal.status, refusal.why) == (403, "status")


async def test_headers_origin_and_subprotocols_are_sent(server: Server, stage: Stage) -> None:
    seen = {}

    @server.app.websocket("/look")
    async def look(websocket: WebSocket) -> None:
        seen.update(websocket.headers)
        await websocket.accept()

    await stage.connect("A", "/look?x=1", headers={"X-Token": "t"}, origin="http://here", subprotocols=["chat"])
    assert (seen["x-token"], seen["origin"], seen["sec-websocket-protocol"]) == ("t", "http://here", "chat")


async def test_http_with_query_and_body(stage: Stage) -> None:
    reply = await stage.request("POST", "/say", params={"word": "çay"}, json={"n": 2})
    assert reply is not None
    assert (reply.status, reply.json) == (201, {"word": "çay", "n": 2})
    assert "POST /say?word=%C3%A7ay" in stage.lines[-1].what.into("en")
    assert (await stage.get("/nowhere")).json == {"detail": "Not Found"}  # type: ignore[union-attr]


async def test_leaving_before_the_answer_reaches_the_handler(stage: Stage, server: Server) -> None:
    await stage.leave_early()
    # The handler either was never called or saw its client gone; either way nobody is left over.
    client = await stage.connect("B")
    await client.close()
    assert (1000, "") in await left(stage, server, 1)


async def test_a_client_that_does_not_read_is_still_there(stage: Stage) -> None:
    client = await stage.connect("A")
    client.pause_reading()
    await client.send("Selam")
    assert await client.next(within=0.05) is None
    client.resume_reading()
    assert (await client.next()) is not None


@pytest.mark.parametrize("thrown_away", [True, False])
async def test_a_deaf_client_is_cut_off_where_its_buffer_is_thrown_away(
    deadlines: Deadlines, thrown_away: bool
) -> None:
    app, kept = FastAPI(), list[WebSocket]()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        kept.append(websocket)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                while True:
                    await websocket.send_text("x" * 65_536)
        if thrown_away:
            hang_up(websocket)

    venue = Served(app)
    await venue.start()
    stage = Stage(venue, deadlines)
    client = await stage.connect("A", room=4096)
    client.pause_reading()
    await asyncio.sleep(0.6)
    client.resume_reading()
    assert await client.ended(5) is not None
    assert client.cut_off is thrown_away
    await stage.clear()
    await venue.stop()


async def test_the_server_can_be_stopped_and_started_again(stage: Stage, server: Server) -> None:
    client = await stage.connect("A")
    await stage.stop_server()
    end = await client.ended()
    assert end is not None
    assert end.code == 1012
    assert await stage.alive() is None
    await stage.restart_server()
    assert await stage.alive() is True
    assert isinstance(await stage.try_connect("B"), Client)


async def test_what_was_raised_is_kept_over_a_restart(stage: Stage) -> None:
    client = await stage.connect("A")
    await client.send("boom")
    await client.ended()
    await stage.raised()
    await stage.restart_server()
    assert [one.name for one in stage.raised_so_far()] == ["ValueError"]


async def test_fifty_clients_at_once(stage: Stage) -> None:
    clients = await asyncio.gather(*(stage.connect(str(number)) for number in range(50)))
    await asyncio.gather(*(client.send(client.who) for client in clients))
    heard = await asyncio.gather(*(client.next() for client in clients))
    assert [message.text for message in heard if message] == [str(number) for number in range(50)]


def test_payloads_are_quoted_readably() -> None:
    assert quoted("Merhaba") == "“Merhaba”"
    assert quoted("a\nb\tc") == "“a↵b⇥c”"
    assert quoted(b"\x00\xff") == "b'\\x00\\xff'"
    long = quoted("x" * 500 + "y")
    assert len(long) < 80
    assert long.endswith("y”")


@pytest.mark.parametrize("location", ["https://localhost/ws", "not an address"])
async def test_a_redirected_handshake_is_refused_with_its_status(deadlines: Deadlines, location: str) -> None:
    async def redirects(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            answer = {"status": 307, "headers": [(b"location", location.encode())]}
            await send({"type": "websocket.http.response.start", **answer})
            await send({"type": "websocket.http.response.body", "body": b"elsewhere"})

    venue = Served(redirects)
    await venue.start()
    try:
        found = await Stage(venue, deadlines).try_connect()
        assert isinstance(found, Refusal)
        assert (found.status, found.why) == (307, "status")
    finally:
        await venue.stop()


async def test_a_request_after_a_500_gets_its_answer(stage: Stage, server: Server) -> None:
    @server.app.get("/broken")
    async def broken() -> None:
        raise ValueError

    for _ in range(30):
        first, second = await stage.get("/broken"), await stage.get("/")
        assert first is not None
        assert second is not None
        assert (first.status, second.status) == (500, 200)


async def test_a_pause_lasts_until_the_server_has_had_its_turn(stage: Stage, server: Server) -> None:
    """On a busy machine it may get none within the pause itself; here something holds its loop for longer."""
    running = stage.venue
    assert isinstance(running, Served)
    assert running._server is not None
    client = await stage.connect("A")
    begun = threading.Event()

    async def hold() -> None:
        begun.set()
        time.sleep(1.5 * stage.deadlines.settle_time)

    running._server.submit(hold())
    await asyncio.to_thread(begun.wait, 5)
    await client.reset()
    assert server.left == []
    await stage.pause()
    assert len(server.left) == 1


async def test_a_count_that_moves_on_is_looked_at_again(stage: Stage, server: Server) -> None:
    """Who left before the answer may be taken in between two looks."""
    counts = [30, 2, 0, 3, 1]

    @server.app.get("/", name="count")
    async def root() -> dict[str, int]:
        return {"connected_clients": counts.pop(0) if counts else 0}

    server.app.router.routes.insert(0, server.app.router.routes.pop())
    assert await count_becomes(stage, 0) == 0
    assert not counts
