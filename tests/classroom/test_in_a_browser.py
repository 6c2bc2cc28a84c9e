"""Two real browsers join by the link, chat and vote; the instructor's card in a real JupyterLab follows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect
from tests.jupyterlab import SHOTS, Lab, Notebook

from wslab.classroom import classroom
from wslab.seed import fresh
from wslab.serving import serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = "<script>alert(1)</script"
PHONE = {"width": 390, "height": 844}


def shot(page: Page, name: str, full: bool = True) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SHOTS / f"class-{name}.png"), full_page=full)


def phone(browser: Browser, locale: str, theme: str, faults: list[str]) -> Page:
    page = browser.new_context(viewport=PHONE, locale=locale, color_scheme=theme).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(30_000)
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    return page


def enter(page: Page, link: str, nickname: str) -> None:
    page.goto(link)
    page.fill("#nickname", nickname)
    page.click("button")
    expect(page.locator("#say button")).to_be_enabled()


def narrow(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_two_phones(browser: Browser) -> None:
    faults: list[str] = []
    with serve(fresh("server").app, token=True, name="chat") as server:
        room = classroom(server)
        ada = phone(browser, "en-GB", "light", faults)
        eve = phone(browser, "tr-TR", "dark", faults)
        ada.goto(room.links[0])
        eve.goto(room.links[0])
        shot(ada, "join-en-light")
        shot(eve, "join-tr-dark")
        enter(ada, room.links[0], "Ada")
        enter(eve, room.links[0], SCRIPT)
        expect(eve.locator("h1")).to_have_text(f"Adınız: {SCRIPT}")
        assert [person.nickname for person in room.people] == ["Ada", SCRIPT]

        ada.fill("#text", "<b>Merhaba</b>")
        ada.click("#say button")
        expect(ada.locator("#messages li")).to_have_text("Mesajınız: <b>Merhaba</b>")
        expect(eve.locator("#messages li")).to_have_text("Başka bir istemciden: <b>Merhaba</b>")

        vote = room.vote("07.order")
        for page, choice, kept in ((ada, "queue", "Kept."), (eve, "by-message", "Kaydedildi.")):
            page.check(f"input[value={choice}]")
            page.click("#send")
            expect(page.locator("#verdict")).to_contain_text(kept)
            assert narrow(page)
        shot(ada, "vote-en-light")
        assert vote.split().answers == {"Ada": "queue", SCRIPT: "by-message"}
        vote.reveal()
        expect(ada.locator("#verdict")).to_have_text("≠ Not what you predicted.")
        expect(eve.locator("#verdict")).to_have_text("✓ Tahmin ettiğiniz gibi.")
        expect(ada.locator(".option.right input")).to_have_value("by-message")
        shot(eve, "answer-tr-dark")

        eve.click("nav a")
        expect(eve.locator("h1")).to_have_text(f"You are {SCRIPT}")
        assert faults == []
        eve.click("#rename summary")
        eve.fill("#rename input[type=text]", "Eve")
        shot(eve, "rename-en-dark")
        eve.click("#rename button")
        expect(eve.locator("h1")).to_have_text("You are Eve")
        assert faults == []
        # A server that stops says so; a page that could not hear it asks the gate why its socket was refused.
        eve.context.set_offline(True)
        room.kick("Eve")
        eve.context.set_offline(False)
        expect(eve.locator("#over")).to_contain_text("ended your visit", timeout=30_000)
        server.restart()
        expect(ada.locator("#over")).to_contain_text("The class is over")
        shot(ada, "over-en-light")


def test_a_page_that_does_not_hear_why_it_was_refused_asks_in_its_own_language(browser: Browser) -> None:
    with serve(fresh("server").app, token=True, name="chat") as server:
        room = classroom(server)
        eve = phone(browser, "tr-TR", "light", [])
        eve.route_web_socket(re.compile("/join/live"), lambda socket: socket.close())
        enter(eve, room.links[0], "Eve")
        eve.click("nav a")
        expect(eve.locator("h1")).to_have_text("You are Eve")
        room.kick("Eve")
        expect(eve.locator("#over")).to_contain_text("ended your visit", timeout=60_000)


def fits(page: Page, card: str) -> bool:
    """Whether a card can be seen whole in the notebook's part of the window, at its full width."""
    return bool(
        page.evaluate(
            """(card) => {
                const box = document.querySelector(card), seen = box.closest(".jp-WindowedPanel-outer, .jp-Notebook");
                return box.offsetHeight <= seen.clientHeight && box.scrollWidth <= box.clientWidth;
            }""",
            card,
        )
    )


THEME = """(theme) => jupyterapp.commands.execute("apputils:change-theme", { theme }).then(() => null)"""
CELLS = """
from wslab import classroom, serve, use
from wslab.seed import fresh
use({language!r})
server = serve(fresh("server").app, token=True, name="chat")
room = classroom(server)
---
room
---
from pathlib import Path
Path("link.txt").write_text(room.links[0])
---
vote = room.vote("07.order")
---
vote.reveal()
---
server.stop()
"""


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), pytest.param("tr", "dark", marks=pytest.mark.proof)])
def test_the_card_in_jupyterlab(browser: Browser, jupyterlab: Lab, language: str, theme: str) -> None:
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS.format(language=language).split("---")]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    folder = jupyterlab.folder / f"class-{language}"
    folder.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec}), folder / "class.ipynb")
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(60_000)
    notebook = Notebook(page, jupyterlab, f"{folder.name}/class.ipynb")
    if theme == "dark":
        page.evaluate(THEME, "JupyterLab Dark")

    page.locator(".jp-Cell").first.click()
    for _ in range(3):
        page.keyboard.press("Shift+Enter")
    card = page.locator(".jp-OutputArea .wslab-class")
    expect(card.locator("img")).to_have_attribute("alt", re.compile("http://127"), timeout=60_000)
    link = folder / "link.txt"
    expect(page.locator(".jp-Cell").nth(2).locator(".jp-InputPrompt")).to_have_text("[3]:")
    faults: list[str] = []
    student = phone(browser, language, theme, faults)
    enter(student, link.read_text(), SCRIPT)
    # Nobody ran a cell meanwhile: the card follows by itself.
    row = card.locator("tbody tr")
    expect(row.locator("td").first).to_have_text(SCRIPT)
    page.locator(".jp-Cell").nth(3).click()
    page.keyboard.press("Shift+Enter")
    student.check("input[value=queue]")
    student.click("#send")
    voted = "1 of 1 have voted" if language == "en" else "1 kişiden 1 kişi oy verdi"
    expect(page.locator(".wslab-split").first).to_contain_text(voted)
    page.locator(".jp-Cell").nth(4).click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".wslab-split .wslab-is-right").first).to_be_visible()
    student.fill("#text", "selam")
    student.click("#say button")
    expect(row.locator("td").nth(2)).to_have_text("1")
    page.evaluate("document.activeElement.blur()")
    assert fits(page, ".jp-OutputArea .wslab-class")
    card.scroll_into_view_if_needed()
    shot(page, f"card-{language}-{theme}", full=False)
    page.locator(".wslab-split").last.scroll_into_view_if_needed()
    shot(page, f"split-{language}-{theme}", full=False)
    page.locator(".jp-Cell").nth(5).click()
    page.keyboard.press("Shift+Enter")
    expect(card).to_contain_text("stopped" if language == "en" else "durdu")
    assert faults == [] or all("ERR_CONNECTION_REFUSED" in fault for fault in faults)
    assert notebook.errors == []
    if theme == "dark":
        page.evaluate(THEME, "JupyterLab Light")  # it is kept for whoever comes next
    notebook.close()
    page.context.close()
    student.context.close()
