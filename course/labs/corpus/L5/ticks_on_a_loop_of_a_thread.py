"""Ticks on an event loop of a thread of its own, which ends with the server; the sockets belong to the server's loop.

fails shutdown: another-thread
"""

import asyncio
import threading
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []


async def broadcaster():
    number = 0
    while True:
        number += 1
        for client in list(connected_clients):
            with suppress(Exception):
                await client.send_text(f"SUNUCU: {number}")
        await asyncio.sleep(PERIOD)


@asynccontextmanager
async def lifespan(app):
    loop = asyncio.new_event_loop()
    task = loop.create_task(broadcaster())

    def run():
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    loop.call_soon_threadsafe(task.cancel)
    await asyncio.to_thread(thread.join)


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
