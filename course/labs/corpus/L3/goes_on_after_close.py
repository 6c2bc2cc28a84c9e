"""Closes and goes on to receive.

fails alive: goes-on-after-close
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
            try:
                data = await websocket.receive_text()
            except KeyError:
                await websocket.close(1003)
                return
            if data == "bye":
                await websocket.close(1000)
                return
            if data.startswith("kick "):
                reason = data.removeprefix("kick ").encode()[:123].decode(errors="ignore")
                await websocket.close(1008, reason)
                continue
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
