"""Real peers behave through the capture as they do without it, the malformed and the hostile among them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import websockets.sync.client
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from tests.capture.conversations import frame, request
from tests.capture.wires import DEADLINE, run
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from wslab.capture import LiveCapture, capture
from wslab.serving import Server, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# What serve() takes, then uvicorn's other three; "websockets" is built on a part of that library which is on its way
# out, and says so.
IMPLEMENTATIONS = [
    "auto",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("websockets-sansio", "wsproto", "websockets")),
]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def make_app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def root() -> dict[str, str]:
        return {"message": "çalışıyor"}

    @app.post("/broadcast")
    async def broadcast(message: str) -> dict[str, str]:
        return {"sent": message}

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> Any:
            for number in range(5):
                yield f"part {number}\n"

        return StreamingResponse(parts())

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept(subprotocol=(websocket.scope["subprotocols"] or [None])[0])
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("bytes") is not None:
                    await websocket.send_bytes(message["bytes"][::-1])
                    continue
                text = message["text"]
                if text == "bye":
                    await websocket.close(1008, "güle güle")
                    return
                if text == "crash":
                    raise RuntimeError("as asked")
                await websocket.send_text(f"Mesajınız: {text}")

    @app.websocket("/closed")
    async def closed(websocket: WebSocket) -> None:
        await websocket.close(1008)

    @app.websocket("/crash")
    async def crash(websocket: WebSocket) -> None:
        raise RuntimeError("before accept")

    return app


@functools.cache
def has_wsproto() -> bool:
    try:
        import wsproto
    except ImportError:
        return False
    return bool(wsproto)


@pytest.fixture(params=IMPLEMENTATIONS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "wsproto" and not has_wsproto():
        pytest.skip("wsproto is not installed")
    with serve(make_app(), ws=request.param, ws_ping_interval=None) as running:
        yield running


# What a raw client sees.

HOSTILE = {
    "unmasked": frame(1, b"Merhaba", key=None),
    "masked with zeros": frame(1, b"Merhaba", key=bytes(4)),
    "reserved opcode": frame(3, b"x"),
    "reserved control opcode": frame(0xF, b"x"),
    "rsv1 without an extension": frame(1, b"x", rsv=4),
    "rsv3": frame(2, b"x", rsv=1),
    "bad utf-8": frame(1, b"\xff\xfe"),
    "half a letter": frame(1, "ğ".encode()[:1]),
    "fragmented ping": frame(9, b"x", fin=False),
    "long ping": frame(9, bytes(126)),
    "continuation of nothing": frame(0, b"x"),
    "two messages mixed": frame(1, b"a", fin=False) + frame(1, b"b"),
    "16-bit length for one byte": frame(1, b"x", form=16),
    "64-bit length for one byte": frame(1, b"x", form=64),
    "17 MiB announced": frame(2, b"x", form=64, length=17 * 1024 * 1024),
    "2^63 announced": frame(2, b"x", form=64, length=1 << 63),
    "close with one byte": frame(8, b"\x03"),
    "close 1005": frame(8, (1005).to_bytes(2)),
    "close 1006": frame(8, (1006).to_bytes(2)),
    "close 999": frame(8, (999).to_bytes(2)),
    "close with a bad reason": frame(8, (1000).to_bytes(2) + b"\xff"),
    "close 4000": frame(8, (4000).to_bytes(2) + "tamam ğ".encode()),
    "close without a code": frame(8),
    "text after close": frame(8, (1000).to_bytes(2)) + frame(1, b"late"),
    "ping, text, pong": frame(9, b"there?") + frame(1, "ğüşiöç".encode()) + frame(10, b"unasked"),
    "fragments around a ping": frame(1, b"par", fin=False) + frame(9, b"?") + frame(0, "çalı".encode()),
    "bye": frame(1, b"bye"),
    "crash": frame(1, b"crash"),
    "half a frame": frame(1, b"Merhaba")[:5],
    "half a header": b"\x81",
    "nothing": b"",
}
UNFINISHED = ("17 MiB announced", "half a frame", "half a header", "nothing")
ANSWERED_BY = {
    "ping, text, pong": "Mesajınız: ğüşiöç".encode(),
    "fragments around a ping": "Mesajınız: parçalı".encode(),
}

NO_HANDSHAKES = {
    "garbage": b"\x16\x03\x01\x00\x01",
    "no key": request().replace(b"Sec-WebSocket-Key", b"X-Key"),
    "version 8": request().replace(b"Version: 13", b"Version: 8"),
    "bare LF": request().replace(b"\r\n", b"\n"),
    "unknown path": request(target="/nowhere"),
    "closed before accept": request(target="/closed"),
    "crash before accept": request(target="/crash"),
    "plain GET": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "pipelined": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3 + b"GET / HTTP/1.0\r\n\r\n",
}


def raw_exchange(port: int, opening: bytes, then: bytes = b"", until: bytes | None = None) -> tuple[bytes, str]:
    """All that a raw client got, and how it ended. It sends its FIN only when it has heard the answer, since the
    order of what crosses on the wire is nobody's promise.

    Args:
        port: where to.
        opening: what to send first; its answer ends its head with an empty line.
        then: what to send after that.
        until: what to wait for then; None: any answer, b"": none.
    """
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as sock:

        def hear(enough: Callable[[], bool]) -> None:
            while not enough() and (data := sock.recv(65_536)):
                received.extend(data)

        try:
            sock.sendall(opening)
            hear(lambda: b"\r\n\r\n" in received)
            head = len(received)
            sock.sendall(then)
            hear(lambda: len(received) > head if until is None else until in received)
            sock.shutdown(socket.SHUT_WR)
            hear(lambda: False)
            end = "fin"
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            end = "rst"
    return re.sub(rb"(?i)date: [^\r]*", b"date: -", bytes(received)), end


@pytest.mark.parametrize("name", HOSTILE)
def test_raw_frames_get_the_same_answer(server: Server, name: str) -> None:
    said = (request(), HOSTILE[name], b"" if name in UNFINISHED else ANSWERED_BY.get(name))
    straight = raw_exchange(server.port, *said)
    with capture(server) as wire:
        assert raw_exchange(wire.port, *said) == straight
    assert_the_capture_has_it_all(wire, request() + HOSTILE[name], straight[0])


@pytest.mark.parametrize("name", NO_HANDSHAKES)
def test_raw_http_gets_the_same_answer(server: Server, name: str) -> None:
    straight = raw_exchange(server.port, NO_HANDSHAKES[name], until=b"")
    with capture(server) as wire:
        assert raw_exchange(wire.port, NO_HANDSHAKES[name], until=b"") == straight
    assert_the_capture_has_it_all(wire, NO_HANDSHAKES[name], straight[0])


def assert_the_capture_has_it_all(wire: LiveCapture, sent: bytes, received: bytes) -> None:
    """Every byte is in one step, and in order."""
    raw = {"client": b"", "server": b""}
    for step in wire.steps:
        raw[step.direction.sender] += step.raw
    assert raw["client"] == sent
    assert re.sub(rb"(?i)date: [^\r]*", b"date: -", raw["server"]) == received


# Whole clients.

Script = Callable[[str, str], Coroutine[Any, Any, list[object]]]


async def websockets_client(url: str, http: str) -> list[object]:
    told: list[object] = []
    for path, options in (
        ("/ws", {"compression": "deflate"}),
        ("/ws", {"compression": None}),
        ("/ws", {"subprotocols": ["chat", "other"]}),
    ):
        async with connect(url + path, **options) as websocket:
            told.append(websocket.subprotocol)
            for message in ("Merhaba", "", "ğ" * 70_000, b"\x00\x01\x02", ["par", "ça", "lı"]):
                await websocket.send(message)
                told.append(await asyncio.wait_for(websocket.recv(), DEADLINE))
            await asyncio.wait_for(await websocket.ping("there?"), DEADLINE)
        told.append((websocket.close_code, websocket.close_reason))
    for last in ("bye", "crash"):
        async with connect(url + "/ws") as websocket:
            await websocket.send(last)
            try:
                await asyncio.wait_for(websocket.recv(), DEADLINE)
            except ConnectionClosed as closed:
                told.append((type(closed).__name__, closed.rcvd and (closed.rcvd.code, closed.rcvd.reason)))
    for path in ("/closed", "/crash", "/nowhere"):
        try:
            async with connect(url + path):
                told.append("open")
        except InvalidStatus as refused:
            told.append((refused.response.status_code, refused.response.body))
    return told


async def websockets_threads(url: str, http: str) -> list[object]:
    def talk() -> list[object]:
        told: list[object] = []
        with websockets.sync.client.connect(url + "/ws") as websocket:
            for message in ("Merhaba", b"\x00" * 1000):
                websocket.send(message)
                told.append(websocket.recv(DEADLINE))
        return told

    return await asyncio.to_thread(talk)


async def wsproto_client(url: str, http: str) -> list[object]:
    if not has_wsproto():
        pytest.skip("wsproto is not installed")
    from wsproto import ConnectionType, WSConnection
    from wsproto.events import AcceptConnection, CloseConnection, Message, Ping, Pong, Request, TextMessage
    from wsproto.extensions import PerMessageDeflate

    host, _, port = url.removeprefix("ws://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    peer = WSConnection(ConnectionType.CLIENT)
    told: list[object] = []

    async def say(event: Any) -> None:
        writer.write(peer.send(event))
        await writer.drain()

    await say(Request(host=f"{host}:{port}", target="/ws", extensions=[PerMessageDeflate()]))
    parts = ""
    while not any(isinstance(item, CloseConnection) for item in told):
        data = await asyncio.wait_for(reader.read(65_536), DEADLINE)
        peer.receive_data(data or None)
        for event in peer.events():
            told.append(event if isinstance(event, CloseConnection) else type(event).__name__)
            if isinstance(event, AcceptConnection):
                await say(Ping(b"there?"))
            elif isinstance(event, Pong):
                told.append(bytes(event.payload))
                await say(Message(data="mer" * 2000, message_finished=False))
                await say(Message(data="haba"))
            elif isinstance(event, TextMessage):
                parts += event.data
                if event.message_finished:
                    told.append(parts)
                    await say(CloseConnection(4000, "tamam"))
        if not data:
            break
    writer.close()
    # How many events a message came in is a matter of how the bytes were cut, which no one promises.
    return [item for item in told if item != "TextMessage"]


async def httpx_client(url: str, http: str) -> list[object]:
    told: list[object] = []
    async with httpx.AsyncClient(base_url=http) as client:
        for method, path in (
            ("GET", "/"),
            ("HEAD", "/"),
            ("POST", "/broadcast?message=ğ"),
            ("GET", "/stream"),
            ("GET", "/nowhere"),
        ):
            answer = await client.request(method, path, content=b"x" * 70_000 if method == "POST" else None)
            told.append((answer.status_code, answer.text))
    return told


@pytest.mark.parametrize("script", [websockets_client, websockets_threads, wsproto_client, httpx_client])
def test_a_client_behaves_as_without(server: Server, script: Script) -> None:
    straight = run(script(server.ws_url, server.url))
    with capture(server) as wire:
        assert run(script(wire.ws_url, wire.url)) == straight
    assert straight
    assert not wire.violations
    assert all(step.whole and step.kind not in ("cut", "undecoded") for step in wire.steps)


NODE = """
const WebSocket = require('ws');
const told = [];
const socket = new WebSocket(process.argv[1] + '/ws', {perMessageDeflate: process.argv[2] === 'deflate'});
socket.on('open', () => {
  socket.send('Merhaba'); socket.send(Buffer.from([1, 2, 3])); socket.send('ğ'.repeat(40000));
  socket.send('par', {fin: false}); socket.send('çalı'); socket.ping('there?');
});
socket.on('message', (data, binary) => told.push([binary, data.toString('utf8')]));
socket.on('pong', (data) => { told.push(['pong', data.toString()]); });
socket.on('close', (code, reason) => { told.push(['close', code, reason.toString()]); finish(); });
socket.on('error', (error) => told.push(['error', error.message]));
const wait = setInterval(() => { if (told.length >= 5) { clearInterval(wait); socket.send('bye'); } }, 5);
function finish() {
  told.sort((a, b) => (a[0] === 'pong') - (b[0] === 'pong'));
  process.stdout.write(JSON.stringify(told), () => process.exit(0));
}
setTimeout(finish, 20000);
"""


@functools.cache
def node_with_ws() -> dict[str, str] | None:
    """The environment in which Node finds its `ws` package, if there is one; NODE_PATH may name its folder."""
    node = shutil.which("node")
    if node is None:
        return None
    found = subprocess.run([node, "-e", "require('ws')"], capture_output=True, check=False)
    return dict(os.environ) if found.returncode == 0 else None


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["deflate", "none"])
def test_node_behaves_as_without(server: Server, compression: str) -> None:
    environment = node_with_ws()
    if environment is None:
        pytest.skip("Node and its ws package are not installed")

    def node(url: str) -> object:
        done = subprocess.run(
            ["node", "-e", NODE, url, compression], env=environment, capture_output=True, timeout=60, check=True
        )
        return json.loads(done.stdout)

    straight = node(server.ws_url)
    with capture(server) as wire:
        assert node(wire.ws_url) == straight
    assert ["close", 1008, "güle güle"] in straight  # type: ignore[operator]
    assert not wire.violations
    assert wire.closing.code == 1008
    assert any(one.inflated is not None for one in wire.frames) == (compression == "deflate")


PAGE = """
(url) => new Promise((resolve) => {
  const told = [];
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const finish = (event) => {
    told.push(['close', event.code, event.reason, event.wasClean]);
    resolve(told);
  };
  socket.onopen = () => {
    told.push(['open', socket.protocol, socket.extensions]);
    socket.send('Merhaba'); socket.send(new Uint8Array([1, 2, 3])); socket.send('ğ'.repeat(40000));
    socket.send('bye');
  };
  socket.onmessage = (event) =>
    told.push(typeof event.data === 'string' ? event.data : [...new Uint8Array(event.data)]);
  socket.onerror = () => told.push('error');
  socket.onclose = finish;
  setTimeout(() => resolve(told), 20000);
})
"""


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/ws", "/closed", "/crash", "/nowhere"])
def test_chromium_behaves_as_without(browser: Browser, server: Server, path: str) -> None:
    page = browser.new_page()
    straight = page.evaluate(PAGE, server.ws_url + path)
    with capture(server) as wire:
        assert page.evaluate(PAGE, wire.ws_url + path) == straight
    page.close()
    assert straight[-1][0] == "close"
    assert not wire.violations
    handshake = next(step for step in wire.requests if step.upgrade)
    assert handshake.origin is not None
