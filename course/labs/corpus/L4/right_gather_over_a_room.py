"""A class that sends to all at once with gather, each later by its turn, and counts the results that are no exceptions.

right
"""

import asyncio
from itertools import count

from fastapi import FastAPI, WebSocket

app = FastAPI()


async def reply_to(data):
    if data == "/rapor":
        await asyncio.sleep(5)
    return f"Mesajınız: {data}"


class Room:
    def __init__(self):
        self.guests = {}
        self.tickets = count()

    async def visit(self, name, websocket):
        await websocket.accept()
        ticket = next(self.tickets)
        self.guests[name] = ticket, websocket
        try:
            async for data in websocket.iter_text():
                await websocket.send_text(await reply_to(data))
        except Exception:
            pass
        finally:
            if self.guests.get(name, (None,))[0] == ticket:
                del self.guests[name]

    async def tell(self, turn, websocket, text, pause):
        await asyncio.sleep(turn * pause)
        await websocket.send_text(text)

    async def announce(self, text, pause):
        telling = [self.tell(turn, one, text, pause) for turn, (_, one) in enumerate(self.guests.values())]
        results = await asyncio.gather(*telling, return_exceptions=True)
        return sum(not isinstance(result, Exception) for result in results)


room = Room()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, name: str):
    await room.visit(name, websocket)


@app.post("/broadcast")
async def broadcast_to_all(message: str, pause: float = 0):
    return {"sent": await room.announce(f"SUNUCU: {message}", pause)}
