"""A clock of the app's own: each tick asks with call_later for the next one, and the end cancels it.

right
"""

import asyncio
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
connected_clients = []


class Clock:
    def __init__(self):
        self.number = 0
        self.loop = asyncio.get_running_loop()
        self.sending = set()
        self.wind()

    def wind(self):
        self.timer = self.loop.call_later(PERIOD, self.tick)

    def tick(self):
        self.number += 1
        self.wind()
        for client in connected_clients:
            task = self.loop.create_task(self.tell(client, f"SUNUCU: {self.number}"))
            self.sending.add(task)
            task.add_done_callback(self.sending.discard)

    async def tell(self, client, text):
        with suppress(Exception):
            await client.send_text(text)

    def stop(self):
        self.timer.cancel()
        for task in self.sending:
            task.cancel()


@asynccontextmanager
async def lifespan(app):
    clock = Clock()
    yield
    clock.stop()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    connected_clients.append(websocket)
    try:
        async for data in websocket.iter_text():
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
