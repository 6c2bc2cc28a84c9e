"""An APIRouter; the guests are in app.state, made by the lifespan, and iter_text() ends when one leaves.

right
"""

import asyncio
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request, WebSocket, WebSocketDisconnect


async def reply_to(data):
    if data == "/rapor":
        await asyncio.sleep(5)
    return f"Mesajınız: {data}"


@asynccontextmanager
async def lifespan(app):
    app.state.guests = {}
    yield


router = APIRouter()


@router.websocket("/ws")
async def table(ws: WebSocket, name: str):
    guests = ws.app.state.guests
    await ws.accept()
    guests[name] = ws
    try:
        async for said in ws.iter_text():
            await ws.send_text(await reply_to(said))
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        if guests.get(name) is ws:
            guests.pop(name)


@router.post("/broadcast", status_code=202)
async def speak(request: Request, message: str, pause: float = 0.0):
    reached = []
    for name, ws in tuple(request.app.state.guests.items()):
        try:
            await ws.send_text(f"SUNUCU: {message}")
        except (WebSocketDisconnect, RuntimeError):
            continue
        finally:
            await asyncio.sleep(pause)
        reached.append(name)
    return {"sent": len(reached)}


app = FastAPI(lifespan=lifespan)
app.include_router(router)
