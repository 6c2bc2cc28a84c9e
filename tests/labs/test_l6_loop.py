"""What L6 knows without a server: the right answers, and when a bystander counts as held up."""

from __future__ import annotations

import asyncio
import statistics

import pytest
from fastapi import FastAPI, WebSocket
from tests.labs.conftest import Judge

from wslab.labs.l6_loop import Beside, is_echo, is_result, primes_below, result_of
from wslab.labs.stage import Client, Message, Stage
from wslab.language import Text


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 10, 26, 100, 121, 122])
def test_the_sieve_counts_what_the_given_function_counts(limit: int) -> None:
    the_long_way = sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in range(2, limit))
    assert primes_below(limit) == the_long_way


def test_the_answers_of_the_task() -> None:
    assert result_of(100) == "100 → 25"
    assert is_result(Message("100 → 25", 0.0))
    assert not is_result(Message("Mesajınız: work 100", 0.0))
    assert is_echo(Message("Mesajınız: work 100", 0.0))


@pytest.mark.parametrize(
    ("trips", "held_up"),
    [
        ((), True),
        ((0.3,), True),
        ((0.002, 0.36, 0.004), True),
        ((0.02,) * 20, False),
        ((0.002, 0.2, 0.004, 0.004), False),
    ],
    ids=["none", "one on its way", "one takes nearly all", "many", "one hiccup"],
)
def test_held_up_is_a_ratio(trips: tuple[float, ...], held_up: bool) -> None:
    assert Beside(idle=0.001, trips=trips, whole=0.4).held_up is held_up


async def test_a_loop_that_sends_line_after_line_leaves_its_clients_the_interpreter(judged: Judge) -> None:
    app = FastAPI()
    lines = 400

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            for number in range(lines if text == "flood" else 1):
                await websocket.send_text(f"{number} → {sum(range(20_000))}")
                await asyncio.sleep(0)

    counts: list[int] = []

    async def trips_beside_a_flood(stage: Stage, alice: Client, bob: Client) -> int:
        wanted = len(alice.messages) + lines
        await alice.send("flood")
        trips = 0
        while len(alice.messages) < wanted:
            await bob.send("Selam")
            assert await bob.next(within=10)
            trips += 1
        return trips

    async def run(stage: Stage) -> Text:
        alice, bob = [await stage.connect(who) for who in "AB"]
        counts.extend([await trips_beside_a_flood(stage, alice, bob) for _ in range(5)])
        return Text(en="seen", tr="görüldü")

    assert (await judged(app, run)).passed
    assert statistics.median(counts) >= 20, counts
