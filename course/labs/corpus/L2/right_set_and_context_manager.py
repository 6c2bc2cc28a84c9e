"""A set, and a context manager that puts a connection in and takes it out again.

right
"""

from contextlib import contextmanager

from fastapi import FastAPI, WebSocket

app = FastAPI()
here = set()


def reply_to(data):
    if data.startswith("/"):
        raise ValueError(f"unknown command {data}")
    return f"Mesajınız: {data}"


@contextmanager
def member(websocket):
    here.add(websocket)
    try:
        yield
    finally:
        here.discard(websocket)


@app.get("/")
async def root():
    return {"connected_clients": len(here)}


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    with member(websocket):
        async for data in websocket.iter_text():
            await websocket.send_text(reply_to(data))
            for other in here - {websocket}:
                await other.send_text(f"Başka bir istemciden: {data}")
