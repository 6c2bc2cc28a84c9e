"""What notebook 04 teaches about the bytes of a connection; each test names the fact it holds on to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import websockets

from wslab import seed
from wslab.capture import Capture, LiveCapture, capture
from wslab.capture.steps import Direction, Fin, Frame
from wslab.serving import Server, serve

ROOT = Path(__file__).parents[2]
DEADLINE = 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455 §1.3
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()


def chat(**options: Any) -> Server:
    """The document's chat server."""
    return serve(seed.fresh("server").app, **options)


async def conversation(*texts: str, compression: str | None = None) -> Capture:
    """One client that says each of `texts`, awaits the reply to each, and leaves."""
    with chat() as server, capture(server) as wire:
        async with websockets.connect(f"{wire.ws_url}/ws", compression=compression) as client:
            for text in texts:
                await client.send(text)
                assert await asyncio.wait_for(client.recv(), DEADLINE) == f"Mesajınız: {text}"
    return wire


def sent_by(sender: str, wire: Capture) -> list[Frame]:
    return [frame for frame in wire.frames if frame.direction.sender == sender]


@asynccontextmanager
async def by_hand(wire: LiveCapture) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client made of a TCP connection, after its handshake."""
    reader, writer = await asyncio.open_connection(wire.host, wire.port)
    writer.write(HANDSHAKE)
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
    yield reader, writer
    writer.close()
    await writer.wait_closed()


# -- the life of a connection -------------------------------------------------------------------------------


async def test_steps_a_b_and_c_on_the_wire() -> None:
    """A: GET and 101. B: a TEXT frame each way. C: a CLOSE frame from each side, then a FIN from each side."""
    wire = await conversation("Merhaba")
    assert [(step.kind, step.direction.sender) for step in wire.steps[:6]] == [
        ("request", "client"),
        ("response", "server"),
        ("frame", "client"),
        ("frame", "server"),
        ("frame", "client"),
        ("frame", "server"),
    ]
    assert [frame.name for frame in wire.frames] == ["TEXT", "TEXT", "CLOSE", "CLOSE"]
    assert [frame.close_code for frame in wire.frames[2:]] == [1000, 1000]
    assert {type(step) for step in wire.steps[6:]} == {Fin}
    assert {step.direction for step in wire.steps[6:]} == set(Direction)
    assert wire.closing.clean


async def test_the_accept_key_by_hand() -> None:
    """Sec-WebSocket-Accept is the Base64 of the SHA-1 of key and GUID (RFC 6455 §4.2.2)."""
    wire = await conversation()
    request, response = wire.requests[0], wire.responses[0]
    assert request.method == "GET"
    assert response.status == 101
    assert request.key is not None
    assert len(base64.b64decode(request.key)) == 16
    digest = hashlib.sha1((request.key + GUID).encode()).digest()
    assert response.accept == base64.b64encode(digest).decode()


async def test_a_new_key_for_every_connection() -> None:
    """The key is random, and so is a frame's masking key: the same text gives other bytes."""
    first, second = await conversation("Merhaba"), await conversation("Merhaba")
    assert first.requests[0].key != second.requests[0].key
    assert first.frames[0].raw[:2] == second.frames[0].raw[:2]
    assert first.frames[0].raw[2:] != second.frames[0].raw[2:]


# -- frames -------------------------------------------------------------------------------------------------


async def test_a_frame_by_hand() -> None:
    """Two bytes of header, four of masking key, the payload XORed with them (RFC 6455 §5.2, §5.3): 13 for `Merhaba`."""
    wire = await conversation("Merhaba")
    raw = wire.frames[0].raw
    assert len(raw) == 13
    assert raw[0] == 0x81
    assert raw[1] == 0x80 + 7
    key, masked = raw[2:6], raw[6:]
    assert bytes([masked[0] ^ key[0], masked[1] ^ key[1], masked[2] ^ key[2], masked[3] ^ key[3]]) == b"Merh"
    assert bytes(byte ^ key[place % 4] for place, byte in enumerate(masked)) == b"Merhaba"


async def test_a_servers_frame_has_no_mask_and_two_bytes_of_header() -> None:
    """A server's frame is not masked (§5.1); a short one has two bytes before the text."""
    wire = await conversation("Merhaba")
    assert wire.frames[1].raw == b"\x81\x14" + "Mesajınız: Merhaba".encode()


async def test_a_length_counts_bytes_of_utf8() -> None:
    """`Mesajınız` is nine characters and eleven bytes; the reply to `ğ` is twelve characters and announces fifteen."""
    assert (len("Mesajınız"), len("Mesajınız".encode())) == (9, 11)
    assert all(len(letter.encode()) == 2 for letter in "çğıİöşü")
    for letter, length in (("ğ", 15), ("g", 14)):
        wire = await conversation(letter)
        assert len(f"Mesajınız: {letter}") == 12
        assert wire.frames[1].length == length


@pytest.mark.parametrize(
    ("size", "second", "header"), [(125, 0xFD, 6), (126, 0xFE, 8), (65_535, 0xFE, 8), (65_536, 0xFF, 14)]
)
async def test_three_ways_to_write_a_length(size: int, second: int, header: int) -> None:
    """Up to 125 in the second byte, up to 65,535 in two more, beyond in eight more (§5.2)."""
    frame = (await conversation("x" * size)).frames[0]
    assert frame.length == size
    assert frame.raw[1] == second
    assert frame.header_size == header


# -- compression --------------------------------------------------------------------------------------------


async def test_a_first_short_message_grows_and_its_repeat_shrinks() -> None:
    """permessage-deflate is on by default and marked by RSV1; repetition is what it lives on (RFC 7692)."""
    wire = await conversation("Merhaba", "Merhaba", "Merhaba " * 100, compression="deflate")
    assert (wire.responses[0].extensions or "").startswith("permessage-deflate")
    first, again, long, close = sent_by("client", wire)
    assert first.rsv1
    assert first.length > 7 > again.length
    assert long.length < 100
    assert not close.rsv1


async def test_without_compression_every_payload_keeps_its_size() -> None:
    """`compression=None` offers no extension."""
    wire = await conversation("Merhaba", "Merhaba")
    assert wire.responses[0].extensions is None
    assert [frame.length for frame in sent_by("client", wire)[:2]] == [7, 7]


# -- a rule broken ------------------------------------------------------------------------------------------


async def test_unmasked_frame_1002() -> None:
    """Unmasked frame → 1002 with a reason; the handler sees no text, only the end."""
    with chat() as server:
        with capture(server) as wire:
            async with by_hand(wire) as (reader, writer):
                writer.write(b"\x81\x07Merhaba")
                assert await asyncio.wait_for(reader.read(), DEADLINE) == b"\x88\x13\x03\xeaincorrect masking"
        assert wire.closing.code == 1002
        assert wire.closing.reason == "incorrect masking"
        assert [violation.rule.section for violation in wire.violations] == ["5.1"]
        await server.log.arrival("handler.end", DEADLINE)
        told = [(entry.text, entry.detail) for entry in server.log.events if entry.text.startswith("websocket.")]
        assert told[-1] == ("websocket.disconnect", "1002 incorrect masking")
        assert "websocket.receive" not in [text for text, _ in told]
        assert [entry.text for entry in server.log.prints] == [
            "Hata: (<CloseCode.PROTOCOL_ERROR: 1002>, 'incorrect masking')"
        ]


@pytest.mark.parametrize("mask", [bytes.fromhex("37fa213d"), bytes(4)], ids=["a key", "zeros"])
async def test_the_same_frame_masked_by_hand_is_answered(mask: bytes) -> None:
    """With the MASK bit and a key the reply comes; four zeros do as well, since only the bit can be checked."""
    scrambled = bytes(byte ^ mask[place % 4] for place, byte in enumerate(b"Merhaba"))
    with chat() as server, capture(server) as wire:
        async with by_hand(wire) as (reader, writer):
            writer.write(b"\x81\x87" + mask + scrambled)
            expected = b"\x81\x14" + "Mesajınız: Merhaba".encode()
            assert await asyncio.wait_for(reader.readexactly(len(expected)), DEADLINE) == expected
    assert wire.violations == ()


# -- against HTTP -------------------------------------------------------------------------------------------


async def test_http_keeps_its_connection_too() -> None:
    """Persistent “unlike HTTP”: HTTP/1.1 asks three times on one connection; three clients take three."""
    with chat() as server:
        with capture(server) as kept:
            async with httpx.AsyncClient() as http:
                for _ in range(3):
                    await http.get(kept.url)
        with capture(server) as single:
            for _ in range(3):
                httpx.get(single.url)
    assert (len(kept.connections), len(kept.requests)) == (1, 3)
    assert len(single.connections) == 3


async def test_http_keeps_its_connection_without_a_header_until_it_is_idle() -> None:
    """HTTP/1.1 keeps a connection by default, no header asks for it; uvicorn closes it after 5 s of idleness."""
    assert uvicorn.Config("app").timeout_keep_alive == 5
    with chat(timeout_keep_alive=1) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
            assert head.startswith(b"HTTP/1.1 200")
            assert b"connection" not in head.lower()
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await asyncio.wait_for(reader.readexactly(int(length.split(b":")[1])), DEADLINE)
        assert await asyncio.wait_for(reader.read(), DEADLINE) == b""  # idle for too long: the server ends TCP
        writer.close()
        await writer.wait_closed()


async def test_header_bytes_of_a_poll_against_those_of_a_frame() -> None:
    """A poll's header lines are more than a hundred bytes; a frame of the server has two. A cookie makes it worse."""
    sizes = []
    with chat() as server:
        for cookies in ({}, {"session": "a" * 40}):
            with capture(server) as wire:
                async with httpx.AsyncClient(cookies=cookies) as http:
                    await http.get(wire.url)
            sizes.append(sum(step.size - step.body_size for step in (wire.requests[0], wire.responses[0])))
    assert sizes[0] > 100
    assert sizes[1] > sizes[0] + 40
    assert (await conversation("Merhaba")).frames[1].header_size == 2


# -- when the server notices --------------------------------------------------------------------------------


async def test_a_fin_is_noticed_without_any_ping() -> None:
    """A client that ends, its FIN sent by the system: noticed at once, long before a ping is due (20 s)."""
    with chat() as server:
        with capture(server) as wire:
            async with by_hand(wire):
                pass
            await server.log.arrival("handler.end", DEADLINE)
        assert wire.frames == ()
        (disconnect,) = [entry for entry in server.log.events if entry.text == "websocket.disconnect"]
        assert disconnect.detail == "1005"


async def test_a_silent_peer_is_noticed_after_ping_interval_plus_timeout() -> None:
    """A silent peer: PING after the interval, and without a pong 1011 after the timeout; the server sees 1005."""
    with chat(ws_ping_interval=0.2, ws_ping_timeout=0.4) as server:
        with capture(server) as wire:
            async with by_hand(wire) as (reader, _):
                await asyncio.wait_for(reader.read(), DEADLINE)
        disconnect = await server.log.arrival("websocket.disconnect", DEADLINE)
        accepted = next(entry for entry in server.log.events if entry.text == "websocket.accept")
    assert [frame.name for frame in wire.frames] == ["PING", "CLOSE"]
    assert (wire.closing.code, wire.closing.reason) == (1011, "keepalive ping timeout")
    # Measured by the server's own clock: a late timer makes it longer, nothing makes it shorter.
    assert disconnect.time_ns - accepted.time_ns >= 0.55e9
    assert disconnect.detail == "1005"


def test_the_frames_come_from_a_library_beside_fastapi() -> None:
    """FastAPI's WebSockets need `websockets` or `wsproto`: without either uvicorn has no protocol for the upgrade."""
    script = (
        "import sys\n"
        "sys.modules['websockets'] = sys.modules['wsproto'] = None\n"
        "from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol\n"
        "print(AutoWebSocketsProtocol)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "None"
