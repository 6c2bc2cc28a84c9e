"""From points to marks: due times, lateness, weights, what is dropped, what is set by hand; and how each came about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.grading.papers import failed

from wslab.errors import LabError
from wslab.grading.batch import Batch, Row
from wslab.grading.intake.whose import Student
from wslab.grading.marks import Rules, Total, read_rules, totals
from wslab.grading.task import Result
from wslab.labs.catalogue import labs
from wslab.labs.verdict import Outcome, Verdict
from wslab.language import LANGUAGES, Text, use_language

DUE = datetime(2026, 11, 27, 21, 0, tzinfo=UTC)
RULES = """
choose = "best"
drop_lowest = 1

[late]
per_day = 10
most = 30
grace_minutes = 15

[labs.L1]
due = 2026-11-28T00:00:00+03:00
[labs.L2]
weight = 5
[labs.L3]
extra_credit = true
canvas = "Codes (77)"

[extensions."Işıl Ak"]
L1 = 2026-11-30T21:00:00Z

[overrides.s2]
L2 = { points = 7.5, comment = "seen in class" }
"""


def row(student: str, lab: str, points: float, when: datetime = DUE, name: str = "") -> Row:
    """A row with this many points."""
    found = labs()[lab]
    verdicts = []
    left = points
    for check in (one for one in found.checks if one.points):
        given = min(left, check.points)
        left -= given
        if given == check.points:
            verdicts.append(Verdict(lab, check.name, check.title, given, check.points, Outcome.PASSED))
        else:
            verdicts.append(failed(lab, check.name, Text.of("x")))
    assert left == 0
    result = Result(student, lab, tuple(verdicts), (), (), 0.0)
    first, _, last = name.rpartition(" ")
    return Row(Student(student, last, first), found, "en", f"{when:%Y-%m-%d %H:%M:%S}", f"{student}/x", result)


def whole(lab: str) -> float:
    return float(labs()[lab].points)


def rules(folder: Path, text: str = RULES) -> Rules:
    path = folder / "grading.toml"
    path.write_text(text, encoding="utf-8")
    return read_rules(path)


def by_id(found: tuple[Total, ...]) -> dict[str, Total]:
    return {one.student.id: one for one in found}


@pytest.mark.parametrize(
    ("after", "off"),
    [
        (timedelta(0), 0), (timedelta(days=-3), 0), (timedelta(minutes=15), 0), (timedelta(minutes=16), 0.1),
        (timedelta(hours=24), 0.1), (timedelta(hours=25), 0.2), (timedelta(days=9), 0.3),
    ],
)  # fmt: skip
def test_each_day_begun_costs_up_to_the_most(tmp_path: Path, after: timedelta, off: float) -> None:
    (one,) = totals(Batch((row("a", "L1", whole("L1"), DUE + after),)), rules(tmp_path))
    mark = one.marks["L1"]
    assert mark.points == pytest.approx(whole("L1") * (1 - off))
    assert mark.points + mark.penalty == pytest.approx(whole("L1"))
    assert ("late" in " ".join(map(str, mark.how))) == bool(off)


def test_an_extension_is_one_persons_by_any_form_of_the_name(tmp_path: Path) -> None:
    late = DUE + timedelta(days=2)
    rows = (row("1", "L1", whole("L1"), late, "IŞIL AK"), row("2", "L1", whole("L1"), late, "Can Er"))
    found = by_id(totals(Batch(rows), rules(tmp_path)))
    assert found["1"].marks["L1"].points == whole("L1")
    assert "by extension" in str(found["1"].marks["L1"].how[1])
    assert found["2"].marks["L1"].points == pytest.approx(whole("L1") * 0.8)


def test_a_name_of_two_people_or_of_nobody_counts_for_nobody_and_is_told(tmp_path: Path) -> None:
    """Somebody who calls themselves like another one has nothing of what was given to that one."""
    late = DUE + timedelta(days=2)
    rows = (row("1", "L1", whole("L1"), late, "Işıl Ak"), row("2", "L1", 0, late, "ışıl ak"))
    given = rules(tmp_path)
    found = by_id(totals(Batch(rows), given))
    assert [found[id].marks["L1"].points for id in "12"] == [pytest.approx(whole("L1") * 0.8), 0]
    _, problems = given.by_id(one.student for one in rows)
    assert [str(problem) for problem in problems] == [
        "grading.toml:18: 2 people here are called 'Işıl Ak', so this counts for none of them. Write the id instead.",
        "grading.toml:21: nobody here is called 's2', so this counts for nobody.",
    ]


def test_an_id_goes_before_a_name(tmp_path: Path) -> None:
    rows = (row("su", "L1", 0, name="Ayşe Ak"), row("2", "L1", 0, name="Su"))
    by_hand = '[overrides.su]\nL1 = { points = 3, comment = "x" }'
    found = by_id(totals(Batch(rows), rules(tmp_path, by_hand)))
    assert [found[id].marks["L1"].points for id in ("su", "2")] == [3, 0]


def test_what_somebody_has_called_a_zip_is_nobodys_id(tmp_path: Path) -> None:
    """Who hands in `Su.zip` has nothing of what is given to the person whom an export or the roster calls so."""
    listed = replace(row("100001", "L1", 0), student=Student("100001", "Su", "", "moodle"))
    by_hand = '[overrides.Su]\nL1 = { points = 3, comment = "x" }'
    found = by_id(totals(Batch((row("Su", "L1", 0), listed)), rules(tmp_path, by_hand)))
    assert [found[id].marks["L1"].points for id in ("Su", "100001")] == [0, 3]


def test_weights_extra_credit_the_lowest_and_what_is_set_by_hand(tmp_path: Path) -> None:
    rows = (row("s2", "L1", whole("L1")), row("s2", "L3", whole("L3")), row("s1", "L2", whole("L2")))
    found = by_id(totals(Batch(rows), rules(tmp_path)))
    # s2: L1 whole, L2 set to 7.5 (the lowest, dropped), L3 adds its points to the L1 that is left.
    assert found["s2"].marks["L2"].points == 7.5
    assert "seen in class" in str(found["s2"].marks["L2"].how[0])
    assert found["s2"].percent == pytest.approx(100 * (whole("L1") + whole("L3")) / whole("L1"), abs=0.01)
    assert found["s1"].percent == 100  # L1 was not handed in, and is the lowest
    assert "L1 does not count" in str(found["s1"].how[0])
    assert found["s1"].marks["L1"].points == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_number_says_how_it_came_about(tmp_path: Path, language: str) -> None:
    use_language(language)
    rows = (row("s2", "L1", whole("L1"), DUE + timedelta(days=1)), row("s3", "L1", 0))
    for one in totals(Batch(rows), rules(tmp_path)):
        assert all(mark.how for mark in one.marks.values())
        assert f"{one.percent:g}" in str(one.how[-1]).replace(",", ".")


def test_without_rules_points_are_marks() -> None:
    rows = (row("a", "L1", whole("L1")), row("a", "L2", 0))
    (one,) = totals(Batch(rows))
    assert one.percent == pytest.approx(100 * whole("L1") / (whole("L1") + whole("L2")), abs=0.01)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("x = 1", r"grading.toml:1: 'x' is not known"),
        ("\n[labs.L99]\ndue = 1", r":2: 'L99' is not known"),
        ("[labs.L1]\n\ndue = 'friday'", r":3: labs.L1.due must be a date"),
        ("[labs.L1]\nduu = 1", r":2: 'duu' is not known here; known are: due"),
        ("[late]\nmost = 50\nper_day = -1", r":3: late.per_day must be a number from 0 to 100"),
        ("drop_lowest = true", r":1: drop_lowest must be a number"),
        ("choose = 'worst'", r":1: choose must be \"newest\" or \"best\""),
        ("\n[overrides.ayse]\nL1 = { points = 3 }", r":3: overrides.ayse.L1.comment must be text"),
        ("[extensions.ayse]\nL1 = 5", r":2: extensions.ayse.L1 must be a date"),
        ("labs = 3", r":1: labs must be a table"),
        ("[labs.L1\n", r"line 1"),
        ("[labs.L1]\nextra_credit = 'yes'", r":2: labs.L1.extra_credit must be true or false"),
    ],
)
def test_what_can_not_be_meant_is_refused_with_its_line(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(LabError, match=match):
        rules(tmp_path, text)
