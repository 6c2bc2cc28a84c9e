"""What a class predicted, from the progress files that were handed in; each of them is a stranger's file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_BIGGEST = 32 << 20
_MOST_ROWS = 5_000
_STEPS = 100_000
_PATIENCE = 200  # times that many steps of SQLite's machine

_ANSWERS = (
    "SELECT a.unit, a.name, a.answer, o.verdict FROM answers a LEFT JOIN outcomes o ON o.answer = a.id "
    "WHERE NOT a.skipped AND NOT a.late ORDER BY a.answered_at, a.rowid, o.measured_at, o.rowid"
)


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


def predictions(files: Iterable[bytes]) -> tuple[Predicted, ...]:
    """What the progress files say, together; what can't be read is passed over.

    Args:
        files: the bytes of each student's `progress.sqlite`.
    """
    made: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    wrong: dict[tuple[str, str], Counter[str]] = {}
    for data in files:
        for key, (answer, verdict) in _counted(data).items():
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


def _counted(data: bytes) -> Mapping[tuple[str, str], tuple[str, str]]:
    """For each prediction the first answer that counts, and what the run said of it."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    if len(data) > _BIGGEST or not hasattr(sqlite3.Connection, "deserialize"):
        return found
    left = [_PATIENCE]

    def stop() -> int:
        left[0] -= 1
        return left[0] < 0

    broken = contextlib.suppress(sqlite3.Error, ValueError, OverflowError, MemoryError)
    with broken, contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(data)
        # A file can hold views and triggers that run for ever in the place of tables.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        connection.set_progress_handler(stop, _STEPS)
        kinds = dict(connection.execute("SELECT name, type FROM sqlite_master LIMIT 200").fetchall())
        if kinds.get("answers") != "table" or kinds.get("outcomes") != "table":
            return found
        for unit, name, answer, verdict in connection.execute(_ANSWERS).fetchmany(_MOST_ROWS):
            if all(isinstance(value, str) for value in (unit, name, answer)):
                key = (unit[:20], name[:60])
                decided = verdict if verdict in ("right", "wrong") else ""
                if key not in found or (not found[key][1] and found[key][0] == answer[:90]):
                    found[key] = (answer[:90], decided)
    return found
