"""The document's systems as it wrote them, each a file that runs alone and inside serve().

`server` (part 1), `client` with its page `chat.html` (part 1), `push_server` (part 2), `random_server` (part 3).
The code is the document's to the string; a comment that begins with “Departure:” says where it is not, and why.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

FOLDER = Path(__file__).parent
SYSTEMS = ("server", "client", "push_server", "random_server")
FIXED_ADDRESS = '"ws://localhost:8000/ws"'
ADDRESS_BESIDE_THE_PAGE = 'new URL("ws", location.href.replace(/^http/, "ws"))'


def fresh(name: str) -> ModuleType:
    """One of the document's systems as a new module, with an empty list of clients of its own.

    An ordinary import gives every caller the same list, so a second server in one notebook would share it.

    Args:
        name: one of `SYSTEMS`.

    Raises:
        ValueError: there is no such system.
    """
    if name not in SYSTEMS:
        raise ValueError(f"{name!r} is none of the document's systems: {', '.join(SYSTEMS)}")
    spec = importlib.util.spec_from_file_location(f"wslab.seed.{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def chat() -> FastAPI:
    """The document's chat with its page, in one app: the page is at `/`, the chat at `/ws`.

    The page looks for the chat beside its own address, so it works at any port and behind a proxy.
    """
    app = FastAPI()
    page: str = fresh("client").html.replace(FIXED_ADDRESS, ADDRESS_BESIDE_THE_PAGE)

    @app.get("/", response_class=HTMLResponse)
    async def show() -> str:
        return page

    app.websocket("/ws")(fresh("server").websocket_endpoint)
    return app
