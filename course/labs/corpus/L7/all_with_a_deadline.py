"""Gives each round of sends a fifth of a second, again and again.

fails deaf: late-for-all
waits: gone behind shutdown
"""

import asyncio
from collections import deque

from fastapi import FastAPI, WebSocket

from wslab import hang_up

HISTORY = 100

app = FastAPI()
clients = []
history = deque(maxlen=HISTORY)
newest = 0


async def publish(text):
    global newest
    newest += 1
    message = f"{newest} {text}"
    history.append((newest, message))
    sending = [asyncio.wait_for(client.send_text(message), 0.2) for client in clients]
    await asyncio.gather(*sending, return_exceptions=True)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, last: int | None = None):
    await websocket.accept()
    try:
        if last is not None and history:
            if history[0][0] > last + 1:
                await websocket.send_text(f"missed {history[0][0] - last - 1}")
            while last < newest:
                number, message = next(pair for pair in history if pair[0] > last)
                await websocket.send_text(message)
                last = number
        clients.append(websocket)
        async for text in websocket.iter_text():
            await publish(text)
    finally:
        if websocket in clients:
            clients.remove(websocket)
        hang_up(websocket)


@app.get("/")
async def state():
    return {"connected_clients": len(clients), "tasks": len(asyncio.all_tasks())}
