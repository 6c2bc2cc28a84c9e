"""Removes in `except WebSocketDisconnect`, and nowhere else.

fails exception: only-on-disconnect
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

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
    try:
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(reply_to(data))
            for client in list(connected_clients):
                if client is not websocket:
                    await client.send_text(f"Başka bir istemciden: {data}")
    except WebSocketDisconnect:
        connected_clients.remove(websocket)
