"""A plan as a run sheet: what happens at which time, which sections, which votes, which demos."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wslab import cli
from wslab.authoring.publishing.lessons import run_sheet_page
from wslab.authoring.teaching import Guide, StartError, part_of, plan_named, read_guide, run_sheet
from wslab.authoring.teaching.plans import Item, Session, sections
from wslab.authoring.teaching.run_sheet import demos, slots
from wslab.language import LANGUAGES, Text

ROOT = Path(__file__).parents[3]
_PREDICTION = re.compile(r"^\*\*`([^`]+)`\*\*", re.MULTILINE)


@pytest.fixture(scope="module")
def guide() -> Guide:
    return read_guide(ROOT)


def nothing(minutes: int, home: bool = False) -> Item:
    return Item(minutes, says=Text(en="talk", tr="konuşma"), home=home)


def test_times_follow_one_another_and_home_has_none() -> None:
    session = Session(Text(en="x", tr="x"), 200, (nothing(25), nothing(40, home=True), nothing(90), nothing(15)))
    assert [(slot.begins, slot.ends) for slot in slots(session, "23:10")] == [
        ("23:10", "23:35"),
        ("23:35", "01:05"),
        ("01:05", "01:20"),
    ]


@pytest.mark.parametrize("start", ["", "9", "25:00", "nine", "09:60"])
def test_a_start_that_is_no_time_is_a_sentence(start: str) -> None:
    with pytest.raises(StartError, match="no time of day"):
        list(slots(Session(Text(en="x", tr="x"), 10, (nothing(5),)), start))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_90_minutes(guide: Guide, language: str) -> None:
    plan = plan_named("90", guide.plans)
    sheet = run_sheet(guide, plan, language, ["13:30"])
    times = re.findall(r"^### (\d\d:\d\d)–(\d\d:\d\d) · ", sheet, re.MULTILINE)
    assert (times[0][0], times[-1][1]) == ("13:30", "15:00")
    assert all(before[1] == after[0] for before, after in itertools.pairwise(times))
    items = [item for item in plan.sessions[0].items if item.unit is not None]
    titles = [
        f"#### {number}. {sections(item.unit, language)[number]}"
        for item in items
        for number in item.sections
        if item.unit is not None
    ]
    assert re.findall(r"^#### .*", sheet, re.MULTILINE) == titles
    assert {key.partition(".")[0] for key in _PREDICTION.findall(sheet)} == {"00", "01", "05", "07"}
    assert "07.order" in _PREDICTION.findall(sheet)
    assert "07.tight" not in sheet
    assert sheet.count("✓") == len(_PREDICTION.findall(sheet))
    word = {"en": "*Demo:*", "tr": "*Gösteri:*"}[language]
    assert sheet.count(word) >= len(titles) / 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_plan_has_a_sheet_with_every_unit(guide: Guide, language: str) -> None:
    for plan in guide.plans:
        sheet = run_sheet(guide, plan, language, ["09:00", "11:30"])
        for session in plan.sessions:
            for item in session.items:
                if item.unit is not None:
                    assert f"{item.unit.number} · {item.unit.title.into(language)}" in sheet
        if len(plan.sessions) > 1:
            assert "### 11:30–" in sheet


def test_a_part_holds_the_cells_of_its_sections_alone(guide: Guide) -> None:
    unit = next(unit for unit in guide.units if unit.number == "07")
    part = part_of(unit, (1, 3))
    assert list(sections(part, "en")) == [1, 3]
    assert 0 < len(part.cells) < len(unit.cells)
    assert part_of(unit, ()).cells == unit.cells
    assert any(cell.instructor for cell in part.cells)


def test_every_demo_of_the_course_is_found_in_both_languages(guide: Guide) -> None:
    for unit in guide.units:
        for cell in unit.cells:
            if cell.instructor:
                assert len(list(demos(cell.text, "en"))) == len(list(demos(cell.text, "tr"))), (unit.number, cell.id)


def test_the_page_is_self_contained_and_escapes(guide: Guide) -> None:
    plan = plan_named("90", guide.plans)
    page = run_sheet_page("# A\n\n<script>alert(1)</script>\n\n`<b>`", plan, "tr", "90-slides.html")
    assert '<html lang="tr">' in page
    assert "<script" not in page
    assert "<code>&lt;b&gt;</code>" in page
    assert '<a href="90-slides.html">Bu bölümlerin slaytları</a>' in page
    assert not re.search(r"(?:src|href)=\"(?!data:|90-slides)", page)


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    ran = CliRunner().invoke(cli.app, ["lesson", "90", "--start", "10:00"])
    assert ran.exit_code == 0, ran.output
    assert "10:00–10:05" in ran.output
    assert CliRunner().invoke(cli.app, ["lesson", "ninety"]).exit_code == 1
    assert CliRunner().invoke(cli.app, ["lesson", "90", "--start", "late"]).exit_code == 1
