"""Takes the message that somebody left for one with a text.

fails alive: leaving-raises
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
            if message.get("bytes") is not None:
                await websocket.close(1003, "yalnızca metin")
                return
            data = message["text"]
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
