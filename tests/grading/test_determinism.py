"""The same submission gets the same points, alone and beside fifteen others."""

from __future__ import annotations

import pytest
from tests.grading.papers import cells_of, kit_of, paper

from wslab.grading import running
from wslab.grading.assembly import assemble
from wslab.grading.grading import grade
from wslab.grading.task import Result, Task
from wslab.language import Text

GIVEN = [("L1", "solutions"), ("L1", "labs"), ("L2", "labs"), ("L5", "solutions"), ("L6", "solutions")]


def task(lab: str, folder: str, student: str = "one") -> Task:
    return Task(student, lab, "en", assemble(cells_of(paper(lab, folder=folder)), kit_of(lab)).cells)


def points(result: Result | Text) -> list[tuple[str, float]]:
    assert isinstance(result, Result)
    return [(verdict.check, verdict.points) for verdict in result.verdicts]


def same_points(lab: str, folder: str, alone: int, at_once: int) -> None:
    seen = {tuple(points(grade(task(lab, folder)))) for _ in range(alone)}
    outcomes: list[Result | Text] = []
    running.run(
        [task(lab, folder, f"s{number}") for number in range(at_once)],
        grade,
        lambda: running.local(at_once),
        lambda one, outcome: outcomes.append(outcome),
        at_once=at_once,
    )
    assert len(outcomes) == at_once
    seen |= {tuple(points(outcome)) for outcome in outcomes}
    assert len(seen) == 1, seen


@pytest.mark.slow
@pytest.mark.parametrize(("lab", "folder"), GIVEN[:2])
def test_three_alone_and_three_at_once(lab: str, folder: str) -> None:
    same_points(lab, folder, 3, 3)


@pytest.mark.proof
@pytest.mark.parametrize(("lab", "folder"), GIVEN)
def test_twenty_alone_and_sixteen_at_once(lab: str, folder: str) -> None:
    same_points(lab, folder, 20, 16)
