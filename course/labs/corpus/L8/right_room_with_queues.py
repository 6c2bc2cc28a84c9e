"""A room whose guests each have a queue and a writer; the origin is a dependency.

right
"""

import asyncio
import hmac
import time
from collections import deque
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, WebSocket, WebSocketDisconnect, WebSocketException
from pydantic import BaseModel, Field, TypeAdapter, ValidationError


class Hello(BaseModel):
    type: Literal["hello"]
    token: str

    def session(self):
        claims, _, signed = self.token.rpartition(":")
        right = hmac.new(b"ihlamur", claims.encode(), "sha256").hexdigest()
        name, _, end = claims.rpartition(":")
        if not hmac.compare_digest(signed.encode(), right.encode()) or float(end) < time.time():
            raise ValueError("no good token")
        return name, float(end) - time.time()


class Who(BaseModel):
    type: Literal["who"]

    def answer(self, room, guest):
        guest.put({"type": "here", "names": sorted(other.name for other in room)})


class Say(BaseModel):
    type: Literal["say"]
    text: Annotated[str, Field(min_length=1, max_length=200)]

    def answer(self, room, guest):
        for other in room:
            other.put({"type": "said", "name": guest.name, "text": self.text})


MESSAGE = TypeAdapter(Annotated[Who | Say, Field(discriminator="type")])


class Guest:
    def __init__(self, websocket, name):
        self.websocket = websocket
        self.name = name
        self.queue = asyncio.Queue()
        self.times = deque()

    def put(self, message):
        self.queue.put_nowait(message)

    async def write(self):
        while True:
            await self.websocket.send_json(await self.queue.get())

    async def read(self, room):
        while True:
            text = await text_of(self.websocket)
            self.count()
            try:
                message = MESSAGE.validate_json(text)
            except ValidationError:
                self.put({"type": "error", "error": "not_understood"})
            else:
                message.answer(room, self)

    def count(self):
        now = time.monotonic()
        while self.times and now - self.times[0] > 0.4:
            self.times.popleft()
        self.times.append(now)
        if len(self.times) > 10:
            raise WebSocketException(1008, "too many messages")


async def text_of(websocket):
    event = await websocket.receive()
    websocket._raise_on_disconnect(event)
    if event.get("text") is None:
        raise WebSocketException(1003, "text only")
    if len(event["text"].encode()) > 2000:
        raise WebSocketException(1009, "too large")
    return event["text"]


async def known_origin(websocket: WebSocket):
    if websocket.headers.get("origin") not in (None, "https://sohbet.example", "https://oyun.example"):
        raise WebSocketException(1008)


app = FastAPI()
room = set()


@app.websocket("/ws", dependencies=[Depends(known_origin)])
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    try:
        first = await asyncio.wait_for(text_of(websocket), 0.4)
        name, seconds = Hello.model_validate_json(first).session()
    except (TimeoutError, ValueError):
        raise WebSocketException(3000, "unauthorized") from None
    guest = Guest(websocket, name)
    guest.put({"type": "welcome", "name": name})
    room.add(guest)
    writer = asyncio.create_task(guest.write())
    try:
        await asyncio.wait_for(guest.read(room), seconds)
    except TimeoutError:
        raise WebSocketException(3000, "token expired") from None
    except WebSocketDisconnect:
        pass
    finally:
        room.discard(guest)
        writer.cancel()
