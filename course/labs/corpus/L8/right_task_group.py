"""One task reads and another one watches the clock; the first to end, ends both.

right
"""

import asyncio
import hmac
import json
import time

from fastapi import APIRouter, FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ValidationError, constr

router = APIRouter()
chat = {}


class Said(BaseModel):
    text: constr(strict=True, min_length=1, max_length=200)


async def until_over(seconds):
    await asyncio.sleep(seconds)
    return 3000


async def first_message(websocket):
    message = json.loads(await websocket.receive_text())
    claims, signed = message["token"].rsplit(":", 1)
    right = hmac.new(b"ihlamur", claims.encode(), "sha256").hexdigest()
    name, end = claims.rsplit(":", 1)
    if message["type"] != "hello" or not hmac.compare_digest(signed.encode(), right.encode()):
        raise ValueError("no good token")
    return name, float(end) - time.time()


async def listen(websocket, name):
    count, since = 0, time.monotonic()
    while True:
        event = await websocket.receive()
        if event["type"] == "websocket.disconnect":
            return None
        if "bytes" in event and event["bytes"] is not None:
            return 1003
        if len(event["text"].encode()) > 2000:
            return 1009
        if time.monotonic() - since >= 0.4:
            count, since = 0, time.monotonic()
        count += 1
        if count > 10:
            return 1008
        await answer(websocket, name, event["text"])


async def answer(websocket, name, text):
    try:
        message = json.loads(text)
        match message["type"]:
            case "who":
                reply = {"type": "here", "names": sorted(chat.values())}
            case "say":
                said = {"type": "said", "name": name, "text": Said(**message).text}
                for other in tuple(chat):
                    try:
                        await other.send_json(said)
                    except WebSocketDisconnect:
                        chat.pop(other, None)
                return
            case _:
                reply = {"type": "error", "error": "unknown"}
    except (ValueError, TypeError, KeyError, ValidationError):
        reply = {"type": "error", "error": "mistake"}
    await websocket.send_json(reply)


@router.websocket("/ws")
async def endpoint(websocket: WebSocket):
    if websocket.headers.get("origin") not in {None, "https://sohbet.example", "https://oyun.example"}:
        return await websocket.close(1008)
    await websocket.accept()
    try:
        name, seconds = await asyncio.wait_for(first_message(websocket), timeout=0.4)
    except WebSocketDisconnect:
        return None
    except (TimeoutError, ValueError, KeyError, TypeError, AttributeError):
        return await websocket.close(3000)
    if seconds < 0:
        return await websocket.close(3000)
    chat[websocket] = name
    await websocket.send_json({"type": "welcome", "name": name})
    tasks = [asyncio.create_task(until_over(seconds)), asyncio.create_task(listen(websocket, name))]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    chat.pop(websocket, None)
    for task in tasks:
        task.cancel()
    code = done.pop().result()
    if code is not None:
        await websocket.close(code)
    return None


app = FastAPI()
app.include_router(router)
