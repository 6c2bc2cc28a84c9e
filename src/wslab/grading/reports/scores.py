"""scores.csv: the columns of nbgrader's export, one more for each check, and what there is to say."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from wslab.grading.batch import Batch, Row
from wslab.grading.intake.utf8 import whole
from wslab.grading.intake.whose import NOBODY

FILE = "scores.csv"

NBGRADER = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)
"""As `nbgrader export` writes them (nbgrader 0.9, `plugins/export.py`)."""


def scores_csv(batch: Batch) -> str:
    """The file's text; remarks are in the current language."""
    checks = [(lab.number, name) for lab in batch.labs for name in lab.maxima]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*NBGRADER, *(f"{lab}.{name}" for lab, name in checks), "remarks"])
    for row in batch.rows:
        writer.writerow([guarded(value) for value in _values(row, checks)])
    for place, reason in batch.ownerless.items():
        cells = ["", "", "", str(NOBODY), "", "", "", "", "", "", "", *("" for _ in checks), f"{place}: {reason}"]
        writer.writerow([guarded(cell) for cell in cells])
    return file.getvalue()


def _values(row: Row, checks: list[tuple[str, str]]) -> Iterator[str]:
    score = float(row.result.score) if row.result is not None else 0.0
    most = float(row.lab.points) if row.lab is not None else 0.0
    yield row.lab.slug if row.lab is not None else ""
    yield ""
    yield row.timestamp
    yield row.student.id
    yield row.student.last_name
    yield row.student.first_name
    yield ""
    yield from (str(score), "0.0", str(score), str(most))
    earned = {} if row.result is None else {one.check: one.points for one in row.result.verdicts}
    for lab, name in checks:
        mine = row.lab is not None and row.lab.number == lab and name in earned
        yield str(float(earned[name])) if mine else ""
    yield " · ".join(str(note) for note in row.notes)


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, “CSV Injection”): `'` before `=`, `+`, `-`, `@`.

    A bare carriage return becomes a line feed: `csv` puts no quotes around it, and readers begin a row there.
    """
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{cell}" if cell.lstrip(" \t\r\n\x00\ufeff")[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠") else cell


def unguarded(cell: str) -> str:
    """What `guarded()` was given."""
    return cell[1:] if cell.startswith("'") and guarded(cell[1:]) == cell else cell


def write(path: Path, text: str | bytes) -> None:
    """Write a file whole or not at all: whoever opens it meanwhile sees the old one.

    Raises:
        OSError: it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name: what a killed run has left is written over.
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(text if isinstance(text, bytes) else whole(text).encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
