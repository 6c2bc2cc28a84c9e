"""Ticks in the handler, after what it has received.

fails ticks: ticks-only-on-traffic
waits: echo late one survive shutdown
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

number = 0
connected_clients = []
app = FastAPI()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    global number
    await websocket.accept()
    connected_clients.append(websocket)
    try:
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(f"Mesajınız: {data}")
            number += 1
            for client in list(connected_clients):
                await client.send_text(f"SUNUCU: {number}")
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
