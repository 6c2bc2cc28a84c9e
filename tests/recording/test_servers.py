"""Films of a real server: who is on the other end, the thread pool, middleware, blocking, lateness."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import websockets
from fastapi import Depends, FastAPI, Request, WebSocket
from starlette.types import ASGIApp, Receive, Scope, Send

from wslab.recording import Recording, RecordingError, Step, record, sentences
from wslab.serving import Server, serve

RECEIVE = "await websocket.receive_text()"


def code(step: Step) -> str | None:
    return step.let_go.code if step.let_go else None


def chat() -> FastAPI:
    app = FastAPI()
    clients: list[WebSocket] = []

    @app.websocket("/ws")
    async def websocket_endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        clients.append(websocket)
        try:
            while True:
                data = await websocket.receive_text()
                if data == "block":
                    time.sleep(0.2)
                elif data == "nap":
                    await asyncio.sleep(0.001)
                for client in clients:
                    await client.send_text(f"Mesajınız: {data}")
        finally:
            clients.remove(websocket)

    @app.websocket("/rooms/{room}")
    async def in_room(websocket: WebSocket, room: str) -> None:
        await websocket.accept()
        await websocket.send_text(room)
        await websocket.receive_text()

    @app.get("/sync")
    def in_thread_pool() -> str:
        return "from the thread pool"

    @app.get("/async")
    async def on_the_loop() -> str:
        return "at once"

    return app


@pytest.fixture
def server() -> Server:
    return serve(chat())


async def say(client: websockets.ClientConnection, text: str) -> str:
    async with asyncio.timeout(20):
        await client.send(text)
        return str(await client.recv())


async def test_three_clients_in_a_known_order(server: Server) -> None:
    names = ["Ada", "Bob", "Cleo"]
    async with (
        websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada,
        websockets.connect(f"{server.ws_url}/ws?name=Bob") as bob,
        websockets.connect(f"{server.ws_url}/ws?name=Cleo") as cleo,
    ):
        everyone = dict(zip(names, (ada, bob, cleo), strict=True))
        with record(server) as film:
            for speaker in ["Bob", "Ada", "Cleo", "Bob"]:
                await everyone[speaker].send("x")
                for client in everyone.values():  # everybody has heard it: the step is over
                    async with asyncio.timeout(20):
                        await client.recv()
                film.mark(speaker)
    lanes = [f"websocket_endpoint · {name}" for name in ("Bob", "Ada", "Cleo", "Bob")]
    assert list(film.order) == lanes
    assert {code(step) for step in film.steps} == {RECEIVE}
    assert all(step.resumed is not None and step.resumed.code == RECEIVE for step in film.steps)
    assert [lane.born for lane in film.lanes[:3]] == ["before"] * 3
    assert [mark.text for mark in film.marks] == ["Bob", "Ada", "Cleo", "Bob"]
    assert film.lanes[-1].kind == "internal"
    assert film.internals


async def test_where_a_handler_waits_and_what_resumed_it(server: Server) -> None:
    async with websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada:
        with record(server) as film:
            await say(ada, "nap")
    assert [code(step) for step in film.steps] == ["await asyncio.sleep(0.001)", RECEIVE]
    first, second = film.steps
    assert second.resumed == first.let_go
    assert first.let_go is not None
    assert first.let_go.where == "test_servers.py"
    assert first.let_go.function.endswith("websocket_endpoint")


async def test_names_from_a_path_parameter_and_from_the_port(server: Server) -> None:
    async with (
        websockets.connect(f"{server.ws_url}/rooms/blue") as first,
        websockets.connect(f"{server.ws_url}/ws") as second,
    ):
        await first.recv()
        await say(second, "x")
        port = second.local_address[1]
        with record(server) as film:
            pass
    assert [lane.name for lane in film.lanes if lane.kind != "internal"] == [
        "in_room · blue",
        f"websocket_endpoint · port {port}",
    ]


async def test_a_connection_that_comes_and_goes_during_the_film(server: Server) -> None:
    with record(server) as film:
        async with websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada:
            await say(ada, "x")
        await server_is_rid_of(server)
    lane = film.lane("Ada")
    # WebSocketDisconnect left the handler, and ended in the server's own task around it.
    assert (lane.born, lane.kind, lane.ending) == ("new", "connection", "returned")
    steps = film.steps_of("Ada")
    assert steps[0].resumed is None
    assert [code(step) for step in steps] == [RECEIVE, RECEIVE, None]


async def server_is_rid_of(server: Server) -> None:
    await until(lambda: not server.open_websockets)


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that another thread brings about; 20 seconds at most."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_blocking_is_seen_with_its_line(server: Server) -> None:
    async with (
        websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada,
        websockets.connect(f"{server.ws_url}/ws?name=Bob"),
    ):
        with record(server) as film:
            await say(ada, "block")
    # On a busy machine other steps may take long too, so the block is found by its line, not by its length.
    block = next(block for block in film.blocks if block.place and block.place.code == "time.sleep(0.2)")
    assert film.lanes[block.lane].name == "websocket_endpoint · Ada"
    assert block.end - block.start >= 195_000_000
    assert block.seen >= 1
    step = next(step for step in film.steps if step.number == block.step)
    assert code(step) == RECEIVE
    assert "time.sleep(0.2)" in film.summary()


async def test_the_line_is_known_while_it_still_blocks(server: Server) -> None:
    async with websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada:
        with record(server) as film:
            await ada.send("block")
            await until(lambda: film.blocks and film.blocks[0].place)
            live = film.so_far()
            await ada.recv()
    assert live.steps[-1].open
    assert live.blocks[0].place is not None
    assert live.blocks[0].place.code == "time.sleep(0.2)"
    assert not film.steps[-1].open


async def test_def_endpoints_in_the_thread_pool(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        with record(server) as film:
            await client.get("/async")
            await client.get("/sync")
            await client.get("/async")
    assert [name for name, before in zip(film.order, (None, *film.order), strict=False) if name != before] == [
        "on_the_loop · GET /async",
        "in_thread_pool · GET /sync",
        "on_the_loop · GET /async",
    ]
    assert len(film.steps_of("on_the_loop")) == 2  # each ran through without a pause
    steps = film.steps_of("in_thread_pool")
    assert len(steps) >= 2
    assert steps[0].let_go is not None
    assert not steps[0].let_go.user
    assert "run_in_threadpool" in steps[0].let_go.code
    assert steps[-1].ending == "returned"


def guarded() -> tuple[FastAPI, list[str]]:
    app = FastAPI()
    diary: list[str] = []

    class Outermost:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                diary.append("Outermost")
                await asyncio.sleep(0)
            await self.app(scope, receive, send)

    app.add_middleware(Outermost)

    async def who() -> str:
        diary.append("who")
        await asyncio.sleep(0)
        return "Ada"

    @app.get("/hello")
    async def hello(name: str = Depends(who)) -> str:
        diary.append("hello")
        await asyncio.sleep(0)
        diary.append("hello, on")
        return name

    return app, diary


async def test_behind_middleware_and_depends() -> None:
    app, diary = guarded()
    server = serve(app)
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        with record(server) as film:
            assert (await client.get("/hello")).json() == "Ada"
    assert diary == ["Outermost", "who", "hello", "hello, on"]
    lane = film.lane("Outermost → hello · GET /hello")
    functions = [
        step.let_go.function.rpartition("<locals>.")[2]
        for step in film.steps_of(lane.name)
        if step.let_go is not None and step.let_go.user
    ]
    assert functions == ["Outermost.__call__", "who", "hello"]
    assert lane.ending == "returned"


async def test_a_middleware_with_a_task_of_its_own() -> None:
    app = FastAPI()

    @app.middleware("http")
    async def timing(request: Request, call_next):  # type: ignore[no-untyped-def]
        return await call_next(request)

    @app.get("/hello")
    async def hello() -> str:
        await asyncio.sleep(0)
        return "x"

    server = serve(app)
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        with record(server) as film:
            await client.get("/hello")
    lanes = {lane.name: lane.kind for lane in film.lanes if lane.kind != "internal"}
    assert lanes == {"timing → hello · GET /hello": "request", "hello · GET /hello": "task"}
    assert code(film.steps_of("hello · GET /hello")[0]) == "await asyncio.sleep(0)"
    assert code(film.steps_of("timing")[0]) == "await call_next(request)"


async def test_accept_that_nobody_awaited() -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def websocket_endpoint(websocket: WebSocket) -> None:
        websocket.accept()  # type: ignore[unused-coroutine]
        await websocket.receive_text()

    server = serve(app)
    with record(server) as film, pytest.raises(websockets.InvalidStatus):
        await websockets.connect(f"{server.ws_url}/ws?name=Ada")
    (one,) = film.unawaited
    assert one.coroutine == "WebSocket.accept"
    assert film.lanes[one.lane].name == "websocket_endpoint · Ada"
    assert one.place is not None
    assert one.place.code == "websocket.accept()"
    assert "never ran" in film.summary()
    assert "WebSocket.accept" in str(server.log)


async def test_a_task_of_lifespan_that_dies_in_silence() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async def announcer() -> None:
            await asyncio.sleep(0.05)
            raise LookupError("no room")

        app.state.task = asyncio.create_task(announcer())
        yield

    server = serve(FastAPI(lifespan=lifespan))
    with record(server) as film:
        await until(lambda: film.lane("announcer").ending)
    assert film.lane("announcer").ending == "raised"
    assert film.lane("announcer").error == "LookupError: no room"


async def test_the_notebooks_own_loop_on_the_same_clock(server: Server) -> None:
    async with websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada:
        with record(server, here=True) as film:
            await say(ada, "x")
    assert film.trace.loops[1] == "this notebook"
    mine = {lane.number for lane in film.lanes if lane.loop == 1}
    answered = film.steps_of("Ada")[0]
    sent = next(step for step in film.steps if step.lane in mine)
    back = [step for step in film.steps if step.lane in mine and step.start > answered.start]
    assert sent.start < answered.start
    assert back
    assert [step.number for step in film.steps] == sorted(step.number for step in film.steps)


async def test_films_nest_and_repeat(server: Server) -> None:
    async with websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada:
        with record(server) as whole:
            await say(ada, "1")
            with record(server) as inner:
                await say(ada, "2")
            await say(ada, "3")
        with record(server) as after:
            await say(ada, "4")
    assert [len(film.steps) for film in (whole, inner, after)] == [3, 1, 1]
    assert inner.started_ns > whole.started_ns
    assert inner.steps[0].resumed is not None
    assert inner.steps[0].resumed.code == RECEIVE
    with pytest.raises(RecordingError, match="begun already"):
        whole.start()
    with pytest.raises(RecordingError, match="over"):
        whole.mark("too late")


async def test_the_last_seconds_of_a_server_that_is_always_filmed(server: Server) -> None:
    with pytest.raises(RecordingError, match="always_on"):
        record.last(5)
    record.always_on()
    try:
        async with websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada:
            await say(ada, "x")
            film = record.last(60)
            assert film.order[-1] == "websocket_endpoint · Ada"
            assert record.last(60, server).order == record.last(60).order
            with pytest.raises(RecordingError, match="positive"):
                record.last(0)
            second = serve(chat())  # one that starts later is filmed too
            async with websockets.connect(f"{second.ws_url}/ws?name=Bob") as bob:
                async with asyncio.timeout(20):
                    while "websocket_endpoint · Bob" not in record.last(60).order:
                        await say(bob, "x")
            with record(second) as short:
                pass
            assert short.steps == ()
    finally:
        record.always_off()
    with pytest.raises(RecordingError, match="always_on"):
        record.last(5)


async def test_always_on_for_one_server_alone(server: Server) -> None:
    other = serve(chat())
    record.always_on(server)
    try:
        with pytest.raises(RecordingError, match="not always filmed"):
            record.last(5, other)
        assert isinstance(record.last(5, server), Recording)
    finally:
        record.always_off()


def test_a_film_from_a_plain_cell_without_a_loop(server: Server) -> None:
    with record(server) as film:
        assert httpx.get(f"{server.url}/async", timeout=20).status_code == 200
    assert film.order == ("on_the_loop · GET /async",)


async def test_a_server_that_stops_during_the_film(server: Server) -> None:
    with record(server) as film:
        async with websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada:
            await say(ada, "x")
            await asyncio.to_thread(server.stop)
    assert film.lane("Ada").ending == "returned"
    assert "WebSocketDisconnect: (1012" in sentences.sentences(film.trace)[-1]
    with pytest.raises(RecordingError, match="closed"):
        record(server)


async def test_the_kits_own_tasks_stay_unseen(server: Server) -> None:
    with record(server) as film:
        await asyncio.sleep(0)
    assert [lane.kind for lane in film.lanes] == ["internal"]


async def test_not_begun_yet(server: Server) -> None:
    film = record(server)
    assert "not begun" in repr(film)
    assert "not begun" in film._repr_html_()
    with pytest.raises(RecordingError, match="not begun"):
        _ = film.steps
    with pytest.raises(RecordingError, match="not begun"):
        film.mark("x")
    assert film.stop() is film
