"""Counts in a thread that starts with the module and knows nothing of the server's end.

fails shutdown: outlives-the-server
"""

import asyncio
import contextlib
import threading
import time

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
app = FastAPI()
clients = {}


async def say(client, text):
    with contextlib.suppress(Exception):
        await client.send_text(text)


def tick():
    number = 0
    while True:
        time.sleep(PERIOD)
        number += 1
        for client, loop in list(clients.items()):
            if not loop.is_closed():
                loop.call_soon_threadsafe(loop.create_task, say(client, f"SUNUCU: {number}"))


threading.Thread(target=tick, daemon=True).start()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    clients[websocket] = asyncio.get_running_loop()
    try:
        while True:
            await websocket.send_text(f"Mesajınız: {await websocket.receive_text()}")
    except WebSocketDisconnect:
        pass
    finally:
        del clients[websocket]
