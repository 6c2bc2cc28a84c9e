"""An anyio task group sends to all, each by its turn, and the guest's own class remembers whether it heard.

right
"""

from dataclasses import dataclass, field

import anyio
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


async def reply_to(data):
    if data == "/rapor":
        await anyio.sleep(5)
    return f"Mesajınız: {data}"


@dataclass
class House:
    guests: dict[str, WebSocket] = field(default_factory=dict)

    async def stay(self, name, websocket):
        self.guests[name] = websocket
        try:
            while True:
                await websocket.send_text(await reply_to(await websocket.receive_text()))
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            if self.guests.get(name) is websocket:
                del self.guests[name]

    async def call(self, text, pause):
        heard = []

        async def one(turn, websocket):
            await anyio.sleep(turn * pause)
            try:
                await websocket.send_text(text)
            except (WebSocketDisconnect, RuntimeError):
                return
            heard.append(websocket)

        async with anyio.create_task_group() as group:
            for turn, websocket in enumerate(self.guests.values()):
                group.start_soon(one, turn, websocket)
        return len(heard)


house = House()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, name: str):
    await websocket.accept()
    await house.stay(name, websocket)


@app.post("/broadcast")
async def broadcast_to_all(message: str, pause: float = 0):
    return {"sent": await house.call("SUNUCU: " + message, pause)}
