"""A unit in a real kernel whose cells can be changed as its “Change it” tasks ask, word for word."""

from __future__ import annotations

import random

from nbformat import NotebookNode
from tests.notebooks.in_a_kernel import Run
from tests.outputs import shown


class Unit:
    """A notebook whose cells have run, but for what stops its servers; each can be run again."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.client = run.client
        self.shipped = [cell.source for cell in run.notebook.cells]

    def _find(self, marker: str) -> int:
        found = [
            index
            for index, source in enumerate(self.shipped)
            if self.client.nb.cells[index].cell_type == "code" and marker in source
        ]
        assert len(found) == 1, f"{marker!r} stands in {len(found)} code cells"
        return found[0]

    def run(self, marker: str, *changes: tuple[str, str]) -> str:
        """Run the one cell whose shipped code holds `marker`, with each (old, new) replaced; what it shows as text.

        The change stays until the cell is run through here again: that restores the shipped code first.
        """
        index = self._find(marker)
        cell: NotebookNode = self.client.nb.cells[index]
        cell.source = self.shipped[index]
        for old, new in changes:
            assert cell.source.count(old) == 1, f"{old!r} stands {cell.source.count(old)} times in the cell"
            cell.source = cell.source.replace(old, new)
        self.client.execute_cell(cell, index)
        return shown(cell)

    def again(self) -> None:
        """As it was shipped: six cells out of order when its servers have stopped, then the whole with its turns."""
        del self._run.notebook.cells[len(self.shipped) :]
        for cell, source in zip(self._run.notebook.cells, self.shipped, strict=True):
            cell.source = source
        some = random.Random(2011).sample(self._run.code_cells, min(6, len(self._run.code_cells)))
        for index in [*self._run.stopping_cells, *sorted(some, reverse=True)]:
            self._run.cell(index)
        self._run.fill_in()
        self._run.all()


def again_and_out_of_order(unit: Unit) -> None:
    """The last test of each unit: whatever was run and changed before, the notebook runs."""
    unit.again()
