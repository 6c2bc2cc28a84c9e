"""The progress file: nothing is lost, and no fault of a disk reaches the learner as a traceback."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from wslab.course_folder import course_folder
from wslab.progress import database
from wslab.progress.database import FILE, MIGRATIONS, Store, counted_answer, course_root, home, store


@pytest.fixture
def kept(tmp_path: Path) -> Store:
    return Store(tmp_path / "home" / FILE, patience=0.3)


def ask(kept: Store, key: str = "05.status") -> str:
    return kept.ask(key, kind="choice", language="tr", question="Ne görür?", options=["HTTP 403", "HTTP 500 ğ"])


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_everything_is_in_the_file_at_once(kept: Store) -> None:
    asked = ask(kept)
    answer = kept.answer("05.status", "failed", asked=asked)
    kept.outcome("05.status", answer=answer.id, measured="500", option="failed", verdict="right")
    kept.attempt("L1", "echo", points=3, max=4, verdict="partly")
    kept.hint("L1", "echo", 2)
    assert kept.fault is None

    again = Store(kept.path)
    (found,) = again.answers("05.status")
    assert found == answer
    (outcome,) = again.outcomes("05.status")
    assert (outcome.answer, outcome.measured, outcome.option, outcome.verdict) == (answer.id, "500", "failed", "right")
    (attempt,) = again.attempts("L1", "echo")
    assert (attempt.points, attempt.max, attempt.verdict) == (3.0, 4.0, "partly")
    (hint,) = again.hints("L1")
    assert (hint.check, hint.rung) == ("echo", 2)
    assert [row[:2] for row in again.asked()] == [("05", "status")]
    view = rows(kept.path, "SELECT unit, name, language, options, answer, skipped, measured, verdict FROM predictions")
    assert view == [("05", "status", "tr", '["HTTP 403", "HTTP 500 ğ"]', "failed", 0, "500", "right")]


def test_rows_are_found_by_key_in_the_order_of_time(kept: Store) -> None:
    asked = ask(kept)
    for answer in ("a", None, "b"):
        kept.answer("05.status", answer, asked=asked)
    kept.answer("05.other", "c", asked=ask(kept, "05.other"))
    assert [answer.answer for answer in kept.answers("05.status")] == ["a", None, "b"]
    assert [answer.skipped for answer in kept.answers("05.status")] == [False, True, False]
    assert len(kept.answers()) == 4
    assert kept.answers("06.status") == ()


def test_the_first_answer_before_the_outcome_counts(kept: Store) -> None:
    asked = ask(kept)
    kept.answer("05.status", None, asked=asked)
    kept.answer("05.status", "late", asked=asked, late=True)
    assert counted_answer(kept.answers()) is None
    kept.answer("05.status", "a", asked=asked)
    kept.answer("05.status", "b", asked=asked)
    counted = counted_answer(kept.answers())
    assert counted is not None
    assert counted.answer == "a"


def test_reading_makes_no_file(kept: Store) -> None:
    assert kept.answers() == ()
    assert kept.attempts() == ()
    assert not kept.path.parent.exists()


def test_the_folder_keeps_itself_out_of_git(kept: Store) -> None:
    ask(kept)
    assert (kept.path.parent / ".gitignore").read_text() == "*\n"


# Where it is


def test_the_file_is_in_the_nearest_course_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WSLAB_HOME")
    deep = tmp_path / "course" / "notebooks" / "en"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert home() == tmp_path / "course" / ".wslab"
    (tmp_path / "course" / "labs" / "en" / "L1-echo").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "course" / "labs" / "en" / "L1-echo")
    assert course_root() == tmp_path / "course"
    (tmp_path / "course" / "labs" / ".wslab").mkdir()
    assert home() == tmp_path / "course" / "labs" / ".wslab"


def test_without_a_course_it_is_in_the_nearest_folder_that_has_one_or_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WSLAB_HOME")
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    if course_folder() is None:  # nothing above the temporary folder is a course
        assert course_root() == inside
        assert home() == inside / ".wslab"
    (tmp_path / "a" / ".wslab").mkdir()
    assert home() == tmp_path / "a" / ".wslab"


def test_wslab_home_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".wslab").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WSLAB_HOME", str(tmp_path / "elsewhere"))
    assert home() == tmp_path / "elsewhere"
    assert store().path == tmp_path / "elsewhere" / FILE
    assert store() is store()


# Faults


def test_a_folder_that_cannot_be_made_is_a_sentence_and_the_lesson_goes_on(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    kept = Store(tmp_path / "home" / FILE)
    kept.answer("05.status", "a", asked=ask(kept))
    assert kept.fault is not None
    assert str(kept.fault).startswith(f"Not saved, because {tmp_path / 'home'} can't be written")
    assert "Ders devam ediyor" in kept.fault.into("tr")
    assert [answer.answer for answer in kept.answers("05.status")] == ["a"]
    assert kept.asked()[0][:2] == ("05", "status")

    # Mended: what was waiting is written with the next thing.
    (tmp_path / "home").unlink()
    kept.answer("05.status", "b", asked=ask(kept))
    assert kept.fault is None
    assert [answer.answer for answer in Store(kept.path).answers("05.status")] == ["a", "b"]


def test_a_file_that_is_no_database_is_left_alone(kept: Store) -> None:
    kept.path.parent.mkdir()
    kept.path.write_text("a letter to somebody " * 50)
    ask(kept)
    assert "damaged or no progress file" in str(kept.fault)
    assert kept.path.read_text().startswith("a letter to somebody")
    assert kept.answers() == ()


def test_a_file_of_a_newer_version_is_left_alone(kept: Store) -> None:
    ask(kept)
    with contextlib.closing(sqlite3.connect(kept.path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    ask(kept)
    assert "newer wslab" in str(kept.fault)
    assert len(kept.asked()) == 2
    assert len(rows(kept.path, "SELECT * FROM questions")) == 1


def test_a_locked_file_is_waited_for_and_written_later(kept: Store) -> None:
    asked = ask(kept)
    with contextlib.closing(sqlite3.connect(kept.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        kept.answer("05.status", "a", asked=asked)
        assert "another program holds" in str(kept.fault)
        other.execute("ROLLBACK")
    assert [answer.answer for answer in kept.answers()] == ["a"]
    assert kept.flush()
    assert kept.fault is None
    assert len(rows(kept.path, "SELECT * FROM answers")) == 1


def test_a_full_disk_is_a_sentence(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(kept)
    connect = sqlite3.connect

    def small(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = connect(*arguments, **options)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 1")  # SQLite keeps it at the present size: no page more
        return connection  # type: ignore[no-any-return]

    monkeypatch.setattr(database.sqlite3, "connect", small)
    for _ in range(200):
        kept.hint("L1", "x" * 500, 1)
    assert "is full" in str(kept.fault)
    assert len(kept.hints()) == 200
    monkeypatch.undo()
    kept.hint("L1", "echo", 2)
    assert kept.fault is None
    assert len(Store(kept.path).hints()) == 201


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are POSIX's")
def test_a_read_only_folder_is_a_sentence(tmp_path: Path) -> None:
    """For root nothing is read-only, so the write is tried as nobody."""
    folder = tmp_path / "home"
    kept = Store(folder / FILE)
    kept.answer("05.status", "a", asked=ask(kept))
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        sys.path[:0] = sys.argv[2:]
        from wslab.progress.database import Store
        import os
        if os.geteuid() == 0:
            os.setuid(65534)
        kept = Store(Path(sys.argv[1]))
        kept.answer("05.status", "b", asked="x")
        print([answer.answer for answer in kept.answers()], kept.fault)
        """
    )
    for parent in (folder, *folder.parents):
        if parent.is_relative_to(tmp_path.parent):
            parent.chmod(0o755)
    kept.path.chmod(0o444)
    folder.chmod(0o555)
    try:
        # nobody may not be able to enter pytest's own folder above; a copy in a folder that everybody may enter
        with _open_to_everybody(folder) as place:
            done = subprocess.run(
                [sys.executable, "-c", script, str(place / FILE), *sys.path],
                capture_output=True,
                text=True,
                check=True,
                env=os.environ | {"PYTHONIOENCODING": "utf-8", "LANG": "C.UTF-8"},
            )
    finally:
        folder.chmod(0o755)
    assert done.stdout.startswith("['a', 'b'] Not saved, because ")
    assert "can't be written" in done.stdout


@contextlib.contextmanager
def _open_to_everybody(folder: Path):  # type: ignore[no-untyped-def]
    import tempfile

    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        copy = Path(outer) / "home"
        shutil.copytree(folder, copy)
        copy.chmod(0o555)
        yield copy
        copy.chmod(0o755)


# Versions


def test_an_older_file_is_brought_up_to_date_with_its_rows(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.answer("05.status", "a", asked=ask(kept))
    step = ("ALTER TABLE answers ADD COLUMN mood TEXT", "CREATE TABLE moods (name TEXT)")
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, step))
    newer = Store(kept.path)
    newer.answer("05.status", "b", asked="x")
    assert newer.fault is None
    assert rows(kept.path, "PRAGMA user_version") == [(len(MIGRATIONS) + 1,)]
    assert rows(kept.path, "SELECT answer, mood FROM answers ORDER BY answered_at") == [("a", None), ("b", None)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.answer("05.status", "a", asked=ask(kept))
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE moods (name TEXT)", "NONSENSE")))
    newer = Store(kept.path)
    newer.answer("05.status", "b", asked="x")
    assert newer.fault is not None
    assert rows(kept.path, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert rows(kept.path, "SELECT name FROM sqlite_master WHERE name = 'moods'") == []
    assert [answer.answer for answer in newer.answers()] == ["a", "b"]


def test_the_first_version_of_the_schema_is_never_changed(tmp_path: Path) -> None:
    """A file that version 1 wrote opens in every later version; this is that file, written out."""
    old = tmp_path / FILE
    with contextlib.closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.execute(
            """CREATE TABLE answers (
            id TEXT PRIMARY KEY, question TEXT NOT NULL, session TEXT NOT NULL, unit TEXT NOT NULL, name TEXT NOT NULL,
            answer TEXT, skipped INTEGER NOT NULL, late INTEGER NOT NULL, answered_at TEXT NOT NULL)"""
        )
        connection.execute(
            "INSERT INTO answers VALUES ('1', '2', '3', '05', 'status', 'a', 0, 0, '2026-01-01T00:00:00+00:00')"
        )
        connection.execute("PRAGMA user_version = 1")
    assert [answer.answer for answer in Store(old).answers("05.status")] == ["a"]
    fresh = Store(tmp_path / "fresh" / FILE)
    ask(fresh)
    (first,) = rows(fresh.path, "SELECT sql FROM sqlite_master WHERE name = 'answers'")
    (expected,) = rows(old, "SELECT sql FROM sqlite_master WHERE name = 'answers'")
    assert first == expected


# Several at once


def _write_many(path: str, who: int, count: int, start: object, faults: object) -> None:
    kept = Store(Path(path))
    start.wait()  # type: ignore[attr-defined]
    for number in range(count):
        asked = kept.ask(f"0{who}.q", kind="choice", language="en", question="?", options=[])
        kept.answer(f"0{who}.q", str(number), asked=asked)
        kept.attempt(f"L{who}", "echo", points=number, max=count, verdict="right")
        if kept.fault is not None:
            faults.put(str(kept.fault))  # type: ignore[attr-defined]


def write_with_processes(path: Path, processes: int, count: int) -> list[str]:
    context = multiprocessing.get_context("spawn")
    start, faults = context.Barrier(processes), context.Queue()
    workers = [
        context.Process(target=_write_many, args=(str(path), who, count, start, faults)) for who in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
        assert worker.exitcode == 0
    found = []
    while not faults.empty():
        found.append(faults.get())
    return found


@pytest.mark.slow
def test_eight_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "home" / FILE
    faults = write_with_processes(path, processes=8, count=60)
    assert faults == []
    kept = Store(path)
    for who in range(8):
        assert [answer.answer for answer in kept.answers(f"0{who}.q")] == [str(number) for number in range(60)]
        assert [attempt.points for attempt in kept.attempts(f"L{who}")] == [float(number) for number in range(60)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert len(kept.asked()) == 8 * 60


def test_threads_of_one_kernel_share_a_store(kept: Store) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: kept.hint("L1", "echo", number), range(100)))
    assert sorted(hint.rung for hint in Store(kept.path).hints()) == list(range(100))


def test_what_waits_at_the_end_of_a_process_is_still_written(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, sqlite3
        from pathlib import Path
        from wslab.progress.database import Store
        kept = Store(Path(sys.argv[1]), patience=0.1)
        kept.hint("L1", "echo", 1)
        other = sqlite3.connect(sys.argv[1], isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        kept.hint("L1", "echo", 2)
        assert kept.fault is not None
        other.close()
        """
    )
    path = tmp_path / FILE
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert [hint.rung for hint in Store(path).hints()] == [1, 2]
