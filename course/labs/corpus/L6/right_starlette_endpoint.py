"""Starlette's own app and its WebSocketEndpoint, with Starlette's thread pool.

right
"""

import asyncio

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute


def primes_below(limit):
    return sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in range(2, limit))


class Counter(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket, data):
        command, _, number = data.partition(" ")
        if command == "work" and number.isdigit():
            await websocket.send_text(f"{number} → {await run_in_threadpool(primes_below, int(number))}")
        elif command == "flood" and number.isdigit():
            for line in range(1, int(number) + 1):
                await websocket.send_text(f"SUNUCU: {line} → {primes_below(line)}")
                await asyncio.sleep(0)
        else:
            await websocket.send_text(f"Mesajınız: {data}")


app = Starlette(routes=[WebSocketRoute("/ws", Counter)])
