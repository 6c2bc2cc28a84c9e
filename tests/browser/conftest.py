"""The course in JupyterLab, and a window onto it that notebooks are opened in one after the other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from tests.jupyterlab import ROOT, Lab, Notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def lab(jupyterlab: Lab) -> Lab:
    """A copy of what was built lies in it."""
    for name in ("docs", "notebooks", "labs", "solutions"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, jupyterlab.folder / name)
    return jupyterlab


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """A browser's window for a module: loading JupyterLab takes as much processor time as running a notebook."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


@pytest.fixture
def open_notebook(window: Page, lab: Lab) -> Iterator[Callable[..., Notebook]]:
    opened: list[Notebook] = []

    def open_in(path: str, height: int = 900) -> Notebook:
        window.set_viewport_size({"width": 1280, "height": height})
        opened.append(Notebook(window, lab, path))
        return opened[-1]

    yield open_in
    for notebook in opened:
        notebook.close()
