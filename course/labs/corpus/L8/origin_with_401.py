"""Refuses a page with HTTPException(401).

fails origin: another-status
"""

import asyncio
import contextlib
import hmac
import secrets
import time
from collections import deque
from typing import Annotated, Literal

from fastapi import FastAPI, HTTPException, WebSocket, WebSocketDisconnect, WebSocketException
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

ORIGINS = ("https://sohbet.example", "https://oyun.example")

app = FastAPI()
inside = {}


class Hello(BaseModel):
    type: Literal["hello"]
    token: str


class Who(BaseModel):
    type: Literal["who"]


class Say(BaseModel):
    type: Literal["say"]
    text: str = Field(min_length=1, max_length=200)


MESSAGE = TypeAdapter(Annotated[Who | Say, Field(discriminator="type")])


def signature(claims):
    return hmac.new(b"ihlamur", claims.encode(), "sha256").hexdigest()


def session(token):
    claims, _, signed = token.rpartition(":")
    if not secrets.compare_digest(signed.encode(), signature(claims).encode()):
        raise ValueError
    name, _, end = claims.rpartition(":")
    if float(end) < time.time():
        raise ValueError
    return name, float(end) - time.time()


async def receive(websocket):
    event = await websocket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    text = event.get("text")
    if text is None:
        raise WebSocketException(1003)
    if len(text.encode()) > 2000:
        raise WebSocketException(1009)
    return text


async def tell(message):
    for client in list(inside):
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await client.send_json(message)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    if websocket.headers.get("origin") not in (None, *ORIGINS):
        raise HTTPException(401)
    await websocket.accept()
    try:
        async with asyncio.timeout(0.4):
            hello = Hello.model_validate_json(await receive(websocket))
        name, seconds = session(hello.token)
    except (TimeoutError, ValueError):
        await websocket.close(3000)
        return
    inside[websocket] = name
    times = deque(maxlen=10)
    try:
        async with asyncio.timeout(seconds):
            await websocket.send_json({"type": "welcome", "name": name})
            while True:
                text = await receive(websocket)
                now = time.monotonic()
                if len(times) == 10 and now - times[0] < 0.4:
                    raise WebSocketException(1008)
                times.append(now)
                try:
                    message = MESSAGE.validate_json(text)
                except ValidationError as error:
                    await websocket.send_json({"type": "error", "error": error.errors()[0]["type"]})
                    continue
                if message.type == "who":
                    await websocket.send_json({"type": "here", "names": sorted(inside.values())})
                else:
                    await tell({"type": "said", "name": name, "text": message.text})
    except TimeoutError:
        await websocket.close(3000)
    finally:
        del inside[websocket]
