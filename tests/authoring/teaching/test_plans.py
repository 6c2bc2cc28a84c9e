"""Plans of lessons: possible, or told why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wslab import cli
from wslab.authoring.building import BuildError, Unit, units
from wslab.authoring.teaching import read_plans
from wslab.authoring.teaching.plans import PATH, sections
from wslab.language import LANGUAGES

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def course() -> tuple[Unit, ...]:
    return units(ROOT)


def required(unit: Unit) -> str:
    """The source of a unit up to its optional sections."""
    return (ROOT / unit.source).read_text("utf-8").partition("\n## Optional: ")[0]


def planned(tmp_path: Path, course: tuple[Unit, ...], items: str, minutes: int = 90) -> str:
    """What is said about a plan with these items; "" if it is possible."""
    text = f"""
short:
  title: {{en: A, tr: B}}
  about: {{en: A, tr: B}}
  sessions:
    - title: {{en: Lesson, tr: Ders}}
      minutes: {minutes}
      items: {items}
"""
    path = tmp_path / PATH
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    try:
        read_plans(tmp_path, course)
    except BuildError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ('["00", "01"]', ""),
        ("[0, 1]", ""),  # as YAML reads them without quotes
        ('["00", "77"]', 'the course has no unit "77"'),
        ('["01", "00"]', "01 needs 00 before it"),
        ('["00", "00"]', "00 is taught twice"),
        (
            '["00", {unit: "01", home: true}, {unit: "05", sections: [1], minutes: 53}]',
            "a part of 05 takes 53 minutes, the whole 52",
        ),
        ('["00", {unit: "01", sections: [3, 99], minutes: 5}]', "01 has no section 99"),
        ('["00", "01", "05"]', '"Lesson" has 90 minutes, and its items take 135'),
        ('["00", "01", {unit: "05", home: true}]', ""),  # home takes no time in class
        ("[{pause: {en: Break}, minutes: 5}]", '"tr" is missing in "pause"'),
        ("[{pause: {en: Break, tr: Ara}, minutes: 0}]", "minutes is a whole number"),
        ('[{unit: "00", minutes: 5}]', '"sections" is missing in an item'),
        ('[{unit: "00", home: true, minuts: 5}]', 'an item has no field "minuts"'),
        ("[]", "items is a list with something in it"),
    ],
)
def test_a_plan_is_possible_or_says_why_not(tmp_path: Path, course: tuple[Unit, ...], items: str, says: str) -> None:
    said = planned(tmp_path, course, items)
    assert says in said
    assert bool(said) == bool(says)
    # A mistake of form has the line of the item, an impossible plan that of its name.
    assert not said or said.startswith((f"{PATH}:2: ", f"{PATH}:8: "))


def test_a_mistake_of_form_has_its_own_line(tmp_path: Path, course: tuple[Unit, ...]) -> None:
    items = '\n        - "00"\n        - unit: "01"\n          sections: [1]\n          minutes: many'
    assert planned(tmp_path, course, items).startswith(f"{PATH}:12: ")


def test_the_minutes_of_a_plan_are_those_of_the_front_matter_and_in_class_two_more_a_prediction(
    course: tuple[Unit, ...],
) -> None:
    minutes = {unit.number: unit.minutes for unit in course}
    plans = {plan.name: plan for plan in read_plans(ROOT, course)}
    assert list(plans) == ["90", "half-day", "whole-course"]
    for plan in plans.values():
        for session in plan.sessions:
            for item in session.items:
                if item.unit is not None and not item.sections:
                    alone = minutes[item.unit.number]
                    votes = len(re.findall(r'^predict\("[^"]+"\)$', required(item.unit), re.MULTILINE))
                    assert item.minutes == alone + (0 if item.home else 2 * votes)
        in_class = [item.minutes for session in plan.sessions for item in session.items if not item.home]
        assert plan.taken == sum(in_class) <= sum(session.minutes for session in plan.sessions)
    assert plans["90"].taken <= 90
    assert plans["half-day"].taken <= 240
    whole = plans["whole-course"]
    taught = [item.unit.number for session in whole.sessions for item in session.items if item.unit is not None]
    assert sorted(set(taught)) == sorted(minutes)
    assert len(whole.sessions) == 14


def test_sections_have_the_same_numbers_in_every_language(course: tuple[Unit, ...]) -> None:
    for unit in course:
        numbers = [list(sections(unit, language)) for language in LANGUAGES]
        assert all(some == numbers[0] for some in numbers), unit.number


@pytest.mark.slow
@pytest.mark.parametrize(("language", "says"), [("en", "in class"), ("tr", "sınıfta")])
def test_the_command_prints_a_plan(monkeypatch: pytest.MonkeyPatch, language: str, says: str) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(cli.app, ["--in", language, "schedule", "--plan", "90"])
    assert result.exit_code == 0, result.output
    assert "90/90" in result.output
    assert says in result.output
    unknown = CliRunner().invoke(cli.app, ["--in", language, "schedule", "--plan", "91"])
    assert unknown.exit_code == 1
    assert "half-day" in unknown.output
