"""Run by test_nesting: films a loop that runs itself again inside one of its steps. Ends with 0 if all is right."""

from __future__ import annotations

import asyncio
import importlib
import sys
import time

from wslab.recording import record


def main(package: str, when: str) -> None:
    patch = importlib.import_module(package)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    entries: list[str] = []

    async def inner() -> None:
        entries.append("inner")
        await asyncio.sleep(0.12)  # longer than the threshold, but idle: nothing is blocked
        entries.append("inner")

    async def beside() -> None:
        entries.append("beside")
        await asyncio.sleep(0.03)  # wakes while the outer step waits for the inner loop
        entries.append("beside")

    async def outer() -> None:
        entries.append("outer")
        other = asyncio.create_task(beside())
        loop.run_until_complete(inner())
        time.sleep(0.3)  # this blocks, in the outer step itself
        await other
        entries.append("outer")
        await asyncio.sleep(0)
        entries.append("outer")

    async def everything() -> None:
        if when == "after":
            patch.apply()
        # A task that is older than the patch is of C, one that is younger is of Python: both must be seen.
        await asyncio.create_task(outer())

    if when == "before":
        patch.apply()
    with record(loop) as film:
        loop.run_until_complete(everything())

    order = [name for name in film.order if name != "everything"]
    assert entries == ["outer", "beside", "inner", "beside", "inner", "outer", "outer"], entries
    # `await other` does not suspend, for the other is done: the first step of outer goes on to `sleep(0)`.
    assert order == ["outer", "beside", "inner", "beside", "inner", "outer"], order
    around = film.steps_of("outer")[0]
    assert [step.inside for step in film.steps_of("inner")] == [around.number] * 2
    assert [step.inside for step in film.steps_of("beside")] == [around.number] * 2
    assert film.steps_of("outer")[1].inside == 0
    # The outer step lasts 0.42 s and more, but the loop was idle in it, so it held the loop for its own part alone.
    idle = sum(idle.end - idle.start for idle in film.idles if around.start <= idle.start and idle.end <= around.end)
    inside = sum(step.end - step.start for step in film.steps if step.inside == around.number)
    assert idle >= 60_000_000, idle
    assert 295_000_000 <= around.own <= around.end - around.start - idle - inside
    # On a busy machine other stretches may take long too, so the block is found by its line.
    lines = {block.place.code: film.lanes[block.lane].name for block in film.blocks if block.place is not None}
    assert lines.get("time.sleep(0.3)") == "outer", film.blocks
    assert all(idle.end <= around.end or idle.start >= around.end for idle in film.idles)


main(*sys.argv[1:])
