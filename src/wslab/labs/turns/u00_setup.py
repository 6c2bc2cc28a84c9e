"""Unit 00: a coroutine is run by the loop that is there."""

from __future__ import annotations

import asyncio

from wslab.labs.calling import call, fault
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage
from wslab.labs.turns.company import Acts
from wslab.language import Text, filled

texts = read_texts("00")

TEA = "çay hazır"
SECOND_LOOP = ("cannot be called from a running event loop", "event loop is already running", "another loop is running")


async def run_here(stage: Stage) -> Text:
    """The coroutine is run once, to its end, and its value returned."""
    acts = Acts(stage)
    try:
        came = await call(stage, acts.act("main", value=TEA))
    except Failure as failure:
        if any(sign in failure.observed.into("en") for sign in SECOND_LOOP):
            raise Failure(texts.wrong("second-loop"), failure.observed, error=failure.error) from None
        raise
    seen = filled(texts.saw("returned"), came=f"`{came!r}`"[:80])
    if "main ends" not in acts.noted:
        begun = isinstance(came, asyncio.Future) or "main begins" in acts.noted
        raise await fault(stage, texts.wrong("not-to-its-end") if begun else texts.wrong("never-run"), seen)
    if came != TEA:
        raise await fault(stage, texts.wrong("other-value"), seen)
    if acts.noted.count("main begins") > 1:
        raise await fault(stage, texts.wrong("run-twice"), seen)
    return seen


TURNS = Lab.of(texts, "00-setup", Check.of(texts, "turn-1", run_here, points=0, app="run_here", calls=True))
