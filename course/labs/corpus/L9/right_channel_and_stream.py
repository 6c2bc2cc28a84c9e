"""The stream keeps, a channel tells at once; each client subscribes to the channel, then looks back.

right
"""

import asyncio
import json
import os
from contextlib import asynccontextmanager, suppress

import valkey.asyncio as valkey
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

ME = str(os.getpid())
post = valkey.from_url(os.environ.get("BROKER", "valkey://127.0.0.1"), decode_responses=True)
connected = 0

# Both at once, so that the channel has the stream's order.
SAY = """
local number = server.call("XADD", KEYS[1], "MAXLEN", "1000", "*", "text", ARGV[1])
server.call("PUBLISH", KEYS[1], cjson.encode({number, ARGV[1]}))
return number
"""


async def say(text):
    await post.eval(SAY, 1, "room", text)


async def tick():
    while True:
        with suppress(valkey.ConnectionError):
            await post.set(f"seen {ME}", connected, px=500)
            if await post.set("who ticks", ME, nx=True, px=500) or await post.get("who ticks") == ME:
                await post.pexpire("who ticks", 500)
                await say(f"tick {ME}")
        await asyncio.sleep(0.1)


@asynccontextmanager
async def lifespan(app):
    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()
        await asyncio.wait([ticking])


app = FastAPI(lifespan=lifespan)


async def follow(websocket, pubsub, done):
    seen = done
    while True:
        try:
            if not pubsub.subscribed:
                await pubsub.subscribe("room")
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
        except valkey.ConnectionError:
            await asyncio.sleep(0.05)
            await pubsub.aclose()
            continue
        if message is not None:
            number, text = json.loads(message["data"])
            if number not in seen and after(number, min(seen, key=parts, default="0-0")):
                await websocket.send_text(f"{number} {text}")


def parts(number):
    return [int(part) for part in number.split("-")]


def after(number, other):
    return parts(number) > parts(other)


async def hear(websocket):
    with suppress(WebSocketDisconnect):
        while True:
            text = await websocket.receive_text()
            try:
                await say(text)
            except valkey.ConnectionError:
                await websocket.send_text("failed " + text)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    global connected
    async with post.pubsub() as pubsub:
        await pubsub.subscribe("room")
        last = websocket.query_params.get("last")
        if last is None:
            newest = await post.xrevrange("room", count=1)
            missed, last = [], newest[0][0] if newest else "0-0"
        else:
            missed = await post.xrange("room", min="(" + last)
        await websocket.accept()
        connected += 1
        for number, fields in missed:
            await websocket.send_text(f"{number} {fields['text']}")
        tasks = [
            asyncio.ensure_future(hear(websocket)),
            asyncio.ensure_future(follow(websocket, pubsub, {last, *(number for number, _ in missed)})),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            connected -= 1
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@app.get("/")
async def state():
    found = [await post.get(key) async for key in post.scan_iter("seen *")]
    return {"connected_clients": sum(int(count) for count in found if count)}
