"""A unit in a real kernel whose cells can be changed as its “Change it” tasks ask, word for word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbclient import NotebookClient
from nbformat import NotebookNode
from tests import kernels
from tests.outputs import shown
from tests.ports import ports_of

from wslab.authoring.building import notebook

ROOT = Path(__file__).parents[2]


class Unit:
    """A notebook all of whose cells have run; each can be run again, as it is or changed."""

    def __init__(self, client: NotebookClient) -> None:
        self.client = client
        self.shipped = [cell.source for cell in client.nb.cells]

    def _find(self, marker: str) -> int:
        found = [
            index
            for index, cell in enumerate(self.client.nb.cells)
            if cell.cell_type == "code" and marker in self.shipped[index]
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


@contextmanager
def opened(number: str) -> Iterator[Unit]:
    """The English edition of this unit, run from top to bottom except for its last cell, which stops the servers."""
    cells = notebook(ROOT, number, "en")
    # What a cell writes lies beside the notebook, as a learner's files do, where git overlooks it.
    client = kernels.client(cells, ROOT / "notebooks" / "en")
    with ports_of(number), client.setup_kernel():
        for index, cell in enumerate(cells.cells):
            if cell.cell_type == "code" and not cell.source.startswith("stop_all("):
                client.execute_cell(cell, index)
        yield Unit(client)
