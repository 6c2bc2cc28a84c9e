"""`film + wire`: the frames of a capture beside the steps of a film, on one clock."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from websockets.frames import Opcode

from wslab.capture.rows import count_bytes, quote
from wslab.capture.steps import Direction, Frame, messages
from wslab.capture.transcript import Contents
from wslab.language import Text
from wslab.recording import Lane, Signal, Step, Trace, sentences
from wslab.recording.picturing import render
from wslab.recording.signals import told

AT_ONCE = 5_000_000
"""Nanoseconds: how much later than it was sent the capture's thread may see a frame, since another thread keeps the
interpreter that long (`sys.getswitchinterval()`). Where several steps ran in this time, and the capture took nothing
down between them, it is not sure which one sent the frame."""
SOON = 100_000_000
"""Nanoseconds after a step within which a close frame is taken to be sent by it; a later one is the library's."""

_WAITS_FOR_FRAMES = re.compile(r"receive|recv|iter_(text|bytes|json)|async for|anext")

_NO_LANE = Text(
    en="Not in this picture: {frames} of {connections} that no task in this film serves.",
    tr="Bu resimde olmayanlar: bu kayıttaki hiçbir görevin hizmet etmediği {connections} ve onların {frames}.",
)
_OUTSIDE = Text(
    en="Not in this picture: {frames} that passed before this film began or after it ended.",
    tr="Bu resimde olmayanlar: kayıt başlamadan önce ya da bittikten sonra geçen {frames}.",
)
_NO_CLOCK = Text(
    en="This film does not say when it began, so no frame can be put beside its steps.",
    tr="Bu kayıt ne zaman başladığını söylemiyor; bu yüzden hiçbir çerçeve adımların yanına konamıyor.",
)
_FRAMES = Text(en="{n} frames", tr="{n} çerçeve")
_ONE_FRAME = Text(en="1 frame", tr="1 çerçeve")
_CONNECTIONS = Text(en="{n} connections", tr="{n} bağlantı")
_ONE_CONNECTION = Text(en="1 connection", tr="1 bağlantı")
_SIZES = Text(en="{title} ({payload}, {size} on the wire)", tr="{title} ({payload}, hat üzerinde {size})")


def _title(frame: Frame) -> str:
    if frame.opcode == Opcode.CLOSE:
        return "CLOSE" if frame.close_code is None else f"CLOSE {frame.close_code}"
    return f"{frame.name} {quote(frame)}".rstrip()


def _detail(frame: Frame) -> str:
    return _SIZES.format(title=_title(frame), payload=count_bytes(frame.content_size), size=count_bytes(frame.size))


class _Film:
    """The steps of a film, to be looked up by time.

    Args:
        trace: the film.
        seen: when the capture took something down, in order, on the film's clock.
    """

    def __init__(self, trace: Trace, seen: Sequence[int]) -> None:
        self._seen = seen
        self._lanes: dict[int, list[Step]] = defaultdict(list)
        self._loops: dict[int, list[Step]] = defaultdict(list)
        for step in trace.steps:
            self._lanes[step.lane].append(step)
            self._loops[trace.lanes[step.lane].loop].append(step)

    def woken(self, lane: Lane, at: int) -> int:
        """Number of the lane's first step from `at` on, if it had waited for a frame; else 0."""
        steps = self._lanes[lane.number]
        place = bisect_left(steps, at, key=lambda step: step.start)
        if place == len(steps):
            return 0
        resumed = steps[place].resumed
        return steps[place].number if resumed is not None and _WAITS_FOR_FRAMES.search(resumed.code) else 0

    def senders(self, lane: Lane, at: int) -> list[Step]:
        """The steps of the lane's loop that may have sent what passed at `at`, in their order."""
        steps = self._loops[lane.loop]
        end = begin = bisect_right(steps, at, key=lambda step: step.start)
        oldest = at - AT_ONCE
        if end and (looked := bisect_left(self._seen, steps[end - 1].start)):
            # The capture has looked at its sockets since; what an earlier step had sent, it would have seen then.
            oldest = max(oldest, self._seen[looked - 1])
        # Steps of one loop follow each other, so those before one that was over too early were so too.
        while begin and (begin == end or steps[begin - 1].end >= oldest):
            begin -= 1
        return steps[begin:end]

    def closer(self, lane: Lane, at: int) -> int:
        """Number of the lane's step that sent the close frame that passed at `at`; 0 where none did."""
        own = _last(self._lanes[lane.number], at)
        return own.number if own is not None and at - own.end <= SOON else 0


class _Sent(NamedTuple):
    """A frame that went out, and who may have sent it."""

    frame: Frame
    at: int
    lane: Lane
    steps: list[Step]


def _sent_by(sent: Sequence[_Sent]) -> Iterator[tuple[_Sent, int, bool]]:
    """Each frame with the number of the step that sent it (0 where there is none), and whether that is sure.

    Where only one step ran, it was that one. Where there were several, it matters whether the tasks of this program
    send on each other's connections, as the sure ones tell. If they don't, it was the connection's own task. If they
    do, frames of one connection that the capture took from the socket at once were sent by the last steps in turn.
    """
    crossing = any(
        len(one.steps) == 1 and one.steps[0].lane != one.lane.number and one.at - one.steps[0].end <= AT_ONCE
        for one in sent
    )
    together = Counter((one.frame.connection, one.at) for one in sent)
    before: Counter[tuple[int, int]] = Counter()
    for one in sent:
        chunk = (one.frame.connection, one.at)
        place, count = before[chunk], len(one.steps)
        before[chunk] += 1
        own = [step for step in one.steps if step.lane == one.lane.number]
        if not one.steps:
            yield one, 0, True
        elif count == 1:
            yield one, one.steps[0].number, bool(own) or one.at - one.steps[0].end <= AT_ONCE
        elif own and not crossing:
            yield one, own[-1].number, False
        else:
            yield one, one.steps[min(max(count - together[chunk], 0) + place, count - 1)].number, False


def _last(steps: Sequence[Step], at: int) -> Step | None:
    """The last step that began by `at`."""
    place = bisect_right(steps, at, key=lambda step: step.start)
    return steps[place - 1] if place else None


def signals(
    trace: Trace, film_started: int, contents: Contents, wire_started: int
) -> tuple[tuple[Signal, ...], tuple[str, ...]]:
    """The frames of a capture as what they were to a film.

    A frame that comes in belongs to the first step that the task of its connection begins afterwards, if that step
    resumes from a place where it waits for frames. A frame that goes out belongs to the last step before it passed,
    whichever task ran it, since who sends to all clients sends on their connections; `_sent_by` says what happens where
    several steps were near. Pings, pongs and the answer to a close frame are the server library's and belong to no
    step.

    Args:
        trace: the film.
        film_started: `perf_counter_ns` of its beginning.
        contents: what was captured.
        wire_started: `perf_counter_ns` of the capture's beginning.

    Returns:
        The frames in the order in which they passed, and a sentence for each kind of what had to be left out.
    """
    frames = [step for step in contents.steps if isinstance(step, Frame)]
    if not film_started:
        return (), (str(_NO_CLOCK),) if frames else ()
    shift = wire_started - film_started
    film = _Film(trace, sorted(step.end + shift for step in contents.steps))
    served: dict[tuple[str, int], list[Lane]] = defaultdict(list)
    for lane in trace.lanes:
        if lane.kind == "connection" and lane.client is not None:
            served[lane.client].append(lane)
    lanes = {
        connection.number: served[connection.via]
        for connection in contents.connections
        if connection.via is not None and connection.via in served
    }
    # A fragment wakes nobody before its message is whole.
    whole = {id(frame): message.end for message in messages(frames) for frame in message.frames}
    found: list[Signal] = []
    sent: list[_Sent] = []
    strangers: list[int] = []
    outside = 0
    closed: dict[int, Direction] = {}
    for frame in frames:
        at = frame.end + shift
        first_close = frame.opcode == Opcode.CLOSE and closed.setdefault(frame.connection, frame.direction)
        if frame.connection not in lanes:
            strangers.append(frame.connection)
            continue
        if not 0 <= at <= trace.end:
            outside += 1
            continue
        lane = _at_that_time(lanes[frame.connection], at)
        inward = frame.direction is Direction.TO_SERVER
        if frame.opcode in (Opcode.PING, Opcode.PONG) or (first_close and first_close is not frame.direction):
            step = 0
        elif inward:
            step = film.woken(lane, whole.get(id(frame), frame.end) + shift)
        elif frame.opcode == Opcode.CLOSE:
            step = film.closer(lane, at)
        else:
            sent.append(_Sent(frame, at, lane, film.senders(lane, at)))
            continue
        found.append(Signal(at, lane.number, step, inward, _title(frame), _detail(frame)))
    for one, step, sure in _sent_by(sent):
        text, detail = _title(one.frame), _detail(one.frame)
        found.append(Signal(one.at, one.lane.number, step, False, text, detail, sure))
    notes = []
    if strangers:
        connections = _count(len(set(strangers)), _CONNECTIONS, _ONE_CONNECTION)
        notes.append(_NO_LANE.format(frames=_count(len(strangers), _FRAMES, _ONE_FRAME), connections=connections))
    if outside:
        notes.append(_OUTSIDE.format(frames=_count(outside, _FRAMES, _ONE_FRAME)))
    return tuple(sorted(found, key=lambda signal: signal.at)), tuple(notes)


def _at_that_time(lanes: Sequence[Lane], at: int) -> Lane:
    """Of several connections that had the same address one after the other, the one that lived at `at`."""
    return next((lane for lane in reversed(lanes) if lane.start <= at), lanes[0])


def _count(n: int, many: Text, one: Text) -> str:
    return str(one) if n == 1 else many.format(n=n)


class Together:
    """A film and a capture on one clock; made by `film + wire`.

    As the last expression of a notebook cell it is the film's picture with an arrow a frame: one that came in points
    at the step that it woke, one that went out begins at the step that sent it. `print()` gives the same in words.

    Attributes:
        trace: the film, as it stood when the two were put together.
    """

    def __init__(self, trace: Trace, film_started: int, contents: Contents, wire_started: int) -> None:
        self.trace = trace
        self._film_started = film_started
        self._contents = contents
        self._wire_started = wire_started

    def _read(self) -> tuple[tuple[Signal, ...], tuple[str, ...]]:
        return signals(self.trace, self._film_started, self._contents, self._wire_started)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Each frame with the step that it woke or that sent it, in the order in which they passed."""
        return self._read()[0]

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the capture is not in the picture, and why."""
        return self._read()[1]

    def _lines(self) -> Iterator[str]:
        found, notes = self._read()
        yield sentences.summary(self.trace)
        for signal in found:
            yield f"  {'▼' if signal.inward else '▲'} {told(self.trace, signal)}"
        yield from notes

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def __repr__(self) -> str:
        return f"<Together: {len(self.trace.steps)} steps, {len(self.signals)} frames>"

    def _repr_html_(self) -> str:
        found, notes = self._read()
        return render([self.trace], found, notes)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}
