"""What progress files that were handed in say: predictions, attempts, hints. Each of them is a stranger's file."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from wslab.progress import foreign

_ANSWERS = (
    "SELECT a.unit, a.name, a.answer, o.verdict FROM answers a LEFT JOIN outcomes o ON o.answer = a.id "
    "WHERE NOT a.skipped AND NOT a.late ORDER BY a.answered_at, a.rowid, o.measured_at, o.rowid"
)
_ATTEMPTS = "SELECT lab, count(*) FROM attempts GROUP BY lab"
_HINTS = 'SELECT lab, count(DISTINCT "check" || rung) FROM hints GROUP BY lab'


@dataclass(frozen=True, slots=True)
class Predicted:
    """One prediction, over the class.

    Attributes:
        unit: the unit's number: `"05"`.
        name: its name in the unit.
        made: how many students answered before they saw the outcome.
        right: how many of these the run confirmed.
        wrong: the wrong answers and how many gave each, the most frequent first.
    """

    unit: str
    name: str
    made: int
    right: int
    wrong: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What one file says.

    Attributes:
        predictions: for each prediction, by unit and name, the first answer that counts and what the run said of it.
        attempts: how often a check of each lab was run.
        hints: how many hints of each lab were opened.
    """

    predictions: dict[tuple[str, str], tuple[str, str]]
    attempts: dict[str, int]
    hints: dict[str, int]

    @property
    def right(self) -> int:
        """How many predictions the run confirmed."""
        return sum(verdict == "right" for _, verdict in self.predictions.values())


def predictions(files: Iterable[Told]) -> tuple[Predicted, ...]:
    """What the files say of predictions, together."""
    made: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    wrong: dict[tuple[str, str], Counter[str]] = {}
    for told in files:
        for key, (answer, verdict) in told.predictions.items():
            made[key] += 1
            right[key] += verdict == "right"
            if verdict == "wrong":
                wrong.setdefault(key, Counter())[answer] += 1
    return tuple(
        Predicted(
            unit, name, made[unit, name], right[unit, name], tuple(wrong.get((unit, name), Counter()).most_common())
        )
        for unit, name in sorted(made)
    )


def read(data: bytes) -> Told:
    """What a file says; nothing where it can't be read.

    Args:
        data: the bytes of a student's `progress.sqlite`.
    """
    told = Told({}, {}, {})
    with contextlib.suppress(*foreign.BROKEN), foreign.opened(data) as tables:
        _fill(told, tables)
    return told


def _fill(told: Told, tables: foreign.Tables) -> None:
    found = told.predictions
    for unit, name, answer, verdict in tables.rows(_ANSWERS, "answers", "outcomes"):
        if all(isinstance(value, str) for value in (unit, name, answer)):
            key = (unit[:20], name[:60])
            decided = verdict if verdict in ("right", "wrong") else ""
            if key not in found or (not found[key][1] and found[key][0] == answer[:90]):
                found[key] = (answer[:90], decided)
    for counts, query, table in ((told.attempts, _ATTEMPTS, "attempts"), (told.hints, _HINTS, "hints")):
        counts |= {lab[:20]: int(count) for lab, count in tables.rows(query, table) if isinstance(lab, str)}
