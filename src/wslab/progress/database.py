"""What a learner did, in one SQLite file: predictions, outcomes, attempts at labs, hints that were opened.

Rows are only ever added. Each has an id of its own, so that what could not be written at once (a locked file, a full
disk) waits in memory and is written later. Each operation opens the file anew: nothing is held open over a
fork, a restart or a deleted folder. The journal is SQLite's rollback journal and not WAL, since WAL does not work
on the network file systems that JupyterHub homes are often on (https://sqlite.org/wal.html).
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import json
import os
import random
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wslab.course_folder import course_folder
from wslab.language import Text

FILE = "progress.sqlite"

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE questions (
            id TEXT PRIMARY KEY, session TEXT NOT NULL, unit TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
            language TEXT NOT NULL, question TEXT NOT NULL, options TEXT NOT NULL, asked_at TEXT NOT NULL)""",
        """CREATE TABLE answers (
            id TEXT PRIMARY KEY, question TEXT NOT NULL, session TEXT NOT NULL, unit TEXT NOT NULL, name TEXT NOT NULL,
            answer TEXT, skipped INTEGER NOT NULL, late INTEGER NOT NULL, answered_at TEXT NOT NULL)""",
        """CREATE TABLE outcomes (
            id TEXT PRIMARY KEY, answer TEXT, session TEXT NOT NULL, unit TEXT NOT NULL, name TEXT NOT NULL,
            measured TEXT NOT NULL, option TEXT, verdict TEXT NOT NULL, measured_at TEXT NOT NULL)""",
        """CREATE TABLE attempts (
            id TEXT PRIMARY KEY, session TEXT NOT NULL, lab TEXT NOT NULL, "check" TEXT NOT NULL,
            points REAL NOT NULL, max REAL NOT NULL, verdict TEXT NOT NULL, at TEXT NOT NULL)""",
        """CREATE TABLE hints (
            id TEXT PRIMARY KEY, session TEXT NOT NULL, lab TEXT NOT NULL, "check" TEXT NOT NULL,
            rung INTEGER NOT NULL, at TEXT NOT NULL)""",
        "CREATE INDEX answers_of ON answers (unit, name)",
        "CREATE INDEX outcomes_of ON outcomes (unit, name)",
        'CREATE INDEX attempts_at ON attempts (lab, "check")',
        # What was asked, predicted and measured, side by side.
        """CREATE VIEW predictions AS
            SELECT q.unit, q.name, q.language, q.question, q.options, q.asked_at, a.answer, a.skipped, a.late,
                a.answered_at, o.measured, o.verdict, o.measured_at
            FROM questions q LEFT JOIN answers a ON a.question = q.id LEFT JOIN outcomes o ON o.answer = a.id""",
    ),
)
"""Each entry brings a file of the version that is its index up by one; a released entry is never changed."""

_TABLES = {
    "questions": ("id", "session", "unit", "name", "kind", "language", "question", "options", "asked_at"),
    "answers": ("id", "question", "session", "unit", "name", "answer", "skipped", "late", "answered_at"),
    "outcomes": ("id", "answer", "session", "unit", "name", "measured", "option", "verdict", "measured_at"),
    "attempts": ("id", "session", "lab", "check", "points", "max", "verdict", "at"),
    "hints": ("id", "session", "lab", "check", "rung", "at"),
}

SESSION = uuid.uuid4().hex
"""This process: a kernel from its start to its restart."""

_CANT_WRITE = Text(
    en="Not saved, because {folder} can't be written ({why}). The lesson goes on; to keep your progress, make that "
    "folder writable or set WSLAB_HOME to one that is.",
    tr="Kaydedilemedi, çünkü {folder} klasörüne yazılamıyor ({why}). Ders devam ediyor; ilerlemenizi saklamak için "
    "klasörü yazılabilir yapın ya da WSLAB_HOME değişkenine yazılabilir bir klasör verin.",
)
_FULL = Text(
    en="Not saved, because the disk that holds {folder} is full. The lesson goes on, and what you do now is saved "
    "as soon as there is room.",
    tr="Kaydedilemedi, çünkü {folder} klasörünün diski dolu. Ders devam ediyor; şimdi yaptıklarınız yer açılır açılmaz "
    "kaydedilir.",
)
_LOCKED = Text(
    en="Not saved yet, because another program holds {file}. The lesson goes on, and what you do now is saved as "
    "soon as it lets go.",
    tr="Henüz kaydedilmedi, çünkü {file} dosyasını başka bir program tutuyor. Ders devam ediyor; şimdi yaptıklarınız "
    "dosya serbest kalır kalmaz kaydedilir.",
)
_NO_DATABASE = Text(
    en="Not saved, because {file} is damaged or no progress file ({why}). The lesson goes on; move that file away "
    "to start a new one.",
    tr="Kaydedilemedi, çünkü {file} bozuk ya da bir ilerleme dosyası değil ({why}). Ders devam ediyor; yenisini "
    "başlatmak için bu dosyayı başka bir yere taşıyın.",
)
_NEWER = Text(
    en="Not saved, because {file} was written by a newer wslab. The lesson goes on; update wslab to keep your "
    "progress.",
    tr="Kaydedilemedi, çünkü {file} daha yeni bir wslab ile yazılmış. Ders devam ediyor; ilerlemenizi saklamak için "
    "wslab'i güncelleyin.",
)


def course_root() -> Path:
    """The course's folder; where there is none, the working directory."""
    return course_folder() or Path.cwd()


def home() -> Path:
    """The folder that holds the progress file.

    `WSLAB_HOME` if it is set; else the nearest `.wslab` up to the course's folder; else `.wslab` in that folder, or in
    the working directory where there is no course.
    """
    if chosen := os.environ.get("WSLAB_HOME"):
        return Path(chosen).expanduser().absolute()
    here, root = Path.cwd(), course_folder()
    for folder in (here, *here.parents):
        if folder == root or (folder / ".wslab").is_dir():
            return folder / ".wslab"
    return here / ".wslab"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a prediction.

    Attributes:
        answer: an option's id, a number or a word; None if it was skipped.
        late: whether the outcome had been shown before, in the same session.
        answered_at: when, in UTC, as ISO 8601.
    """

    id: str
    unit: str
    name: str
    session: str
    answer: str | None
    skipped: bool
    late: bool
    answered_at: str


def counted_answer(answers: Iterable[Answer]) -> Answer | None:
    """The answer that counts: the first one that was given, and given before the outcome was shown."""
    return next((answer for answer in answers if not answer.skipped and not answer.late), None)


def first_verdict(answer: Answer | None, outcomes: Iterable[OutcomeRow]) -> str:
    """What the run said of an answer: `"right"` or `"wrong"`; "" where there is no answer or nothing was decided.

    What was measured first counts, unless that measurement decided nothing.
    """
    verdicts = (outcome.verdict for outcome in outcomes if answer is not None and outcome.answer == answer.id)
    return next((verdict for verdict in verdicts if verdict in ("right", "wrong")), "")


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One measured outcome, and the answer (its id) that it was held against."""

    answer: str | None
    unit: str
    name: str
    session: str
    measured: str
    option: str | None
    verdict: str
    measured_at: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a lab's check: points out of max, and the verdict in one word."""

    lab: str
    check: str
    points: float
    max: float
    verdict: str
    at: str


@dataclass(frozen=True, slots=True)
class Hint:
    """One rung of a check's hints, opened."""

    lab: str
    check: str
    rung: int
    at: str


class _Newer(Exception):
    """The file has a schema that this version does not know."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, inside the caller's transaction."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise _Newer
    for step in MIGRATIONS[version:]:
        for statement in step:
            connection.execute(statement)
    if version < len(MIGRATIONS):
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


class Store:
    """The progress file of one folder; use `store()` to get the one in use.

    No method raises because of the file: what can't be written is kept in memory, `fault` says why in a sentence,
    and the next write tries again.

    Attributes:
        path: the SQLite file.
        fault: why the last write did not reach the file; None if it did.
    """

    def __init__(self, path: Path, *, patience: float = 10.0) -> None:
        """`patience` is how long, in seconds, a write waits for another program that holds the file."""
        self.path = path
        self.fault: Text | None = None
        self._patience = patience
        self._lock = threading.RLock()
        self._waiting: list[tuple[str, tuple[object, ...]]] = []

    # Writing

    def ask(self, key: str, *, kind: str, language: str, question: str, options: Sequence[str]) -> str:
        """Record that a question was shown, and return the id of this asking."""
        unit, _, name = key.partition(".")
        shown = json.dumps(list(options), ensure_ascii=False)
        return self._add("questions", SESSION, unit, name, kind, language, question, shown, _now())

    def answer(self, key: str, answer: str | None, *, asked: str, late: bool = False) -> Answer:
        """Record an answer (None: skipped) to the asking with the id `asked`."""
        unit, _, name = key.partition(".")
        now = _now()
        id = self._add("answers", asked, SESSION, unit, name, answer, answer is None, late, now)
        return Answer(id, unit, name, SESSION, answer, answer is None, late, now)

    def outcome(self, key: str, *, answer: str | None, measured: str, option: str | None, verdict: str) -> None:
        """Record what was measured; `answer` is the id of the answer it was held against."""
        unit, _, name = key.partition(".")
        self._add("outcomes", answer, SESSION, unit, name, measured, option, verdict, _now())

    def attempt(self, lab: str, check: str, *, points: float, max: float, verdict: str) -> None:
        """Record one run of a check of a lab: `store().attempt("L1", "echo", points=3, max=4, verdict="partly")`."""
        self._add("attempts", SESSION, lab, check, float(points), float(max), verdict, _now())

    def hint(self, lab: str, check: str, rung: int) -> None:
        """Record that a hint was opened; rungs count from 1."""
        self._add("hints", SESSION, lab, check, rung, _now())

    def flush(self) -> bool:
        """Try once more to write what waits in memory; return whether nothing waits any more."""
        with self._lock:
            if self._waiting:
                self._write()
            return not self._waiting

    # Reading

    def answers(self, key: str | None = None) -> tuple[Answer, ...]:
        """The answers to one prediction or to all, the oldest first."""
        rows = self._rows("answers", "id, unit, name, session, answer, skipped, late, answered_at", **_of(key))
        return tuple(
            Answer(id, unit, name, session, answer, bool(skipped), bool(late), at)
            for id, unit, name, session, answer, skipped, late, at in rows
        )

    def outcomes(self, key: str | None = None) -> tuple[OutcomeRow, ...]:
        """The outcomes of one prediction or of all, the oldest first."""
        columns = "answer, unit, name, session, measured, option, verdict, measured_at"
        return tuple(OutcomeRow(*row) for row in self._rows("outcomes", columns, **_of(key)))

    def asked(self) -> tuple[tuple[str, str, str], ...]:
        """Every asking: unit, name and time, the oldest first."""
        return tuple(self._rows("questions", "unit, name, asked_at"))

    def attempts(self, lab: str | None = None, check: str | None = None) -> tuple[Attempt, ...]:
        """The attempts at a lab or one of its checks, the oldest first."""
        rows = self._rows("attempts", 'lab, "check", points, max, verdict, at', lab=lab, check=check)
        return tuple(Attempt(*row) for row in rows)

    def hints(self, lab: str | None = None, check: str | None = None) -> tuple[Hint, ...]:
        """The hints that were opened, the oldest first."""
        rows = self._rows("hints", 'lab, "check", rung, at', lab=lab, check=check)
        return tuple(Hint(*row) for row in rows)

    # The file

    def _add(self, table: str, *values: object) -> str:
        id = uuid.uuid4().hex
        with self._lock:
            if not self._waiting:
                atexit.register(self.flush)
            self._waiting.append((table, (id, *values)))
            self._write()
        return id

    def _write(self) -> None:
        """Move everything that waits into the file, or say in `fault` why it can't be."""
        # Once a write has failed, the lesson does not pay for waiting a second time.
        patience = self._patience if self.fault is None else 0.1
        try:
            self._prepare_folder()
            with _transaction(self.path, patience) as connection:
                _migrate(connection)
                for table, row in self._waiting:
                    names = ", ".join(f'"{name}"' for name in _TABLES[table])
                    marks = ", ".join("?" * len(row))
                    connection.execute(
                        f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING", row
                    )
        except (_Newer, sqlite3.Error, OSError) as error:
            self.fault = self._explain(error)
        else:
            self.fault = None
            self._waiting.clear()
            atexit.unregister(self.flush)

    def _prepare_folder(self) -> None:
        if not self.path.parent.is_dir():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                # Nobody commits their progress by accident.
                (self.path.parent / ".gitignore").write_text("*\n", encoding="utf-8")

    def _explain(self, error: Exception) -> Text:
        values = {"folder": str(self.path.parent), "file": str(self.path), "why": _why(error)}
        kind = _kind(error)
        if isinstance(error, _Newer):
            told = _NEWER
        elif kind == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in _NO_SPACE:
            told = _FULL
        elif kind in _LOCKS:
            told = _LOCKED
        elif isinstance(error, OSError) or kind in _UNWRITABLE:
            told = _CANT_WRITE
        else:
            told = _NO_DATABASE
        return Text(**{language: told.into(language).format(**values) for language in told.languages})

    def _rows(self, table: str, columns: str, **where: str | None) -> list[tuple[Any, ...]]:
        """Rows of the file and of what waits, in order of time, which is each table's last column."""
        wanted = {name: value for name, value in where.items() if value is not None}
        condition = " AND ".join(f'"{name}" = ?' for name in wanted) or "1"
        order = _TABLES[table][-1]
        with self._lock:
            waiting = [row for of, row in self._waiting if of == table]
            rows: list[tuple[Any, ...]] = []
            with contextlib.suppress(sqlite3.Error, OSError), _reading(self.path) as connection:
                sql = f"SELECT {columns} FROM {table} WHERE {condition} ORDER BY {order}, rowid"
                rows = connection.execute(sql, tuple(wanted.values())).fetchall()
        names = [name.strip(' "') for name in columns.split(",")]
        for row in waiting:
            held = dict(zip(_TABLES[table], row, strict=True))
            if all(held[name] == value for name, value in wanted.items()):
                rows.append(tuple(held[name] for name in names))
        return rows


def _of(key: str | None) -> dict[str, str | None]:
    if key is None:
        return {}
    unit, _, name = key.partition(".")
    return {"unit": unit, "name": name}


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__


@contextlib.contextmanager
def _transaction(path: Path, patience: float) -> Iterator[sqlite3.Connection]:
    """A writing transaction; another writer is waited for at most `patience` seconds."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        until = time.monotonic() + patience
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as error:
                # SQLite's own waiting backs off to 0.1 s and can starve a writer among many; random short naps do not.
                if _kind(error) not in _LOCKS or time.monotonic() >= until:
                    raise
                time.sleep(random.uniform(0.001, 0.01))
        try:
            yield connection
            _commit(connection, until)
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
    finally:
        connection.close()


_NO_SPACE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_LOCKS = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM)


def _kind(error: Exception) -> int | None:
    """SQLite's primary result code, the low byte of the extended one (https://sqlite.org/rescode.html)."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _commit(connection: sqlite3.Connection, until: float) -> None:
    """Commit; a reader may hold the file for a moment, and then the transaction stays open to try again."""
    while True:
        try:
            connection.execute("COMMIT")
            return
        except sqlite3.OperationalError as error:
            if _kind(error) not in _LOCKS or time.monotonic() >= until:
                raise
            time.sleep(random.uniform(0.001, 0.01))


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection; raises where there is no file."""
    if not path.is_file():
        raise FileNotFoundError(path)
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
    try:
        yield connection
    finally:
        connection.close()


@functools.lru_cache(maxsize=16)
def _at(path: Path) -> Store:
    return Store(path)


def store() -> Store:
    """The store of the folder that `home()` names; the same object for the same folder."""
    return _at(home() / FILE)
