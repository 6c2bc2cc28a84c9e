"""No framework at all: one ASGI function that speaks the messages of the specification.

right
"""


async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    if scope["path"] != "/ws" or scope["query_string"] != b"token=ihlamur":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        text = event.get("text")
        if text is None:
            code, reason = 1003, "metin"
        elif text == "bye":
            code, reason = 1000, ""
        elif text.startswith("kick "):
            code, reason = 1008, text[5:].encode()[:123].decode(errors="ignore")
        else:
            await send({"type": "websocket.send", "text": "Mesajınız: " + text})
            continue
        await send({"type": "websocket.close", "code": code, "reason": reason})
        return
