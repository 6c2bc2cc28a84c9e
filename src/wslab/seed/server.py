"""Part 1, section 1 of the document: the chat server."""

from pathlib import Path

from fastapi import FastAPI, WebSocket
import uvicorn

app = FastAPI()

# Bağlı istemcileri takip etmek için basit liste
connected_clients = []


@app.get("/")
async def root():
    return {"message": "WebSocket Sunucusu Çalışıyor", 
            "connected_clients": len(connected_clients)}


@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket):
    # Bağlantıyı kabul et
    await websocket.accept()
    # Bağlantıyı listeye ekle
    connected_clients.append(websocket)

    try:
        while True:
            # İstemciden mesaj bekle
            data = await websocket.receive_text()
            print(f"Alınan mesaj: {data}")
            
            # İstemciye yanıt gönder
            await websocket.send_text(f"Mesajınız: {data}")
            
            # Diğer tüm istemcilere ilet
            for client in connected_clients:
                if client != websocket:  # Kendisi hariç
                    await client.send_text(f"Başka bir istemciden: {data}")

    except Exception as e:
        print(f"Hata: {e}")
    finally:
        # Bağlantı kesildiğinde listeden çıkar
        if websocket in connected_clients:
            connected_clients.remove(websocket)


if __name__ == "__main__":
    # Departure: the file is part of a package, so its import name is longer than "server:app".
    # Departure: host="0.0.0.0" would listen on every network of this machine; this listens on this machine alone.
    # Departure: reload watches this folder alone, else it polls every Python file below the working directory.
    uvicorn.run("wslab.seed.server:app", host="127.0.0.1", port=8000, reload=True,
                reload_dirs=[str(Path(__file__).parent)])
