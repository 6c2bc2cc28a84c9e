"""Keeps one connection in a variable: the last that came.

fails late: newcomer-replaces
waits: one survive
"""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
current = None


async def broadcaster():
    number = 0
    while True:
        await asyncio.sleep(PERIOD)
        number += 1
        if current is not None:
            with suppress(Exception):
                await current.send_text(f"SUNUCU: {number}")


@asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(broadcaster())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    global current
    await websocket.accept()
    current = websocket
    try:
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
