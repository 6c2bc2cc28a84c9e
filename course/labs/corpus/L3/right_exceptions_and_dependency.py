"""A dependency at the door, and one exception class for every ending: WebSocketException before and after accept.

right
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Query, WebSocket, WebSocketDisconnect, WebSocketException

TOKEN = "ihlamur"

app = FastAPI()


async def guest(token: Annotated[str | None, Query()] = None):
    if token != TOKEN:
        raise WebSocketException(1008)
    return token


def fitting(reason):
    while len(reason.encode()) > 123:
        reason = reason[:-1]
    return reason


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, _: Annotated[str, Depends(guest)]):
    await websocket.accept()
    while True:
        try:
            data = await websocket.receive_text()
        except KeyError:
            raise WebSocketException(1003, "metin bekleniyordu") from None
        except WebSocketDisconnect:
            return
        _, _, rest = data.partition(" ")
        if data == "bye":
            raise WebSocketException(1000)
        if data.startswith("kick "):
            raise WebSocketException(1008, fitting(rest))
        await websocket.send_text(f"Mesajınız: {data}")
