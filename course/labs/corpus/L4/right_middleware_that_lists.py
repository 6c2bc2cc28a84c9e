"""A pure ASGI middleware keeps the list: it sees who is accepted and who leaves, and the handler knows nothing of it.

right
"""

import asyncio
from urllib.parse import parse_qs

from fastapi import FastAPI, WebSocket, WebSocketDisconnect


async def reply_to(data):
    if data == "/rapor":
        await asyncio.sleep(5)
    return f"Mesajınız: {data}"


senders = {}


class Listing:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "websocket":
            return await self.app(scope, receive, send)
        name = parse_qs(scope["query_string"].decode())["name"][0]
        here = True

        async def watched_send(message):
            await send(message)
            if message["type"] == "websocket.accept":
                senders[name] = speak

        async def watched_receive():
            nonlocal here
            message = await receive()
            here = message["type"] != "websocket.disconnect"
            return message

        async def speak(text):
            if here:
                await send({"type": "websocket.send", "text": text})
            return here

        try:
            await self.app(scope, watched_receive, watched_send)
        finally:
            if senders.get(name) is speak:
                del senders[name]


app = FastAPI()
app.add_middleware(Listing)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await reply_to(await websocket.receive_text()))
    except (WebSocketDisconnect, RuntimeError):
        pass


@app.post("/broadcast")
async def broadcast_to_all(message: str, pause: float = 0):
    sent = 0
    for speak in list(senders.values()):
        try:
            sent += await speak(f"SUNUCU: {message}")
        except Exception as error:
            print("gone:", error)
        await asyncio.sleep(pause)
    return {"sent": sent}
