"""Renders the pictures of the READMEs from real runs: `make pictures`. Needs Chromium."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

import websockets
from fastapi import FastAPI, WebSocket
from playwright.sync_api import Browser, sync_playwright

from wslab import Recording, compare, record, serve, use
from wslab.language import LANGUAGES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from tests.conftest import CHROMIUM  # noqa: E402
from tests.jupyterlab import Notebook, running_lab  # noqa: E402


def chat(pause: bool) -> FastAPI:
    """A chat server whose handler waits half a second for "work": by asyncio.sleep, or by time.sleep."""
    app = FastAPI()

    @app.websocket("/ws")
    async def websocket_endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            text = await websocket.receive_text()
            if text == "work" and pause:
                await asyncio.sleep(0.5)
            elif text == "work":
                time.sleep(0.5)  # noqa: ASYNC251 (what the picture is about)
            await websocket.send_text(text)

    return app


async def broadcaster() -> None:
    """Wakes five times a second."""
    while True:  # noqa: ASYNC110 (the passing of time is what it shows)
        await asyncio.sleep(0.2)


async def talk(url: str) -> None:
    """Ada asks for work; Bob and Cleo only talk."""
    connect = [websockets.connect(f"{url}/ws?name={name}") for name in ("Ada", "Bob", "Cleo")]
    ada, bob, cleo = [await one for one in connect]
    for pause, client, text in [
        (0.2, ada, "hi"),
        (0.2, bob, "hi"),
        (0.2, cleo, "hi"),
        (0.2, ada, "work"),
        (0.15, bob, "hi"),
        (0.15, cleo, "hi"),
        (0.6, bob, "hi"),
    ]:
        await asyncio.sleep(pause)
        await client.send(text)
    await asyncio.sleep(0.3)
    for client in (ada, bob, cleo):
        await client.close()


def film(pause: bool) -> Recording:
    """What the server's loop did meanwhile."""
    with serve(chat(pause)) as server:
        ticking = server.submit(broadcaster())
        with record(server, title="await asyncio.sleep(0.5)" if pause else "time.sleep(0.5)") as recording:
            asyncio.run(talk(server.ws_url))
        ticking.cancel()
    return recording


def timelines(browser: Browser, films: list[Recording]) -> None:
    """`timeline-en.png` and the like."""
    for language in LANGUAGES:
        use(language)
        page = browser.new_page(viewport={"width": 1000, "height": 700}, device_scale_factor=2)
        page.set_content(f'<body style="margin:12px;background:#fff">{compare(*films)._repr_html_()}</body>')
        page.wait_for_selector(".wslab-live svg")
        page.locator(".wslab-live").screenshot(path=str(HERE / f"timeline-{language}.png"))
        page.close()


def jupyterlab(browser: Browser) -> None:
    """`jupyterlab-en.png` and the like: notebook 01 in the middle of its run."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as settings:
        shutil.copytree(ROOT / "notebooks", Path(folder) / "notebooks")
        with running_lab(Path(folder), Path(settings)) as lab:
            for language in LANGUAGES:
                page = browser.new_page(viewport={"width": 1280, "height": 1000})
                notebook = Notebook(page, lab, f"notebooks/{language}/01-server.ipynb")
                notebook.run_all()
                page.locator(".jp-CodeCell", has_text="knock(f").first.scroll_into_view_if_needed()
                page.mouse.wheel(0, 500)
                page.wait_for_timeout(1000)
                page.screenshot(path=str(HERE / f"jupyterlab-{language}.png"))
                page.close()


def main() -> None:
    """Render everything."""
    films = [film(True), film(False)]  # before Playwright, which keeps a loop running in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        timelines(browser, films)
        jupyterlab(browser)
        browser.close()


if __name__ == "__main__":
    main()
