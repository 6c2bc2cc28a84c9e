"""Sends by tasks and waits for them; asyncio.wait() does not take an empty set.

fails none: nobody-raises
fails meanwhile: one-pause-for-all
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
    done, _ = await asyncio.wait([asyncio.create_task(tell(client, message)) for client in clients.values()])
    await asyncio.sleep(pause)
    return {"sent": sum(task.result() for task in done)}


async def tell(client, message):
    try:
        await client.send_text(f"SUNUCU: {message}")
    except (WebSocketDisconnect, RuntimeError):
        return False
    return True
