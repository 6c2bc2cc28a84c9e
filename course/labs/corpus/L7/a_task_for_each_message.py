"""Makes a task for every message that comes in, and each takes less time than the one before.

fails numbers: speaker-out-of-order
waits: deaf gone behind resume missed herd shutdown
"""

import asyncio
import itertools
from collections import deque
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from wslab import hang_up

QUEUE = 32
HISTORY = 100

app = FastAPI()
clients = {}
history = deque(maxlen=HISTORY)
newest = 0


def publish(text):
    global newest
    newest += 1
    message = f"{newest} {text}"
    history.append((newest, message))
    for queue, writer in clients.items():
        if queue.full():
            writer.cancel()
        else:
            queue.put_nowait(message)


def missed_since(last):
    if last is None or not history:
        return []
    missed = [message for number, message in history if number > last]
    gone = history[0][0] - last - 1
    return [f"missed {gone}", *missed] if gone > 0 else missed


tasks = set()
turns = itertools.count()


async def handle(text):
    await asyncio.sleep(max(0, 0.3 - 0.03 * next(turns)))
    publish(text)


async def read(websocket):
    async for text in websocket.iter_text():
        later = asyncio.create_task(handle(text))
        tasks.add(later)
        later.add_done_callback(tasks.discard)


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
    writer = asyncio.create_task(write(websocket, queue, missed_since(last)))
    clients[queue] = writer
    await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
    del clients[queue]
    reader.cancel()
    writer.cancel()
    hang_up(websocket)


@app.get("/")
async def state():
    return {"connected_clients": len(clients), "tasks": len(asyncio.all_tasks())}
