"""results.sqlite: keeps each result as it arrives, so that a stopped run can be continued.

SQLite's rollback journal makes each result a transaction: after a crash it is there whole, or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from wslab import labs
from wslab.errors import LabError
from wslab.grading.intake.utf8 import whole
from wslab.grading.task import Result, Task
from wslab.language import Text

FILE = "results.sqlite"

_SCHEMA = (
    """CREATE TABLE results (
        student TEXT NOT NULL, lab TEXT NOT NULL, fingerprint TEXT NOT NULL, result TEXT NOT NULL,
        graded_at TEXT NOT NULL, PRIMARY KEY (student, lab))""",
    # For reading the file by hand.
    """CREATE VIEW checks AS
        SELECT results.student, results.lab, json_extract(one.value, '$.check') AS "check",
            json_extract(one.value, '$.points') AS points, json_extract(one.value, '$.max') AS max,
            json_extract(one.value, '$.outcome') AS outcome, json_extract(one.value, '$.misconception') AS misconception
        FROM results, json_each(results.result, '$.verdicts') AS one""",
)
_VERSION = 1

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
                if found == 0 and tables == 0:
                    for statement in _SCHEMA:
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


def kit_version() -> str:
    """The kit's version, and a digest of the checks themselves: a check that was edited judges anew."""
    digest = hashlib.sha256()
    for path in sorted(Path(folder, file) for folder in labs.__path__ for file in Path(folder).glob("*.py")):
        digest.update(path.read_bytes())
    return f"{version('wslab')}+{digest.hexdigest()[:16]}"
