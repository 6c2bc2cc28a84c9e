"""Which lanes a film has: one connection a client, whatever the application starts beside it, each with its name."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
import websockets
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Mount, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from wslab.recording import Recording, naming, record, sentences
from wslab.serving import Server, serve

Broadcast = Callable[[list[WebSocket], str], Awaitable[object]]


async def film_of(app: Any, *paths: str, rounds: int = 2) -> Recording:
    """A film of clients that each send and receive in turn, and of their leaving."""
    server = serve(app)
    with record(server) as film:
        for path in paths:
            async with asyncio.timeout(20), websockets.connect(f"{server.ws_url}{path}") as client:
                for _ in range(rounds):
                    await client.send("selam")
                    await client.recv()
        await nobody_is_left(server)
    return film


async def nobody_is_left(server: Server) -> None:
    async with asyncio.timeout(20):
        while server.open_websockets:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def names(film: Recording, kind: str) -> list[str]:
    return [lane.name for lane in film.lanes if lane.kind == kind]


# -- tasks that an application starts beside its handlers --------------------------------------------------------


async def with_gather(clients: list[WebSocket], text: str) -> None:
    await asyncio.gather(*(client.send_text(text) for client in clients))


async def with_task_group(clients: list[WebSocket], text: str) -> None:
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.send_text(text))


async def with_create_task(clients: list[WebSocket], text: str) -> None:
    tasks = [asyncio.create_task(client.send_text(text)) for client in clients]
    await asyncio.wait(tasks)


async def with_anyio(clients: list[WebSocket], text: str) -> None:
    async with anyio.create_task_group() as group:
        for client in clients:
            group.start_soon(client.send_text, text)


async def with_own_function(clients: list[WebSocket], text: str) -> None:
    async def deliver(client: WebSocket) -> None:
        await client.send_text(text)

    await asyncio.gather(*(deliver(client) for client in clients))


def relay(broadcast: Broadcast) -> FastAPI:
    app = FastAPI()
    here: list[WebSocket] = []

    @app.websocket("/ws/{client_id}")
    async def chat(websocket: WebSocket, client_id: str) -> None:
        await websocket.accept()
        here.append(websocket)
        try:
            async for text in websocket.iter_text():
                await broadcast(here, f"{client_id}: {text}")
        finally:
            here.remove(websocket)

    return app


@pytest.mark.parametrize("broadcast", [with_gather, with_task_group, with_create_task, with_anyio, with_own_function])
async def test_tasks_around_sends_are_no_connections(broadcast: Broadcast) -> None:
    server = serve(relay(broadcast))
    with record(server) as film:
        async with (
            asyncio.timeout(20),
            websockets.connect(f"{server.ws_url}/ws/Ada") as ada,
            websockets.connect(f"{server.ws_url}/ws/Bora") as bora,
        ):
            await bora.send("geldim")
            await bora.recv()
            for _ in range(2):
                await ada.send("selam")
                while "selam" not in str(await ada.recv()):
                    pass
                while "selam" not in str(await bora.recv()):
                    pass
        await nobody_is_left(server)
    assert names(film, "connection") == ["chat · Ada", "chat · Bora"]
    # One at a time to each client, so that no number is needed.
    own = {"deliver"} if broadcast is with_own_function else {"send_text → Ada", "send_text → Bora"}
    assert set(names(film, "task")) == own
    assert [lane.client is None for lane in film.lanes if lane.kind == "task"] == [True] * len(names(film, "task"))


async def test_a_receive_in_a_task_of_its_own() -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            waiting = asyncio.ensure_future(websocket.receive_text())
            await websocket.send_text(await waiting)

    film = await film_of(app, "/ws?name=Ada")
    assert names(film, "connection") == ["chat · Ada"]
    assert set(names(film, "task")) == {"receive_text ← Ada"}


async def test_a_film_that_begins_while_such_a_task_waits() -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        waiting = asyncio.ensure_future(websocket.receive_text())
        await websocket.send_text("hazır")
        await waiting

    server = serve(app)
    async with asyncio.timeout(20), websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada:
        await ada.recv()
        with record(server) as film:
            pass
    assert names(film, "connection") == ["chat · Ada"]
    assert names(film, "task") == ["receive_text ← Ada"]


# -- what stands around a handler ---------------------------------------------------------------------------------


class Passing:
    """Pure ASGI middleware that hands on the scope itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Copying(Passing):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope}, receive, send)


class CopyingLater(Passing):
    """It lets go before it calls the application, as one that asks a database for a token does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0)
        await self.app(dict(scope), receive, send)


class WithDeadline(Passing):
    """It runs the application in a task of its own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.ensure_future(self.app(scope, receive, send))


class ForPages(BaseHTTPMiddleware):
    async def dispatch(self, request: Any, call_next: Any) -> Any:
        return await call_next(request)


def echo(*middleware: type) -> FastAPI:
    app = FastAPI()

    @app.websocket("/{room}/ws/{client_id}")
    async def chat(websocket: WebSocket, room: str, client_id: str) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    @app.get("/count")
    async def count() -> int:
        await asyncio.sleep(0)
        return 1

    for one in middleware:
        app.add_middleware(one)
    return app


@pytest.mark.parametrize(
    ("middleware", "expected"),
    [
        ((), "chat · tea/7"),
        ((Passing,), "Passing → chat · tea/7"),
        ((Copying,), "Copying → chat · tea/7"),
        ((CopyingLater,), "CopyingLater → chat · tea/7"),
        ((Passing, Copying), "Copying → chat · tea/7"),
        ((ForPages,), "chat · tea/7"),
    ],
)
async def test_a_connection_behind_middleware(middleware: tuple[type, ...], expected: str) -> None:
    film = await film_of(echo(*middleware), "/tea/ws/7")
    (lane,) = (lane for lane in film.lanes if lane.kind == "connection")
    assert lane.name == expected
    assert lane.client is not None


async def test_a_request_behind_middleware_that_copies() -> None:
    server = serve(echo(Copying))
    with record(server) as film:
        async with httpx.AsyncClient(timeout=20) as client:
            await client.get(f"{server.url}/count")
    assert names(film, "request") == ["Copying → count · GET /count"]


async def test_a_middleware_that_runs_the_application_in_another_task() -> None:
    film = await film_of(echo(WithDeadline), "/tea/ws/7")
    assert names(film, "connection") == ["WithDeadline → chat · tea/7"]
    assert "chat · tea/7" in names(film, "task")


# -- what an endpoint can be --------------------------------------------------------------------------------------


class Echo(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await asyncio.sleep(0)
        await websocket.send_text(data)


def logged(function: Any) -> Any:
    @functools.wraps(function)
    async def inner(*args: Any, **more: Any) -> Any:
        await asyncio.sleep(0)
        return await function(*args, **more)

    return inner


async def answer(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


class Hall:
    async def visit(self, websocket: WebSocket) -> None:
        await answer(websocket)


class Called:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(WebSocket(scope, receive, send))


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (Echo, "Echo · Ada"),
        (logged(answer), "answer · Ada"),
        (logged(logged(answer)), "answer · Ada"),
        (functools.partial(answer), "answer · Ada"),
        (Hall().visit, "Hall.visit · Ada"),
        (Called(), "Called · Ada"),
    ],
)
async def test_what_an_endpoint_is_called(endpoint: Any, expected: str) -> None:
    app = Starlette(routes=[WebSocketRoute("/ws", endpoint)])
    film = await film_of(app, "/ws?name=Ada")
    assert names(film, "connection") == [expected]


async def test_an_application_in_another_one() -> None:
    inner = echo(Copying)
    app = Starlette(routes=[Mount("/inner", app=inner)])
    film = await film_of(app, "/inner/tea/ws/7")
    assert names(film, "connection") == ["Copying → chat · tea/7"]


async def test_an_application_without_a_framework() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await answer(WebSocket(scope, receive, send))

    film = await film_of(app, "/ws?name=Ada")
    assert names(film, "connection") == ["app · Ada"]


def test_a_litestar_listener() -> None:
    async def chat(data: str) -> str:
        return data

    class ListenerHandler:
        _fn = staticmethod(chat)
        __call__ = print

    # What Litestar 2 puts into a scope: a handler, whose `fn` calls the learner's function, its `_fn`.
    handler = SimpleNamespace(fn=ListenerHandler())
    scope = {"type": "websocket", "route_handler": handler, "query_string": b"name=Ada"}
    endpoint = naming.endpoint_of(scope)
    assert naming.scope_name(scope, naming.endpoint_name(endpoint)) == "chat · Ada"


def test_an_endpoint_of_a_library_is_not_the_learners() -> None:
    assert naming.endpoint_of({"type": "http", "endpoint": Starlette()}) is None
    assert naming.endpoint_of({"type": "http"}) is None


# -- what left a handler ------------------------------------------------------------------------------------------


async def last_sentence(handler: Callable[[WebSocket], Awaitable[None]], text: str = "") -> tuple[Recording, str]:
    app = FastAPI()

    @app.websocket("/ws")
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        await handler(websocket)

    server = serve(app)
    with record(server) as film:
        async with asyncio.timeout(20), websockets.connect(f"{server.ws_url}/ws?name=Cem") as client:
            if text:
                await client.send(text)
                await client.wait_closed()
        await nobody_is_left(server)
    step = film.steps_of("chat · Cem")[-1]
    return film, sentences.sentences(film.trace)[step.number - 1]


async def test_a_wait_that_ended_with_an_exception_is_said() -> None:
    async def handler(websocket: WebSocket) -> None:
        await websocket.receive_text()

    film, said = await last_sentence(handler)
    lane = film.lane("chat · Cem")
    assert (lane.ending, lane.wait_failed) == ("returned", True)
    assert lane.error.startswith("WebSocketDisconnect")
    assert "its wait ended with an exception" in said
    assert "WebSocketDisconnect" in said
    assert "done with this connection" not in said
    assert "ended with WebSocketDisconnect" in film.summary()
    assert Recording.from_json(film.to_json()).trace == film.trace


async def test_a_handler_that_catches_the_exception_has_ended() -> None:
    async def handler(websocket: WebSocket) -> None:
        try:
            await websocket.receive_text()
        except WebSocketDisconnect:
            return

    film, said = await last_sentence(handler)
    assert film.lane("chat · Cem").error == ""
    assert "done with this connection" in said


async def test_an_exception_of_the_handlers_own() -> None:
    async def handler(websocket: WebSocket) -> None:
        await websocket.receive_text()
        raise LookupError("boş oda")

    film, said = await last_sentence(handler, "x")
    assert not film.lane("chat · Cem").wait_failed
    assert "an exception left the handler, `LookupError: boş oda`" in said


async def test_a_group_is_named_by_what_is_in_it() -> None:
    async def handler(websocket: WebSocket) -> None:
        async def fails() -> None:
            await asyncio.sleep(0)
            raise LookupError("boş oda")

        await websocket.receive_text()
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
            group.create_task(asyncio.sleep(30))

    film, said = await last_sentence(handler, "x")
    assert film.lane("chat · Cem").error == "LookupError: boş oda"
    assert "`LookupError: boş oda`" in said
    assert "ExceptionGroup" not in said


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("x"), "ValueError: x"),
        (ValueError(), "ValueError"),
        (Mute(), "Mute: ?"),
        (ExceptionGroup("g", [ValueError("x")]), "ValueError: x"),
        (ExceptionGroup("g", [ValueError("x"), ValueError("x")]), "ValueError: x"),
        (ExceptionGroup("g", [ValueError("x"), ExceptionGroup("h", [KeyError("y")])]), "ValueError: x; KeyError: 'y'"),
        (BaseExceptionGroup("g", [KeyboardInterrupt(), ValueError("x")]), "KeyboardInterrupt; ValueError: x"),
        (ExceptionGroup("g", [ValueError(str(n)) for n in range(5)]), "ValueError: 0; ValueError: 1; ValueError: 2; …"),
    ],
)
def test_what_an_error_is_called(error: BaseException, expected: str) -> None:
    assert naming.error_name(error) == expected
