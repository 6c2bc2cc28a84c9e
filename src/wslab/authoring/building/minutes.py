"""How long a notebook takes somebody who does it alone for the first time, counted from its source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wslab.authoring.building.unit import Cell, Unit
from wslab.language import LANGUAGES, Text
from wslab.notebooks import turn_of

WORDS_A_MINUTE = 200
PREDICTION = 1.0
"""Minutes for a question: reading it, choosing, and reading what the outcome teaches."""
IN_CLASS = 2
"""Minutes that a question takes longer in class than alone."""
TURN = 3.0
"""Minutes for a cell in which the learner writes, with what its card says."""
CHANGE = 1.0
"""Minutes for a task to change a cell and run it again."""
CELL = 0.25
"""Minutes for any other code cell: running it and looking at what it shows."""
TOLERANCE = 0.2
"""By which part the front matter may differ from what was counted."""

OPTIONAL = Text(en="Optional", tr="İsteğe bağlı")
"""How the heading of a section begins that a learner may skip; it is counted apart."""

_CHANGE = Text(en="**Change it:**", tr="**Değiştirin:**")
_HEADING = re.compile(r"^(#{1,6}) +(.*)", re.MULTILINE)
_UNREAD = re.compile(r"<[^>]+>|!?\[|\]\([^)]*\)|[`*_>#|]")
_QUESTION = re.compile(r'predict\(\s*"[^"]+"\s*\)(?!\s*\.)')


@dataclass(frozen=True, slots=True)
class Counted:
    """What a learner reads and does in a part of a notebook, in one language.

    Attributes:
        words: the words of its prose.
        predictions: its questions.
        turns: the cells in which the learner writes.
        changes: the tasks to change a cell.
        cells: the other code cells.
    """

    words: int
    predictions: int
    turns: int
    changes: int
    cells: int

    @property
    def minutes(self) -> float:
        """How long that takes."""
        doing = PREDICTION * self.predictions + TURN * self.turns + CHANGE * self.changes + CELL * self.cells
        return self.words / WORDS_A_MINUTE + doing

    @property
    def rounded(self) -> int:
        """The same in steps of five minutes, at least five where there is anything."""
        return max(5, 5 * round(self.minutes / 5)) if self.minutes else 0

    def __str__(self) -> str:
        return (
            f"{self.words} words, {self.predictions} predictions, {self.turns} turns, {self.changes} changes, "
            f"{self.cells} other code cells: {self.minutes:.1f} minutes"
        )


def counted(unit: Unit, *, optional: bool = False) -> Counted:
    """What a notebook asks of a learner, in the language in which that takes longest.

    Args:
        unit: the notebook.
        optional: count the sections that are marked as optional, and not the rest.
    """
    return max((_counted(unit, language, optional) for language in LANGUAGES), key=lambda one: one.minutes)


def disagreement(unit: Unit) -> str:
    """What to say where the front matter of a notebook is too far from what was counted; empty where it isn't."""
    if unit.kind != "notebook":
        return ""
    found = counted(unit)
    if unit.minutes == found.rounded or abs(unit.minutes - found.minutes) <= TOLERANCE * found.minutes:
        return ""
    return f"minutes says {unit.minutes}, and it takes a beginner about {found.rounded} ({found})"


def in_class(unit: Unit) -> int:
    """How long a whole unit takes in class: each question takes two minutes more, for the hands and a reason or two."""
    return unit.minutes + (IN_CLASS * counted(unit).predictions if unit.kind == "notebook" else 0)


def _counted(unit: Unit, language: str, optional: bool) -> Counted:
    cells = [cell for cell, skipped in _marked(unit.cells, language) if skipped is optional]
    prose = [cell.text.into(language) for cell in cells if cell.kind == "markdown"]
    if not optional:
        prose += [unit.title.into(language), *(text.into(language) for text in (*unit.objectives, *unit.key_points))]
    code = [cell.text.into(language) for cell in cells if cell.kind == "code"]
    predictions = sum(_QUESTION.search(text) is not None for text in code)
    turns = sum(turn_of(text) is not None for text in code)
    changes = sum(text.count(_CHANGE.into(language)) for text in prose)
    return Counted(sum(map(_words, prose)), predictions, turns, changes, len(code) - predictions - turns)


def _marked(cells: Iterable[Cell], language: str) -> Iterator[tuple[Cell, bool]]:
    """Each cell that learners have, and whether it stands in an optional section."""
    level = 0  # of the optional section's heading; 0 outside of one
    for cell in cells:
        if cell.instructor:
            continue
        heading = _HEADING.search(cell.text.into(language)) if cell.kind == "markdown" else None
        if heading is not None and (not level or len(heading[1]) <= level):
            level = len(heading[1]) if heading[2].startswith(OPTIONAL.into(language)) else 0
        yield cell, level > 0


def _words(markdown: str) -> int:
    return sum(any(map(str.isalnum, word)) for word in _UNREAD.sub(" ", markdown).split())
