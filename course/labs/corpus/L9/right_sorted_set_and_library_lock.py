"""Each client stands in a sorted set with the time at which it was last seen; the lock is the client library's.

right
"""

import asyncio
import os
import time
import uuid
from contextlib import asynccontextmanager, suppress

import valkey.asyncio as valkey
from fastapi import FastAPI, WebSocket
from valkey.exceptions import LockError

PERIOD, LEASE = 0.1, 0.5


class Room:
    def __init__(self, url):
        self.post = valkey.from_url(url, decode_responses=True)
        self.here = {}
        self.tasks = []

    async def open(self):
        self.tasks = [asyncio.create_task(self.keep_seen()), asyncio.create_task(self.tick())]

    async def close(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def say(self, text):
        return await self.post.xadd("words", {"w": text}, maxlen=5000)

    async def end(self):
        try:
            return (await self.post.xinfo_stream("words"))["last-generated-id"]
        except valkey.ResponseError:
            return "0-0"

    async def seen(self):
        if self.here:
            await self.post.zadd("clients", dict.fromkeys(self.here, time.time()))

    async def keep_seen(self):
        while True:
            with suppress(valkey.ConnectionError):
                await self.seen()
            await asyncio.sleep(PERIOD)

    async def tick(self):
        lock = self.post.lock("ticking", timeout=LEASE, blocking=False)
        while True:
            with suppress(valkey.ConnectionError):
                try:
                    mine = await lock.owned() or await lock.acquire()
                    if mine:
                        await lock.reacquire()
                        await self.say(f"tick {os.getpid()}")
                except LockError:
                    pass
            await asyncio.sleep(PERIOD)

    async def enter(self, websocket, last):
        who = str(uuid.uuid4())
        self.here[who] = websocket
        await self.seen()
        last = last or await self.end()
        await websocket.accept()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.follow(websocket, last))
                await self.hear(websocket)
                raise asyncio.CancelledError
        except* Exception:
            pass
        finally:
            del self.here[who]
            with suppress(valkey.ConnectionError):
                await self.post.zrem("clients", who)

    async def hear(self, websocket):
        async for text in websocket.iter_text():
            try:
                await self.say(text)
            except valkey.ConnectionError:
                await websocket.send_text(f"failed {text}")

    async def follow(self, websocket, last):
        while True:
            try:
                streams = await self.post.xread({"words": last}, count=20, block=1000)
            except valkey.ConnectionError:
                await asyncio.sleep(0.02)
            else:
                for _, entries in streams:
                    for number, fields in entries:
                        await websocket.send_text(f"{number} {fields['w']}")
                        last = number

    async def count(self):
        return await self.post.zcount("clients", time.time() - LEASE, "+inf")


room = Room(os.environ.get("BROKER", "valkey://127.0.0.1:6379"))


@asynccontextmanager
async def lifespan(app):
    await room.open()
    yield
    await room.close()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, last: str = ""):
    task = asyncio.current_task()
    try:
        await room.enter(websocket, last)
    except asyncio.CancelledError:
        if task.cancelling():
            raise


@app.get("/")
async def state():
    return {"connected_clients": await room.count()}
