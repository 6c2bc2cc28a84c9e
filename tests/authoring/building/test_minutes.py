"""The minutes of a notebook: counted from its source, and held against its front matter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.authoring.building.small_course import NOTEBOOK, Edit

from wslab.authoring.building import BuildError, Unit, build, in_class, minutes, units
from wslab.authoring.building.minutes import Counted, counted, disagreement

ROOT = Path(__file__).parents[3]

LAST = "```{code-cell} ipython3\nserver = serve(app)\nserver\n```\n"
MORE = {
    "prose": '\n+++ {"lang": "en"}\n\n[One](https://example.org/two) `three` **four**.\n\n+++ {"lang": "tr"}\n\nBir\n',
    "change": '\n+++ {"lang": "en"}\n\n**Change it:** x.\n\n+++ {"lang": "tr"}\n\n**Değiştirin:** x.\n',
    "prediction": '\n```{code-cell} ipython3\npredict("01.path")\n```\n',
    "outcome": '\n```{code-cell} ipython3\npredict("01.path").outcome(403)\n```\n',
    "turn": "\n```{code-cell} ipython3\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\n\n\n"
    'await check("01.turn-1", a)\n```\n',
    "note": '\n+++ {"lang": "en", "tags": ["instructor"]}\n\nNobody but you.\n\n+++ {"lang": "tr"}\n\nYalnız siz.\n',
    "skipped": '\n+++ {"lang": "en"}\n\n## Optional: why\n\n+++ {"lang": "tr"}\n\n## İsteğe bağlı: neden\n'
    + '\n```{code-cell} ipython3\npredict("01.ghost")\n```\n',
}


def of(root: Path) -> Unit:
    return units(root, ["01"])[0]


@pytest.mark.parametrize(
    ("what", "adds"),
    [
        ("prose", Counted(3, 0, 0, 0, 0)),
        ("change", Counted(3, 0, 0, 1, 0)),
        ("prediction", Counted(0, 1, 0, 0, 0)),
        ("outcome", Counted(0, 0, 0, 0, 1)),
        ("turn", Counted(0, 0, 1, 0, 0)),
        ("note", Counted(0, 0, 0, 0, 0)),
        ("skipped", Counted(0, 0, 0, 0, 0)),
    ],
)
def test_what_is_counted(root: Path, edit: Edit, what: str, adds: Counted) -> None:
    before = counted(of(root))
    edit(NOTEBOOK, LAST, LAST + MORE[what])
    after = counted(of(root))
    fields = ("words", "predictions", "turns", "changes", "cells")
    assert [getattr(after, name) - getattr(before, name) for name in fields] == [getattr(adds, name) for name in fields]


def test_the_sum() -> None:
    """200 words, two questions, a turn, a change and four other cells: 1 + 2 + 3 + 1 + 1 minutes."""
    found = Counted(200, 2, 1, 1, 4)
    assert (found.minutes, found.rounded) == (8, 10)
    assert Counted(20, 0, 0, 0, 0).rounded == 5
    assert Counted(0, 0, 0, 0, 0).rounded == 0


def test_the_longer_language_counts(root: Path, edit: Edit) -> None:
    before = counted(of(root))
    edit(NOTEBOOK, "Belge “paralel işlemler” der.", "Belge “paralel işlemler” der. " + "çok " * 400)
    after = counted(of(root))
    assert after.words - before.words > 350


def test_an_optional_section_is_counted_apart_and_named_in_the_title(root: Path, edit: Edit) -> None:
    assert counted(of(root), optional=True).minutes == 0
    edit(NOTEBOOK, LAST, LAST + MORE["skipped"])
    assert counted(of(root), optional=True).predictions == 1
    build(root)
    for language, said in (("en", "5 minutes, and 5 for what is optional |"), ("tr", "5 dakika, isteğe bağlı")):
        assert said in (root / f"notebooks/{language}/01-server.ipynb").read_text("utf-8")


def test_an_optional_section_ends_with_the_next_heading(root: Path, edit: Edit) -> None:
    edit(
        NOTEBOOK,
        LAST,
        LAST + MORE["skipped"] + MORE["change"].replace("**C", "## On\n\n**C").replace("**D", "## Ve\n\n**D"),
    )
    assert counted(of(root)).changes == 1


@pytest.mark.parametrize(("says", "good"), [(100, True), (80, True), (120, True), (79, False), (121, False)])
def test_the_front_matter_may_differ_by_a_fifth(
    monkeypatch: pytest.MonkeyPatch, root: Path, says: int, good: bool
) -> None:
    unit = replace(of(root), minutes=says)
    monkeypatch.setattr(minutes, "counted", lambda unit: Counted(20_000, 0, 0, 0, 0))
    assert (disagreement(unit) == "") is good


def test_the_build_names_the_line_and_what_it_counted(root: Path, edit: Edit) -> None:
    line = edit(NOTEBOOK, "minutes: 5", "minutes: 40")
    with pytest.raises(BuildError) as raised:
        build(root)
    said = str(raised.value)
    assert said.startswith(f"{NOTEBOOK}:{line}: minutes says 40, and it takes a beginner about 5 (")
    assert "0 predictions" in said


def test_the_first_hour_begins_with_twenty_minutes() -> None:
    """Unit 00 takes twenty minutes at most, its optional sections apart."""
    setup = units(ROOT, ["00"])[0]
    assert counted(setup).minutes <= 20
    assert setup.minutes == 20
    assert in_class(setup) == 26
