"""The picture where it lives: in a notebook, in real JupyterLab, used by mouse and keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from tests.jupyterlab import Lab, Notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = [
    """import asyncio, time
import websockets
from fastapi import FastAPI, WebSocket
from wslab.recording import compare, record
from wslab.serving import serve
app = FastAPI()
clients = []

@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket):
    await websocket.accept()
    clients.append(websocket)
    while True:
        data = await websocket.receive_text()
        if data == "block":
            time.sleep(0.15)
        for client in clients:
            await client.send_text(data)""",
    "server = serve(app)",
    """async def scene(film):
    async with (websockets.connect(server.ws_url + "/ws?name=Ada") as ada,
                websockets.connect(server.ws_url + "/ws?name=Bob") as bob):
        for client, text in [(ada, "1"), (bob, "2"), (ada, "block"), (bob, "3")]:
            await client.send(text)
            for listener in (ada, bob):
                async with asyncio.timeout(10):
                    await listener.recv()
        film.mark("all said")
    clients.clear()

with record(server, title="two clients") as film:
    await scene(film)
(slept,) = [block for block in film.blocks if block.place and block.place.code == "time.sleep(0.15)"]
assert slept.place.where == "In[1]", film.blocks
film""",
    """with record(server, here=True, title="both loops") as both:
    await scene(both)
both""",
    "compare(film, both)",
    """running = record(server).start()
running.live()""",
    """await scene(running)
running.stop()
seen = running.steps
print("steps seen:", len(seen))""",
]


def test_a_film_in_a_notebook(browser: Browser, jupyterlab: Lab, tmp_path: Path) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    name = f"{tmp_path.name}.ipynb"  # another one at a second try: the first one's kernel may still be there
    nbformat.write(book, jupyterlab.folder / name)
    context = browser.new_context(viewport={"width": 1250, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    notebook = Notebook(page, jupyterlab, name)
    notebook.run_all()
    assert notebook.raised() == []
    page.get_by_text("steps seen: ").last.wait_for()

    film = page.locator(".wslab-film").first
    film.scroll_into_view_if_needed()
    said = film.locator(".wslab-say")
    # The output has no focus yet: the notebook is in command mode, where letters and arrows are JupyterLab's own.
    page.locator(".jp-Cell").nth(2).locator(".jp-InputPrompt").first.click()
    cells = page.locator(".jp-Cell").count()
    film.get_by_role("slider").focus()
    for key in ("ArrowRight", "ArrowRight", "o", "a", "b", "d", "d", "+", "0"):
        page.keyboard.press(key)
    assert said.inner_text().startswith("2 of ")
    assert "(In[1] line " in said.inner_text()
    assert film.get_by_role("button", name="show time").count() == 1  # O has swapped the view
    assert page.locator(".jp-Cell").count() == cells  # and A, B and D D have neither made nor cut a cell
    film.get_by_role("button", name="next step").click()
    assert said.inner_text().startswith("3 of ")

    width = film.locator("svg").bounding_box()
    assert width is not None
    assert width["width"] > 600
    film.get_by_role("button", name="show time").click()
    box = film.locator("svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 420, box["y"] + 150, steps=4)
    page.mouse.up()
    assert film.locator(".wl-axis text").first.text_content() != "0.0 s"

    live = page.locator(".jp-Cell").nth(5).locator("img")
    live.wait_for()
    page.wait_for_function(
        "image => image.alt.includes('Ada') && image.alt.includes('Bob')", arg=live.element_handle(), timeout=20_000
    )
    assert page.locator(".jp-Cell").nth(5).get_by_text("two clients").count() == 0
    for number in (2, 3, 4, 5):
        page.locator(".jp-Cell").nth(number).locator(".jp-OutputArea").first.screenshot(
            path=str(tmp_path / f"cell{number}.png")
        )
    notebook.shot("film in JupyterLab")

    page.evaluate("document.body.setAttribute('data-jp-theme-light', 'false')")
    paper = film.locator(".wl-paper").evaluate("e => getComputedStyle(e).fill")
    assert paper == "rgb(17, 20, 24)"
    assert notebook.errors == []
    notebook.close()
    context.close()
