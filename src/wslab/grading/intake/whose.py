"""Whose work a file is, by the names that folders and files have on the way to it."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from wslab.labs.catalogue import labs
from wslab.language import Text

_MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(file|onlinetext)(_.*)?", re.DOTALL)
_CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<id>\d{2,})_\d{2,}_(?P<file>.+)", re.IGNORECASE | re.DOTALL)
NOBODY = Text(en="(whose?)", tr="(kimin?)")
"""Stands for the name where nobody knows whose something is."""

_WRAPPERS = {"submitted", "submissions"}


@dataclass(frozen=True, slots=True, order=True)
class Student:
    """Who handed something in.

    Attributes:
        id: what gradebooks know them by; what tells them apart.
        last_name, first_name: as far as an export says them.
        late: whether Canvas says that it came late.
    """

    id: str
    last_name: str = ""
    first_name: str = ""
    late: bool = False

    @property
    def name(self) -> str:
        """What to call them on a page."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.id


@functools.cache
def _lab_in_a_name() -> re.Pattern[str]:
    """`L1-echo` or `L1` as a word of its own; what follows may be somebody's name."""
    names = "|".join(re.escape(lab.slug) for lab in labs().values())
    return re.compile(rf"(?<![a-z0-9])({names}|L\d+)(?![a-z0-9])", re.IGNORECASE)


def is_a_lab(name: str) -> bool:
    """Whether a folder's name is that of a lab: `L1`, `L1-echo`."""
    return _lab_in_a_name().fullmatch(name) is not None


def comes_from_an_export(name: str) -> bool:
    """Whether a file or folder is named as Moodle or Canvas name them in an export."""
    return _MOODLE.fullmatch(name) is not None or _canvas(name) is not None


def _canvas(name: str) -> re.Match[str] | None:
    found = _CANVAS.fullmatch(name)
    return None if found is None or is_a_lab(found["name"]) else found


def whose(folders: Sequence[str], name: str) -> Student | None:
    """The student; None where nothing says who it is.

    Moodle exports `Full Name_123456_assignsubmission_file_/L1-echo.ipynb` (or all in the file's name), Canvas
    `lastfirst_LATE_12345_67890_L1-echo-1.ipynb`. Elsewhere it is the first folder that is neither a lab nor
    `submitted`, as nbgrader has it; else what a file's name says beside the lab's: `ayse-L1-echo.ipynb`.

    Args:
        folders: from the outermost one.
        name: the file's.
    """
    for part in (*folders, name):
        if (moodle := _MOODLE.fullmatch(part)) is not None:
            first, _, last = moodle["name"].strip().rpartition(" ")
            return Student(moodle["id"], last, first)
    for part in (*folders, name):
        if (canvas := _canvas(part)) is not None:
            return Student(canvas["id"], canvas["name"], late=bool(canvas["late"]))
    for place, folder in enumerate(folders):
        if not is_a_lab(folder) and not (place == 0 and folder.lower() in _WRAPPERS) and folder.strip():
            return Student(folder.strip())
    left = _lab_in_a_name().sub("", name.rpartition(".")[0]).strip(" _-.")
    return Student(left) if left else None


def own_name(name: str) -> str:
    """What a student called a file, without what Moodle or Canvas add to the name in an export: `chat.py`.

    Args:
        name: the file's name in the export.
    """
    moodle, canvas = _MOODLE.fullmatch(name), _canvas(name)
    if moodle is not None:
        return (moodle[4] or name).removeprefix("_")
    return name if canvas is None else re.sub(r"-\d+(?=\.\w+$)", "", canvas["file"])


def lab_in(name: str) -> str:
    """The number of the lab that a file's name speaks of, `"L1"`; empty for none."""
    found = _lab_in_a_name().search(name)
    return found[0].partition("-")[0].upper() if found else ""
