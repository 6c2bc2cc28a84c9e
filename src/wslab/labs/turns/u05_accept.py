"""Unit 05: what `await` does, what a task does, and the end of a task."""

from __future__ import annotations

from wslab.labs.calling import FunctionRaised, call, called, fault
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage
from wslab.labs.turns.company import Acts
from wslab.language import Text, filled

texts = read_texts("05")


def _noted(acts: Acts) -> Text:
    return filled(texts.saw("noted"), noted=", ".join(acts.noted) or "–")


async def order(stage: Stage) -> Text:
    """Three things, one after the other, in the asked order."""
    acts = Acts(stage)
    await call(stage, *(acts.act(name) for name in ("knock", "enter", "greet")))
    wanted = [f"{name} {how}" for name in ("knock", "enter", "greet") for how in ("begins", "ends")]
    if acts.noted == wanted:
        return _noted(acts)
    if acts.noted[:2] == ["knock begins", "enter begins"]:
        raise await fault(stage, texts.wrong("beside-each-other"), _noted(acts))
    if len(acts.noted) < len(wanted):
        raise await fault(stage, texts.wrong("not-all-run"), _noted(acts))
    raise await fault(stage, texts.wrong("another-order"), _noted(acts))


async def meanwhile(stage: Stage) -> Text:
    """The tea is begun, the table is laid meanwhile, and the tea is waited for."""
    acts = Acts(stage)
    tea = acts.act("boil", seconds=0.1, value="çay")
    value = await call(stage, tea, acts.act("lay", seconds=0.02))
    seen = _noted(acts)
    if "boil begins" not in acts.noted:
        raise await fault(stage, texts.wrong("not-all-run"), seen)
    if "lay begins" not in acts.noted:
        raise await fault(stage, texts.wrong("not-all-run"), seen)
    if acts.noted.count("boil begins") > 1 or acts.noted.count("lay begins") > 1:
        raise await fault(stage, texts.wrong("runs-twice"), seen)
    if "boil ends" not in acts.noted:
        raise await fault(stage, texts.wrong("never-waited-for"), seen)
    if acts.noted.index("lay begins") > acts.noted.index("boil ends"):
        raise await fault(stage, texts.wrong("tea-first"), seen)
    if acts.noted.index("boil begins") > acts.noted.index("lay ends"):
        raise await fault(stage, texts.wrong("table-first"), seen)
    if value != "çay":
        raise await fault(stage, texts.wrong("tea-not-returned"), texts.saw("returned"), value=repr(value))
    return seen


async def both(stage: Stage) -> Text:
    """Two questions beside each other, and both answers in order."""
    acts = Acts(stage)
    value = await call(stage, acts.act("ada", seconds=0.1, value="Ada"), acts.act("bora", seconds=0.05, value="Bora"))
    seen = _noted(acts)
    if len(acts.noted) < 4:
        raise await fault(stage, texts.wrong("not-all-run"), seen)
    if len(acts.noted) > 4:
        raise await fault(stage, texts.wrong("runs-twice"), seen)
    if acts.noted[1] not in ("ada begins", "bora begins"):
        raise await fault(stage, texts.wrong("one-after-the-other"), seen)
    if list(value or ()) != ["Ada", "Bora"]:
        raise await fault(stage, texts.wrong("other-answers"), texts.saw("returned"), value=repr(value))
    return seen


async def enough(stage: Stage) -> Text:
    """A task is begun, kept, cancelled after a while, and its end is waited for."""
    acts = Acts(stage)
    by_then: list[str] = []
    called(stage).at_return = lambda: by_then.extend(acts.noted)
    try:
        await call(stage, acts.act("watch", seconds=5))
    except Failure as failure:
        if failure.misconception.id == "never-returns":
            raise Failure(texts.wrong("waits-for-the-end"), _noted(acts)) from None
        if isinstance(failure, FunctionRaised) and "watch is cancelled" in acts.noted:
            raise Failure(texts.wrong("cancellation-escapes"), failure.observed) from None
        raise
    seen = _noted(acts)
    if "watch begins" not in acts.noted:
        raise await fault(stage, texts.wrong("never-begun"), seen)
    if acts.noted.count("watch begins") > 1:
        raise await fault(stage, texts.wrong("runs-twice"), seen)
    if called(stage).seconds < 0.04:
        raise await fault(stage, texts.wrong("no-time"), seen)
    if "watch is cancelled" not in acts.noted:
        raise await fault(stage, texts.wrong("not-cancelled"), seen)
    if "watch is cancelled" not in by_then:
        raise await fault(stage, texts.wrong("end-not-awaited"), seen)
    return seen


TURNS = Lab.of(
    texts,
    "05-accept",
    Check.of(texts, "turn-1", order, points=0, app="visit_ada", calls=True),
    Check.of(texts, "turn-2", meanwhile, points=0, app="make_tea", calls=True),
    Check.of(texts, "turn-3", both, points=0, app="ask_both", calls=True),
    Check.of(texts, "turn-4", enough, points=0, app="watch_a_while", calls=True),
)
