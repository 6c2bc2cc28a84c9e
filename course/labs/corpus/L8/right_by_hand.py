"""Reads JSON by hand, with a token bucket, and a timer that ends the session.

right
"""

import asyncio
import contextlib
import hmac
import json
import time

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

ORIGINS = ["https://sohbet.example", "https://oyun.example"]

app = FastAPI()
guests = []


class Bucket:
    def __init__(self):
        self.left, self.at = 10.0, time.monotonic()

    def takes_one_more(self):
        now = time.monotonic()
        self.left = min(10.0, self.left + (now - self.at) * 25)
        self.at = now
        self.left -= 1
        return self.left >= 0


def owner(token):
    try:
        name, end, signed = token.rsplit(":", 2)
        right = hmac.new(b"ihlamur", f"{name}:{end}".encode(), "sha256").hexdigest()
        if hmac.compare_digest(signed.encode(), right.encode()) and float(end) > time.time():
            return name, float(end)
    except (AttributeError, ValueError):
        pass
    return None


def parsed(text):
    try:
        message = json.loads(text)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def fault_of(message):
    if message is None:
        return "no_object"
    if message.get("type") == "who":
        return None
    if message.get("type") != "say":
        return "unknown_type"
    text = message.get("text")
    return None if isinstance(text, str) and 1 <= len(text) <= 200 else "bad_text"


async def end_at(websocket, end):
    await asyncio.sleep(end - time.time())
    await websocket.close(3000, "oturum bitti")


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    origin = websocket.headers.get("origin")
    if origin is not None and origin not in ORIGINS:
        await websocket.close()
        return
    await websocket.accept()
    found = None
    try:
        first = parsed(await asyncio.wait_for(websocket.receive_text(), 0.4))
        if first and first.get("type") == "hello":
            found = owner(first.get("token"))
    except (TimeoutError, KeyError):
        pass
    except WebSocketDisconnect:
        return
    if found is None:
        await websocket.close(3000)
        return
    name, end = found
    entry = (name, websocket)
    guests.append(entry)
    timer = asyncio.create_task(end_at(websocket, end))
    bucket = Bucket()
    try:
        await websocket.send_text(json.dumps({"type": "welcome", "name": name}))
        while (event := await websocket.receive())["type"] != "websocket.disconnect":
            code = None
            if event.get("text") is None:
                code = 1003
            elif len(event["text"].encode()) > 2000:
                code = 1009
            elif not bucket.takes_one_more():
                code = 1008
            if code:
                await websocket.close(code)
                return
            message = parsed(event["text"])
            fault = fault_of(message)
            if fault:
                await websocket.send_text(json.dumps({"type": "error", "error": fault}))
            elif message["type"] == "who":
                names = sorted(other for other, _ in guests)
                await websocket.send_text(json.dumps({"type": "here", "names": names}))
            else:
                said = json.dumps({"type": "said", "name": name, "text": message["text"]})
                for _, guest in guests[:]:
                    with contextlib.suppress(Exception):
                        await guest.send_text(said)
    finally:
        timer.cancel()
        guests.remove(entry)
