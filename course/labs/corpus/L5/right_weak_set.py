"""A weak set of connections, and the next tick by the loop's own clock.

right
"""

import asyncio
import weakref
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
screens = weakref.WeakSet()


async def say(screen, text):
    try:
        await screen.send_text(text)
    except (RuntimeError, WebSocketDisconnect):
        screens.discard(screen)


async def tick():
    loop = asyncio.get_running_loop()
    begun = loop.time()
    number = 0
    while True:
        number += 1
        await asyncio.sleep(max(0, begun + number * PERIOD - loop.time()))
        for screen in list(screens):
            await say(screen, f"SUNUCU: {number}")


@asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(tick())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    screens.add(websocket)
    async for text in websocket.iter_text():
        await websocket.send_text("Mesajınız: " + text)
    screens.discard(websocket)
