"""What notebook 09 teaches about the periodic broadcaster; each test names the fact it holds on to."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import secrets
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosedError

from wslab import capture
from wslab.authoring.building import notebook
from wslab.recording import Recording, record
from wslab.seed import fresh
from wslab.serving import Server, serve

ROOT = Path(__file__).parents[2]
DEADLINE = 20
SILENCE = 0.5

BROADCASTER = "send_random_messages"
PAUSE = "await asyncio.sleep(period)"
ADA, BORA = "websocket_endpoint · Ada", "websocket_endpoint · Bora"


async def receive(client: websockets.ClientConnection) -> str:
    return str(await asyncio.wait_for(client.recv(), DEADLINE))


def station(period: float, message: str = "", **options: Any) -> Server:
    """The document's random server, with one message if one is given."""
    program: Any = fresh("random_server")
    program.period = period
    if message:
        program.random_messages = [message]
    return serve(program.app, **options)


def let_go(film: Recording, lane: str) -> list[str]:
    return [step.let_go.code if step.let_go else step.ending for step in film.steps_of(lane)]


# 1: the flow, on the film


async def evening() -> Recording:
    server = station(0.3)
    url = f"{server.ws_url}/ws?name="
    with record(server) as film:
        async with websockets.connect(url + "Ada") as ada, websockets.connect(url + "Bora") as bora:
            await receive(bora)
            await ada.send("Merhaba")
            assert await receive(ada)
            while await receive(bora) != "Başka bir istemciden: Merhaba":
                pass
            await receive(bora)
            film.stop()
    return film


async def test_the_documents_four_steps_are_on_the_film_in_their_order() -> None:
    film = await evening()
    lane = film.lane(BROADCASTER)
    assert (lane.born, lane.waiting.code if lane.waiting else "") == ("before", PAUSE)
    ada, bora, broadcaster = film.steps_of(ADA), film.steps_of(BORA), film.steps_of(BROADCASTER)
    assert let_go(film, ADA) == ["await websocket.receive_text()"] * 2
    assert let_go(film, BORA) == ["await websocket.receive_text()"]
    assert set(let_go(film, BROADCASTER)) == {PAUSE}
    # Both were accepted before Bora heard a round; Ada spoke after it; one more round followed.
    rounds = [step.number for step in broadcaster]
    assert ada[0].number < bora[0].number
    assert any(bora[0].number < number < ada[1].number for number in rounds)
    assert any(ada[1].number < number for number in rounds)


async def test_who_sends_writes_to_everybodys_socket() -> None:
    """Bora heard three messages or more, and his handler ran once, before the first of them."""
    assert len((await evening()).steps_of(BORA)) == 1


# 2: concurrent, not parallel


async def test_no_two_steps_overlap() -> None:
    """“Parallel”: the wrong word. One thread, one at a time."""
    server = station(3600)
    url = f"{server.ws_url}/ws?name="
    async with contextlib.AsyncExitStack() as guests:
        everyone = [await guests.enter_async_context(websockets.connect(f"{url}{guest}")) for guest in range(10)]
        with record(server) as film:
            await asyncio.gather(*(client.send("Merhaba") for client in everyone))
            for client in everyone:
                assert "Mesajınız: Merhaba" in [await receive(client) for _ in everyone]
    assert len(film.steps) >= len(everyone)
    assert all(earlier.end <= later.start for earlier, later in itertools.pairwise(film.steps))


# 3: reference, cancel, observe


async def sleeper() -> None:
    await asyncio.sleep(3600)


async def listener(queue: asyncio.Queue[str]) -> None:
    await queue.get()


@pytest.mark.parametrize("keep", [False, True])
async def test_a_sleeping_task_survives_without_a_reference_a_waiting_one_may_not(keep: bool) -> None:
    """`create_task` without a reference: partly."""
    app = FastAPI()
    kept: list[Any] = []

    @app.post("/start")
    async def start() -> None:
        asyncio.create_task(sleeper(), name="sleeper")  # noqa: RUF006 - the missing reference is the subject
        task = asyncio.create_task(listener(asyncio.Queue()), name="listener")
        if keep:
            kept.append(task)

    @app.get("/alive")
    async def alive() -> list[str]:
        gc.collect()
        # On 3.14 the garbage collector closes the coroutine, whose cancelled wait keeps the task for one more callback.
        await asyncio.sleep(0)
        return sorted({task.get_name() for task in asyncio.all_tasks()} & {"sleeper", "listener"})

    server = serve(app)
    httpx.post(f"{server.url}/start")
    assert httpx.get(f"{server.url}/alive").json() == (["listener", "sleeper"] if keep else ["sleeper"])
    destroyed = [] if keep else ["Task was destroyed but it is pending!"]
    assert [entry.text for entry in server.log.errors] == destroyed


async def test_a_task_that_lifespan_cancels_is_seen_to_end_where_it_was_suspended() -> None:
    program: Any = fresh("random_server")
    ends: list[bool] = []

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        broadcaster = asyncio.create_task(program.send_random_messages(), name="broadcaster")
        broadcaster.add_done_callback(lambda task: ends.append(task.cancelled()))
        yield
        broadcaster.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await broadcaster

    server = serve(FastAPI(lifespan=lifespan))
    with record(server) as film:
        server.stop()
    (step,) = film.steps_of("broadcaster")
    assert step.resumed is not None
    assert (step.resumed.code, step.ending) == (PAUSE, "cancelled")
    assert ends == [True]


# 4: one client that stops reading


async def messages_in(client: websockets.ClientConnection, seconds: float) -> int:
    heard = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                await client.recv()
                heard += 1
    return heard


async def to_the_end(client: websockets.ClientConnection) -> None:
    while True:
        await client.recv()


@contextlib.asynccontextmanager
async def ada_and_deaf_bora(
    server: Server, **options: Any
) -> AsyncIterator[tuple[websockets.ClientConnection, websockets.ClientConnection]]:
    url = f"{server.ws_url}/ws?name="
    async with websockets.connect(url + "Ada", **options) as ada, websockets.connect(url + "Bora", **options) as bora:
        bora.transport.pause_reading()
        try:
            yield ada, bora
        finally:
            bora.transport.abort()


async def freezing(server: Server, patience: float = SILENCE) -> Recording:
    """The film up to `patience` seconds into the freeze, which ends as soon as Bora's connection is torn down."""
    with record(server) as film:
        async with ada_and_deaf_bora(server, compression=None) as (ada, bora):
            async with asyncio.timeout(DEADLINE):
                # A slow machine can be silent, too: the film says whether the broadcaster hangs at a send.
                while await messages_in(ada, SILENCE) or let_go(film.so_far(), BROADCASTER)[-1:] in ([], [PAUSE]):
                    continue
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ada.recv(), patience)
            frozen = film.so_far()
            bora.transport.abort()
            await receive(ada)
    return frozen


async def test_a_client_that_stops_reading_freezes_the_broadcaster_until_it_is_gone() -> None:
    """Bug c: it stalls the broadcast, and the loop is idle meanwhile."""
    frozen = await freezing(station(0.005, secrets.token_hex(500_000)), patience=0.2)
    assert let_go(frozen, BROADCASTER)[-1].startswith("await client.send_text(")
    assert not frozen.blocks or frozen.blocks[-1].end < frozen.idles[-1].start


@pytest.mark.slow
async def test_a_ping_timeout_does_not_end_the_freeze() -> None:
    """Bug c: closing waits for the full buffer, too."""
    server = station(0.005, secrets.token_hex(500_000), ws_ping_interval=1.5, ws_ping_timeout=1.5)
    frozen = await freezing(server, patience=4)
    assert let_go(frozen, BROADCASTER)[-1].startswith("await client.send_text(")


async def test_a_ping_timeout_clears_a_silent_client_whose_buffer_has_room() -> None:
    """A silent peer: ping interval + ping timeout."""
    server = station(3600, ws_ping_interval=0.1, ws_ping_timeout=0.1)
    async with websockets.connect(f"{server.ws_url}/ws") as client:
        client.transport.pause_reading()
        await server.log.arrival("handler.end", DEADLINE)
        client.transport.abort()


async def test_deflate_hides_it() -> None:
    """Bug c: `"x" * …` shrinks to nothing, so nothing fills up."""
    server = station(0.001, "x" * 200_000)
    async with ada_and_deaf_bora(server) as (ada, _):
        for _ in range(60):
            await receive(ada)


def hall(broadcaster: Callable[[list[WebSocket]], Awaitable[None]]) -> Server:
    clients: list[WebSocket] = []

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.ensure_future(broadcaster(clients))
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        clients.append(websocket)
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.receive_text()
        clients.remove(websocket)

    return serve(app)


async def test_a_deadline_taxes_everybody() -> None:
    """Bug c: a deadline frees the broadcaster, and everybody waits through it in every round."""
    limit, missed = 0.15, 0
    news = secrets.token_hex(250_000)

    async def with_deadline(clients: list[WebSocket]) -> None:
        nonlocal missed
        while True:
            for client in list(clients):
                try:
                    async with asyncio.timeout(limit):
                        await client.send_text(news)
                except TimeoutError:
                    missed += 1
                except WebSocketDisconnect:
                    pass
            await asyncio.sleep(0.01)

    async with ada_and_deaf_bora(hall(with_deadline), compression=None) as (ada, _):
        async with asyncio.timeout(DEADLINE):
            while not missed:
                await ada.recv()
            start = time.perf_counter()
            before = missed
            while missed < before + 4:
                await ada.recv()
    # The first of the four may have begun earlier, and a timer may be a clock tick early.
    assert time.perf_counter() - start >= 2.5 * limit


def robust() -> dict[str, Any]:
    """The names that the notebook's own cells define: the broadcaster with a queue for each client, and its app."""
    cells = [cell.source for cell in notebook(ROOT, "09", "en").cells if cell.cell_type == "code"]
    names: dict[str, Any] = {}
    exec(compile(cells[0].split("from wslab")[0], "imports", "exec", dont_inherit=True), names)
    names["serve"], names["news"] = serve, secrets.token_hex(250_000)
    for mark in ("async def looked_after(", "async def write(", "writers = {}", "robust.hang_up("):
        (cell,) = [cell for cell in cells if mark in cell]
        cell = cell.split("\n\n\nawait nap(")[0].split(
            "\n\n\n@contextlib.asynccontextmanager\nasync def lifespan(app):\n    async with looked_after(program"
        )[0]
        exec(compile(cell, mark, "exec", dont_inherit=True), names)
    return names


async def test_a_bounded_queue_and_eviction_keep_the_others_whole() -> None:
    """Bug c: per-client bounded queue, writer task and eviction is the answer. The notebook's own code."""
    names = robust()
    server: Server = names["robust"]
    async with ada_and_deaf_bora(server, compression=None) as (ada, bora):
        async with asyncio.timeout(DEADLINE):
            while not server.log.prints:
                await ada.recv()
            for _ in range(20):
                await ada.recv()
            assert [entry.text for entry in server.log.prints] == ["write · Bora: evicted"]
            assert [writer.get_name() for writer in names["writers"].values()] == ["write · Ada"]
            # An evicted connection does not go away by itself: closing it waits for Bora, until its deadline.
            while server.open_websockets == 2:
                await ada.recv()
            bora.transport.resume_reading()
            with pytest.raises(ConnectionClosedError):
                await asyncio.wait_for(to_the_end(bora), DEADLINE)
            assert bora.close_code == 1006
    assert not server.log.errors


# 5: a crowd


async def test_many_connections_in_one_thread() -> None:
    """Thousands of connections on one thread: true."""
    program: Any = fresh("random_server")
    program.period = 3600
    server = serve(program.app)
    number = 60

    async def greet() -> None:
        for client in program.connected_clients:
            await client.send_text("SUNUCU: Merhaba!")

    async with contextlib.AsyncExitStack() as guests:
        crowd = [await guests.enter_async_context(websockets.connect(f"{server.ws_url}/ws")) for _ in range(number)]
        threads = threading.active_count()
        server.submit(greet())
        assert [await receive(client) for client in crowd] == ["SUNUCU: Merhaba!"] * number
        assert server.open_websockets == number
        assert threading.active_count() == threads


# 6: polling


async def test_a_look_costs_headers_and_misses_what_was_replaced() -> None:
    latest, subscribers = {"number": 0}, []
    app = FastAPI()

    @app.get("/latest")
    async def get_latest() -> dict[str, int]:
        return latest

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        subscribers.append(websocket)
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.receive_text()

    async def publish(number: int) -> None:
        latest["number"] = number
        for subscriber in subscribers:
            await subscriber.send_json(latest)

    server = serve(app)
    with capture(server) as wire:
        async with websockets.connect(f"{wire.ws_url}/ws", compression=None) as client, httpx.AsyncClient() as http:
            seen = []
            for number in range(1, 7):
                await asyncio.wrap_future(server.submit(publish(number)))
                assert await receive(client) == f'{{"number":{number}}}'
                if number % 2 == 0:
                    seen.append((await http.get(f"{wire.url}/latest")).json()["number"])
    assert seen == [2, 4, 6]
    looks = [connection for connection in wire.connections if not connection.websocket]
    pushed = [frame for frame in wire.frames if not frame.control]
    assert [frame.size - frame.length for frame in pushed] == [2] * 6
    assert sum(look.sent + look.received for look in looks) > 5 * sum(frame.size for frame in pushed)
