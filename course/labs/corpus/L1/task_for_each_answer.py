"""Makes a task for every answer, and the tasks overtake each other.

fails order: out-of-order
"""

import asyncio
import random

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
connected_clients = []


@app.get("/")
async def root():
    return {"connected_clients": len(connected_clients)}


async def answer(websocket, data):
    await asyncio.sleep(random.random() / 20)
    await websocket.send_text(f"Mesajınız: {data}")


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    connected_clients.append(websocket)
    try:
        while True:
            data = await websocket.receive_text()
            asyncio.create_task(answer(websocket, data))  # noqa: RUF006
            for client in list(connected_clients):
                if client is not websocket:
                    await client.send_text(f"Başka bir istemciden: {data}")
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
