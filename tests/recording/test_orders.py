"""The recorded order is the order that is known by construction, however the tasks came to be."""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest
from tests.recording.conftest import LoopThread
from tests.recording.diary import Diary

from wslab.recording import Recording, Step, record


def code(step: Step) -> str | None:
    return step.let_go.code if step.let_go else None


def awaits(film: Recording, lane: str) -> list[str | None]:
    return [code(step) for step in film.steps_of(lane)]


def test_tasks_that_were_born_before_the_film(there: LoopThread) -> None:
    diary = Diary()

    async def guest(gate: asyncio.Event) -> None:
        await gate.wait()
        diary.note()
        await asyncio.sleep(0)
        diary.note()

    async def prepare() -> tuple[list[asyncio.Event], list[asyncio.Task[None]]]:
        gates = [asyncio.Event() for _ in "ab"]
        tasks = [asyncio.create_task(guest(gate), name=name) for gate, name in zip(gates, "ab", strict=True)]
        await asyncio.sleep(0)
        return gates, tasks

    gates, tasks = there.run(prepare())

    async def opener() -> None:
        diary.note()
        gates[1].set()
        await tasks[1]
        diary.note()
        gates[0].set()
        await tasks[0]
        diary.note()

    with record(there) as film:
        there.run(opener())
    assert film.order == tuple(diary.entries) == ("opener", "b", "b", "opener", "a", "a", "opener")
    lane = film.lane("b")
    assert lane.born == "before"
    assert lane.start == 0
    assert lane.waiting is not None
    assert lane.waiting.code == "await gate.wait()"
    assert film.steps_of("b")[0].resumed == lane.waiting
    assert lane.ending == "returned"


def test_a_task_that_never_runs_is_a_lane_that_waits(there: LoopThread) -> None:
    async def sleeper() -> None:
        await asyncio.sleep(3600)

    async def prepare() -> None:
        prepare.task = asyncio.create_task(sleeper())  # type: ignore[attr-defined]
        await asyncio.sleep(0)

    there.run(prepare())
    with record(there) as film:
        pass
    lane = film.lane("sleeper")
    assert film.steps == ()
    assert lane.waiting is not None
    assert lane.waiting.code == "await asyncio.sleep(3600)"
    assert (lane.start, lane.end, lane.ending) == (0, film.trace.end, "")


def test_gather(there: LoopThread) -> None:
    diary = Diary()

    async def child(turns: int) -> None:
        for _ in range(turns):
            diary.note()
            await asyncio.sleep(0)
        diary.note()

    async def parent() -> None:
        diary.note()
        children = [asyncio.create_task(child(turns), name=f"child {turns}") for turns in (3, 1, 2)]
        await asyncio.gather(*children)
        diary.note()

    with record(there) as film:
        there.run(parent())
    assert film.order == tuple(diary.entries)
    assert awaits(film, "child 3") == ["await asyncio.sleep(0)"] * 3 + [None]
    assert awaits(film, "parent") == ["await asyncio.gather(*children)", None]
    assert film.order[:4] == ("parent", "child 3", "child 1", "child 2")


def test_children_of_one_name_are_told_apart(there: LoopThread) -> None:
    async def fetch() -> None:
        await asyncio.sleep(0)

    async def parent() -> None:
        await asyncio.gather(fetch(), fetch(), fetch())
        await fetch_later()

    async def fetch_later() -> None:
        await asyncio.create_task(fetch())  # the others are over, so this one may have their line

    with record(there) as film:
        there.run(parent())
    assert [lane.name for lane in film.lanes if lane.kind == "task"] == [
        "parent",
        "fetch",
        "fetch #2",
        "fetch #3",
        "fetch",
    ]


def test_task_group_cancels_the_others(there: LoopThread) -> None:
    diary = Diary()

    async def fails() -> None:
        diary.note()
        await asyncio.sleep(0)
        diary.note()
        raise ValueError("the room is empty")

    async def sleeps() -> None:
        diary.note()
        try:
            await asyncio.sleep(3600)
        finally:
            diary.note()

    async def parent() -> None:
        diary.note()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(sleeps())
                group.create_task(fails())
        except* ValueError:
            diary.note()

    with record(there) as film:
        there.run(parent())
    assert diary.entries == ["parent", "sleeps", "fails", "fails", "sleeps", "parent"]
    # The group cancels its parent too, which wakes, finds a child alive and waits again: a step without a line of
    # its own, so the diary cannot know it.
    assert film.order == ("parent", "sleeps", "fails", "fails", "sleeps", "parent", "parent")
    assert film.lane("fails").ending == "raised"
    assert film.lane("fails").error == "ValueError: the room is empty"
    assert film.lane("sleeps").ending == "cancelled"
    assert film.lane("parent").ending == "returned"
    assert [step.ending for step in film.steps] == ["", "", "", "raised", "cancelled", "", "returned"]
    assert awaits(film, "parent")[0] == "async with asyncio.TaskGroup() as group:"


def test_wait_for(there: LoopThread) -> None:
    diary = Diary()

    async def slow() -> None:
        diary.note()
        await asyncio.sleep(3600)

    async def quick() -> str:
        diary.note()
        await asyncio.sleep(0)
        diary.note()
        return "done"

    async def parent() -> None:
        diary.note()
        assert await asyncio.wait_for(quick(), 60) == "done"
        diary.note()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow(), 0.001)
        diary.note()

    with record(there) as film:
        there.run(parent())
    if sys.version_info >= (3, 12):  # wait_for awaits in the same task, so what it waits for is the deepest line
        assert set(film.order) == {"parent"}
        assert awaits(film, "parent") == ["await asyncio.sleep(0)", "await asyncio.sleep(3600)", None]
    else:  # until 3.11 it makes a task of what it waits for
        seen = [name for name in film.order if name != "slow" or name in diary.entries]
        assert seen[:4] == ["parent", "quick", "quick", "parent"] == diary.entries[:4]
        assert film.lane("slow").ending == "cancelled"
        assert awaits(film, "parent")[0] == "await asyncio.wait_for(quick(), 60)"


def test_to_thread(there: LoopThread) -> None:
    diary = Diary()
    go = threading.Event()

    def work() -> None:
        assert go.wait(20)

    async def waits_for_thread() -> None:
        diary.note()
        await asyncio.to_thread(work)
        diary.note()

    async def goes_on() -> None:
        diary.note()
        await asyncio.sleep(0)
        diary.note()
        go.set()  # only now can the other task's thread end

    async def parent() -> None:
        diary.note()
        await asyncio.gather(waits_for_thread(), goes_on())
        diary.note()

    with record(there) as film:
        there.run(parent())
    expected = ("parent", "waits_for_thread", "goes_on", "goes_on", "waits_for_thread", "parent")
    assert film.order == tuple(diary.entries) == expected
    assert awaits(film, "waits_for_thread") == ["await asyncio.to_thread(work)", None]


def test_async_generators(there: LoopThread) -> None:
    diary = Diary()

    async def numbers() -> AsyncIterator[int]:
        for number in range(2):
            await asyncio.sleep(0)
            diary.note()
            yield number

    async def reader() -> None:
        diary.note()
        async for _ in numbers():
            pass
        source = numbers()
        await anext(source)
        await source.aclose()
        diary.note()
        await asyncio.sleep(0)
        diary.note()

    with record(there) as film:
        there.run(reader())
    # Between the last number of the first loop and the first of the second generator nothing suspends.
    assert len(film.steps) == 5
    assert awaits(film, "reader") == ["await asyncio.sleep(0)"] * 4 + [None]
    functions = [step.let_go.function.rpartition(".")[2] for step in film.steps if step.let_go]
    assert functions == ["numbers", "numbers", "numbers", "reader"]


def test_awaitable_objects_and_generators_in_the_chain(there: LoopThread) -> None:
    class Gate:
        def __await__(self):  # type: ignore[no-untyped-def]
            yield from asyncio.sleep(0).__await__()
            return (yield from inner().__await__())

    async def inner() -> None:
        await asyncio.sleep(0)

    async def outer() -> None:
        await Gate()

    with record(there) as film:
        there.run(outer())
    assert [step.let_go.function.rpartition("<locals>.")[2] for step in film.steps if step.let_go] == [
        "Gate.__await__",
        "inner",
    ]


def test_callbacks_of_the_learner_are_lanes(there: LoopThread) -> None:
    seen: list[str] = []

    def tick(what: str) -> None:
        seen.append(what)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        seen.append("main")
        loop.call_soon(tick, "tick")
        loop.call_soon(tick, "tick")
        await asyncio.sleep(0)
        seen.append("main")

    with record(there) as film:
        there.run(main())
    assert film.order == tuple(seen) == ("main", "tick", "tick", "main")
    assert film.lane("tick").kind == "callback"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_eager_tasks(there: LoopThread) -> None:
    entries: list[str] = []

    async def eager() -> None:
        entries.append("eager, inside parent")
        await asyncio.sleep(0)
        entries.append("eager")

    async def at_once() -> None:
        entries.append("at_once, inside parent")

    async def parent() -> None:
        entries.append("parent")
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        try:
            first, second = asyncio.create_task(eager()), asyncio.create_task(at_once())
        finally:
            loop.set_task_factory(None)
        await asyncio.sleep(0)
        entries.append("parent")
        await asyncio.gather(first, second)

    with record(there) as film:
        there.run(parent())
    assert entries == ["parent", "eager, inside parent", "at_once, inside parent", "eager", "parent"]
    # Decided: an eager task's first stretch is part of the step that made it, as it is for the loop; its lane begins
    # with its first step of its own, and says that it was born so. One that never suspends has no lane.
    assert film.order[:3] == ("parent", "eager", "parent")
    assert film.lane("eager").born == "eager"
    assert film.steps_of("eager")[0].resumed is not None
    assert film.steps_of("eager")[0].resumed.code == "await asyncio.sleep(0)"  # type: ignore[union-attr]
    assert not any(lane.name == "at_once" for lane in film.lanes)


def test_a_timer_that_came_late_belongs_to_who_sleeps_on_it(there: LoopThread) -> None:
    def tick() -> None: ...

    async def sleeper() -> None:
        await asyncio.sleep(0.03)

    async def blocker() -> None:
        asyncio.get_running_loop().call_later(0.03, tick)
        time.sleep(0.25)  # begins when both timers are set, and outlasts them

    async def main() -> None:
        await asyncio.gather(sleeper(), blocker())
        await asyncio.sleep(0)

    with record(there) as film:
        there.run(main())
    late = {film.lanes[late.lane].name: late for late in film.lates}
    block = next(block for block in film.blocks if block.place and block.place.code == "time.sleep(0.25)")
    for name in ("sleeper", "tick"):
        assert late[name].start <= block.end <= late[name].end
        assert late[name].end - late[name].start >= 20_000_000
        assert late[name].end <= film.steps_of(name)[-1].end
    assert film.lanes[block.lane].name == "blocker"


def test_who_started_the_loop_does_not_block_it() -> None:
    # Library code that holds the loop for long: a function compiled under the name of a library's file.
    names: dict[str, Callable[[], None]] = {}
    source = "import time\ndef hold(): time.sleep(0.2)\n"
    exec(compile(source, asyncio.__file__, "exec"), names)  # type: ignore[arg-type]

    async def main() -> Recording:
        async with record(here=True) as film:
            asyncio.get_running_loop().call_soon(names["hold"])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return film

    film = asyncio.run(main())
    # On a busy machine the learner's own steps may take long too.
    block = max(
        (block for block in film.blocks if film.lanes[block.lane].kind == "internal"),
        key=lambda block: block.end - block.start,
    )
    assert block.end - block.start >= 195_000_000
    assert block.place is None


def test_a_film_that_begins_and_ends_in_the_middle_of_a_step() -> None:
    async def other() -> None:
        await asyncio.sleep(0)

    async def main() -> Recording:
        film = record(asyncio.get_running_loop())
        async with film:
            task = asyncio.create_task(other())
            await asyncio.sleep(0)
            await task
        return film

    film = asyncio.run(main())
    assert film.order == ("main", "other", "main", "other", "main")
    first, last = film.steps[0], film.steps[-1]
    assert (first.start, code(first)) == (0, "await asyncio.sleep(0)")
    assert last.open
    assert last.end == film.trace.end


def test_idle_time_and_steps_do_not_overlap(there: LoopThread) -> None:
    async def main() -> None:
        for _ in range(3):
            await asyncio.sleep(0.002)

    with record(there) as film:
        there.run(main())
    assert film.trace.idle_known
    spans = sorted([(idle.start, idle.end) for idle in film.idles] + [(step.start, step.end) for step in film.steps])
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(spans))
    naps = [idle for idle in film.idles if film.steps[0].end <= idle.start and idle.end <= film.steps[-1].start]
    assert len(naps) >= 3
