"""Plain ASGI in front of the app looks at the origin; inside, one deadline is moved from the door to the session.

right
"""

import asyncio
import hmac
import time
from collections import deque
from typing import Annotated, Literal

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, TypeAdapter, ValidationError


class Door:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        origins = [value for key, value in scope.get("headers", ()) if key == b"origin"]
        known = {b"https://sohbet.example", b"https://oyun.example"}
        if scope["type"] == "websocket" and not known.issuperset(origins):
            await receive()
            await send({"type": "websocket.close"})
        else:
            await self.app(scope, receive, send)


class Hello(BaseModel):
    type: Literal["hello"]
    token: str


class Who(BaseModel):
    type: Literal["who"]


class Say(BaseModel):
    type: Literal["say"]
    text: str = Field(min_length=1, max_length=200)


ANY = TypeAdapter(Annotated[Hello | Who | Say, Field(discriminator="type")])

app = FastAPI()
app.add_middleware(Door)
sockets, names = [], []


class Out(Exception):
    def __init__(self, code):
        self.code = code


def name_and_end(token):
    signed = token.split(":")[-1]
    claims = token[: -len(signed) - 1]
    right = hmac.digest(b"ihlamur", claims.encode(), "sha256").hex()
    if not hmac.compare_digest(signed.encode(), right.encode()):
        raise Out(3000)
    name, end = claims.rsplit(":", 1)
    if float(end) <= time.time():
        raise Out(3000)
    return name, float(end)


async def heard(websocket):
    match await websocket.receive():
        case {"type": "websocket.disconnect"}:
            raise WebSocketDisconnect
        case {"text": str(text)} if len(text.encode()) <= 2000:
            return text
        case {"text": str()}:
            raise Out(1009)
    raise Out(1003)


async def talk(websocket, deadline):
    try:
        hello = ANY.validate_json(await heard(websocket))
    except ValidationError:
        raise Out(3000) from None
    if not isinstance(hello, Hello):
        raise Out(3000)
    name, end = name_and_end(hello.token)
    deadline.reschedule(asyncio.get_running_loop().time() + end - time.time())
    sockets.append(websocket)
    names.append(name)
    try:
        await websocket.send_json({"type": "welcome", "name": name})
        await listen(websocket, name)
    finally:
        sockets.remove(websocket)
        names.remove(name)


async def listen(websocket, name):
    times = deque([float("-inf")] * 10, maxlen=10)
    while True:
        text = await heard(websocket)
        now = time.monotonic()
        if now - times[0] < 0.4:
            raise Out(1008)
        times.append(now)
        try:
            message = ANY.validate_json(text)
        except ValidationError as error:
            print(error)
            message = None
        match message:
            case Who():
                await websocket.send_json({"type": "here", "names": sorted(names)})
            case Say():
                said = {"type": "said", "name": name, "text": message.text}
                await asyncio.gather(*(other.send_json(said) for other in sockets), return_exceptions=True)
            case _:
                await websocket.send_json({"type": "error", "error": "mistake"})


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    try:
        async with asyncio.timeout(0.4) as deadline:
            await talk(websocket, deadline)
    except TimeoutError:
        await websocket.close(3000)
    except Out as out:
        await websocket.close(out.code)
    except WebSocketDisconnect:
        pass
