"""What notebook 01 teaches about `server.py`; each test names the fact it holds on to."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import websockets
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from wslab.authoring.building import notebook
from wslab.seed import FOLDER, fresh
from wslab.serving import Entry, Server, serve

ROOT = Path(__file__).parents[2]
DEADLINE = 10

Handler = Callable[[WebSocket], Awaitable[None]]


class Stage:
    """A stage of the chat server: its list, `GET /` with the count, and a handler for `/ws`."""

    def __init__(self, handler: Callable[[WebSocket, list[WebSocket]], Awaitable[None]] | None = None) -> None:
        self.clients: list[WebSocket] = []
        app = FastAPI()

        @app.get("/")
        async def root() -> int:
            return len(self.clients)

        if handler is not None:

            @app.websocket("/ws")
            async def endpoint(websocket: WebSocket) -> None:
                await handler(websocket, self.clients)

        self.server = serve(app)
        self.url = f"{self.server.ws_url}/ws"

    @property
    def count(self) -> int:
        return int(httpx.get(self.server.url).json())


async def relay(websocket: WebSocket, clients: list[WebSocket]) -> None:
    while True:
        data = await websocket.receive_text()
        await websocket.send_text(f"Mesajınız: {data}")
        for client in clients:
            if client != websocket:
                await client.send_text(f"Başka bir istemciden: {data}")


async def without_finally(websocket: WebSocket, clients: list[WebSocket]) -> None:
    await websocket.accept()
    clients.append(websocket)
    await relay(websocket, clients)


async def with_finally(websocket: WebSocket, clients: list[WebSocket]) -> None:
    await websocket.accept()
    clients.append(websocket)
    try:
        await relay(websocket, clients)
    except Exception as e:
        print(f"Hata: {e}")
    finally:
        if websocket in clients:
            clients.remove(websocket)


async def receive(client: websockets.ClientConnection) -> str | bytes:
    return await asyncio.wait_for(client.recv(), DEADLINE)


async def status(url: str) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        await websockets.connect(url)
    return refusal.value.response.status_code


def ended(number: int) -> Callable[[Entry], bool]:
    """Matches the end of the WebSocket handler of the server's scope `number`."""
    return lambda entry: entry.text == "handler.end" and entry.connection == f"#{number} /ws"


# 1–2: the app, the list, GET /


def test_a_list_has_a_len_and_no_length() -> None:
    """`connected_clients.length`: false. `len()`; the document's own code is right."""
    system = fresh("server")
    with pytest.raises(AttributeError, match="no attribute 'length'"):
        _ = system.connected_clients.length
    answer = httpx.get(serve(system.app).url).json()
    assert answer == {"message": "WebSocket Sunucusu Çalışıyor", "connected_clients": 0}


async def test_an_unknown_path_is_404_for_http_and_403_for_a_websocket() -> None:
    """An unknown path → HTTP 403, code and reason lost; a path that only `GET` knows is unknown as well."""
    server = Stage().server
    assert httpx.get(f"{server.url}/ws").status_code == 404
    assert await status(f"{server.ws_url}/ws") == 403
    assert await status(f"{server.ws_url}/") == 403
    await server.log.arrival(lambda entry: (entry.text, entry.connection) == ("handler.end", "#3 /"), DEADLINE)
    assert [entry.detail for entry in server.log.events if entry.text == "websocket.close"] == ["1000", "1000"]


def test_the_course_listens_on_this_machine_alone() -> None:
    """`host="0.0.0.0"`: every interface. The kit binds 127.0.0.1."""
    assert Stage().server.host == "127.0.0.1"


# 3: without accept()


async def test_without_accept_and_with_a_return_the_client_sees_500() -> None:
    """No `accept()`, no connection: HTTP 500 … and a client in the list that never had a connection."""

    async def forgets(websocket: WebSocket, clients: list[WebSocket]) -> None:
        clients.append(websocket)

    stage = Stage(forgets)
    assert await status(stage.url) == 500
    assert stage.count == 1
    (error,) = stage.server.log.errors
    assert error.text == "ASGI callable returned without completing handshake."


async def test_without_accept_and_without_an_end_the_client_waits() -> None:
    """… or the client hangs until its `open_timeout`."""

    async def sleeps(websocket: WebSocket, clients: list[WebSocket]) -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError, match="timed out during opening handshake"):
        await websockets.connect(Stage(sleeps).url, open_timeout=0.2)


# 4: accept(), and the handler's end


async def test_a_plain_return_ends_the_connection_with_1006() -> None:
    """Plain return after accept → 1006; the list still counts the client."""

    async def returns(websocket: WebSocket, clients: list[WebSocket]) -> None:
        await websocket.accept()
        clients.append(websocket)

    stage = Stage(returns)
    async with websockets.connect(stage.url) as client:
        with pytest.raises(ConnectionClosedError):
            await receive(client)
        assert client.close_code == 1006
    assert stage.count == 1


async def test_a_close_of_its_own_says_1000() -> None:
    async def closes(websocket: WebSocket, clients: list[WebSocket]) -> None:
        await websocket.accept()
        await websocket.close()

    async with websockets.connect(Stage(closes).url) as client:
        await asyncio.wait_for(client.wait_closed(), DEADLINE)
        assert client.close_code == 1000


# 5: receive, answer, relay


async def test_one_message_in_as_many_out_as_there_are_clients() -> None:
    """The sender gets its answer, everybody else the message, and nobody two."""
    stage = Stage(without_finally)
    async with (
        websockets.connect(stage.url) as ada,
        websockets.connect(stage.url) as bora,
        websockets.connect(stage.url) as cem,
    ):
        await ada.send("Merhaba")
        heard = [await receive(client) for client in (ada, bora, cem)]
    assert heard == ["Mesajınız: Merhaba", "Başka bir istemciden: Merhaba", "Başka bir istemciden: Merhaba"]
    sent = [(entry.connection, entry.text) for entry in stage.server.log.events if entry.text == "websocket.send"]
    assert sent == [("#1 /ws", "websocket.send"), ("#2 /ws", "websocket.send"), ("#3 /ws", "websocket.send")]


async def test_what_the_server_prints_goes_to_its_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Output of threads would land in the most recently executed cell; the server's is collected."""
    chat = serve(fresh("server").app)
    async with websockets.connect(f"{chat.ws_url}/ws") as client:
        await client.send("Merhaba")
        await receive(client)
    entry = await chat.log.arrival("Alınan mesaj")
    assert (entry.kind, entry.text, entry.connection) == ("print", "Alınan mesaj: Merhaba", "#1 /ws")
    assert capsys.readouterr().out == ""


# 6–7: the ghost, and finally


async def test_receive_raises_websocket_disconnect_on_close() -> None:
    """`WebSocketDisconnect` on close: true for receive."""
    stage = Stage(without_finally)
    async with websockets.connect(stage.url):
        pass
    error = await stage.server.log.arrival(lambda entry: entry.kind == "error", DEADLINE)
    assert error.text == "starlette.websockets.WebSocketDisconnect: (1000, '')"


async def test_without_finally_a_ghost_throws_out_the_next_speaker() -> None:
    """One dead peer's exception drops the *sender*: the sender gets 1006."""
    stage = Stage(without_finally)
    async with websockets.connect(stage.url):
        pass
    await stage.server.log.arrival(ended(1), DEADLINE)
    assert stage.count == 1
    async with websockets.connect(stage.url) as bora:
        await bora.send("Kimse var mı?")
        assert await receive(bora) == "Mesajınız: Kimse var mı?"
        await asyncio.wait_for(bora.wait_closed(), DEADLINE)
        assert bora.close_code == 1006
    async with websockets.connect(stage.url):  # the server itself lives on
        pass


async def test_with_finally_the_count_follows_and_nobody_is_thrown_out() -> None:
    stage = Stage(with_finally)
    counts = [stage.count]
    async with websockets.connect(stage.url) as ada:
        counts.append(stage.count)
        async with websockets.connect(stage.url):
            counts.append(stage.count)
        counts.append(stage.count)
        for text in ("Kimse var mı?", "Yok."):
            await ada.send(text)
            assert await receive(ada) == f"Mesajınız: {text}"
    counts.append(stage.count)
    assert counts == [0, 1, 2, 1, 0]


async def test_finally_waits_for_the_handler() -> None:
    """`finally` cleans the list: partly. Not while the handler waits for something else."""
    gate: asyncio.Event

    async def busy(websocket: WebSocket, clients: list[WebSocket]) -> None:
        nonlocal gate
        gate = asyncio.Event()
        await websocket.accept()
        clients.append(websocket)
        try:
            await websocket.send_text(await websocket.receive_text())
            await gate.wait()
        finally:
            clients.remove(websocket)

    stage = Stage(busy)
    async with websockets.connect(stage.url) as client:
        await client.send("x")
        await receive(client)
    assert stage.count == 1
    stage.server.loop.call_soon_threadsafe(gate.set)
    await stage.server.log.arrival(ended(1), DEADLINE)
    assert stage.count == 0


# 8: a goodbye that looks like an error


async def test_a_normal_close_prints_hata() -> None:
    """`except` catches errors: partly; a *normal* close prints `Hata: (1000, '')`."""
    stage = Stage(with_finally)
    async with websockets.connect(stage.url):
        pass
    await stage.server.log.arrival("handler.end", DEADLINE)
    assert [entry.text for entry in stage.server.log.prints] == ["Hata: (1000, '')"]


async def test_naming_the_exception_tells_a_goodbye_from_a_fault() -> None:
    async def divides(websocket: WebSocket, clients: list[WebSocket]) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(str(1000 / int(await websocket.receive_text())))
        except WebSocketDisconnect as goodbye:
            print(f"WebSocketDisconnect: {goodbye.code}")
        except Exception as e:
            print(f"Hata: {e}")

    stage = Stage(divides)
    async with websockets.connect(stage.url) as client:
        await client.send("8")
        assert await receive(client) == "125.0"
    async with websockets.connect(stage.url) as client:
        await client.send("0")
        await asyncio.wait_for(client.wait_closed(), DEADLINE)
    await stage.server.log.arrival(ended(2), DEADLINE)
    assert [entry.text for entry in stage.server.log.prints] == ["WebSocketDisconnect: 1000", "Hata: division by zero"]


# 9: the finished file


def function(code: str, name: str) -> str:
    """A function of `code` without comments, blank lines and layout."""
    (found,) = [node for node in ast.parse(code).body if isinstance(node, ast.AsyncFunctionDef) and node.name == name]
    return ast.unparse(found)


def test_the_notebook_ends_at_the_documents_file() -> None:
    """The last stage's handler, and `GET /`, are those of `wslab.seed.server`."""
    cells = [cell.source for cell in notebook(ROOT, "01", "en").cells if cell.cell_type == "code"]
    finished = (FOLDER / "server.py").read_text("utf-8")
    (whole,) = [cell for cell in cells if cell.endswith("chat = serve(app)")]
    assert function(whole, "websocket_endpoint") == function(finished, "websocket_endpoint")
    (http,) = [cell for cell in cells if "async def root" in cell]
    assert function(http, "root") == function(finished, "root")


async def visit(server: Server) -> list[tuple[str, str]]:
    url = f"{server.ws_url}/ws"
    async with websockets.connect(url) as ada, websockets.connect(url) as bora:
        await ada.send("Merhaba")
        await receive(ada)
        await receive(bora)
    await server.log.arrival(ended(1), DEADLINE)
    return [(entry.text, entry.detail) for entry in server.log.events]


async def test_a_visit_to_the_finished_file_is_what_the_notebook_reads() -> None:
    assert await visit(serve(fresh("server").app)) == [
        ("websocket.connect", ""),
        ("websocket.accept", ""),
        ("websocket.connect", ""),
        ("websocket.accept", ""),
        ("websocket.receive", "Merhaba"),
        ("Alınan mesaj: Merhaba", ""),
        ("websocket.send", "Mesajınız: Merhaba"),
        ("websocket.send", "Başka bir istemciden: Merhaba"),
        ("websocket.disconnect", "1000"),
        ("Hata: (1000, '')", ""),
        ("handler.end", ""),
        ("websocket.disconnect", "1000"),
        ("Hata: (1000, '')", ""),
        ("handler.end", ""),
    ]
