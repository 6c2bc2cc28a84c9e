"""A set of (name, connection) pairs; whoever comes under a name that is taken closes the old connection.

right
"""

import asyncio

from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketState

app = FastAPI()
members = set()


async def reply_to(data):
    if data == "/rapor":
        await asyncio.sleep(5)
    return f"Mesajınız: {data}"


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, name: str):
    await websocket.accept()
    before = [member for member in members if member[0] == name]
    members.difference_update(before)
    members.add((name, websocket))
    for _, old in before:
        if old.application_state is WebSocketState.CONNECTED:
            await old.close(4000, "başka yerden girildi")
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                break
            answer = await reply_to(message["text"])
            await websocket.send_text(answer)
    except Exception as error:
        print("ended:", error)
    finally:
        members.discard((name, websocket))


async def send(websocket, text):
    try:
        await websocket.send_text(text)
    except Exception:
        return 0
    return 1


@app.post("/broadcast")
async def broadcast_to_all(message: str, pause: float = 0):
    sent = 0
    for _, websocket in members.copy():
        sent += await send(websocket, "SUNUCU: " + message)
        await asyncio.sleep(pause)
    return {"sent": sent}
