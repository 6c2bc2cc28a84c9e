"""A class; each client has a bounded queue and a writer task of its own, and who is slow is left out.

right
"""

import asyncio
import itertools
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2


class Station:
    def __init__(self):
        self.queues = {}

    async def run(self):
        for number in itertools.count(1):
            await asyncio.sleep(PERIOD)
            for queue in self.queues.values():
                with suppress(asyncio.QueueFull):
                    queue.put_nowait(f"SUNUCU: {number}")

    async def write(self, websocket, queue):
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await websocket.send_text(await queue.get())

    async def serve(self, websocket):
        await websocket.accept()
        queue = self.queues[websocket] = asyncio.Queue(100)
        writer = asyncio.create_task(self.write(websocket, queue))
        try:
            while True:
                data = await websocket.receive_text()
                await queue.put(f"Mesajınız: {data}")
        except WebSocketDisconnect:
            pass
        finally:
            del self.queues[websocket]
            writer.cancel()


station = Station()


@asynccontextmanager
async def lifespan(app):
    running = asyncio.create_task(station.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await station.serve(websocket)
