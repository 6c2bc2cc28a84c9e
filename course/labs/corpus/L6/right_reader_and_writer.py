"""A task group around a reader and a writer with a queue in between.

right
"""

import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()


def primes_below(limit):
    return sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in range(2, limit))


async def read(websocket, queue):
    while True:
        data = await websocket.receive_text()
        match data.split():
            case ["work", limit]:
                await queue.put(f"{limit} → {await asyncio.to_thread(primes_below, int(limit))}")
            case ["flood", count]:
                for number in range(1, int(count) + 1):
                    await queue.put(f"SUNUCU: {number} → {primes_below(number)}")
            case _:
                await queue.put(f"Mesajınız: {data}")


async def write(websocket, queue):
    while True:
        await websocket.send_text(await queue.get())
        await asyncio.sleep(0)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    queue = asyncio.Queue(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(read(websocket, queue))
        group.create_task(write(websocket, queue))
