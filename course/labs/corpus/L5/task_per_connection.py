"""Starts the broadcaster in the handler, once for each client, and never ends it.

fails one: task-per-connection
fails shutdown: left-running
"""

import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []
tasks = set()
number = 0


async def broadcaster():
    global number
    while True:
        await asyncio.sleep(PERIOD)
        number += 1
        for client in list(connected_clients):
            with suppress(Exception):
                await client.send_text(f"SUNUCU: {number}")


app = FastAPI()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    connected_clients.append(websocket)
    tasks.add(asyncio.create_task(broadcaster()))
    try:
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
