"""The document's own way: `on_event`, and a reference to the task, where no lifespan is given.

right
"""

import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []
app = FastAPI()


async def broadcaster():
    number = 0
    while True:
        await asyncio.sleep(PERIOD)
        number += 1
        for client in list(connected_clients):
            with suppress(Exception):
                await client.send_text(f"SUNUCU: {number}")


@app.on_event("startup")
async def startup():
    app.state.task = asyncio.create_task(broadcaster())


@app.on_event("shutdown")
async def stop():
    app.state.task.cancel()
    with suppress(asyncio.CancelledError):
        await app.state.task


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    connected_clients.append(websocket)
    try:
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
