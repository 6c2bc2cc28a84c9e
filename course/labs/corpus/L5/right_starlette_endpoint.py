"""Starlette's own app and its WebSocketEndpoint.

right
"""

import asyncio
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute

PERIOD = 0.2
here = {}


async def tick():
    number = 0
    while True:
        number += 1
        await asyncio.sleep(PERIOD)
        for screen in tuple(here.values()):
            with suppress(Exception):
                await screen.send_text(f"SUNUCU: {number}")


@asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


class Screen(WebSocketEndpoint):
    encoding = "text"

    async def on_connect(self, websocket):
        await websocket.accept()
        here[id(websocket)] = websocket

    async def on_receive(self, websocket, data):
        await websocket.send_text(f"Mesajınız: {data}")

    async def on_disconnect(self, websocket, close_code):
        here.pop(id(websocket), None)


app = Starlette(routes=[WebSocketRoute("/ws", Screen)], lifespan=lifespan)
