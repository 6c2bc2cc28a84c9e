"""A task group of a reader and a writer, which an exception of either ends.

right
"""

import asyncio
from collections import deque

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from wslab import hang_up

QUEUE = 32
HISTORY = 100

app = FastAPI()
queues = set()
history = deque(maxlen=HISTORY)
newest = 0


class Over(Exception):
    """The connection is to end."""


class Place(asyncio.Queue):
    """A queue that says by itself when it is too full."""

    def __init__(self):
        super().__init__(QUEUE)
        self.overflows = asyncio.Event()

    def offer(self, message):
        try:
            self.put_nowait(message)
        except asyncio.QueueFull:
            self.overflows.set()


def publish(text):
    global newest
    newest += 1
    history.append((newest, f"{newest} {text}"))
    for queue in queues:
        queue.offer(history[-1][1])


async def read(websocket):
    try:
        while True:
            publish(await websocket.receive_text())
    except WebSocketDisconnect:
        raise Over from None


async def write(websocket, queue, missed):
    try:
        for message in missed:
            await websocket.send_text(message)
        while True:
            await websocket.send_text(await queue.get())
    except WebSocketDisconnect:
        raise Over from None


async def guard(queue):
    await queue.overflows.wait()
    raise Over


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, last: int | None = None):
    await websocket.accept()
    queue = Place()
    missed = []
    if last is not None:
        missed = [message for number, message in history if number > last]
        if history and history[0][0] > last + 1:
            missed.insert(0, f"missed {history[0][0] - last - 1}")
    queues.add(queue)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(read(websocket))
            group.create_task(write(websocket, queue, missed))
            group.create_task(guard(queue))
    except* Over:
        pass
    finally:
        queues.discard(queue)
        hang_up(websocket)


@app.get("/")
async def state():
    return {"connected_clients": len(queues), "tasks": len(asyncio.all_tasks())}
