"""The cells that ran in this kernel: which ones, and as what."""

from __future__ import annotations

import hashlib
import re
import sys
import weakref
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


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a cell that has come to its end.

    Attributes:
        count: its number: 7 for `In[7]`.
        source: what ran.
        error: what stopped it; None where nothing did.
        id: the cell's id in its notebook, as the front end says it; "" where it doesn't.
    """

    count: int
    source: str
    error: BaseException | None
    id: str = ""

    @property
    def label(self) -> str:
        """`In[7]`."""
        return f"In[{self.count}]"


_ran: dict[str, RanCell] = {}
_runs: list[Run] = []
_makers: weakref.WeakKeyDictionary[Any, Run] = weakref.WeakKeyDictionary()


def source_digest(source: str) -> str:
    """What tells one source of a cell from another; spaces at the ends of lines do not count."""
    lines = [line.rstrip() for line in source.strip().splitlines()]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()[:12]


def watch_cells() -> None:
    """Note each cell that runs from now on, where there is a kernel; calling it again changes nothing."""
    shell = ipython_shell()
    if shell is not None:
        shell.events.register("pre_run_cell", _note)  # it takes a function once
        shell.events.register("post_run_cell", _note_end)


def _note(info: Any) -> None:
    if not info.silent and info.store_history:
        cell_id = str(info.cell_id or "")
        count = _next_count(ipython_shell())
        # Where the front end names no cells, each run is a cell of its own.
        _ran[cell_id or f"#{count}"] = RanCell(
            cell_id, count, source_digest(info.raw_cell), turn_of(info.raw_cell) is not None
        )


def _next_count(shell: Any) -> int:
    """The number of the run that is about to begin.

    IPython counts on before it tells of a run since 9, and after it before that; what it keeps of a run's source comes
    after both, one entry a run behind an empty one.
    """
    return len(shell.history_manager.input_hist_raw)


def _note_end(result: Any) -> None:
    if result.info is None or result.info.silent or not result.info.store_history:
        return
    error = result.error_before_exec or result.error_in_exec
    run = Run(result.execution_count or 0, result.info.raw_cell, error, str(result.info.cell_id or ""))
    _runs.append(run)
    note_makers(run, ipython_shell().user_ns)


def note_makers(run: Run, names: dict[str, Any]) -> None:
    """A cell has run: what apps there are now and were not before, it has made.

    Args:
        run: the run.
        names: the notebook's names after it.
    """
    for app in apps_of(names).values():
        _makers.setdefault(app, run)


def apps_of(names: dict[str, Any]) -> dict[str, Any]:
    """The FastAPI and Starlette apps among a notebook's names; neither is imported for it."""
    starlette = sys.modules.get("starlette.applications")
    if starlette is None:
        return {}
    return {name: it for name, it in tuple(names.items()) if isinstance(it, starlette.Starlette) and name[0] != "_"}


def makes(name: str, source: str) -> bool:
    """Whether a cell has a line that makes the app of that name, or adds to it."""
    return makes_anew(name, source) or re.search(rf"^\s*@{name}\b", source, re.MULTILINE) is not None


def makes_anew(name: str, source: str) -> bool:
    """Whether a cell has a line that gives that name a value."""
    return re.search(rf"^\s*{name}\s*(:[^=]*)?=(?!=)", source, re.MULTILINE) is not None


def maker_of(app: Any) -> Run | None:
    """The run of a cell after which this app was there for the first time; None where nobody knows."""
    try:
        return _makers.get(app)
    except TypeError:  # what has no weak references is no app of these frameworks
        return None


def last_to_make(name: str) -> Run | None:
    """The latest run of a cell that has a line which makes the app of that name, or adds to it."""
    return next((run for run in reversed(_runs) if makes(name, run.source)), None)


def ran_cells() -> tuple[RanCell, ...]:
    """The last run of each cell, in the order of these runs; the cell that runs now is the last one."""
    return tuple(sorted(_ran.values(), key=lambda cell: cell.count))


def ended_runs() -> tuple[Run, ...]:
    """The last run of each cell that has come to its end, in the order of these runs; also that of the first import."""
    last = {run.id or f"#{run.count}": run for run in _runs}
    return tuple(sorted(last.values(), key=lambda run: run.count))
