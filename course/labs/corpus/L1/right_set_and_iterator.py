"""A set instead of a list, iter_text instead of a loop with an exception, sends all at once.

right
"""

import asyncio

from fastapi import FastAPI, WebSocket
from fastapi.responses import JSONResponse

app = FastAPI()
others = set()


@app.get("/")
def root():
    return JSONResponse({"message": "WebSocket Sunucusu Çalışıyor", "connected_clients": len(others)})


@app.websocket("/ws")
async def chat(socket: WebSocket):
    await socket.accept()
    others.add(socket)
    try:
        async for line in socket.iter_text():
            sends = [other.send_text("Başka bir istemciden: " + line) for other in others - {socket}]
            await asyncio.gather(socket.send_text("Mesajınız: " + line), *sends, return_exceptions=True)
    finally:
        others.discard(socket)
