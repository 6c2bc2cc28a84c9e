"""docs/confusions.md: each confusion has a prediction, a cell in which it fails, and a check or a turn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from wslab.labs import catalogue
from wslab.predictions import predict

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Row:
    number: int
    unit: str
    predictions: list[str]
    cell: str
    checks: list[str]


def named(column: str) -> list[str]:
    return re.findall(r"`(.+?)`", column)


def rows() -> list[Row]:
    table = (ROOT / "docs/confusions.md").read_text("utf-8").splitlines()
    found = []
    for line in table:
        columns = [column.strip() for column in line.split("|")[1:-1]]
        if columns and columns[0].isdigit():
            number, _, predictions, unit, cell, checks = columns
            found.append(Row(int(number), unit, named(predictions), "".join(named(cell)), named(checks)))
    return found


ROWS = rows()


def test_every_confusion_has_its_row() -> None:
    assert sorted({row.number for row in ROWS}) == list(range(1, 21))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.unit}")
def test_a_confusion_is_answered(row: Row) -> None:
    assert row.predictions
    assert row.checks
    for key in row.predictions:
        predict(key)  # it raises for an unknown one
        assert f'predict("{key}").outcome(' in source(key.partition(".")[0])
    cells = re.findall(r"^```\{code-cell\}.*?^```", source(row.unit), re.DOTALL | re.MULTILINE)
    assert row.cell
    assert any(row.cell in cell for cell in cells)
    for check in row.checks:
        unit, _, name = check.partition(".")
        lab = catalogue.turns().get(unit) or catalogue.labs()[unit]
        assert lab.check(name) is not None


def source(unit: str) -> str:
    (path,) = ROOT.glob(f"course/notebooks/{unit}-*.md")
    return path.read_text("utf-8")
