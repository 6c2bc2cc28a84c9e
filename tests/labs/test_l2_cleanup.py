"""L2 judges a list that is right, however late the server notices that a client of an earlier check has gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from wslab.labs.l2_cleanup import LAB
from wslab.labs.stage import Stage
from wslab.labs.verdict import Outcome, Verdict
from wslab.language import Text

Judge = Callable[..., Awaitable[Verdict]]
EARLIER = "XYZ"


def counting(clients: list[WebSocket]) -> FastAPI:
    """An app that says how many clients there are; its handler is still to be written."""
    app = FastAPI()

    @app.get("/")
    async def root() -> dict[str, int]:
        return {"connected_clients": len(clients)}

    return app


async def chat(websocket: WebSocket, clients: list[WebSocket]) -> None:
    """Answer and relay, until the client has left.

    Raises:
        WebSocketDisconnect: it has.
    """
    while True:
        text = await websocket.receive_text()
        await websocket.send_text(f"Mesajınız: {text}")
        for client in list(clients):
            if client is not websocket:
                await client.send_text(f"Başka bir istemciden: {text}")


def notices_late() -> FastAPI:
    """A right server, but that its first clients leave its list only when the next one comes."""
    clients: list[WebSocket] = []
    came: list[WebSocket] = []
    next_one = asyncio.Event()
    app = counting(clients)

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        clients.append(websocket)
        came.append(websocket)
        if len(came) > len(EARLIER):
            next_one.set()
        try:
            await chat(websocket, clients)
        except WebSocketDisconnect:
            await next_one.wait()
        finally:
            clients.remove(websocket)

    return app


@pytest.mark.parametrize("name", ["normal", "others", "interleaved"])
async def test_clients_of_an_earlier_check_may_leave_the_list_late(judged: Judge, name: str) -> None:
    check = LAB.check(name)
    assert check is not None

    async def after_others(stage: Stage) -> Text:
        await asyncio.gather(*[client.close() for client in [await stage.connect(who) for who in EARLIER]])
        return await check.run(stage)

    verdict = await judged(notices_late(), after_others)
    assert verdict.outcome is Outcome.PASSED, (verdict.misconception, verdict.observed.into("en"))


@pytest.mark.parametrize("exc_info", [False, True])
@pytest.mark.parametrize("error", [WebSocketDisconnect(1000), ValueError("gone")])
async def test_who_logs_that_a_client_left_has_raised_nothing(judged: Judge, error: Exception, exc_info: bool) -> None:
    clients: list[WebSocket] = []
    app = counting(clients)

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        clients.append(websocket)
        try:
            with contextlib.suppress(WebSocketDisconnect):
                await chat(websocket, clients)
            raise error
        except (WebSocketDisconnect, ValueError):
            logging.getLogger("room").error("a client left", exc_info=exc_info)
        finally:
            clients.remove(websocket)

    check = LAB.check("others")
    assert check is not None
    verdict = await judged(app, check.run)
    assert verdict.outcome is Outcome.PASSED, (verdict.misconception, verdict.observed.into("en"))
