"""What notebook 11 teaches about who comes in and what they may say; each test names the fact it holds on to."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Annotated, Literal

import httpx
import pytest
import websockets
from fastapi import (
    BackgroundTasks,
    Depends,
    FastAPI,
    HTTPException,
    Request,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
)
from fastapi.middleware.cors import CORSMiddleware
from fastapi.requests import HTTPConnection
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from wslab import capture
from wslab.serving import Server, serve

DEADLINE = 10


async def from_http(request: Request) -> str:
    return request.cookies.get("user", "")


async def from_both(connection: HTTPConnection) -> str:
    return connection.cookies.get("user", "")


async def by_exception(connection: HTTPConnection) -> None:
    raise HTTPException(401, "önce giriş yapın")


async def by_code(connection: HTTPConnection) -> None:
    raise WebSocketException(1008)


def doors() -> FastAPI:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["https://sohbet.example"], allow_credentials=True)

    @app.get("/page")
    async def page() -> str:
        return "page"

    @app.websocket("/hello")
    async def hello(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(websocket.cookies.get("user", ""))

    @app.websocket("/compare")
    async def compare(websocket: WebSocket, token: str) -> None:
        if not secrets.compare_digest(token, "gizli"):
            raise WebSocketException(1008)
        await websocket.accept()

    for name, dependency in {"request": from_http, "both": from_both, "401": by_exception, "1008": by_code}.items():

        @app.websocket(f"/dependency/{name}", dependencies=[Depends(dependency)])
        async def behind(websocket: WebSocket) -> None:
            await websocket.accept()

    @app.websocket("/json")
    async def json(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            message = await websocket.receive_json()
            await websocket.send_text(message["text"])

    @app.websocket("/repeat")
    async def repeat(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(2 * await websocket.receive_text())
        except WebSocketDisconnect:
            pass

    return app


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(doors(), ws_max_size=1000) as server:
        yield server


async def status(url: str, **options: object) -> int:
    try:
        async with websockets.connect(url, **options):  # type: ignore[arg-type]
            return 101
    except InvalidStatus as refusal:
        return refusal.response.status_code


# -- who comes in -------------------------------------------------------------------------------------------


async def test_cors_middleware_looks_at_no_handshake(server: Server) -> None:
    """An origin that is not allowed gets no header in an HTTP response, and 101 with the cookie for a WebSocket."""
    async with httpx.AsyncClient() as http:
        headers = {
            origin: (await http.get(f"{server.url}/page", headers={"Origin": origin})).headers
            for origin in ("https://sohbet.example", "https://kotu.example")
        }
    allowed = {origin: "access-control-allow-origin" in found for origin, found in headers.items()}
    assert allowed == {"https://sohbet.example": True, "https://kotu.example": False}
    async with websockets.connect(
        f"{server.ws_url}/hello", origin=Origin("https://kotu.example"), additional_headers={"Cookie": "user=Ada"}
    ) as client:
        assert await asyncio.wait_for(client.recv(), DEADLINE) == "Ada"


@pytest.mark.parametrize(("token", "expected"), [("gizli", 101), ("gizl", 403), ("gizlı", 500)])
async def test_compare_digest_takes_texts_of_ascii_alone(server: Server, token: str, expected: int) -> None:
    """`secrets.compare_digest("gizlı", "gizli")` raises TypeError; in a handler that is a 500."""
    assert await status(f"{server.ws_url}/compare?token={token}") == expected


@pytest.mark.parametrize(("dependency", "expected"), [("request", 500), ("both", 101), ("401", 401), ("1008", 403)])
async def test_dependencies_of_a_websocket_route(server: Server, dependency: str, expected: int) -> None:
    """`Request` → 500, `HTTPConnection` is passed; `HTTPException` gives its status, `WebSocketException` 403."""
    assert await status(f"{server.ws_url}/dependency/{dependency}") == expected


# -- what they may say --------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ['{"te', "{}", "[1]", "3", b'{"text": "selam"}'])
async def test_a_message_that_does_not_fit_ends_the_connection_with_1006(server: Server, message: str | bytes) -> None:
    async with websockets.connect(f"{server.ws_url}/json") as client:
        await client.send(message)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), DEADLINE)
    assert client.close_code == 1006


@pytest.mark.parametrize(("text", "room", "first"), [("ş" * 600, 5000, "server"), ("a" * 700, 1000, "client")])
async def test_whoever_receives_too_many_bytes_says_1009(server: Server, text: str, room: int, first: str) -> None:
    with capture(server) as wire:
        async with websockets.connect(f"{wire.ws_url}/repeat", max_size=room) as client:
            await client.send(text)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(client.recv(), DEADLINE)
    closes = [(frame.direction.sender, frame.close_code) for frame in wire.frames if frame.close_code]
    assert closes[0] == (first, 1009)


def test_a_validation_error_as_text_tells_names_and_version() -> None:
    """`str(ValidationError)` holds what was sent, the class, the field and an address with pydantic's version."""

    class Say(BaseModel):
        type: Literal["say"]
        text: str

    class Move(BaseModel):
        type: Literal["move"]

    adapter: TypeAdapter[Say | Move] = TypeAdapter(Annotated[Say | Move, Field(discriminator="type")])
    with pytest.raises(ValidationError) as failed:
        adapter.validate_json('{"type": "say", "txt": "gizli"}')
    assert failed.value.errors()[0]["type"] == "missing"
    for told in ("say.text", "gizli", "https://errors.pydantic.dev/"):
        assert told in str(failed.value)


# -- from another thread ------------------------------------------------------------------------------------


async def test_a_loop_of_its_own_is_not_woken_when_the_buffer_drains() -> None:
    """`asyncio.run(send)` in a thread waits for its own deadline; `run_coroutine_threadsafe` goes on at once."""
    news, app, deadline = secrets.token_hex(500_000), FastAPI(), 4

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        app.state.client, app.state.loop = websocket, asyncio.get_running_loop()
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.receive_text()

    async def first_wait() -> float:
        """How long the first send that finds the buffer full takes. The buffers of a system may hold many before."""
        for _ in range(50):
            started = time.perf_counter()
            async with asyncio.timeout(deadline):
                await app.state.client.send_text(news)
            if (waited := time.perf_counter() - started) > 0.1:
                return waited
        raise AssertionError("no send had to wait")

    @app.post("/own-loop")
    def own_loop() -> float:
        return asyncio.run(first_wait())

    @app.post("/server-loop")
    def server_loop() -> float:
        return asyncio.run_coroutine_threadsafe(first_wait(), app.state.loop).result(DEADLINE)

    async def read_all(sleeper: websockets.ClientConnection) -> None:
        async for _ in sleeper:
            pass

    async def publish(path: str) -> float:
        async with (
            websockets.connect(f"{newsroom.ws_url}/ws", compression=None, max_queue=1) as sleeper,
            httpx.AsyncClient(timeout=DEADLINE) as http,
        ):
            posting = asyncio.create_task(http.post(f"{newsroom.url}/{path}"))
            await asyncio.sleep(0.5)
            reading = asyncio.create_task(read_all(sleeper))
            seconds = float((await posting).json())
            await sleeper.close()
            await reading
            return seconds

    with serve(app) as newsroom:
        assert await publish("own-loop") > deadline - 0.5
        assert await publish("server-loop") < deadline - 0.5


# -- tests of it --------------------------------------------------------------------------------------------


async def test_background_tasks_of_a_websocket_handler_are_never_run() -> None:
    """FastAPI hands the object over; only an HTTP response runs what was added to it."""
    app = FastAPI()
    done: list[str] = []
    ran = threading.Event()

    @app.websocket("/ws")
    async def handler(websocket: WebSocket, tasks: BackgroundTasks) -> None:
        await websocket.accept()
        tasks.add_task(done.append, "handler")
        await websocket.close()

    @app.post("/later")
    async def later(tasks: BackgroundTasks) -> None:
        tasks.add_task(done.append, "request")
        tasks.add_task(ran.set)

    with serve(app) as server:
        assert await status(f"{server.ws_url}/ws") == 101
        await server.log.arrival("handler.end")
        async with httpx.AsyncClient() as http:
            await http.post(f"{server.url}/later")
        assert await asyncio.to_thread(ran.wait, DEADLINE)
        assert not server.log.errors
    assert done == ["request"]


def test_the_test_client_waits_as_long_as_the_app_is_silent() -> None:
    """`TestClient`'s `receive_text()` has no deadline: it returns when the app sends something, if only a close."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fastapi.testclient import TestClient

    app, release = FastAPI(), threading.Event()

    @app.websocket("/ws")
    async def silent(websocket: WebSocket) -> None:
        await websocket.accept()
        await asyncio.to_thread(release.wait, DEADLINE)
        await websocket.close()

    with TestClient(app).websocket_connect("/ws") as client:
        threading.Timer(0.3, release.set).start()
        with pytest.raises(WebSocketDisconnect):
            client.receive_text()
    assert release.is_set()
