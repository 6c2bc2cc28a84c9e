"""Part 2, last section of the document: the server speaks first, by a timer and on an HTTP request.

Departure: the document shows the two functions alone; here they stand beside the chat server of part 1.
"""

from datetime import datetime
from pathlib import Path

from fastapi import FastAPI, WebSocket
import uvicorn
import asyncio

app = FastAPI()

# Bağlı istemcileri takip etmek için basit liste
connected_clients = []

# Departure: a notebook cannot wait the document's 60 seconds; it sets this name to a shorter period.
period = 60


async def send_periodic_updates():
    while True:
        message = f"Sunucu saati: {datetime.now().isoformat()}"
        for client in connected_clients:
            try:
                await client.send_text(message)
            except Exception:
                # Bağlantı kesilmiş olabilir, hata yönetimi
                pass
        await asyncio.sleep(period)  # 60 saniye bekle


# Uygulama başlangıcında bu görevi başlat
@app.on_event("startup")
async def startup_event():
    asyncio.create_task(send_periodic_updates())


# Örneğin başka bir HTTP endpoint aracılığıyla tüm bağlantılara mesaj gönderme
@app.post("/broadcast")
async def broadcast_to_all(message: str):
    for client in connected_clients:
        try:
            await client.send_text(message)
        except Exception:
            pass
    return {"status": "sent", "clients": len(connected_clients)}


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
    # Departure: package name, this machine alone, this folder alone; see server.py.
    uvicorn.run("wslab.seed.push_server:app", host="127.0.0.1", port=8000, reload=True,
                reload_dirs=[str(Path(__file__).parent)])
