"""Unit 07: what holds the loop goes into a thread, waits under a deadline, or lets others in."""

from __future__ import annotations

import time
from collections.abc import Callable

from wslab.labs.calling import call, called, fault
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage
from wslab.language import Text, filled

texts = read_texts("07")

JUMPS, FEWEST = 20, 4
"""A timer that is due takes two or three turns of the loop until its task runs."""


def _slow(noted: list[str], name: str, seconds: float) -> Callable[[], str]:
    def cook() -> str:
        noted.append(f"{name} begins")
        time.sleep(seconds)
        noted.append(f"{name} ends")
        return name

    return cook


async def in_a_thread(stage: Stage) -> Text:
    """A call that blocks, and the loop goes on meanwhile."""
    noted: list[str] = []
    value = await call(stage, _slow(noted, "çay", 0.15))
    seen = filled(texts.saw("turns"), turns=called(stage).turns, value=repr(value))
    if not noted:
        raise await fault(stage, texts.wrong("never-called"), seen)
    if called(stage).turns < 5:
        raise await fault(stage, texts.wrong("holds-the-loop"), seen)
    if value != "çay":
        raise await fault(stage, texts.wrong("returns-another"), seen)
    return seen


async def beside(stage: Stage) -> Text:
    """Two calls that block, in two threads at once."""
    noted: list[str] = []
    value = await call(stage, _slow(noted, "çay", 0.15), _slow(noted, "kahve", 0.15))
    seen = filled(texts.saw("noted"), noted=", ".join(noted) or "–", value=repr(value))
    if len(noted) < 4:
        raise await fault(stage, texts.wrong("never-called"), seen)
    if called(stage).turns < 5:
        raise await fault(stage, texts.wrong("holds-the-loop"), seen)
    if not noted[1].endswith("begins"):
        raise await fault(stage, texts.wrong("one-after-the-other"), seen)
    if list(value or ()) != ["çay", "kahve"]:
        raise await fault(stage, texts.wrong("returns-another"), seen)
    return seen


async def in_time(stage: Stage) -> Text:
    """A result that comes in time is returned; where it does not, the wait ends."""
    value = await call(stage, _slow([], "çay", 0.0))
    seen = filled(texts.saw("quick"), value=repr(value))
    if value != "çay":
        raise await fault(stage, texts.wrong("returns-another"), seen)
    try:
        value = await call(stage, _slow([], "çay", 0.5))
    except Failure as failure:
        if failure.misconception.id in ("never-returns", "blocks-the-loop"):
            raise Failure(texts.wrong("waits-too-long"), failure.observed) from None
        raise
    seen = filled(texts.saw("late"), value=repr(value), ms=round(called(stage).seconds * 1000))
    if called(stage).seconds > 0.4:
        raise await fault(stage, texts.wrong("waits-too-long"), seen)
    if value is not None:
        raise await fault(stage, texts.wrong("returns-another"), seen)
    return seen


async def let_in(stage: Stage) -> Text:
    """A calculation of twenty steps, and the others get their turn between them."""
    turns: list[int] = []
    about = called(stage)

    def jump() -> None:
        turns.append(about.turns)
        end = time.perf_counter() + 0.004
        while time.perf_counter() < end:
            pass

    await call(stage, jump)
    seen = filled(texts.saw("jumped"), count=len(turns), turns=len(set(turns)) - 1)
    if len(turns) != JUMPS:
        raise await fault(stage, texts.wrong("other-count"), seen)
    if len(set(turns)) < FEWEST:
        raise await fault(stage, texts.wrong("lets-nobody-in"), seen)
    return seen


TURNS = Lab.of(
    texts,
    "07-event-loop",
    Check.of(texts, "turn-1", in_a_thread, points=0, app="order_tea", calls=True),
    Check.of(texts, "turn-2", let_in, points=0, app="count_sheep", calls=True),
    Check.of(texts, "turn-3", beside, points=0, app="order_two", calls=True),
    Check.of(texts, "turn-4", in_time, points=0, app="order_in_time", calls=True),
)
