"""Ticks when it takes the broadcaster's place, and not while it has it.

fails ticks: too-slow
waits: takeover
"""

import asyncio
import contextlib
import os

import valkey.asyncio as valkey
from fastapi import FastAPI, WebSocket

PERIOD = 0.1
LEASE = 0.5
HISTORY = 1000
ME = str(os.getpid())

post = valkey.from_url(os.environ.get("BROKER", "valkey://127.0.0.1"), decode_responses=True)
clients = set()


async def newest():
    entries = await post.xrevrange("room", count=1)
    return entries[0][0] if entries else "0"


async def say(text):
    await post.xadd("room", {"text": text}, maxlen=HISTORY)


async def read(websocket):
    async for text in websocket.iter_text():
        try:
            await say(text)
        except valkey.ConnectionError:
            await websocket.send_text(f"failed {text}")


async def write(websocket, last):
    while True:
        try:
            answer = await post.xread({"room": last}, block=1000)
        except valkey.ConnectionError:
            await asyncio.sleep(PERIOD)
            continue
        for _, entries in answer:
            for last, fields in entries:
                await websocket.send_text(f"{last} {fields['text']}")


async def beat():
    lease = int(LEASE * 1000)
    while True:
        with contextlib.suppress(valkey.ConnectionError):
            await post.set(f"count:{ME}", len(clients), px=lease)
            if await post.set("ticker", ME, nx=True, px=lease):
                await say(f"tick {ME}")
        await asyncio.sleep(PERIOD)


@contextlib.asynccontextmanager
async def lifespan(app):
    beating = asyncio.create_task(beat())
    yield
    beating.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, last: str | None = None):
    last = last or await newest()
    await websocket.accept()
    clients.add(websocket)
    reader = asyncio.create_task(read(websocket))
    writer = asyncio.create_task(write(websocket, last))
    await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
    clients.discard(websocket)
    reader.cancel()
    writer.cancel()


@app.get("/")
async def state():
    keys = await post.keys("count:*")
    counts = await post.mget(keys) if keys else []
    return {"connected_clients": sum(int(count) for count in counts if count)}
