"""Progress files below some folders, and what each says of its learner; nothing is written, and nothing locked.

A file is read as bytes and opened in memory: SQLite's own reading would take a lock in the learner's folder. What is
just being written (it has a journal beside it, or changes meanwhile) is read the next time. The folders are the
learners' own: links are not followed, and whatever lies there in the place of a progress file is passed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wslab.progress import foreign
from wslab.progress.database import FILE

STUCK_TIMES = 3
"""So often the same misconception at one check, one attempt after the other, and somebody is stuck."""

STUCK_FOR = timedelta(minutes=10)
"""So long at it, run after run, without a new pass, and somebody is stuck."""

_AWAY = timedelta(minutes=15)
_DEEPEST = 4
_MOST_FOLDERS = 20_000
_PASSED_OVER = {"node_modules", "__pycache__", "notebooks", "labs", "docs", "solutions", "lost+found"}

_EVENTS = (
    ("SELECT unit, asked_at FROM questions ORDER BY asked_at DESC LIMIT 1", "questions"),
    ("SELECT unit, answered_at FROM answers ORDER BY answered_at DESC LIMIT 1", "answers"),
    ("SELECT unit, measured_at FROM outcomes ORDER BY measured_at DESC LIMIT 1", "outcomes"),
    ("SELECT lab, at FROM attempts ORDER BY at DESC LIMIT 1", "attempts"),
    ("SELECT lab, at FROM hints ORDER BY at DESC LIMIT 1", "hints"),
)
_ANSWERS = "SELECT count(DISTINCT unit || '.' || name) FROM answers WHERE NOT skipped AND NOT late"
_ATTEMPTS = 'SELECT lab, "check", verdict, at FROM attempts ORDER BY at DESC, rowid DESC LIMIT 2000'
_NOT_BEGUN = "-"  # as `labs.checking` writes it


@dataclass(frozen=True, slots=True)
class Try:
    """One run of a check.

    Attributes:
        lab, check: which.
        verdict: `"passed"`, or the id of a misconception.
        at: when.
        begun: whether something was judged: the check did not wait for another one, and something had been written.
    """

    lab: str
    check: str
    verdict: str
    at: datetime
    begun: bool = True

    @property
    def passed(self) -> bool:
        return self.verdict == "passed"


@dataclass(frozen=True, slots=True)
class Learner:
    """What one file says.

    Attributes:
        name: the folder that it lies in, as the instructor knows it.
        place: the unit or lab that was worked on last; empty where nothing was done.
        last: when; None where nothing was done.
        predictions: how many were made.
        tries: runs of checks, the latest first.
        unreadable: whether the file can't be read; the rest is what it said before.
    """

    name: str
    place: str = ""
    last: datetime | None = None
    predictions: int = 0
    tries: tuple[Try, ...] = field(default=(), repr=False)
    unreadable: bool = False

    @property
    def passed(self) -> frozenset[tuple[str, str]]:
        """The checks that were passed at some time."""
        return frozenset((one.lab, one.check) for one in self.tries if one.passed)

    @property
    def open(self) -> dict[tuple[str, str], str]:
        """For each check that is not passed yet the misconception of its latest run."""
        latest: dict[tuple[str, str], str] = {}
        for one in self.tries:
            if one.begun:
                latest.setdefault((one.lab, one.check), one.verdict)
        return {key: verdict for key, verdict in latest.items() if key not in self.passed}

    def is_here(self, now: datetime) -> bool:
        """Whether something was done in the last quarter of an hour."""
        return self.last is not None and now - self.last < _AWAY

    def repeated(self) -> tuple[Try, int] | None:
        """The latest run, if it did not pass, and how often that check ended so without another end between."""
        begun = [one for one in self.tries if one.begun]
        if not begun or begun[0].passed:
            return None
        latest = begun[0]
        same = [one for one in begun if (one.lab, one.check) == (latest.lab, latest.check)]
        return latest, next((at for at, one in enumerate(same) if one.verdict != latest.verdict), len(same))

    def without_a_pass(self, now: datetime) -> timedelta:
        """How long somebody has been trying since the last pass, or since a break; nothing while they are away."""
        if not self.is_here(now):
            return timedelta()
        since = now
        for one in self.tries:
            if one.passed or since - one.at >= _AWAY:
                break
            since = one.at
        return now - since

    def is_stuck(self, now: datetime) -> bool:
        """Whether the same misconception came three times, or ten minutes went by without a new pass."""
        repeated = self.repeated()
        again = repeated is not None and repeated[1] >= STUCK_TIMES
        return self.is_here(now) and (again or self.without_a_pass(now) >= STUCK_FOR)


def progress_files(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Every progress file below some folders, with the name of whose it is: the folder right below.

    Args:
        folders: homes of a Hub, a shared disk, or a course's own folder.
    """
    for top in folders:
        for path in _below(top):
            parts = path.relative_to(top).parts[:-2]  # without .wslab/progress.sqlite
            yield (parts[0] if parts else top.resolve().name), path


def _below(top: Path) -> Iterator[Path]:
    waiting, seen = [(top, 0)], 0
    while waiting and seen < _MOST_FOLDERS:
        folder, depth = waiting.pop()
        seen += 1
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            try:
                is_folder = entry.is_dir(follow_symlinks=False)
            except OSError:
                continue
            if is_folder and entry.name == ".wslab":
                file = folder / entry.name / FILE
                if _is_file(file):
                    yield file
            elif is_folder and depth < _DEEPEST and not entry.name.startswith(".") and entry.name not in _PASSED_OVER:
                waiting.append((Path(entry.path), depth + 1))


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


class Watch:
    """Looks again and again; a file that has not changed is not read again."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """`folders`: as for `progress_files()`."""
        self._folders = folders
        self._known: dict[Path, tuple[tuple[int, int, int], Learner]] = {}

    def look(self) -> tuple[Learner, ...]:
        """Everybody, by name. Whoever has several files (another course, an old one) is there once, with the latest."""
        found: dict[str, Learner] = {}
        for name, path in progress_files(self._folders):
            one = self._read(name, path)
            held = found.get(name)
            if held is None or (one.last is not None and (held.last is None or one.last > held.last)):
                found[name] = one
        return tuple(found[name] for name in sorted(found, key=str.casefold))

    def _read(self, name: str, path: Path) -> Learner:
        before = self._known.get(path)
        last = before[1] if before is not None else Learner(name)
        try:
            sign = _sign(path)
            if before is not None and before[0] == sign:
                return last
            if path.with_name(f"{FILE}-journal").exists():
                return last
            data = _bytes(path)
            if _sign(path) != sign:
                return last
            learner = read(name, data)
        except (OSError, *foreign.BROKEN):
            return replace(last, unreadable=True)
        self._known[path] = (sign, learner)
        return learner


def _sign(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > foreign.BIGGEST:
        raise OSError("no progress file")
    return found.st_mtime_ns, found.st_size, found.st_ino


def _bytes(path: Path) -> bytes:
    # What was a file a moment ago may be a pipe or a link by now; neither is waited for, nor followed.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        return file.read(foreign.BIGGEST + 1)


def read(name: str, data: bytes) -> Learner:
    """What a file says of its learner.

    Args:
        name: whose it is.
        data: its bytes.

    Raises:
        foreign.BROKEN: it is no progress file.
    """
    with foreign.opened(data) as tables:
        events = [row for query, table in _EVENTS for row in tables.rows(query, table)]
        counts = tables.rows(_ANSWERS, "answers")
        attempts = tables.rows(_ATTEMPTS, "attempts")
    dated = [(at, place) for place, said in events if isinstance(place, str) and (at := _time(said)) is not None]
    last, place = max(dated, default=(None, ""))
    tries = [
        Try(lab, check, verdict.removeprefix(_NOT_BEGUN), at, not verdict.startswith(_NOT_BEGUN))
        for lab, check, verdict, said in attempts
        if all(isinstance(one, str) for one in (lab, check, verdict)) and (at := _time(said)) is not None
    ]
    made = counts[0][0] if counts and isinstance(counts[0][0], int) else 0
    return Learner(name, place, last, made, tuple(tries))


def _time(said: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return None if found is None else found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def dominating(learners: Iterable[Learner]) -> list[tuple[str, int]]:
    """Misconceptions of checks that are not passed yet, by how many people have them, the most frequent first."""
    count: dict[str, int] = {}
    for learner in learners:
        for verdict in set(learner.open.values()):
            count[verdict] = count.get(verdict, 0) + 1
    return sorted(count.items(), key=lambda one: (-one[1], one[0]))
