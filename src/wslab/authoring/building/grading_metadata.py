"""What nbgrader 0.9 needs to know about a cell of a lab (its metadata schema, version 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

SCHEMA_VERSION = 3

_ROLES = ("grade", "solution", "task", "locked")
_KEYS = {"grade_id", "points", "schema_version", *_ROLES}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def completed(given: Mapping[str, Any]) -> dict[str, Any]:
    """What nbgrader wants spelt out, from what a source has to say: the id, what is true, and the points."""
    flags = {role: bool(given.get(role, False)) for role in _ROLES}
    # A check is read-only: nbgrader writes it afresh before it grades.
    flags["locked"] = flags["locked"] or (flags["grade"] and not flags["solution"])
    points = {"points": given["points"]} if "points" in given else {}
    return {**flags, **points, "grade_id": given["grade_id"], "schema_version": SCHEMA_VERSION}


def metadata_mistakes(given: object, kind: Literal["markdown", "code"]) -> Iterator[str]:
    """What nbgrader would refuse, or misunderstand, in a cell's `nbgrader` metadata."""
    if not isinstance(given, Mapping):
        yield "nbgrader is a mapping: {grade_id: echo, solution: true}"
        return
    if unknown := sorted(set(map(str, given)) - _KEYS):
        yield f"nbgrader knows no {', '.join(unknown)}; it takes {', '.join(sorted(_KEYS))}"
    if not isinstance(given.get("grade_id"), str) or not _ID.fullmatch(given["grade_id"]):
        yield "nbgrader needs a grade_id of letters, digits, - and _"
    if given.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        yield f"leave schema_version out; the build writes {SCHEMA_VERSION}"
    if wrong := [role for role in _ROLES if not isinstance(given.get(role, False), bool)]:
        yield f"{', '.join(wrong)} is true or false"
        return
    grade, solution, task, locked = (bool(given.get(role, False)) for role in _ROLES)
    if not (grade or solution or task or locked):
        yield "say what this cell is: solution: true, grade: true with points, or locked: true"
    if solution and locked:
        yield "a learner cannot write in a locked cell; leave out locked or solution"
    if task:
        yield "a task cell takes its answer from cells a learner adds, which no check can reach; use solution and grade"
    points = given.get("points")
    if grade and (isinstance(points, bool) or not isinstance(points, int | float) or points < 0):
        yield "a graded cell has points, 0 or more"
    if not grade and points is not None:
        yield "points belong to a cell with grade: true"
    if kind == "markdown" and not task and grade != solution:
        yield "a written answer has both grade: true and solution: true"
