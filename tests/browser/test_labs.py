"""A lab as a learner meets it: the stub's card, the solution typed in, full points; with keys alone once it is open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.jupyterlab import ROOT, Notebook

from wslab.labs import catalogue
from wslab.labs.helping import solution_code
from wslab.language import LANGUAGES, use_language

pytestmark = pytest.mark.browser

CARD = {"en": ("Observed", "Meaning", "Next step"), "tr": ("Görülen", "Anlamı", "Sıradaki adım")}


def write(page: Page, cell: Locator, code: str, paste: bool = False) -> None:
    """Type or paste `code` into a cell in the place of what it holds, and run it."""
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    for number, line in enumerate(code.split("\n")):
        if number:
            page.keyboard.press("Enter")
            # The editor has indented already; the line brings its own indentation.
            page.keyboard.press("Shift+Home")
            page.keyboard.press("Delete")
        page.keyboard.insert_text(line) if paste else page.keyboard.type(line)
    expect(cell.locator(".cm-content")).to_have_text(code.replace("\n", ""), use_inner_text=False)
    page.keyboard.press("Control+Enter")


@pytest.mark.parametrize("language", LANGUAGES)
def test_from_the_stub_to_full_points(open_notebook: Callable[..., Notebook], language: str) -> None:
    use_language(language)
    lab = catalogue.labs()["L1"]
    notebook = open_notebook(f"labs/{language}/L1-echo/L1-echo.ipynb", height=1400)
    page = notebook.page
    notebook.run_all()
    cards = page.locator(".wslab-check")
    accept = page.locator(".jp-CodeCell", has_text='check("L1.accept", app)')
    for label in CARD[language]:
        expect(accept).to_contain_text(label)
    expect(accept).to_contain_text("500")
    card = accept.locator(".wslab-check")
    card.scroll_into_view_if_needed()
    expect(card).to_be_in_viewport(ratio=0.9)
    notebook.shot(f"L1-stub-{language}")
    assert cards.filter(has_text="✓").count() == 0

    for check, start in (("warmup", "door = FastAPI()"), ("echo", "app = FastAPI()")):
        one = lab.check(check)
        assert one is not None
        cell = page.locator(".jp-CodeCell", has_text=start).first
        write(page, cell, solution_code(ROOT, lab, one), paste=check == "echo")
    last = page.locator(".jp-CodeCell", has_text='check("L1", app)').last
    for name in [f'check("L1.{check.name}"' for check in lab.checks] + ['check("L1", app)']:
        cell = page.locator(".jp-CodeCell", has_text=name)
        cell.locator(".jp-InputPrompt").click()
        page.keyboard.press("Control+Enter")
    expect(last.locator(".wslab-check").last).to_contain_text("L1 ·", timeout=60_000)
    expect(last.locator(".wslab-check").last).to_contain_text({"en": "10 of 10", "tr": "10 puandan 10"}[language])
    expect(last.locator(".jp-OutputArea-executeResult .jp-RenderedHTMLCommon")).to_be_empty()
    for check in lab.checks:
        cell = page.locator(".jp-CodeCell", has_text=f'check("L1.{check.name}"')
        expect(cell.locator(".wslab-check")).to_contain_text("✓")
    last.scroll_into_view_if_needed()
    notebook.shot(f"L1-solved-{language}")
    assert page.locator('.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    assert notebook.errors == []
