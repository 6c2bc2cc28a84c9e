"""An anyio task group in the lifespan, and one event that each tick replaces; every handler waits for it.

right
"""

import contextlib

import anyio
from fastapi import APIRouter, FastAPI, WebSocket

PERIOD = 0.2
router = APIRouter()


class Clock:
    def __init__(self):
        self.number = 0
        self.turned = anyio.Event()

    async def run(self):
        while True:
            await anyio.sleep(PERIOD)
            self.number += 1
            turned, self.turned = self.turned, anyio.Event()
            turned.set()


@contextlib.asynccontextmanager
async def lifespan(app):
    app.state.clock = Clock()
    async with anyio.create_task_group() as group:
        group.start_soon(app.state.clock.run)
        yield
        group.cancel_scope.cancel()


async def hear(websocket, clock):
    while True:
        turned = clock.turned
        await turned.wait()
        try:
            await websocket.send_text(f"SUNUCU: {clock.number}")
        except Exception:
            return


@router.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    async with anyio.create_task_group() as group:
        group.start_soon(hear, websocket, websocket.app.state.clock)
        async for data in websocket.iter_text():
            await websocket.send_text(f"Mesajınız: {data}")
        group.cancel_scope.cancel()


app = FastAPI(lifespan=lifespan)
app.include_router(router)
