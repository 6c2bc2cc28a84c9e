"""A verdict comes whatever the server does: it hangs, blocks the loop, dies, raises, or answers nobody."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI, WebSocket

from wslab.labs import general
from wslab.labs.deadlines import Deadlines, Overdue
from wslab.labs.failure import Failure, Waits
from wslab.labs.stage import Stage
from wslab.labs.venue import Served
from wslab.labs.verdict import Misconception, Outcome, Verdict
from wslab.language import LANGUAGES, Text, filled
from wslab.serving import serve

Judge = Callable[..., Awaitable[Verdict]]
SEEN = Text(en="seen", tr="görüldü")


def app_of(handler: Callable[[WebSocket], Awaitable[None]]) -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await handler(websocket)

    return app


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def asks_once(stage: Stage) -> Text:
    client = await stage.connect("A")
    await client.send("Selam")
    answer = await client.next()
    if answer is None:
        raise await stage.silence(client)
    return SEEN


async def test_a_passing_check_earns_its_points_and_says_what_it_saw(judged: Judge) -> None:
    verdict = await judged(app_of(echo), asks_once)
    assert (verdict.outcome, verdict.points, verdict.max) == (Outcome.PASSED, 2, 2)
    assert verdict.observed == SEEN
    assert [line.arrow for line in verdict.transcript] == ["→", "←", "→", "←"]
    assert verdict.transcript[-1].what.into("tr") == "metin “Selam”"


async def test_a_handler_that_waits_for_ever_ends_in_seconds(judged: Judge) -> None:
    async def hangs(websocket: WebSocket) -> None:
        await websocket.accept()
        await asyncio.Event().wait()

    begun = time.perf_counter()
    verdict = await judged(app_of(hangs), asks_once)
    assert time.perf_counter() - begun < 15
    assert verdict.misconception == general.NO_ANSWER.id
    assert "A" in verdict.meaning.into("en")


@pytest.mark.parametrize("how", ["sleeps", "spins"])
async def test_a_blocked_loop_is_told_and_left_behind(judged: Judge, how: str) -> None:
    async def blocks(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        if how == "sleeps":
            time.sleep(30)
        while how == "spins":
            pass

    begun = time.perf_counter()
    verdict = await judged(app_of(blocks), asks_once)
    assert time.perf_counter() - begun < 15
    assert verdict.misconception == general.BLOCKS.id
    # The line that holds the loop is named.
    assert "test_engine.py" in verdict.meaning.into("en")
    with serve(app_of(echo)) as server:  # the process is as usable as before
        assert server.running


async def test_many_handlers_that_spin_leave_no_thread_behind(deadlines: Deadlines) -> None:
    async def spins_when_left(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            try:
                await websocket.receive_text()
            except Exception:
                continue

    venue = Served(app_of(spins_when_left))
    await venue.start()
    venue.begin("it")
    stage = Stage(venue, deadlines)
    clients = [await stage.connect(str(number)) for number in range(10)]
    await asyncio.gather(*(client.reset() for client in clients))
    held = venue._server
    assert held is not None
    await venue.restart()
    venue.end()
    await venue.stop()
    await asyncio.to_thread(held.thread.join, 20)
    assert not held.thread.is_alive()


async def test_a_handler_that_ends_the_program_is_told(judged: Judge) -> None:
    async def exits(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        asyncio.get_running_loop().call_soon(sys.exit)
        await asyncio.Event().wait()

    verdict = await judged(app_of(exits), asks_once)
    assert verdict.misconception == general.DIED.id


async def test_an_exception_is_named_with_its_line(judged: Judge) -> None:
    async def raises(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        raise ZeroDivisionError("seven by zero")

    verdict = await judged(app_of(raises), asks_once)
    assert verdict.misconception == general.HANDLER_RAISED.id
    assert "ZeroDivisionError: seven by zero (test_engine.py:" in verdict.meaning.into("tr")
    assert [one.name for one in verdict.raised] == ["ZeroDivisionError"]


async def test_a_coroutine_that_nobody_awaited_is_named(judged: Judge) -> None:
    async def forgets(websocket: WebSocket) -> None:
        await websocket.accept()
        websocket.send_text(await websocket.receive_text())  # type: ignore[unused-coroutine]
        await websocket.receive_text()

    verdict = await judged(app_of(forgets), asks_once)
    assert verdict.misconception == general.NOT_AWAITED.id
    assert "WebSocket.send_text" in verdict.meaning.into("en")


async def test_a_handler_that_ends_too_early(judged: Judge) -> None:
    async def done(websocket: WebSocket) -> None:
        await websocket.accept()

    verdict = await judged(app_of(done), asks_once)
    assert verdict.misconception == general.ENDED.id
    assert "1006" in verdict.observed.into("en")


@pytest.mark.parametrize(
    ("handler", "misconception"),
    [
        ("stub", general.NEVER_ACCEPTED),
        ("closes", general.REFUSED),
        ("raises", general.HANDLER_RAISED),
        ("waits", general.HANDSHAKE_HANGS),
        ("nowhere", general.NO_HANDLER),
    ],
)
async def test_each_way_of_not_accepting_has_its_sentence(
    judged: Judge, handler: str, misconception: Misconception
) -> None:
    async def handle(websocket: WebSocket) -> None:
        if handler == "closes":
            await websocket.close()
        if handler == "raises":
            raise RuntimeError("token")
        if handler == "waits":
            await asyncio.Event().wait()

    app = FastAPI() if handler == "nowhere" else app_of(handle)
    verdict = await judged(app, asks_once)
    assert verdict.misconception == misconception.id
    assert verdict.outcome is Outcome.FAILED


async def test_a_check_that_needs_another_waits_for_it(judged: Judge) -> None:
    verdict = await judged(FastAPI(), asks_once, needs="accept")
    assert (verdict.outcome, verdict.points) == (Outcome.BLOCKED, 0)
    assert verdict.misconception == general.NEEDS_ANOTHER.id
    assert "`accept`" in verdict.next.into("tr")


async def test_a_check_can_wait_by_itself(judged: Judge) -> None:
    async def ghosts(stage: Stage) -> Text:
        raise Waits("count", general.GHOSTS, SEEN, count=3)

    verdict = await judged(app_of(echo), ghosts)
    assert (verdict.outcome, verdict.misconception) == (Outcome.BLOCKED, general.GHOSTS.id)


async def test_a_failure_may_earn_a_part(judged: Judge) -> None:
    async def half(stage: Stage) -> Text:
        raise Failure(general.UNFORESEEN, SEEN).earning(1)

    assert (await judged(app_of(echo), half)).points == 1


async def test_a_check_that_never_ends_is_broken_off(judged: Judge) -> None:
    async def waits(stage: Stage) -> Text:
        await asyncio.Event().wait()
        return SEEN

    verdict = await judged(app_of(echo), waits, budget=0.3)
    assert verdict.misconception == general.TOO_LONG.id


async def test_a_fault_of_the_check_is_not_the_learners(judged: Judge) -> None:
    async def stumbles(stage: Stage) -> Text:
        raise IndexError("no such thing")

    verdict = await judged(app_of(echo), stumbles)
    assert (verdict.misconception, verdict.points, verdict.begun) == (general.STUMBLED.id, 0, False)
    assert "IndexError: no such thing" in verdict.meaning.into("en")


async def test_an_object_of_an_earlier_loop_is_explained(judged: Judge) -> None:
    async def on_another_loop(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        raise RuntimeError("<Queue at 0x1 maxsize=0> is bound to a different event loop")

    verdict = await judged(app_of(on_another_loop), asks_once)
    assert verdict.misconception == general.ANOTHER_LOOP.id


async def test_general_misconceptions_speak_every_language_and_have_names_of_their_own() -> None:
    assert len({one.id for one in general.GENERAL}) == len(general.GENERAL)
    for one in general.GENERAL:
        for text in (one.meaning, one.next):
            assert text.languages >= set(LANGUAGES)


def test_filling_in_keeps_every_language_apart() -> None:
    inner = Text(en="two", tr="iki")
    assert filled(Text(en="{n} clients, {what}", tr="{n} istemci, {what}"), n=inner, what="x") == Text(
        en="two clients, x", tr="iki istemci, x"
    )


async def test_what_was_measured_while_others_wanted_the_processor_holds_for_a_second(
    deadlines: Deadlines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wslab.labs.deadlines._HOLDS", 0.0)
    monkeypatch.setattr("wslab.labs.deadlines.contention", lambda: 8.0)
    await deadlines.renew()
    busy = deadlines.step
    assert busy >= 1.6
    monkeypatch.setattr("wslab.labs.deadlines.contention", lambda: 1.0)
    monkeypatch.setattr("wslab.labs.deadlines._HOLDS", 60.0)
    await deadlines.renew()
    assert deadlines.step == busy
    monkeypatch.setattr("wslab.labs.deadlines._HOLDS", 0.0)
    # Where this machine itself is busy, trips may be slow.
    monkeypatch.setattr(deadlines, "trip", quick)
    await deadlines.renew()
    assert deadlines.step == 0.6


async def quick() -> float:
    return 0.0001


async def test_patience_gives_a_late_answer_a_second_look(deadlines: Deadlines) -> None:
    done: list[int] = []

    async def late() -> int:
        time.sleep(0.2)  # the machine stands still, and the deadline passes meanwhile
        done.append(1)
        return 7

    assert await deadlines.in_time(late(), within=0.01) == 7
    with pytest.raises(Overdue):
        await deadlines.in_time(asyncio.sleep(60), within=0.01)
    assert await deadlines.trip() > 0
    assert 0.05 <= deadlines.settle_time <= 0.5 < deadlines.step <= 4


async def test_a_verdict_survives_as_data(judged: Judge) -> None:
    verdict = await judged(FastAPI(), asks_once)
    assert Verdict.from_data(verdict.to_data()) == verdict


def test_what_a_server_wrote_keeps_its_braces() -> None:
    misconception = Misconception("said", Text(en="It said {said}.", tr="{said} dedi."), Text(en="Look.", tr="Bakın."))
    body = '{"connected_clients": 1}'
    failure = Failure(misconception, filled(Text(en="Came {body}", tr="Gelen: {body}"), body=body), said=body)
    assert failure.observed.into("en") == f"Came {body}"
    assert failure.meaning.into("tr") == f"{body} dedi."


async def test_an_extension_is_shared_and_comes_on_top_of_a_checks_time(
    deadlines: Deadlines, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    async def measure() -> float:
        looks.append(1)
        await asyncio.sleep(0)
        return 1000.0

    monkeypatch.setattr(deadlines, "_measure", measure)
    async with deadlines.budget(60):
        assert deadlines._limit is not None
        before = deadlines._limit.when()
        assert before is not None
        assert await asyncio.gather(*(deadlines.extension() for _ in range(30))) == [1000.0] * 30
        after = deadlines._limit.when()
        assert after is not None
        assert looks == [1]
        assert 1000 <= after - before < 2000
