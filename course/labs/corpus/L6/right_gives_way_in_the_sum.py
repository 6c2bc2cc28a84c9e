"""Works on the loop, and gives way after every few numbers.

right
"""

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


def primes_below(limit):
    return sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in range(2, limit))


async def worked_out(limit):
    found = 0
    for start in range(2, limit, 200):
        numbers = range(start, min(start + 200, limit))
        found += sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in numbers)
        await asyncio.sleep(0)
    return found


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            data = await websocket.receive_text()
            match data.split():
                case ["work", limit]:
                    result = await worked_out(int(limit))
                    await websocket.send_text(f"{limit} → {result}")
                case ["flood", count]:
                    for number in range(1, int(count) + 1):
                        await websocket.send_text(f"SUNUCU: {number} → {primes_below(number)}")
                        await asyncio.sleep(0)
                case _:
                    await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
