"""A class with a deque and an event; whoever publishes hangs up at once.

right
"""

import asyncio
from collections import deque

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from wslab import hang_up


class Reader:
    def __init__(self, websocket, waiting):
        self.websocket = websocket
        self.waiting = deque(waiting)
        self.room = len(waiting) + 32
        self.something = asyncio.Event()

    def take(self, message):
        if len(self.waiting) >= self.room:
            hang_up(self.websocket)
            return False
        self.waiting.append(message)
        self.something.set()
        return True

    async def write(self):
        try:
            while True:
                while self.waiting:
                    await self.websocket.send_text(self.waiting.popleft())
                    self.room = max(32, self.room - 1)
                self.something.clear()
                await self.something.wait()
        except WebSocketDisconnect:
            pass


class Room:
    def __init__(self):
        self.readers = []
        self.kept = []
        self.newest = 0

    def publish(self, text):
        self.newest += 1
        message = f"{self.newest} {text}"
        self.kept = [*self.kept[-99:], message]
        self.readers = [reader for reader in self.readers if reader.take(message)]

    def since(self, last):
        if last is None:
            return []
        oldest = self.newest - len(self.kept) + 1
        if last + 1 < oldest:
            return [f"missed {oldest - last - 1}", *self.kept]
        return self.kept[last + 1 - oldest :]


room = Room()
app = FastAPI()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, last: int | None = None):
    await websocket.accept()
    reader = Reader(websocket, room.since(last))
    room.readers.append(reader)
    writer = asyncio.create_task(reader.write())
    try:
        async for text in websocket.iter_text():
            room.publish(text)
    finally:
        if reader in room.readers:
            room.readers.remove(reader)
        writer.cancel()
        hang_up(websocket)


@app.get("/")
async def state():
    return {"connected_clients": len(room.readers), "tasks": len(asyncio.all_tasks())}
