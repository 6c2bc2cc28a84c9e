"""The drawing: legible, bounded, safe, and without a label on another."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import pytest
from tests.recording.films import MS, chat, long_film

from wslab import picture
from wslab.language import use_language
from wslab.recording import Lane, Mark, Recording, Trace, compare
from wslab.recording.drawing import MOST_ROWS, MOST_STEPS, WIDTH, axis, brief, draw, short

SVG = "{http://www.w3.org/2000/svg}"


def elements(trace: Trace, kind: str, **how: object) -> list[ElementTree.Element]:
    tree = ElementTree.fromstring(draw(trace, **how).svg)  # type: ignore[arg-type]
    return [element for element in tree.iter() if kind in element.get("class", "").split()]


def texts(trace: Trace) -> list[ElementTree.Element]:
    tree = ElementTree.fromstring(draw(trace).svg)
    return [element for element in tree.iter(f"{SVG}text") if element.get("visibility") != "hidden"]


def test_every_step_has_its_bar_in_its_row() -> None:
    trace = chat()
    rows = {group.get("data-row"): group for group in elements(trace, "wl-step") if group.tag == f"{SVG}g"}
    assert {row: len(group) for row, group in rows.items()} == {"0": 2, "1": 3, "2": 4}
    drawing = draw(trace)
    bar = rows["0"][1]
    scale = (WIDTH - 20 - drawing.left) / (2000 * MS)
    assert float(bar.get("x", 0)) == pytest.approx(drawing.left + 500 * MS * scale, abs=0.06)
    assert float(bar.get("width", 0)) == pytest.approx(500 * MS * scale, abs=0.06)
    assert all(float(bar.get("width", 0)) >= 3 for group in rows.values() for bar in group)


def test_a_block_shows_its_line_and_hatches_those_who_cannot_run() -> None:
    assert len(elements(chat(), "wl-cannot")) == 2 + 1  # Bob, the broadcaster, and the legend
    shown = [text.text for text in texts(chat())]
    assert shown.count("cannot run") == 3
    assert "time.sleep(0.5) · 500 ms" in shown
    assert any(text and text.startswith("ValueError") for text in shown)


def test_the_legend_explains_what_occurs_and_nothing_else() -> None:
    words = {text.text for text in texts(chat())}
    assert {"running: holds the loop", "blocking: over 50 ms", "timer was due", "never awaited", "your mark"} <= words
    bare = replace(chat(), blocks=(), lates=(), marks=(), unawaited=())
    words = {text.text for text in texts(bare)}
    assert not words & {"blocking: over 50 ms", "cannot run", "timer was due", "never awaited", "your mark"}


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("width", [700, WIDTH, 1400])
def test_no_label_covers_another_or_leaves_the_picture(language: str, width: int) -> None:
    use_language(language)
    crowded = replace(chat(), marks=tuple(Mark(number * 60 * MS, f"mark {number}") for number in range(30)))
    for trace in (chat(), crowded, long_film(300)):
        boxes = []
        for text in elements(trace, "wl-below", width=width) + elements(trace, "wl-in", width=width):
            if text.get("visibility") == "hidden":
                continue
            middle, half = float(text.get("x", 0)), float(text.get("data-wide", 0)) / 2
            boxes.append((middle - half, middle + half, float(text.get("y", 0))))
        for left, right, _ in boxes:
            assert left >= 0
            assert right <= width
        for one, other in combinations(boxes, 2):
            assert one[2] != other[2] or one[1] <= other[0] + 0.2 or other[1] <= one[0] + 0.2


def test_a_marks_text_reaches_no_other_mark() -> None:
    trace = replace(chat(), marks=tuple(Mark(at * MS, f"mark {at}") for at in (100, 120, 600, 700, 1900, 1990)))
    marks = elements(trace, "wl-mark")
    xs = [float(re.findall(r"translate\((\S+) ", mark.get("transform", ""))[0]) for mark in marks]
    shown = []
    for x, mark in zip(xs, marks, strict=True):
        text = mark.find(f"{SVG}text")
        assert text is not None
        if text.get("visibility") == "hidden":
            continue
        shown.append(text.text)
        wide = float(mark.get("data-wide", 0))
        low, high = (x - wide, x) if text.get("text-anchor") == "end" else (x, x + wide)
        assert all(other <= low or other >= high or other == x for other in xs)
    assert shown == ["mark 120", "mark 700", "mark 1900"]


def test_nothing_is_smaller_than_fourteen_pixels() -> None:
    sizes = [int(size) for size in re.findall(r"(?:font-size:|font:)\s*(\d+)px", draw(chat()).svg)]
    html = Recording.of(chat())._repr_html_()
    sizes += [int(size) for size in re.findall(r"(?:font-size:|font:)\s*(\d+)px", html)]
    assert sizes
    assert min(sizes) >= 14


def test_what_a_client_calls_itself_is_never_markup() -> None:
    evil = "ws · <img src=x onerror=alert(1)>"
    trace = chat()
    trace = replace(
        trace,
        title="</script><script>alert(2)</script>",
        lanes=(replace(trace.lanes[0], name=evil, error="<b>"), *trace.lanes[1:]),
        marks=(Mark(5 * MS, '"><svg onload=alert(3)>'),),
    )
    html = Recording.of(trace)._repr_html_()
    assert "<img src=x" not in html
    assert "<script>alert" not in html
    assert "onload=alert(3)>" not in html.replace("&gt;", "")
    assert ElementTree.fromstring(draw(trace).svg) is not None


def test_a_picture_of_five_thousand_steps_weighs_less_than_a_megabyte() -> None:
    html = Recording.of(long_film(5_000))._repr_html_()
    assert len(html.encode()) < 1_000_000


def test_what_does_not_fit_is_said() -> None:
    film = long_film(MOST_STEPS + 500)
    drawing = draw(film)
    assert len(drawing.steps) == MOST_STEPS
    assert drawing.first == film.steps[500].start
    assert "last 5000 of 5500" in drawing.notes[0]
    html = Recording.of(film)._repr_html_()
    assert "last 5000 of 5500" in html
    assert "first 250 of 5500" in html
    crowd = long_film(2000, lanes=100)
    drawing = draw(crowd)
    assert len(drawing.rows) == MOST_ROWS
    assert "40 of 100" in drawing.notes[0]
    assert {step.lane for step in drawing.steps} == {lane.number for row in drawing.rows for lane in row.lanes}
    assert len(Recording.of(crowd)._repr_html_().encode()) < 1_000_000


def test_lanes_of_one_name_share_a_row() -> None:
    trace = chat()
    lanes = tuple(
        Lane(number, "root · GET /", "request", 0, number * 100 * MS, number * 100 * MS + MS, ending="returned")
        for number in range(3)
    )
    steps = tuple(replace(trace.steps[0], lane=number, start=number * 100 * MS) for number in range(3))
    drawing = draw(replace(trace, lanes=(*lanes, trace.lanes[3]), steps=steps, blocks=(), lates=(), unawaited=()))
    assert [row.name for row in drawing.rows] == ["root · GET /"]
    assert len(drawing.rows[0].lanes) == 3


def test_two_loops_have_a_line_each() -> None:
    trace = chat()
    lanes = (trace.lanes[0], replace(trace.lanes[1], loop=1), trace.lanes[2], trace.lanes[3])
    lanes = (*lanes, Lane(4, "uvicorn + asyncio", "internal", 1, 0, trace.end))
    shown = [text.text for text in texts(replace(trace, loops=("server", "this notebook"), lanes=lanes))]
    assert "loop of server" in shown
    assert "loop of this notebook" in shown
    assert {"uvicorn + asyncio", "Jupyter + asyncio"} <= set(shown)
    assert shown.count("cannot run") == 2  # the legend and the broadcaster: Bob's loop is another one


def test_an_empty_film_is_a_picture_too() -> None:
    trace = replace(chat(), lanes=chat().lanes[3:], steps=(), blocks=(), lates=(), unawaited=(), marks=(), end=0)
    trace = replace(trace, lanes=(replace(trace.lanes[0], number=0),), internals=(), idles=())
    assert "None of your code ran" in Recording.of(trace)._repr_html_()


def test_compared_films_share_one_axis() -> None:
    quick, slow = replace(chat(), title="quick"), replace(chat(), title="slow", end=4000 * MS)
    shared = compare(Recording.of(quick), Recording.of(slow))
    html = shared._repr_html_()
    assert html.count("<img ") == 2
    assert draw(quick, until=slow.end).until == draw(slow, until=slow.end).until
    assert "quick" in str(shared)
    with pytest.raises(TypeError, match="takes films"):
        compare()
    with pytest.raises(TypeError, match="takes films"):
        compare("film")  # type: ignore[arg-type]


def test_the_fallback_says_it_all_without_a_script() -> None:
    html = Recording.of(chat())._repr_html_()
    fallback = html.partition('<div class="wslab-live"')[0]
    alt = re.search(r'<img alt="([^"]*)"', fallback)
    assert alt is not None
    assert "blocked the loop for 500 ms" in alt[1]
    table = html.partition("<table>")[2].partition("</table>")[0]
    assert table.count("<tr>") == 1 + 9
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html


def test_the_mimebundle_has_words_for_a_terminal() -> None:
    bundle = Recording.of(chat())._repr_mimebundle_()
    assert bundle["text/plain"] == Recording.of(chat()).summary()
    assert "<table>" in bundle["text/html"]


@pytest.mark.parametrize(
    ("first", "until", "pixels", "count", "decimals"),
    [(0, 2000 * MS, 650, 5, 1), (0, 90_000, 650, 5, 5), (999 * MS, 1001 * MS, 650, 5, 4), (0, 60_000 * MS, 650, 7, 0)],
)
def test_round_moments_on_the_axis(first: int, until: int, pixels: int, count: int, decimals: int) -> None:
    moments, digits = axis(first, until, pixels)
    assert abs(len(moments) - count) <= 2
    assert digits == decimals
    assert len({f"{at / 1e9:.{digits}f}" for at in moments}) == len(moments)
    assert all(first <= at <= until for at in moments)


def test_short_texts() -> None:
    assert short("websocket_endpoint", 18) == "websocket_endpoint"
    assert short("a_very_long_function_name", 12) == "a_very_…name"
    assert brief("await websocket.receive_text()") == "receive_text()"
    assert brief("await asyncio.sleep(0.5)") == "sleep(0.5)"
    assert brief("async with gate:") == "async with gate:"


# -- colours: what a person with each kind of colour vision sees ---------------------------------------------------

# Machado, Oliveira & Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009),
# severity 1.0, applied to linear RGB.
VISION = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(colour: str) -> list[float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def lab(rgb: list[float]) -> tuple[float, float, float]:
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = [sum(a * b for a, b in zip(row, rgb, strict=True)) for row in rows]

    def f(value: float) -> float:
        return value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116

    x, y, z = (f(max(value, 0) / white) for value, white in zip(xyz, (0.95047, 1, 1.08883), strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    light = sorted(sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize("vision", VISION)
def test_the_colours_of_states_are_told_apart_by_every_eye(vision: str) -> None:
    """Running, blocking, late and marked: a difference (CIE76) of 2.3 is just noticeable, 15 is seen at a glance."""
    matrix = VISION[vision]
    seen = {}
    for name in ("BLUE", "VERMILION", "ORANGE", "PURPLE"):
        rgb = linear(getattr(picture, name))
        seen[name] = lab([min(1, max(0, sum(a * b for a, b in zip(row, rgb, strict=True)))) for row in matrix])
    for one, other in combinations(seen, 2):
        if {one, other} == {"VERMILION", "ORANGE"}:
            continue  # told apart by shape: a bar that is blocked, a triangle that was due
        away = sum((a - b) ** 2 for a, b in zip(seen[one], seen[other], strict=True)) ** 0.5
        assert away >= 15, (one, other, away)


def test_contrast_in_both_themes() -> None:
    for paper in ("#ffffff", "#111418"):
        for colour in (picture.BLUE, picture.VERMILION):
            assert contrast(colour, paper) >= 3  # WCAG 1.4.11: graphics
    assert contrast("#000000", picture.VERMILION) >= 4.5  # the text in a blocking bar
    assert contrast("#57606a", "#ffffff") >= 4.5
    assert contrast("#9aa4af", "#111418") >= 4.5


def test_a_row_has_one_label_at_least() -> None:
    trace = chat()
    brief_lives = tuple(replace(lane, start=100 * MS, end=110 * MS, ending="") for lane in trace.lanes)
    narrow = replace(trace, lanes=brief_lives, steps=(), blocks=(), lates=(), unawaited=(), marks=())
    shown = [text.text for text in texts(narrow) if "wl-code" in text.get("class", "")]
    assert shown == ["receive_text()", "sleep(0.2)"]  # Bob's lane began without a wait


def test_compared_films_have_one_legend() -> None:
    plain = replace(chat(), title="quick", blocks=(), lates=(), unawaited=())
    html = compare(Recording.of(plain), Recording.of(chat()))._repr_html_()
    first, second = (base64.b64decode(code).decode() for code in re.findall(r"base64,([^\"]+)\"", html))
    assert "blocking: over 50 ms" in first
    assert "wl-legend" not in second.partition("</style>")[2]


def test_a_line_number_stays_with_its_cell() -> None:
    html = Recording.of(chat())._repr_html_()
    assert "In[2]\N{NO-BREAK SPACE}line\N{NO-BREAK SPACE}25" in html


def test_the_picture_names_the_line_of_the_handler_that_blocks() -> None:
    trace = chat()
    place = trace.blocks[0].place
    assert place is not None
    calling = replace(place, code="primes_below(200_000)")
    svg = draw(replace(trace, blocks=(replace(trace.blocks[0], calling=calling),))).svg
    assert "primes_below(200_000) · 500 ms" in svg
