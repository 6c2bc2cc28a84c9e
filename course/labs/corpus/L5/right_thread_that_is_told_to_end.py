"""Counts in a thread that an event ends and the lifespan waits for; each send goes to the server's loop.

right
"""

import asyncio
import threading
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []


def tick(loop, over):
    number = 0
    while not over.wait(PERIOD):
        number += 1
        for client in list(connected_clients):
            with suppress(Exception):
                asyncio.run_coroutine_threadsafe(client.send_text(f"SUNUCU: {number}"), loop).result(0.1)


@asynccontextmanager
async def lifespan(app):
    over = threading.Event()
    thread = threading.Thread(target=tick, args=(asyncio.get_running_loop(), over), daemon=True)
    thread.start()
    yield
    over.set()
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
