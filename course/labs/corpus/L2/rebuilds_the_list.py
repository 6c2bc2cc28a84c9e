"""Builds the list anew, and lets others run before it puts the new one in its place.

fails interleaved: lost-update
"""

import asyncio

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
    global connected_clients
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
        pass
    finally:
        left = [client for client in connected_clients if client is not websocket]
        await asyncio.sleep(0.02)
        connected_clients = left
