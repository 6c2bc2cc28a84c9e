"""The sequence diagram: what it says, in every edition, with and without its script."""

from __future__ import annotations

import base64
import html
import os
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.capture.conversations import HANDSHAKE, frame
from tests.capture.pictures import PICTURES, broken, conversation, crowd, long

from wslab.capture import Capture, explain
from wslab.capture.palette import DARK, LIGHT
from wslab.language import LANGUAGES, use_language

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SVG_TEXT = "{http://www.w3.org/2000/svg}text"


def words(shown: str) -> str:
    """What a page says, without its scripts and style sheets."""
    shown = re.sub(r"<(script|style)>.*?</\1>", " ", shown, flags=re.DOTALL)
    return html.unescape(re.sub("<[^>]*>", " ", shown))


def static_image(shown: str) -> ElementTree.Element:
    encoded = re.search(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", shown)
    assert encoded is not None
    return ElementTree.fromstring(base64.b64decode(encoded[1]))


def test_the_text_of_a_conversation() -> None:
    lines = str(conversation()).splitlines()
    assert lines[0] == "   20.0 ms  Client ──▶ Server  GET /ws HTTP/1.1"
    said = "\n".join(lines)
    for part in (
        "✓ Accept = Base64(SHA-1(Key + 258EAFA5-E914-47DA-95CA-C5AB0DC85B11))",
        "TEXT “Merhaba”",
        "18 characters, 20 bytes",
        "fragment 2, the last: the message is “parçalı”",
        "PING “canlı?”",
        "answers the ping after 0.40 ms",
        "⋯ 2.0 s of silence",
        "CLOSE 1000 normal closure   [closing 1 of 4]",
        "reason “güle güle”",
        "Server  CLOSE 1000 normal closure   [closing 2 of 4]",
        "TCP FIN   [closing 3 of 4]",
        "TCP FIN   [closing 4 of 4]",
    ):
        assert part in said
    assert lines[-1] == "✓ Closed by the client with 1000 (normal closure). Clean: each end sent a close frame."


def test_the_verdicts() -> None:
    ends = [line for line in str(crowd()).splitlines() if line[0] in "✓✗"]
    assert [line.split(".")[0] for line in ends] == [
        "✗ Connection 1: The server ended it without a close frame",
        "✓ Connection 2: Closed by the client with 1001 (going away)",
        "✗ Connection 3: The client ended it without a close frame",
        "✗ Connection 4: Rejected with HTTP 403: no WebSocket connection came about, so a browser reports 1006",
    ]
    assert "The server sent a close frame, 1002 (protocol error), but the client sent none." in str(broken())


def test_a_broken_rule_names_its_section() -> None:
    said = str(broken())
    assert "Rule broken: RFC 6455 §5.1" in said
    assert "A client has to mask every frame" in said
    assert "This is no HTTP request: “\\x16\\x03\\x01 TLS” (TLS: wss://, https://)" in said


@pytest.mark.parametrize("name", PICTURES)
def test_every_edition_says_it_in_its_language(name: str) -> None:
    wire = PICTURES[name]()
    texts, pages = set(), set()
    for language in LANGUAGES:
        use_language(language)
        texts.add(str(wire))
        shown = wire._repr_html_()
        pages.add(words(shown))
        assert f'lang="{language}"' in shown
        assert not re.search(r"\{\w+\}", str(wire) + words(shown))
    assert len(texts) == len(pages) == len(LANGUAGES)


@pytest.mark.parametrize("name", PICTURES)
def test_the_output_is_whole_and_loads_nothing(name: str) -> None:
    shown = PICTURES[name]()._repr_html_()
    addresses = set(re.findall(r"""(?:src|href)=["']?([^"'\s>]+)""", shown))
    assert all(address.startswith("data:") for address in addresses)
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)\w+:", shown)
    alternative = re.search(r'<img alt="([^"]+)"', shown)
    assert alternative is not None
    assert len(alternative[1]) > 50
    assert shown.count("<table") == 1
    assert len(shown) < 1_000_000


def test_the_table_says_what_the_picture_says() -> None:
    wire = conversation()
    table = re.search(r"<table.*</table>", wire._repr_html_())
    assert table is not None
    rows = re.findall(r"<tr>(?:<td>.*?</td>)+</tr>", table[0])
    assert len(rows) == len(wire.steps)
    assert "closing 2 of 4" in table[0]
    assert "Mesajınız: Merhaba" in table[0]


def test_what_a_peer_sends_cannot_become_markup() -> None:
    hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    wire = Capture.from_bytes(
        [
            *HANDSHAKE,
            ("client", frame(1, hostile.encode())),
            ("server", frame(8, b"\x03\xe8" + hostile.encode(), key=None)),
        ]
    )
    shown = wire._repr_html_()
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown
    assert static_image(shown) is not None
    assert "<img src=x" not in explain(wire.frames[0])._repr_html_()


@pytest.mark.parametrize("name", PICTURES)
def test_the_static_image_can_be_read(name: str) -> None:
    shown = PICTURES[name]()._repr_html_()
    image = static_image(shown)
    assert float(image.attrib["width"]) == 900
    style = image.findtext("{*}style") or ""
    sizes = [float(size) for size in re.findall(r"font(?:-size)?:(\d+)px", style)]
    assert min(sizes) >= 14
    said = " ".join("".join(text.itertext()) for text in image.iter(SVG_TEXT))
    assert "Server" in said
    assert "GET /ws HTTP/1.1" in said
    height = float(image.attrib["height"])
    for text in image.iter(SVG_TEXT):
        assert 0 < float(text.attrib["y"]) < height


def test_a_long_capture_shows_its_beginning_and_its_end() -> None:
    wire = long()
    before = time.perf_counter()
    shown = wire._repr_html_()
    assert time.perf_counter() - before < 5
    assert "mesaj 0" in shown
    assert "closing 4 of 4" in shown
    assert "206 steps are not shown here" in words(shown)


def test_nothing_yet() -> None:
    empty = Capture.from_bytes([])
    assert str(empty) == ""
    assert "Nothing has passed yet." in " ".join(static_image(empty._repr_html_()).itertext())


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_stands_out_from_every_box(theme: dict[str, str]) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5."""
    boxes = [name for name in theme if name.endswith("-box")] + ["paper"]
    for ink in ("ink", "quiet", "good", "bad", "head", "length", "key", "load"):
        for box in boxes:
            light, dark = sorted((luminance(theme[ink]), luminance(theme[box])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, box)


# In a browser.


def opened(browser: Browser, body: str, *, dark: bool = False, script: bool = True, width: int = 916) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, java_script_enabled=script)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: errors.append(request.url) if request.url.startswith("http") else None)
    page.set_content(
        f'<!doctype html><html lang="en"><head><title>wire</title></head>'
        f'<body data-jp-theme-light="{str(not dark).lower()}" style="margin:8px"><main>{body}</main></body></html>'
    )
    page.errors = errors  # type: ignore[attr-defined]
    return page


@pytest.fixture
def page(browser: Browser) -> Any:
    pages: list[Page] = []

    def show(wire: Capture, **options: Any) -> Page:
        pages.append(opened(browser, wire._repr_html_(), **options))
        return pages[-1]

    yield show
    for one in pages:
        assert not one.errors  # type: ignore[attr-defined]
        one.close()


@pytest.mark.browser
def test_the_script_takes_the_images_place(page: Any) -> None:
    shown = page(conversation())
    assert shown.locator(".wslab-fallback").is_hidden()
    assert shown.locator(".wire-step:visible .wire-title").count() == 14
    marks = shown.locator(".wire-mark").all_inner_texts()
    assert marks == [f"closing {place} of 4" for place in (1, 2, 3, 4)]
    assert shown.locator(".wire-verdict.good").count() == 1


@pytest.mark.browser
def test_without_script_there_is_the_image_and_the_table(page: Any) -> None:
    shown = page(conversation(), script=False)
    assert shown.locator(".wslab-fallback img").is_visible()
    assert shown.locator(".wslab-live").is_hidden()
    shown.locator("summary").click()
    assert shown.locator("table").is_visible()


@pytest.mark.browser
def test_a_byte_tells_its_bits_to_the_mouse_and_to_the_keyboard(page: Any) -> None:
    shown = page(conversation())
    text = shown.locator(".wire-step", has=shown.locator(".wire-title", has_text="TEXT “Merhaba”")).first
    panel, bytes_ = shown.locator(".wire-panel"), text.locator(".wire-byte")
    assert panel.is_hidden()
    bytes_.nth(0).hover()
    assert panel.locator("small").all_inner_texts() == ["FIN", "RSV1", "RSV2", "RSV3", "opcode 0x1"]
    assert "TEXT: text, in UTF-8" in panel.inner_text()
    assert panel.is_visible()
    shown.mouse.move(2, 2)
    assert panel.is_hidden()
    # By keyboard: the title, then into the bytes, then along them.
    text.locator(".wire-title").focus()
    shown.keyboard.press("Tab")
    shown.keyboard.press("ArrowRight")
    assert panel.is_visible()
    assert panel.locator("small").all_inner_texts() == ["MASK", "Payload len 7"]
    assert "masked: a client's frame" in panel.inner_text()
    shown.keyboard.press("End")
    said = panel.inner_text()
    assert "payload, byte 7 of 7: a" in said
    cells = ["".join(one.locator("span").all_inner_texts()) for one in panel.locator(".cells").all()]
    wire, key, plain = (int(cell, 2) for cell in cells)
    assert wire ^ key == plain == ord("a")
    assert text.locator(".wire-byte.pair").count() == 1
    shown.keyboard.press("Escape")
    assert panel.is_hidden()


@pytest.mark.browser
def test_every_byte_of_every_frame_is_told_without_error(page: Any) -> None:
    for wire in (crowd(), broken()):
        shown = page(wire)
        for byte in shown.locator(".wire-byte").all():
            byte.focus()
        assert shown.locator(".wire-meaning").inner_text()


@pytest.mark.browser
def test_steps_fold_and_the_arrow_keys_move_between_them(page: Any) -> None:
    shown = page(conversation())
    titles = shown.locator(".wire-title")
    titles.nth(0).focus()
    shown.keyboard.press("Enter")
    assert titles.nth(0).get_attribute("aria-expanded") == "false"
    assert shown.get_by_text("Sec-WebSocket-Key").first.is_hidden()
    shown.keyboard.press("ArrowDown")
    assert shown.evaluate("document.activeElement.textContent").endswith("101 Switching Protocols")
    shown.get_by_role("button", name="Fold all", exact=True).click()
    assert shown.locator(".wire-byte:visible").count() == 0
    shown.get_by_role("button", name="Unfold all").click()
    assert shown.locator(".wire-byte:visible").count() > 50


@pytest.mark.browser
def test_the_filters(page: Any) -> None:
    shown = page(crowd())

    def titles() -> list[str]:
        # What a screen reader hears first, direction and time, is a line of its own here.
        return [text.splitlines()[-1] for text in shown.locator(".wire-title:visible").all_inner_texts()]

    everything = len(titles())
    tcp = shown.locator(".wire-bar button", has_text="TCP")
    tcp.click()
    assert not [title for title in titles() if "TCP" in title]
    assert len(titles()) < everything
    assert tcp.get_attribute("aria-pressed") == "false"
    tcp.click()
    assert len(titles()) == everything
    shown.get_by_label("Connection").select_option("4")
    assert titles() == [
        "GET /nowhere HTTP/1.1",
        "HTTP/1.1 403 Forbidden",
        "TCP FIN",
        "TCP FIN",
    ]
    shown.get_by_label("Connection").select_option("")
    shown.get_by_label("Find").fill("ben 1")
    assert titles() == ["TEXT “Ben 1”"]
    assert shown.locator(".wire-count").inner_text().startswith("1 of ")


@pytest.mark.browser
@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_small_or_cut_off_at_a_cells_width(page: Any, name: str) -> None:
    shown = page(PICTURES[name]())
    small = shown.evaluate(
        """() => [...document.querySelectorAll('.wslab-live *')]
            .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
            .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 14).map((one) => one.className)"""
    )
    assert small == []
    wide = shown.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0


@pytest.mark.browser
def test_a_long_capture_opens_fast(page: Any) -> None:
    before = time.perf_counter()
    shown = page(long())
    shown.locator(".wire-step").first.wait_for()
    assert time.perf_counter() - before < 20  # one or two on a quiet machine
    assert shown.locator(".wire-title").count() == 600
    assert shown.locator(".wire-byte").count() == 0


def axe_source() -> str | None:
    """The source of axe-core, where Node finds it; NODE_PATH may name its folder."""
    node = shutil.which("node")
    if node is None:
        return None
    found = subprocess.run(
        [node, "-p", "require.resolve('axe-core/axe.min.js')"],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    return Path(found.stdout.strip()).read_text(encoding="utf-8") if found.returncode == 0 else None


AXE = """
() => {
  const own = getComputedStyle(document.querySelector('.wslab')).backgroundColor;
  document.body.style.background = own;
  return axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']});
}
"""


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("name", "language"), [("crowd", "en"), ("broken", "tr"), ("explain", "en")])
def test_axe_finds_nothing_serious(browser: Browser, name: str, language: str, dark: bool) -> None:
    source = axe_source()
    if source is None:
        pytest.skip("axe-core is not installed")
    use_language(language)
    body = explain(conversation().frames[0]) if name == "explain" else PICTURES[name]()
    shown = opened(browser, body._repr_html_(), dark=dark)
    if name != "explain":
        shown.locator(".wire-byte").first.focus()
    shown.locator("summary").click()
    shown.evaluate(source)
    found = [
        (one["id"], one["impact"], one["nodes"][0]["html"][:120], one["nodes"][0].get("failureSummary", "")[:300])
        for one in shown.evaluate(AXE)["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert found == []
    shown.close()
