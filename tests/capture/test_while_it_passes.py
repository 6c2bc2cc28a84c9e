"""What a capture says of time: silence is where no byte passed, and a response is there once its head came."""

from __future__ import annotations

import asyncio
import gzip
import threading
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from tests.capture.conversations import HANDSHAKE, Segment, Talk, frame, switching

from wslab.capture import Capture, capture
from wslab.capture.steps import Frame, Request, Response, Undecoded
from wslab.language import use_language
from wslab.serving import serve

MS = 1_000_000
ASK = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_END = b"HTTP/1.1 200 OK\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"
Timed = tuple[str, bytes | None, int]


def streamed(head: bytes, *chunks: bytes) -> list[Timed]:
    """A request at 0 ms, the head at 1 ms, a chunk every 300 ms from 301 ms on."""
    passed: list[Timed] = [("client", ASK, 0), ("server", head, MS)]
    return passed + [("server", chunk, (1 + 300 * number) * MS) for number, chunk in enumerate(chunks, start=1)]


STREAMS = {
    "chunked": streamed(CHUNKED, b"5\r\nhello\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n"),
    "until the end": [*streamed(UNTIL_END, b"hello", b"hello"), ("server", b"", 1000 * MS)],
    "by length": streamed(LENGTH, b"hello", b"hello", b"hello", b"hello"),
}


@pytest.mark.parametrize("passed", STREAMS.values(), ids=STREAMS)
def test_a_response_that_streams_is_stamped_by_its_head_and_is_no_silence(passed: list[Timed]) -> None:
    wire = Capture.from_bytes(passed)
    response = next(step for step in wire.steps if isinstance(step, Response))
    assert (response.seen_at, response.complete) == (MS, True)
    assert response.end >= 600 * MS
    assert "silence" not in str(wire).replace("⋯ 399 ms of silence", "")  # before the FIN, after the last byte
    assert "1.00 ms  Client ◀── Server  HTTP/1.1 200 OK" in str(wire)
    assert "the last one at" in str(wire)
    assert Capture.from_json(wire.to_json()).steps == wire.steps
    assert str(Capture.from_json(wire.to_json())) == str(wire)


@pytest.mark.parametrize("passed", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("end", [None, "client", "server"])
def test_a_response_that_breaks_off_is_a_response(passed: list[Timed], end: str | None) -> None:
    cut = passed[:3] + ([(end, b"", 400 * MS)] if end is not None else [])
    wire = Capture.from_bytes(cut)
    response = next(step for step in wire.steps if isinstance(step, Response))
    assert (response.status, response.body, response.seen_at) == (200, b"hello", MS)
    assert not any(isinstance(step, Undecoded) for step in wire.steps)
    if passed[1][1] != UNTIL_END or end != "server":  # there a FIN is the body's proper end
        assert not response.complete
        assert "body, 5 bytes so far; it has not ended" in str(wire)


def test_a_response_is_seen_while_it_streams() -> None:
    app = FastAPI()
    go_on = threading.Event()

    @app.get("/events")
    async def events() -> StreamingResponse:
        async def chunks() -> AsyncIterator[str]:
            yield "data: 0\n\n"
            await asyncio.to_thread(go_on.wait, 10)
            yield "data: 1\n\n"

        return StreamingResponse(chunks(), media_type="text/event-stream")

    with serve(app) as server, capture(server) as wire, httpx.stream("GET", f"{wire.url}/events") as reply:
        parts = reply.iter_bytes()
        assert next(parts) == b"data: 0\n\n"
        seen = [step for step in wire.steps if isinstance(step, Response)]
        assert [(step.status, step.body, step.complete) for step in seen] == [(200, b"data: 0\n\n", False)]
        go_on.set()
        assert b"".join(parts) == b"data: 1\n\n"
        (whole,) = [step for step in wire.steps if isinstance(step, Response)]
        assert (whole.body, whole.complete, whole.seen_at) == (b"data: 0\n\ndata: 1\n\n", True, seen[0].seen_at)


def timed(segments: list[Segment], at: int = 0) -> list[Timed]:
    return [(sender, data, at) for sender, data in segments]


POST = b"POST /up HTTP/1.1\r\nHost: localhost\r\n"
UPLOADS = {
    "chunked": [POST + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n"],
    "by length": [POST + b"Content-Length: 15\r\n\r\n", b"hello", b"hello", b"hello"],
}


@pytest.mark.parametrize("pieces", UPLOADS.values(), ids=UPLOADS)
def test_a_request_whose_body_trickles_is_there_from_its_head_on(pieces: list[bytes]) -> None:
    passed: list[Timed] = [("client", piece, (1 + 300 * number) * MS) for number, piece in enumerate(pieces)]
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    for count in (1, 2, 3):
        wire = Capture.from_bytes(passed[:count])
        (request,) = (step for step in wire.steps if isinstance(step, Request))
        assert (request.seen_at, request.complete, request.body) == (MS, False, b"hello" * (count - 1))
        assert "1.00 ms  Client ──▶ Server  POST /up HTTP/1.1" in str(wire)
        assert "so far; it has not ended" in str(wire)
    wire = Capture.from_bytes([*passed, ("server", answer, 902 * MS)])
    request, response = (step for step in wire.steps if isinstance(step, Request | Response))
    assert (request.seen_at, request.complete) == (MS, True)
    assert request.end == 901 * MS
    assert response.complete
    assert "silence" not in str(wire)
    assert Capture.from_json(wire.to_json()).steps == wire.steps
    # Cut off in the middle it is a request all the same.
    for end in ("client", "server"):
        wire = Capture.from_bytes([*passed[:2], (end, None, 400 * MS)])
        (request,) = (step for step in wire.steps if isinstance(step, Request))
        assert (request.body, request.complete) == (b"hello", False)
        assert not any(isinstance(step, Undecoded) for step in wire.steps)


def test_an_answer_that_comes_before_the_request_has_ended_belongs_to_it() -> None:
    head, *rest = UPLOADS["chunked"]
    head = head.replace(b"POST", b"HEAD")
    wire = Capture.from_bytes(
        [
            ("client", head, MS),
            ("server", b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\n", 2 * MS),
            *(("client", piece, 3 * MS) for piece in rest),
            ("client", ASK, 4 * MS),
            ("server", LENGTH + b"x" * 20, 5 * MS),
        ]
    )
    # The answer to a HEAD has no body, whatever its length says; the one after it has.
    assert [(step.kind, step.body_size) for step in wire.steps if isinstance(step, Request | Response)] == [
        ("request", 10),
        ("response", 0),
        ("request", 0),
        ("response", 20),
    ]


@pytest.mark.parametrize("trickle", [1, 7, 500], ids=lambda size: f"{size} bytes at a time")
def test_a_frame_whose_bytes_trickle_is_no_silence(trickle: int) -> None:
    data = frame(1, b"x" * 1000)
    pieces = [data[place : place + trickle] for place in range(0, len(data), trickle)]
    passed = timed(HANDSHAKE) + [("client", piece, (number + 1) * 50 * MS) for number, piece in enumerate(pieces)]
    end = passed[-1][2]
    wire = Capture.from_bytes([*passed, ("server", frame(1, b"1000", key=None), end + MS)])
    assert "silence" not in str(wire)
    assert len(wire.frames) == 2


def test_what_another_frame_says_amid_a_trickle_claims_no_silence() -> None:
    data = frame(1, b"x" * 1000)
    passed: list[Timed] = timed(HANDSHAKE)
    for number in range(20):
        passed.append(("client", data[number * 50 : (number + 1) * 50], (number + 1) * 90 * MS))
        if number == 10:
            passed.append(("server", frame(9, b"ping", key=None), (number + 1) * 90 * MS + MS))
    passed.append(("client", data[1000:], 21 * 90 * MS))
    assert "silence" not in str(Capture.from_bytes(passed))


def test_a_real_silence_is_told_with_its_length() -> None:
    passed = [
        *timed(HANDSHAKE),
        ("client", frame(1, b"a"), 10 * MS),
        ("client", frame(1, b"b"), 2010 * MS),
        ("client", frame(1, b"c"), 2050 * MS),
    ]
    wire = Capture.from_bytes(passed)
    assert str(wire).count("silence") == 1
    assert "⋯ 2.0 s of silence" in str(wire)
    assert "⋯ 2.0 s of silence" in str(wire.connection(1))


NOT_DEFLATE = b"\xff\xff\xffhello compressed"
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


def deflated(*frames: bytes) -> Capture:
    opening = [HANDSHAKE[0], ("server", switching(DEFLATE))]
    request = opening[0][1]
    assert request is not None
    opening[0] = ("client", request.replace(b"\r\n\r\n", f"\r\n{DEFLATE}\r\n\r\n".encode()))
    return Capture.from_bytes([*opening, *(("client", one) for one in frames)])


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "could not be inflated: its bytes are no DEFLATE data"), ("tr", "DEFLATE verisi değil")],
)
def test_a_message_that_cannot_be_inflated_says_why_and_shows_no_text(language: str, words: str) -> None:
    wire = deflated(frame(1, NOT_DEFLATE, rsv=4, fin=False), frame(0, b"and more"), frame(1, b"hello once more", rsv=4))
    use_language(language)
    said = str(wire)
    assert words in said
    assert "hello" not in said
    assert "and more" not in said
    assert [one.unreadable for one in wire.frames] == ["deflate-invalid", "deflate-invalid", "context-lost"]
    assert [one.text for one in wire.frames] == [None] * 3
    assert [message.text for message in wire.messages] == [None] * 2
    assert '"text"' not in wire.to_json()
    assert "hello" not in wire._repr_html_()


def test_a_compressed_message_that_nobody_agreed_on_shows_no_text() -> None:
    (one,) = Capture.from_bytes([*HANDSHAKE, ("client", frame(1, b"hello", rsv=4))]).frames
    assert (one.unreadable, one.text) == ("not-agreed", None)


BARE = zlib.compressobj(wbits=-15)
CODED = {
    "gzip": (gzip.compress(b"merhaba " * 99), "merhaba merhaba"),
    "deflate": (zlib.compress(b"merhaba " * 99), "merhaba merhaba"),
    "Deflate": (BARE.compress(b"merhaba " * 99) + BARE.flush(), "merhaba merhaba"),
    "br": (b"\x1b\x17\x03\x00XYZ", "compressed with br; not shown"),
    "gzip, br": (b"\x1b\x17\x03\x00XYZ", "compressed with gzip, br; not shown"),
    "x-gzip": (b"XYZ no gzip at all", "compressed with x-gzip; not shown"),
    "identity": (b"XYZ", "XYZ"),
}


@pytest.mark.parametrize(("coding", "body", "shown"), [(key, *value) for key, value in CODED.items()], ids=CODED)
def test_a_compressed_body_is_shown_inflated_or_not_at_all(coding: str, body: bytes, shown: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    asked = ("client", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", MS)
    for count in (1, 11, len(body)):
        wire = Capture.from_bytes([asked, ("server", head + body[:count], 2 * MS)])
        assert "\\x" not in str(wire)
        assert coding == "identity" or "XYZ" not in str(wire)
    assert shown in str(wire)
    assert f"body, {len(body)} bytes" in str(wire)
    (response,) = (step for step in wire.steps if isinstance(step, Response))
    assert response.body == body


def test_a_bomb_says_that_it_grows_too_large() -> None:
    talk = Talk(compress=True)
    talk.does("client", lambda peer: peer.send_text(b"x" * 20_000_000))
    wire = Capture.from_bytes(talk.segments)
    assert [one.unreadable for one in wire.frames if isinstance(one, Frame)] == ["too-big"]
    assert "could not be inflated: it grows beyond 16 MiB" in str(wire)
