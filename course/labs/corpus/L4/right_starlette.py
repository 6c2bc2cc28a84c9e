"""A Starlette app with a WebSocketEndpoint, whose guests stand in a dictionary.

right
"""

import asyncio
from contextlib import suppress

from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect


async def reply_to(data):
    if data == "/rapor":
        await asyncio.sleep(5)
    return f"Mesajınız: {data}"


taken = {}


class Table(WebSocketEndpoint):
    encoding = "text"

    async def on_connect(self, websocket):
        await websocket.accept()
        self.name = websocket.query_params["name"]
        taken[self.name] = websocket

    async def on_receive(self, websocket, data):
        answer = await reply_to(data)
        with suppress(WebSocketDisconnect, RuntimeError):
            await websocket.send_text(answer)

    async def on_disconnect(self, websocket, close_code):
        if taken.get(self.name) is websocket:
            del taken[self.name]


async def broadcast(request):
    text = "SUNUCU: " + request.query_params["message"]
    pause = float(request.query_params.get("pause", 0))
    sent = 0
    for guest in [*taken.values()]:
        try:
            await guest.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            sent -= 1
        sent += 1
        await asyncio.sleep(pause)
    return JSONResponse({"sent": sent})


app = Starlette(routes=[WebSocketRoute("/ws", Table), Route("/broadcast", broadcast, methods=["POST"])])
