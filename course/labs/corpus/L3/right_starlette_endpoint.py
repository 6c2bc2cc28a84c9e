"""A Starlette app with a WebSocketEndpoint, which takes text and bytes and goes on receiving until the client has left.

right
"""

from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute


class TeaHouse(WebSocketEndpoint):
    async def on_connect(self, websocket):
        if websocket.query_params.get("token") == "ihlamur":
            await websocket.accept()
        else:
            await websocket.close()

    async def on_receive(self, websocket, data):
        if isinstance(data, bytes):
            await websocket.close(1003)
        elif data == "bye":
            await websocket.close(1000)
        elif data.startswith("kick "):
            reason = data[5:]
            while len(reason.encode()) > 123:
                reason = reason[:-1]
            await websocket.close(1008, reason)
        else:
            await websocket.send_text("Mesajınız: " + data)


app = Starlette(routes=[WebSocketRoute("/ws", TeaHouse)])
