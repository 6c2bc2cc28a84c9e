"""The picture as a person uses it: real mouse, real keys, a real slider, in real Chromium."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbconvert
import nbformat
import pytest
from tests.recording.films import MS, chat, long_film

from wslab.language import use_language
from wslab.recording import Recording, compare

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parent.parent.parent

Open = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a picture as a file, as exported HTML is; a message on the console fails the test."""
    pages = []
    complaints: list[str] = []

    def open_(shown: Any, width: int = 920, head: str = "", **options: Any) -> Any:
        language = options.pop("language", "en")
        page = browser.new_page(viewport={"width": width, "height": 800}, **options)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                complaints.append(request.url)
                if "file:" not in request.url[:5] and "data:" not in request.url[:5]
                else None
            ),
        )
        file = tmp_path / f"{len(pages)}.html"
        html = shown._repr_html_() if hasattr(shown, "_repr_html_") else shown
        file.write_text(
            f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>Film</title>{head}'
            f"<body><main>{html}</main>",
            encoding="utf-8",
        )
        page.goto(file.as_uri())
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert complaints == []


def said(page: Any) -> str:
    return str(page.locator(".wslab-say").first.inner_text())


def bars(page: Any) -> list[tuple[float, float]]:
    """Where each bar stands, in the order of the rows: (x, width)."""
    found = page.eval_on_selector_all(
        ".wslab-live .wl-step rect:not([y])", "all => all.map(e => [+e.getAttribute('x'), +e.getAttribute('width')])"
    )
    return [tuple(one) for one in found]


def test_stepping_by_buttons_keys_and_slider(open_page: Open) -> None:
    page = open_page(Recording.of(chat()))
    assert said(page).startswith("9 steps of your code in 2.00 s")
    page.get_by_role("button", name="next step").click()
    assert said(page).startswith("1 of 9, at 0.100 s: websocket_endpoint · Ada resumed from")
    page.keyboard.press("ArrowRight")  # the button has the focus
    assert said(page).startswith("2 of 9")
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert said(page).startswith("3 of 9")
    page.keyboard.press("End")
    assert said(page).startswith("9 of 9")
    page.keyboard.press("ArrowRight")
    assert said(page).startswith("9 of 9")
    page.keyboard.press("Home")
    assert said(page).startswith("1 of 9")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 5 / 9, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert said(page).startswith("5 of 9")
    assert "blocked the loop for 500 ms at time.sleep(0.5) (In[2] line 27)" in said(page)
    assert page.locator(".wslab-say b").count() == 3
    page.get_by_role("button", name="previous step").click()
    assert said(page).startswith("4 of 9")
    assert slider.input_value() == "4"
    assert page.locator(".wl-chosen").get_attribute("data-row") == "2"
    assert page.locator(".wl-later").count() == 5


def test_a_click_on_a_bar_chooses_it_and_hovering_tells(open_page: Open) -> None:
    page = open_page(Recording.of(chat()))
    third = page.locator(".wslab-live .wl-step[data-row='2'] rect").nth(1).bounding_box()
    page.mouse.click(third["x"] + third["width"] / 2, third["y"] + 5)
    assert said(page).startswith("4 of 9")
    page.mouse.move(third["x"] + 1, third["y"] + 8)
    tip = page.locator(".wslab-tip")
    assert tip.inner_text().startswith("4 of 9")
    page.mouse.move(third["x"] + 40, third["y"] + 8)
    assert tip.inner_text() == "broadcaster is suspended at await asyncio.sleep(0.2) (server.py:15)"
    page.mouse.move(5, 5)
    assert tip.is_hidden()


def test_the_order_view_gives_each_step_the_same_width(open_page: Open) -> None:
    page = open_page(Recording.of(chat()))
    before = bars(page)
    page.get_by_role("button", name="show order").click()
    after = bars(page)
    assert len({round(width, 1) for _, width in after}) == 1
    assert len({round(width, 1) for _, width in before}) > 1
    # by row: steps 1 and 5, then 2, 7 and 9, then 3, 4, 6 and 8; equally far from one to the next
    order = dict(zip([1, 5, 2, 7, 9, 3, 4, 6, 8], [x for x, _ in after], strict=True))
    places = [order[step] for step in range(1, 10)]
    gaps = [two - one for one, two in itertools.pairwise(places)]
    assert max(gaps) - min(gaps) < 0.3
    assert page.locator(".wl-scaled[visibility=hidden]").count() == page.locator(".wl-scaled").count()
    page.keyboard.press("o")
    assert bars(page) == before


def test_zoom_by_dragging_and_by_keys(open_page: Open) -> None:
    page = open_page(Recording.of(chat()))
    plot = page.locator(".wslab-live svg").bounding_box()
    whole = bars(page)

    def ticks() -> list[str]:
        return page.locator(".wslab-live .wl-axis text").all_inner_texts() or page.eval_on_selector_all(
            ".wslab-live .wl-axis text", "all => all.map(e => e.textContent)"
        )

    first = ticks()
    y = plot["y"] + 150
    page.mouse.move(plot["x"] + 400, y)
    page.mouse.down()
    page.mouse.move(plot["x"] + 500, y, steps=5)
    assert page.locator(".wl-select").is_visible()
    page.mouse.up()
    near = bars(page)
    assert near != whole
    assert max(width for _, width in near) > 3 * max(width for _, width in whole)
    assert ticks() != first
    page.keyboard.press("0")
    assert bars(page) == whole
    page.keyboard.press("+")
    twice = bars(page)
    assert max(width for _, width in twice) == pytest.approx(2 * max(width for _, width in whole), rel=0.01)
    page.keyboard.press("Shift+ArrowRight")
    moved = bars(page)
    assert moved[1][0] < twice[1][0]
    page.keyboard.press("-")
    page.get_by_role("button", name="zoom in").click()
    page.get_by_role("button", name="whole film").click()
    assert bars(page) == whole


def test_a_step_out_of_sight_is_brought_into_sight(open_page: Open) -> None:
    page = open_page(Recording.of(chat()))
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("+")
    page.keyboard.press("End")
    x = bars(page)[4][0]  # the last step is Bob's third
    plot = page.locator(".wslab-live svg").bounding_box()
    assert 0 < x < plot["width"]
    assert said(page).startswith("9 of 9")


def test_compared_films_zoom_together(open_page: Open) -> None:
    quick = replace(chat(), title="quick", blocks=())
    page = open_page(compare(Recording.of(quick), Recording.of(replace(chat(), title="slow", end=3000 * MS))))
    assert page.locator(".wslab-panel").count() == 2
    before = bars(page)
    half = len(before) // 2
    assert before[:half] == before[half:]  # the same times stand at the same places
    assert page.get_by_role("slider").count() == 1
    page.get_by_role("slider").focus()
    page.keyboard.press("+")
    after = bars(page)
    assert after != before
    assert after[:half] == after[half:]


def test_it_fits_its_cell_and_follows_its_width(open_page: Open) -> None:
    page = open_page(Recording.of(chat()), width=1280)
    for width in (1280, 500, 760, 900):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(
            "document.querySelector('.wslab-live svg').getBoundingClientRect().width"
            " === document.querySelector('.wslab-plot').clientWidth"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OUTSIDE) == [], width
    sizes = page.eval_on_selector_all(
        ".wslab-live svg text", "all => all.map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 14
    overlaps = page.evaluate(OVERLAPS)
    assert overlaps == []


OUTSIDE = """() => {
  const room = document.querySelector('.wslab-plot').getBoundingClientRect();
  return [...document.querySelectorAll('.wslab-live svg text')]
    .filter(e => e.getAttribute('visibility') !== 'hidden')
    .filter(e => {
      const r = e.getBoundingClientRect();
      return r.left < room.left - 1 || r.right > room.right + 1 || r.top < room.top - 1 || r.bottom > room.bottom + 1;
    })
    .map(e => e.textContent);
}"""

# Every pair of labels that are seen and touch each other, measured by the browser itself.
OVERLAPS = """() => {
  const seen = [...document.querySelectorAll('.wslab-live svg text')]
    .filter(e => e.getAttribute('visibility') !== 'hidden' && e.textContent.trim());
  const right = document.querySelector('.wslab-plot').getBoundingClientRect().right;
  const left = document.querySelector('.wslab-plot').getBoundingClientRect().left
    + Number(document.querySelector('.wl-clip').getAttribute('x'));
  const signs = [...document.querySelectorAll('.wslab-live .wl-plot :is(.wl-unawaited, .wl-flag)')]
    .filter(e => e.getBoundingClientRect().left >= left && e.getBoundingClientRect().right <= right);
  const boxes = seen.map(e => [e.textContent, e.getBoundingClientRect()])
    .concat(signs.map((e, i) => ['sign ' + i, e.getBoundingClientRect()]));
  const found = [];
  boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
    if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 3 && q.top < p.bottom - 3
        && !(a.startsWith('sign') && b.startsWith('sign')))
      found.push([a, b]);
  }));
  return found;
}"""


def test_a_font_wider_than_reckoned_with_is_not_cut_off(open_page: Open) -> None:
    """Where a reader's browser has no such font, what stands below a bar is wider than was reckoned with."""
    wider = "<style>.wslab-live .wl-below { letter-spacing: 8px }</style>"
    page = open_page(Recording.of(chat()), width=760, head=wider)
    edge = page.locator(".wslab-plot").first.bounding_box()
    boxes = page.eval_on_selector_all(
        ".wslab-live .wl-below",
        "all => all.filter(e => e.getAttribute('visibility') !== 'hidden').map(e => e.getBoundingClientRect().right)",
    )
    assert boxes
    assert max(boxes) <= edge["x"] + edge["width"] + 1


@pytest.mark.parametrize("language", ["en", "tr"])
def test_no_two_labels_touch(open_page: Open, language: str) -> None:
    use_language(language)
    page = open_page(Recording.of(chat()), language=language)
    slider = page.get_by_role("slider")
    slider.focus()
    for key in ("0", "+", "+", "Shift+ArrowRight", "o", "+", "0", "o", "End"):
        page.keyboard.press(key)
        assert page.evaluate(OVERLAPS) == [], key


def test_turkish_and_dark(open_page: Open) -> None:
    use_language("tr")
    page = open_page(Recording.of(chat()), color_scheme="dark", language="tr")
    page.get_by_role("button", name="sonraki adım").click()
    assert said(page).startswith("1 / 9, 0,100 s: websocket_endpoint · Ada")
    paper = page.eval_on_selector(".wslab-live .wl-paper", "e => getComputedStyle(e).fill")
    assert paper == "rgb(17, 20, 24)"


def test_without_scripts_the_same_picture_stands_there(open_page: Open) -> None:
    page = open_page(Recording.of(chat()), java_script_enabled=False)
    image = page.locator("img")
    assert image.is_visible()
    assert "blocked the loop for 500 ms" in image.get_attribute("alt")
    assert page.locator(".wslab-live").is_hidden()
    page.locator("summary").click()
    assert page.get_by_role("row").count() == 10


def test_in_a_notebook_that_was_exported(open_page: Open) -> None:
    bundle = Recording.of(chat())._repr_mimebundle_()
    cell = nbformat.v4.new_code_cell("film", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", data=bundle, execution_count=1)]
    exporter = nbconvert.HTMLExporter(mathjax_url="", require_js_url="", jquery_url="", mermaid_js_url="")
    html, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    page = open_page(html.replace('<script src=""></script>', ""))
    page.get_by_role("button", name="next step").click()
    assert said(page).startswith("1 of 9")
    assert page.locator("img").is_hidden()


def test_a_client_that_calls_itself_markup_stays_text(open_page: Open) -> None:
    trace = chat()
    name = "ws · <img src=x onerror=console.log(1)>"
    page = open_page(Recording.of(replace(trace, lanes=(replace(trace.lanes[0], name=name), *trace.lanes[1:]))))
    page.get_by_role("button", name="next step").click()
    assert name in said(page)
    assert page.locator("img[src=x]").count() == 0


def test_five_thousand_steps_open_in_a_second(open_page: Open) -> None:
    page = open_page(Recording.of(long_film(5_000)))
    taken = page.evaluate("performance.getEntriesByType('navigation')[0].domComplete")
    assert taken < 5_000  # generous here; the benchmark reports the real figure (0.4 s)
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    assert said(page).startswith("5000 of 5000")


def test_pictures_do_not_disturb_each_other(open_page: Open) -> None:
    film = Recording.of(chat())
    page = open_page(film._repr_html_() + film._repr_html_())
    page.get_by_role("button", name="next step").nth(1).click()
    assert page.locator(".wslab-say").nth(0).inner_text().startswith("9 steps")
    assert page.locator(".wslab-say").nth(1).inner_text().startswith("1 of 9")
    ids = page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))


def axe_source() -> str:
    """axe-core, which is a tool of the tests alone: from a node_modules folder, or where WSLAB_AXE says."""
    for file in (os.environ.get("WSLAB_AXE", ""), str(ROOT / "node_modules" / "axe-core" / "axe.min.js")):
        if file and Path(file).is_file():
            return Path(file).read_text(encoding="utf-8")
    pytest.skip("axe-core is not there (npm install axe-core)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "tr"])
def test_axe_has_nothing_to_say(open_page: Open, scheme: str, language: str) -> None:
    source = axe_source()
    use_language(language)
    page = open_page(Recording.of(chat()), color_scheme=scheme, language=language)
    page.keyboard.press("Tab")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    page.locator("summary").click()
    page.add_script_tag(content=source)
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    found = [(one["id"], one["impact"], one["nodes"][0]["html"][:120]) for one in result["violations"]]
    assert [one for one in found if one[1] in ("serious", "critical")] == []
    assert [one for one in found if one[0] not in ("region", "page-has-heading-one")] == []


def test_the_keys_are_told_and_every_control_has_a_name(open_page: Open) -> None:
    page = open_page(Recording.of(chat()))
    assert "Home and End" in page.locator(".wslab-keys").inner_text()
    for button in page.get_by_role("button").all():
        assert button.get_attribute("aria-label") or button.inner_text().strip()
    assert page.get_by_role("group", name="Film of the event loop").count() == 1
    assert page.locator("[aria-live=polite]").count() == 1
    controls = page.locator(".wslab-film :is(button, input)").count()
    assert page.locator("[data-lm-suppress-shortcuts=true]").count() == controls == 7


def test_in_order_view_the_loop_is_busy_under_each_step(open_page: Open) -> None:
    page = open_page(Recording.of(chat()))
    page.get_by_role("button", name="show order").click()
    strip = page.locator(".wl-order")
    assert strip.get_attribute("visibility") is None
    begins = [float(x) for x in re.findall(r"M([\d.]+) ", strip.get_attribute("d") or "")]
    assert len(begins) == 9
    assert begins == sorted(float(bar.get_attribute("x") or 0) for bar in page.locator("g.wl-step rect").all())
    assert page.locator("text.wl-only-time:not([visibility=hidden])").count() == 0
    page.get_by_role("button", name="show time").click()
    assert strip.get_attribute("visibility") == "hidden"
    assert page.locator("text.wl-only-time:not([visibility=hidden])").count() > 0


def test_compared_films_are_walked_through_with_one_slider(open_page: Open) -> None:
    page = open_page(compare(Recording.of(replace(chat(), title="one")), Recording.of(replace(chat(), title="two"))))
    assert page.locator(".wslab-bar").count() == page.locator(".wslab-say").count() == 1
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("End")
    assert said(page).startswith("two · 9 of 9")
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    assert said(page).startswith("one · 9 of 9")
    page.keyboard.press("Home")
    assert said(page).startswith("one · 1 of 9")
    page.keyboard.press("ArrowLeft")
    assert "9 steps of your code" in said(page)
    second = page.locator(".wslab-plot").nth(1).locator("g.wl-step rect").first.bounding_box()
    assert second is not None
    page.mouse.click(second["x"] + 1, second["y"] + 5)
    assert said(page).startswith("two · 1 of 9")
