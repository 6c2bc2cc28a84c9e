"""Every connection has a timer of its own, which counts from 1.

fails one: clock-for-each
"""

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PERIOD = 0.2
app = FastAPI()


async def tick(websocket):
    number = 0
    while True:
        await asyncio.sleep(PERIOD)
        number += 1
        await websocket.send_text(f"SUNUCU: {number}")


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    ticking = asyncio.create_task(tick(websocket))
    try:
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
    finally:
        ticking.cancel()
