"""A plain ASGI middleware keeps everybody's `send`; the app behind it only answers.

right
"""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
sends = set()


class Ticked:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return

        async def noticing(message):
            await send(message)
            if message["type"] == "websocket.accept":
                sends.add(send)

        try:
            await self.app(scope, receive, noticing)
        finally:
            sends.discard(send)


async def tick():
    number = 0
    while True:
        await asyncio.sleep(PERIOD)
        number += 1
        for send in sends.copy():
            with suppress(Exception):
                await send({"type": "websocket.send", "text": f"SUNUCU: {number}"})


@asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(tick())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


app = FastAPI(lifespan=lifespan)
app.add_middleware(Ticked)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await websocket.send_text(f"Mesajınız: {await websocket.receive_text()}")
