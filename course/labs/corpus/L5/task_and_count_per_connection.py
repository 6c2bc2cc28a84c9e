"""Starts a broadcaster for each client in the handler, and each of them counts for itself and speaks to all.

fails one: task-per-connection
fails shutdown: left-running
"""

import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []
tasks = set()


async def broadcaster():
    number = 0
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
