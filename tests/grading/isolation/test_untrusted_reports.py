"""A submission that keeps its own faults to itself gains no more than docs/sandbox.md says."""

from __future__ import annotations

import sys

import pytest

from wslab.authoring.proof.corpus import submissions
from wslab.grading.grading import grade
from wslab.grading.task import Cell, Task

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the forked start is Linux's")]

SILENT = """
from wslab.grading.isolation import child
obey = child._obey
def silent(runner, venue, order):
    return {"total": 0, "raised": []} if order["do"] == "raised" else obey(runner, venue, order)
child._obey = silent
"""


@pytest.mark.parametrize(
    ("lab", "name", "gains"),
    [
        ("L1", "no_await_on_accept", {}),
        ("L2", "double_removal", {"others": 2}),
        ("L3", "http_exception", {}),
        ("L3", "goes_on_after_close", {"alive": 2}),
    ],
)
def test_silence_gains_what_is_documented_at_most(lab: str, name: str, gains: dict[str, float]) -> None:
    one = next(one for one in submissions(lab) if one.name == name)
    result = grade(Task("x", lab, "en", (Cell("In[1]", SILENT), Cell("In[2]", one.source))))
    assert not result.notes
    for verdict in result.verdicts:
        due = one.expected.earns.get(verdict.check, 0)
        if verdict.check not in one.expected.fails and verdict.check not in one.expected.waits:
            due = verdict.max
        assert verdict.points <= due + gains.get(verdict.check, 0), verdict.check
        assert not verdict.raised
