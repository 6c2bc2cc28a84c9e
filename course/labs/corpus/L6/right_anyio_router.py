"""A router, anyio's threads, and a checkpoint after each line.

right
"""

import anyio
import anyio.lowlevel
import anyio.to_thread
from fastapi import APIRouter, FastAPI, WebSocket

router = APIRouter()


def primes_below(limit):
    return sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in range(2, limit))


@router.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    async for data in websocket.iter_text():
        if data.startswith("work "):
            limit = int(data.removeprefix("work "))
            await websocket.send_text(f"{limit} → {await anyio.to_thread.run_sync(primes_below, limit)}")
        elif data.startswith("flood "):
            for number in range(1, int(data.removeprefix("flood ")) + 1):
                await websocket.send_text(f"SUNUCU: {number} → {primes_below(number)}")
                await anyio.lowlevel.checkpoint()
        else:
            await websocket.send_text(f"Mesajınız: {data}")


app = FastAPI()
app.include_router(router)
