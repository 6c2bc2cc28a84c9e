"""Whole submissions of known worth: notebooks as learners hand them in, from the programs that prove the checks."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from wslab.authoring.proof import corpus as submission
from wslab.labs import catalogue, notebooks
from wslab.labs.lab import Lab
from wslab.language import LANGUAGES

ROOT = Path(__file__).parents[2]
SOLUTION, STUB = "solution", "stub"


@dataclass(frozen=True)
class Sample:
    """One notebook that somebody hands in, and what it is worth.

    Attributes:
        lab: the lab.
        name: the program's name, or `"solution"` or `"stub"`.
        language: which edition the learner worked in.
        points: what each graded check gives, by the check's name.
        turn: which copy of it this is, where the same is handed in by several students.
    """

    lab: Lab
    name: str
    language: str
    points: Mapping[str, float]
    turn: int = 0

    @property
    def score(self) -> float:
        """What it is worth altogether."""
        return sum(self.points.values())

    @property
    def student(self) -> str:
        """A name for whoever hands it in."""
        return f"{self.lab.number}-{self.language}-{self.name}" + (f"-{self.turn}" if self.turn else "")

    @property
    def notebook(self) -> NotebookNode:
        """The notebook, not run."""
        if self.name in (SOLUTION, STUB):
            return edition(self.lab, "solutions" if self.name == SOLUTION else "labs", self.language)
        return with_program(self.lab, self.language, _program(self.lab, self.name).source)

    def write(self, folder: Path) -> Path:
        """Hand it in: `folder/<student>/<lab>/<lab>.ipynb`, as nbgrader collects them; return the file."""
        path = folder / self.student / self.lab.slug / f"{self.lab.slug}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(self.notebook, path)
        return path


def sample(number: str, name: str, language: str = LANGUAGES[0]) -> Sample:
    """A submission of the lab with this number: a program of its corpus, its `"solution"` or its `"stub"`."""
    lab = catalogue.labs()[number]
    points = {check.name: float(check.points) for check in lab.checks if check.points}
    if name == STUB:
        return Sample(lab, name, language, dict.fromkeys(points, 0.0))
    if name == SOLUTION:
        return Sample(lab, name, language, points)
    expected = _program(lab, name).expected
    lost = {check: expected.earns.get(check, 0.0) for check in (*expected.fails, *expected.waits)}
    return Sample(lab, name, language, points | lost)


def corpus(number: str) -> Iterator[Sample]:
    """Everything that is known of a lab, the editions taking turns: solution, stub, wrong programs, right ones."""
    for name in (SOLUTION, STUB):
        for language in LANGUAGES:
            yield sample(number, name, language)
    for place, one in enumerate(submission.submissions(number)):
        yield sample(number, one.name, LANGUAGES[place % len(LANGUAGES)])


def edition(lab: Lab, folder: str, language: str) -> NotebookNode:
    """A copy of a built notebook of a lab, from `"labs"` or `"solutions"`."""
    return copy.deepcopy(_read(notebooks.path_of(ROOT, lab, folder, language)))


def with_program(lab: Lab, language: str, source: str) -> NotebookNode:
    """The lab as handed out, with a whole program in the cell that asks for the server."""
    notebook = edition(lab, "labs", language)
    server_cell(notebook).source = source
    return notebook


def server_cell(notebook: NotebookNode) -> NotebookNode:
    """The cell of a lab in which a learner writes the server."""
    cells = [
        cell for cell in notebook.cells if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") == "server"
    ]
    assert len(cells) == 1, f"{len(cells)} cells ask for the server"
    return cells[0]


def graded_cells(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    """The names of the graded checks and their cells."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            yield cell.metadata.nbgrader.grade_id.removeprefix("check-"), cell


@cache
def _read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def _program(lab: Lab, name: str) -> submission.Submission:
    return submission.read(submission.corpus_folder() / lab.number / f"{name}.py")
