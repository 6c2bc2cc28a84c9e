"""What notebook 06 teaches about close codes; each test names the fact it holds on to."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
import websockets
from fastapi import Depends, FastAPI, HTTPException, WebSocket, WebSocketDisconnect, WebSocketException
from fastapi.responses import PlainTextResponse
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.exceptions import ProtocolError as NotAllowed
from websockets.frames import CloseCode, Frame, Opcode

from wslab import capture
from wslab.capture.steps import Direction
from wslab.serving import Entry, Server, serve

DEADLINE = 10
SENDABLE = (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999)
NOT_SENDABLE = (999, 1004, 1005, 1006, 1015, 1016, 2999, 5000)
Leave = Callable[[ClientConnection], Awaitable[None]]


def ends() -> FastAPI:
    """An app with a path for each way in which a server ends a connection, and `/listen`, which waits."""
    app = FastAPI()

    @app.websocket("/close/{code}")
    async def close_with(websocket: WebSocket, code: int, reason: str = "") -> None:
        await websocket.accept()
        await websocket.close(code=code, reason=reason)

    @app.websocket("/crash")
    async def crash(websocket: WebSocket) -> None:
        await websocket.accept()
        raise ZeroDivisionError

    @app.websocket("/return")
    async def come_and_return(websocket: WebSocket) -> None:
        await websocket.accept()

    @app.websocket("/policy")
    async def policy(websocket: WebSocket) -> None:
        await websocket.accept()
        raise WebSocketException(1008, "olmaz")

    @app.websocket("/honest")
    async def honest(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            raise ZeroDivisionError
        except Exception:
            await websocket.close(1011)
            raise

    @app.websocket("/door")
    async def door(websocket: WebSocket) -> None:
        await websocket.close(1008, "olmaz")

    @app.websocket("/after/{what}")
    async def after(websocket: WebSocket, what: str) -> None:
        await websocket.accept()
        await websocket.close()
        try:
            await (websocket.receive_text() if what == "receive" else websocket.send_text("selam"))
        except Exception as error:
            print(error)

    @app.websocket("/listen")
    async def listen(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(f"Mesajınız: {await websocket.receive_text()}")
        except WebSocketDisconnect as gone:
            print(gone.code, gone.reason)

    return app


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(ends()) as server:
        yield server


@dataclass(frozen=True)
class End:
    """How a connection ended: the client's exception, its code and reason, and the close frames on the wire."""

    error: type[Exception]
    code: int | None
    reason: str
    frames: tuple[tuple[str, int | None, str], ...]


async def ending(server: Server, path: str, leave: Leave | None = None) -> End:
    with capture(server) as wire:
        async with websockets.connect(wire.ws_url + path, ping_interval=None, max_size=2**20) as client:
            if leave:
                await leave(client)
            with pytest.raises(ConnectionClosed) as end:
                await asyncio.wait_for(client.recv(), DEADLINE)
    frames = tuple(
        (frame.direction.sender, frame.close_code, frame.close_reason)
        for frame in wire.frames
        if frame.opcode == Opcode.CLOSE
    )
    return End(end.type, client.close_code, client.close_reason or "", frames)


def both(first: str, code: int, reason: str = "") -> tuple[tuple[str, int, str], ...]:
    second = {"client": "server", "server": "client"}[first]
    return (first, code, reason), (second, code, reason)


def printed(entry: Entry) -> bool:
    return entry.kind == "print"


# -- what a server may send ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", SENDABLE)
async def test_a_server_may_send(server: Server, code: int) -> None:
    """A server may send 1000–1003, 1007–1014, 3000–4999; of these only 1000 and 1001 → `ConnectionClosedOK`."""
    expected = ConnectionClosedOK if code in (1000, 1001) else ConnectionClosedError
    end = await ending(server, f"/close/{code}?reason=neden")
    assert end == End(expected, code, "neden", both("server", code, "neden"))


@pytest.mark.parametrize("code", NOT_SENDABLE)
async def test_a_server_may_not_send(server: Server, code: int) -> None:
    """999, 1004–1006, 1015, 1016, 2999, 5000: `ProtocolError: invalid status code`, and the client sees 1006."""
    assert await ending(server, f"/close/{code}") == End(ConnectionClosedError, 1006, "", ())
    error = await server.log.arrival(lambda entry: entry.kind == "error", DEADLINE)
    assert error.text == "websockets.exceptions.ProtocolError: invalid status code"


def test_the_registry_s_words() -> None:
    """1001 is *going away*, not "the far side closed"; 1003 is *unsupported data*; 1011 is *internal error*."""
    names = [CloseCode(code).name for code in (1000, 1001, 1002, 1003, 1008, 1011)]
    assert names == [
        "NORMAL_CLOSURE",
        "GOING_AWAY",
        "PROTOCOL_ERROR",
        "UNSUPPORTED_DATA",
        "POLICY_VIOLATION",
        "INTERNAL_ERROR",
    ]


@pytest.mark.parametrize(("letter", "most"), [("i", 123), ("ı", 61)])
async def test_a_reason_has_at_most_123_bytes(server: Server, letter: str, most: int) -> None:
    """Reason at most 123 UTF-8 **bytes**; one more: `control frame too long`, and the client sees 1006."""
    assert (await ending(server, f"/close/1000?reason={letter * most}")).reason == letter * most
    assert await ending(server, f"/close/1000?reason={letter * (most + 1)}") == End(ConnectionClosedError, 1006, "", ())
    error = await server.log.arrival(lambda entry: entry.kind == "error", DEADLINE)
    assert error.text == "websockets.exceptions.ProtocolError: control frame too long"


async def test_a_closing_handshake_has_four_steps(server: Server) -> None:
    """A close frame each way, then the end of TCP each way."""
    with capture(server) as wire:
        async with websockets.connect(f"{wire.ws_url}/close/1000") as client:
            with pytest.raises(ConnectionClosedOK):
                await asyncio.wait_for(client.recv(), DEADLINE)
    assert wire.closing.first is Direction.TO_CLIENT
    assert wire.closing.clean
    assert [step.kind for step in wire.steps] == ["request", "response", "frame", "frame", "fin", "fin"]


# -- the client closes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1008, 1011, 3000, 4999])
async def test_the_server_sees_code_and_reason_as_sent(server: Server, code: int) -> None:
    """The server sees code and reason as sent."""

    async def leave(client: ClientConnection) -> None:
        await client.close(code, "olmaz")

    assert (await ending(server, "/listen", leave)).frames == both("client", code, "olmaz")
    assert (await server.log.arrival(printed, DEADLINE)).text == f"{code} olmaz"


async def test_the_client_s_close_sends_1000(server: Server) -> None:
    """Its `close()` sends 1000."""
    end = await ending(server, "/listen", lambda client: client.close())
    assert end == End(ConnectionClosedOK, 1000, "", both("client", 1000))
    assert (await server.log.arrival(printed, DEADLINE)).text.split() == ["1000"]


@pytest.mark.parametrize("code", NOT_SENDABLE)
async def test_the_client_may_not_send_them_either(server: Server, code: int) -> None:
    """The Python client refuses the same codes, and the connection stays open."""
    async with websockets.connect(f"{server.ws_url}/listen") as client:
        with pytest.raises(NotAllowed, match="invalid status code"):
            await client.close(code)
        await client.send("selam")
        assert await asyncio.wait_for(client.recv(), DEADLINE) == "Mesajınız: selam"


async def test_a_close_frame_without_a_code_is_1005(server: Server) -> None:
    """1005 is never on the wire: the frame is empty, and the receiver notes 1005."""

    async def leave(client: ClientConnection) -> None:
        client.protocol.send_close()
        client.transport.write(b"".join(client.protocol.data_to_send()))

    assert (await ending(server, "/listen", leave)).frames[0] == ("client", None, "")
    assert (await server.log.arrival(printed, DEADLINE)).text.split()[0] == "1005"


# -- nobody says anything -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/crash", "/return"])
async def test_a_crash_and_a_plain_return_are_1006(server: Server, path: str) -> None:
    """Uncaught exception **or plain return** after accept → **1006, not 1011**; no close frame passes."""
    assert await ending(server, path) == End(ConnectionClosedError, 1006, "", ())


async def test_a_websocket_exception_is_its_code(server: Server) -> None:
    """`WebSocketException(1008)` after accept → 1008."""
    assert await ending(server, "/policy") == End(ConnectionClosedError, 1008, "olmaz", both("server", 1008, "olmaz"))


async def test_1011_comes_from_who_sends_it(server: Server) -> None:
    """A handler that closes with 1011 and raises on: the client sees 1011, the log has the exception."""
    assert await ending(server, "/honest") == End(ConnectionClosedError, 1011, "", both("server", 1011))
    assert (await server.log.arrival("ZeroDivisionError", DEADLINE)).kind == "error"


@pytest.mark.parametrize("path", ["/door", "/nowhere"])
async def test_before_accept_there_is_no_code(server: Server, path: str) -> None:
    """`close()` before accept, or an unknown path → **HTTP 403**, code and reason lost."""
    with capture(server) as wire, pytest.raises(InvalidStatus) as refusal:
        await websockets.connect(wire.ws_url + path)
    assert refusal.value.response.status_code == 403
    assert not wire.frames
    assert b"olmaz" not in b"".join(step.raw for step in wire.steps)


# -- an abrupt end --------------------------------------------------------------------------------------------


async def fin(client: ClientConnection) -> None:
    client.transport.abort()


async def rst(client: ClientConnection) -> None:
    client.transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
    )
    client.transport.abort()


@pytest.mark.parametrize("leave", [fin, rst])
async def test_without_a_close_frame_the_server_sees_1005(server: Server, leave: Leave) -> None:
    """FIN or RST without a close frame shows at the server as **1005**; at the client as 1006."""
    assert await ending(server, "/listen", leave) == End(ConnectionClosedError, 1006, "", ())
    assert (await server.log.arrival(printed, DEADLINE)).text.split()[0] == "1005"


async def test_a_close_without_accept_is_403_and_a_refusal_can_be_explained() -> None:
    """`HTTPException(401)`, a dependency that raises 429 and `send_denial_response()` reach a Python client whole."""
    app = FastAPI()

    def full() -> None:
        raise HTTPException(429, "salon dolu")

    @app.websocket("/exception")
    async def exception(websocket: WebSocket) -> None:
        raise HTTPException(401, "önce giriş yapın")

    @app.websocket("/dependency", dependencies=[Depends(full)])
    async def dependency(websocket: WebSocket) -> None:
        await websocket.accept()

    @app.websocket("/response")
    async def response(websocket: WebSocket) -> None:
        await websocket.send_denial_response(PlainTextResponse("salon dolu", status_code=429))

    read = []
    with serve(app) as server:
        for path in ("exception", "dependency", "response"):
            with pytest.raises(InvalidStatus) as refusal:
                await websockets.connect(f"{server.ws_url}/{path}")
            read.append((refusal.value.response.status_code, bytes(refusal.value.response.body).decode()))
    assert read == [(401, '{"detail":"önce giriş yapın"}'), (429, '{"detail":"salon dolu"}'), (429, "salon dolu")]


async def test_a_pong_behind_an_unread_message_counts_as_silence() -> None:
    """uvicorn stops reading while a message lies unread: who sent two gets 1011, who sent one gets the reply."""
    app = FastAPI()

    @app.websocket("/ws")
    async def take_one(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        await asyncio.sleep(5)
        await websocket.send_text("bitti")

    ends_of = {}
    with serve(app, ws_ping_interval=1.5, ws_ping_timeout=1.5) as server:
        for texts in (["work"], ["work", "hello"]):
            with capture(server) as wire:
                async with websockets.connect(f"{wire.ws_url}/ws", ping_interval=None) as client:
                    for text in texts:
                        await client.send(text)
                    try:
                        end = await asyncio.wait_for(client.recv(), DEADLINE)
                    except ConnectionClosed:
                        end = f"{client.close_code} {client.close_reason}"
            pongs = [frame for frame in wire.frames if frame.opcode == Opcode.PONG]
            ends_of[" ".join(texts)] = end, bool(pongs)
    assert ends_of == {"work": ("bitti", True), "work hello": ("1011 keepalive ping timeout", True)}


async def test_a_client_that_blocks_its_own_loop_looks_silent() -> None:
    """A blocking call in the client's own program stops its pongs: 1011 `keepalive ping timeout`."""
    with serve(ends(), ws_ping_interval=0.1, ws_ping_timeout=0.1) as server:
        async with websockets.connect(f"{server.ws_url}/listen", ping_interval=None) as client:
            server.log.wait_for(printed, DEADLINE)  # blocks this thread, and so the client's loop
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(client.recv(), DEADLINE)
            assert (client.close_code, client.close_reason) == (1011, "keepalive ping timeout")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("implementation", "code"), [("websockets-sansio", "1005"), ("wsproto", "1005"), ("websockets", "1006")]
)
async def test_which_number_stands_for_no_close_frame_is_the_server_s_choice(implementation: str, code: str) -> None:
    """RFC 6455 §7.1.5 says 1006; uvicorn's sans-I/O and wsproto implementations say 1005, its legacy one 1006."""
    if implementation == "wsproto":
        pytest.importorskip("wsproto")
    with serve(ends(), ws=implementation) as server:
        async with websockets.connect(f"{server.ws_url}/listen") as client:
            await fin(client)
        assert (await server.log.arrival(printed, DEADLINE)).text.split()[0] == code


async def test_the_wire_tells_a_fin_from_a_rst(server: Server) -> None:
    """The same 1005 for both, but not the same on the wire."""
    kinds = {}
    for leave in (fin, rst):
        server.log.clear()
        with capture(server) as wire:
            async with websockets.connect(f"{wire.ws_url}/listen") as client:
                await leave(client)
            await server.log.arrival(printed, DEADLINE)
        kinds[leave.__name__] = wire.steps[2].kind
    assert kinds == {"fin": "fin", "rst": "reset"}


async def test_silence_ends_with_the_ping_timeout() -> None:
    """A silent peer: ping interval + ping timeout, then 1011 on the wire; the server's handler sees 1005 here, too."""
    with serve(ends(), ws_ping_interval=0.05, ws_ping_timeout=0.05) as server:

        async def silence(client: ClientConnection) -> None:
            client.transport.pause_reading()
            await server.log.arrival(printed, DEADLINE)
            client.transport.resume_reading()

        end = await ending(server, "/listen", silence)
    assert (end.error, end.code, end.reason) == (ConnectionClosedError, 1011, "keepalive ping timeout")
    assert end.frames[0] == ("server", 1011, "keepalive ping timeout")
    assert server.log.prints[0].text.split()[0] == "1005"


# -- after one's own close, and at the end of the server ------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("receive", 'WebSocket is not connected. Need to call "accept" first.'),
        ("send", 'Cannot call "send" once a close message has been sent.'),
    ],
)
async def test_after_one_s_own_close(server: Server, what: str, sentence: str) -> None:
    """After one's own `close()`, `receive_text()` *also* says `Need to call "accept" first`. Misleading."""
    assert (await ending(server, f"/after/{what}")).code == 1000
    assert (await server.log.arrival(printed, DEADLINE)).text == sentence


async def test_somebody_else_s_failed_send_makes_receive_ask_for_accept() -> None:
    """“Need to call "accept" first” has a third cause: a send of anybody's that failed."""
    app = FastAPI()
    room: list[WebSocket] = []
    send_failed = asyncio.Event()

    @app.websocket("/ws")
    async def victim(websocket: WebSocket) -> None:
        await websocket.accept()
        room.append(websocket)
        await send_failed.wait()
        try:
            await websocket.receive_text()
        except RuntimeError as error:
            print(error)

    @app.get("/relay")
    async def relay() -> None:
        try:
            while True:
                await room[0].send_text("selam")
                await asyncio.sleep(0.01)
        except WebSocketDisconnect:
            send_failed.set()

    with serve(app) as server:
        async with websockets.connect(f"{server.ws_url}/ws", ping_interval=None) as client:
            await fin(client)
        async with httpx.AsyncClient() as http:
            await http.get(f"{server.url}/relay", timeout=DEADLINE)
        line = await server.log.arrival(printed, DEADLINE)
    assert line.text == 'WebSocket is not connected. Need to call "accept" first.'


async def test_a_close_to_a_client_that_has_gone_masks_the_fault() -> None:
    """`except: await close(1011); raise` raises the close's own exception once the client has gone; `suppress` keeps
    the fault."""
    app = FastAPI()

    @app.websocket("/{how}")
    async def honest(websocket: WebSocket, how: str) -> None:
        await websocket.accept()
        await websocket.receive()  # the client's end
        try:
            raise ZeroDivisionError
        except Exception:
            with suppress(*([RuntimeError, WebSocketDisconnect] if how == "suppressed" else [])):
                await websocket.close(1011)
            raise

    faults = {}
    for how in ("bare", "suppressed"):
        with serve(app) as server:
            async with websockets.connect(f"{server.ws_url}/{how}", ping_interval=None) as client:
                await fin(client)
            await server.log.arrival("handler.end", DEADLINE)
        faults[how] = [entry.text for entry in server.log.errors]
    assert faults["suppressed"] == ["ZeroDivisionError"]
    assert faults["bare"] != ["ZeroDivisionError"]


@pytest.mark.parametrize(("deadline", "over"), [(None, False), (1, True)])
async def test_uvicorn_s_own_shutdown_has_no_deadline(deadline: int | None, over: bool) -> None:
    """A handler that awaits an `Event` keeps uvicorn alive after its client got 1012, unless there is a deadline."""
    app = FastAPI()
    never = asyncio.Event()

    @app.websocket("/ws")
    async def handler(websocket: WebSocket) -> None:
        await websocket.accept()
        await never.wait()

    free = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=deadline))
    serving = asyncio.create_task(server._serve(sockets=[free]))
    try:
        # The socket listens already, so the client may come before the server has started.
        async with websockets.connect(f"ws://127.0.0.1:{free.getsockname()[1]}/ws") as client:
            server.should_exit = True
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(client.recv(), DEADLINE)
            assert client.close_code == 1012
        await asyncio.wait({serving}, timeout=DEADLINE if over else 2)
        assert serving.done() is over
    finally:
        never.set()
        await asyncio.wait_for(serving, DEADLINE)


async def test_after_a_close_in_its_loop_the_document_s_blocks_tidy_up() -> None:
    """With the document's `try`, `except Exception`, `finally`: the exception after `close()` is printed as `Hata`, and
    the client is taken off the list."""
    app = FastAPI()
    connected_clients: list[WebSocket] = []

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        connected_clients.append(websocket)
        try:
            while True:
                await websocket.receive_text()
                await websocket.close()
        except Exception as error:
            print(f"Hata: {error}")
        finally:
            connected_clients.remove(websocket)

    with serve(app) as server:
        async with websockets.connect(f"{server.ws_url}/ws") as client:
            await client.send("yeter")
            await asyncio.wait_for(client.wait_closed(), DEADLINE)
        await server.log.arrival("handler.end", DEADLINE)
        assert [entry.text for entry in server.log.prints] == [
            'Hata: WebSocket is not connected. Need to call "accept" first.'
        ]
    assert connected_clients == []


async def test_a_shutdown_is_1012(server: Server) -> None:
    """Shutdown: clients get 1012."""

    async def leave(client: ClientConnection) -> None:
        await asyncio.to_thread(server.stop)

    assert await ending(server, "/listen", leave) == End(ConnectionClosedError, 1012, "", both("server", 1012))


# -- what uvicorn itself closes with --------------------------------------------------------------------------


def raw(frame: Frame, *, mask: bool = True) -> Leave:
    async def write(client: ClientConnection) -> None:
        client.transport.write(frame.serialize(mask=mask))

    return write


async def too_much(client: ClientConnection) -> None:
    """The header of a message of 16 MiB and one byte; the rest is not needed."""
    client.transport.write(struct.pack("!BBQ", 0x80 | Opcode.BINARY, 0x80 | 127, 2**24 + 1) + b"mask")


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        pytest.param(raw(Frame(Opcode.TEXT, b"selam"), mask=False), 1002, id="unmasked"),
        pytest.param(raw(Frame(Opcode.TEXT, b"\xff")), 1007, id="bad UTF-8"),
        pytest.param(too_much, 1009, id="16 MiB + 1"),
    ],
)
async def test_rules_that_the_server_itself_upholds(server: Server, leave: Leave, code: int) -> None:
    """Unmasked frame → 1002; bad UTF-8 → 1007; 16 MiB + 1 → 1009."""
    assert (await ending(server, "/listen", leave)).code == code


async def test_the_python_client_s_own_limit_is_1_mib(server: Server) -> None:
    """The **Python client's own limit is 1 MiB**, so the echo of a 1 MiB message fails there with 1009."""
    end = await ending(server, "/listen", lambda client: client.send("x" * 2**20))
    assert end.error is ConnectionClosedError
    assert end.frames[0][:2] == ("client", 1009)


async def test_binary_to_receive_text_is_a_key_error(server: Server) -> None:
    """Binary to `receive_text()` → `KeyError: 'text'`."""
    end = await ending(server, "/listen", lambda client: client.send(b"selam"))
    assert (end.code, end.frames) == (1006, ())
    assert (await server.log.arrival("KeyError", DEADLINE)).text == "KeyError: 'text'"
