"""A pool of two threads of its own, and the lines of a flood in portions.

right
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI, WebSocket

app = FastAPI()
pool = ThreadPoolExecutor(2)


def primes_below(limit):
    return sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in range(2, limit))


def portion(start, stop):
    return [f"SUNUCU: {number} → {primes_below(number)}" for number in range(start, stop)]


async def answers(data):
    loop = asyncio.get_running_loop()
    command, _, number = data.partition(" ")
    if command == "work":
        yield f"{number} → {await loop.run_in_executor(pool, primes_below, int(number))}"
    elif command == "flood":
        last = int(number) + 1
        for start in range(1, last, 20):
            for line in await loop.run_in_executor(pool, portion, start, min(start + 20, last)):
                yield line
    else:
        yield f"Mesajınız: {data}"


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    async for data in websocket.iter_text():
        async for answer in answers(data):
            await websocket.send_text(answer)
