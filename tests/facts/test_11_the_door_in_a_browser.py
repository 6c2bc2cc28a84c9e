"""What notebook 11 says of pages and cookies, in a real Chromium."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, Response, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser

from wslab.serving import serve

pytestmark = pytest.mark.browser

ASK = """([address, names]) => new Promise(resolve => {
    const ws = new WebSocket(address, names);
    ws.onmessage = event => resolve(event.data);
    ws.onclose = event => resolve(event.code);
})"""


def mailbox() -> FastAPI:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["https://sohbet.example"], allow_credentials=True)

    @app.get("/login")
    async def login(response: Response) -> str:
        response.set_cookie("user", "Ada", httponly=True, samesite="lax")
        return "Ada"

    @app.get("/", response_class=HTMLResponse)
    async def root() -> str:
        return "<!DOCTYPE html>"

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket, chosen: str = "") -> None:
        await websocket.accept(subprotocol=chosen or None)
        await websocket.send_text(f"{websocket.cookies.get('user')} {websocket.headers['origin']}")

    return app


def test_a_page_of_another_port_brings_the_cookie_and_one_of_another_site_does_not(browser: Browser) -> None:
    """CORS refuses neither page. `samesite="lax"` holds back the cookie from another site, not from another port."""
    context = browser.new_context()
    try:
        page = context.new_page()
        with serve(mailbox()) as server, serve(mailbox()) as elsewhere:
            page.goto(f"{server.url}/login")
            page.goto(elsewhere.url)
            assert page.evaluate(ASK, [f"{server.ws_url}/ws", []]) == f"Ada {elsewhere.url}"
            other_site = elsewhere.url.replace("127.0.0.1", "localhost")
            page.goto(other_site)
            assert page.evaluate(ASK, [f"{server.ws_url}/ws", []]) == f"None {other_site}"
            # A browser ends a connection whose server chose none of the names that the page offered.
            offered = ["sohbet", "gizli"]
            assert page.evaluate(ASK, [f"{server.ws_url}/ws", offered]) == 1006
            assert page.evaluate(ASK, [f"{server.ws_url}/ws?chosen=sohbet", offered]) == f"None {other_site}"
    finally:
        context.close()
