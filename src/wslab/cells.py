"""The cells that ran in this kernel: which ones, and as what."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from wslab.notebooks import turn_of
from wslab.source import ipython_shell


@dataclass(frozen=True, slots=True)
class RanCell:
    """A cell's last run.

    Attributes:
        id: the cell's id in its notebook, as the front end says it; "" where it doesn't.
        count: the number of the run: 7 for `In[7]`.
        digest: of its source, from `source_digest()`.
        turn: whether it is a turn, in which the learner is to write.
    """

    id: str
    count: int
    digest: str
    turn: bool = False

    @property
    def label(self) -> str:
        """`In[7]`."""
        return f"In[{self.count}]"


_ran: dict[str, RanCell] = {}
_watched: Any = None


def source_digest(source: str) -> str:
    """What tells one source of a cell from another; spaces at the ends of lines do not count."""
    lines = [line.rstrip() for line in source.strip().splitlines()]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()[:12]


def watch_cells() -> None:
    """Note each cell that runs from now on, where there is a kernel; calling it again changes nothing."""
    global _watched
    shell = ipython_shell()
    if shell is not None and shell is not _watched:
        shell.events.register("pre_run_cell", _note)
        _watched = shell


def _note(info: Any) -> None:
    if not info.silent and info.store_history:
        cell_id = str(info.cell_id or "")
        count = ipython_shell().execution_count
        # Where the front end names no cells, each run is a cell of its own.
        _ran[cell_id or f"#{count}"] = RanCell(
            cell_id, count, source_digest(info.raw_cell), turn_of(info.raw_cell) is not None
        )


def ran_cells() -> tuple[RanCell, ...]:
    """The last run of each cell, in the order of these runs; the cell that runs now is the last one."""
    return tuple(sorted(_ran.values(), key=lambda cell: cell.count))
