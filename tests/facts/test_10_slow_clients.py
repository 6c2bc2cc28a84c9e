"""What notebook 10 teaches about clients that do not read; each test names the fact it holds on to."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
import websockets
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from wslab.audience import Audience, Outcome, audience, road
from wslab.recording import record
from wslab.serving import Server, serve

DEADLINE = 20
MARK = 64 * 1024
"""asyncio's high-water mark: `transport.get_write_buffer_limits()`."""


def hall() -> FastAPI:
    app = FastAPI()
    app.state.clients = []

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        app.state.clients.append(websocket)
        try:
            async for _ in websocket.iter_text():
                pass
        finally:
            app.state.clients.remove(websocket)

    return app


async def pour(websocket: WebSocket, sent: list[int]) -> None:
    while True:
        await websocket.send_text(secrets.token_hex(2_000))
        sent.append(4_000)


async def fill(websocket: WebSocket) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await pour(websocket, [])


@contextlib.asynccontextmanager
async def one_deaf(server: Server) -> AsyncIterator[Audience]:
    async with audience(server, reading=0, slow=0, deaf=1) as crowd:
        yield crowd


async def on(server: Server, coroutine: Any) -> Any:
    return await asyncio.wait_for(asyncio.wrap_future(server.submit(coroutine)), DEADLINE)


async def to_the_end(client: websockets.ClientConnection) -> int:
    read = 0
    with contextlib.suppress(websockets.ConnectionClosedError):
        async for _ in client:
            read += 1
    return read


# 1: where bytes wait


async def test_sends_return_until_the_write_buffer_is_above_its_mark_and_then_one_waits_on_an_idle_loop() -> None:
    app, sent = hall(), list[int]()
    with serve(app, send_buffer=4096) as server:
        async with one_deaf(server):
            with record(server) as film:
                pouring = server.submit(pour(app.state.clients[0], sent))
                await asyncio.sleep(1)
            (held,) = server.connections
            assert not pouring.done()
            pouring.cancel()
    assert len(sent) > 2
    assert held.buffered > MARK
    # The kernels have the rest: more than nothing, and the last message alone lifted the buffer above its mark.
    assert held.buffered - 2 * 4_100 < MARK
    assert sum(sent) > held.buffered
    (step,) = film.steps_of("pour")
    assert step.let_go is not None
    assert step.let_go.code == "await websocket.send_text(secrets.token_hex(2_000))"
    assert not film.blocks


async def test_a_reader_lets_the_send_go_on() -> None:
    app, sent = hall(), list[int]()
    with serve(app, send_buffer=4096) as server:
        async with one_deaf(server) as crowd:
            pouring = server.submit(pour(app.state.clients[0], sent))
            await asyncio.sleep(0.5)
            before = len(sent)
            reader = crowd.deaf[0].websocket
            reader.transport.resume_reading()
            async with asyncio.timeout(DEADLINE):
                while len(sent) < before + 50:
                    await reader.recv()
            pouring.cancel()


# 2: four broadcasts


async def one_after_another(clients: Sequence[WebSocket], text: str) -> None:
    for client in clients:
        await client.send_text(text)


async def all_at_once(clients: Sequence[WebSocket], text: str) -> None:
    await asyncio.gather(*(client.send_text(text) for client in clients))


async def in_time(client: WebSocket, text: str) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.send_text(text)


async def with_a_deadline(clients: Sequence[WebSocket], text: str) -> None:
    await asyncio.gather(*(in_time(client, text) for client in clients))


async def publish(broadcast: Callable[[Any, str], Awaitable[None]], clients: list[Any], count: int) -> None:
    filler, start = secrets.token_hex(10_000), time.perf_counter()
    for number in range(1, count + 1):
        due = start + number * 0.05
        await asyncio.sleep(due - time.perf_counter())
        await broadcast(list(clients), f"{number} {due} {filler}")


async def trial(broadcast: Callable[[Any, str], Awaitable[None]], app: FastAPI, seconds: float) -> Outcome:
    with serve(app, send_buffer=4096) as server:
        async with audience(server, reading=10) as crowd:
            return await crowd.during(publish(broadcast, app.state.clients, 12), due=12, seconds=seconds)


async def test_a_deaf_client_ends_a_broadcast_and_gather_only_one_message_later() -> None:
    sequence, gathered = await asyncio.gather(trial(one_after_another, hall(), 2), trial(all_at_once, hall(), 2))
    for outcome in (sequence, gathered):
        assert not outcome.ended
        assert outcome.median == math.inf
    # The ones behind the deaf client lack the message at which it stopped; with gather() nobody does.
    assert gathered.missed < sequence.missed
    reached = [number for number, late in enumerate(gathered.by_number, 1) if late is not None]
    assert reached == list(range(1, len(reached) + 1))


async def test_a_deadline_loses_nothing_for_readers_and_delays_each_message_more() -> None:
    outcome = await trial(with_a_deadline, hall(), DEADLINE)
    assert outcome.ended
    assert outcome.missed == 0
    late = [moment for moment in outcome.by_number if moment is not None]
    assert late[-1] > late[-3] > late[-5]
    assert late[-1] > 0.5


async def test_queues_make_nobody_wait() -> None:
    app = FastAPI()
    app.state.clients = []

    async def write(websocket: WebSocket, queue: asyncio.Queue[str]) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await websocket.send_text(await queue.get())

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=5)
        app.state.clients.append(queue)
        writer = asyncio.create_task(write(websocket, queue))
        try:
            async for _ in websocket.iter_text():
                pass
        finally:
            app.state.clients.remove(queue)
            writer.cancel()

    async def into_queues(queues: Sequence[asyncio.Queue[str]], text: str) -> None:
        for queue in queues:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(text)

    outcome = await trial(into_queues, app, DEADLINE)
    assert outcome.ended
    assert outcome.missed == 0
    assert outcome.deaf == 0


# 3: eviction


async def test_close_waits_behind_the_full_buffer_and_an_abort_ends_all_of_it() -> None:
    app = hall()

    async def close(websocket: WebSocket) -> None:
        async with asyncio.timeout(0.5):
            await websocket.close(1013)

    async def hang_up(websocket: WebSocket) -> None:
        server.hang_up(websocket)

    with serve(app, send_buffer=4096) as server:
        async with one_deaf(server) as crowd:
            websocket = app.state.clients[0]
            await on(server, fill(websocket))
            with pytest.raises(TimeoutError):
                await on(server, close(websocket))
            (held,) = server.connections
            assert held.buffered > MARK
            await on(server, hang_up(websocket))
            await server.log.arrival("handler.end", DEADLINE)
            assert server.connections == ()
            # What both kernels had taken is still read, and then the connection ends without a close frame.
            sleeper = crowd.deaf[0].websocket
            sleeper.transport.resume_reading()
            assert await asyncio.wait_for(to_the_end(sleeper), DEADLINE) > 0
            assert sleeper.close_code == 1006


# 5: coming back


async def test_a_connection_that_opened_resets_the_back_off() -> None:
    app, opened = FastAPI(), 0

    @app.websocket("/ws")
    async def full(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(1013)

    with serve(app) as server:
        async with asyncio.timeout(DEADLINE):
            async for websocket in websockets.connect(f"{server.ws_url}/ws"):
                opened += 1
                if opened == 10:
                    break
                with pytest.raises(websockets.ConnectionClosedError):
                    await websocket.recv()
    assert opened == 10


async def test_an_exception_that_leaves_the_body_ends_the_loop() -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def full(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(1013)

    async def persistent() -> None:
        async for websocket in websockets.connect(f"{server.ws_url}/ws"):
            await websocket.recv()

    with serve(app) as server, pytest.raises(websockets.ConnectionClosedError):
        await asyncio.wait_for(persistent(), DEADLINE)


async def test_a_connection_that_cannot_be_opened_is_tried_again_after_the_given_delays() -> None:
    server = serve(hall())
    server.stop()
    asked: list[float] = []

    def delays() -> Any:
        for delay in (0.01, 0.02, 0.03):
            asked.append(delay)
            yield delay
        server.start()
        while True:
            yield 0.01

    async with asyncio.timeout(DEADLINE):
        async for websocket in websockets.connect(f"{server.ws_url}/ws", reconnect_delays=delays):
            await websocket.close()
            break
    assert asked == [0.01, 0.02, 0.03]
    server.stop()


# 7: who finds out, and when


async def after_a_cut(**options: Any) -> dict[str, bool]:
    app = hall()
    with serve(app, ws_ping_interval=0.2, ws_ping_timeout=0.2) as server:
        async with road(server) as way:
            client = await websockets.connect(f"{way.ws_url}/ws", **options)
            way.cut()
            await client.send("Are you there?")
            await server.log.arrival("handler.end", DEADLINE)
            if options["ping_interval"]:
                await asyncio.wait_for(client.wait_closed(), DEADLINE)
            knows = {"server": not app.state.clients, "client": client.close_code is not None}
            client.transport.abort()
    return knows


async def test_only_the_end_that_pings_notices_a_cut_line() -> None:
    assert await after_a_cut(ping_interval=None) == {"server": True, "client": False}
    pinging = {"ping_interval": 0.2, "ping_timeout": 0.2, "close_timeout": 0.2}
    assert await after_a_cut(**pinging) == {"server": True, "client": True}


async def test_nobody_notices_where_nobody_pings() -> None:
    app = hall()
    with serve(app, ws_ping_interval=None) as server:
        async with road(server) as way:
            client = await websockets.connect(f"{way.ws_url}/ws", ping_interval=None)
            await server.log.arrival("websocket.accept", DEADLINE)
            way.cut()
            await client.send("Are you there?")
            await asyncio.sleep(1)
            assert len(server.connections) == 1
            assert client.close_code is None
            client.transport.abort()


async def test_a_ping_keeps_a_quiet_connection_alive_behind_a_proxy_that_drops_idle_ones() -> None:
    async def code(interval: float) -> int | None:
        with serve(hall(), ws_ping_interval=interval) as server:
            async with road(server, idle=0.5) as way:
                client = await websockets.connect(f"{way.ws_url}/ws", ping_interval=None)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(client.wait_closed(), 1.5)
                found = client.close_code
                client.transport.abort()
        return found

    assert await asyncio.gather(code(20), code(0.1)) == [1006, None]
