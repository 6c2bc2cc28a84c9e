"""results.sqlite: keeps each result as it arrives, so that a stopped run can be continued.

SQLite's rollback journal makes each result a transaction: after a crash it is there whole, or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wslab import own_course
from wslab.errors import LabError
from wslab.grading.intake.utf8 import whole
from wslab.grading.task import Result, Task
from wslab.language import Text

FILE = "results.sqlite"

_SCHEMA = (
    # A student may have handed in a lab more than once, and what is graded of that is the instructor's choice.
    """CREATE TABLE results (
        student TEXT NOT NULL, lab TEXT NOT NULL, fingerprint TEXT NOT NULL, result TEXT NOT NULL,
        graded_at TEXT NOT NULL, PRIMARY KEY (student, lab, fingerprint))""",
    # What the reports show: a later drop adds to it.
    """CREATE TABLE rows (
        student TEXT NOT NULL, lab TEXT NOT NULL, fingerprint TEXT NOT NULL, row TEXT NOT NULL,
        PRIMARY KEY (student, lab))""",
    "CREATE TABLE ownerless (source TEXT NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL)",
    "CREATE TABLE progress (student TEXT PRIMARY KEY, data BLOB NOT NULL)",
    # For reading the file by hand.
    """CREATE VIEW checks AS
        SELECT results.student, results.lab, json_extract(one.value, '$.check') AS "check",
            json_extract(one.value, '$.points') AS points, json_extract(one.value, '$.max') AS max,
            json_extract(one.value, '$.outcome') AS outcome, json_extract(one.value, '$.misconception') AS misconception
        FROM rows JOIN results USING (student, lab, fingerprint), json_each(results.result, '$.verdicts') AS one""",
)
_OF_VERSION_1 = (
    "DROP VIEW checks",
    "ALTER TABLE results RENAME TO earlier",
    *_SCHEMA,
    "INSERT INTO results SELECT student, lab, fingerprint, result, graded_at FROM earlier",
    "DROP TABLE earlier",
)
_VERSION = 2

_FOREIGN = Text(
    en="{path} is damaged, or was not written by this version of wslab grade ({why}). Move it away, or choose "
    "another --out.",
    tr="{path} bozuk ya da wslab grade'in bu sürümüyle yazılmamış ({why}). Dosyayı başka yere taşıyın ya da başka bir "
    "--out verin.",
)
_CANT_WRITE = Text(
    en="{path} can't be written ({why}), so no result could be kept.",
    tr="{path} yazılamıyor ({why}); hiçbir sonuç saklanamaz.",
)


class Ledger:
    """The results of one `--out` folder."""

    def __init__(self, folder: Path) -> None:
        """Opens the file, or makes it.

        Raises:
            LabError: it can't be written, or is something else.
        """
        self.path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._transaction() as connection:
                (found,) = connection.execute("PRAGMA user_version").fetchone()
                tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
                if found == 1 or (found == 0 and tables == 0):
                    for statement in _OF_VERSION_1 if found == 1 else _SCHEMA:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
                elif found != _VERSION:
                    raise LabError(_FOREIGN, path=self.path, why=f"user_version {found}")
        except OSError as error:
            raise LabError(_CANT_WRITE, path=self.path, why=error.strerror or error) from error
        except sqlite3.OperationalError as error:
            raise LabError(_CANT_WRITE, path=self.path, why=error) from error
        except sqlite3.DatabaseError as error:
            raise LabError(_FOREIGN, path=self.path, why=error) from error

    def get(self, student: str, lab: str, fingerprint: str) -> Result | None:
        """The result of a submission, if it is that of this very one, this kit and these limits."""
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT result FROM results WHERE student = ? AND lab = ? AND fingerprint = ?",
                (student, lab, fingerprint),
            ).fetchone()
        return None if row is None else Result.from_data(json.loads(row[0]))

    def put(self, fingerprint: str, result: Result) -> None:
        """Keep a result, in a transaction of its own; it takes the place of an earlier one of the same lab.

        Raises:
            LabError: it can't be written.
        """
        # A result may quote a lone surrogate, which SQLite refuses; its escape is valid JSON.
        data = whole(json.dumps(result.to_data(), ensure_ascii=False))
        row = (result.student, result.lab, fingerprint, data, datetime.now(UTC).isoformat(timespec="seconds"))
        try:
            with self._transaction() as connection:
                connection.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            raise LabError(_CANT_WRITE, path=self.path, why=error) from error

    def clear(self) -> None:
        """Forget everything."""
        with self._transaction() as connection:
            for table in ("results", "rows", "ownerless", "progress"):
                connection.execute(f"DELETE FROM {table}")

    def rows(self) -> Iterator[tuple[str, dict[str, Any], Result | None]]:
        """What the reports showed last: each row's fingerprint, its data, and its result if it has one."""
        with self._transaction() as connection:
            found = connection.execute(
                "SELECT rows.fingerprint, row, result FROM rows LEFT JOIN results USING (student, lab, fingerprint)"
            ).fetchall()
        for fingerprint, row, result in found:
            yield fingerprint, json.loads(row), None if result is None else Result.from_data(json.loads(result))

    def keep(
        self,
        rows: Iterable[tuple[str, dict[str, Any]]],
        source: str,
        ownerless: Mapping[str, Text],
        progress: Mapping[str, bytes],
    ) -> None:
        """Keep what the reports show now, in the place of what they showed before.

        Args:
            rows: each row's fingerprint and data, which names `student` and `lab`.
            source: what was dropped.
            ownerless: what nobody can be named for, in that drop.
            progress: by student, the bytes of the progress file that was handed in.

        Raises:
            LabError: it can't be written.
        """
        try:
            with self._transaction() as connection:
                connection.execute("DELETE FROM rows")
                connection.executemany(
                    "INSERT INTO rows VALUES (?, ?, ?, ?)",
                    [(whole(row["student"][0]), row["lab"], print_, whole(json.dumps(row))) for print_, row in rows],
                )
                connection.execute("DELETE FROM ownerless WHERE source = ?", (whole(source),))
                connection.executemany(
                    "INSERT INTO ownerless VALUES (?, ?, ?)",
                    [(whole(source), whole(place), json.dumps(said.spoken())) for place, said in ownerless.items()],
                )
                connection.executemany(
                    "INSERT OR REPLACE INTO progress VALUES (?, ?)",
                    [(whole(student), data) for student, data in progress.items()],
                )
        except sqlite3.Error as error:
            raise LabError(_CANT_WRITE, path=self.path, why=error) from error

    def ownerless(self) -> dict[str, Text]:
        """What nobody could be named for, of every drop."""
        with self._transaction() as connection:
            found = connection.execute("SELECT place, reason FROM ownerless ORDER BY place").fetchall()
        return {place: Text.of(json.loads(reason)) for place, reason in found}

    def progress(self) -> dict[str, bytes]:
        """By student, the progress file that was handed in last."""
        with self._transaction() as connection:
            return dict(connection.execute("SELECT student, data FROM progress ORDER BY student").fetchall())

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        finally:
            connection.close()


def fingerprint(task: Task, kit: str) -> str:
    """What a result stands for: the cells that ran, the files beside them, the limits that held, the kit that judged.

    Args:
        task: the submission.
        kit: from `kit_version()`.
    """
    files = [[path, hashlib.sha256(data).hexdigest()] for path, data in task.files]
    data = asdict(replace(task, files=(), student="")) | {"kit": kit, "files": files}
    text = whole(json.dumps(data, sort_keys=True, ensure_ascii=False))
    return hashlib.sha256(text.encode()).hexdigest()


_KIT = Path(__file__).parents[1]
_DECIDING = ("labs", "grading", "serving")


def kit_version() -> str:
    """The kit's version, and a digest of all that decides on points and texts: where it was edited, judge anew."""
    digest = hashlib.sha256()
    for room in _DECIDING:
        for path in sorted(path for path in (_KIT / room).rglob("*") if path.suffix in (".py", ".yml")):
            digest.update(path.read_bytes())
    for path in (*own_course.files("checks/*.py"), *own_course.files("texts/*.yml")):
        digest.update(path.read_bytes())
    return f"{version('wslab')}+{digest.hexdigest()[:16]}"
