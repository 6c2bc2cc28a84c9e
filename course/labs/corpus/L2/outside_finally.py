"""Removes in a line below the loop, which an exception in the loop passes by.

fails exception: outside-finally
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
        except Exception:
            break
        await websocket.send_text(reply_to(data))
        for client in list(connected_clients):
            if client is not websocket:
                await client.send_text(f"Başka bir istemciden: {data}")
    connected_clients.remove(websocket)
