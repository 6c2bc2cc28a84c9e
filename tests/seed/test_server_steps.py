"""Part 1 §4 of the document, steps A, B and C: each is one test that asserts the recorded order of events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import ModuleType

import pytest
import websockets
from fastapi import WebSocket

from wslab.seed import fresh
from wslab.serving import Log, Server, serve

DEADLINE = 10


class Noted(list[WebSocket]):
    """The server's list of clients, which also puts what is done to it into the server's log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    def append(self, client: WebSocket) -> None:
        super().append(client)
        self.log.add("log", "append", detail=str(len(self)))

    def remove(self, client: WebSocket) -> None:
        super().remove(client)
        self.log.add("log", "remove", detail=str(len(self)))


@pytest.fixture
def system() -> ModuleType:
    return fresh("server")


@pytest.fixture
def chat(system: ModuleType) -> Iterator[Server]:
    with serve(system.app) as server:
        system.connected_clients = Noted(server.log)
        yield server


def story(server: Server) -> list[tuple[str, str]]:
    return [(entry.text, entry.detail) for entry in server.log.events]


async def joined(server: Server, number: int) -> None:
    """Wait until that many clients stand in the list."""
    await server.log.arrival(lambda entry: (entry.text, entry.detail) == ("append", str(number)), DEADLINE)


async def test_step_a_connecting(chat: Server) -> None:
    """1 the client asks; 2 FastAPI routes to the endpoint; 3 accept; 4 into the list; 5 the client's side opens."""
    async with websockets.connect(f"{chat.ws_url}/ws") as client:
        chat.log.add("log", "client open", detail=str(client.response.status_code))
        await joined(chat, 1)
        events = story(chat)
    # Whether the client hears of it before or after the list does is no part of the order.
    assert events.index(("client open", "101")) > events.index(("websocket.connect", ""))
    events.remove(("client open", "101"))
    assert events == [("websocket.connect", ""), ("websocket.accept", ""), ("append", "1")]


async def test_step_b_exchanging(chat: Server) -> None:
    """1–2 a client sends; 3 receive; 4 print; 5 answer; 6 relay to the others; 7 the clients get their messages."""
    url = f"{chat.ws_url}/ws"
    async with websockets.connect(url) as ada, websockets.connect(url) as bora, websockets.connect(url) as cem:
        await joined(chat, 3)
        chat.log.clear()
        await bora.send("günaydın")
        heard = [await asyncio.wait_for(client.recv(), DEADLINE) for client in (ada, bora, cem)]
        await chat.log.arrival(lambda entry: entry.text == "websocket.send" and entry.connection == "#3 /ws", DEADLINE)
        events = [(entry.connection, entry.text, entry.detail) for entry in chat.log.events]
    assert events == [
        ("#2 /ws", "websocket.receive", "günaydın"),
        ("#2 /ws", "Alınan mesaj: günaydın", ""),
        ("#2 /ws", "websocket.send", "Mesajınız: günaydın"),
        ("#1 /ws", "websocket.send", "Başka bir istemciden: günaydın"),
        ("#3 /ws", "websocket.send", "Başka bir istemciden: günaydın"),
    ]
    assert heard == ["Başka bir istemciden: günaydın", "Mesajınız: günaydın", "Başka bir istemciden: günaydın"]


@pytest.mark.parametrize(
    ("end", "code", "printed"),
    [
        ("says goodbye", "1000", "Hata: (1000, '')"),
        ("closes the page", "1001", "Hata: (1001, '')"),
        ("loses the network", "1005", "Hata: (1005, None)"),
    ],
)
async def test_step_c_ending(chat: Server, end: str, code: str, printed: str) -> None:
    """1 the client leaves; 2 `receive_text()` raises; 3 `except`, then `finally`; 4 out of the list."""
    url = f"{chat.ws_url}/ws"
    async with websockets.connect(url):
        leaver = await websockets.connect(url)
        await joined(chat, 2)
        chat.log.clear()
        if end == "loses the network":
            leaver.transport.abort()
        else:
            await leaver.close(int(code))
        await chat.log.arrival("handler.end", DEADLINE)
        events = story(chat)
    assert events == [
        ("websocket.disconnect", code),
        (printed, ""),
        ("remove", "1"),
        ("handler.end", ""),
    ]
