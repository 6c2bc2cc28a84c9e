"""A task group of a reader and a writer with a queue between them; who leaves ends the group with its exception.

right
"""

import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()


async def reader(websocket, orders):
    while True:
        message = await websocket.receive()
        websocket._raise_on_disconnect(message)
        text = message.get("text")
        if text is None:
            return orders.put_nowait((1003, "metin"))
        if text == "bye":
            return orders.put_nowait((1000, ""))
        if text.startswith("kick "):
            return orders.put_nowait((1008, text.removeprefix("kick ")))
        orders.put_nowait((None, text))


async def writer(websocket, orders):
    while True:
        code, text = await orders.get()
        if code is not None:
            return await websocket.close(code, text.encode()[:123].decode(errors="ignore"))
        await websocket.send_text(f"Mesajınız: {text}")


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    if websocket.query_params.get("token") != "ihlamur":
        await websocket.close()
        return
    await websocket.accept()
    orders = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(reader(websocket, orders))
        group.create_task(writer(websocket, orders))
