"""Films made by hand, for tests of what is made of them."""

from __future__ import annotations

from dataclasses import replace

from wslab.recording.footage import INTERNAL, Footage, LaneNotes, Sample
from wslab.recording.places import Stand
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

MS = 1_000_000
RECEIVE = Place("await websocket.receive_text()", "In[2]", 25, "websocket_endpoint")
NAP = Place("await asyncio.sleep(0.2)", "server.py", 15, "broadcaster")
SLEEP = Place("time.sleep(0.5)", "In[2]", 27, "websocket_endpoint")


def waits_here() -> None: ...


STAND = Stand(waits_here.__code__, 0)


def notes(number: int, name: str, **more: object) -> LaneNotes:
    plain = LaneNotes(
        number=number,
        name=name,
        kind="task",
        serves="",
        user=True,
        born=0,
        origin="new",
        ended=0,
        ending="",
        error="",
        first=0,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def footage(
    steps: list[tuple[int, int, int]],
    lanes: list[LaneNotes],
    idles: list[tuple[int, int]] | None = None,
    end: int = 1000 * MS,
    **more: object,
) -> Footage:
    """Steps as `(start, end, row)`; each leaves its lane at the same made-up place, number 1."""
    plain = Footage(
        loop="server",
        start=0,
        end=end,
        starts=[step[0] for step in steps],
        ends=[step[1] for step in steps],
        whos=[step[2] for step in steps],
        places=[1] * len(steps),
        idle_starts=[idle[0] for idle in idles or []],
        idle_ends=[idle[1] for idle in idles or []],
        lanes={lane.number: lane for lane in [notes(INTERNAL, "", kind="internal", user=False), *lanes]},
        stands=(None, STAND),
        samples=(),
        lates=(),
        unawaited=(),
        running=None,
        idle_since=0,
        idle_known=True,
        threshold=50 * MS,
        lost_steps=0,
        lost_idles=0,
        lost_lanes=0,
        lost_places=0,
        lost_lates=0,
        lost_unawaited=0,
        fault="",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def sample(at: int) -> Sample:
    return Sample(at, STAND)


def chat() -> Trace:
    """Two connections and a broadcaster; one connection blocks for half a second."""
    lanes = (
        Lane(0, "websocket_endpoint · Ada", "connection", 0, 0, 2000 * MS, "before", waiting=RECEIVE),
        Lane(1, "websocket_endpoint · Bob", "connection", 0, 10 * MS, 1900 * MS, ending="returned"),
        Lane(2, "broadcaster", "task", 0, 0, 1800 * MS, "before", "raised", "ValueError: boş oda", waiting=NAP),
        Lane(3, "uvicorn + asyncio", "internal", 0, 0, 2000 * MS, "before"),
    )
    moments = [
        (0, 100, 1, RECEIVE, RECEIVE),
        (1, 110, 1, None, RECEIVE),
        (2, 200, 1, NAP, NAP),
        (2, 400, 1, NAP, NAP),
        (0, 500, 500, RECEIVE, RECEIVE),
        (2, 1001, 1, NAP, NAP),
        (1, 1003, 1, RECEIVE, RECEIVE),
        (2, 1799, 1, NAP, None),
        (1, 1899, 1, RECEIVE, None),
    ]
    steps = tuple(
        Step(
            number,
            lane,
            at * MS,
            (at + long) * MS,
            resumed,
            let_go,
            own=long * MS,
            ending="" if let_go else ("raised" if lane == 2 else "returned"),
        )
        for number, (lane, at, long, resumed, let_go) in enumerate(moments, 1)
    )
    idles, at = [], 0
    for step in steps:
        idles.append(Idle(0, at, step.start - MS // 2))
        at = step.end
    return Trace(
        title="time.sleep(0.5)",
        end=2000 * MS,
        loops=("server",),
        lanes=lanes,
        steps=steps,
        internals=tuple(Internal(0, step.start - MS // 2, step.start - MS // 4) for step in steps),
        idles=(*idles, Idle(0, at, 2000 * MS)),
        blocks=(Block(0, 5, 500 * MS, 1000 * MS, SLEEP, 18),),
        lates=(Late(2, 600 * MS, 1001 * MS),),
        marks=(Mark(300 * MS, "half time"), Mark(310 * MS, "and a bit")),
        unawaited=(Unawaited(1, 110 * MS, "WebSocket.accept", RECEIVE),),
        dropped=Dropped(),
    )


def long_film(steps: int, lanes: int = 8) -> Trace:
    """A film of many steps, to see what pictures of it weigh."""
    trace = chat()
    names = tuple(
        Lane(number, f"websocket_endpoint · guest {number}", "connection", 0, 0, steps * MS, "before", waiting=RECEIVE)
        for number in range(lanes)
    )
    return replace(
        trace,
        end=steps * MS,
        lanes=(*names, Lane(lanes, "uvicorn + asyncio", "internal", 0, 0, steps * MS, "before")),
        steps=tuple(
            Step(
                number + 1,
                (number * 7) % lanes,
                number * MS,
                number * MS + 137_000 + number % 977,
                RECEIVE,
                NAP if number % 3 else RECEIVE,
                own=137_000 + number % 977,
            )
            for number in range(steps)
        ),
        internals=tuple(Internal(0, number * MS - 200_000, number * MS - 100_000) for number in range(1, steps)),
        idles=tuple(Idle(0, number * MS + 200_000, number * MS + 700_000) for number in range(steps)),
        blocks=(),
        lates=(),
        marks=(),
        unawaited=(),
    )
