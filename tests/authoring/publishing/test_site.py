"""The reading site as a reader has it: links, search, the other language, no request to anywhere else."""

from __future__ import annotations

import functools
import html
import http.server
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.browser]
AXE = os.environ.get("WSLAB_AXE", "")
PAGES = ("index", "notebooks/04-on-the-wire", "labs/L1-echo", "docs/instructor-guide", "docs/glossary", "docs/api")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(reading_site: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(reading_site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def open_page(browser: Any, url: str, **options: Any) -> tuple[Any, list[str]]:
    """A page, and what it asked for elsewhere (refused) or what went wrong on it."""
    page = browser.new_page(**options)
    wrong: list[str] = []
    start = url.split("/build/site")[0] if url.startswith("file:") else "/".join(url.split("/")[:3])

    def asked(route: Any) -> None:
        if route.request.url.startswith((start, "data:")):
            route.continue_()
        else:
            wrong.append(route.request.url)
            route.abort()

    page.route("**/*", asked)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(url)
    return page, wrong


def test_every_link_leads_somewhere(reading_site: Path) -> None:
    root = reading_site
    pages = {path: path.read_text(encoding="utf-8") for path in root.rglob("*.html")}
    ids = {path: set(re.findall(r'\sid="([^"]+)"', text)) for path, text in pages.items()}
    dead, checked = [], 0
    for path, text in pages.items():
        for link in re.findall(r'\s(?:href|src)="([^"]*)"', re.sub(r"(?s)<script\b.*?</script>", "", text)):
            parts = urlsplit(html.unescape(link))
            if parts.scheme or parts.netloc:
                continue
            checked += 1
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = there / "index.html" if there.is_dir() else there
            if not there.is_file() or (parts.fragment and there in ids and unquote(parts.fragment) not in ids[there]):
                dead.append((path.relative_to(root).as_posix(), link))
    assert checked > 200
    assert dead == []


def test_no_solution_is_published(reading_site: Path) -> None:
    lab = (reading_site / "en/labs/L1-echo.html").read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in lab
    assert "cell_output" not in lab


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_nothing_of_others_from_the_file_system(reading_site: Path, browser: Any, page: str) -> None:
    opened, wrong = open_page(browser, (reading_site / f"tr/{page}.html").as_uri())
    # Scripts that the page starts once it is there have had their turn after two frames.
    opened.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    opened.close()
    assert wrong == []


def test_the_search_speaks_turkish(address: str, browser: Any) -> None:
    page, wrong = open_page(browser, f"{address}/tr/search.html?q=sunucular")  # not a word of the text in this form
    result = page.locator("#search-results li a").first
    result.wait_for(timeout=15_000)
    assert "/tr/" in page.evaluate("document.querySelector('#search-results li a').href")
    page.get_by_text("sayfa bulundu").wait_for(timeout=15_000)
    assert page.locator("#search-results li").count() >= 2
    page.close()
    assert wrong == []


def test_the_other_language_opens_at_the_cell_that_is_read(address: str, browser: Any) -> None:
    page, wrong = open_page(browser, f"{address}/en/notebooks/04-on-the-wire.html")
    cell = page.evaluate("[...document.querySelectorAll('.cell-anchor')][20].id")
    page.evaluate(
        "(id) => document.getElementById(id).scrollIntoView({ behavior: 'instant' })",
        cell,
    )
    # The mouse itself: a locator's click first scrolls the page, away from the cell.
    link = page.locator("#pst-header a.wslab-language").bounding_box()
    assert link is not None
    page.mouse.click(link["x"] + link["width"] / 2, link["y"] + link["height"] / 2)
    page.wait_for_url(f"**/tr/notebooks/04-on-the-wire.html#{cell}")
    box = page.locator(f"#{cell}").bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= 400
    assert page.locator("html").get_attribute("lang") == "tr"
    assert page.get_by_text("Bu sayfada").count()
    page.close()
    assert wrong == []


def test_the_pictures_work_and_follow_the_theme(address: str, browser: Any) -> None:
    page, wrong = open_page(browser, f"{address}/en/notebooks/04-on-the-wire.html", color_scheme="dark")
    title = page.locator(".wire-title").first
    before = title.get_attribute("aria-expanded")
    title.click()
    assert title.get_attribute("aria-expanded") != before
    paper = "getComputedStyle(document.querySelector('.wslab')).getPropertyValue('--paper')"
    assert page.evaluate(paper) == "#111418"
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    page.wait_for_function(f"{paper} === '#ffffff'")
    page.close()
    assert wrong == []


@pytest.mark.skipif(not AXE, reason="WSLAB_AXE names no axe.min.js")
@pytest.mark.parametrize(("page", "scheme"), [*((page, "light") for page in PAGES), (PAGES[1], "dark")])
def test_axe_has_no_serious_findings(address: str, browser: Any, page: str, scheme: str) -> None:
    opened, _ = open_page(browser, f"{address}/tr/{page}.html", color_scheme=scheme)
    opened.add_script_tag(path=AXE)
    found = opened.evaluate("axe.run(document).then((result) => result.violations)")
    opened.close()
    serious = [
        (one["id"], node["target"], node["html"][:160])
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert serious == []
