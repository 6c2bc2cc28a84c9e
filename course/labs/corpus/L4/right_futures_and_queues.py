"""Each guest has a queue and a writer task of its own, and a future says whether the writer could send.

right
"""

import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
desks = {}


async def reply_to(data):
    if data == "/rapor":
        await asyncio.sleep(5)
    return f"Mesajınız: {data}"


async def write(websocket, desk):
    while True:
        text, done = await desk.get()
        try:
            await websocket.send_text(text)
            done.set_result(True)
        except (WebSocketDisconnect, RuntimeError):
            done.set_result(False)


def hand(desk, text):
    done = asyncio.get_running_loop().create_future()
    desk.put_nowait((text, done))
    return done


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, name: str):
    await websocket.accept()
    desk = desks[name] = asyncio.Queue()
    writer = asyncio.create_task(write(websocket, desk))
    try:
        while True:
            data = await websocket.receive_text()
            await hand(desk, await reply_to(data))
    except WebSocketDisconnect:
        pass
    finally:
        writer.cancel()
        if desks.get(name) is desk:
            del desks[name]


@app.post("/broadcast")
async def broadcast_to_all(message: str, pause: float = 0):
    sent = 0
    for desk in list(desks.values()):
        with suppress(TimeoutError):
            sent += await asyncio.wait_for(hand(desk, f"SUNUCU: {message}"), 1)
        await asyncio.sleep(pause)
    return {"sent": sent}
