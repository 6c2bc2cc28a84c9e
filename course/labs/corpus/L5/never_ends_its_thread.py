"""Counts in a thread that the lifespan starts and nobody ends; each send goes to the server's loop.

fails shutdown: thread-left-running
"""

import asyncio
import threading
import time
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []


def tick(loop):
    number = 0
    while True:
        number += 1
        for client in list(connected_clients):
            with suppress(Exception):
                asyncio.run_coroutine_threadsafe(client.send_text(f"SUNUCU: {number}"), loop).result(0.1)
        time.sleep(PERIOD)


@asynccontextmanager
async def lifespan(app):
    threading.Thread(target=tick, args=(asyncio.get_running_loop(),), daemon=True).start()
    yield


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
