"""Every “Change it” of unit 03, in a kernel and in a Chromium that opens its pages, shows what is promised."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from tests.notebooks.changing import Unit, again_and_out_of_order
from tests.notebooks.new_cells import write
from tests.seed.pages import CHAT_IS_OPEN

pytestmark = [pytest.mark.notebook, pytest.mark.browser]

UNSAFE = 'document.getElementById("messages").innerHTML += "<li>" + event.data + "</li>";'
SAFE = (
    'var item = document.getElementById("messages").appendChild(document.createElement("li"));\n'
    "    item.textContent = event.data;"
)


@pytest.fixture(scope="module")
def unit(unit: Unit) -> Unit:
    write(unit, "server.restart()")
    return unit


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(10_000)
    yield page
    page.close()


def visit(tab: Page, unit: Unit, name: str) -> None:
    address = write(unit, "server.url").strip().strip("'")
    tab.goto(f"{address}/{name}")


def test_a_slash_makes_a_folder(unit: Unit) -> None:
    shown = unit.run('predict("03.address").outcome', ("127.0.0.1:53211/chat", "127.0.0.1:53211/chat/"))
    assert "http://127.0.0.1:53211/chat/ws" in shown
    unit.run('predict("03.address").outcome')


def test_a_port_where_nobody_listens(unit: Unit, tab: Page) -> None:
    unit.run('site.show("refused"', ('new URL("nowhere", ws.url)', '"ws://127.0.0.1:65001/ws"'))
    visit(tab, unit, "refused")
    shown = unit.run('predict("03.refused").outcome')
    assert "1006 · wasClean false" in shown
    assert "error, close" in write(unit, "order")
    unit.run('site.show("refused"')


def test_after_a_restart_the_chat_page_loses_its_text(unit: Unit, tab: Page) -> None:
    unit.run('site.show("chat", ')
    visit(tab, unit, "chat")
    tab.wait_for_function(CHAT_IS_OPEN)
    write(unit, "server.restart()")
    tab.wait_for_function("ws.readyState == WebSocket.CLOSED")
    tab.fill("#messageText", "geç kaldım")
    tab.click("button")
    assert tab.input_value("#messageText") == ""
    assert tab.locator("#messages li").count() == 0
    unit.run('site.show("chat", ')
    visit(tab, unit, "chat")
    tab.wait_for_function(CHAT_IS_OPEN)


def test_what_is_text_content_does_not_run(unit: Unit, tab: Page, browser: Browser) -> None:
    unit.run('site.show("unsafe"')
    visit(tab, unit, "unsafe")
    assert "'yes'" in unit.run("ran = None")
    unit.run('site.show("unsafe"', (UNSAFE, SAFE))
    # The old page is still open: what it reports does not count.
    second = browser.new_page()
    try:
        visit(second, unit, "unsafe")
        assert "No page has reported this" in unit.run("ran = None")
        assert "<img" in second.locator("#messages li").last.inner_text()
    finally:
        second.close()


test_again_and_out_of_order = again_and_out_of_order
