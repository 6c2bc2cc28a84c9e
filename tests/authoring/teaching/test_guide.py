"""The instructor's guide: what stands in docs/ is what the course says, for every unit and every prediction."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from wslab.authoring.building import BuildError
from wslab.authoring.building.glossary import departures, read_glossary
from wslab.authoring.teaching import Guide, read_guide
from wslab.authoring.teaching.guide import PAGES, PATH, page_of, passages, read_lead
from wslab.predictions import catalogue
from wslab.predictions.question import Choice
from wslab.yaml import Node, Wrong, compose

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def guide() -> Guide:
    return read_guide(ROOT)


@pytest.mark.parametrize("language", PAGES)
def test_the_pages_are_what_the_course_says(guide: Guide, language: str) -> None:
    stands = (ROOT / PAGES[language]).read_text("utf-8")
    assert stands == page_of(guide, language), "run: wslab schedule --guide"


def unit_part(page: str, number: str) -> str:
    """The page's part on a unit."""
    match = re.search(rf"^## {number} · .*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert match is not None, number
    return match[0]


@pytest.mark.parametrize("language", PAGES)
def test_every_unit_with_its_minutes_and_every_prediction_with_its_split(guide: Guide, language: str) -> None:
    page = (ROOT / PAGES[language]).read_text("utf-8")
    for unit in guide.units:
        part = unit_part(page, unit.number)
        assert re.search(r"\*\*(\d+) \w+\*\*", part)[1] == str(unit.minutes)  # type: ignore[index]
        for name, question in catalogue.load(unit.number)[0].items():
            match = re.search(rf"^\*\*`{unit.number}\.{name}`\*\*[^\n]*\n\n((?:- [^\n]*\n)+)", part, re.MULTILINE)
            assert match is not None, question.key
            shares = re.findall(r"^- (?:%(\d+)|(\d+) %) ", match[1], re.MULTILINE)
            assert sum(int(one or other) for one, other in shares) == 100, question.key
            if isinstance(question, Choice):
                assert len(shares) == len(question.options)
                (right,) = (option for option in question.options if option.right)
                assert f"✓ {right.text.into(language)}" in match[1]


def test_every_prediction_and_note_of_a_notebook_has_a_place(guide: Guide) -> None:
    for unit in guide.units:
        placed = list(passages(unit))
        assert {key for part in placed for key in part.keys} == {
            question.key for question in catalogue.load(unit.number)[0].values()
        }
        assert sum(len(part.notes) for part in placed) == sum(cell.instructor for cell in unit.cells)


@pytest.mark.parametrize("language", PAGES)
def test_the_guide_keeps_to_the_glossary(guide: Guide, language: str) -> None:
    terms = read_glossary(ROOT / "course" / "glossary.yml", lambda line, message: pytest.fail(message))
    assert departures(page_of(guide, language), language, terms) == []


def test_every_link_leads_somewhere(guide: Guide) -> None:
    for language in PAGES:
        page = page_of(guide, language)
        anchors = {
            re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)
        }
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", page):
            if target:
                assert (ROOT / "docs" / target).is_file(), target
            else:
                assert anchor in anchors


def node(data: object) -> Node:
    """Data as the reader of YAML gives it."""
    root = compose(yaml.safe_dump(data, allow_unicode=True))
    assert root is not None
    return root


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ('  "05":\n', '  "15":\n', 'the course has no unit "15"; known here: '),
        ("      called: {", "      caled: {", '05: votes: there is no prediction "caled"; did you mean "called"?'),
        ("    discuss:\n", "    discus:\n", '00: a unit has no field "discus"; did you mean "discuss"?'),
    ],
)
def test_a_mistake_has_its_own_line(
    tmp_path: Path, guide: Guide, monkeypatch: pytest.MonkeyPatch, good: str, bad: str, says: str
) -> None:
    text = (ROOT / PATH).read_text("utf-8")
    assert good in text
    spoilt = text.replace(good, bad, 1)
    (tmp_path / PATH).parent.mkdir()
    (tmp_path / PATH).write_text(spoilt, "utf-8")
    monkeypatch.setattr("wslab.authoring.teaching.guide.units", lambda root: guide.units)
    with pytest.raises(BuildError) as caught:
        read_guide(tmp_path)
    at = text[: text.index(good)].count("\n") + 1
    assert at > 1
    (found,) = (problem for problem in caught.value.problems if problem.message.startswith(says))
    assert (found.file, found.line) == (PATH, at)


def test_what_is_missing_is_named(guide: Guide) -> None:
    by_number = {unit.number: unit for unit in guide.units}

    def said(number: str, spoil: Callable[[Any], object]) -> str:
        entry = yaml.safe_load((ROOT / PATH).read_text("utf-8"))["units"][number]
        read_lead(by_number[number], node(entry))
        spoil(entry)
        with pytest.raises(Wrong) as caught:
            read_lead(by_number[number], node(entry))
        return str(caught.value)

    assert "there are none for status" in said("05", lambda entry: entry["votes"].pop("status"))
    assert "not a hundred" in said("05", lambda entry: entry["votes"]["status"].update(open=41))
    assert "other answers than its options" in said("05", lambda entry: entry["votes"]["status"].update(waits=0, x=15))
    assert "lack the right answer" in said("07", lambda entry: entry["votes"].update(threads={"50": 60, "other": 40}))
    # No instructor note follows this one in the notebook.
    assert "so say something to abnormal" in said("06", lambda entry: entry["say"]["door"].pop("abnormal"))
    assert '05.status has no answer "maybe"' in said("05", lambda entry: entry["say"]["status"].update(maybe={}))
    assert '"tr" is missing in "lead"' in said("L1", lambda entry: entry["lead"].pop("tr"))
    assert 'there is no prediction "gone"' in said("08", lambda entry: entry["votes"].update(gone={"a": 100}))
