"""audience(): who reads, who reads slowly, who does not, and what each of them got."""

from __future__ import annotations

import asyncio
import math
import secrets
import time

from fastapi import FastAPI, WebSocket

from wslab.audience import Outcome, Outcomes, audience
from wslab.language import use_language
from wslab.serving import serve

FILLER = secrets.token_hex(10_000)


def hall() -> FastAPI:
    app = FastAPI()
    app.state.clients = []

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        app.state.clients.append(websocket)
        try:
            async for _ in websocket.iter_text():
                pass
        finally:
            app.state.clients.remove(websocket)

    return app


async def publish(app: FastAPI, count: int, skipped: str = "") -> None:
    for number in range(1, count + 1):
        due = time.perf_counter()
        for client in list(app.state.clients):
            if client.query_params["name"] != skipped:
                await client.send_text(f"{number} {due} {FILLER}")


async def test_who_reads_gets_everything_in_order() -> None:
    app = hall()
    with serve(app) as server:
        async with audience(server, reading=6, slow=0, deaf=0) as crowd:
            outcome = await crowd.during(publish(app, 5), due=5, seconds=20)
            assert [one.name for one in crowd.reading] == [client.query_params["name"] for client in app.state.clients]
            assert all([heard.number for heard in one.heard] == [1, 2, 3, 4, 5] for one in crowd.listeners)
        assert outcome.ended
        assert outcome.missed == 0
        assert 0 < outcome.median <= outcome.worst < 20
        assert outcome.by_number == tuple(max(one.heard[number].late for one in crowd.listeners) for number in range(5))
        async with asyncio.timeout(10):
            while server.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_deaf_one_reads_nothing_and_stops_the_broadcast() -> None:
    app = hall()
    with serve(app, send_buffer=4096) as server:
        async with audience(server, reading=4, slow=0, deaf=1) as crowd:
            outcome = await crowd.during(publish(app, 40), due=40, seconds=4)
    assert not outcome.ended
    assert outcome.deaf == 0
    assert outcome.worst == math.inf
    assert outcome.by_number[-1] is None
    assert outcome.missed > 0
    assert outcome.buffered > len(FILLER)
    assert outcome.held == 5


async def test_a_slow_one_gets_less_in_the_same_time() -> None:
    app = hall()
    with serve(app) as server:
        async with audience(server, reading=2, slow=1, deaf=0, pause=600) as crowd:
            await crowd.during(publish(app, 1), due=1, seconds=20)
            async with asyncio.timeout(20):
                while not crowd.slow[0].heard:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            outcome = await crowd.during(publish(app, 5), due=5, seconds=20)
    assert outcome.missed == 0
    assert outcome.slow == 1


async def test_one_that_is_left_out_has_missed_it() -> None:
    app = hall()
    with serve(app) as server:
        async with audience(server, reading=4, slow=0, deaf=0) as crowd:
            outcome = await crowd.during(publish(app, 3, skipped="reading-2"), due=3, seconds=5)
    assert outcome.missed == 0.25
    assert outcome.by_number == (None, None, None)
    assert outcome.median < math.inf


def outcome(late: float | None, **changed: object) -> Outcome:
    whole = late is not None
    plain: dict[str, object] = {
        "due": 1,
        "median": late if whole else math.inf,
        "worst": late if whole else math.inf,
        "missed": 0 if whole else 1,
        "slow": 1,
        "deaf": 0,
        "buffered": 70_000,
        "queued": 3,
        "held": 2,
        "ended": whole,
        "by_number": (late,),
    }
    return Outcome(**(plain | changed))  # type: ignore[arg-type]


def test_the_picture_and_its_table_say_the_same_in_both_languages() -> None:
    outcomes = Outcomes({"one <after> another": outcome(None), "queues": outcome(1.5)})
    shown = outcomes._repr_html_()
    assert "one &lt;after&gt; another: worst never, 1 messages missing for somebody." in shown
    assert "<td>1.50 s</td>" in shown
    assert "worst delay: never" in repr(outcomes)
    use_language("tr")
    assert "<td>1,50 s</td>" in outcomes._repr_html_()
    assert "hiç gelmedi" in outcomes._repr_html_()
