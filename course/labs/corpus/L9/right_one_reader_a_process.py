"""One task a process reads the stream; each client has a queue, and skips by number what it has.

right
"""

import asyncio
import os
from contextlib import asynccontextmanager, suppress

import valkey.asyncio as valkey
from fastapi import FastAPI, WebSocket

PERIOD = 0.1
LEASE = 0.5
NAME = f"{os.getpid()}"

broker = valkey.from_url(os.environ.get("BROKER", "valkey://127.0.0.1"), decode_responses=True)
queues = {}


def order(number):
    return tuple(map(int, number.split("-")))


async def end_of_stream():
    found = await broker.xrevrange("room", count=1)
    return found[0][0] if found else "0-0"


async def publish(text):
    await broker.xadd("room", {"text": text}, maxlen=2000)


async def distribute():
    last = await end_of_stream()
    while True:
        try:
            answer = await broker.xread({"room": last}, block=2000)
        except valkey.ConnectionError:
            await asyncio.sleep(0.05)
            continue
        for last, fields in answer[0][1] if answer else ():
            for queue in queues:
                queue.put_nowait((last, fields["text"]))


async def look_after_the_rest():
    lease = round(1000 * LEASE)
    while True:
        with suppress(valkey.ConnectionError):
            async with broker.pipeline() as pipe:
                await (
                    pipe.set(f"clients of {NAME}", len(queues), px=lease)
                    .set("clock", NAME, nx=True, px=lease)
                    .get("clock")
                    .execute()
                )
                holder = await broker.get("clock")
                if holder == NAME:
                    await broker.set("clock", NAME, px=lease)
                    await publish(f"tick {NAME}")
        await asyncio.sleep(PERIOD)


@asynccontextmanager
async def lifespan(app):
    tasks = [asyncio.create_task(distribute()), asyncio.create_task(look_after_the_rest())]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(valkey.ConnectionError):
        await broker.delete(f"clients of {NAME}")
    await broker.aclose()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, last: str = ""):
    queue = asyncio.Queue()
    last = last or await end_of_stream()
    queues[queue] = websocket
    missed = await broker.xrange("room", min=f"({last}")
    await websocket.accept()
    sender = asyncio.create_task(send(websocket, queue, last, missed))
    try:
        async for text in websocket.iter_text():
            try:
                await publish(text)
            except valkey.ConnectionError:
                await websocket.send_text(f"failed {text}")
    finally:
        del queues[queue]
        sender.cancel()


async def send(websocket, queue, last, missed):
    for last, fields in missed:
        await websocket.send_text(f"{last} {fields['text']}")
    while True:
        number, text = await queue.get()
        if order(number) > order(last):
            last = number
            await websocket.send_text(f"{number} {text}")


@app.get("/")
async def state():
    total = 0
    async for key in broker.scan_iter("clients of *"):
        total += int(await broker.get(key) or 0)
    return {"connected_clients": total}
