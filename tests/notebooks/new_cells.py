"""A new cell in the kernel of a unit, as some “Change it” tasks ask for."""

from __future__ import annotations

import nbformat
from tests.notebooks.changing import Unit
from tests.outputs import shown


def write(unit: Unit, code: str) -> str:
    """Run a new cell with this code below the others; what it shows, as text."""
    cell = nbformat.v4.new_code_cell(code)
    unit.client.nb.cells.append(cell)
    unit.client.execute_cell(cell, len(unit.client.nb.cells) - 1)
    return shown(cell)
