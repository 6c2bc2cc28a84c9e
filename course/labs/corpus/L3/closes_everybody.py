"""Closes every connection there is when one of them is kicked.

fails alive: closes-everybody
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

TOKEN = "ihlamur"

app = FastAPI()
connected_clients = []


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, token: str = ""):
    if token != TOKEN:
        await websocket.close()
        return
    await websocket.accept()
    connected_clients.append(websocket)
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("text")
            if data is None:
                await websocket.close(1003, "yalnızca metin")
                return
            if data == "bye":
                await websocket.close(1000)
                return
            if data.startswith("kick "):
                reason = data.removeprefix("kick ").encode()[:123].decode(errors="ignore")
                for client in list(connected_clients):
                    await client.close(1008, reason)
                return
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
    finally:
        connected_clients.remove(websocket)
