"""The checkout is a course of nbgrader: it releases the same labs, and gives each submission its points."""

from __future__ import annotations

import copy
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from tests import kernels
from tests.grading.corpus import ROOT, Sample, corpus, graded_cells, sample, server_cell
from tests.grading.nbgrader_course import Course

from wslab.labs import catalogue, notebooks
from wslab.labs.lab import Lab
from wslab.language import LANGUAGES

pytest.importorskip("nbgrader")
from nbgrader.utils import determine_grade

from wslab.grading import nbgrader_course

LABS = catalogue.labs()
EVERY_WARNING = "default"
"""For `PYTHONWARNINGS`: what a check lets through to stderr costs the learner its points."""

nbgraders_own_warnings = pytest.mark.filterwarnings(
    "ignore:Object of type .* not in session",  # about its gradebook
    "ignore:Cell is missing an id field",  # it puts a deleted check back without one
)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Course]:
    """Makes a course that releases a language; this process's environment is as it was afterwards."""
    monkeypatch.setenv("PATH", os.environ["PATH"])

    def make(language: str) -> Course:
        monkeypatch.setenv(nbgrader_course.LANGUAGE, language)
        return Course.copied(tmp_path / "course", language)

    return make


@pytest.fixture(autouse=True)
def _left_as_it_was() -> Iterator[None]:
    yield
    nbgrader_course.leave_that_home()


# The configuration


def test_the_first_language_is_released_unless_another_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(ROOT, LANGUAGES[0])
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.delenv(nbgrader_course.LANGUAGE, raising=False)
    for value, language in (("", "en"), ("tr", "tr")):
        monkeypatch.setenv(nbgrader_course.LANGUAGE, value)
        folders = course.config.CourseDirectory
        assert (ROOT / folders.source_directory).is_dir()
        assert (folders.source_directory, folders.release_directory) == (f"solutions/{language}", f"labs/{language}")


def test_an_edition_that_there_is_not_ends_nbgrader_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(nbgrader_course.LANGUAGE, "de")
    with pytest.raises(SystemExit, match=r"WSLAB_LANGUAGE is 'de'.*one of en, tr"):
        _ = Course(ROOT, "de").config


def test_alembic_is_found_where_the_environment_is_not_active(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "nowhere")
    assert shutil.which("alembic") is None
    _ = Course(ROOT, "en").config
    assert Path(shutil.which("alembic") or "").parent == Path(sys.executable).parent


def test_what_nbgrader_writes_here_is_not_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {"/gradebook.db*", "/submitted/", "/autograded/", "/feedback/", "/grades.csv"} <= set(ignored)


def test_a_submissions_attempts_are_kept_apart_from_the_instructors_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSLAB_HOME", "mine")
    homes = []
    for _ in range(2):
        nbgrader_course.in_a_home_of_its_own(assignment="L1-echo", student="*", notebooks=[])
        homes.append(Path(os.environ["WSLAB_HOME"]))
    assert [home.is_dir() for home in homes] == [False, True]
    nbgrader_course.leave_that_home(assignment="L1-echo", student="*", notebooks=[])
    nbgrader_course.leave_that_home()
    assert os.environ["WSLAB_HOME"] == "mine"
    assert not homes[1].exists()
    monkeypatch.delenv("WSLAB_HOME")
    nbgrader_course.in_a_home_of_its_own()
    nbgrader_course.leave_that_home()
    assert "WSLAB_HOME" not in os.environ


# What is released


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_generate_assignment_gives_the_labs_to_the_byte(made: Callable[[str], Course], language: str) -> None:
    course = made(language)
    for lab in LABS.values():
        course.run("GenerateAssignment", lab.slug, GenerateAssignment__no_database=True, SaveCells__enabled=False)
        assert notebooks.path_of(course.folder, lab, "labs", language).read_bytes() == (
            notebooks.path_of(ROOT, lab, "labs", language).read_bytes()
        )


# What is given for it


UNANSWERED = {("right_table_of_endings", "tr")}


@pytest.mark.slow
@nbgraders_own_warnings
@pytest.mark.parametrize(
    ("language", "samples"),
    [
        ("en", [sample("L1", "solution"), sample("L1", "counts_before_accept", "tr")]),
        pytest.param(
            "tr",
            [sample("L3", "right_table_of_endings", "tr"), sample("L3", "http_exception", "en")],
            marks=pytest.mark.proof,
        ),
    ],
    ids=LANGUAGES,
)
def test_autograde_gives_each_its_points(
    made: Callable[[str], Course], monkeypatch: pytest.MonkeyPatch, language: str, samples: list[Sample]
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", EVERY_WARNING)
    course, lab = made(language), samples[0].lab
    course.run("GenerateAssignment", lab.slug)
    mishandled(*(one.write(course.folder / "submitted") for one in samples))
    course.run("Autograde", lab.slug)
    for one in samples:
        assert course.grades(one)[0] == one.points
    # An answer waits for somebody to read it, and so does the other edition's "…", which this gradebook does not know.
    waiting = [set[str]() if (one.name, one.language) in UNANSWERED else {"reflection"} for one in samples]
    assert [course.grades(one)[1] for one in samples] == waiting
    course.run("GenerateFeedback", lab.slug)
    export(course)
    assert {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in course.exported()} == {
        one.student: (one.score, lab.points) for one in samples
    }
    page = (course.folder / "feedback" / samples[1].student / lab.slug / f"{lab.slug}.html").read_text("utf-8")
    assert "wslab-check" in page
    assert f"{samples[1].score:g} / {lab.points:g}" in page.replace(".0", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("one", "least"),
    [
        (sample("L5", "right_on_event"), "ticks"),
        pytest.param(sample("L6", "to_thread_not_awaited", "tr"), "flood", marks=pytest.mark.proof),
    ],
    ids=lambda value: value.student if isinstance(value, Sample) else value,
)
def test_no_warning_of_the_learners_own_code_reaches_a_check(
    one: Sample, least: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", EVERY_WARNING)
    notebook = executed(one.notebook, tmp_path)
    loud = server_cell(notebook)
    if one.name == "right_on_event":
        assert "DeprecationWarning" in "".join(words_on_stderr(loud))  # so it is loud enough to be heard
    for name, cell in graded_cells(notebook):
        assert not words_on_stderr(cell), name
        assert determine_grade(cell) == (one.points[name], one.lab.check(name).points), name
    assert one.points[least]


def executed(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run a notebook as nbgrader does, but for the cell that runs all checks once more."""
    notebook.cells = [cell for cell in notebook.cells if cell.id != "check-all"]
    kernels.client(notebook, folder, allow_errors=True).execute()
    return notebook


def words_on_stderr(cell: NotebookNode) -> list[str]:
    return [output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stderr"]


def mishandled(first: Path, *_: Path) -> None:
    """Delete a check from the first submission, and split the cell of its server in two: it costs no point."""
    notebook = nbformat.read(first, as_version=4)
    notebook.cells.remove(next(cell for name, cell in graded_cells(notebook) if name in ("order", "bye")))
    upper = server_cell(notebook)
    lower = copy.deepcopy(upper)
    lower.id = "lower-half"
    above, marker, below = upper.source.rpartition("\n\n\n@app.")
    upper.source, lower.source = above, (marker + below).strip()
    notebook.cells.insert(notebook.cells.index(upper) + 1, lower)
    nbformat.write(notebook, first)


def export(course: Course) -> None:
    from nbgrader.api import Gradebook
    from nbgrader.plugins import CsvExportPlugin

    with Gradebook(f"sqlite:///{course.folder / 'gradebook.db'}", "wslab") as gradebook:
        plugin = CsvExportPlugin(config=course.config)
        plugin.to = str(course.folder / "grades.csv")
        plugin.export(gradebook)


# Everything, as an instructor types it


@pytest.mark.proof
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
def test_every_command_works_on_every_lab(lab: Lab, language: str, tmp_path: Path) -> None:
    course = Course.copied(tmp_path / "course", language)
    course.done("generate_assignment", lab.slug)
    for folder, says in (("labs", "VALIDATION FAILED"), ("solutions", "Success! Your notebook passes all the tests.")):
        path = notebooks.path_of(course.folder, lab, folder, language)
        assert says in course.done("validate", str(path.relative_to(course.folder)), PYTHONWARNINGS=EVERY_WARNING)
    assert notebooks.path_of(course.folder, lab, "labs", language).read_bytes() == (
        notebooks.path_of(ROOT, lab, "labs", language).read_bytes()
    )
    handed_in = [one for one in corpus(lab.number) if one.language == language]
    for one in handed_in:
        one.write(course.folder / "submitted")
    course.done("autograde", lab.slug, PYTHONWARNINGS=EVERY_WARNING)
    assert {one.name: course.grades(one)[0] for one in handed_in} == {one.name: one.points for one in handed_in}
    course.done("generate_feedback", lab.slug)
    course.done("export")
    assert {row["student_id"]: float(row["score"]) for row in course.exported()} == {
        one.student: one.score for one in handed_in
    }
    assert not list(course.folder.rglob(".wslab"))
    assert len(list(course.folder.glob("feedback/*/*/*.html"))) == len(handed_in)
