"""A server's page and links find the way from the browser: straight, or through the proxy under any base URL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect
from tests.jupyterlab import Lab, Notebook, running_lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = pytest.mark.browser

CELLS = [
    """from fastapi import FastAPI, WebSocket
from fastapi.responses import HTMLResponse
from wslab import serve
app = FastAPI()

@app.get("/")
async def page():
    return HTMLResponse('''<title>p</title><p id="out"></p><script>
    const ws = new WebSocket(new URL("ws", location.href).href.replace(/^http/, "ws"));
    ws.onmessage = (event) => document.getElementById("out").textContent = event.data;</script>''')

@app.websocket("/ws")
async def ws(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_text("merhaba")
    await websocket.receive()""",
    "server = serve(app)\nserver",
    "server.page('/', height=120)",
]


@pytest.fixture(scope="module")
def hub_like(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("ada")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}},
    )
    nbformat.write(notebook, folder / "page.ipynb")
    with running_lab(folder, tmp_path_factory.mktemp("settings"), base_url="/user/ada/") as lab:
        yield lab


@pytest.mark.parametrize("way", ["straight", "proxy", "no"])
def test_the_page_is_reached(browser: Browser, hub_like: Lab, way: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    jupyter = re.search(r":(\d+)/", hub_like.url)
    assert jupyter

    def elsewhere(route: Route) -> None:
        # As if the kernel were on another machine: nothing but Jupyter's own port is reachable.
        blocked = way != "straight" and f":{jupyter[1]}/" not in route.request.url
        blocked = blocked or (way == "no" and "/proxy/" in route.request.url)
        route.abort() if blocked else route.continue_()

    page.route("**/*", elsewhere)
    notebook = Notebook(page, hub_like, "page.ipynb")
    notebook.run_all()
    page.wait_for_selector(f'.wslab-page[data-reached="{way}"]')
    link = page.get_attribute(".wslab-server a[data-path]", "href")
    assert link
    if way == "no":
        assert page.is_visible(".wslab-page .wslab-unreachable")
        assert not page.is_visible(".wslab-page iframe")
    else:
        expect(page.frame_locator(".wslab-page iframe").locator("#out")).to_have_text("merhaba", timeout=30_000)
        assert ("/user/ada/proxy/" in link) is (way == "proxy")
    notebook.shot(f"page-{way}")
    if way == "no":  # as where a handler held the loop: the page asks again
        page.unroute("**/*")
        page.wait_for_selector('.wslab-page[data-reached="straight"]')
        assert not page.is_visible(".wslab-page .wslab-unreachable")
        expect(page.frame_locator(".wslab-page iframe").locator("#out")).to_have_text("merhaba", timeout=30_000)
    context.close()
