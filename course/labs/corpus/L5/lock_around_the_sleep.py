"""One lock for whoever sends, and the broadcaster holds it while it sleeps.

fails echo: echo-waits-for-tick
"""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []


async def broadcaster(sending):
    number = 0
    while True:
        async with sending:
            await asyncio.sleep(PERIOD)
            number += 1
            for client in list(connected_clients):
                with suppress(Exception):
                    await client.send_text(f"SUNUCU: {number}")


@asynccontextmanager
async def lifespan(app):
    app.state.sending = asyncio.Lock()
    task = asyncio.create_task(broadcaster(app.state.sending))
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
            async with app.state.sending:
                await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
