"""A manager class; a message that nobody can work with is passed over, and the connection lives on.

right
"""

import asyncio

from fastapi import FastAPI, WebSocket


def reply_to(data):
    if data.startswith("/"):
        raise ValueError(f"unknown command {data}")
    return f"Mesajınız: {data}"


class Manager:
    def __init__(self):
        self.queues = {}

    async def handle(self, websocket):
        await websocket.accept()
        queue = self.queues[websocket] = asyncio.Queue()
        writer = asyncio.create_task(self.write(websocket, queue))
        try:
            while (message := await websocket.receive())["type"] == "websocket.receive":
                data = message.get("text")
                if data is None:
                    continue
                try:
                    queue.put_nowait(reply_to(data))
                except ValueError:
                    continue
                for other in self.queues.values():
                    if other is not queue:
                        other.put_nowait(f"Başka bir istemciden: {data}")
        finally:
            self.queues.pop(websocket, None)
            writer.cancel()

    async def write(self, websocket, queue):
        while True:
            await websocket.send_text(await queue.get())


app = FastAPI()
manager = Manager()


@app.get("/")
async def root():
    return {"connected_clients": len(manager.queues)}


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await manager.handle(websocket)
