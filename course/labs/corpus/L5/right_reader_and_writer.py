"""A task group around a reader and a writer, which share a queue; the lifespan's state holds the queues.

right
"""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket

PERIOD = 0.2


async def tick(queues):
    number = 0
    while True:
        await asyncio.sleep(PERIOD)
        number += 1
        for queue in queues:
            queue.put_nowait(f"SUNUCU: {number}")


@asynccontextmanager
async def lifespan(app):
    queues = set()
    task = asyncio.create_task(tick(queues))
    yield {"queues": queues}
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


app = FastAPI(lifespan=lifespan)


async def read(websocket, queue):
    while True:
        queue.put_nowait(f"Mesajınız: {await websocket.receive_text()}")


async def write(websocket, queue):
    while True:
        await websocket.send_text(await queue.get())


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    queue = asyncio.Queue()
    websocket.state.queues.add(queue)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(read(websocket, queue))
            group.create_task(write(websocket, queue))
    finally:
        websocket.state.queues.discard(queue)
