"""A script numbers the messages by the time and keeps them in a sorted set; each client has a lease of its own.

right
"""

import asyncio
import contextlib
import os
import secrets

import valkey.asyncio as valkey
from fastapi import FastAPI, WebSocket

PERIOD, LEASE = 0.1, 500

post = valkey.from_url(os.environ.get("BROKER", "valkey://127.0.0.1"), decode_responses=True)
name = f"p{os.getpid()}"
cards = {}

# Of a list's element the number is the score: one above the last, or the time where that is more.
SAY = """
local time = server.call("TIME")
local now = time[1] * 1000000 + time[2]
local last = tonumber(server.call("ZRANGE", "room", -1, -1, "WITHSCORES")[2] or "0")
local number = string.format("%.0f", math.max(now, last + 1))
server.call("ZADD", "room", number, number .. " " .. ARGV[1])
server.call("ZREMRANGEBYRANK", "room", 0, -1001)
server.call("PUBLISH", "news", number)
return number
"""


async def say(text):
    await post.eval(SAY, 0, text)


async def newest():
    found = await post.zrange("room", -1, -1, withscores=True)
    return str(int(found[0][1])) if found else "0"


async def keep_house():
    while True:
        try:
            for card in list(cards):
                await post.set(card, "here", px=LEASE)
            await post.set("clock", name, nx=True, px=LEASE)
            if await post.get("clock") == name:
                await post.set("clock", name, px=LEASE)
                await say(f"tick {name}")
        except valkey.ConnectionError:
            pass
        await asyncio.sleep(PERIOD)


@contextlib.asynccontextmanager
async def lifespan(app):
    house = asyncio.create_task(keep_house())
    yield
    house.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await house
    with contextlib.suppress(valkey.ConnectionError):
        if await post.get("clock") == name:
            await post.delete("clock")


app = FastAPI(lifespan=lifespan)


async def pass_on(websocket, last):
    while True:
        try:
            async with post.pubsub() as news:
                await news.subscribe("news")
                while True:
                    for message in await post.zrangebyscore("room", f"({last}", "+inf"):
                        await websocket.send_text(message)
                        last = message.partition(" ")[0]
                    await news.get_message(ignore_subscribe_messages=True, timeout=1)
        except valkey.ConnectionError:
            await asyncio.sleep(0.03)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, last: str | None = None):
    start = last or await newest()
    await websocket.accept()
    card = f"card {secrets.token_hex(8)}"
    cards[card] = websocket
    await post.set(card, "here", px=LEASE)
    passing = asyncio.create_task(pass_on(websocket, start))
    try:
        async for text in websocket.iter_text():
            try:
                await say(text)
            except valkey.ConnectionError:
                await websocket.send_text(f"failed {text}")
    finally:
        cards.pop(card)
        passing.cancel()
        with contextlib.suppress(valkey.ConnectionError):
            await post.delete(card)


@app.get("/")
async def state():
    return {"connected_clients": len(await post.keys("card *"))}
