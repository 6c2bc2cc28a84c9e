"""Part 3 of the document: a periodic broadcaster beside the handlers."""

from pathlib import Path

from fastapi import FastAPI, WebSocket
import uvicorn
import asyncio
import random
import datetime

app = FastAPI()

# Bağlı istemcileri takip etmek için basit liste
connected_clients = []

# Rastgele mesajlar listesi
random_messages = [
    "Sunucudan otomatik mesaj: Merhaba!",
    "Sunucudan bilgi: Sistem çalışıyor.",
    "Sunucudan uyarı: Bakım zamanı yaklaşıyor.",
    "Sunucudan duyuru: Yeni özellikler eklendi!",
    "Sunucudan bildirim: Şu an aktif kullanıcı sayısı artıyor."
]

# Departure: a notebook waits less than the document's 5 seconds; it sets this name to a shorter period.
period = 5

# Periyodik olarak rastgele mesaj gönderen fonksiyon
async def send_random_messages():
    while True:
        if connected_clients:  # Bağlı istemci varsa
            # Rastgele bir mesaj seç
            message = random.choice(random_messages)
            # Zaman bilgisi ekle
            timed_message = f"{message} [{datetime.datetime.now().strftime('%H:%M:%S')}]"
            
            print(f"Rastgele mesaj gönderiliyor: {timed_message}")
            
            # Tüm bağlı istemcilere gönder
            for client in connected_clients:
                try:
                    await client.send_text(f"SUNUCU: {timed_message}")
                except Exception as e:
                    print(f"Mesaj gönderme hatası: {e}")
        
        # 5 saniye bekle
        await asyncio.sleep(period)

@app.get("/")
async def root():
    return {"message": "WebSocket Sunucusu Çalışıyor", 
            "connected_clients": len(connected_clients)}

@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket):
    # Bağlantıyı kabul et
    await websocket.accept()
    print("Yeni istemci bağlandı!")
    
    # Bağlantıyı listeye ekle
    connected_clients.append(websocket)
    
    try:
        while True:
            # İstemciden mesaj bekle
            print("İstemciden mesaj bekleniyor...")
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
            print("İstemci bağlantısı kesildi")

# Uygulama başladığında periyodik mesaj gönderme görevini başlat
@app.on_event("startup")
async def startup():
    # Arka planda çalışacak bir görev olarak başlat
    asyncio.create_task(send_random_messages())
    print("Periyodik mesaj gönderme görevi başlatıldı")

if __name__ == "__main__":
    # Departure: package name, this machine alone, this folder alone; see server.py.
    uvicorn.run("wslab.seed.random_server:app", host="127.0.0.1", port=8000, reload=True,
                reload_dirs=[str(Path(__file__).parent)])
