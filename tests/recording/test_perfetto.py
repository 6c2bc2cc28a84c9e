"""The film in Perfetto's format: read back as plain protocol buffers, and with Perfetto's own schema where it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.recording.films import chat, long_film

from wslab.recording import Recording


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message, after the encoding chapter of the Protocol Buffers documentation."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            assert key & 7 == 2
            long = varint()
            yield key >> 3, data[at : at + long]
            at += long


def test_slices_are_balanced_on_every_track() -> None:
    open_slices: dict[int, int] = {}
    names = set()
    last = 0
    for number, packet in fields(Recording.of(chat()).to_perfetto()):
        assert number == 1
        assert isinstance(packet, bytes)
        content = dict(fields(packet))
        assert content[10] == 1
        event = content.get(11)
        if not isinstance(event, bytes):
            continue
        assert isinstance(content[8], int)
        assert content[8] >= last  # in the order of time
        last = content[8]
        inside = dict(fields(event))
        track, kind = inside[11], inside[9]
        assert isinstance(track, int)
        if kind == 1:
            open_slices[track] = open_slices.get(track, 0) + 1
        elif kind == 2:
            open_slices[track] -= 1
            assert open_slices[track] >= 0
        if isinstance(inside.get(23), bytes):
            names.add(bytes(inside[23]).decode())  # type: ignore[arg-type]
    assert set(open_slices.values()) == {0}
    assert {"idle", "BLOCKED: time.sleep(0.5)", "half time", "await websocket.receive_text()", "timer was due"} <= names


def test_written_to_a_file(tmp_path: Path) -> None:
    data = Recording.of(chat()).to_perfetto(tmp_path / "film.pftrace")
    assert (tmp_path / "film.pftrace").read_bytes() == data


def test_perfettos_own_schema_knows_every_field() -> None:
    schema = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
    from google.protobuf.unknown_fields import UnknownFieldSet

    def unknown(message: object) -> int:
        count = len(UnknownFieldSet(message))
        for description, value in message.ListFields():  # type: ignore[attr-defined]
            if description.message_type:
                for one in value if description.is_repeated else [value]:
                    count += unknown(one)
        return count

    for trace in (chat(), long_film(200)):
        read = schema.Trace()
        read.ParseFromString(Recording.of(trace).to_perfetto())
        assert unknown(read) == 0
        tracks = [packet.track_descriptor for packet in read.packet if packet.HasField("track_descriptor")]
        assert [track.name for track in tracks if track.uuid >= 1000] == [lane.name for lane in trace.lanes]
        events = [packet for packet in read.packet if packet.HasField("track_event")]
        begun = [event for event in events if event.track_event.type == schema.TrackEvent.TYPE_SLICE_BEGIN]
        steps = [event for event in begun if list(event.track_event.categories) == ["step"]]
        assert [event.timestamp for event in steps] == [step.start for step in trace.steps]
