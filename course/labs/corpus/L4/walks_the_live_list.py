"""Iterates over a list of its own that the handlers change during the pause.

fails meanwhile: walks-the-live-list
"""

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
clients = {}
order = []


async def reply_to(data):
    if data == "/rapor":
        await asyncio.sleep(5)
    return f"Mesajınız: {data}"


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, name: str):
    await websocket.accept()
    if (old := clients.get(name)) is not None:
        order.remove(old)
    clients[name] = websocket
    order.append(websocket)
    try:
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(await reply_to(data))
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        if clients.get(name) is websocket:
            del clients[name]
            order.remove(websocket)


@app.post("/broadcast")
async def broadcast_to_all(message: str, pause: float = 0):
    sent = 0
    for client in order:
        try:
            await client.send_text(f"SUNUCU: {message}")
            sent += 1
        except (WebSocketDisconnect, RuntimeError):
            pass
        await asyncio.sleep(pause)
    return {"sent": sent}
