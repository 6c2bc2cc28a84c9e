"""Refuses with a response of its own, send_denial_response(), and has one except for bytes and one for who leaves.

right
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

app = FastAPI()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, token: str = ""):
    if token != "ihlamur":
        await websocket.send_denial_response(JSONResponse({"detail": "jeton?"}, status_code=403))
        return
    await websocket.accept()
    while True:
        try:
            data = await websocket.receive_text()
        except KeyError:
            await websocket.close(1003, "yalnızca metin")
            break
        except WebSocketDisconnect:
            break
        if data == "bye":
            await websocket.close(1000)
            break
        if data.startswith("kick "):
            await websocket.close(1008, data.removeprefix("kick ").encode()[:123].decode("utf-8", "ignore"))
            break
        await websocket.send_text(f"Mesajınız: {data}")
