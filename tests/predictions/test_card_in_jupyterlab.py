"""The card in a real JupyterLab, in a real browser, mostly without a mouse."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from tests import jupyterlab as jupyter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DATA = Path(__file__).parent / "data"
PATIENCE = 120.0


@dataclass(frozen=True)
class Lab(jupyter.Lab):
    """A folder in a JupyterLab that runs."""

    def notebook(self, name: str, *sources: str, language: str = "en", outputs: bool = False) -> None:
        """Write a notebook with these code cells below a setup cell; with `outputs`, executed (and not trusted)."""
        setup = (
            "from pathlib import Path\nimport os\n"
            f"os.environ['WSLAB_HOME'] = {str(self.folder / name)!r}\n"
            "from wslab import ask_again, doctor, predict, progress\nfrom wslab.language import use_language\n"
            "from wslab.predictions import catalogue\n"
            f"catalogue.FOLDER = Path({str(DATA)!r})\nuse_language({language!r})"
        )
        cells = [nbformat.v4.new_code_cell(source) for source in (setup, *sources)]
        spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})
        if outputs:
            from tests import kernels

            kernels.client(made, timeout=120).execute()
        nbformat.write(made, self.folder / f"{name}.ipynb")

    def kept(self, name: str, sql: str) -> list[tuple[object, ...]]:
        """What the notebook's progress file holds."""
        path = self.folder / name / "progress.sqlite"
        if not path.exists():
            return []
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def lab(jupyterlab: jupyter.Lab) -> Lab:
    folder = jupyterlab.folder / "predictions"
    folder.mkdir()
    return Lab(jupyterlab.url, folder)


def wait_for(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    context.close()


@pytest.fixture
def page(window: Page, lab: Lab) -> Iterator[Page]:
    window.set_viewport_size({"width": 1000, "height": 1100})
    yield window
    jupyter.close_all(window, lab)


def open_notebook(page: Page, lab: Lab, name: str) -> None:
    jupyter.Notebook(page, lab, f"{lab.folder.name}/{name}.ipynb")


def run_setup(page: Page) -> None:
    """Run the first cell by keyboard."""
    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.keyboard.press("Escape")
    run_cell(page, 0)


def run_cell(page: Page, number: int) -> None:
    """Shift+Enter, and wait until the code cell (counted from 0) has run."""
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(
        "number => /\\[\\d+\\]/.test(document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')[number].textContent)",
        arg=number,
    )


def focused(page: Page) -> str:
    """What has the keyboard: a radio's value, a button's text, or the number of a cell."""
    return str(
        page.evaluate(
            """() => {
                const it = document.activeElement;
                if (it.matches("input[type=radio]")) return it.value;
                if (it.matches(".wslab-form button")) return it.textContent;
                if (it.matches(".wslab-form input")) return "field";
                return "cell " + [...document.querySelectorAll(".jp-Cell")].indexOf(it.closest(".jp-Cell"));
            }"""
        )
    )


def test_a_choice_is_answered_by_keyboard(page: Page, lab: Lab) -> None:
    lab.notebook("choice", 'predict("98.status")', 'predict("98.status").outcome(500)')
    open_notebook(page, lab, "choice")
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    run_setup(page)
    run_cell(page, 1)
    page.wait_for_selector(".wslab-form .wslab-option")
    assert focused(page) == "cell 2"
    cells = page.locator(".jp-Cell").count()

    for expected in ("Skip", "I’m sure", "timeout"):
        page.keyboard.press("Shift+Tab")
        assert focused(page) == expected
    # None of these keys may reach JupyterLab's shortcuts: Down selects another cell there, "d d" deletes one.
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    for key in "ddabxz":
        page.keyboard.press(key)
    assert focused(page) == "refused"
    page.keyboard.press("Enter")
    page.wait_for_selector('.wslab-says:text-is("Kept. Now run the next cell.")')
    assert lab.kept("choice", "SELECT answer, skipped FROM answers") == [("refused", 0)]
    assert page.locator(".jp-Cell").count() == cells
    wait_for(lambda: focused(page) == "cell 2", "the keyboard on the next cell")

    run_cell(page, 2)
    card = page.locator(".jp-OutputArea .wslab-predict:not(.wslab-form)")
    card.wait_for()
    text = card.inner_text()
    assert "HTTP 403" in text
    assert "HTTP 500" in text
    assert "≠ Not what you predicted. 403 is what a deliberate close() before accept() gives" in text
    assert lab.kept("choice", "SELECT measured, verdict FROM predictions") == [("500", "wrong")]
    assert errors == []


def test_nothing_of_a_label_is_cut_off_even_in_a_narrow_window(page: Page, lab: Lab) -> None:
    lab.notebook("narrow", 'predict("98.status")', language="tr")
    open_notebook(page, lab, "narrow")
    page.set_viewport_size({"width": 560, "height": 900})
    run_setup(page)
    run_cell(page, 1)
    page.wait_for_selector(".wslab-form .wslab-option")
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".wslab-form, .wslab-form *")].filter((it) =>
            it.scrollWidth > it.clientWidth + 1 && getComputedStyle(it).display !== "inline" && it.clientWidth)
            .map((it) => it.outerHTML)"""
    )
    assert cut == []
    small = page.evaluate(
        """() => [...document.querySelectorAll(".wslab-form *")].filter((it) =>
            it.childNodes.length && parseFloat(getComputedStyle(it).fontSize) < 14).map((it) => it.outerHTML)"""
    )
    assert small == []


def test_a_number_is_answered_by_keyboard_and_a_slip_gets_a_sentence(page: Page, lab: Lab) -> None:
    lab.notebook("number", 'predict("98.bytes")', 'predict("98.bytes").outcome(11)')
    open_notebook(page, lab, "number")
    run_setup(page)
    run_cell(page, 1)
    page.wait_for_selector(".wslab-form .wslab-free input")
    for _ in range(3):
        page.keyboard.press("Shift+Tab")
    assert focused(page) == "field"
    page.keyboard.press("Enter")
    page.wait_for_selector('.wslab-says:text-is("Nothing is chosen yet. Answer, or skip this one.")')
    page.keyboard.type("eleven")
    page.keyboard.press("Enter")
    page.wait_for_selector('.wslab-says:has-text("“eleven” is not a number")')
    assert focused(page) == "field"
    page.keyboard.press("Control+a")
    page.keyboard.type("11")
    page.keyboard.press("Enter")
    page.wait_for_selector('.wslab-says:text-is("Kept. Now run the next cell.")')
    wait_for(lambda: focused(page) == "cell 2", "the keyboard on the next cell")
    run_cell(page, 2)
    page.wait_for_selector('.wslab-predict:has-text("✓ As you predicted.")')


def test_what_is_chosen_counts_where_the_next_cell_is_run_without_the_button(page: Page, lab: Lab) -> None:
    lab.notebook("chosen", 'predict("98.status")', 'predict("98.status").outcome(500)')
    open_notebook(page, lab, "chosen")
    run_setup(page)
    run_cell(page, 1)
    page.locator(".wslab-form .wslab-option").nth(2).click()
    page.locator(".jp-CodeCell .jp-InputPrompt").nth(2).click()
    run_cell(page, 2)
    page.wait_for_selector('.wslab-predict:has-text("✓ As you predicted.")')
    assert page.locator(".wslab-form .wslab-chosen").inner_text() == "HTTP 500"
    assert lab.kept("chosen", "SELECT answer, late FROM answers") == [("failed", 0)]


def test_skipping_and_changing_by_keyboard(page: Page, lab: Lab) -> None:
    lab.notebook("skip", 'predict("98.status")', "1 + 1")
    open_notebook(page, lab, "skip")
    run_setup(page)
    run_cell(page, 1)
    page.wait_for_selector(".wslab-form .wslab-option")
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "Skip"
    page.keyboard.press("Space")
    page.wait_for_selector('.wslab-says:text-is("Skipped. Now run the next cell.")')
    wait_for(lambda: focused(page) == "cell 2", "the keyboard on the next cell")
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "Answer after all"
    page.keyboard.press("Enter")
    assert focused(page) == "open"
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    assert focused(page) == "cell 1"
    page.locator(".wslab-form input").nth(2).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector('.wslab-says:text-is("Kept. Now run the next cell.")')
    assert lab.kept("skip", "SELECT answer, skipped FROM answers ORDER BY answered_at") == [(None, 1), ("failed", 0)]


def test_what_was_wrong_is_asked_again_by_keyboard(page: Page, lab: Lab) -> None:
    wrong = 'predict("98.status").answer("refused").outcome(500)\npredict("98.bytes").answer(18).outcome(11)'
    lab.notebook("again", wrong, 'ask_again("98")', "1 + 1")
    open_notebook(page, lab, "again")
    run_setup(page)
    run_cell(page, 1)
    run_cell(page, 2)
    page.wait_for_selector('.wslab-lead:text-is("Asked again: 1 of 2")')
    options = page.locator(".wslab-form .wslab-option").all_inner_texts()
    assert options[1:3] == ["500", "With 101"]
    page.locator(".wslab-form input").nth(0).focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector('.wslab-verdict:has-text("≠ No. No 101 was sent.")')
    assert page.locator(".wslab-form .wslab-chosen").inner_text() == "With 101"
    wait_for(lambda: focused(page) == "Next question", "the keyboard on the next question")
    page.keyboard.press("Enter")
    page.wait_for_selector('.wslab-lead:text-is("Asked again: 2 of 2")')
    wait_for(lambda: focused(page) == "field", "the keyboard in the field")
    assert page.locator(".wslab-verdict").is_hidden()
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    page.wait_for_selector('.wslab-verdict:has-text("✓ Right. Seven characters and two bytes more.")')
    assert "Right this time: 1 of 2." in page.locator(".wslab-says").inner_text()
    wait_for(lambda: focused(page) == "cell 3", "the keyboard on the next cell")
    assert lab.kept("again", "SELECT name, answer FROM answers WHERE late ORDER BY answered_at") == [
        ("status.again", "open"),
        ("bytes.again", "9"),
    ]


def test_an_answer_is_kept_while_a_cell_still_runs(page: Page, lab: Lab) -> None:
    lab.notebook("busy", 'predict("98.status")', "import asyncio\nawait asyncio.sleep(600)")
    open_notebook(page, lab, "busy")
    run_setup(page)
    run_cell(page, 1)
    page.wait_for_selector(".wslab-form .wslab-option")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="busy"]', state="attached")
    page.locator(".wslab-option").nth(1).click()
    page.locator(".wslab-sure").click()
    wait_for(lambda: lab.kept("busy", "SELECT answer FROM answers") == [("refused",)], "the answer in the file")
    page.wait_for_selector('.wslab-says:text-is("Kept. Now run the next cell.")')


def test_after_a_kernel_restart_the_answer_shows_again(page: Page, lab: Lab) -> None:
    lab.notebook("restart", 'predict("98.status")')
    open_notebook(page, lab, "restart")
    run_setup(page)
    run_cell(page, 1)
    page.locator(".wslab-option").nth(2).click()
    page.locator(".wslab-sure").click()
    page.wait_for_selector('.wslab-says:text-is("Kept. Now run the next cell.")')

    page.click('.lm-MenuBar-itemLabel:text-is("File")')
    page.click('.lm-Menu-itemLabel:text-is("Save Notebook")')
    wait_for(
        lambda: "wslab-predict" in (lab.folder / "restart.ipynb").read_text(encoding="utf-8"), "the saved notebook"
    )
    page.reload()  # a new page, the same kernel
    page.wait_for_selector(".wslab-form .wslab-chosen")

    page.click('.lm-MenuBar-itemLabel:text-is("Kernel")')
    page.click('.lm-Menu-itemLabel:text-is("Restart Kernel and Run All Cells…")')
    page.click('.jp-Dialog button:has-text("Restart")')
    page.wait_for_selector('.wslab-says:has-text("You answered this on")')
    assert page.locator(".wslab-form .wslab-chosen").inner_text() == "HTTP 500"
    assert page.locator(".wslab-form input:checked").get_attribute("value") == "failed"


def test_an_untrusted_notebook_can_be_read(page: Page, lab: Lab) -> None:
    lab.notebook(
        "untrusted", 'predict("98.status")', 'predict("98.status").answer("refused").outcome(500)', outputs=True
    )
    open_notebook(page, lab, "untrusted")
    page.wait_for_selector('.jp-OutputArea:has-text("What happened:")')
    assert page.locator(".wslab-form").count() == 0
    question, outcome = (page.locator(".jp-OutputArea-output").nth(number) for number in (0, 1))
    for text in ("Predict, before you run the next cell", "HTTP 403", "To answer, run this cell."):
        assert text in question.inner_text()
    for text in ("Your prediction: HTTP 403", "What happened: HTTP 500", "≠ Not what you predicted."):
        assert text in outcome.inner_text().replace("\xa0", " ").replace(":\n", ": ")
    assert ".wslab" not in question.inner_text()  # no stylesheet shown as text
