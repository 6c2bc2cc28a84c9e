"""Each tick asks with call_later for the next one, and nobody cancels the last of them.

fails shutdown: timer-left
"""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []
tasks = set()


async def send_all(number):
    for client in list(connected_clients):
        with suppress(Exception):
            await client.send_text(f"SUNUCU: {number}")


def tick(number):
    sending = asyncio.create_task(send_all(number))
    tasks.add(sending)
    sending.add_done_callback(tasks.discard)
    asyncio.get_running_loop().call_later(PERIOD, tick, number + 1)


@asynccontextmanager
async def lifespan(app):
    asyncio.get_running_loop().call_later(PERIOD, tick, 1)
    yield


app = FastAPI(lifespan=lifespan)


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
