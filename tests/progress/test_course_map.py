"""The map that `progress()` is in a notebook: what is done, what comes next, and the ways there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.progress.asked import progress

from wslab.language import use_language
from wslab.picture import BLUE, GREEN
from wslab.predictions import predict
from wslab.progress import course_map, store
from wslab.progress.summary import Progress

pytestmark = pytest.mark.usefixtures("session")

POINTS = {"L1": {"echo": 4.0, "count": 6.0}, "L2": {"fin": 14.0}}


@pytest.fixture(autouse=True)
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Notebooks 97 and 98; lab L1 comes after 97, L2 after 98."""

    def write(where: str, heading: str) -> None:
        path = tmp_path / where
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = [{"cell_type": "markdown", "source": [heading]}]
        path.write_text(json.dumps({"cells": cells}), encoding="utf-8")

    for language, names in {
        "en": ("The door", "On the `wire`", "Echo", "Cleaning"),
        "tr": ("Kapı", "`Hatta`", "Yankı", "Temizlik"),
    }.items():
        write(f"notebooks/{language}/97-door.ipynb", f"# 97 · {names[0]}")
        write(f"notebooks/{language}/98-wire.ipynb", f"# 98 · {names[1]}")
        for lab, name, after in (("L1-echo", names[2], "97-door"), ("L2-clean", names[3], "98-wire")):
            first = (
                f"# {lab[:2]} · {name}\n\n40 | [x](../../../notebooks/{language}/{after}.ipynb), [L](../L0/L0.ipynb)"
            )
            write(f"labs/{language}/{lab}/{lab}.ipynb", first)
            write(f"labs/{language}/{lab}/{lab}-2.ipynb", "# a learner's fresh copy")
    monkeypatch.chdir(tmp_path / "notebooks" / "en")
    monkeypatch.setenv("WSLAB_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in JupyterLab."""
    monkeypatch.setattr(course_map, "somebody_watches", lambda: True)


def tiles(shown: Progress) -> dict[str, str]:
    """The map's tiles by number."""
    found = re.findall(r"<li class=.*?</li>", shown._repr_html_(), re.DOTALL)
    return {re.search(r"<b>(\w+)</b>", tile)[1]: tile for tile in found}  # type: ignore[index]


def ways(shown: Progress) -> list[tuple[str, str]]:
    """The links above the map: where they go, what they say."""
    found = re.findall(r'<a class="wslab-way" href="([^"]*)">▶ (.*?)</a>', shown._repr_html_())
    return [(href, re.sub("<[^>]*>", "", says)) for href, says in found]


def test_a_lab_stands_behind_the_last_unit_that_it_builds_on() -> None:
    assert [station.number for station in progress(POINTS).stations] == ["97", "L1", "98", "L2"]
    assert list(tiles(progress(POINTS))) == ["97", "L1", "98", "L2"]


def test_at_the_beginning_the_way_leads_to_the_first_unit(watched: None) -> None:
    assert ways(progress(POINTS)) == [("97-door.ipynb", "Begin here: 97 · The door")]
    assert "▶ next" in tiles(progress(POINTS))["97"]


def test_the_way_back_leads_to_what_was_touched_last(watched: None) -> None:
    predict("98.status").answer("failed").outcome(500)
    assert ways(progress(POINTS)) == [("98-wire.ipynb", "Continue where you were: 98 · On the wire")]
    store().attempt("L1", "echo", points=3, max=4, verdict="partly")
    assert ways(progress(POINTS)) == [
        ("../../labs/en/L1-echo/L1-echo.ipynb", "Continue where you were: L1 · Echo"),
        ("98-wire.ipynb", "What comes next: 98 · On the wire"),
    ]


def test_an_untouched_lab_is_what_comes_after_its_unit() -> None:
    for name, answer, measured in (("status", "failed", 500), ("bytes", "11", 11), ("exception", "x", "y")):
        predict(f"98.{name}").answer(answer).outcome(measured)
    predict("98.speed").skip()
    assert progress(POINTS).upcoming == progress(POINTS).labs[1]
    assert progress(POINTS).next == "Now write it yourself: lab L2 · Cleaning."
    assert "✓ done" in tiles(progress(POINTS))["98"]


def test_each_prediction_and_each_point_is_drawn_and_said() -> None:
    predict("98.status").answer("failed").outcome(500)
    predict("98.bytes").answer("9").outcome(11)
    predict("98.speed").skip()
    tile = tiles(progress(POINTS))["98"]
    assert tile.count("<circle") == 4
    assert (tile.count(GREEN), tile.count(f'fill="{BLUE}"')) == (1, 1)
    assert "2 of 4 predictions" in tile
    store().attempt("L1", "echo", points=1.5, max=4, verdict="partly")
    assert "1.5 of 10 points" in tiles(progress(POINTS))["L1"]
    use_language("tr")
    assert "1,5/10 puan" in tiles(progress(POINTS))["L1"]
    assert "10 puandan 1,5 puanınız var" in progress(POINTS).next
    assert "<code>Hatta</code>" in tiles(progress(POINTS))["98"]


def test_the_links_are_those_of_the_edition(watched: None, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_language("tr")
    monkeypatch.chdir(course / "labs" / "tr" / "L1-echo")
    assert ways(progress(POINTS)) == [("../../../notebooks/tr/97-door.ipynb", "Buradan başlayın: 97 · Kapı")]
    assert 'href="../L2-clean/L2-clean.ipynb"' in tiles(progress(POINTS))["L2"]


def test_where_nobody_can_click_there_is_no_link() -> None:
    assert "href" not in progress(POINTS)._repr_html_()


def test_nothing_is_smaller_than_14_px() -> None:
    sizes = re.findall(r"font-size:([\d.]+)px", progress(POINTS)._repr_html_())
    assert sizes
    assert min(map(float, sizes)) >= 14
