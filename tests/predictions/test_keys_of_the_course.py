"""Notebooks and data files name the same predictions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wslab.predictions import catalogue

COURSE = Path(__file__).parents[2] / "course"
SOURCES = sorted([*COURSE.glob("notebooks/*.md"), *COURSE.glob("labs/*.md")])
_ASKED = re.compile(r"""\bpredict\(\s*["']([^"']+)["']\s*\)(\s*\.outcome\()?""")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_prediction_is_asked_and_answered(path: Path) -> None:
    unit = path.name.partition("-")[0]
    calls = _ASKED.findall(path.read_text(encoding="utf-8"))
    asked = {key for key, outcome in calls if not outcome}
    answered = {key for key, outcome in calls if outcome}
    there = {f"{unit}.{name}" for name in catalogue.load(unit)[0]}
    assert asked == answered == there


def test_every_data_file_has_its_notebook() -> None:
    assert SOURCES
    assert set(catalogue.units()) <= {path.name.partition("-")[0] for path in SOURCES}
