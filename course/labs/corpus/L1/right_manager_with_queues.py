"""A class that gives each client a queue and a task that writes; a relay only puts into queues.

right
"""

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect


class Room:
    def __init__(self):
        self.queues = {}

    async def serve(self, websocket):
        await websocket.accept()
        queue = self.queues[websocket] = asyncio.Queue()
        writer = asyncio.create_task(self.write(websocket, queue))
        try:
            while True:
                self.say(websocket, await websocket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            del self.queues[websocket]
            writer.cancel()

    def say(self, sender, data):
        for client, queue in self.queues.items():
            queue.put_nowait(f"Mesajınız: {data}" if client is sender else f"Başka bir istemciden: {data}")

    async def write(self, websocket, queue):
        while True:
            await websocket.send_text(await queue.get())


app = FastAPI()
room = Room()


@app.get("/")
async def root():
    return {"connected_clients": len(room.queues)}


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await room.serve(websocket)
