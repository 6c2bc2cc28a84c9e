"""Whether the cells that ran are the course's: a measurement of something else answers no prediction."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

from wslab.cells import RanCell, ran_cells

FILE = Path(__file__).parent / "cells.json"
"""For each unit the digest of each code cell, by the cell's id; `wslab build` writes it."""


@functools.cache
def _shipped(path: Path) -> Mapping[str, Mapping[str, str]]:
    try:
        found: Mapping[str, Mapping[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def changed_cells(unit: str) -> tuple[RanCell, ...]:
    """The cells whose last run was not what the unit has: changed ones, and a learner's own.

    Args:
        unit: its number.

    Returns:
        In the order of their runs; none where no cells are noted, or where the unit's are not known.
    """
    shipped = _shipped(FILE).get(unit)
    if not shipped:
        return ()
    known = {digest for digests in shipped.values() for digest in digests.split()}
    # A turn is there to be written in, and has names of its own: it changes nothing that a prediction measures.
    return tuple(cell for cell in ran_cells() if cell.digest not in known and not cell.turn)


def untouched(unit: str) -> bool:
    """Whether the cell that runs now is as the unit has it.

    Args:
        unit: its number.
    """
    ran = ran_cells()
    return bool(ran) and any(ran[-1].digest in digests.split() for digests in _shipped(FILE).get(unit, {}).values())
