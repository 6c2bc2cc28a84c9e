"""record() and the Recording that it makes."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import time
from asyncio import events
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wslab.language import Text
from wslab.recording import hook, sentences
from wslab.recording.assembly import assemble
from wslab.recording.crew import Crew
from wslab.recording.footage import Footage
from wslab.recording.hook import RecordingError
from wslab.recording.live_picture import LivePicture
from wslab.recording.perfetto import encode
from wslab.recording.picturing import render
from wslab.recording.tape import BEGINNING, Tape
from wslab.recording.trace import (
    Block,
    Dropped,
    Idle,
    Internal,
    Lane,
    Late,
    Mark,
    Process,
    Step,
    Trace,
    Unawaited,
)

_MOST_MARKS = 1_000

_NOTHING_TO_FILM = Text(
    en="record() films a running server: server = serve(app), then with record(server) as film: … "
    "It got {what}, which has no event loop.",
    tr="record() çalışan bir sunucuyu kaydeder: server = serve(app), sonra with record(server) as film: … "
    "Verilen {what}; onun bir olay döngüsü yok.",
)
_NO_LOOP_HERE = Text(
    en="here=True films the event loop that this line runs in, and there is none: a plain script has no running loop "
    "outside asyncio.run(…). In a notebook cell there always is one.",
    tr="here=True bu satırın içinde çalıştığı olay döngüsünü kaydeder, ama burada çalışan bir döngü yok: düz bir "
    "betikte asyncio.run(…) dışında döngü çalışmaz. Not defteri hücresinde her zaman vardır.",
)
_NOT_STARTED = Text(
    en="This film has not begun. Write: with record(server) as film: …",
    tr="Bu kayıt henüz başlamadı. Şöyle yazın: with record(server) as film: …",
)
_STARTED = Text(
    en="This film has begun already; each record(…) makes one film. Write record(server) again for another one.",
    tr="Bu kayıt zaten başladı; her record(…) tek bir kayıt yapar. Yenisi için yeniden record(server) yazın.",
)
_OVER = Text(
    en="This film is over, so nothing can be marked in it any more: film.mark(…) belongs inside the with block.",
    tr="Bu kayıt bitti, artık işaret konamaz: film.mark(…) with bloğunun içinde olmalı.",
)
_NO_PANDAS = Text(
    en="to_frame() makes a pandas DataFrame, and pandas is not installed here. film.steps holds the same facts.",
    tr="to_frame() bir pandas DataFrame üretir, ama burada pandas kurulu değil. Aynı bilgiler film.steps içinde.",
)


def loop_of(target: Any) -> tuple[asyncio.AbstractEventLoop, str]:
    """The loop to film and what it is called.

    Raises:
        RecordingError: `target` is neither a server nor a loop.
    """
    if isinstance(target, asyncio.AbstractEventLoop) or hasattr(target, "call_soon_threadsafe"):
        return target, "loop"
    loop = getattr(target, "loop", None)
    if loop is not None and hasattr(loop, "call_soon_threadsafe"):
        return loop, str(getattr(target, "name", None) or "server")
    raise RecordingError(_NOTHING_TO_FILM, what=f"{type(target).__name__}: {str(target)[:60]!r}")


class _Take:
    """What a film has in hand while it runs: a tape a loop, and where on it the film began."""

    def __init__(self, tapes: list[Tape], started_ns: int) -> None:
        self.tapes = tapes
        # A tape that began for this film is the film's from its first step on; one that runs already, from here on.
        fresh = [tape.started >= started_ns for tape in tapes]
        self.positions = [BEGINNING if new else tape.position() for tape, new in zip(tapes, fresh, strict=True)]
        self.standing: list[Mapping[int, int]] = [
            {} if new else tape.standing() for tape, new in zip(tapes, fresh, strict=True)
        ]

    def footages(self, start: int, end: int) -> list[Footage]:
        """A copy of what the tapes hold of this film."""
        return [tape.cut(at, start, end) for tape, at in zip(self.tapes, self.positions, strict=True)]


class Recording:
    """A film of one event loop or more: who held it, when, and at which `await` it let go.

    Made by `record()`. Inside `with` it shows what has happened so far, afterwards it stays as it is. As the last
    expression of a notebook cell it is a picture to step through; `print(film)` gives the same in words.
    `lanes`, `steps` and the others are tuples of frozen dataclasses, with `.start` and `.end` in integer
    nanoseconds since the recording began.

    Attributes:
        title: what it is called above the picture.
        started_ns: `time.perf_counter_ns()` of its beginning, the clock that a `Capture` uses too.
    """

    def __init__(
        self, loops: list[tuple[asyncio.AbstractEventLoop, str]], title: str = "", crew: Crew | None = None
    ) -> None:
        self.title = title
        self.started_ns = 0
        self._loops = loops
        self._crew = crew
        self._take: _Take | None = None
        self._trace: Trace | None = None
        self._marks: list[tuple[int, str]] = []
        self._lost_marks = 0

    @classmethod
    def of(cls, trace: Trace, started_ns: int = 0) -> Recording:
        """The recording that shows `trace`.

        Args:
            trace: lanes, steps and the rest, in nanoseconds since the recording began.
            started_ns: when it began, on the clock of `time.perf_counter_ns()`; films of one clock share a picture.
        """
        film = cls([], trace.title)
        film._trace, film.started_ns = trace, started_ns
        return film

    @classmethod
    def from_json(cls, text: str) -> Recording:
        """The recording whose `to_json()` gave `text`.

        Raises:
            ValueError: it is no recording's text, or of another format.
        """
        trace = Trace.from_json(text)
        started = json.loads(text).get("started_ns")
        return cls.of(trace, started if isinstance(started, int) else 0)

    # -- filming --------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Begin to film; `with` does it for you.

        Raises:
            RecordingError: it has begun already, or the loop cannot be filmed.
        """
        if self._take is not None or self._trace is not None:
            raise RecordingError(_STARTED)
        hook.self_test()
        for loop, _ in self._loops:
            hook.settle_if_filmed(loop)
        if self._crew is not None:
            self._crew.start()
        self.started_ns = time.perf_counter_ns()
        tapes: list[Tape] = []
        try:
            for loop, name in self._loops:
                tapes.append(hook.attach(loop, name, started=self.started_ns))
        except BaseException:
            for tape in tapes:
                hook.detach(tape)
            if self._crew is not None:
                self._crew.settle()
            raise
        self._take = _Take(tapes, self.started_ns)
        return self

    def stop(self) -> Self:
        """End the film; a step that runs just now gets a quarter of a second to end. Stopping twice does no harm."""
        take = self._take
        if take is None:
            return self
        for tape in take.tapes:
            hook.settle(tape)
        start, end = self.started_ns, time.perf_counter_ns()
        mine = take.footages(start, end)
        if self._crew is not None:  # which takes a moment, and that is no part of the film
            self._crew.settle()
        self._trace = self._assembled(take, mine, start, end)
        self._take = None
        for tape in take.tapes:
            hook.detach(tape)
        return self

    def _cut(self, take: _Take, seconds: float | None = None) -> Trace:
        end = time.perf_counter_ns()
        start = self.started_ns if seconds is None else max(self.started_ns, end - int(seconds * 1e9))
        return self._assembled(take, take.footages(start, end), start, end)

    def _assembled(self, take: _Take, mine: list[Footage], start: int, end: int) -> Trace:
        standing = take.standing
        if self._crew is not None:
            theirs, stood = self._crew.footages(start, end)
            mine = [*theirs, *(replace(footage, process=os.getpid()) for footage in mine)]
            standing = [*stood, *standing]
        marks = [mark for mark in list(self._marks) if start <= mark[0] <= end]
        return assemble(mine, standing, marks, self.title, self._lost_marks, (start, end))

    def so_far(self, seconds: float | None = None) -> Recording:
        """The film up to now as a recording of its own, or its last `seconds`; for a film that is over, all of it."""
        return Recording.of(self.trace if seconds is None else self.latest(seconds), self.started_ns)

    def latest(self, seconds: float) -> Trace:
        """The last `seconds` of a film that runs; of one that is over, all of it."""
        return self.trace if self._take is None else self._cut(self._take, seconds)

    def mark(self, text: str) -> None:
        """Name this moment; it stands in the picture as a line with `text` on it. From any thread.

        Raises:
            RecordingError: the film has not begun, or is over.
        """
        if self._take is None:
            raise RecordingError(_OVER if self._trace is not None else _NOT_STARTED)
        if len(self._marks) >= _MOST_MARKS:
            self._lost_marks += 1
            return
        self._marks.append((time.perf_counter_ns(), str(text)))

    @property
    def running(self) -> bool:
        """Whether it is being filmed at this moment."""
        return self._take is not None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stop()

    # -- what was filmed ------------------------------------------------------------------------------------

    @property
    def trace(self) -> Trace:
        """The whole film as one frozen dataclass; while it runs, what there is so far."""
        if self._trace is not None:
            return self._trace
        if self._take is None:
            raise RecordingError(_NOT_STARTED)
        return self._cut(self._take)

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The learner's tasks and callbacks, then one lane a loop for uvicorn, asyncio and other libraries."""
        return self.trace.lanes

    @property
    def steps(self) -> tuple[Step, ...]:
        """Each stretch in which one of the learner's lanes held the loop, in the order in which they began."""
        return self.trace.steps

    @property
    def internals(self) -> tuple[Internal, ...]:
        """The steps of library code."""
        return self.trace.internals

    @property
    def idles(self) -> tuple[Idle, ...]:
        """When the loop slept, because nothing was ready to run."""
        return self.trace.idles

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Steps over the threshold (50 ms), in which nothing else could run, with the line that blocked."""
        return self.trace.blocks

    @property
    def lates(self) -> tuple[Late, ...]:
        """Timers that ran 20 ms or more after they were due."""
        return self.trace.lates

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The moments that `mark()` named."""
        return self.trace.marks

    @property
    def unawaited(self) -> tuple[Unawaited, ...]:
        """Coroutines that were thrown away without being awaited."""
        return self.trace.unawaited

    @property
    def processes(self) -> tuple[Process, ...]:
        """Of each of the film's loops the process that it runs in; empty where all run in this one."""
        return self.trace.processes

    @property
    def dropped(self) -> Dropped:
        """What did not fit, counted; falsy where nothing was dropped."""
        return self.trace.dropped

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the lanes in the order in which they held the loop: one a step."""
        trace = self.trace
        return tuple(trace.lanes[step.lane].name for step in trace.steps)

    def lane(self, name: str) -> Lane:
        """The first lane whose name is `name`, else the first that contains it.

        Raises:
            LookupError: there is none; the message lists the names.
        """
        lanes = self.trace.lanes
        for fits in (lambda lane: lane.name == name, lambda lane: name in lane.name):
            for lane in lanes:
                if fits(lane):
                    return lane
        raise LookupError(f"{name!r}: {', '.join(lane.name for lane in lanes)}")

    def steps_of(self, name: str) -> tuple[Step, ...]:
        """The steps of the lane called `name` (as `lane` finds it), and of others of that very name before or after."""
        trace, name = self.trace, self.lane(name).name
        return tuple(step for step in trace.steps if trace.lanes[step.lane].name == name)

    # -- ways out -------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """The film as JSON text; `Recording.from_json` reads it."""
        return self.trace.to_json(self.started_ns)

    def to_perfetto(self, path: str | Path | None = None) -> bytes:
        """The film as a trace of Perfetto's own format (perfetto.dev), also written to `path` if one is given."""
        data = encode(self.trace)
        if path is not None:
            Path(path).write_bytes(data)
        return data

    def to_frame(self) -> Any:
        """The steps as a pandas DataFrame, one row a step, times in seconds.

        Raises:
            RecordingError: pandas is not installed.
        """
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise RecordingError(_NO_PANDAS) from None
        trace = self.trace
        return pandas.DataFrame(
            {
                "step": [step.number for step in trace.steps],
                "lane": [trace.lanes[step.lane].name for step in trace.steps],
                "start": [step.start / 1e9 for step in trace.steps],
                "held": [step.own / 1e9 for step in trace.steps],
                "resumed": [step.resumed.code if step.resumed else None for step in trace.steps],
                "let_go": [step.let_go.code if step.let_go else None for step in trace.steps],
                "ending": [step.ending or None for step in trace.steps],
            }
        )

    def summary(self) -> str:
        """The film in a few sentences, in the reader's language."""
        return sentences.summary(self.trace)

    def __str__(self) -> str:
        if self._take is None and self._trace is None:
            return str(_NOT_STARTED)
        return self.summary()

    def __repr__(self) -> str:
        if self._take is None and self._trace is None:
            return f"<Recording: {_NOT_STARTED}>"
        return f"<Recording {sentences.headline(self.trace)}>"

    def _repr_html_(self) -> str:
        if self._take is None and self._trace is None:
            return f"<p>{_NOT_STARTED}</p>"
        return render([self.trace])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}

    def live(self, seconds: float = 10.0) -> LivePicture:
        """A picture that follows the film while it runs: its last `seconds`, twice a second; for the projector."""
        return LivePicture(self, seconds)


class Comparison:
    """Two films or more on one time axis; made by `compare()`."""

    def __init__(self, films: Sequence[Recording]) -> None:
        self.films = tuple(films)

    def __str__(self) -> str:
        return "\n\n".join(film.summary() for film in self.films)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return render([film.trace for film in self.films])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}


def compare(*films: Recording) -> Comparison:
    """Show films below each other on one time axis, so that the same length is the same time in each.

    Args:
        films: two or more; `record(server, title=…)` names each.

    Raises:
        TypeError: something else than recordings, or none.
    """
    if not films or not all(isinstance(film, Recording) for film in films):
        raise TypeError("compare() takes films: compare(film_a, film_b)")
    return Comparison(films)


def running_loop() -> asyncio.AbstractEventLoop:
    """The loop that the caller's line runs in.

    Raises:
        RecordingError: none is running in this thread.
    """
    loop = events._get_running_loop()
    if loop is None:
        raise RecordingError(_NO_LOOP_HERE)
    return loop
