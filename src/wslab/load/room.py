"""The room of unit 12 whose processes are joined by a broker; `wslab load` serves a copy of this file."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import valkey.asyncio as valkey
from fastapi import FastAPI, WebSocket

clients: list[WebSocket] = []
# A subscription may be silent for longer than the five seconds that the library waits by default.
post: Any = valkey.Valkey.from_url(os.environ["BROKER"], decode_responses=True, socket_timeout=None)


async def listen(pubsub: Any) -> None:
    async for message in pubsub.listen():
        if message["type"] == "message":
            for client in list(clients):
                await client.send_text(message["data"])


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with post.pubsub() as pubsub:
        await pubsub.subscribe("load")
        listening = asyncio.create_task(listen(pubsub))
        yield
        listening.cancel()
        await asyncio.wait([listening])


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket) -> None:
    await websocket.accept()
    clients.append(websocket)
    await websocket.send_text("x" * 64)  # from here on it gets what is said
    try:
        async for text in websocket.iter_text():
            await post.publish("load", text)
    finally:
        clients.remove(websocket)
