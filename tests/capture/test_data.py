"""A capture as plain data: filters, JSON, bounds."""

from __future__ import annotations

import json
import pickle

import pytest
from tests.capture.conversations import HANDSHAKE, Segment, Talk, frame, request, switching

from wslab.capture import Capture, CaptureError, Passed
from wslab.capture.steps import Direction, Frame, Message
from wslab.capture.transcript import Transcript
from wslab.language import use_language


def two_connections() -> Capture:
    passed = []
    for connection in (1, 2):
        talk = Talk(compress=connection == 2)
        talk.does("client", lambda peer: peer.send_text("Mesajınız: ğ".encode()))
        talk.does("server", lambda peer: peer.send_ping(b"?"))
        talk.does("server", lambda peer: peer.send_close(1008, "güle güle"))
        for place, (sender, data) in enumerate(talk.segments):
            passed.append(Passed(sender, data, place * 1_000_000 + connection, connection))
    passed.append(Passed("client", b"\x16\x03 not http\r\n", 90_000_000, 3))
    passed.append(Passed("client", None, 91_000_000, 3))
    passed.sort(key=lambda one: one.at)
    return Capture.from_bytes(passed)


def test_filters() -> None:
    wire = two_connections()
    assert [connection.number for connection in wire.connections] == [1, 2, 3]
    first = wire.connection(1)
    assert {step.connection for step in first.steps} == {1}
    assert first.closing.code == 1008
    assert first.closing.first is Direction.TO_CLIENT
    assert len(wire.requests) == len(wire.responses) == 2
    assert len(wire.frames) == 10
    assert [message.text for message in wire.messages] == ["Mesajınız: ğ"] * 2
    assert all(isinstance(message, Message) for message in wire.messages)
    assert [violation.rule.name for violation in wire.violations] == ["malformed-request"]
    to_server = wire.where(lambda step: step.direction is Direction.TO_SERVER)
    assert {step.direction for step in to_server} == {Direction.TO_SERVER}
    assert 0 < len(to_server) < len(wire)
    assert list(wire) == list(wire.steps)


def test_steps_are_in_the_order_in_which_they_were_complete() -> None:
    ends = [step.end for step in two_connections().steps]
    assert ends == sorted(ends)


def test_what_cannot_be_asked_is_told() -> None:
    wire = two_connections()
    with pytest.raises(CaptureError, match=r"2 WebSocket connections.*connection\(1\)"):
        wire.closing  # noqa: B018
    with pytest.raises(CaptureError, match="no connection 7; it holds 1, 2, 3"):
        wire.connection(7)
    with pytest.raises(CaptureError, match="no client got a 101"):
        wire.connection(3).closing  # noqa: B018
    use_language("tr")
    with pytest.raises(CaptureError, match="7 numaralı bağlantı yok"):
        wire.connection(7)


def test_json_there_and_back() -> None:
    wire = two_connections()
    wire.started_ns, wire.started_at = 5, 1_700_000_000_000_000_000
    text = wire.to_json()
    back = Capture.from_json(text)
    assert back.steps == wire.steps
    assert back.connections == wire.connections
    assert back.dropped == wire.dropped
    assert (back.started_ns, back.started_at) == (wire.started_ns, wire.started_at)
    assert back.to_json() == text


def test_json_says_letters_as_letters() -> None:
    text = two_connections().to_json()
    assert "Mesajınız: ğ" in text
    document = json.loads(text)
    found = next(step for step in document["steps"] if step.get("close_code") == 1008)
    assert found["close_reason"] == "güle güle"
    (violation,) = [step for step in document["steps"] if step["kind"] == "violation"]
    assert violation["section"] == "RFC 6455 §4.1"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"wslab": "film"}', '{"wslab":"capture","format":1,"steps":[{}]}'])
def test_what_is_no_capture_is_told(text: str) -> None:
    with pytest.raises(CaptureError, match="not what to_json"):
        Capture.from_json(text)


def test_a_capture_of_a_later_version_is_told() -> None:
    with pytest.raises(CaptureError, match="later version"):
        Capture.from_json('{"wslab": "capture", "format": 99}')


def test_steps_can_go_to_another_process() -> None:
    steps = two_connections().steps
    assert pickle.loads(pickle.dumps(steps)) == steps


def test_a_sender_that_is_neither() -> None:
    with pytest.raises(ValueError, match="'client' or 'server'"):
        Capture.from_bytes([("me", b"x")])


def test_the_oldest_steps_go_first_and_the_close_stays_known() -> None:
    transcript = Transcript(max_steps=5, max_bytes=10_000)
    transcript.opened(1, 0, ("a", 1), ("b", 2))
    talk: list[Segment] = [*HANDSHAKE]
    talk += [("client", frame(1, b"%d" % number)) for number in range(20)]
    talk += [("client", frame(8, b"\x03\xe8")), ("server", frame(8, b"\x03\xe8", key=None))]
    talk += [("client", frame(9, b"late")) for _ in range(10)]
    for sender, data in talk:
        direction = Direction.TO_SERVER if sender == "client" else Direction.TO_CLIENT
        assert data is not None
        transcript.passed(1, 0, direction, data)
    contents = transcript.read()
    assert [step.name for step in contents.steps if isinstance(step, Frame)] == ["PING"] * 5
    assert contents.dropped.steps == len(talk) - 5
    assert contents.dropped
    (connection,) = contents.connections
    assert connection.closing.code == 1000
    assert connection.closing.clean


def test_connections_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from wslab.capture import transcript as module

    monkeypatch.setattr(module, "MAX_CONNECTIONS", 10)
    transcript = Transcript()
    for number in range(1, 31):
        transcript.opened(number, 0, ("a", 1), ("b", 2))
        transcript.passed(number, 0, Direction.TO_SERVER, request())
        transcript.passed(number, 0, Direction.TO_CLIENT, switching())
        transcript.ended(number, 0, Direction.TO_SERVER)
        if number > 2:  # the first two stay open, and so stay known
            transcript.ended(number, 0, Direction.TO_CLIENT)
    contents = transcript.read()
    assert len(contents.connections) <= 11
    assert {1, 2, 30} <= {connection.number for connection in contents.connections}
    assert contents.dropped.connections == 30 - len(contents.connections)
