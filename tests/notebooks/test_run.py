"""Every notebook runs in a real kernel: top to bottom, with any earlier cell run again, and once more as a whole."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from tests import kernels
from tests.executed import Executed
from tests.outputs import printed, shown
from tests.ports import ports_of

from wslab import proxy
from wslab.authoring.building import notebook
from wslab.language import LANGUAGES
from wslab.notebooks import turn_of
from wslab.predictions.cards import UNEXPECTED_OUTCOME
from wslab.predictions.catalogue import find
from wslab.predictions.question import Choice
from wslab.progress.database import store

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*/*.ipynb"))
SOLUTIONS = sorted(ROOT.glob("solutions/*/*/*.ipynb"))
MAY_RAISE = "raises-exception"
MEASURES = re.compile(r"""^predict\("(.+?)"\)\.outcome\(""", re.MULTILINE)
UNEXPECTED = [UNEXPECTED_OUTCOME.into(language) for language in LANGUAGES]

pytestmark = pytest.mark.notebook


class Run:
    """One notebook in one kernel, cell by cell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notebook: NotebookNode = nbformat.read(path, as_version=4)
        self.solved = False
        self.client = kernels.client(self.notebook, path.parent)

    @property
    def code_cells(self) -> list[int]:
        return [index for index, cell in enumerate(self.notebook.cells) if cell.cell_type == "code"]

    def cell(self, index: int) -> None:
        cell = self.client.execute_cell(self.notebook.cells[index], index)
        errors = printed(cell, "stderr")
        # What a server prints, warns and raises is collected; a traceback on stderr escaped from somewhere.
        if MAY_RAISE not in cell.metadata.get("tags", []):
            assert "Traceback" not in errors, f"cell {index} of {cell.id}: {errors}"
            assert "was never awaited" not in errors, f"cell {index} of {cell.id}: {errors}"
        # To nbgrader a check that says anything there has failed.
        assert not (errors and cell.metadata.get("nbgrader", {}).get("grade")), f"{cell.id}: {errors}"
        # A prediction's card says so when the run measured something that the course does not teach.
        assert not any(words in shown(cell) for words in UNEXPECTED), f"cell {index}: {shown(cell)}"
        if self.solved and turn_of(cell.source) is not None:
            assert "✓" in shown(cell), f"{cell.id}: {shown(cell)}"

    def fill_in(self) -> None:
        """Write the course's own lines into the turns."""
        number = self.notebook.metadata["wslab"]["unit"].partition("-")[0]
        for cell in notebook(ROOT, number, LANGUAGES[0], solved=True).cells:
            if cell.cell_type == "code" and turn_of(cell.source) is not None:
                next(own for own in self.notebook.cells if own.id == cell.id).source = cell.source
        self.solved = True

    def measures_what_it_teaches(self) -> None:
        """Each prediction has an outcome, and of the choices it is the one that the course calls right."""
        outcomes = {f"{row.unit}.{row.name}": row.option for row in store().outcomes()}
        sources = [self.notebook.cells[index].source for index in self.code_cells]
        if proxy._program() is None:
            sources = [source for source in sources if "await through(" not in source]
        assert set(outcomes) == set(MEASURES.findall("\n".join(sources)))
        for key, option in outcomes.items():
            if isinstance(question := find(key), Choice):
                assert [one.id for one in question.options if one.right] == [option], key

    def all(self) -> None:
        for index in self.code_cells:
            self.cell(index)


@contextmanager
def running(path: Path) -> Iterator[Run]:
    one = Run(path)
    if sys.platform == "win32" and path.stem.startswith("12"):
        pytest.skip("there is no Valkey for Windows")
    with ports_of(path.stem.partition("-")[0]), one.client.setup_kernel():
        yield one


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    with running(request.param) as one:
        yield one


def named(path: Path) -> str:
    return f"{path.parents[1].name if path.stem == path.parent.name else path.parent.name}-{path.stem}"


# The code is the same in every edition: the first one is run in JupyterLab (tests/browser/test_course.py), the second
# one here. Solutions, and on other Pythons the notebooks, take turns.
SECOND = [path for path in NOTEBOOKS if path.parent.name == LANGUAGES[1]]
STUBS = sorted(ROOT.glob(f"labs/{LANGUAGES[1]}/*/*.ipynb"))


def in_turn(path: Path, language: str) -> bool:
    """Whether it is this edition's turn: each unit runs in one of them."""
    number = int(re.sub(r"\D", "", path.stem.partition("-")[0]))
    return language == LANGUAGES[number % len(LANGUAGES)]


IN_TURN = [path for path in NOTEBOOKS if in_turn(path, path.parent.name)]


def once(path: Path) -> object:
    """A solution; those whose turn it isn't are run by `make proof`."""
    return pytest.param(path, marks=() if in_turn(path, path.parents[1].name) else pytest.mark.proof)


def test_there_is_something_to_run() -> None:
    assert SECOND
    assert len(NOTEBOOKS) == len(SECOND) * len(LANGUAGES)


@pytest.mark.parametrize("run", SECOND, ids=named, indirect=True)
def test_again_and_out_of_order(run: Run, executed: Executed) -> None:
    run.all()
    run.measures_what_it_teaches()
    executed.keep(run.path, run.notebook)
    again = random.Random(2011).sample(run.code_cells, min(6, len(run.code_cells)))
    for index in sorted(again, reverse=True):
        run.cell(index)
    run.fill_in()
    run.all()


@pytest.mark.proof
@pytest.mark.parametrize("run", SECOND, ids=named, indirect=True)
def test_each_cell_once_more_from_the_last_to_the_first(run: Run) -> None:
    run.all()
    for index in reversed(run.code_cells):
        run.cell(index)


@pytest.mark.elsewhere
@pytest.mark.parametrize("run", IN_TURN, ids=named, indirect=True)
def test_top_to_bottom(run: Run) -> None:
    run.all()


@pytest.mark.parametrize("run", STUBS, ids=named, indirect=True)
def test_a_lab_as_it_is_handed_out_runs_top_to_bottom(run: Run, executed: Executed) -> None:
    run.all()
    executed.keep(run.path, run.notebook)


@pytest.mark.parametrize("run", [once(path) for path in SOLUTIONS], ids=named, indirect=True)
def test_a_solution_runs_top_to_bottom(run: Run) -> None:
    run.all()
