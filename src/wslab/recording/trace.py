"""What a film holds: frozen dataclasses, every time in integer nanoseconds since the recording began."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

FORMAT = 1
"""The version of the JSON that `Trace.to_json` writes."""


@dataclass(frozen=True, slots=True)
class Place:
    """One line of code, as a reader calls it.

    Attributes:
        code: the expression at that place, on one line: `await websocket.receive_text()`.
        where: the notebook cell (`In[2]`) or the file's name (`server.py`).
        line: the line number, from 1.
        function: the function that the line stands in.
        user: whether the learner wrote it; False where no line of the learner's was in the chain of awaits.
    """

    code: str
    where: str
    line: int
    function: str
    user: bool = True


@dataclass(frozen=True, slots=True)
class Lane:
    """One task, or one plain callback of the learner's; or, last of all, everything that is not the learner's.

    Attributes:
        number: its index in `Recording.lanes`, which is the order in which lanes are drawn.
        name: what it is called: `websocket_endpoint · Ada`.
        kind: "connection" (the task that the server made for a WebSocket), "request" (the one that it made for an
            HTTP request), "task" (any other), "callback", or "internal" (uvicorn, asyncio and other libraries, folded
            into one lane a loop).
        loop: index into `Recording.loops`.
        start: when it was first seen; 0 for one that is older than the film.
        end: when it was last seen: when it ended, else when the film did.
        born: "before" the film; "new"; or "eager" (Python 3.12: its first stretch ran inside its creator's step).
        ending: "returned", "cancelled", "raised", "destroyed" (while still pending), "killed" (its process ended), or
            "" while it lives. The server's task around a handler catches what the handler raises, so a connection's has
            "returned".
        error: for "raised", the exception as `ValueError: …`; for a connection or request that "returned", the
            exception that left its handler and that the server caught and logged. An exception group is named by the
            exceptions in it.
        waiting: where it was suspended when the film began, None for one that began later.
        client: address and port by which the server knows the client that it serves (the ASGI scope's `client`);
            None for a lane that serves nobody, or where the server does not say.
        wait_failed: whether `error` was raised at the very await at which the last step resumed.
    """

    number: int
    name: str
    kind: str
    loop: int
    start: int
    end: int
    born: str = "new"
    ending: str = ""
    error: str = ""
    waiting: Place | None = None
    client: tuple[str, int] | None = None
    wait_failed: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch in which a lane held its loop: from when the loop called it until it gave control back.

    Attributes:
        number: from 1, in the order in which the steps began.
        lane: index into `Recording.lanes`.
        resumed: the await at which the lane had let go before; None for its first step.
        let_go: the await at which it let go; None where it ended, or where the film ended first.
        ending: how the lane ended with this step, as in `Lane.ending`; "" where it goes on.
        open: whether it was still running when the film ended (then `end` is the film's end).
        inside: number of the step during which this one ran, where a loop was run inside a running loop; else 0.
        own: nanoseconds that the lane really held the loop: without the steps and the idle time inside it.
    """

    number: int
    lane: int
    start: int
    end: int
    resumed: Place | None
    let_go: Place | None
    ending: str = ""
    open: bool = False
    inside: int = 0
    own: int = 0


@dataclass(frozen=True, slots=True)
class Internal:
    """One step of library code: a transport's read, uvicorn's keep-alive, a future's callbacks."""

    loop: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Idle:
    """A stretch in which the loop slept in the selector: nothing was ready to run."""

    loop: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch over the threshold in which one step held the loop, so that nothing else could run.

    Attributes:
        lane: index into `Recording.lanes`.
        step: the step's number; 0 for internal code.
        place: the learner's line that was seen running, or None where it could not be seen (C code that
            keeps the interpreter lock, or a stretch that ended before the watchdog looked).
        seen: how often the watchdog saw that line.
        calling: the line of the handler, or of another coroutine function, that called it; the same line where the
            handler blocks itself.
    """

    lane: int
    step: int
    start: int
    end: int
    place: Place | None = None
    seen: int = 0
    calling: Place | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """A timer that was due at `start` and ran at `end`, 20 ms or more later."""

    lane: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Process:
    """A process of a film of several.

    Attributes:
        pid: its number in the operating system.
        start: when its film began.
        end: when its film ended; of a process that was killed that is the last moment that had reached the kernel.
        killed: whether the process ended before the film did.
    """

    pid: int
    start: int
    end: int
    killed: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that `film.mark(text)` named."""

    start: int
    text: str

    @property
    def end(self) -> int:
        """The same moment: a mark has no length."""
        return self.start


@dataclass(frozen=True, slots=True)
class Unawaited:
    """A coroutine that was made and thrown away without ever being awaited, so that none of its code ran.

    Attributes:
        lane: the lane that was running when it was thrown away.
        coroutine: its qualified name: `WebSocket.accept`.
        place: the learner's line that was running.
    """

    lane: int
    start: int
    coroutine: str
    place: Place | None

    @property
    def end(self) -> int:
        """The same moment."""
        return self.start


@dataclass(frozen=True, slots=True)
class Dropped:
    """What the film's bounds left out, counted."""

    steps: int = 0
    idles: int = 0
    lanes: int = 0
    places: int = 0
    marks: int = 0
    lates: int = 0
    unawaited: int = 0

    def __bool__(self) -> bool:
        return any(dataclasses.astuple(self))


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole film as plain data; `Recording` shows the same names.

    Attributes:
        end: the film's length.
        loops: the names of the filmed loops.
        threshold: from how long on a step counts as blocking.
        idle_known: False where the loop's selector could not be watched, so that `idles` says nothing.
        fault: what went wrong in the recorder itself, "" where nothing did; the film ends there.
        processes: of each loop, where there are several processes; empty for a film of this process alone.
    """

    title: str
    end: int
    loops: tuple[str, ...]
    lanes: tuple[Lane, ...]
    steps: tuple[Step, ...]
    internals: tuple[Internal, ...]
    idles: tuple[Idle, ...]
    blocks: tuple[Block, ...]
    lates: tuple[Late, ...]
    marks: tuple[Mark, ...]
    unawaited: tuple[Unawaited, ...]
    dropped: Dropped
    threshold: int = 50_000_000
    idle_known: bool = True
    fault: str = ""
    processes: tuple[Process, ...] = ()

    def to_json(self, started_ns: int = 0) -> str:
        """The whole film as JSON text; each place is written once, non-ASCII letters as themselves.

        Args:
            started_ns: `time.perf_counter_ns()` of the film's beginning, to be kept with it.
        """
        places: dict[Place, int] = {}

        def pack(value: Any) -> Any:
            if isinstance(value, Place):
                return {"place": places.setdefault(value, len(places))}
            if isinstance(value, tuple):
                return [pack(item) for item in value]
            if dataclasses.is_dataclass(value):
                return [pack(getattr(value, field.name)) for field in dataclasses.fields(value)]
            return value

        fields = {field.name: pack(getattr(self, field.name)) for field in dataclasses.fields(self)}
        table = [dataclasses.astuple(place) for place in places]
        return json.dumps(
            {"wslab": "recording", "format": FORMAT, "started_ns": started_ns, "places": table, **fields},
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """The film that `to_json` wrote.

        Raises:
            ValueError: the text is no recording of this kit, or of a later version's format.
        """
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"this is no JSON text: {error}") from None
        if not isinstance(data, dict) or data.get("wslab") != "recording":
            raise ValueError("this is JSON, but no recording of WebSocket Lab")
        if data.get("format") != FORMAT:
            raise ValueError(f"this recording has format {data.get('format')!r}; this version reads format {FORMAT}")
        try:
            places = [Place(*row) for row in data["places"]]

            def read(cell: Any) -> Any:
                if isinstance(cell, dict):
                    return places[cell["place"]]
                return tuple(cell) if isinstance(cell, list) else cell

            def unpack(kind: type[Any], row: list[Any]) -> Any:
                return kind(*(read(cell) for cell in row))

            rows: dict[str, type[Any]] = {
                "lanes": Lane,
                "steps": Step,
                "internals": Internal,
                "idles": Idle,
                "blocks": Block,
                "lates": Late,
                "marks": Mark,
                "unawaited": Unawaited,
            }
            lists: dict[str, Any] = {
                name: tuple(unpack(kind, row) for row in data[name]) for name, kind in rows.items()
            }
            plain = {name: data[name] for name in ("title", "end", "threshold", "idle_known", "fault")}
            lists["processes"] = tuple(unpack(Process, row) for row in data.get("processes", ()))
            return cls(loops=tuple(data["loops"]), dropped=Dropped(*data["dropped"]), **plain, **lists)
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"this recording is damaged: {error!r}") from None
