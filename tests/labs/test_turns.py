"""A turn: check() on a function, a quiet card on an untouched cell, a card without points, and what is kept."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from wslab.authoring.proof.corpus import program
from wslab.errors import LabError
from wslab.labs import catalogue, check, checking, hint, reset, solution
from wslab.labs.calling import Called, call, called, fault
from wslab.labs.causes import meaning_in_a_function
from wslab.labs.deadlines import Deadlines
from wslab.labs.judging import judge
from wslab.labs.lab import Check, Lab
from wslab.labs.stage import Stage
from wslab.labs.venue import Served
from wslab.labs.verdict import Misconception, Outcome, Raised, Verdict
from wslab.language import Text, use_language
from wslab.progress import store

WORD = Text(en="It works", tr="Çalışıyor")
OTHER = Misconception("other", WORD, WORD)

Asked = Callable[..., Awaitable[Verdict]]


@pytest.fixture
def asked(deadlines: Deadlines) -> Asked:
    """Judge what a learner's lines call `mine` by one coroutine over the stage."""

    async def ask(lines: str, run: Callable[[Stage], Awaitable[Text]] | None = None) -> Verdict:
        async def returns_three(stage: Stage) -> Text:
            value = await call(stage)
            if value != 3:
                raise await fault(stage, OTHER)
            return WORD

        about = Check("turn-1", WORD, 0, run or returns_three, (), (OTHER,), calls=True)
        venue = Served(Called(program(f"import asyncio, time\n\n{lines}", "mine")["mine"]))
        await venue.start()
        try:
            verdict, _ = await judge(Lab("05-accept", WORD, (about,)), about, venue, deadlines)
            return verdict
        finally:
            await venue.restart()
            await venue.stop()

    return ask


@pytest.mark.parametrize(
    ("lines", "misconception", "says"),
    [
        ("async def mine():\n    await asyncio.sleep(0)\n    return 3", "", ""),
        ("async def mine():\n    return 4", "other", ""),
        ("async def mine():\n    asyncio.sleep(0)\n    return 4", "not-awaited", "sleep"),
        (
            "async def mine():\n    1 / 0",
            "function-raised",
            "ZeroDivisionError: division by zero (<ipython-input mine>:4)",
        ),
        ("async def mine():\n    raise asyncio.CancelledError", "function-raised", "CancelledError"),
        ("def mine():\n    return 3", "no-coroutine-function", "`mine` begins with `def`"),
        ("async def part():\n    return 3\n\n\nasync def mine():\n    return part()", "returns-a-coroutine", "part()"),
        ("async def part():\n    return 3\n\n\nmine = part()", "called-already", "part"),
        ("mine = 3", "no-function", "3"),
        ("mine = ...", "no-function", "Ellipsis"),
        ("async def mine(x):\n    return 3", "other-arguments", "missing 1 required positional argument"),
        ("async def mine():\n    await asyncio.Event().wait()", "never-returns", "mine"),
        ("async def mine():\n    while True:\n        pass", "blocks-the-loop", "<ipython-input mine>:"),
        ("async def mine():\n    time.sleep(20)", "blocks-the-loop", ""),
        ("async def mine():\n    while True:\n        await asyncio.sleep(0)", "never-returns", ""),
    ],
)
async def test_whatever_a_function_does_has_a_card(asked: Asked, lines: str, misconception: str, says: str) -> None:
    begun = time.perf_counter()
    verdict = await asked(lines)
    assert verdict.misconception == misconception
    assert says in verdict.meaning.into("en")
    assert time.perf_counter() - begun < 20
    if not misconception:
        assert verdict.passed


@pytest.mark.parametrize(
    ("lines", "misconception"),
    [
        ("async def mine():\n    await part", "awaits-no-coroutine"),
        ("async def mine():\n    part().result()", "coroutine-for-value"),
        ("async def mine():\n    await prat()", "unknown-name"),
        ("async def mine():\n    with websockets.connect('ws://127.0.0.1:9'):\n        pass", "with-without-async"),
        ("async def mine():\n    await websockets.connect('ws://127.0.0.1:9').send('a')", "connection-not-opened"),
    ],
)
async def test_what_ended_a_function_is_named_and_is_its_own_codes(
    asked: Asked, lines: str, misconception: str
) -> None:
    """The exchange says that it was the learner's code that raised: no server of theirs is there."""
    verdict = await asked(f"import websockets\n\n\nasync def part():\n    return 3\n\n\n{lines}")
    assert verdict.misconception == misconception
    told = [line.what.into("en") for line in verdict.transcript]
    assert any(what.startswith("your code: ") for what in told)
    assert not any(what.startswith("the server: ") for what in told)


@pytest.mark.parametrize(
    ("text", "misconception"),
    [
        ("InvalidStatus: server rejected WebSocket connection: HTTP 403", "client-refused"),
        ("ConnectionClosedOK: sent 1000 (OK); then received 1000 (OK)", "used-after-its-end"),
        ("ConnectionClosedOK: received 1000 (OK); then sent 1000 (OK)", "function-raised"),
        ("AttributeError: 'ClientConnection' object has no attribute 'send_text'", "names-of-the-server"),
        ("AttributeError: 'str' object has no attribute 'replaced'", "no-such-attribute"),
        ("InvalidURI: url isn't a valid URI: scheme isn't ws or wss", "no-address"),
        ("AssertionError", "function-raised"),
    ],
)
def test_what_an_exception_says_about_a_client(text: str, misconception: str) -> None:
    assert meaning_in_a_function(Raised(text.partition(":")[0], text, "")).id == misconception


async def test_a_task_left_behind_is_counted_and_ended(asked: Asked) -> None:
    async def leaves_one(stage: Stage) -> Text:
        await call(stage)
        assert called(stage).left == 1
        await call(stage)
        assert called(stage).left == 1
        return WORD

    lines = "async def rest():\n    await asyncio.sleep(60)\n\n\nkept = []\n\n\n"
    lines += "async def mine():\n    kept.append(asyncio.create_task(rest()))\n    await asyncio.sleep(0)"
    assert (await asked(lines, leaves_one)).passed


async def test_the_call_after_one_that_raised_has_a_connection_of_its_own(asked: Asked) -> None:
    async def raises_again(stage: Stage) -> Text:
        for _ in range(20):
            reply = await stage.request("POST", "/call")
            assert reply is not None
            assert reply.status == 500
        return WORD

    assert (await asked("async def mine():\n    1 / 0", raises_again)).passed


# check() itself, on the course's first turn

RIGHT = """
from fastapi import FastAPI, WebSocket

door = FastAPI()


@door.websocket("/ws")
async def greet(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_text("Merhaba")
"""


def app_of(source: str) -> Any:
    return program(source, "mine")["door"]


async def test_a_turn_gives_no_points_and_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert await check("01.turn-1", app_of(RIGHT)) is None
    shown = capsys.readouterr().out
    assert "✓ 01.turn-1" in shown
    assert "your turn (passed)" in shown
    assert "points" not in shown
    (attempt,) = store().attempts("01")
    assert (attempt.check, attempt.max, attempt.verdict) == ("turn-1", 0, Outcome.PASSED)
    shown_progress = catalogue.progress()
    assert "01" not in [lab.lab for lab in shown_progress.labs]
    (unit,) = [one for one in shown_progress.units if one.unit == "01"]
    assert (unit.passed, unit.turns) == (1, len(catalogue.turns()["01"].checks))
    assert f"turns: 1/{unit.turns}" in repr(shown_progress)
    assert f"1 of {unit.turns} turns" in shown_progress._repr_html_()


async def test_a_failed_turn_names_the_folded_solution(capsys: pytest.CaptureFixture[str]) -> None:
    await check("01.turn-1", app_of(RIGHT.replace("await websocket.accept()", "pass")))
    shown = capsys.readouterr().out
    assert "✗ 01.turn-1" in shown
    assert "folded below this cell" in shown
    assert "hint(" not in shown


async def test_a_turn_without_an_app(capsys: pytest.CaptureFixture[str]) -> None:
    await check("01.turn-1", ...)
    assert "`door` is still `...`" in capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "tr"])
async def test_an_untouched_cell_has_a_quiet_card(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    monkeypatch.setattr(checking, "untouched", lambda unit: unit == "01")
    use_language(language)
    try:
        assert await check("01.turn-1", object()) is None
    finally:
        use_language("en")
    shown = capsys.readouterr().out
    assert {"en": "Your turn: ", "tr": "Sıra sizde: "}[language] in shown
    assert "✗" not in shown
    assert store().attempts("01") == ()


def test_names_that_are_no_turn() -> None:
    with pytest.raises(LabError, match=r"no \"your turn\" 'turn-99'. It has: 01\.turn-1"):
        check("01.turn-99")
    with pytest.raises(LabError, match=r"such as '01\.turn-1'"):
        check("01")
    with pytest.raises(LabError, match="fresh copy of labs alone"):
        reset("01")


def test_help_of_a_turn(capsys: pytest.CaptureFixture[str]) -> None:
    hint("01.turn-1")
    solution("01.turn-1")
    assert capsys.readouterr().out.count("folded below its cell") == 2
