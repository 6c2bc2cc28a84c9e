"""Works in a task of its own and receives the next message meanwhile.

fails order: overtakes
"""

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


def primes_below(limit):
    return sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in range(2, limit))


tasks = set()


async def work_out(websocket, limit):
    result = await asyncio.to_thread(primes_below, int(limit))
    await websocket.send_text(f"{limit} → {result}")


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            data = await websocket.receive_text()
            match data.split():
                case ["work", limit]:
                    task = asyncio.create_task(work_out(websocket, limit))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                case ["flood", count]:
                    for number in range(1, int(count) + 1):
                        await websocket.send_text(f"SUNUCU: {number} → {primes_below(number)}")
                        await asyncio.sleep(0)
                case _:
                    await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
