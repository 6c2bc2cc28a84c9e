"""Never takes anybody off the list, and the first send to one that is gone ends the task.

fails survive: dies-with-a-client
"""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2


async def broadcaster(clients):
    number = 0
    while True:
        await asyncio.sleep(PERIOD)
        number += 1
        for client in clients:
            await client.send_text(f"SUNUCU: {number}")


@asynccontextmanager
async def lifespan(app):
    app.state.clients = []
    task = asyncio.create_task(broadcaster(app.state.clients))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    app.state.clients.append(websocket)
    try:
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
