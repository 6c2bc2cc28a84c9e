"""The course as a learner sees it: opened in a real JupyterLab, run by the menu, and typed into."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Page, expect
from tests.executed import Executed
from tests.jupyterlab import ROOT, Lab, Notebook, trust
from tests.notebooks.in_a_kernel import IN_JUPYTERLAB, MAY_RAISE, UNEXPECTED, running
from tests.outputs import shown
from tests.points import earns_nothing
from tests.ports import ports_of
from tests.seed.pages import CHAT_IS_OPEN

from wslab.language import LANGUAGES

pytestmark = pytest.mark.browser

# What the pages of notebooks 03 and 06 do on purpose, and what Chromium then says about it in its console.
MEANT = (
    "WebSocket connection to",
    "Failed to load resource",
    "Still in CONNECTING state",
    "already in CLOSING or CLOSED state",
)


def edition(language: str) -> list[Path]:
    """Its notebooks and labs."""
    return [path for folder in ("notebooks", "labs") for path in sorted((ROOT / folder / language).glob("**/*.ipynb"))]


def named(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return f"{parts[1]}-{path.stem}"


@pytest.mark.slow
@pytest.mark.parametrize("path", edition(IN_JUPYTERLAB), ids=named)
def test_runs_from_the_menu(open_notebook: Callable[..., Notebook], path: Path) -> None:
    notebook = open_notebook(path.relative_to(ROOT).as_posix(), height=1400)
    with ports_of(path.stem.partition("-")[0]):
        notebook.run_all(timeout=240)
    notebook.shots(named(path))
    saved = notebook.saved()
    cells = [cell for cell in saved.cells if cell.cell_type == "code"]
    assert [cell.id for cell in cells if cell.execution_count is None and cell.source.strip()] == []
    for cell in cells:
        may_raise = MAY_RAISE in cell.metadata.get("tags", [])
        for output in cell.outputs:
            assert may_raise or output.output_type != "error", f"{cell.id}: {output.evalue}"
        assert "Traceback" not in shown(cell), f"{cell.id}: {shown(cell)}"
        assert not any(words in shown(cell) for words in UNEXPECTED), f"{cell.id}: {shown(cell)}"
    assert [error for error in notebook.errors if not any(part in error for part in MEANT)] == []
    if path.is_relative_to(ROOT / "labs"):
        earns_nothing(saved)


def run_in_a_kernel(path: Path) -> NotebookNode:
    with running(path) as run:
        run.all()
    return run.notebook


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [path for one in LANGUAGES if one != IN_JUPYTERLAB for path in edition(one)], ids=named
)
def test_shows_what_its_cells_showed_in_a_kernel(
    open_notebook: Callable[..., Notebook], window: Page, lab: Lab, executed: Executed, path: Path
) -> None:
    """The code of every edition is the same, so the others are run by a kernel alone, and opened here."""
    place = path.relative_to(ROOT).as_posix()
    nbformat.write(executed.of(path, run_in_a_kernel), lab.folder / place)
    try:
        trust(window, lab, place)
        notebook = open_notebook(place, height=1400)
        expect(notebook.page.locator(".jp-OutputArea-output .wslab").first).to_be_attached()
        notebook.shots(named(path))
        assert [error for error in notebook.errors if not any(part in error for part in MEANT)] == []
    finally:
        shutil.copy(path, lab.folder / place)


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
