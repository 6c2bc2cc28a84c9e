"""`wslab grade` gives each submission of the corpus the points that its header says, check by check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.grading.corpus import ROOT, SOLUTION, STUB, Sample, corpus, sample

from wslab.authoring.proof.corpus import submissions
from wslab.grading import running
from wslab.grading.batch import grade_all
from wslab.grading.grading import grade
from wslab.grading.task import Result
from wslab.labs import catalogue
from wslab.labs.verdict import Outcome
from wslab.language import LANGUAGES

AT_ONCE = 4
"""Submissions, while other tests of the run want the processors, too."""

# Worth, and what it is about: the misconception, or that the check waits for another one.
Found = dict[str, tuple[float, str]]


def found(handed_in: Sequence[Sample], folder: Path) -> dict[str, Found | None]:
    """What each check finds in each submission, by student."""
    for one in handed_in:
        one.write(folder / "submitted")
    batch = grade_all(
        folder / "submitted", folder / "out", ROOT, grade, lambda: running.local(AT_ONCE), at_once=AT_ONCE
    )
    return {row.student.id: verdicts_of(row.result) if row.result else None for row in batch.rows}


def verdicts_of(result: Result) -> Found:
    return {
        verdict.check: (verdict.points, "…" if verdict.outcome is Outcome.BLOCKED else verdict.misconception)
        for verdict in result.verdicts
    }


def points(verdicts: Found | None) -> dict[str, float] | None:
    return verdicts and {check: worth for check, (worth, _) in verdicts.items()}


def due(one: Sample) -> Found:
    """What its header says of a program of the corpus."""
    expected = next(program for program in submissions(one.lab.number) if program.name == one.name).expected
    about = dict.fromkeys(one.points, "") | dict.fromkeys(expected.waits, "…") | dict(expected.fails)
    return {check: (worth, about[check]) for check, worth in one.points.items()}


@pytest.mark.slow
@pytest.mark.parametrize("number", catalogue.labs())
def test_every_program_of_a_lab_fails_where_it_should_and_nowhere_else(number: str, tmp_path: Path) -> None:
    handed_in = list(corpus(number))
    verdicts = found(handed_in, tmp_path)
    assert {name: points(of) for name, of in verdicts.items()} == {one.student: one.points for one in handed_in}
    programs = [one for one in handed_in if one.name not in (SOLUTION, STUB)]
    assert {one.student: verdicts[one.student] for one in programs} == {one.student: due(one) for one in programs}


@pytest.mark.slow
@pytest.mark.parametrize("turns", [3, pytest.param(10, marks=pytest.mark.proof)])
@pytest.mark.parametrize("number", catalogue.labs())
def test_the_solution_earns_everything_with_others_beside_it(number: str, turns: int, tmp_path: Path) -> None:
    solutions = [sample(number, SOLUTION, language) for language in LANGUAGES]
    handed_in = [replace(one, turn=turn) for turn in range(turns) for one in solutions]
    verdicts = found(handed_in, tmp_path)
    assert {name: points(of) for name, of in verdicts.items()} == {one.student: one.points for one in handed_in}
