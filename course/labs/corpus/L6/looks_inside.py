"""A command counts wherever it stands in the text.

fails result: no-number-for-int
"""

import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()


def primes_below(limit):
    return sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in range(2, limit))


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    async for data in websocket.iter_text():
        if "work" in data:
            limit = int(data.removeprefix("work "))
            await websocket.send_text(f"{limit} → {await asyncio.to_thread(primes_below, limit)}")
        elif "flood" in data:
            for number in range(1, int(data.removeprefix("flood ")) + 1):
                await websocket.send_text(f"SUNUCU: {number} → {primes_below(number)}")
                await asyncio.sleep(0)
        else:
            await websocket.send_text(f"Mesajınız: {data}")
