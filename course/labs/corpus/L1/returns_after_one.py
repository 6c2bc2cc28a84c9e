"""Answers once and is done: there is no loop.

fails order: returns-after-one
waits: relay
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
connected_clients = []


@app.get("/")
async def root():
    return {"connected_clients": len(connected_clients)}


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    connected_clients.append(websocket)
    try:
        data = await websocket.receive_text()
        await websocket.send_text(f"Mesajınız: {data}")
        for client in list(connected_clients):
            if client is not websocket:
                await client.send_text(f"Başka bir istemciden: {data}")
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
