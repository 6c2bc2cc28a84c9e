"""Accepts first, so that it can say 1008 to whoever has no token.

fails refuse: accepts-then-closes
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

TOKEN = "ihlamur"

app = FastAPI()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, token: str = ""):
    await websocket.accept()
    if token != TOKEN:
        await websocket.close(1008, "jeton yanlış")
        return
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
                await websocket.close(1008, reason)
                return
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
