"""grade() gives what `wslab check` gives, by either way to start a process."""

from __future__ import annotations

import sys

import pytest

from wslab.authoring.proof.corpus import Submission, submissions
from wslab.grading.grading import grade
from wslab.grading.isolation import sandbox
from wslab.grading.task import Cell, Task
from wslab.labs.verdict import Outcome

pytestmark = pytest.mark.slow

LABS = ("L1", "L2", "L3", "L4", "L5", "L6", "L7")
ALL = [(lab, one) for lab in LABS for one in submissions(lab)]
SAMPLE = {
    "no_await_on_accept",
    "right_set_and_iterator",
    "key_error",
    "right_http_exception",
    "started_once",
    "time_sleep",
}
SAMPLE |= {"work_holds", "to_thread_not_awaited", "right_executor", "double_removal"}


def expected(one: Submission, check: str) -> str:
    return "…" if check in one.expected.waits else one.expected.fails.get(check, "")


def judged(lab: str, one: Submission, start: sandbox.Start | None) -> None:
    result = grade(Task("x", lab, "tr", (Cell("In[1]", one.source),)), start=start)
    found = {v.check: "…" if v.outcome is Outcome.BLOCKED else v.misconception for v in result.verdicts}
    assert found == {check: expected(one, check) for check in found}
    for verdict in result.verdicts:
        assert verdict.points == (verdict.max if verdict.passed else one.expected.earns.get(verdict.check, 0))


@pytest.mark.parametrize(
    ("lab", "one"), [pair for pair in ALL if pair[1].name in SAMPLE], ids=lambda value: getattr(value, "name", value)
)
def test_the_same_verdicts(lab: str, one: Submission) -> None:
    judged(lab, one, None)


@pytest.mark.proof
@pytest.mark.parametrize(("lab", "one"), ALL, ids=lambda value: getattr(value, "name", value))
def test_the_same_verdicts_for_every_submission(lab: str, one: Submission) -> None:
    judged(lab, one, None)


@pytest.mark.skipif(sys.platform != "linux", reason="there is one way only")
def test_the_same_verdicts_by_a_fresh_interpreter() -> None:
    for lab, one in ALL:
        if one.name in ("no_await_on_accept", "key_error"):
            judged(lab, one, "fresh")


def test_a_cell_that_deletes_the_app_leaves_none() -> None:
    (solution,) = (one for one in submissions("L1") if one.name == "right_set_and_iterator")
    result = grade(Task("x", "L1", "tr", (Cell("In[1]", solution.source), Cell("In[2]", "del app"))))
    assert {verdict.misconception for verdict in result.verdicts} == {"no-app"}
