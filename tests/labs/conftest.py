"""A notebook of its own for each test, and what judges an app with one check."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from wslab.labs import checking
from wslab.labs.deadlines import Deadlines, measured
from wslab.labs.judging import judge
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import Hint
from wslab.labs.stage import Stage
from wslab.labs.venue import Served
from wslab.labs.verdict import Misconception, Verdict
from wslab.language import Text

Judge = Callable[..., Awaitable[Verdict]]
RUNGS = tuple(Hint(Text(en=f"rung {n}", tr=f"basamak {n}"), "…" if n == 3 else "") for n in (1, 2, 3))


@pytest.fixture(autouse=True)
def _fresh_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "_kept", None)
    monkeypatch.setattr(checking, "_captures", {})
    monkeypatch.setattr(checking, "_tried", {})


@pytest.fixture
async def deadlines() -> AsyncIterator[Deadlines]:
    async with measured() as found:
        yield found


def a_check(run: Callable[[Stage], Awaitable[Text]], *wrong: Misconception, **options: Any) -> Check:
    return Check("it", Text(en="It works", tr="Çalışıyor"), 2, run, RUNGS, wrong, **options)


@pytest.fixture
async def judged(deadlines: Deadlines) -> AsyncIterator[Judge]:
    """Serve an app and judge it by one coroutine over the stage."""
    venues: list[Served] = []

    async def judge_it(app: Any, run: Callable[[Stage], Awaitable[Text]], **options: Any) -> Verdict:
        check = a_check(run, **options)
        lab = Lab("L0-test", Text(en="Test", tr="Deneme"), (check,))
        venue = Served(app)
        venues.append(venue)
        await venue.start()
        return (await judge(lab, check, venue, deadlines))[0]

    yield judge_it
    for venue in venues:
        await venue.restart()  # a loop that is held is left behind
        await venue.stop()
