"""What L5 takes for a tick, and what it says of an app that never comes up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from fastapi import FastAPI, WebSocket

from wslab.labs import checking
from wslab.labs.l5_broadcaster import PERIOD, number_of, shutdown, ticks
from wslab.labs.stage import Message
from wslab.labs.verdict import Verdict

Judge = Callable[..., Awaitable[Verdict]]


@pytest.mark.parametrize(
    ("data", "number"),
    [
        ("SUNUCU: 7", 7),
        ("SUNUCU: 12 ", 12),
        (b"SUNUCU: 7", 7),
        ("SUNUCU: yedi", None),
        ("SUNUCU: 7 tik", None),
        ("Mesajınız: 7", None),
    ],
)
def test_a_tick_is_the_prefix_and_a_number(data: str | bytes, number: int | None) -> None:
    assert number_of(Message(data, 0.0)) == number


def speaking(first: str, *, after_a_message: bool = False) -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        if first and not after_a_message:
            await websocket.send_text(first)
        async for _ in websocket.iter_text():
            if first:
                await websocket.send_text(first)

    return app


@pytest.mark.slow
@pytest.mark.parametrize(
    ("app", "misconception"),
    [
        (speaking("SUNUCU: tik tak"), "other-tick"),
        (speaking("SUNUCU: 1", after_a_message=True), "ticks-only-on-traffic"),
        (speaking(""), "never-ticks"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_silence_has_three_names(judged: Judge, app: FastAPI, misconception: str) -> None:
    verdict = await judged(app, ticks, budget=20.0)
    assert verdict.misconception == misconception


@pytest.mark.slow
async def test_awaiting_the_broadcaster_in_startup_is_told_as_an_app_that_does_not_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def broadcaster() -> None:
        await asyncio.Event().wait()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await broadcaster()
        yield

    assert await checking.check("L5.ticks", FastAPI(lifespan=lifespan)) == 0
    assert "Look at what runs when it starts: the lifespan" in capsys.readouterr().out


@pytest.mark.slow
async def test_a_task_on_the_notebooks_own_loop_does_not_belong_to_the_server(judged: Judge) -> None:
    """Started in a cell, it goes on where no server runs."""
    clients: list[WebSocket] = []
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        clients.append(websocket)
        try:
            async for _ in websocket.iter_text():
                pass
        finally:
            clients.remove(websocket)

    async def broadcaster() -> None:
        number = 0
        while True:
            number += 1
            for client in list(clients):
                with suppress(Exception):
                    await client.send_text(f"SUNUCU: {number}")
            await asyncio.sleep(PERIOD)

    task = asyncio.create_task(broadcaster())
    try:
        verdict = await judged(app, shutdown, budget=25.0)
    finally:
        task.cancel()
    assert (verdict.misconception, verdict.points) == ("outlives-the-server", 0)
