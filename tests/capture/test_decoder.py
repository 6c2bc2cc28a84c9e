"""Bytes in, steps out: the cases that a lesson or a check leans on."""

from __future__ import annotations

import logging
import zlib

import pytest
from tests.capture.conversations import ACCEPT, HANDSHAKE, KEY, Segment, Talk, decode, frame, request, split, switching

from wslab.capture import Capture, Passed
from wslab.capture.frames import FrameReader
from wslab.capture.steps import Direction, Fin, Frame, Message, Request, Reset, Response, Undecoded, Violation, messages

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def frames(segments: list[Segment]) -> list[Frame]:
    return [step for step in decode(segments) if isinstance(step, Frame)]


def broken(segments: list[Segment]) -> list[tuple[str, str]]:
    """The rules that were broken, with who broke them."""
    return [
        (step.direction.sender, step.rule.name) for step in decode(HANDSHAKE + segments) if isinstance(step, Violation)
    ]


# The handshake.


def test_a_handshake_is_read_field_by_field() -> None:
    asked, answered = decode(
        [
            (
                "client",
                request(
                    "Origin: http://localhost:8001",
                    "Cookie: session=abc; theme=dark",
                    "Sec-WebSocket-Protocol: chat, superchat",
                    target="/ws?name=Ada",
                ),
            ),
            ("server", switching("Sec-WebSocket-Protocol: chat")),
        ]
    )
    assert isinstance(asked, Request)
    assert (asked.method, asked.target, asked.version) == ("GET", "/ws?name=Ada", "HTTP/1.1")
    assert asked.upgrade
    assert asked.key == KEY
    assert asked.origin == "http://localhost:8001"
    assert asked.cookies == {"session": "abc", "theme": "dark"}
    assert asked.subprotocols == ("chat", "superchat")
    assert asked.headers[1] == ("Upgrade", "websocket")
    assert isinstance(answered, Response)
    assert (answered.status, answered.reason) == (101, "Switching Protocols")
    assert answered.accept == answered.expected_accept == ACCEPT
    assert answered.accept_matches
    assert answered.subprotocol == "chat"


def test_the_example_of_rfc_6455_section_1_3() -> None:
    _, answered = decode(HANDSHAKE)
    assert isinstance(answered, Response)
    assert answered.expected_accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"GET /ws", b"POST /ws", "handshake-method"),
        (b"HTTP/1.1", b"HTTP/1.0", "handshake-method"),
        (b"Host: 127.0.0.1:8000\r\n", b"", "handshake-host"),
        (b"Connection: Upgrade", b"Connection: keep-alive", "handshake-connection"),
        (KEY.encode(), b"c2hvcnQ=", "handshake-key"),
        (f"Sec-WebSocket-Key: {KEY}\r\n".encode(), b"", "handshake-key"),
        (KEY.encode(), b"not base 64!", "handshake-key"),
        (b"Version: 13", b"Version: 8", "handshake-version"),
    ],
)
def test_a_handshake_that_breaks_a_rule(old: bytes, new: bytes, rule: str) -> None:
    wrong = request().replace(old, new)
    assert wrong != request()
    steps = decode([("client", wrong), ("server", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")])
    found = [step for step in steps if isinstance(step, Violation)]
    assert [(step.rule.name, step.rule.section) for step in found] == [(rule, "4.1")]
    assert steps.index(found[0]) == 1


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (ACCEPT.encode(), b"AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "accept-mismatch"),
        (f"Sec-WebSocket-Accept: {ACCEPT}\r\n".encode(), b"", "accept-mismatch"),
        (b"Upgrade: websocket\r\n", b"", "response-upgrade"),
        (b"Connection: Upgrade\r\n", b"", "response-upgrade"),
        (b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "extension-not-offered"),
        (b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: chat\r\n\r\n", "subprotocol-not-offered"),
    ],
)
def test_a_101_that_breaks_a_rule(old: bytes, new: bytes, rule: str) -> None:
    wrong = switching().replace(old, new)
    assert wrong != switching()
    steps = decode([("client", request()), ("server", wrong), ("client", frame(1, b"Merhaba"))])
    assert [step.rule.name for step in steps if isinstance(step, Violation)] == [rule]
    assert isinstance(steps[-1], Frame)


def test_a_101_that_nobody_asked_for() -> None:
    steps = decode([("client", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ("server", switching())])
    assert [step.rule.name for step in steps if isinstance(step, Violation)] == ["unasked-switch"]


@pytest.mark.parametrize("status", ["403 Forbidden", "500 Internal Server Error", "426 Upgrade Required"])
def test_a_rejection_and_its_body(status: str) -> None:
    body = "Nein – kapı kapalı".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    steps = decode([("client", request()), ("server", head + body), ("server", b""), ("client", b"")])
    assert [step.kind for step in steps] == ["request", "response", "fin", "fin"]
    assert isinstance(steps[1], Response)
    assert (steps[1].status, steps[1].body, steps[1].body_size) == (int(status[:3]), body, len(body))
    assert not Capture.from_bytes([("client", request()), ("server", head + body)]).connections[0].websocket


def test_after_a_rejection_the_connection_goes_on_with_http() -> None:
    refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    again = decode([("client", request() + request()), ("server", refused), ("server", switching())])
    assert [step.kind for step in again] == ["request", "request", "response", "response"]


# HTTP.


def test_http_with_bodies_of_every_kind_on_one_connection() -> None:
    steps = decode(
        [
            ("client", b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nMerhaba"),
            ("server", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
            (
                "client",
                b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nMer\r\n4\r\nhaba\r\n0\r\nT: 1\r\n\r\n",
            ),
            ("server", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
            ("client", b"HEAD /c HTTP/1.1\r\n\r\nGET /d HTTP/1.1\r\n\r\n"),
            ("server", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n"),
            ("client", b"GET /e HTTP/1.0\r\n\r\n"),
            ("server", b"HTTP/1.0 200 OK\r\n\r\nuntil the end"),
            ("server", b""),
        ]
    )
    told = [
        (step.target, step.body) if isinstance(step, Request) else (step.status, step.body)
        for step in steps
        if isinstance(step, Request | Response)
    ]
    assert told == [
        ("/a", b"Merhaba"),
        (100, b""),
        (204, b""),
        ("/b", b"Merhaba"),
        (200, b"ok"),
        ("/c", b""),
        ("/d", b""),
        (200, b""),
        (304, b""),
        ("/e", b""),
        (200, b"until the end"),
    ]
    assert steps[-2].kind == "response"  # its end is what completes it
    assert isinstance(steps[-1], Fin)


def test_pipelined_requests_are_answered_in_their_order() -> None:
    get = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
    steps = decode(
        [
            ("client", get % 1 + b"HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n" + get % 3),
            ("server", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na" * 1),
            ("server", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"),
            ("server", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc"),
        ]
    )
    assert [step.body for step in steps if isinstance(step, Response)] == [b"a", b"", b"c"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: seven\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"G" * 10_000 + b"\r\n",
    ],
)
def test_what_is_no_http_is_told_and_counted(garbage: bytes) -> None:
    steps = decode([("client", garbage), ("client", b"more"), ("client", b"")])
    assert [step.kind for step in steps] == ["violation", "undecoded", "fin"]
    assert isinstance(steps[0], Violation)
    assert steps[0].rule.name == "malformed-request"
    assert steps[1].raw == garbage + b"more"


def test_a_server_that_speaks_something_else() -> None:
    steps = decode([("client", request()), ("server", b"220 smtp ready\r\n"), ("server", b""), ("client", b"")])
    assert [step.kind for step in steps] == ["request", "violation", "undecoded", "fin", "fin"]


def test_connect_makes_a_tunnel_that_is_not_decoded() -> None:
    steps = decode(
        [
            ("client", b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("server", b"HTTP/1.1 200 OK\r\n\r\n"),
            ("client", b"\x00\x01"),
            ("server", b"\x02"),
            ("client", b""),
            ("server", b""),
        ]
    )
    assert [step.kind for step in steps] == ["request", "response", "undecoded", "undecoded", "fin", "fin"]


# Frames.


def test_a_frame_is_read_bit_by_bit() -> None:
    raw = bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")  # RFC 6455 §5.7: a masked "Hello"
    (found,) = frames([*HANDSHAKE, ("client", raw)])
    assert found.raw == raw
    assert (found.fin, found.rsv1, found.rsv2, found.rsv3) == (True, False, False, False)
    assert (found.opcode, found.name, found.control) == (1, "TEXT", False)
    assert (found.masked, found.length, found.length_bits, found.header_size) == (True, 5, 7, 6)
    assert found.key == bytes.fromhex("37 fa 21 3d")
    assert found.masked_payload == bytes.fromhex("7f 9f 4d 51 58")
    assert found.payload == found.content == b"Hello"
    assert found.text == "Hello"
    assert found.complete
    assert found.whole


@pytest.mark.parametrize(("size", "bits"), [(0, 7), (125, 7), (126, 16), (65535, 16), (65536, 64)])
def test_the_three_ways_to_write_a_length(size: int, bits: int) -> None:
    (found,) = frames([*HANDSHAKE, ("server", frame(2, bytes(size), key=None))])
    assert (found.length, found.length_bits) == (size, bits)
    assert found.content == bytes(size)


def test_fragments_join_into_their_message_around_a_ping() -> None:
    steps = decode(
        [
            *HANDSHAKE,
            ("client", frame(1, b"par", fin=False)),
            ("client", frame(9, b"still there?")),
            ("client", frame(0, "ç".encode()[:1], fin=False) + frame(0, "ça".encode()[1:], fin=False)),
            ("server", frame(10, b"still there?", key=None)),
            ("client", frame(0, "lı".encode())),
        ]
    )
    assert [step.name for step in steps if isinstance(step, Frame)] == ["TEXT", "PING", "CONT", "CONT", "PONG", "CONT"]
    assert not [step for step in steps if isinstance(step, Violation)]
    (message,) = messages(steps)
    assert isinstance(message, Message)
    assert (message.text, message.size, message.binary, message.complete) == ("parçalı", 9, False, True)
    assert [one.name for one in message.frames] == ["TEXT", "CONT", "CONT", "CONT"]


@pytest.mark.parametrize("client_takeover", [True, False])
@pytest.mark.parametrize("server_takeover", [True, False])
@pytest.mark.parametrize("window", [9, 12, 15])
def test_compressed_messages_with_and_without_context_takeover(
    client_takeover: bool, server_takeover: bool, window: int
) -> None:
    talk = Talk(compress=True, client_takeover=client_takeover, server_takeover=server_takeover, window=window)
    said = ["tekrar " * 40, "Merhaba", "", "tekrar " * 40 + "bir daha"]
    for sender in ("client", "server"):
        for text in said:
            talk.does(sender, lambda peer, text=text: peer.send_text(text.encode()))  # type: ignore[misc]
        talk.does(sender, lambda peer: peer.send_text(b"yar", fin=False))
        talk.does(sender, lambda peer: peer.send_ping(b"between"))
        talk.does(sender, lambda peer: peer.send_continuation("ım".encode(), fin=True))
    wire = Capture.from_bytes(talk.segments)
    for direction in Direction:
        found = [message.text for message in wire.messages if message.direction is direction]
        assert found == [*said, "yarım"]
    first = wire.frames[0]
    assert first.rsv1
    assert first.inflated_size == 280
    assert first.length < 30
    assert not wire.violations


def test_a_compressed_message_that_is_cut_into_pieces_of_one_byte() -> None:
    talk = Talk(compress=True)
    talk.does("client", lambda peer: peer.send_binary(bytes(range(256)) * 200))
    talk.does("client", lambda peer: peer.send_binary(bytes(range(256)) * 200))
    whole = decode(talk.segments)
    assert decode(split(talk.segments, range(10_000))) == whole
    assert [message.data for message in messages(whole)] == [bytes(range(256)) * 200] * 2


def test_a_pong_is_matched_with_its_ping() -> None:
    def at(sender: str, data: bytes, time: int) -> Passed:
        return Passed(sender, data, time)

    wire = Capture.from_bytes(
        [
            at("client", request(), 0),
            at("server", switching(), 10),
            at("server", frame(9, b"a", key=None), 100),
            at("server", frame(9, b"b", key=None), 200),
            at("client", frame(10, b"unasked"), 250),
            at("client", frame(10, b"b"), 300),  # the answer to the last one is the answer to all (§5.5.3)
            at("client", frame(10, b"a"), 400),
            at("client", frame(9, b"a"), 500),
            at("server", frame(10, b"a", key=None), 650),
        ]
    )
    assert [found.round_trip for found in wire.frames if found.name == "PONG"] == [None, 100, None, 150]


def test_times_are_those_of_the_first_and_the_last_byte() -> None:
    hello = frame(1, b"Merhaba")
    wire = Capture.from_bytes(
        [
            Passed("client", request()[:50], 5),
            Passed("client", request()[50:], 7),
            Passed("server", switching(), 20),
            Passed("client", hello[:3], 30),
            Passed("server", frame(1, b"x", key=None), 35),
            Passed("client", hello[3:] + hello[:1], 40),
            Passed("client", hello[1:], 50),
            Passed("client", b"", 60),
        ]
    )
    assert [(step.start, step.end) for step in wire.steps] == [
        (5, 7),
        (20, 20),
        (35, 35),
        (30, 40),
        (40, 50),
        (60, 60),
    ]


# The end.


def test_a_clean_close_is_four_steps() -> None:
    talk = Talk()
    talk.does("client", lambda peer: peer.send_close(1000, "güle güle"))
    wire = Capture.from_bytes(talk.segments)
    assert [(step.kind, step.direction.sender) for step in wire.steps[2:]] == [
        ("frame", "client"),
        ("frame", "server"),
        ("fin", "server"),
        ("fin", "client"),
    ]
    closing = wire.closing
    assert (closing.code, closing.reason, closing.first, closing.clean) == (1000, "güle güle", TO_SERVER, True)
    assert closing.server is not None
    assert closing.server.close_code == 1000
    assert isinstance(closing.end, Fin)
    assert closing.end.direction is TO_CLIENT


def test_a_close_frame_without_a_code() -> None:
    wire = Capture.from_bytes([*HANDSHAKE, ("server", frame(8, key=None)), ("client", frame(8)), ("client", b"")])
    assert (wire.closing.code, wire.closing.first, wire.closing.clean) == (None, TO_CLIENT, True)
    assert not wire.violations


@pytest.mark.parametrize(("end", "kind"), [(b"", Fin), (None, Reset)])
def test_an_end_without_a_close_frame(end: bytes | None, kind: type) -> None:
    wire = Capture.from_bytes([*HANDSHAKE, ("client", end)])
    assert (wire.closing.code, wire.closing.first, wire.closing.clean) == (None, None, False)
    assert isinstance(wire.closing.end, kind)


def test_only_one_end_sends_a_close_frame() -> None:
    wire = Capture.from_bytes([*HANDSHAKE, ("client", frame(8, b"\x03\xe8")), ("server", None)])
    assert (wire.closing.code, wire.closing.clean) == (1000, False)


def test_a_reset_may_follow_a_fin_of_the_same_end() -> None:
    steps = decode([*HANDSHAKE, ("client", b""), ("client", None)])
    assert [step.kind for step in steps[2:]] == ["fin", "reset"]


def test_a_frame_that_the_end_of_the_stream_cuts_short() -> None:
    hello = frame(1, b"Merhaba")
    steps = decode([*HANDSHAKE, ("client", hello[:9]), ("client", b"")])
    assert [step.kind for step in steps[2:]] == ["frame", "violation", "fin"]
    cut = steps[2]
    assert isinstance(cut, Frame)
    assert (cut.complete, cut.payload, cut.length) == (False, b"Mer", 7)
    assert isinstance(steps[3], Violation)
    assert (steps[3].rule.name, steps[3].detail) == ("cut-short", "9 B / 13 B")
    # A RST cuts what it likes; that is no fault of the frame.
    assert [step.kind for step in decode([*HANDSHAKE, ("client", hello[:9]), ("client", None)])[2:]] == [
        "frame",
        "reset",
    ]


def test_a_header_that_the_end_of_the_stream_cuts_short() -> None:
    steps = decode([*HANDSHAKE, ("client", b"\x81\xfe\x00"), ("client", b"")])
    assert [step.kind for step in steps[2:]] == ["undecoded", "violation", "fin"]
    assert isinstance(steps[2], Undecoded)
    assert steps[2].raw == b"\x81\xfe\x00"


# Broken rules.

FIRST = frame(1, b"par", fin=False)

BROKEN = [
    ([("client", frame(1, b"Merhaba", key=None))], ("client", "mask-missing"), "5.1"),
    ([("server", frame(1, b"Merhaba"))], ("server", "mask-forbidden"), "5.1"),
    ([("client", frame(1, b"x", rsv=4))], ("client", "reserved-bit"), "5.2"),
    ([("client", frame(1, b"x", rsv=1))], ("client", "reserved-bit"), "5.2"),
    ([("client", frame(3, b"x"))], ("client", "reserved-opcode"), "5.2"),
    ([("server", frame(0xB, b"x", key=None))], ("server", "reserved-opcode"), "5.2"),
    ([("client", frame(1, b"x", form=16))], ("client", "length-not-minimal"), "5.2"),
    ([("client", frame(1, bytes(200), form=64))], ("client", "length-not-minimal"), "5.2"),
    ([("client", frame(2, b"x", length=1 << 63, form=64)), ("client", None)], ("client", "length-too-large"), "5.2"),
    ([("client", frame(9, b"x", fin=False))], ("client", "control-fragmented"), "5.5"),
    ([("client", frame(9, bytes(126)))], ("client", "control-too-long"), "5.5"),
    ([("client", frame(0, b"x"))], ("client", "continuation-unexpected"), "5.4"),
    ([("client", FIRST + frame(1, b"x"))], ("client", "continuation-expected"), "5.4"),
    ([("client", frame(1, b"\xff"))], ("client", "text-not-utf8"), "8.1"),
    ([("client", FIRST + frame(0, "ğ".encode()[:1]))], ("client", "text-not-utf8"), "8.1"),
    ([("client", frame(1, "ğ".encode()[:1], fin=False) + frame(0))], ("client", "text-not-utf8"), "8.1"),
    ([("client", frame(8, b"\x03"))], ("client", "close-payload"), "5.5.1"),
    ([("server", frame(8, b"\x03\xee", key=None))], ("server", "close-code"), "7.4"),
    ([("client", frame(8, b"\x03\xe8\xff"))], ("client", "close-reason"), "5.5.1"),
    ([("client", frame(8, b"\x03\xe8") + frame(1, b"x"))], ("client", "data-after-close"), "5.5.1"),
]


@pytest.mark.parametrize(("segments", "told", "section"), BROKEN, ids=[told[1] for _, told, _ in BROKEN])
def test_a_broken_rule_is_a_step_of_its_own_after_what_broke_it(
    segments: list[Segment], told: tuple[str, str], section: str
) -> None:
    assert broken(segments) == [told]
    steps = decode(HANDSHAKE + segments)
    (violation,) = [step for step in steps if isinstance(step, Violation)]
    assert violation.rule.section == section
    assert isinstance(steps[steps.index(violation) - 1], Frame)
    assert "{" not in violation.sentence


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_codes_that_must_not_be_sent(code: int) -> None:
    assert broken([("server", frame(8, code.to_bytes(2), key=None))]) == [("server", "close-code")]


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999])
def test_codes_that_may_be_sent(code: int) -> None:
    assert broken([("server", frame(8, code.to_bytes(2), key=None))]) == []


def test_frames_are_read_on_after_a_broken_rule() -> None:
    found = frames([*HANDSHAKE, ("client", frame(3, b"?", key=None, rsv=7)), ("client", frame(1, b"Merhaba"))])
    assert [one.name for one in found] == ["RESERVED 0x3", "TEXT"]


def test_a_rule_is_told_once_a_direction() -> None:
    assert broken([("client", frame(1, b"a", key=None) * 3), ("server", frame(1, b"b"))]) == [
        ("client", "mask-missing"),
        ("server", "mask-forbidden"),
    ]


def test_data_before_the_answer_to_the_handshake() -> None:
    hello = frame(1, b"Merhaba")
    steps = decode([("client", request() + hello), ("server", switching())])
    assert [step.kind for step in steps] == ["request", "violation", "frame", "response"]
    assert isinstance(steps[1], Violation)
    assert steps[1].rule.name == "early-data"
    later = Capture.from_bytes(
        [Passed("client", request(), 1), Passed("client", hello, 2), Passed("server", switching(), 3)]
    )
    assert [(step.kind, step.start, step.end) for step in later.steps] == [
        ("request", 1, 1),
        ("violation", 2, 2),
        ("frame", 2, 2),
        ("response", 3, 3),
    ]
    # Never answered, nobody knows what they are.
    unanswered = decode([("client", request() + hello), ("client", b""), ("server", b"")])
    assert [step.kind for step in unanswered] == ["request", "undecoded", "fin", "fin"]


def test_the_compressed_bit_belongs_on_the_first_frame() -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate"
    opening: list[Segment] = [("client", request(offer)), ("server", switching(offer))]
    small = zlib.compressobj(wbits=-15)
    packed = (small.compress(b"Merhaba") + small.flush(zlib.Z_SYNC_FLUSH))[:-4]
    right = decode([*opening, ("client", frame(1, packed, rsv=4))])
    assert not [step for step in right if isinstance(step, Violation)]
    for wrong in (frame(9, b"x", rsv=4), frame(1, b"a", fin=False) + frame(0, b"b", rsv=4)):
        steps = decode([*opening, ("client", wrong)])
        assert [step.rule.name for step in steps if isinstance(step, Violation)] == ["compressed-bit"]
    steps = decode([*opening, ("client", frame(1, b"\xff\xff\xff\xff", rsv=4))])
    assert [step.rule.name for step in steps if isinstance(step, Violation)] == ["deflate-invalid"]


def test_where_tcp_cuts_a_damaged_message_changes_nothing() -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate"
    opening: list[Segment] = [("client", request(offer)), ("server", switching(offer))]
    small = zlib.compressobj(wbits=-15)
    begins = small.compress(b"\xff" * 40) + small.flush(zlib.Z_SYNC_FLUSH)
    damaged = frame(1, begins + b"\xff" * 8, rsv=4)
    for cut in range(1, len(damaged)):
        steps = decode([*opening, ("client", damaged[:cut]), ("client", damaged[cut:])])
        assert [step.rule.name for step in steps if isinstance(step, Violation)] == ["deflate-invalid"], cut


def test_compressed_text_that_is_not_utf8_is_inflated_all_the_same() -> None:
    talk = Talk(compress=True)
    talk.does("client", lambda peer: peer.send_text(b"mer\xffhaba" * 100))
    steps = decode(talk.segments)
    assert [step.rule.name for step in steps if isinstance(step, Violation)] == ["text-not-utf8"]
    found = next(step for step in steps if isinstance(step, Frame))
    assert found.inflated == b"mer\xffhaba" * 100


def test_an_extension_that_is_not_known_may_use_any_reserved_bit() -> None:
    offer = "Sec-WebSocket-Extensions: x-secret"
    steps = decode([("client", request(offer)), ("server", switching(offer)), ("client", frame(1, b"x", rsv=7))])
    assert not [step for step in steps if isinstance(step, Violation)]


# Bounds.


def test_a_long_frame_keeps_its_beginning_and_counts_the_rest() -> None:
    payload = b"ab" * 500_000
    wire = Capture.from_bytes([*HANDSHAKE, ("client", frame(2, payload)), ("client", frame(1, b"after"))])
    long, after = wire.frames
    assert (long.size, long.length, long.complete, long.whole) == (len(payload) + 14, len(payload), True, False)
    assert payload.startswith(long.payload)
    assert len(long.raw) == 256 * 1024
    assert wire.dropped.bytes == long.size - len(long.raw)
    assert after.text == "after"
    assert not wire.messages[0].complete


def test_the_context_survives_a_message_that_is_too_long_to_keep() -> None:
    talk = Talk(compress=True)
    talk.does("client", lambda peer: peer.send_text(b"xyz" * 200_000))
    talk.does("client", lambda peer: peer.send_text(b"xyz" * 200))
    wire = Capture.from_bytes(talk.segments)
    assert [message.size for message in wire.messages] == [600_000, 600]
    assert wire.messages[1].text == "xyz" * 200


def test_a_compressed_message_that_grows_beyond_all_bounds_is_not_inflated() -> None:
    talk = Talk(compress=True)
    talk.does("client", lambda peer: peer.send_binary(bytes(20_000_000)))
    talk.does("client", lambda peer: peer.send_binary(b"after"))
    bomb, after = Capture.from_bytes(talk.segments).frames
    assert (bomb.inflated, bomb.inflated_size) == (None, None)
    assert bomb.size < 30_000
    assert after.inflated is None  # it leans on the window that was lost


def test_a_bomb_without_context_takeover_harms_no_other_message() -> None:
    talk = Talk(compress=True, client_takeover=False)
    talk.does("client", lambda peer: peer.send_binary(bytes(20_000_000)))
    talk.does("client", lambda peer: peer.send_binary(b"after"))
    bomb, after = Capture.from_bytes(talk.segments).frames
    assert bomb.inflated is None
    assert after.content == b"after"


def test_a_client_that_floods_before_the_answer_is_not_held_in_memory() -> None:
    segments: list[Segment] = [("client", request()), *[("client", bytes(10_000))] * 50]
    wire = Capture.from_bytes([*segments, ("server", switching()), ("client", b"")])
    undecoded = next(step for step in wire.steps if isinstance(step, Undecoded))
    assert undecoded.size == 500_000
    assert len(undecoded.raw) <= 256 * 1024


def test_an_endless_head_is_given_up() -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (n, b"y" * 4000) for n in range(40))
    steps = decode([("client", b"GET / HTTP/1.1\r\n" + lines), ("client", b"")])
    assert [step.kind for step in steps] == ["violation", "undecoded", "fin"]


def test_a_fault_in_the_decoder_leaves_the_bytes_countable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a fault of the kit")

    monkeypatch.setattr(FrameReader, "_content", fails)
    with caplog.at_level(logging.ERROR, "wslab.capture"):
        wire = Capture.from_bytes([*HANDSHAKE, ("client", frame(1, b"a") + frame(1, b"b")), ("client", b"")])
    assert [step.kind for step in wire.steps] == ["request", "response", "undecoded", "fin"]
    assert caplog.text.count("The decoder failed") == 1
