"""Wrong paths of L4 that are no program of the corpus, each named by its own check."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, WebSocket
from fastapi.responses import JSONResponse

from wslab.labs import l4_broadcast as lab
from wslab.labs.stage import Stage
from wslab.labs.verdict import Verdict
from wslab.language import Text

Judge = Callable[..., Awaitable[Verdict]]
Run = Callable[[Stage], Awaitable[Text]]
Broadcast = Callable[[str, list[WebSocket]], Awaitable[object]]
ROOT = Path(__file__).parents[2]


def served(broadcast: Broadcast | None) -> FastAPI:
    app = FastAPI()
    clients: list[WebSocket] = []

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        clients.append(websocket)
        try:
            async for text in websocket.iter_text():
                await websocket.send_text(f"Mesajınız: {text}")
        finally:
            clients.remove(websocket)

    if broadcast is not None:

        @app.post("/broadcast")
        async def broadcast_to_all(message: str, pause: float = 0) -> object:
            return await broadcast(f"SUNUCU: {message}", list(clients))

    return app


async def empty(message: str, clients: list[WebSocket]) -> object: ...


async def raises(message: str, clients: list[WebSocket]) -> object:
    raise ZeroDivisionError


async def only_one(message: str, clients: list[WebSocket]) -> object:
    await clients[0].send_text(message)
    return {"sent": 1}


async def refuses(message: str, clients: list[WebSocket]) -> object:
    raise HTTPException(409, {"sent": "nobody"})


async def counts_words(message: str, clients: list[WebSocket]) -> object:
    return {"sent": "0"}


async def honest(message: str, clients: list[WebSocket]) -> object:
    return {"sent": len(clients)}


@pytest.mark.parametrize(
    ("broadcast", "run", "name"),
    [
        (None, lab.each, "no-route"),
        (None, lab.none, "no-route"),
        (None, lab.dead, "no-route"),
        (raises, lab.each, "raises"),
        (refuses, lab.none, "nobody-is-an-error"),
        (counts_words, lab.none, "no-number"),
        (empty, lab.none, "nothing-yet"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_a_wrong_path_has_its_name(judged: Judge, broadcast: Broadcast | None, run: Run, name: str) -> None:
    verdict = await judged(served(broadcast), run)
    assert verdict.misconception == name
    assert str(verdict.observed)


async def test_nobody_there_is_no_error(judged: Judge) -> None:
    assert (await judged(served(honest), lab.none)).passed


async def created(message: str, clients: list[WebSocket]) -> object:
    for client in clients:
        await client.send_text(message)
    return JSONResponse({"sent": len(clients)}, status_code=201)


@pytest.mark.parametrize("run", [lab.none, lab.each], ids=["none", "each"])
async def test_any_status_that_says_yes_will_do(judged: Judge, run: Run) -> None:
    assert (await judged(served(created), run)).passed


@pytest.mark.parametrize("run", [lab.none, lab.each, lab.dead], ids=["none", "each", "dead"])
async def test_a_redirect_is_no_route(judged: Judge, run: Run) -> None:
    app = served(None)

    @app.post("/broadcast/")
    async def with_a_slash(message: str) -> dict[str, int]:
        return {"sent": 0}

    assert (await judged(app, run)).misconception == "no-route"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broadcast", "run", "name"),
    [
        (only_one, lab.each, "only-the-first"),
        (only_one, lab.warm_up, "only-the-first"),
        (empty, lab.each, "nothing-yet"),
        (empty, lab.meanwhile, "nothing-yet"),
        (honest, lab.meanwhile, "each-first"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_silence_has_its_name(judged: Judge, broadcast: Broadcast, run: Run, name: str) -> None:
    assert (await judged(served(broadcast), run)).misconception == name


@pytest.mark.slow
async def test_a_loop_that_is_held_is_seen_where_the_machine_is_late(
    judged: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(pause: float, count: int) -> float:
        return 10.0

    monkeypatch.setattr(lab, "_own_pause", late)
    program: dict[str, Any] = {}
    exec((ROOT / "course" / "labs" / "corpus" / "L4" / "time_sleep.py").read_text(encoding="utf-8"), program)
    assert (await judged(program["app"], lab.meanwhile)).misconception == "time-sleep"
