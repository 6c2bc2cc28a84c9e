"""Counts in a variable of the module, so that a new start goes on where the last one ended.

fails shutdown: starts-elsewhere
"""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []
number = 0


async def broadcaster():
    global number
    while True:
        number += 1
        for client in list(connected_clients):
            with suppress(Exception):
                await client.send_text(f"SUNUCU: {number}")
        await asyncio.sleep(PERIOD)


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
    await websocket.accept()
    connected_clients.append(websocket)
    try:
        while True:
            await websocket.send_text(f"Mesajınız: {await websocket.receive_text()}")
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
