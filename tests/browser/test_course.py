"""The course as a learner sees it: opened in a real JupyterLab, run by the menu, and typed into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.jupyterlab import ROOT, Notebook
from tests.notebooks.test_run import MAY_RAISE, UNEXPECTED
from tests.seed.pages import CHAT_IS_OPEN

pytestmark = pytest.mark.browser

# What the pages of notebooks 03 and 06 do on purpose, and what Chromium then says about it in its console.
MEANT = (
    "WebSocket connection to",
    "Failed to load resource",
    "Still in CONNECTING state",
    "already in CLOSING or CLOSED state",
)


NOTEBOOKS = [path for folder in ("notebooks", "labs") for path in sorted((ROOT / folder).glob("**/*.ipynb"))]


def named(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return f"{parts[1]}-{path.stem}"


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_runs_from_the_menu(open_notebook: Callable[..., Notebook], path: Path) -> None:
    notebook = open_notebook(path.relative_to(ROOT).as_posix(), height=1400)
    notebook.run_all(timeout=240)
    notebook.shots(named(path))
    cells = [cell for cell in notebook.saved().cells if cell.cell_type == "code"]
    assert [cell.id for cell in cells if cell.execution_count is None and cell.source.strip()] == []
    for cell in cells:
        may_raise = MAY_RAISE in cell.metadata.get("tags", [])
        for output in cell.outputs:
            assert may_raise or output.output_type != "error", f"{cell.id}: {output.evalue}"
            printed = output.text if output.output_type == "stream" else output.get("data", {}).get("text/plain", "")
            assert "Traceback" not in printed, f"{cell.id}: {printed}"
            assert not any(words in printed for words in UNEXPECTED), f"{cell.id}: {printed}"
    assert [error for error in notebook.errors if not any(part in error for part in MEANT)] == []


def test_a_message_typed_in_the_page_reaches_a_python_client_in_a_cell(open_notebook: Callable[..., Notebook]) -> None:
    notebook = open_notebook("notebooks/tr/03-browser-page.ipynb", height=1400)
    page = notebook.page
    cell = page.locator(".jp-CodeCell", has_text="print(await asyncio.wait_for(client.recv(), 1))")
    cell.locator(".jp-InputPrompt").click()
    notebook.menu("Run", "Run All Above Selected Cell")
    chat = page.locator('.wslab-page[data-reached="straight"] iframe').first
    expect(chat).to_be_visible(timeout=60_000)
    # Both are in the room once the page's socket is open and the cell above has heard its own echo.
    before = page.locator(".jp-CodeCell", has_text="client = await websockets.connect")
    expect(before.locator(".jp-OutputArea")).to_contain_text("Mesajınız: Python'dan merhaba", timeout=60_000)
    frame = chat.element_handle().content_frame()
    assert frame is not None
    frame.wait_for_function(CHAT_IS_OPEN)
    typed = chat.content_frame.locator("#messageText")
    typed.fill("Tarayıcıdan selam")
    typed.press("Enter")
    expect(chat.content_frame.locator("#messages")).to_contain_text("Mesajınız: Tarayıcıdan selam")
    notebook.shot("typed-in-the-page")
    cell.locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")
    expect(cell.locator(".jp-OutputArea")).to_contain_text("Başka bir istemciden: Tarayıcıdan selam", timeout=30_000)
