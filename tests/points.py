"""What nbgrader gives for the cells of a notebook that has run."""

from __future__ import annotations

import pytest
from nbformat import NotebookNode
from tests.outputs import printed, shown


def points_of(cell: NotebookNode) -> tuple[float | None, float]:
    """The points of a graded cell, and what it is worth; the test is skipped where nbgrader isn't installed."""
    utils = pytest.importorskip("nbgrader.utils")
    points: tuple[float | None, float] = utils.determine_grade(cell)
    return points


def graded_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [
        cell for cell in notebook.cells if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
    ]


def earns_nothing(notebook: NotebookNode) -> None:
    """Each check of a lab as it is handed out has run to its end, and shows and gives 0."""
    cells = graded_cells(notebook)
    assert cells
    for cell in cells:
        assert not printed(cell, "stderr")
        assert shown(cell).endswith("\n0")
    assert [points_of(cell) for cell in cells] == [(0, cell.metadata.nbgrader.points) for cell in cells]
