"""`wslab grade` gives each submission of the corpus the points that its header says, check by check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.grading.corpus import ROOT, Sample, corpus, sample

from wslab.grading import running
from wslab.grading.batch import grade_all
from wslab.grading.grading import grade
from wslab.labs import catalogue


def points(handed_in: Sequence[Sample], folder: Path) -> dict[str, dict[str, float] | None]:
    """What each is given, by student."""
    for one in handed_in:
        one.write(folder / "submitted")
    batch = grade_all(folder / "submitted", folder / "out", ROOT, grade, lambda: running.local(8), at_once=8)
    return {
        row.student.id: {verdict.check: verdict.points for verdict in row.result.verdicts} if row.result else None
        for row in batch.rows
    }


@pytest.mark.slow
def test_a_few_of_several_labs_and_both_editions_get_their_points(tmp_path: Path) -> None:
    handed_in = [
        sample("L1", "counts_before_accept", "tr"),
        sample("L1", "solution"),
        sample("L2", "stub", "tr"),
        sample("L3", "http_exception_403"),
    ]
    assert points(handed_in, tmp_path) == {one.student: one.points for one in handed_in}


@pytest.mark.proof
@pytest.mark.parametrize("number", catalogue.labs())
def test_everything_that_is_known_of_a_lab_gets_its_points(number: str, tmp_path: Path) -> None:
    handed_in = list(corpus(number))
    assert points(handed_in, tmp_path) == {one.student: one.points for one in handed_in}
