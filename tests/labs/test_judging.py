"""One loop turns checks into verdicts, for a notebook, a class and the proof alike."""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket

from wslab.labs import general
from wslab.labs.failure import Failure
from wslab.labs.judging import judge_app
from wslab.labs.lab import Check, Lab
from wslab.labs.stage import Stage
from wslab.labs.venue import NotServed, Served
from wslab.labs.verdict import NOTHING, Verdict
from wslab.language import Text

TITLE = Text(en="A check", tr="Bir sınama")


class Counted(Served):
    """A venue that notes when a check begins and ends."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.steps: list[str] = []

    def begin(self, check: str) -> None:
        super().begin(check)
        self.steps.append(f"begin {check}")

    def end(self) -> None:
        super().end()
        self.steps.append("end")


async def fails(stage: Stage) -> Text:
    raise Failure(general.UNFORESEEN)


def lab_of(*runs: Any) -> Lab:
    return Lab("L0-test", TITLE, tuple(Check(f"c{n}", TITLE, 1, run, (), ()) for n, run in enumerate(runs)))


async def verdicts_of(lab: Lab, venue: Served, give_up_after: float) -> list[Verdict]:
    try:
        return [verdict async for verdict in judge_app(lab, lab.checks, venue, give_up_after=give_up_after)]
    finally:
        await venue.stop()


@pytest.mark.parametrize(
    ("give_up_after", "found"),
    [(math.inf, ["unforeseen"] * 4), (0.0, ["unforeseen"] * 2 + ["not-reached"] * 2)],
)
async def test_a_hopeless_server_is_left_only_where_a_learner_waits(give_up_after: float, found: list[str]) -> None:
    verdicts = await verdicts_of(lab_of(fails, fails, fails, fails), Served(FastAPI()), give_up_after)
    assert [verdict.misconception for verdict in verdicts] == found


async def test_a_mistake_outranks_a_loop_that_only_seems_held(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        print(websocket.length)  # type: ignore[attr-defined]

    async def asks(stage: Stage) -> Text:
        client = await stage.connect("A")
        await client.next()
        raise await stage.silence(client)

    async def unanswered(stage: Stage) -> bool:
        return False

    monkeypatch.setattr(Stage, "alive", unanswered)
    (verdict,) = await verdicts_of(lab_of(asks), Served(app), math.inf)
    assert verdict.misconception == "no-such-attribute"


async def test_a_check_may_say_that_those_which_need_it_have_nothing_to_judge() -> None:
    async def stops(stage: Stage) -> Text:
        raise Failure(general.UNFORESEEN, TITLE).stopping(general.NEEDS_ANOTHER)

    async def passes(stage: Stage) -> Text:
        return TITLE

    checks = [
        Check("ticks", TITLE, 1, stops, (), ()),
        Check("late", TITLE, 1, passes, (), (), needs="ticks"),
        Check("free", TITLE, 1, passes, (), ()),
    ]
    venue = Counted(FastAPI())
    verdicts = await verdicts_of(Lab("L0-test", TITLE, tuple(checks)), venue, math.inf)
    assert [(one.check, one.outcome.value, one.misconception) for one in verdicts] == [
        ("ticks", "failed", "unforeseen"),
        ("late", "blocked", "needs-another"),
        ("free", "passed", ""),
    ]
    assert "`ticks`" in verdicts[1].next.into("en")
    assert verdicts[1].observed == TITLE
    assert "begin late" not in venue.steps


async def test_whatever_ends_a_check_the_venue_hears_of_it() -> None:
    venue = Counted(FastAPI())
    begun = asyncio.Event()

    async def waits(stage: Stage) -> Text:
        begun.set()
        await asyncio.Event().wait()
        return TITLE

    task = asyncio.create_task(verdicts_of(lab_of(fails, waits), venue, math.inf))
    async with asyncio.timeout(30):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The first that fails is repeated once, to see whether the app hides why.
    assert [step for step in venue.steps if step.startswith("begin")] == ["begin c0", "begin c0", "begin c1"]
    assert venue.steps[-1] == "end"


async def test_where_nothing_is_served_each_check_that_is_left_says_why() -> None:
    class Gone(Served):
        async def start(self) -> None:
            raise NotServed(general.CELL_FAILED, NOTHING)

    verdicts = await verdicts_of(lab_of(fails, fails), Gone(FastAPI()), math.inf)
    assert [verdict.misconception for verdict in verdicts] == ["cell-did-not-run"] * 2
    assert "`app`" in verdicts[0].meaning.into("en")


async def test_an_app_that_starts_only_once_is_told_as_one_that_does_not_start() -> None:
    starts = 0

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        nonlocal starts
        starts += 1
        if starts > 1:
            raise RuntimeError("only once")
        yield

    async def starts_again(stage: Stage) -> Text:
        await stage.stop_server()
        await stage.restart_server()
        return TITLE

    verdicts = await verdicts_of(lab_of(starts_again, fails), Served(FastAPI(lifespan=lifespan)), math.inf)
    assert [verdict.misconception for verdict in verdicts] == ["does-not-start"] * 2
    assert "only once" in verdicts[0].observed.into("en")


DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["checks.md", "checks.tr.md"])
async def test_the_check_that_the_documentation_shows_judges_an_echo(page: str) -> None:
    block = re.search(r"```python\n(.*?async def echo.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    assert block is not None
    # Without the future's annotations of this module, each name in it has to be there.
    names: dict[str, Any] = {}
    exec(compile(block[1], page, "exec", dont_inherit=True), names)

    async def outcome(prefix: str) -> str:
        app = FastAPI()

        @app.websocket("/ws")
        async def endpoint(websocket: WebSocket) -> None:
            await websocket.accept()
            async for text in websocket.iter_text():
                await websocket.send_text(prefix + text)

        (verdict,) = await verdicts_of(lab_of(names["echo"]), Served(app), math.inf)
        return str(verdict.misconception or verdict.outcome)

    assert [await outcome(prefix) for prefix in ("Mesajınız: ", "")] == ["passed", "no-prefix"]
    for id in re.findall(r'texts\.wrong\("(.+?)"\)', block[1]):
        assert names["texts"].wrong(id)
