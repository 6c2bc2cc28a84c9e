"""Catches everything inside the loop, so that a connection that is gone is received from for ever.

fails normal: blocks-the-loop
fails no-code: blocks-the-loop
fails fin: blocks-the-loop
fails reset: blocks-the-loop
fails others: blocks-the-loop
fails interleaved: blocks-the-loop
fails exception: blocks-the-loop
"""

from fastapi import FastAPI, WebSocket

app = FastAPI()
connected_clients = []


def reply_to(data):
    if data.startswith("/"):
        raise ValueError(f"unknown command {data}")
    return f"Mesajınız: {data}"


@app.get("/")
async def root():
    return {"connected_clients": len(connected_clients)}


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    connected_clients.append(websocket)
    while True:
        try:
            data = await websocket.receive_text()
            await websocket.send_text(reply_to(data))
            for client in list(connected_clients):
                if client is not websocket:
                    await client.send_text(f"Başka bir istemciden: {data}")
        except Exception:
            pass
