"""A class for each connection, whose queue a worker task empties in order.

right
"""

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


def primes_below(limit):
    return sum(all(number % other for other in range(2, int(number**0.5) + 1)) for number in range(2, limit))


class Conversation:
    def __init__(self, websocket):
        self.websocket = websocket
        self.queue = asyncio.Queue()

    async def run(self):
        await self.websocket.accept()
        worker = asyncio.create_task(self.work())
        try:
            while True:
                self.queue.put_nowait(await self.websocket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            worker.cancel()

    async def work(self):
        while True:
            command, _, number = (data := await self.queue.get()).partition(" ")
            if command == "work":
                result = await asyncio.to_thread(primes_below, int(number))
                await self.websocket.send_text(f"{number} → {result}")
            elif command == "flood":
                await self.flood(int(number))
            else:
                await self.websocket.send_text(f"Mesajınız: {data}")

    async def flood(self, count):
        for number in range(1, count + 1):
            line = await asyncio.to_thread(primes_below, number)
            await self.websocket.send_text(f"SUNUCU: {number} → {line}")


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await Conversation(websocket).run()
