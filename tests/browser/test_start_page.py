"""Unit 00 in a real JupyterLab: the map shows the course, and a tile opens its notebook."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.jupyterlab import ROOT, Notebook

from wslab.language import LANGUAGES

_GO_TO_PROGRESS = """() => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const cells = [...notebook.model.cells];
    notebook.activeCellIndex = cells.findIndex((cell) => cell.sharedModel.source.trim() === "progress()");
    return notebook.scrollToItem(notebook.activeCellIndex, "start").then(() => null);
}"""

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_tile_opens_its_notebook(open_notebook: Callable[..., Notebook], language: str) -> None:
    notebook = open_notebook(f"notebooks/{language}/00-setup.ipynb")
    page = notebook.page
    page.locator(".jp-CodeCell .jp-InputArea-editor").first.click()
    page.keyboard.press("Shift+Enter")
    page.evaluate(_GO_TO_PROGRESS)
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-cell').then(() => null)")
    page.wait_for_selector(".wslab-map", timeout=60_000)
    units = [path for folder in ("notebooks", "labs") for path in (ROOT / folder / language).rglob("*.ipynb")]
    assert page.locator(".wslab-map > li").count() == len(units)
    page.locator(".wslab-progress").scroll_into_view_if_needed()
    notebook.shot(f"start-{language}")
    for number, opened in (("02", "02-client.ipynb"), ("L1", "L1-echo.ipynb")):
        page.locator(f'.wslab-map a:has(b:text-is("{number}"))').click()
        page.wait_for_selector(f'.lm-TabBar-tab.lm-mod-current .lm-TabBar-tabLabel:text-is("{opened}")')
        page.click('.lm-TabBar-tabLabel:text-is("00-setup.ipynb")')
    assert notebook.errors == []
