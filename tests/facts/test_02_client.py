"""What notebook 02 teaches about `client.py`; each test names the fact it holds on to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import ModuleType

import httpx
import pytest
import websockets
from fastapi import FastAPI, HTTPException, WebSocket
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus, WebSocketException

from wslab.seed import fresh
from wslab.serving import Entry, Server, serve

# The document starts its broadcaster with @app.on_event, and is kept as it is.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*on_event is deprecated:DeprecationWarning")

DEADLINE = 10


@pytest.fixture
def chat() -> Iterator[Server]:
    with serve(fresh("server").app) as server:
        yield server


@pytest.fixture
def sender() -> ModuleType:
    return fresh("client")


def serve_sender(sender: ModuleType, to: Server) -> Server:
    sender.server_url = f"{to.ws_url}/ws"
    return serve(sender.app)


def received(server: Server) -> list[str]:
    return [entry.detail for entry in server.log.events if entry.text == "websocket.receive"]


def ended(entry: Entry) -> bool:
    return entry.text == "handler.end" and entry.connection.endswith("/ws")


async def receive(client: websockets.ClientConnection) -> str | bytes:
    return await asyncio.wait_for(client.recv(), DEADLINE)


async def test_connect_alone_connects_nothing(chat: Server) -> None:
    """Calling `connect()` makes an object to await or to enter; no byte is sent."""
    websockets.connect(f"{chat.ws_url}/ws")
    await asyncio.sleep(0)
    assert chat.log.events == ()


async def test_the_end_of_the_block_says_1000(chat: Server) -> None:
    """The Python client's `close()` sends 1000; leaving `async with` calls it and waits for the answer."""
    async with websockets.connect(f"{chat.ws_url}/ws") as client:
        await client.send("merhaba")
        assert await receive(client) == "Mesajınız: merhaba"
    assert client.close_code == 1000
    assert (await chat.log.arrival("websocket.disconnect", DEADLINE)).detail == "1000"


async def test_a_normal_close_prints_an_error(chat: Server) -> None:
    """`except` catches errors: partly; a *normal* close prints `Hata: (1000, '')`."""
    async with websockets.connect(f"{chat.ws_url}/ws"):
        pass
    assert (await chat.log.arrival("Hata", DEADLINE)).text == "Hata: (1000, '')"


async def test_an_exception_that_leaves_the_block_says_1011(chat: Server) -> None:
    """`async with` closes with 1011 (internal error) when an exception ends the block, and lets it go on."""
    with pytest.raises(ZeroDivisionError):
        async with websockets.connect(f"{chat.ws_url}/ws"):
            1 / 0  # noqa: B018
    assert (await chat.log.arrival("websocket.disconnect", DEADLINE)).detail == "1011"


async def test_without_the_block_the_connection_stays(chat: Server) -> None:
    """A connection that nobody closes stays open, and in the server's list."""
    client = await websockets.connect(f"{chat.ws_url}/ws")
    async with httpx.AsyncClient() as http:
        assert (await http.get(chat.url)).json()["connected_clients"] == 1
        await client.close()
        await chat.log.arrival(ended, DEADLINE)
        assert (await http.get(chat.url)).json()["connected_clients"] == 0


async def test_after_the_block_both_directions_raise(chat: Server) -> None:
    """Python client: 1000 and 1001 → `ConnectionClosedOK`."""
    async with websockets.connect(f"{chat.ws_url}/ws") as client:
        pass
    with pytest.raises(ConnectionClosedOK):
        await client.send("geç")
    with pytest.raises(ConnectionClosedOK):
        await receive(client)


async def test_any_other_code_is_an_error() -> None:
    """Python client: a code that is sent, other than 1000 and 1001, → `ConnectionClosedError`."""
    app = FastAPI()

    @app.websocket("/ws")
    async def strict(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(1008, "olmaz")

    with serve(app) as server:
        async with websockets.connect(f"{server.ws_url}/ws") as client:
            with pytest.raises(ConnectionClosedError) as caught:
                await receive(client)
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1008, "olmaz")


async def test_a_deadline_leaves_the_connection_usable(chat: Server) -> None:
    """A `recv()` that is cut off by its deadline takes no message with it, and the next one works."""
    async with websockets.connect(f"{chat.ws_url}/ws") as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.recv()
        await client.send("hâlâ buradayım")
        assert await receive(client) == "Mesajınız: hâlâ buradayım"


async def test_the_next_message_is_not_the_reply(chat: Server) -> None:
    """Bug d: `recv()` gives the oldest message that has arrived, whoever sent it."""
    async with websockets.connect(f"{chat.ws_url}/ws") as one, websockets.connect(f"{chat.ws_url}/ws") as other:
        await other.send("selam")
        assert await receive(other) == "Mesajınız: selam"
        await one.send("soru")
        assert [await receive(one), await receive(one)] == ["Başka bir istemciden: selam", "Mesajınız: soru"]


async def test_send_returns_the_first_message_that_arrives(sender: ModuleType) -> None:
    """`/send/{message}` returns the reply: partly; it takes the first message that arrives."""
    app = FastAPI()

    @app.websocket("/ws")
    async def greeting(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("SUNUCU: Merhaba!")
        await websocket.send_text(f"Mesajınız: {await websocket.receive_text()}")
        await websocket.receive()

    async with serve(app) as server, serve_sender(sender, server) as bridge, httpx.AsyncClient() as http:
        answer = (await http.get(f"{bridge.url}/send/soru")).json()
    assert answer == {"sent": "soru", "response": "SUNUCU: Merhaba!"}


async def test_a_fast_broadcaster_gets_in_between(sender: ModuleType) -> None:
    """Bug d: with a fast broadcaster `/send` returns its message as the reply, time and again."""
    news = fresh("random_server")
    news.period = 0.001
    async with serve(news.app) as server, serve_sender(sender, server) as bridge, httpx.AsyncClient() as http:
        for number in range(500):
            # The way out may take the client's close_timeout, 10 s; see the test of that below.
            answer = (await http.get(f"{bridge.url}/send/soru-{number}", timeout=30)).json()
            if answer["response"].startswith("SUNUCU: "):
                return
    pytest.fail("500 requests, and the broadcaster never got in between")


async def test_unread_messages_hold_up_the_way_out() -> None:
    """A client with more than 16 unread messages stops reading, so its `close()` waits for `close_timeout`."""
    app = FastAPI()

    @app.websocket("/ws")
    async def talkative(websocket: WebSocket) -> None:
        await websocket.accept()
        for number in range(100):
            await websocket.send_text(str(number))
        await websocket.receive()

    with serve(app) as server:
        async with asyncio.timeout(DEADLINE), websockets.connect(f"{server.ws_url}/ws", close_timeout=0.1) as client:
            while client.transport.is_reading():  # noqa: ASYNC110 (asyncio tells nobody when a transport pauses)
                await asyncio.sleep(0)
        assert client.close_code == 1006


async def ask(url: str, message: str) -> str | bytes:
    """The repair as the notebook writes it."""
    expected = f"Mesajınız: {message}"
    async with websockets.connect(url) as client:
        await client.send(message)
        while True:
            text = await client.recv()
            if text == expected:
                return text


async def test_matching_by_content_finds_the_reply() -> None:
    """Bug d, repaired: the reply is recognised by what it says."""
    news = fresh("random_server")
    news.period = 0.001
    async with serve(news.app) as server, asyncio.timeout(DEADLINE):
        answers = [await ask(f"{server.ws_url}/ws", f"soru-{number}") for number in range(5)]
    assert answers == [f"Mesajınız: soru-{number}" for number in range(5)]


async def test_each_request_opens_a_connection(chat: Server, sender: ModuleType) -> None:
    """`/send` pays a handshake and a close for every message."""
    async with serve_sender(sender, chat) as bridge, httpx.AsyncClient() as http:
        for _ in range(3):
            await http.get(f"{bridge.url}/send/merhaba")
    opened = [entry for entry in chat.log.events if entry.text == "websocket.accept"]
    assert len(opened) == 3


@pytest.mark.parametrize(
    ("path", "status", "sent"),
    [
        ("merhaba", 200, ["merhaba"]),
        ("a%2Fb", 404, []),
        ("soru?x=1", 200, ["soru"]),
        ("soru%3Fx=1", 200, ["soru?x=1"]),
        ("g%C3%BCnayd%C4%B1n", 200, ["günaydın"]),
    ],
)
async def test_a_message_in_a_path(chat: Server, sender: ModuleType, path: str, status: int, sent: list[str]) -> None:
    """`a%2Fb` → 404; `soru?x=1` sends `soru`."""
    async with serve_sender(sender, chat) as bridge, httpx.AsyncClient() as http:
        response = await http.get(f"{bridge.url}/send/{path}")
    assert response.status_code == status
    assert received(chat) == sent


async def test_a_path_parameter_of_the_type_path_takes_a_slash() -> None:
    """The repair: `{message:path}` matches slashes too."""
    app = FastAPI()

    @app.get("/send/{message:path}")
    async def send_message(message: str) -> dict[str, str]:
        return {"sent": message}

    async with serve(app) as server, httpx.AsyncClient() as http:
        assert (await http.get(f"{server.url}/send/a%2Fb")).json() == {"sent": "a/b"}


async def test_no_server_is_an_error_with_status_200(sender: ModuleType, chat: Server) -> None:
    """Errors come as `{"error": …}` with HTTP 200; the exception behind it is `ConnectionRefusedError`."""
    chat.stop()
    async with serve_sender(sender, chat) as bridge, httpx.AsyncClient() as http:
        response = await http.get(f"{bridge.url}/send/merhaba")
    assert response.status_code == 200
    assert set(response.json()) == {"error"}
    assert str(chat.port) in response.json()["error"]
    with pytest.raises(ConnectionRefusedError):
        await websockets.connect(f"{chat.ws_url}/ws")


async def test_a_wrong_path_is_rejected_with_403(chat: Server, sender: ModuleType) -> None:
    """An unknown path → HTTP 403, and `/send` passes that on as a sentence."""
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        await websockets.connect(f"{chat.ws_url}/nowhere")
    sender.server_url = f"{chat.ws_url}/nowhere"
    async with serve(sender.app) as bridge, httpx.AsyncClient() as http:
        assert (await http.get(f"{bridge.url}/send/x")).json() == {
            "error": "server rejected WebSocket connection: HTTP 403"
        }


def silent() -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            await websocket.receive_text()

    return app


async def test_send_without_a_deadline_waits_for_ever(sender: ModuleType) -> None:
    """A server that never replies: `/send` waits, and its connection outlives the one who asked."""
    async with serve(silent()) as server, serve_sender(sender, server) as bridge:
        async with httpx.AsyncClient() as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.get(f"{bridge.url}/send/merhaba", timeout=0.3)
        await server.log.arrival("websocket.receive", DEADLINE)
        assert server.open_websockets == 1
        assert not any(ended(entry) for entry in server.log.events)


async def test_a_deadline_gives_an_answer_and_the_connection_back() -> None:
    """The repair: a deadline around the whole exchange, 504 when it passes and 502 when there is no server."""
    chat_url = ""
    app = FastAPI()

    @app.get("/send/{message:path}")
    async def send_message(message: str) -> dict[str, str | bytes]:
        try:
            async with asyncio.timeout(0.3):
                return {"sent": message, "response": await ask(chat_url, message)}
        except TimeoutError:
            raise HTTPException(504, "no reply in time") from None
        except (OSError, WebSocketException) as error:
            print(f"/send: {error}")
            raise HTTPException(502, "the chat server cannot be reached") from None

    async with serve(app) as bridge, httpx.AsyncClient(base_url=bridge.url, timeout=DEADLINE) as http:
        async with serve(silent()) as server:
            chat_url = f"{server.ws_url}/ws"
            assert (await http.get("/send/merhaba")).status_code == 504
            assert await server.log.arrival(ended, DEADLINE)
        refusal = await http.get("/send/merhaba")
        assert refusal.status_code == 502
        assert "127.0.0.1" not in refusal.text  # the error's own text would tell strangers an internal address
