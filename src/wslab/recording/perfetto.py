"""A film in Perfetto's own format: a `Trace` message of `TracePacket`s with track events (perfetto.dev/docs).

Protocol Buffers' wire format is a handful of lines, and the few fields that are needed here are stable by
Perfetto's own promise; their numbers are named below.
"""

from __future__ import annotations

from collections.abc import Iterator

from wslab.recording import sentences
from wslab.recording.trace import Place, Trace

# trace.proto, trace_packet.proto, track_descriptor.proto, process_descriptor.proto, thread_descriptor.proto,
# track_event.proto, debug_annotation.proto
_TRACE_PACKET = 1
_TIMESTAMP, _SEQUENCE, _TRACK_EVENT, _SEQUENCE_FLAGS, _CLOCK, _TRACK_DESCRIPTOR = 8, 10, 11, 13, 58, 60
_TRACK_UUID, _TRACK_NAME, _TRACK_PROCESS, _TRACK_PARENT, _TRACK_ORDERING, _TRACK_RANK = 1, 2, 3, 5, 11, 12
_PROCESS_PID, _PROCESS_NAME = 1, 6
_EVENT_TYPE, _EVENT_TRACK, _EVENT_CATEGORY, _EVENT_NAME, _EVENT_NOTE = 9, 11, 22, 23, 4
_NOTE_INTEGER, _NOTE_STRING, _NOTE_NAME = 4, 6, 10
_BEGIN, _END, _INSTANT = 1, 2, 3
_EXPLICIT = 3
_MONOTONIC = 3


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, value: int | str | bytes) -> bytes:
    """One field of a message: an integer as a varint, text and messages with their length before them."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _packet(body: bytes) -> bytes:
    return _field(_TRACE_PACKET, body + _field(_SEQUENCE, 1))


def _track(uuid: int, name: str, parent: int = 0, rank: int = 0, pid: int = 0) -> bytes:
    body = _field(_TRACK_UUID, uuid)
    if pid:
        body += _field(_TRACK_PROCESS, _field(_PROCESS_PID, pid) + _field(_PROCESS_NAME, name))
        body += _field(_TRACK_ORDERING, _EXPLICIT)
    else:
        body += _field(_TRACK_NAME, name) + _field(_TRACK_PARENT, parent) + _field(_TRACK_RANK, rank)
    return _packet(_field(_TRACK_DESCRIPTOR, body))


def _event(kind: int, at: int, track: int, name: str = "", category: str = "", **notes: str | int) -> bytes:
    body = _field(_EVENT_TYPE, kind) + _field(_EVENT_TRACK, track)
    if category:
        body += _field(_EVENT_CATEGORY, category)
    if name:
        body += _field(_EVENT_NAME, name)
    for key, value in notes.items():
        note = _field(_NOTE_INTEGER if isinstance(value, int) else _NOTE_STRING, value)
        body += _field(_EVENT_NOTE, _field(_NOTE_NAME, key) + note)
    return _packet(_field(_TIMESTAMP, at) + _field(_CLOCK, _MONOTONIC) + _field(_TRACK_EVENT, body))


def _said(place: Place | None) -> str:
    return sentences.plain(sentences.place_text(place)) if place is not None else ""


def encode(trace: Trace) -> bytes:
    """The trace as bytes of a `.pftrace` file: a process a loop, a track a lane, a slice a step."""
    return b"".join(_packets(trace))


def _packets(trace: Trace) -> Iterator[bytes]:
    # incremental state cleared, as a sequence must say in its first packet
    yield _packet(_field(_SEQUENCE_FLAGS, 1))
    for loop, name in enumerate(trace.loops):
        yield _track(1 + loop, name, pid=trace.processes[loop].pid if trace.processes else 1 + loop)
        yield _track(100 + loop, "event loop", parent=1 + loop, rank=0)
    for lane in trace.lanes:
        yield _track(1000 + lane.number, lane.name, parent=1 + lane.loop, rank=1 + lane.number)
    internal = {lane.loop: lane.number for lane in trace.lanes if lane.kind == "internal"}
    events: list[tuple[int, int, bytes]] = []

    def slice_(start: int, end: int, track: int, name: str, category: str, **notes: str | int) -> None:
        # Slices of one track nest, so what ends at a moment must be said before what begins then.
        events.append((start, 1, _event(_BEGIN, start, track, name, category, **notes)))
        events.append((max(end, start + 1), 0, _event(_END, max(end, start + 1), track)))

    for idle in trace.idles:
        slice_(idle.start, idle.end, 100 + idle.loop, "idle", "idle")
    for step in trace.steps:
        notes: dict[str, str | int] = {"step": step.number, "resumed from": _said(step.resumed)}
        notes["let go at"] = _said(step.let_go) or step.ending
        name = step.let_go.code if step.let_go is not None else step.ending or "step"
        slice_(step.start, step.end, 1000 + step.lane, name, "step", **notes)
    for one in trace.internals:
        slice_(one.start, one.end, 1000 + internal[one.loop], "internal", "internal")
    for block in trace.blocks:
        code = block.place.code if block.place is not None else "?"
        slice_(
            block.start,
            block.end,
            100 + trace.lanes[block.lane].loop,
            f"BLOCKED: {code}",
            "block",
            line=_said(block.place),
        )
    for late in trace.lates:
        note = sentences.late_text(trace, late.lane, late.start, late.end)
        events.append(
            (late.start, 2, _event(_INSTANT, late.start, 1000 + late.lane, "timer was due", "late", said=note))
        )
    for mark in trace.marks:
        events.append((mark.start, 2, _event(_INSTANT, mark.start, 100, mark.text, "mark")))
    for number, one_thrown in enumerate(trace.unawaited):
        note = sentences.unawaited_text(trace, number)
        name = f"never awaited: {one_thrown.coroutine}"
        events.append(
            (one_thrown.start, 2, _event(_INSTANT, one_thrown.start, 1000 + one_thrown.lane, name, "mark", said=note))
        )
    events.sort(key=lambda event: event[:2])
    for _, _, packet in events:
        yield packet
