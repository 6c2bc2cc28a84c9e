"""No queues: everybody reads the same ring buffer from a place of its own.

right
"""

import asyncio
from collections import deque

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from wslab import hang_up

QUEUE = 32
HISTORY = 100

app = FastAPI()
history = deque(maxlen=HISTORY)
newest = 0
cursors = []


class Cursor:
    def __init__(self, last):
        self.at = last
        self.most = newest - last + QUEUE
        self.news = asyncio.Event()
        self.over = asyncio.Event()

    def look(self):
        if newest - self.at > self.most:
            self.over.set()
        self.news.set()

    async def write(self, websocket):
        try:
            if history and self.at + 1 < history[0][0]:
                gone = history[0][0] - self.at - 1
                self.at += gone
                await websocket.send_text(f"missed {gone}")
            pending = [pair for pair in history if pair[0] > self.at]
            while True:
                for number, message in pending:
                    await websocket.send_text(message)
                    self.at = number
                    self.most = max(QUEUE, self.most - 1)
                if self.at == newest:
                    self.news.clear()
                    await self.news.wait()
                pending = [pair for pair in history if pair[0] > self.at]
        except WebSocketDisconnect:
            pass


def publish(text):
    global newest
    newest += 1
    history.append((newest, f"{newest} {text}"))
    for cursor in cursors:
        cursor.look()


async def read(websocket):
    async for text in websocket.iter_text():
        publish(text)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, last: int | None = None):
    await websocket.accept()
    cursor = Cursor(newest if last is None else last)
    cursors.append(cursor)
    tasks = [asyncio.create_task(one) for one in (read(websocket), cursor.write(websocket), cursor.over.wait())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    cursors.remove(cursor)
    for task in tasks:
        task.cancel()
    hang_up(websocket)


@app.get("/")
async def state():
    return {"connected_clients": len(cursors), "tasks": len(asyncio.all_tasks())}
