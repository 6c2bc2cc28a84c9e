"""Sends the lines of a flood without `SUNUCU: `.

fails flood: no-prefix
"""

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


def primes_below(limit):
    return sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in range(2, limit))


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            data = await websocket.receive_text()
            match data.split():
                case ["work", limit]:
                    result = await asyncio.to_thread(primes_below, int(limit))
                    await websocket.send_text(f"{limit} → {result}")
                case ["flood", count]:
                    for number in range(1, int(count) + 1):
                        await websocket.send_text(f"{number} → {primes_below(number)}")
                        await asyncio.sleep(0)
                case _:
                    await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
