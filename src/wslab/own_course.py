"""An instructor's own labs and questions: a folder beside the course, which `WSLAB_COURSE` or `--course` names.

    checks/l7_mine.py       a lab's checks: a module with `LAB`, as in `wslab.labs`
    texts/L7.yml            what it says
    predictions/50.yml      questions, of a unit of one's own or of one of the course's
    solutions/tr/L7-mine/L7-mine.ipynb    the lab, solved, with nbgrader's marks
    corpus/L7/*.py          programs known to be right or wrong, for `wslab check`

A text may stand in one language alone. The modules are the instructor's own code: they run like any program of theirs.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "WSLAB_COURSE"


def folder() -> Path | None:
    """The folder; None where none is named, or it isn't there."""
    said = os.environ.get(VARIABLE, "").strip()
    if not said:
        return None
    path = Path(said).expanduser().absolute()
    return path if path.is_dir() else None


def find(*parts: str) -> Path | None:
    """A file of it; None where it isn't there.

    Args:
        parts: its path in the folder.
    """
    own = folder()
    path = None if own is None else own.joinpath(*parts)
    return path if path is not None and path.is_file() else None


def files(pattern: str) -> tuple[Path, ...]:
    """Its files by a pattern, in order: `"texts/*.yml"`."""
    own = folder()
    return () if own is None else tuple(sorted(path for path in own.glob(pattern) if path.is_file()))
