"""The digests of the course's code cells, by which a prediction knows that a cell was changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbformat import NotebookNode

from wslab.cells import source_digest

PATH = "src/wslab/predictions/cells.json"


def shipped_cells(editions: Iterable[tuple[str, NotebookNode]]) -> bytes:
    """The file's content.

    Args:
        editions: every built notebook of the course, with its path from the root.
    """
    units: dict[str, dict[str, set[str]]] = {}
    for where, notebook in editions:
        folder, _, name = where.partition("/")
        if folder == "notebooks":
            number = Path(name).name.partition("-")[0]
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    digests = units.setdefault(number, {}).setdefault(cell.id, set())
                    digests.add(source_digest(cell.source))
    told: Mapping[str, Mapping[str, str]] = {
        number: {cell: " ".join(sorted(digests)) for cell, digests in cells.items()} for number, cells in units.items()
    }
    return (json.dumps(told, indent=1, sort_keys=True) + "\n").encode()
