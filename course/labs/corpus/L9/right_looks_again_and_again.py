"""Looks into the stream every few milliseconds instead of waiting there; a process that is seen has a date in a hash.

right
"""

import asyncio
import json
import os
import time

import valkey.asyncio as valkey
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

PERIOD, LEASE, LOOK = 0.1, 0.5, 0.02
post = valkey.Valkey.from_url(os.environ.get("BROKER", "valkey://127.0.0.1"), decode_responses=True)
me = str(os.getpid())
members = []


async def alive():
    found = {name: json.loads(value) for name, value in (await post.hgetall("processes")).items()}
    return {name: one["count"] for name, one in found.items() if one["at"] > time.time() - LEASE}


async def report():
    await post.hset("processes", me, json.dumps({"count": len(members), "at": time.time()}))


async def work():
    while True:
        try:
            await report()
            # The first of those that are alive ticks.
            if min(await alive(), default="") == me:
                await post.xadd("room", {"text": f"tick {me}"}, maxlen=1000)
        except valkey.ConnectionError:
            pass
        await asyncio.sleep(PERIOD)


async def chat(websocket):
    last = websocket.query_params.get("last")
    if not last:
        newest = await post.xrevrange("room", count=1)
        last = newest[0][0] if newest else "0-0"
    await websocket.accept()
    members.append(websocket)
    looking = asyncio.create_task(look(websocket, last))
    try:
        while True:
            text = await websocket.receive_text()
            try:
                await post.xadd("room", {"text": text}, maxlen=1000)
            except valkey.ConnectionError:
                await websocket.send_text(f"failed {text}")
    except WebSocketDisconnect:
        pass
    finally:
        members.remove(websocket)
        looking.cancel()


async def look(websocket, last):
    while True:
        try:
            entries = await post.xrange("room", min=f"({last}")
        except valkey.ConnectionError:
            entries = []
        for last, fields in entries:
            await websocket.send_text(f"{last} {fields['text']}")
        await asyncio.sleep(LOOK)


async def state(request):
    return JSONResponse({"connected_clients": sum((await alive()).values())})


class Lifespan:
    def __init__(self, app):
        pass

    async def __aenter__(self):
        self.working = asyncio.create_task(work())

    async def __aexit__(self, *_):
        self.working.cancel()
        await asyncio.wait([self.working])


app = Starlette(routes=[Route("/", state), WebSocketRoute("/ws", chat)], lifespan=Lifespan)
