"""An APIRouter; iter_text() ends by itself when the client leaves, and bytes make it raise a KeyError.

right
"""

from fastapi import APIRouter, FastAPI, WebSocket, status

router = APIRouter()


def fits(reason: str) -> str:
    return reason.encode()[:123].decode(errors="ignore")


@router.websocket("/ws")
async def tea_house(ws: WebSocket, token: str | None = None):
    if token != "ihlamur":
        return await ws.close(status.WS_1008_POLICY_VIOLATION, "no token")
    await ws.accept()
    try:
        async for said in ws.iter_text():
            match said.split(" ", 1):
                case ["bye"]:
                    return await ws.close()
                case ["kick", why]:
                    return await ws.close(status.WS_1008_POLICY_VIOLATION, fits(why))
            await ws.send_text(f"Mesajınız: {said}")
    except KeyError:
        await ws.close(status.WS_1003_UNSUPPORTED_DATA)


app = FastAPI()
app.include_router(router)
