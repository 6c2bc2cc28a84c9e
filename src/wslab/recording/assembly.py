"""From the tape's raw integers to a film's dataclasses; pure: the same footage gives the same trace."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wslab.recording.footage import CROWD, INTERNAL, THRESHOLD_NS, Footage, LaneNotes
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
    Process,
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

    def numbered_around(self) -> int:
        """The number of the closest step around this one that has one, 0 where there is none."""
        around = self.inside
        while around is not None and not around.number:
            around = around.inside
        return around.number if around is not None else 0


def _stretches(footage: Footage, standing: Mapping[int, int]) -> tuple[list[_Stretch], dict[int, int]]:
    """The raw steps, in the order in which they began, each knowing in which other one it ran; and where each task
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


class _Assembly:
    """What the parts of a trace need in common: the footage, its raw steps, and what tasks and places are called."""

    def __init__(
        self, footages: Sequence[Footage], standing: Sequence[Mapping[int, int]], stretch: tuple[int, int]
    ) -> None:
        self.footages = footages
        self.start, self.end = stretch
        self._described: dict[Stand, Place] = {}
        self._numbers: dict[tuple[int, int], int] = {}
        self.raw: list[list[_Stretch]] = []
        self.lanes: list[Lane] = []
        for loop, footage in enumerate(footages):
            stretches, stood = _stretches(footage, standing[loop] if loop < len(standing) else {})
            self.raw.append(stretches)
            self.lanes += self._users_lanes(loop, stood)
        count = len(self.lanes)
        for loop, footage in enumerate(footages):
            self._numbers[loop, INTERNAL] = count + loop
            name = _INTERNAL_HERE if footage.loop in HERE else _INTERNAL
            began, ended = footage.start - self.start, footage.end - self.start
            self.lanes.append(Lane(count + loop, name, "internal", loop, began, ended, born="before"))

    def told(self, stand: Stand | Place | None) -> Place | None:
        """A raw place as a reader calls it; each is described once."""
        if stand is None or isinstance(stand, Place):
            return stand
        if stand not in self._described:
            self._described[stand] = describe(stand)
        return self._described[stand]

    def place(self, loop: int, number: int) -> Place | None:
        """A place by its number on the tape."""
        stands = self.footages[loop].stands
        return self.told(stands[number]) if number < len(stands) else None

    def lane_of(self, loop: int, who: int) -> int:
        """The index of the lane that has the number `who` on the tape."""
        return self._numbers.get((loop, who), self._numbers[loop, INTERNAL])

    def _users_lanes(self, loop: int, standing: Mapping[int, int]) -> list[Lane]:
        """The learner's lanes of one loop, in the order in which they are drawn."""
        footage = self.footages[loop]
        active = {one.who for one in self.raw[loop]}
        notes = [notes for notes in footage.lanes.values() if _present(footage, notes, active)]
        notes.sort(key=lambda one: (one.kind == "callback", _FIRST.get(one.serves, 1), one.number))
        lanes = []
        for index, one in enumerate(notes, len(self._numbers)):
            self._numbers[loop, one.number] = index
            older = one.born <= footage.start or one.origin == "before"
            ended = one.ending if one.ending and one.ended <= footage.end else ""
            lanes.append(
                Lane(
                    number=index,
                    name=one.name,
                    kind=_KINDS.get(one.serves, one.kind),
                    loop=loop,
                    start=(footage.start if older else one.born) - self.start,
                    end=(min(one.ended, footage.end) if ended else footage.end) - self.start,
                    born="before" if older else one.origin,
                    ending=ended or ("killed" if footage.over else ""),
                    error=one.error if ended else "",
                    waiting=self.place(loop, standing.get(one.number, one.first)),
                    client=one.client,
                    wait_failed=one.wait_failed if ended else False,
                )
            )
        return _tracks(lanes)

    def split(self) -> tuple[list[tuple[int, _Stretch]], list[Internal]]:
        """The raw steps of the learner's lanes with their loops, numbered as they began; and those of libraries."""
        users: list[tuple[int, _Stretch]] = []
        internals: list[Internal] = []
        for loop, stretches in enumerate(self.raw):
            for one in stretches:
                if self.lanes[self.lane_of(loop, one.who)].kind == "internal":
                    internals.append(Internal(loop, one.start - self.start, one.end - self.start))
                else:
                    users.append((loop, one))
        users.sort(key=lambda pair: pair[1].start)
        for number, (_, one) in enumerate(users, 1):
            one.number = number
        return users, sorted(internals, key=lambda one: one.start)

    def steps(self, users: Sequence[tuple[int, _Stretch]]) -> Iterator[Step]:
        """The steps of the learner's lanes; each resumes where the step of its lane before had let go."""
        before = {lane.number: lane.waiting for lane in self.lanes}
        last_of = {self.lane_of(loop, one.who): one.number for loop, one in users}
        for loop, one in users:
            lane = self.lane_of(loop, one.who)
            place = self.place(loop, one.place)
            ending = self.lanes[lane].ending if last_of[lane] == one.number and place is None else ""
            yield Step(
                number=one.number,
                lane=lane,
                start=one.start - self.start,
                end=one.end - self.start,
                resumed=before[lane],
                let_go=place,
                ending=ending if ending not in ("destroyed", "killed") else "",
                open=one.open,
                inside=one.numbered_around(),
                own=sum(piece_end - piece_start for piece_start, piece_end in one.pieces()),
            )
            before[lane] = place

    def idles(self) -> list[Idle]:
        """When the loops slept."""
        found = [
            Idle(loop, max(begin, self.start) - self.start, finish - self.start)
            for loop, footage in enumerate(self.footages)
            for begin, finish in _idle_times(footage)
            if finish > self.start
        ]
        return sorted(found, key=lambda one: one.start)

    def blocks(self) -> list[Block]:
        """The stretches over the threshold, with the line that the watchdog saw most often in them."""
        blocks = []
        for loop, footage in enumerate(self.footages):
            for one in self.raw[loop]:
                lane = self.lane_of(loop, one.who)
                for begin, finish in one.pieces():
                    if finish - begin >= footage.threshold:
                        (stand, calling), times = _most_seen(footage, begin, finish)
                        length = begin - self.start, finish - self.start
                        blocks.append(Block(lane, one.number, *length, self.told(stand), times, self.told(calling)))
        return sorted(blocks, key=lambda block: block.start)

    def lates(self) -> list[Late]:
        """The timers that ran late."""
        found = [
            Late(self.lane_of(loop, who), max(0, due - self.start), ran - self.start)
            for loop, footage in enumerate(self.footages)
            for who, due, ran in footage.lates
        ]
        return sorted(found, key=lambda late: late.end)

    def unawaited(self) -> Iterator[Unawaited]:
        """The coroutines that were thrown away."""
        for loop, footage in enumerate(self.footages):
            for who, at, name, stand in footage.unawaited:
                yield Unawaited(self.lane_of(loop, who), at - self.start, name, self.told(stand))


def assemble(
    footages: Sequence[Footage],
    standing: Sequence[Mapping[int, int]] = (),
    marks: Sequence[tuple[int, str]] = (),
    title: str = "",
    lost_marks: int = 0,
    stretch: tuple[int, int] | None = None,
) -> Trace:
    """A trace from the footage of one loop or more.

    Args:
        footages: one a loop.
        standing: for each loop where its tasks stood when the film began: number of the task on the tape → number of
            the place. For a task that is missing there, it is where the tape first saw it.
        marks: `(perf_counter_ns, text)`.
        title: what the film is called.
        lost_marks: how many marks were over the bound.
        stretch: from when to when the film goes; that of the first footage if left out. That of a process which came
            later, or ended before, is shorter.
    """
    film = _Assembly(footages, standing, stretch or (footages[0].start, footages[0].end))
    users, internals = film.split()
    return Trace(
        title=title,
        end=film.end - film.start,
        loops=tuple(footage.loop for footage in footages),
        lanes=tuple(film.lanes),
        steps=tuple(film.steps(users)),
        internals=tuple(internals),
        idles=tuple(film.idles()),
        blocks=tuple(film.blocks()),
        lates=tuple(film.lates()),
        marks=tuple(Mark(at - film.start, text) for at, text in marks),
        unawaited=tuple(film.unawaited()),
        dropped=_dropped(footages, lost_marks),
        threshold=max((footage.threshold for footage in footages), default=THRESHOLD_NS),
        idle_known=all(footage.idle_known for footage in footages),
        fault=next((footage.fault for footage in footages if footage.fault), ""),
        processes=tuple(
            Process(one.process, one.start - film.start, one.end - film.start, one.over)
            for one in footages
            if one.process
        ),
    )


def _idle_times(footage: Footage) -> list[tuple[int, int]]:
    times = list(zip(footage.idle_starts, footage.idle_ends, strict=True))
    if footage.idle_since:
        times.append((footage.idle_since, footage.end))
    return times


_Lines = tuple[Stand | Place | None, Stand | Place | None]


def _most_seen(footage: Footage, begin: int, finish: int) -> tuple[_Lines, int]:
    """The line that was seen most often in a stretch of time, with the line that called it; and how often."""
    seen: Counter[_Lines] = Counter(
        (sample.stand, sample.calling) for sample in footage.samples if begin <= sample.at <= finish
    )
    return seen.most_common(1)[0] if seen else ((None, None), 0)


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
