"""Answers with a binary message.

fails echo: bytes-instead-of-text
"""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []


async def broadcaster():
    number = 0
    while True:
        await asyncio.sleep(PERIOD)
        number += 1
        for client in list(connected_clients):
            with suppress(Exception):
                await client.send_text(f"SUNUCU: {number}")


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
            data = await websocket.receive_text()
            await websocket.send_bytes(f"Mesajınız: {data}".encode())
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
