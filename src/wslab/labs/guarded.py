"""The guarded chat of L8 as a server with faults to choose from: what the learner's tests are judged by."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Coroutine, Mapping
from typing import Annotated, Any, Literal

from fastapi import FastAPI, WebSocket, WebSocketException
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from wslab.language import Text

SECRET = b"ihlamur"
ORIGINS = ("https://sohbet.example", "https://oyun.example")
PATIENCE = 0.4
"""Seconds in which a client has to show its token."""
_LOOKS = 20
"""How often the server looks in that time whether it has come."""
LARGEST = 2000
"""Bytes of a message."""
LONGEST = 200
"""Characters of what is said."""

RIGHT = "right"

FAULTS: Mapping[str, Text] = {
    "origin": Text(en="a page of any origin comes in", tr="her kökenden sayfa giriyor"),
    "token": Text(en="any token is taken", tr="her jeton geçiyor"),
    "expired": Text(en="an expired token is taken", tr="süresi dolmuş jeton geçiyor"),
    "mistake": Text(en="a mistake ends the connection", tr="bir yanlış bağlantıyı bitiriyor"),
    "size": Text(en="a message of any size is taken", tr="her boyda mesaj kabul ediliyor"),
}
"""What is wrong with a server, by the first part of the path under which it answers."""


def signature(claims: str) -> str:
    """What the server writes behind the claims of its tokens, as the lab's given cell does."""
    return hmac.new(SECRET, claims.encode(), "sha256").hexdigest()


def new_token(name: str, seconds: float = 60) -> str:
    """A token of the server for somebody, good for so many seconds."""
    claims = f"{name}:{time.time() + seconds:.3f}"
    return f"{claims}:{signature(claims)}"


class _Hello(BaseModel):
    type: Literal["hello"]
    token: str


class _Say(BaseModel):
    type: Literal["say"]
    text: str = Field(min_length=1, max_length=LONGEST)


class _Who(BaseModel):
    type: Literal["who"]


_MESSAGE: TypeAdapter[_Say | _Who] = TypeAdapter(Annotated[_Say | _Who, Field(discriminator="type")])


def guarded_chat() -> FastAPI:
    """An app with one guarded chat for each fault, and the right one, at `/<fault>/ws`.

    They serve a single client well enough: nobody hears of anybody else.
    """
    app = FastAPI()

    @app.websocket("/{fault}/ws")
    async def endpoint(websocket: WebSocket, fault: str) -> None:
        if websocket.headers.get("origin") not in (None, *ORIGINS) and fault != "origin":
            raise WebSocketException(1008)
        await websocket.accept()
        try:
            name, seconds = _session(await _in_time(_received(websocket, fault)), fault)
        except (TimeoutError, ValueError):
            raise WebSocketException(3000) from None
        try:
            async with asyncio.timeout(seconds):
                await websocket.send_json({"type": "welcome", "name": name})
                while True:
                    await websocket.send_json(_answer(await _received(websocket, fault), name, fault))
        except TimeoutError:
            raise WebSocketException(3000) from None

    return app


async def _received(websocket: WebSocket, fault: str) -> str:
    event = await websocket.receive()
    websocket._raise_on_disconnect(event)
    text = event.get("text")
    if text is None:
        raise WebSocketException(1003)
    if len(text.encode()) > LARGEST and fault != "size":
        raise WebSocketException(1009)
    return str(text)


async def _in_time(receiving: Coroutine[Any, Any, str]) -> str:
    """What comes within `PATIENCE` seconds, counted in short waits: a machine that stands still costs one of them.

    Raises:
        TimeoutError: nothing came.
    """
    task = asyncio.ensure_future(receiving)
    try:
        for _ in range(_LOOKS):
            await asyncio.wait({task}, timeout=PATIENCE / _LOOKS)
            if task.done():
                return task.result()
        raise TimeoutError
    finally:
        task.cancel()


def _session(text: str, fault: str) -> tuple[str, float]:
    """Whose session a first message begins, and how many seconds are left of it.

    Raises:
        ValueError: the message or its token is none of the server's.
    """
    token = _Hello.model_validate_json(text).token
    claims, _, signed = token.rpartition(":")
    if fault == "token":
        return token, 60.0
    if not secrets.compare_digest(signed.encode(), signature(claims).encode()):
        raise ValueError("not signed")
    name, _, ends = claims.rpartition(":")
    seconds = float(ends) - time.time()
    if fault == "expired":
        return name, 60.0
    if seconds <= 0:
        raise ValueError("expired")
    return name, seconds


def _answer(text: str, name: str, fault: str) -> dict[str, object]:
    try:
        message = _MESSAGE.validate_json(text)
    except ValidationError as error:
        if fault == "mistake":
            raise WebSocketException(1008) from None
        return {"type": "error", "error": error.errors()[0]["type"]}
    if isinstance(message, _Say):
        return {"type": "said", "name": name, "text": message.text}
    return {"type": "here", "names": [name]}
