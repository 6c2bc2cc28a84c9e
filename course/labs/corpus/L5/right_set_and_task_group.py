"""A set, and a task group in the lifespan, with a deadline for each send.

right
"""

import asyncio
import contextlib

from fastapi import FastAPI, WebSocket

PERIOD = 0.2
here = set()


async def say(client, text):
    with contextlib.suppress(Exception):
        async with asyncio.timeout(PERIOD):
            await client.send_text(text)


async def tick():
    number = 0
    while True:
        number += 1
        await asyncio.gather(*(say(client, f"SUNUCU: {number}") for client in here))
        await asyncio.sleep(PERIOD)


@contextlib.asynccontextmanager
async def lifespan(app):
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(tick())
        yield
        ticking.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    here.add(websocket)
    try:
        async for data in websocket.iter_text():
            await websocket.send_text(f"Mesajınız: {data}")
    finally:
        here.discard(websocket)
