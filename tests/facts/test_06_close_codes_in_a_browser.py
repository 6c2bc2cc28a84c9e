"""What notebook 06 says of a page's view of an end, in a real Chromium; the other rows stand in `test_03_page.py`."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, WebSocket
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser

from wslab.serving import serve

pytestmark = pytest.mark.browser

WATCH = """address => new Promise(resolve => {
    const seen = [], ws = new WebSocket(address);
    ws.onopen = () => seen.push(["open"]);
    ws.onerror = event => seen.push(["error", event.code ?? null, event.reason ?? null]);
    ws.onclose = event => { seen.push(["close", event.code, event.reason, event.wasClean]); resolve(seen); };
})"""


def app() -> FastAPI:
    app = FastAPI()

    @app.get("/", response_class=HTMLResponse)
    async def root() -> str:
        return "<!DOCTYPE html>"

    @app.websocket("/killed")
    async def killed(websocket: WebSocket) -> None:
        await websocket.accept()

    @app.websocket("/door")
    async def door(websocket: WebSocket) -> None:
        await websocket.close(1008, "olmaz")

    @app.websocket("/explained")
    async def explained(websocket: WebSocket) -> None:
        raise HTTPException(401, "önce giriş yapın")

    @app.websocket("/close/{code}")
    async def close_with(websocket: WebSocket, code: int) -> None:
        await websocket.accept()
        await websocket.close(code, "neden")

    return app


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        pytest.param("/killed", [["open"], ["close", 1006, "", False]], id="a server that ends without a frame"),
        pytest.param(
            "/door", [["error", None, None], ["close", 1006, "", False]], id="close(1008) before accept: both are lost"
        ),
        pytest.param(
            "/explained", [["error", None, None], ["close", 1006, "", False]], id="status and body of a refusal: hidden"
        ),
        pytest.param("/close/1011", [["open"], ["close", 1011, "neden", True]], id="a code that a page may not send"),
    ],
)
def test_what_a_page_sees(browser: Browser, path: str, seen: list[Any]) -> None:
    """JS: rejection, killed server → 1006, `wasClean` false, and `onerror` says nothing; a sent code as sent."""
    with serve(app()) as server:
        page = browser.new_page()
        try:
            page.goto(server.url)
            assert page.evaluate(WATCH, server.ws_url + path) == seen
        finally:
            page.close()
