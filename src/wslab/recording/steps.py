"""From the tape's raw integers to a film's dataclasses; pure: the same footage gives the same trace."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wslab.recording.footage import CROWD, INTERNAL, Footage, LaneNotes
from wslab.recording.places import Stand, describe
from wslab.recording.sentences import HERE
from wslab.recording.trace import (
    Block,
    Dropped,
    Idle,
    Internal,
    Lane,
    Late,
    Mark,
    Place,
    Step,
    Trace,
    Unawaited,
)

_INTERNAL, _INTERNAL_HERE = "uvicorn + asyncio", "Jupyter + asyncio"
_KINDS = {"websocket": "connection", "http": "request"}
_FIRST = {"websocket": 0, "": 1, "lifespan": 1, "http": 2}  # in which order lanes of the learner's are drawn


@dataclass(slots=True)
class _Stretch:
    """One raw step of a footage; `cuts` are the stretches inside it in which its loop did something else."""

    start: int
    end: int
    who: int
    place: int
    open: bool = False
    inside: _Stretch | None = None
    cuts: list[tuple[int, int]] = field(default_factory=list)
    number: int = 0

    def pieces(self) -> Iterable[tuple[int, int]]:
        """The parts in which the step itself held the loop."""
        begin = self.start
        for cut_start, cut_end in self.cuts:
            if cut_start > begin:
                yield begin, cut_start
            begin = max(begin, cut_end)
        if self.end > begin:
            yield begin, self.end


def _stretches(footage: Footage, standing: Mapping[int, int]) -> tuple[list[_Stretch], dict[int, int]]:
    """The raw steps, in the order in which they began, each knowing in which other one it ran; and where each row
    stood at the footage's beginning."""
    found = []
    stood = dict(standing)
    for start, end, who, place in zip(footage.starts, footage.ends, footage.whos, footage.places, strict=True):
        if end < footage.start:
            stood[who] = place
        elif start <= footage.end:
            found.append(_Stretch(max(start, footage.start), end, who, place))
    if footage.running is not None and footage.running[1] >= 0:
        since, who = footage.running
        found.append(_Stretch(max(since, footage.start), footage.end, who, 0, open=True))
    found.sort(key=lambda one: (one.start, -one.end))
    _nest(found, list(zip(footage.idle_starts, footage.idle_ends, strict=True)))
    return found, stood


def _nest(steps: list[_Stretch], idles: list[tuple[int, int]]) -> None:
    """Put every step and idle time into the step around it, if there is one."""
    around: list[_Stretch] = []
    events: list[tuple[int, int, _Stretch | None]] = [(one.start, one.end, one) for one in steps]
    events += [(start, end, None) for start, end in idles]
    events.sort(key=lambda event: (event[0], -event[1]))
    for start, end, step in events:
        while around and around[-1].end <= start:
            around.pop()
        if around and end <= around[-1].end:
            around[-1].cuts.append((start, end))
            if step is not None:
                step.inside = around[-1]
        if step is not None:
            around.append(step)


def _present(footage: Footage, notes: LaneNotes, active: set[int]) -> bool:
    if notes.number in (INTERNAL, CROWD) or not notes.user:
        return False
    return notes.number in active or (notes.born <= footage.end and (not notes.ending or notes.ended >= footage.start))


def _tracks(lanes: list[Lane]) -> list[Lane]:
    """Tell lanes of one name that live at the same time apart: `fetch`, `fetch #2`; ones that follow share it."""
    ends: dict[tuple[int, str], list[int]] = defaultdict(list)
    named: dict[int, str] = {}
    for lane in sorted(lanes, key=lambda lane: lane.start):
        free = ends[lane.loop, lane.name]
        track = next((index for index, end in enumerate(free) if end <= lane.start), len(free))
        free[track : track + 1] = [lane.end if lane.ending else lane.end + 1]
        named[lane.number] = lane.name if track == 0 else f"{lane.name} #{track + 1}"
    return [replace(lane, name=named[lane.number]) for lane in lanes]


def assemble(
    footages: Sequence[Footage],
    standing: Sequence[Mapping[int, int]] = (),
    marks: Sequence[tuple[int, str]] = (),
    title: str = "",
    lost_marks: int = 0,
) -> Trace:
    """A trace from the footage of one loop or more, all cut to the same stretch of time.

    Args:
        footages: one a loop.
        standing: for each loop where its tasks stood when the film began (row number → place number); what is
            missing there is taken from where the tape first saw the task.
        marks: `(perf_counter_ns, text)`.
        title: what the film is called.
        lost_marks: how many marks were over the bound.
    """
    start, end = footages[0].start, footages[0].end
    described: dict[Stand, Place] = {}

    def told(stand: Stand | None) -> Place | None:
        if stand is None:
            return None
        if stand not in described:
            described[stand] = describe(stand)
        return described[stand]

    raw: list[list[_Stretch]] = []
    stood: list[dict[int, int]] = []
    for loop, footage in enumerate(footages):
        stretches, places_then = _stretches(footage, standing[loop] if loop < len(standing) else {})
        raw.append(stretches)
        stood.append(places_then)
    places: list[Callable[[int], Place | None]] = [
        (lambda number, stands=footage.stands: told(stands[number]) if number < len(stands) else None)  # type: ignore[misc]
        for footage in footages
    ]
    numbers: dict[tuple[int, int], int] = {}
    lanes: list[Lane] = []
    for loop, footage in enumerate(footages):
        lanes += _lanes(loop, footage, raw[loop], stood[loop], places[loop], numbers)
    count = len(lanes)
    for loop in range(len(footages)):
        numbers[loop, INTERNAL] = count + loop
        name = _INTERNAL_HERE if footages[loop].loop in HERE else _INTERNAL
        lanes.append(Lane(count + loop, name, "internal", loop, 0, end - start, born="before"))

    def lane_of(loop: int, who: int) -> int:
        return numbers.get((loop, who), numbers[loop, INTERNAL])

    mine: list[tuple[int, _Stretch]] = []
    internals: list[Internal] = []
    for loop, stretches in enumerate(raw):
        for one in stretches:
            if lanes[lane_of(loop, one.who)].kind == "internal":
                internals.append(Internal(loop, one.start - start, one.end - start))
            else:
                mine.append((loop, one))
    mine.sort(key=lambda pair: pair[1].start)
    for number, (_, one) in enumerate(mine, 1):
        one.number = number

    steps: list[Step] = []
    before: dict[int, Place | None] = {lane.number: lane.waiting for lane in lanes}
    last_of = {lane_of(loop, one.who): one.number for loop, one in mine}
    for loop, one in mine:
        lane = lane_of(loop, one.who)
        place = places[loop](one.place)
        over = lanes[lane].ending if last_of[lane] == one.number and place is None else ""
        around = one.inside
        while around is not None and not around.number:
            around = around.inside
        steps.append(
            Step(
                number=one.number,
                lane=lane,
                start=one.start - start,
                end=one.end - start,
                resumed=before[lane],
                let_go=place,
                ending=over if over != "destroyed" else "",
                open=one.open,
                inside=around.number if around is not None else 0,
                own=sum(piece_end - piece_start for piece_start, piece_end in one.pieces()),
            )
        )
        before[lane] = place
    idles = [
        Idle(loop, max(begin, start) - start, finish - start)
        for loop, footage in enumerate(footages)
        for begin, finish in _idle_times(footage)
        if finish > start
    ]
    return Trace(
        title=title,
        end=end - start,
        loops=tuple(footage.loop for footage in footages),
        lanes=tuple(lanes),
        steps=tuple(steps),
        internals=tuple(sorted(internals, key=lambda one: one.start)),
        idles=tuple(sorted(idles, key=lambda one: one.start)),
        blocks=tuple(_blocks(footages, raw, lane_of, told)),
        lates=tuple(
            sorted(
                (
                    Late(lane_of(loop, who), max(0, due - start), ran - start)
                    for loop, footage in enumerate(footages)
                    for who, due, ran in footage.lates
                ),
                key=lambda late: late.end,
            )
        ),
        marks=tuple(Mark(at - start, text) for at, text in marks),
        unawaited=tuple(
            Unawaited(lane_of(loop, who), at - start, name, told(stand))
            for loop, footage in enumerate(footages)
            for who, at, name, stand in footage.unawaited
        ),
        dropped=_dropped(footages, lost_marks),
        threshold=footages[0].threshold,
        idle_known=all(footage.idle_known for footage in footages),
        fault=next((footage.fault for footage in footages if footage.fault), ""),
    )


def _lanes(
    loop: int,
    footage: Footage,
    stretches: list[_Stretch],
    standing: Mapping[int, int],
    place: Callable[[int], Place | None],
    numbers: dict[tuple[int, int], int],
) -> list[Lane]:
    """The learner's lanes of one loop, in the order in which they are drawn; `numbers` learns their indices."""
    active = {one.who for one in stretches}
    notes = [notes for notes in footage.lanes.values() if _present(footage, notes, active)]
    notes.sort(key=lambda one: (one.kind == "callback", _FIRST.get(one.serves, 1), one.number))
    first = len(numbers)
    lanes = []
    for index, one in enumerate(notes, first):
        numbers[loop, one.number] = index
        older = one.born <= footage.start or one.origin == "before"
        ended = one.ending if one.ending and one.ended <= footage.end else ""
        lanes.append(
            Lane(
                number=index,
                name=one.name,
                kind=_KINDS.get(one.serves, one.kind),
                loop=loop,
                start=0 if older else one.born - footage.start,
                end=(min(one.ended, footage.end) if ended else footage.end) - footage.start,
                born="before" if older else one.origin,
                ending=ended,
                error=one.error if ended else "",
                waiting=place(standing.get(one.number, one.first)),
                client=one.client,
                wait_failed=one.wait_failed if ended else False,
            )
        )
    return _tracks(lanes)


def _idle_times(footage: Footage) -> list[tuple[int, int]]:
    times = list(zip(footage.idle_starts, footage.idle_ends, strict=True))
    if footage.idle_since:
        times.append((footage.idle_since, footage.end))
    return times


def _blocks(
    footages: Sequence[Footage],
    raw: list[list[_Stretch]],
    lane_of: Callable[[int, int], int],
    told: Callable[[Stand | None], Place | None],
) -> list[Block]:
    start = footages[0].start
    blocks = []
    for loop, footage in enumerate(footages):
        for one in raw[loop]:
            for begin, finish in one.pieces():
                if finish - begin < footage.threshold:
                    continue
                seen = Counter(sample.stand for sample in footage.samples if begin <= sample.at <= finish)
                most = seen.most_common(1)
                stand, times = most[0] if most else (None, 0)
                blocks.append(
                    Block(lane_of(loop, one.who), one.number, begin - start, finish - start, told(stand), times)
                )
    return sorted(blocks, key=lambda block: block.start)


def _dropped(footages: Sequence[Footage], lost_marks: int) -> Dropped:
    return Dropped(
        steps=sum(footage.lost_steps for footage in footages),
        idles=sum(footage.lost_idles for footage in footages),
        lanes=sum(footage.lost_lanes for footage in footages),
        places=sum(footage.lost_places for footage in footages),
        marks=lost_marks,
        lates=sum(footage.lost_lates for footage in footages),
        unawaited=sum(footage.lost_unawaited for footage in footages),
    )
