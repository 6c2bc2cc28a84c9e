"""Notebooks, labs and solutions run in a real kernel; what is changed in a notebook is in `test_change_it_NN.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.executed import Executed
from tests.notebooks.in_a_kernel import IN_KERNELS, ROOT, Run, running
from tests.points import earns_nothing

from wslab.language import LANGUAGES

NOTEBOOKS = sorted(ROOT.glob("notebooks/*/*.ipynb"))
SOLUTIONS = sorted(ROOT.glob("solutions/*/*/*.ipynb"))

pytestmark = pytest.mark.notebook


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    with running(request.param) as one:
        yield one


def named(path: Path) -> str:
    return f"{path.parents[1].name if path.stem == path.parent.name else path.parent.name}-{path.stem}"


# Solutions, and on other Pythons the notebooks, take turns.
OURS = [path for path in NOTEBOOKS if path.parent.name == IN_KERNELS]
STUBS = sorted(ROOT.glob(f"labs/{IN_KERNELS}/*/*.ipynb"))


def in_turn(path: Path, language: str) -> bool:
    """Whether it is this edition's turn: each unit runs in one of them."""
    number = int(re.sub(r"\D", "", path.stem.partition("-")[0]))
    return language == LANGUAGES[number % len(LANGUAGES)]


IN_TURN = [path for path in NOTEBOOKS if in_turn(path, path.parent.name)]


def once(path: Path) -> object:
    """A solution; those whose turn it isn't are run by `make proof`."""
    return pytest.param(path, marks=() if in_turn(path, path.parents[1].name) else pytest.mark.proof)


def test_there_is_something_to_run() -> None:
    assert len(NOTEBOOKS) == len(OURS) * len(LANGUAGES)
    # Each is run and changed in a kernel by its own module.
    units = [path.stem[-2:] for path in sorted(Path(__file__).parent.glob("test_change_it_*.py"))]
    assert units == [path.stem[:2] for path in OURS]


@pytest.mark.proof
@pytest.mark.parametrize("run", OURS, ids=named, indirect=True)
def test_each_cell_once_more_from_the_last_to_the_first(run: Run) -> None:
    run.all()
    for index in reversed(run.code_cells):
        run.cell(index)


@pytest.mark.elsewhere
@pytest.mark.parametrize("run", IN_TURN, ids=named, indirect=True)
def test_top_to_bottom(run: Run) -> None:
    run.all()


@pytest.mark.parametrize("run", STUBS, ids=named, indirect=True)
def test_a_lab_as_it_is_handed_out_runs_top_to_bottom_and_earns_nothing(run: Run, executed: Executed) -> None:
    run.all()
    executed.keep(run.path, run.notebook)
    earns_nothing(run.notebook)


@pytest.mark.parametrize("run", [once(path) for path in SOLUTIONS], ids=named, indirect=True)
def test_a_solution_runs_top_to_bottom(run: Run) -> None:
    run.all()
