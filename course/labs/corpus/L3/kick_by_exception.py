"""Raises to end the connection; an exception is no close, and the client sees 1006.

fails kick: handler-raised
fails reason: handler-raised
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

TOKEN = "ihlamur"

app = FastAPI()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, token: str = ""):
    if token != TOKEN:
        await websocket.close()
        return
    await websocket.accept()
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
                raise ValueError(data)
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
