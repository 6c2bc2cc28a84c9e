"""Drops as instructors make them, and as a student makes them to speak for somebody else."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

from tests.grading.papers import ROOT, as_bytes, code, fake_grade, paper

from wslab.grading.batch import Batch, Row, Selection, grade_all
from wslab.grading.intake.roster import Roster
from wslab.grading.running import local
from wslab.grading.task import Result, Task
from wslab.labs.catalogue import labs

WHEN = (2026, 11, 20, 10, 0, 0)
LATER = (2026, 11, 25, 10, 0, 0)


def work(mark: str = "", lab: str = "L1") -> bytes:
    """A lab that is somebody's own by a line in it."""
    document = paper(lab)
    if mark:
        document["cells"].insert(1, code(f"mine = {mark!r}"))
    return as_bytes(document)


def zipped(*members: tuple[str, bytes], when: tuple[int, int, int, int, int, int] = WHEN) -> bytes:
    """A zip of members in this order, which may have the same name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, when), data)
    return file.getvalue()


def dropped(top: Path, **files: bytes) -> Path:
    """A folder with these files; a name that ends in `/` is an empty folder."""
    for place, data in files.items():
        path = top / place
        if place.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.utime(path, (1_800_000_000, 1_800_000_000))
    return top


def graded(top: Path, out: Path, *, roster: Roster | None = None, selection: Selection | None = None) -> Batch:
    """What comes of a drop, judged by a grader that looks at the cells and runs nothing."""
    return grade_all(
        top, out, ROOT, fake_grade, lambda: local(1), selection=selection or Selection(), roster=roster, at_once=1
    )


def rows(batch: Batch) -> dict[tuple[str, str], Row]:
    """The rows by student and lab."""
    found = {(row.student.id, row.lab.number if row.lab is not None else ""): row for row in batch.rows}
    assert len(found) == len(batch.rows)
    return found


def mark_of(data: bytes, lab: str = "L1") -> float:
    """What the same grader gives for this notebook, handed in by nobody else's side."""
    from wslab.grading.assembly import assemble
    from wslab.grading.intake.opening import opened
    from wslab.labs import notebooks

    notebook = opened(data)
    kit = notebooks.code_cells(notebooks.path_of(ROOT, labs()[lab], "solutions", notebook.language))
    result: Result = fake_grade(Task("x", lab, notebook.language, assemble(notebook.cells, kit).cells))
    return float(result.score)
