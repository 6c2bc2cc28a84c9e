"""Takes the letters of kick off both ends of the reason.

fails kick: wrong-reason
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
                reason = data.strip("kick ").encode()[:123].decode(errors="ignore")  # noqa: B005
                await websocket.close(1008, reason)
                return
            await websocket.send_text(f"Mesajınız: {data}")
    except WebSocketDisconnect:
        pass
