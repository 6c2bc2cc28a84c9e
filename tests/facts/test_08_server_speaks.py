"""What notebook 08 teaches about a server that speaks first; each test names the fact it holds on to."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import websockets
from fastapi import FastAPI, WebSocket

from wslab.seed import fresh
from wslab.serving import Server, serve

DEADLINE = 10


async def receive(client: websockets.ClientConnection) -> str | bytes:
    return await asyncio.wait_for(client.recv(), DEADLINE)


# 1: by a timer


async def test_a_silent_client_hears_the_timer() -> None:
    """Once it is open, the server may send at any time: nothing was received from this client."""
    clock: Any = fresh("push_server")
    clock.period = 0.05
    server = serve(clock.app)
    async with websockets.connect(f"{server.ws_url}/ws") as client:
        heard = [await receive(client) for _ in range(4)]
        passed = {entry.text for entry in server.log.events}
    assert all(str(text).startswith("Sunucu saati: ") for text in heard)
    assert passed == {"websocket.connect", "websocket.accept", "websocket.send"}


# 2: who starts it


def starting(*, with_lifespan: bool) -> tuple[FastAPI, list[str]]:
    started: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        started.append("lifespan")
        yield

    app = FastAPI(lifespan=lifespan) if with_lifespan else FastAPI()
    on_startup(app, started)
    return app, started


def on_startup(app: FastAPI, started: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)

        @app.on_event("startup")
        async def startup_event() -> None:
            started.append("on_event")


@pytest.mark.parametrize(("with_lifespan", "called"), [(True, ["lifespan"]), (False, ["on_event"])])
def test_on_event_is_silently_ignored_where_lifespan_is_given(with_lifespan: bool, called: list[str]) -> None:
    """`@app.on_event("startup")`: outdated."""
    app, started = starting(with_lifespan=with_lifespan)
    server = serve(app)
    assert started == called
    assert not server.log.entries


def test_on_event_is_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match="use lifespan event handlers instead"):
        FastAPI().on_event("startup")


def test_on_event_after_the_start_is_silently_ignored_until_the_next_one() -> None:
    app = FastAPI()
    started: list[str] = []
    server = serve(app)
    on_startup(app, started)
    assert httpx.get(server.url).status_code == 404
    assert started == []
    assert not server.log.entries
    server.restart()
    assert started == ["on_event"]


# 3 and 4: a task that dies


async def fails() -> None:
    await asyncio.sleep(0)
    raise IndexError("no fourth headline")


def background(keep: bool, *watchers: Callable[[asyncio.Task[None]], None]) -> Server:
    """A server whose broadcaster fails at once."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.ended = asyncio.Event()
        task = asyncio.create_task(fails())
        task.add_done_callback(lambda _: app.state.ended.set())
        for watcher in watchers:
            task.add_done_callback(watcher)
        if keep:
            app.state.task = task
        del task
        yield

    return serve(FastAPI(lifespan=lifespan))


async def ended(server: Server) -> None:
    app: Any = server.app
    await asyncio.wait_for(asyncio.wrap_future(server.submit(app.state.ended.wait())), DEADLINE)


async def test_a_referenced_task_dies_in_silence_until_it_is_destroyed() -> None:
    """“Never retrieved” comes with the destruction of the task object."""
    server = background(keep=True)
    await ended(server)
    gc.collect()
    assert not server.log.entries
    app: Any = server.app
    assert app.state.task.done()
    app.state.task = None
    gc.collect()
    entry = await server.log.arrival("never retrieved", DEADLINE)
    assert (entry.kind, "IndexError" in entry.text) == ("error", True)
    assert entry.place.startswith("test_08_server_speaks.py:")


async def test_a_task_that_nobody_keeps_is_reported_when_it_dies() -> None:
    server = background(keep=False)
    await ended(server)
    gc.collect()
    assert "IndexError" in (await server.log.arrival("never retrieved", DEADLINE)).text


async def test_a_done_callback_makes_the_death_heard_at_once() -> None:
    logger = logging.getLogger("test_08")

    def report(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            logger.error("broadcaster", exc_info=task.exception())

    server = background(True, report)
    entry = await server.log.arrival("IndexError", DEADLINE)
    assert entry.place.startswith("test_08_server_speaks.py:")
    app: Any = server.app
    app.state.task = None
    gc.collect()
    assert [error.text for error in server.log.errors] == [entry.text]


# 5: on a request


def quiet_square() -> tuple[Any, Server]:
    square: Any = fresh("push_server")
    square.period = 3600
    return square, serve(square.app)


async def test_status_sent_counts_the_list_not_the_deliveries() -> None:
    """`{"status": "sent", "clients": n}`: a client that has stopped reading is counted all the same."""
    _, server = quiet_square()
    url = f"{server.ws_url}/ws"
    async with websockets.connect(url) as ada, websockets.connect(url) as bora:
        bora.transport.pause_reading()
        async with httpx.AsyncClient() as http:
            reply = await http.post(f"{server.url}/broadcast", params={"message": "Merhaba"})
        assert await receive(ada) == "Merhaba"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bora.recv(), 0.2)
        bora.transport.abort()
    assert reply.json() == {"status": "sent", "clients": 2}


async def say_farewell(counted: bool) -> tuple[dict[str, Any], list[str]]:
    square, server = quiet_square()

    async def broadcast_and_count(message: str) -> dict[str, Any]:
        sent, failed = 0, []
        clients: list[WebSocket] = square.connected_clients
        for client in list(clients):
            try:
                await client.send_text(message)
                sent += 1
            except Exception as error:
                failed.append(str(error))
        return {"sent": sent, "failed": failed}

    async def farewell() -> dict[str, Any]:
        await square.connected_clients[-1].close()
        reply = await (broadcast_and_count if counted else square.broadcast_to_all)("Merhaba")
        assert isinstance(reply, dict)
        return reply

    url = f"{server.ws_url}/ws"
    async with websockets.connect(url), websockets.connect(url):
        reply = await asyncio.wait_for(asyncio.wrap_future(server.submit(farewell())), DEADLINE)
    return reply, [entry.detail for entry in server.log.events if entry.text == "websocket.send"]


async def test_status_sent_counts_failed_sends_too() -> None:
    assert await say_farewell(counted=False) == ({"status": "sent", "clients": 2}, ["Merhaba"])


async def test_after_a_close_send_says_so() -> None:
    """Sending on a closed connection: `Cannot call "send" once a close message has been sent.`"""
    failed = ['Cannot call "send" once a close message has been sent.']
    assert await say_farewell(counted=True) == ({"sent": 1, "failed": failed}, ["Merhaba"])


# 6: silence, a killed app, and whose loop it is


async def test_silence_is_no_failure_and_a_killed_app_is_one() -> None:
    """Twenty sends to a client that has fallen silent return; after `abort()` the handler ends."""
    square, server = quiet_square()
    async with websockets.connect(f"{server.ws_url}/ws") as bora:
        await bora.send("Merhaba")
        await receive(bora)  # now he is in the list
        bora.transport.pause_reading()
        (his,) = square.connected_clients

        async def send_twenty() -> int:
            for number in range(20):
                await his.send_text(str(number))
            return len(square.connected_clients)

        assert await asyncio.wait_for(asyncio.wrap_future(server.submit(send_twenty())), DEADLINE) == 1
        bora.transport.abort()
        await server.log.arrival("handler.end", DEADLINE)
    assert square.connected_clients == []


async def test_a_send_from_another_loop_raises_nothing_and_arrives() -> None:
    """And is wrong all the same: the connection belongs to the server's loop."""
    square, server = quiet_square()
    async with websockets.connect(f"{server.ws_url}/ws") as ada:
        await ada.send("Merhaba")
        await receive(ada)
        (hers,) = square.connected_clients
        await asyncio.to_thread(asyncio.run, hers.send_text("Selam"))
        assert await receive(ada) == "Selam"
    assert not server.log.errors
