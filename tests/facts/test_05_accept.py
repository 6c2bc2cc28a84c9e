"""What notebook 05 teaches about `await accept()` and the list; each test names the fact it holds on to."""

from __future__ import annotations

import asyncio
import functools
import itertools
import textwrap
import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from fastapi import FastAPI, WebSocket
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from wslab.authoring.building import notebook
from wslab.serving import Entry, Log, Server, serve

ROOT = Path(__file__).parents[2]
DEADLINE = 10
NEVER_AWAITED = "RuntimeWarning: coroutine 'WebSocket.accept' was never awaited"
NOT_ACCEPTED = 'starlette.websockets.WebSocketDisconnected: WebSocket is not connected. Need to call "accept" first.'


# -- a coroutine object and a run ---------------------------------------------------------------------------


async def test_a_call_runs_nothing_and_an_object_runs_once() -> None:
    """Calling a coroutine function makes an object; `await` runs it to its end; it cannot be awaited again."""
    said: list[str] = []

    async def greet() -> None:
        said.append("Merhaba")

    pending = greet()
    await asyncio.sleep(0)
    assert said == []
    await pending
    assert said == ["Merhaba"]
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await pending


async def test_python_warns_when_the_object_is_thrown_away() -> None:
    """`RuntimeWarning: coroutine … was never awaited`, at the moment when the object goes."""

    async def greet() -> None: ...

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pending = greet()
        assert caught == []
        del pending
    assert "was never awaited" in str(caught[0].message)


async def test_accept_does_nothing_before_it_is_awaited() -> None:
    """`accept()` without `await` returns an object; the handshake is not even taken out of its queue."""
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        pending = websocket.accept()
        await asyncio.sleep(0.01)
        print("await")
        await pending
        await websocket.send_text("Merhaba")

    with serve(app) as server:
        async with websockets.connect(f"{server.ws_url}/ws") as client:
            assert await asyncio.wait_for(client.recv(), DEADLINE) == "Merhaba"
        events = [entry.text for entry in server.log.events]
    assert events[:4] == ["await", "websocket.connect", "websocket.accept", "websocket.send"]


# -- `accept()` without `await`, by what follows ------------------------------------------------------------


def forgetful() -> FastAPI:
    app = FastAPI()

    @app.websocket("/receive")
    async def then_receive(websocket: WebSocket) -> None:
        websocket.accept()
        await websocket.receive_text()

    @app.websocket("/send")
    async def then_send(websocket: WebSocket) -> None:
        websocket.accept()
        await websocket.send_text("Merhaba")

    @app.websocket("/return")
    async def then_return(websocket: WebSocket) -> None:
        websocket.accept()

    @app.websocket("/wait")
    async def then_wait(websocket: WebSocket) -> None:
        websocket.accept()
        await asyncio.sleep(3600)

    @app.websocket("/kept")
    async def kept(websocket: WebSocket) -> None:
        pending = websocket.accept()
        await websocket.receive_text()
        await pending

    @app.websocket("/task")
    async def as_a_task(websocket: WebSocket) -> None:
        task = asyncio.create_task(websocket.accept())
        await asyncio.sleep(0)
        await websocket.send_text("Merhaba")
        await task

    return app


async def rejected(url: str) -> int:
    with pytest.raises(InvalidStatus) as caught:
        await websockets.connect(url)
    return caught.value.response.status_code


def told(log: Log) -> list[tuple[str, str]]:
    return [(entry.kind, entry.text) for entry in log.entries]


def line_of(needle: str, start: int) -> int:
    """The number of the first line with `needle` from line `start` on, in this file."""
    lines = Path(__file__).read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if number >= start and needle in line)


FORGETFUL = forgetful.__code__.co_firstlineno


async def test_then_receive() -> None:
    """`receive_text` → `Need to call "accept" first`, client sees HTTP 500; the warning comes first, with its line."""
    with serve(forgetful()) as server:
        assert await rejected(f"{server.ws_url}/receive") == 500
        assert told(server.log) == [("warning", NEVER_AWAITED), ("error", NOT_ACCEPTED)]
        warning, error = server.log.entries
    cause = line_of("websocket.accept()", FORGETFUL)
    assert warning.place == f"test_05_accept.py:{cause}"
    assert error.place == f"test_05_accept.py:{cause + 1}"


async def test_then_send() -> None:
    """`send_text` → `RuntimeError: Expected ASGI message "websocket.accept" …`, 500."""
    with serve(forgetful()) as server:
        assert await rejected(f"{server.ws_url}/send") == 500
        warning, error = server.log.entries
    assert (warning.kind, warning.text) == ("warning", NEVER_AWAITED)
    assert error.text.startswith('RuntimeError: Expected ASGI message "websocket.accept"')
    assert error.text.endswith("but got 'websocket.send'")


async def test_then_return() -> None:
    """Return → `ASGI callable returned without completing handshake`, 500; that error has no line of the learner's."""
    with serve(forgetful()) as server:
        assert await rejected(f"{server.ws_url}/return") == 500
        warning, error = server.log.entries
    assert (warning.kind, warning.text) == ("warning", NEVER_AWAITED)
    assert warning.place.startswith("test_05_accept.py:")
    assert error.text == "ASGI callable returned without completing handshake."
    assert error.place == ""


async def test_then_wait() -> None:
    """A long sleep → client `TimeoutError: timed out during opening handshake`; the server has the warning alone."""
    with serve(forgetful()) as server:
        with pytest.raises(TimeoutError, match="timed out during opening handshake"):
            await websockets.connect(f"{server.ws_url}/wait", open_timeout=0.5)
        await server.log.arrival("never awaited", DEADLINE)
        assert told(server.log) == [("warning", NEVER_AWAITED)]


async def test_a_kept_object_warns_after_the_error() -> None:
    """An object in a name lives until the handler has ended; the warning still names the line where it was made."""
    with serve(forgetful()) as server:
        assert await rejected(f"{server.ws_url}/kept") == 500
        warning = await server.log.arrival("never awaited", DEADLINE)
        assert [entry.kind for entry in server.log.entries] == ["error", "warning"]
    assert warning.place == f"test_05_accept.py:{line_of('pending = websocket.accept()', FORGETFUL)}"


async def test_the_warning_comes_for_every_client() -> None:
    """Python shows a warning once for a line; the log shows it every time."""
    with serve(forgetful()) as server:
        for _ in range(3):
            await rejected(f"{server.ws_url}/receive")
        assert len(server.log.warnings) == 3


async def test_a_task_accepts_as_soon_as_the_handler_lets_go() -> None:
    """`create_task(websocket.accept())` is what a call does in JavaScript: it runs at the next `await` that lets go."""
    with serve(forgetful()) as server:
        async with websockets.connect(f"{server.ws_url}/task") as client:
            assert await asyncio.wait_for(client.recv(), DEADLINE) == "Merhaba"
        assert not server.log.warnings


# -- accept, then append ------------------------------------------------------------------------------------


@asynccontextmanager
async def bora_at_the_door(*, register_first: bool) -> AsyncIterator[tuple[Server, Any, Any]]:
    """Ada is in; Bora's handshake waits in the server until `open_door()`, before or after he was registered."""
    connected_clients: list[WebSocket] = []
    looked_up = asyncio.Event()
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket, name: str) -> None:
        if register_first:
            connected_clients.append(websocket)
        print(f"{name} kapıda")
        if name == "Bora":
            await looked_up.wait()
        await websocket.accept()
        if not register_first:
            connected_clients.append(websocket)
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(f"Mesajınız: {data}")
            for client in connected_clients:
                if client != websocket:
                    await client.send_text(f"Başka bir istemciden: {data}")
            print("iletildi")

    with serve(app) as server:
        url = f"{server.ws_url}/ws?name="
        async with websockets.connect(url + "Ada") as ada:
            knocking = asyncio.create_task(connect(url + "Bora"))
            await server.log.arrival("Bora kapıda", DEADLINE)
            await ada.send("Merhaba")
            assert await asyncio.wait_for(ada.recv(), DEADLINE) == "Mesajınız: Merhaba"

            async def open_door() -> websockets.ClientConnection:
                server.loop.call_soon_threadsafe(looked_up.set)
                return await asyncio.wait_for(knocking, DEADLINE)

            yield server, ada, open_door


async def connect(url: str) -> websockets.ClientConnection:
    return await websockets.connect(url)


async def test_who_registers_too_early_breaks_the_connection_of_whoever_speaks() -> None:
    """Append before accept: the relay to the one at the door raises in the *speaker's* handler; he himself gets in."""
    async with bora_at_the_door(register_first=True) as (server, ada, open_door):
        with pytest.raises(ConnectionClosedError):
            await asyncio.wait_for(ada.recv(), DEADLINE)
        assert ada.close_code == 1006
        assert server.log.errors[0].text.startswith('RuntimeError: Expected ASGI message "websocket.accept"')
        bora = await open_door()
        assert bora.response.status_code == 101
        await bora.close()


async def test_who_is_registered_after_accept_hurts_nobody() -> None:
    """Accept, then append: the same visit, and both are there."""
    async with bora_at_the_door(register_first=False) as (server, ada, open_door):
        await server.log.arrival("iletildi", DEADLINE)
        bora = await open_door()
        await ada.send("Bir daha")
        assert await asyncio.wait_for(ada.recv(), DEADLINE) == "Mesajınız: Bir daha"
        assert await asyncio.wait_for(bora.recv(), DEADLINE) == "Başka bir istemciden: Bir daha"
        assert not server.log.errors
        await bora.close()


# -- when accept() fails ------------------------------------------------------------------------------------

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def give_up_at_the_door(server: Server) -> None:
    """Knock, and be gone before the handler accepts; returns when the server knows it."""
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(HANDSHAKE)
    await server.log.arrival("kapıda", DEADLINE)
    writer.close()
    await writer.wait_closed()
    # The end of that connection was readable before this request was, so the server has seen it by the answer.
    async with httpx.AsyncClient() as http:
        await http.get(server.url)


def ended(entry: Entry) -> bool:
    return entry.text == "handler.end" and entry.connection == "#1 /ws"


async def test_accept_raises_when_the_client_has_gone() -> None:
    """`accept()` can fail: a client already gone → `ClientDisconnected`, an `OSError`; the lines below do not run."""
    looked_up = asyncio.Event()
    connected_clients: list[WebSocket] = []
    raised: list[BaseException] = []
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        print("kapıda")
        await looked_up.wait()
        try:
            await websocket.accept()
        except OSError as error:
            raised.append(error)
            raise
        connected_clients.append(websocket)

    with serve(app) as server:
        await give_up_at_the_door(server)
        server.loop.call_soon_threadsafe(looked_up.set)
        await server.log.arrival(ended, DEADLINE)
        # Swallowed by uvicorn: neither an error nor a warning.
        assert told(server.log) == [("print", "kapıda")]
    assert [type(error).__name__ for error in raised] == ["ClientDisconnected"]
    assert connected_clients == []


async def test_accepted_does_not_mean_that_somebody_is_there() -> None:
    """Success doesn't prove that the client is still there; the next receive tells."""
    go_on = asyncio.Event()
    connected_clients: list[WebSocket] = []
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        connected_clients.append(websocket)
        await go_on.wait()
        print(len(connected_clients))
        try:
            await websocket.receive_text()
        finally:
            connected_clients.remove(websocket)

    with serve(app) as server:
        async with websockets.connect(f"{server.ws_url}/ws"):
            pass
        server.loop.call_soon_threadsafe(go_on.set)
        await server.log.arrival(ended, DEADLINE)
        assert [entry.text for entry in server.log.prints] == ["1"]
    assert connected_clients == []


# -- the puzzle ---------------------------------------------------------------------------------------------


@functools.cache
def blocks() -> dict[str, str]:
    """The pieces of the puzzle, from the notebook itself."""
    cells = notebook(ROOT, "05", "en").cells
    (source,) = (cell.source for cell in cells if cell.cell_type == "code" and cell.source.startswith("blocks = {"))
    names: dict[str, Any] = {}
    exec(source, names)
    pieces: dict[str, str] = names["blocks"]
    return pieces


PIECES = ("accept", "register", "try", "loop", "finally")


def handler(order: Sequence[str], pieces: dict[str, str]) -> str:
    lookup = 'async def endpoint(websocket: WebSocket):\n    print("kapıda")\n    await look_up()\n'
    return lookup + textwrap.indent("\n".join(pieces[name] for name in order), "    ")


def is_python(source: str) -> bool:
    try:
        compile(source, "puzzle", "exec")
    except SyntaxError:
        return False
    return True


def test_python_accepts_six_of_the_120_orders() -> None:
    """The pieces fit together in six ways; the shuffled order of the notebook is none of them."""
    pieces = blocks()
    assert set(pieces) == {*PIECES, "call"}
    accepted = [order for order in itertools.permutations(PIECES) if is_python(handler(order, pieces))]
    assert len(accepted) == 6
    assert not is_python(handler(["finally", "accept", "loop", "call", "try", "register"], pieces))


STATUS_500 = "server rejected WebSocket connection: HTTP 500"
HEARD = ("Mesajınız: Merhaba", "Başka bir istemciden: Merhaba")


@pytest.mark.parametrize(
    ("order", "heard", "left"),
    [
        ("accept register try loop finally", HEARD, 0),
        ("register accept try loop finally", (HEARD[0], "nothing"), 1),
        ("accept try loop finally register", (HEARD[0], "nothing"), 0),
        ("register try loop finally accept", (STATUS_500,), 0),
        ("try loop finally accept register", (STATUS_500,), 0),
        ("try loop finally register accept", (STATUS_500,), 0),
        ("call register try loop finally", (STATUS_500,), 0),
    ],
)
async def test_one_order_is_right_and_five_go_wrong_in_three_ways(
    order: str, heard: tuple[str, ...], left: int
) -> None:
    """accept → register → try → loop → finally; “register before accept” leaves a ghost, which silences the relay."""
    looked_up = asyncio.Event()
    connected_clients: list[WebSocket] = []
    names: dict[str, Any] = {"WebSocket": WebSocket, "connected_clients": connected_clients, "look_up": looked_up.wait}
    exec(handler(order.split(), blocks()), names)
    app = FastAPI()
    app.websocket("/ws")(names["endpoint"])
    results: list[str] = []
    with serve(app) as server:
        await give_up_at_the_door(server)
        server.loop.call_soon_threadsafe(looked_up.set)
        await server.log.arrival(ended, DEADLINE)
        url = f"{server.ws_url}/ws"
        try:
            async with websockets.connect(url) as bora, websockets.connect(url) as ada:
                await ada.send("Merhaba")
                results.append(str(await asyncio.wait_for(ada.recv(), DEADLINE)))
                await ada.close()

                def ada_ended(entry: Entry) -> bool:
                    return entry.text == "handler.end" and entry.connection.startswith("#4 ")

                # After Ada's handler nothing more is relayed, so what Bora has not got by then will not come.
                await server.log.arrival(ada_ended, DEADLINE)
                relayed = any(entry.detail == HEARD[1] for entry in server.log.events if entry.text == "websocket.send")
                results.append(str(await asyncio.wait_for(bora.recv(), DEADLINE)) if relayed else "nothing")
        except InvalidStatus as refusal:
            results.append(str(refusal))
    assert tuple(results) == heard
    assert len(connected_clients) == left
