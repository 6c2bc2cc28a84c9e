"""Keeps no history, and takes no notice of the number.

fails resume: no-replay
waits: missed herd
"""

import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from wslab import hang_up

QUEUE = 32

app = FastAPI()
clients = {}
newest = 0


def publish(text):
    global newest
    newest += 1
    message = f"{newest} {text}"
    for queue, writer in clients.items():
        if queue.full():
            writer.cancel()
        else:
            queue.put_nowait(message)


async def read(websocket):
    async for text in websocket.iter_text():
        publish(text)


async def write(websocket, queue, missed):
    with suppress(WebSocketDisconnect):
        for message in missed:
            await websocket.send_text(message)
        while True:
            await websocket.send_text(await queue.get())


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, last: int | None = None):
    await websocket.accept()
    queue = asyncio.Queue(QUEUE)
    reader = asyncio.create_task(read(websocket))
    writer = asyncio.create_task(write(websocket, queue, []))
    clients[queue] = writer
    await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
    del clients[queue]
    reader.cancel()
    writer.cancel()
    hang_up(websocket)


@app.get("/")
async def state():
    return {"connected_clients": len(clients), "tasks": len(asyncio.all_tasks())}
