"""Starlette's class of three methods, with one timer that is at first the door's and then the session's.

right
"""

import asyncio
import contextlib
import hmac
import json
import time

from fastapi import FastAPI
from starlette.endpoints import WebSocketEndpoint

app = FastAPI()
here = {}


def owner(text):
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        message = json.loads(text)
        claims, _, signed = message["token"].rpartition(":")
        right = hmac.new(b"ihlamur", claims.encode(), "sha256").hexdigest()
        name, _, end = claims.rpartition(":")
        good = message["type"] == "hello" and hmac.compare_digest(signed.encode(), right.encode())
        if good and float(end) > time.time():
            return name, float(end) - time.time()
    return None


def understood(text):
    with contextlib.suppress(ValueError):
        match json.loads(text):
            case {"type": "who"}:
                return ("who", "")
            case {"type": "say", "text": str(said)} if 0 < len(said) < 201:
                return ("say", said)
    return None


@app.websocket_route("/ws")
class Chat(WebSocketEndpoint):
    async def on_connect(self, websocket):
        self.name, self.times = None, []
        if websocket.headers.get("origin", "https://oyun.example") not in (
            "https://sohbet.example",
            "https://oyun.example",
        ):
            await websocket.close()
            return
        await websocket.accept()
        self.set_timer(websocket, 0.4)

    def set_timer(self, websocket, seconds):
        async def end():
            await asyncio.sleep(seconds)
            await websocket.close(3000)

        self.timer = asyncio.create_task(end())

    async def decode(self, websocket, message):
        return message

    async def on_receive(self, websocket, message):
        if not self.timer:
            return
        text = message.get("text")
        if text is None:
            await self.out(websocket, 1003)
        elif len(text.encode()) > 2000:
            await self.out(websocket, 1009)
        elif self.name is None:
            await self.come_in(websocket, text)
        elif self.too_many():
            await self.out(websocket, 1008)
        else:
            await self.answer(websocket, understood(text))

    async def out(self, websocket, code):
        self.timer.cancel()
        self.timer = None
        here.pop(websocket, None)
        await websocket.close(code)

    async def come_in(self, websocket, text):
        found = owner(text)
        if found is None:
            await self.out(websocket, 3000)
            return
        self.timer.cancel()
        self.name = here[websocket] = found[0]
        self.set_timer(websocket, found[1])
        await websocket.send_json({"type": "welcome", "name": self.name})

    def too_many(self):
        now = time.monotonic()
        self.times = [then for then in self.times if now - then < 0.4] + [now]
        return len(self.times) > 10

    async def answer(self, websocket, understood):
        match understood:
            case None:
                await websocket.send_json({"type": "error", "error": "mistake"})
            case ("who", _):
                await websocket.send_json({"type": "here", "names": sorted(here.values())})
            case (_, text):
                for other in list(here):
                    with contextlib.suppress(Exception):
                        await other.send_json({"type": "said", "name": self.name, "text": text})

    async def on_disconnect(self, websocket, close_code):
        here.pop(websocket, None)
        if getattr(self, "timer", None):
            self.timer.cancel()
