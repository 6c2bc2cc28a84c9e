"""A notebook in a kernel of its own, and what has to hold of each cell that runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from tests import kernels
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
# The code is the same in every edition: one runs in kernels, one in JupyterLab (tests/browser/test_course.py).
IN_KERNELS, IN_JUPYTERLAB = LANGUAGES[:2]
MAY_RAISE = "raises-exception"
MEASURES = re.compile(r"""^predict\("(.+?)"\)\.outcome\(""", re.MULTILINE)
UNEXPECTED = [UNEXPECTED_OUTCOME.into(language) for language in LANGUAGES]


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

    @property
    def stopping_cells(self) -> list[int]:
        """Those that stop every server of the notebook."""
        return [index for index in self.code_cells if self.notebook.cells[index].source.startswith("stop_all(")]

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
    """A kernel with nothing run in it yet."""
    one = Run(path)
    if sys.platform == "win32" and path.stem.startswith("12"):
        pytest.skip("there is no Valkey for Windows")
    with ports_of(path.stem.partition("-")[0]), one.client.setup_kernel():
        yield one
