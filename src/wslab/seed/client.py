"""Part 1, section 2 of the document: the client, an HTTP server that serves the page and sends messages."""

from pathlib import Path

from fastapi import FastAPI, WebSocket  # noqa: F401 (the document imports it)
from fastapi.responses import HTMLResponse
import uvicorn
import websockets
import asyncio  # noqa: F401 (the document imports it)

app = FastAPI()

# Departure: the document writes the chat server's address in two places. One name lets a notebook or a test
# that serves on another port say so; unchanged, everything is as in the document.
server_url = "ws://localhost:8000/ws"

# HTML sayfa içeriği
# Departure: the document leaves the page out ("..."); it is completed in a file of its own.
html = (Path(__file__).parent / "chat.html").read_text(encoding="utf-8")


@app.get("/")
async def get():
    return HTMLResponse(html.replace("ws://localhost:8000/ws", server_url))


@app.get("/send/{message}")
async def send_message(message: str):
    try:
        # Sunucuya WebSocket bağlantısı kur
        async with websockets.connect(server_url) as websocket:
            # Mesaj gönder
            await websocket.send(message)
            # Yanıtı al
            response = await websocket.recv()
            return {"sent": message, "response": response}
    except Exception as e:
        return {"error": str(e)}


if __name__ == "__main__":
    # Departure: package name, this machine alone, this folder alone; see server.py.
    uvicorn.run("wslab.seed.client:app", host="127.0.0.1", port=8001, reload=True,
                reload_dirs=[str(Path(__file__).parent)])
