"""Whatever passes, in whatever pieces: the same steps, every byte in one of them, and nothing ever raised."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.capture.conversations import HANDSHAKE, Segment, Talk, decode, frame, request, sent_by, split, switching
from websockets.client import ClientProtocol
from websockets.frames import Frame as WebsocketsFrame
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from wslab.capture import Capture
from wslab.capture.steps import Direction, Frame, Step, Violation

Peer = ClientProtocol | ServerProtocol
SENDERS = st.sampled_from(["client", "server"])
TEXT = st.text(max_size=200) | st.sampled_from(["Merhaba", "Mesajınız: ğ" * 30, "x" * 126, "y" * 65_536])


def _saying(text: str) -> Callable[[Peer], None]:
    return lambda peer: peer.send_text(text.encode())


def _fragments(texts: list[str], ping: bytes) -> Callable[[Peer], None]:
    def act(peer: Peer) -> None:
        peer.send_text(texts[0].encode(), fin=len(texts) == 1)
        for number, text in enumerate(texts[1:], start=2):
            peer.send_ping(ping)
            peer.send_continuation(text.encode(), fin=number == len(texts))

    return act


ACTS = st.one_of(
    TEXT.map(_saying),
    st.binary(max_size=300).map(lambda data: lambda peer: peer.send_binary(data)),
    st.binary(max_size=125).map(lambda data: lambda peer: peer.send_ping(data)),
    st.binary(max_size=125).map(lambda data: lambda peer: peer.send_pong(data)),
    st.builds(_fragments, st.lists(TEXT, min_size=1, max_size=4), st.binary(max_size=20)),
)
CLOSES = st.none() | st.tuples(SENDERS, st.sampled_from([None, 1000, 1001, 1011, 3000, 4999]), st.text(max_size=40))


@st.composite
def conversations(draw: st.DrawFn) -> list[Segment]:
    """A conversation between two real peers, from handshake to the end if it comes to one."""
    talk = Talk(
        compress=draw(st.booleans()),
        client_takeover=draw(st.booleans()),
        server_takeover=draw(st.booleans()),
        window=draw(st.integers(9, 15)),
    )
    for sender, act in draw(st.lists(st.tuples(SENDERS, ACTS), max_size=8)):
        talk.does(sender, act)
    if close := draw(CLOSES):
        sender, code, reason = close
        talk.does(sender, lambda peer: peer.send_close(code, reason if code else ""))
    return talk.segments


CUTS = st.lists(st.integers(0, 5000), max_size=40)
EVERYDAY = settings(deadline=None, max_examples=15)
DEEP = settings(deadline=None, max_examples=200)


def pieces_make_no_difference(segments: list[Segment], cuts: list[int]) -> None:
    whole = decode(segments)
    assert decode(split(segments, cuts)) == whole
    assert decode(joined(segments)) == whole
    assert not [step for step in whole if isinstance(step, Violation)]
    assert_every_byte_is_in_one_step(segments, whole)


@EVERYDAY
@given(conversations(), CUTS)
def test_any_split_of_a_valid_conversation_gives_the_same_steps(segments: list[Segment], cuts: list[int]) -> None:
    pieces_make_no_difference(segments, cuts)


@pytest.mark.slow
@DEEP
@given(conversations(), CUTS)
def test_any_split_gives_the_same_steps_deep(segments: list[Segment], cuts: list[int]) -> None:
    pieces_make_no_difference(segments, cuts)


@EVERYDAY
@given(conversations())
def test_one_byte_at_a_time_gives_the_same_steps(segments: list[Segment]) -> None:
    assume(sum(len(data or b"") for _, data in segments) < 5_000)
    assert decode(split(segments, range(5_000))) == decode(segments)


def joined(segments: list[Segment]) -> list[Segment]:
    """What follows each other in one direction, as if it had come at once."""
    together: list[Segment] = []
    for sender, data in segments:
        if data and together and together[-1][0] == sender and together[-1][1]:
            together[-1] = (sender, together[-1][1] + data)
        else:
            together.append((sender, data))
    return together


@EVERYDAY
@given(conversations())
def test_messages_are_what_the_peers_received(segments: list[Segment]) -> None:
    """The judge is websockets: a client and a server that are fed the same bytes."""
    wire = Capture.from_bytes(segments)
    for direction in Direction:
        kinds = [(message.binary, message.data) for message in wire.messages if message.direction is direction]
        assert kinds == list(_received(segments, direction.sender))


def _received(segments: list[Segment], sender: str) -> Generator[tuple[bool, bytes], None, None]:
    # The bytes of the other end hold the answers that this one was given, so its state is rebuilt from both.
    wire = Capture.from_bytes(segments)
    answered = wire.responses[0].extensions
    talk = Talk(
        compress=answered is not None,
        client_takeover="client_no_context_takeover" not in (answered or ""),
        server_takeover="server_no_context_takeover" not in (answered or ""),
        window=15,
    )
    receiver = talk.server if sender == "client" else talk.client
    data = sent_by(sender, segments).partition(b"\r\n\r\n")[2]
    if data:
        receiver.receive_data(data)
    parts: list[bytes] = []
    binary = False
    for event in receiver.events_received():
        if not isinstance(event, WebsocketsFrame) or event.opcode in (Opcode.PING, Opcode.PONG, Opcode.CLOSE):
            continue
        if event.opcode is not Opcode.CONT:
            binary = event.opcode is Opcode.BINARY
        parts.append(bytes(event.data))
        if event.fin:
            yield binary, b"".join(parts)
            parts = []


RIGHT_OR_LONG = st.builds(
    lambda opcode, data, times, key, fin: frame(opcode, data * (times if opcode < 8 else 1), key=key, fin=fin),
    st.sampled_from([0, 1, 2, 8, 9, 10]),
    st.binary(max_size=130),
    st.sampled_from([1, 1, 1, 600]),
    st.binary(min_size=4, max_size=4),
    st.booleans(),
)


@EVERYDAY
@given(st.lists(RIGHT_OR_LONG, max_size=6))
def test_headers_and_payloads_agree_with_websockets_own_parser(raws: list[bytes]) -> None:
    found = [step for step in decode([*HANDSHAKE, ("client", b"".join(raws))]) if isinstance(step, Frame)]
    assert [one.raw for one in found] == raws
    for one in found:
        reader = StreamReader()
        reader.feed_data(one.raw)
        parser = WebsocketsFrame.parse(reader.read_exact, mask=True)
        try:
            next(parser)
        except StopIteration as done:
            parsed = done.value
        except Exception:
            # It refuses control frames that are long or fragmented; then the capture has told so as well.
            assert one.control
            assert not one.fin or one.length > 125
            continue
        assert (parsed.opcode, parsed.fin, bytes(parsed.data)) == (one.opcode, one.fin, one.payload)


ANYTHING = st.binary(max_size=200) | st.builds(
    frame,
    st.integers(0, 15),
    st.binary(max_size=130),
    key=st.none() | st.binary(min_size=4, max_size=4),
    fin=st.booleans(),
    rsv=st.integers(0, 7),
    form=st.sampled_from([16, 64]),
    length=st.none() | st.integers(0, 65_535),
)
HEADS = st.sampled_from(
    [
        request(),
        request("Sec-WebSocket-Extensions: permessage-deflate"),
        switching(),
        switching("Sec-WebSocket-Extensions: permessage-deflate"),
        switching("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99, x-other"),
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"CONNECT / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"5\r\nabcde\r\n",
        b"0\r\n\r\n",
        b"\r\n",
        b"\n",
    ]
)
HOSTILE = st.lists(st.tuples(SENDERS, HEADS | ANYTHING), max_size=12)


@st.composite
def mutilated(draw: st.DrawFn) -> list[Segment]:
    """A valid conversation of which some bytes were changed."""
    segments = draw(conversations())
    changed = []
    for sender, data in segments:
        if data and draw(st.integers(0, 3)) == 0:
            place = draw(st.integers(0, len(data) - 1))
            data = data[:place] + draw(st.binary(max_size=3)) + data[place + draw(st.integers(0, 3)) :]
        changed.append((sender, data))
    return changed


ENDS = st.sampled_from([b"", None])


def nothing_is_lost(
    caplog: pytest.LogCaptureFixture,
    segments: list[Segment],
    first: bytes | None,
    second: bytes | None,
    cuts: list[int],
) -> None:
    caplog.clear()
    ends: list[Segment] = [("client", first), ("server", second)]
    segments = [(sender, data) for sender, data in segments if data]
    with caplog.at_level(logging.WARNING, "wslab.capture"):
        steps = decode(segments + ends)
        assert decode(split(segments, cuts) + ends) == steps
    assert not caplog.records
    assert_every_byte_is_in_one_step(segments, steps)


@settings(EVERYDAY, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(segments=HOSTILE | mutilated(), first=ENDS, second=ENDS, cuts=CUTS)
def test_arbitrary_bytes_never_raise_and_are_all_there(
    caplog: pytest.LogCaptureFixture,
    segments: list[Segment],
    first: bytes | None,
    second: bytes | None,
    cuts: list[int],
) -> None:
    nothing_is_lost(caplog, segments, first, second, cuts)


@pytest.mark.slow
@settings(DEEP, max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(segments=HOSTILE | mutilated(), first=ENDS, second=ENDS, cuts=CUTS)
def test_arbitrary_bytes_deep(
    caplog: pytest.LogCaptureFixture,
    segments: list[Segment],
    first: bytes | None,
    second: bytes | None,
    cuts: list[int],
) -> None:
    nothing_is_lost(caplog, segments, first, second, cuts)


def assert_every_byte_is_in_one_step(segments: list[Segment], steps: tuple[Step, ...]) -> None:
    for direction in Direction:
        sent = sent_by(direction.sender, segments)
        position = 0
        for step in steps:
            if step.direction is direction:
                assert step.raw == sent[position : position + len(step.raw)]
                assert step.whole or len(step.raw) >= 1024
                position += step.size
        assert position == len(sent)


def test_the_peers_of_these_tests_do_reach_the_end() -> None:
    talk = Talk(compress=True)
    talk.does("server", lambda peer: peer.send_close(1000))
    assert talk.client.state is talk.server.state is State.CLOSED
