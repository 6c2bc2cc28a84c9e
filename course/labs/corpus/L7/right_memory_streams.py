"""anyio's memory streams and task group, whose cancel scope is the eviction.

right
"""

import asyncio
from collections import deque

import anyio
from fastapi import APIRouter, FastAPI, WebSocket, WebSocketDisconnect

from wslab import hang_up

QUEUE = 32
HISTORY = 100

router = APIRouter()
history = deque(maxlen=HISTORY)
listeners = {}
newest = 0


def publish(text):
    global newest
    newest += 1
    history.append((newest, f"{newest} {text}"))
    for inlet, scope in listeners.items():
        try:
            inlet.send_nowait(history[-1][1])
        except anyio.WouldBlock:
            scope.cancel()


async def read(websocket, scope):
    async for text in websocket.iter_text():
        publish(text)
    scope.cancel()


async def write(websocket, outlet, missed, scope):
    try:
        for message in missed:
            await websocket.send_text(message)
        async for message in outlet:
            await websocket.send_text(message)
    except WebSocketDisconnect:
        scope.cancel()


@router.websocket("/ws")
async def endpoint(websocket: WebSocket, last: int | None = None):
    await websocket.accept()
    inlet, outlet = anyio.create_memory_object_stream(QUEUE)
    missed = [] if last is None else [message for number, message in history if number > last]
    if last is not None and newest - last > len(missed):
        missed = [f"missed {newest - last - len(missed)}", *missed]
    with inlet, outlet:
        async with anyio.create_task_group() as group:
            listeners[inlet] = group.cancel_scope
            group.start_soon(read, websocket, group.cancel_scope)
            group.start_soon(write, websocket, outlet, missed, group.cancel_scope)
        del listeners[inlet]
    hang_up(websocket)


@router.get("/")
async def state():
    return {"connected_clients": len(listeners), "tasks": len(asyncio.all_tasks())}


app = FastAPI()
app.include_router(router)
