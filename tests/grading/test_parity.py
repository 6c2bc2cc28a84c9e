"""An honest notebook is worth the same in a kernel, in nbgrader and in `wslab grade`, check by check."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests import kernels
from tests.grading.corpus import ROOT
from tests.grading.nbgrader_course import Course
from tests.grading.parity import LAB, SOLVED, Honest, honest

from wslab.grading import running
from wslab.grading.batch import grade_all
from wslab.grading.grading import grade
from wslab.labs import notebooks

pytest.importorskip("nbgrader")
from wslab.grading import nbgrader_course

FEW = ("future-in-a-cell-of-its-own", "writefile-and-import", "get-ipython", "asks-alone", "another-app", "nameless")
PARTS = 6
"""All of them take minutes, so that they are run in parts."""

CHECKS = tuple(check.name for check in SOLVED.lab.checks if check.points)

Points = dict[str, float]


@pytest.fixture(autouse=True)
def _left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("PATH", nbgrader_course.LANGUAGE):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    yield
    nbgrader_course.leave_that_home()


@pytest.mark.slow
@pytest.mark.notebook
@pytest.mark.filterwarnings("ignore:Object of type .* not in session", "ignore:Cell is missing an id field")
@pytest.mark.parametrize(
    "part",
    [
        pytest.param(None, id="few"),
        *(pytest.param(part, marks=pytest.mark.proof) for part in range(PARTS)),
    ],
)
def test_the_points_are_the_same(part: int | None, tmp_path: Path) -> None:
    by_name = honest()
    names = FEW if part is None else tuple(by_name)[part::PARTS]
    handed_in = [one for name, one in by_name.items() if name in names]
    course = Course.copied(tmp_path / "course", "en")
    for one in handed_in:
        one.write(tmp_path / "submitted")
        if one.in_nbgrader:
            one.write(course.folder / "submitted")
    by_kernel = in_kernels(handed_in, tmp_path / "kernels")
    assert in_wslab(tmp_path / "submitted", tmp_path / "out") == by_kernel
    judged = [one.name for one in handed_in if one.in_nbgrader]
    assert in_nbgrader(judged, course) == {name: by_kernel[name] for name in judged}
    others = [name for name in by_kernel if name.startswith("another-app")]
    assert others
    assert all(by_kernel[name] == dict.fromkeys(CHECKS, 2.0) for name in others)


def in_wslab(submitted: Path, out: Path) -> dict[str, Points]:
    batch = grade_all(submitted, out, ROOT, grade, lambda: running.local(4), at_once=4)
    found = {}
    for row in batch.rows:
        assert row.result is not None, row.reason
        found[row.student.id] = {verdict.check: float(verdict.points) for verdict in row.result.verdicts}
    return found


def in_kernels(handed_in: Iterable[Honest], folder: Path) -> dict[str, Points]:
    """What the labs' own checks give, where the notebook is run from top to bottom."""
    os.environ["WSLAB_HOME"] = str(folder / "home")
    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(lambda one: (one.name, in_a_kernel(one, folder)), handed_in))


def in_a_kernel(one: Honest, folder: Path) -> Points:
    one.write(folder)
    home = folder / one.name / SOLVED.lab.slug
    notebook = one.notebook
    kernels.client(notebook, home, allow_errors=True).execute()
    earned = dict.fromkeys(CHECKS, 0.0)
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        for name in notebooks.Cell(cell.source).checks:
            check = name.removeprefix(f"{LAB}.")
            if check in earned:
                results = [one for one in cell.outputs if one.output_type == "execute_result"]
                earned[check] = float(results[-1].data["text/plain"]) if results else 0.0
    return earned


def in_nbgrader(students: Iterable[str], course: Course) -> dict[str, Points]:
    slug = SOLVED.lab.slug
    course.run("GenerateAssignment", slug)
    course.run("Autograde", slug)
    return {student: course.points(slug, student) for student in students}
