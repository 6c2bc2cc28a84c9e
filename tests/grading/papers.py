"""Notebooks as learners hand them in, written by hand: the lab itself, and ways to spoil it."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from wslab.grading.intake.opening import LearnerCell, opened
from wslab.grading.task import Result, Task
from wslab.labs import notebooks
from wslab.labs.catalogue import labs
from wslab.labs.verdict import Line, Outcome, Raised, Verdict
from wslab.language import Text

ROOT = Path(__file__).parents[2]

Document = dict[str, Any]


def paper(lab: str = "L1", language: str = "en", folder: str = "solutions") -> Document:
    """The notebook of a lab, as JSON."""
    path = notebooks.path_of(ROOT, labs()[lab], folder, language)
    loaded: Document = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def as_bytes(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def cells_of(document: Document) -> tuple[LearnerCell, ...]:
    return opened(as_bytes(copy.deepcopy(document))).cells


def kit_of(lab: str = "L1", language: str = "en") -> tuple[notebooks.Cell, ...]:
    return notebooks.code_cells(notebooks.path_of(ROOT, labs()[lab], "solutions", language))


def code(source: str, grade_id: str = "", **grading: object) -> dict[str, Any]:
    """A code cell; with a grade_id, nbgrader's metadata."""
    metadata = {"nbgrader": {"grade_id": grade_id, **grading}} if grade_id else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def hand_in(folder: Path, student: str, lab: str = "L1", language: str = "en", more: str = "") -> Path:
    """`folder/<student>/L1-echo.ipynb`; `more` makes it somebody's own."""
    document = paper(lab, language)
    if more:
        document["cells"].insert(1, code(more))
    path = folder / student / f"{labs()[lab].slug}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_bytes(document))
    return path


def fake_grade(task: Task) -> Result:
    """Points by the digest of the cells: quick, and always the same for the same submission.

    With `WSLAB_TEST_LOG` set, each call adds a line to that file.
    """
    log = os.environ.get("WSLAB_TEST_LOG")
    if log:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{task.student}/{task.lab}\n")
    digest = hashlib.sha256("".join(cell.source for cell in task.cells).encode()).digest()
    verdicts = []
    for place, check in enumerate(one for one in labs()[task.lab].checks if one.points):
        if digest[place] % 3:
            verdicts.append(Verdict(task.lab, check.name, check.title, check.points, check.points, Outcome.PASSED))
        else:
            verdicts.append(failed(task.lab, check.name, Text.of(f"saw {digest[place]}")))
    return Result(task.student, task.lab, tuple(verdicts), (Text.of("a fake"),), (), 0.0)


def failed(lab: str, name: str, observed: Text) -> Verdict:
    """A verdict of a check that failed at the first thing it names."""
    check = labs()[lab].check(name)
    assert check is not None
    wrong = check.wrong[0]
    return Verdict(
        lab,
        name,
        check.title,
        0.0,
        check.points,
        Outcome.FAILED,
        wrong.id,
        observed,
        wrong.meaning,
        wrong.next,
        (Line(0.001, "A", "→", observed),),
        (Raised("ValueError", str(observed)),),
    )
