"""A progress file of somebody else's, which may be anything: read from its bytes, within bounds, and never written."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

BIGGEST = 32 << 20
"""Bytes that such a file may have."""

BROKEN = (sqlite3.Error, ValueError, OverflowError, MemoryError)
"""What reading it may raise."""

_MOST_ROWS = 5_000
_STEPS = 100_000
_PATIENCE = 200  # times that many steps of SQLite's machine


class Tables:
    """The tables of a file; a view or a trigger in the place of one could run for ever."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._left = _PATIENCE
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        connection.set_progress_handler(self._stop, _STEPS)
        self._kinds = dict(connection.execute("SELECT name, type FROM sqlite_master LIMIT 200").fetchall())

    def _stop(self) -> int:
        self._left -= 1
        return self._left < 0

    def rows(self, query: str, *tables: str) -> list[tuple[Any, ...]]:
        """The rows of a query over these tables, at most 5,000; none where one of them is missing.

        Raises:
            sqlite3.Error: it is damaged, or takes too long.
        """
        if any(self._kinds.get(table) != "table" for table in tables):
            return []
        return self._connection.execute(query).fetchmany(_MOST_ROWS)


@contextlib.contextmanager
def opened(data: bytes) -> Iterator[Tables]:
    """The tables of a file.

    Args:
        data: its bytes.

    Raises:
        BROKEN: it is no such file, or too large; also from reading within the block.
    """
    if len(data) > BIGGEST:
        raise ValueError("too large")
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        if not hasattr(connection, "deserialize"):  # a Python that was built without it
            raise ValueError("this Python can't read it from memory")
        connection.deserialize(data)
        yield Tables(connection)
