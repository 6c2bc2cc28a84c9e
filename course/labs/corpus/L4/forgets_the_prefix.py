"""Sends the bare message, as the document does.

fails each: no-prefix
"""

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
clients = {}


async def reply_to(data):
    if data == "/rapor":
        await asyncio.sleep(5)
    return f"Mesajınız: {data}"


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, name: str):
    await websocket.accept()
    clients[name] = websocket
    try:
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(await reply_to(data))
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        if clients.get(name) is websocket:
            del clients[name]


@app.post("/broadcast")
async def broadcast_to_all(message: str, pause: float = 0):
    sent = 0
    for client in list(clients.values()):
        try:
            await client.send_text(message)
            sent += 1
        except (WebSocketDisconnect, RuntimeError):
            pass
        await asyncio.sleep(pause)
    return {"sent": sent}
