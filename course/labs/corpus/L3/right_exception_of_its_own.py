"""An exception of its own for each ending, raised deep inside and turned into a close in one place.

right
"""

from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket, WebSocketDisconnect


class Ending(Exception):
    def __init__(self, code, reason=""):
        self.code, self.reason = code, reason


@asynccontextmanager
async def seated(websocket):
    await websocket.accept()
    try:
        yield
    except Ending as ending:
        await websocket.close(ending.code, ending.reason)
    except WebSocketDisconnect:
        pass


@asynccontextmanager
async def lifespan(app):
    yield {"token": "ihlamur"}


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    if websocket.query_params.get("token", "") != websocket.state.token:
        await websocket.close()
        return
    async with seated(websocket):
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message["code"])
            await answer(websocket, message.get("text"))


async def answer(websocket, text):
    if text is None:
        raise Ending(1003)
    if text == "bye":
        raise Ending(1000)
    if text.startswith("kick "):
        raise Ending(1008, text[5:].encode()[:123].decode(errors="ignore"))
    await websocket.send_text("Mesajınız: " + text)
