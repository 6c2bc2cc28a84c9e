"""Receives text only: bytes raise a KeyError, and the client sees 1006.

fails binary: key-error
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
            data = await websocket.receive_text()
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
