"""Registers a client, looks it up (which takes a moment), and only then accepts.

fails count: counts-before-accept
earns count: 1
waits: relay
"""

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
connected_clients = []


@app.get("/")
async def root():
    return {"connected_clients": len(connected_clients)}


async def look_up(websocket):
    await asyncio.sleep(0.05)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    connected_clients.append(websocket)
    await look_up(websocket)
    await websocket.accept()
    try:
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(f"Mesajınız: {data}")
            for client in list(connected_clients):
                if client is not websocket:
                    await client.send_text(f"Başka bir istemciden: {data}")
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
