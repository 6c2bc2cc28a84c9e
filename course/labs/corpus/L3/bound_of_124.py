"""Shortens a reason that is longer than 124 bytes, by the wrong bound.

fails reason: reason-too-long
"""

from fastapi import FastAPI, WebSocket


class Visit:
    def __init__(self, websocket):
        self.websocket = websocket

    async def run(self):
        await self.websocket.accept()
        while (message := await self.websocket.receive())["type"] == "websocket.receive":
            match ending(message):
                case None:
                    await self.websocket.send_text("Mesajınız: " + message["text"])
                case code, reason:
                    await self.websocket.close(code, short(reason))
                    return


def short(reason):
    if len(reason.encode()) <= 124:
        return reason
    return reason.encode()[:120].decode(errors="ignore") + "…"  # the dots take three bytes


def ending(message):
    text = message.get("text")
    if text is None:
        return 1003, "metin lütfen"
    if text == "bye":
        return 1000, "görüşürüz"
    if text.startswith("kick "):
        return 1008, text[len("kick ") :]
    return None


app = FastAPI()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    if websocket.query_params.get("token") != "ihlamur":
        await websocket.close()
    else:
        await Visit(websocket).run()
