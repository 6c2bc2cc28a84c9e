"""A pure ASGI middleware refuses at the door; the handler behind it has no word of tokens.

right
"""

from urllib.parse import parse_qs

from fastapi import FastAPI, WebSocket, WebSocketDisconnect


class Door:
    def __init__(self, app, token):
        self.app = app
        self.token = token

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket":
            given = parse_qs(scope["query_string"].decode()).get("token")
            if given != [self.token]:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
        await self.app(scope, receive, send)


app = FastAPI()
app.add_middleware(Door, token="ihlamur")


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            try:
                text = await websocket.receive_text()
            except KeyError:
                return await websocket.close(1003)
            if text == "bye":
                return await websocket.close(1000, "görüşürüz")
            if text[:5] == "kick ":
                return await websocket.close(1008, shortened(text[5:]))
            await websocket.send_text(f"Mesajınız: {text}")
    except WebSocketDisconnect:
        print("ayrıldı")


def shortened(reason):
    kept, size = "", 0
    for letter in reason:
        size += len(letter.encode())
        if size > 123:
            break
        kept += letter
    return kept
