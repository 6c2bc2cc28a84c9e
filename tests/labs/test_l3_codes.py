"""Wrong paths of L3 that are no program of the corpus, each named by its own check."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI, WebSocket

from wslab.labs import l3_codes as lab
from wslab.labs.stage import Stage
from wslab.labs.verdict import Verdict
from wslab.language import Text

Judge = Callable[..., Awaitable[Verdict]]
Run = Callable[[Stage], Awaitable[Text]]
Handler = Callable[[WebSocket], Awaitable[object]]


def served(handler: Handler) -> FastAPI:
    """An app whose door is right and whose inside is `handler`."""
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket, token: str = "") -> None:
        if token == lab.TOKEN:
            await websocket.accept()
            await handler(websocket)
        elif token:
            await websocket.close()
        else:
            await websocket.receive()  # the connect event
            await websocket.receive()  # nothing, until the stranger gives up

    return app


async def listens(websocket: WebSocket) -> None:
    async for _ in websocket.iter_text():
        pass


async def shouts(websocket: WebSocket) -> None:
    async for text in websocket.iter_text():
        await websocket.send_text(text.upper())


async def returns(websocket: WebSocket) -> None:
    await websocket.receive_text()


async def closes_with_the_whole_message(websocket: WebSocket) -> None:
    await websocket.close(1008, (await websocket.receive_text())[:40])


async def sends_1006(websocket: WebSocket) -> None:
    await websocket.close(1006)


async def answers_all_twice(websocket: WebSocket) -> None:
    async for text in websocket.iter_text():
        for _ in range(2):
            await websocket.send_text(f"Mesajınız: {text}")


async def forgets_the_f(websocket: WebSocket) -> None:
    async for _ in websocket.iter_text():
        await websocket.send_text("Mesajınız: {data}")


@pytest.mark.parametrize(
    ("handler", "run", "misconception"),
    [
        (returns, lab.enter, "thrown-out"),
        (shouts, lab.enter, "wrong-echo"),
        (closes_with_the_whole_message, lab.kick, "wrong-reason"),
        (closes_with_the_whole_message, lab.reason, "wrong-reason"),
        (sends_1006, lab.bye, "no-such-code"),
        (answers_all_twice, lab.enter, "answers-twice"),
        (forgets_the_f, lab.enter, "braces-not-filled-in"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_a_wrong_path_has_its_name(judged: Judge, handler: Handler, run: Run, misconception: str) -> None:
    verdict = await judged(served(handler), run)
    assert verdict.misconception == misconception
    assert str(verdict.observed)


@pytest.mark.slow
@pytest.mark.parametrize(("run", "name"), [(lab.enter, "no-echo-inside"), (lab.refuse, "no-answer-at-the-door")])
async def test_silence_has_its_name(judged: Judge, run: Run, name: str) -> None:
    assert (await judged(served(listens), run)).misconception == name


async def test_a_part_of_the_token_is_not_the_token(judged: Judge) -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket, token: str = "") -> None:
        if not token or token not in lab.TOKEN:
            await websocket.close()
            return
        await websocket.accept()
        await listens(websocket)

    assert (await judged(app, lab.refuse)).misconception == "lets-anybody-in"


async def test_1006_cannot_be_sent(judged: Judge) -> None:
    """`close(1006)` raises `ProtocolError`, and the client sees 1006."""
    porch = FastAPI()

    @porch.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(1006)

    verdict = await judged(porch, lab.warm_up)
    assert verdict.misconception == "forbidden-code"
    assert any(one.name == "ProtocolError" for one in verdict.raised)


def test_the_reasons_try_every_way_to_cut() -> None:
    """One of the Turkish reasons has a letter across byte 123, the other has not; all three are over the limit."""
    limit = lab.LONGEST_REASON
    assert all(len(text.encode()) > limit for text in (lab.PLAIN, *lab.TURKISH))
    assert len(lab.PLAIN) > limit
    whole = [text.encode()[:limit].decode(errors="ignore").encode() for text in lab.TURKISH]
    assert sorted(map(len, whole)) == [limit - 1, limit]
