"""Where learners are, by their progress files: read only, whatever lies there, and without disturbing anybody."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from wslab import cli
from wslab.language import LANGUAGES, use_language
from wslab.progress.database import Store
from wslab.watch import display
from wslab.watch.learners import Learner, Try, Watch, dominating, progress_files, read

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return NOW - timedelta(minutes=count)


def tries(*said: tuple[float, str, str]) -> Learner:
    """Somebody with these runs: minutes ago, check, verdict; the latest first."""
    found = tuple(
        Try("L1", check, verdict.removeprefix("-"), minutes(ago), not verdict.startswith("-"))
        for ago, check, verdict in said
    )
    return Learner("ada", "L1", found[0].at, 0, found)


def home(top: Path, name: str, *verdicts: str, course: str = "websocket-lab") -> Path:
    """A home with a course and these runs of L1.echo."""
    path = top / name / course / ".wslab/progress.sqlite"
    kept = Store(path)
    for verdict in verdicts:
        kept.attempt("L1", "echo", points=2.0 * (verdict == "passed"), max=2, verdict=verdict)
    return path


def shown(learners: tuple[Learner, ...], folder: Path) -> str:
    console = Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(display.terminal(learners, [folder], datetime.now(UTC)))
    console.file.close()
    return console.export_text()


@pytest.mark.parametrize(
    ("learner", "why"),
    [
        (tries((1, "echo", "no-echo"), (2, "echo", "no-echo"), (3, "echo", "no-echo")), "3 times the same"),
        (tries((1, "echo", "no-echo"), (2, "echo", "no-echo")), ""),
        (tries((1, "echo", "no-echo"), (2, "echo", "dotted-i"), (3, "echo", "no-echo"), (4, "echo", "no-echo")), ""),
        # Another check in between says nothing of this one; one that waited was not judged.
        (
            tries((1, "echo", "no-echo"), (2, "order", "loses-some"), (3, "echo", "no-echo"), (4, "echo", "no-echo")),
            "3 times the same",
        ),
        (tries((1, "order", "-needs-another"), (2, "echo", "no-echo")), ""),
        (tries((1, "echo", "no-echo"), (6, "order", "loses-some"), (11, "echo", "dotted-i")), "11 min without a pass"),
        (tries((1, "echo", "no-echo"), (6, "order", "passed"), (11, "echo", "dotted-i")), ""),
        # A break is no time at it, and who has gone is not stuck.
        (tries((1, "echo", "no-echo"), (60, "echo", "dotted-i")), ""),
        (tries((30, "echo", "no-echo"), (31, "echo", "no-echo"), (32, "echo", "no-echo")), ""),
        (tries((1, "echo", "passed"), (2, "echo", "no-echo"), (3, "echo", "no-echo"), (4, "echo", "no-echo")), ""),
    ],
)
def test_who_is_stuck(learner: Learner, why: str) -> None:
    assert display.stuck(learner, NOW) == why
    assert learner.is_stuck(NOW) == bool(why)


def test_what_dominates_is_counted_by_people_and_not_where_it_was_mended() -> None:
    twice = tries((1, "echo", "no-echo"), (2, "order", "no-echo"))
    mended = tries((1, "echo", "passed"), (2, "echo", "no-echo"))
    other = tries((1, "echo", "dotted-i"), (2, "echo", "no-echo"))
    waiting = tries((1, "echo", "-no-echo"))
    assert dominating([twice, mended, other, waiting]) == [("dotted-i", 1), ("no-echo", 1)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_homes_are_read_and_shown(tmp_path: Path, language: str) -> None:
    use_language(language)
    home(tmp_path, "ada", "no-echo", "no-echo", "no-echo")
    home(tmp_path, "bora", "passed", course="kurslar/a/b")
    kept = Store(tmp_path / "bora/kurslar/a/b/.wslab/progress.sqlite")
    asked = kept.ask("05.status", kind="choice", language="en", question="?", options=["500", "404"])
    kept.answer("05.status", "500", asked=asked)
    learners = Watch([tmp_path]).look()
    assert [one.name for one in learners] == ["ada", "bora"]
    assert learners[0].is_stuck(datetime.now(UTC))
    assert (learners[1].place, learners[1].predictions, len(learners[1].passed)) == ("05", 1, 1)
    text = shown(learners, tmp_path)
    assert text.index("ada") < text.index("bora")
    assert "L1.echo: no-echo × 3" in text
    assert {"en": "2 progress files", "tr": "2 ilerleme dosyası"}[language] in text
    page = display.watch_html(learners, [tmp_path], datetime.now(UTC))
    assert "L1.echo: no-echo × 3" in page
    assert 'http-equiv="refresh"' in page
    assert "<script" not in page


def test_nothing_is_written_and_nobody_waits(tmp_path: Path) -> None:
    path = home(tmp_path, "ada", "no-echo")
    before = path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir())
    looking = Watch([tmp_path])
    with sqlite3.connect(path, isolation_level=None) as writer:
        # A learner's kernel holds the file; watching neither waits for it nor sees what is half-written.
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("DELETE FROM attempts")
        assert len(looking.look()[0].tries) == 1 or (path.parent / "progress.sqlite-journal").exists()
        writer.execute("ROLLBACK")
    writer.close()
    assert looking.look()[0].repeated() is not None
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir())) == before


def test_what_changed_is_seen_and_what_broke_keeps_what_it_said(tmp_path: Path) -> None:
    path = home(tmp_path, "ada", "no-echo")
    looking = Watch([tmp_path])
    assert len(looking.look()[0].tries) == 1
    home(tmp_path, "ada", "dotted-i")
    assert [one.verdict for one in looking.look()[0].tries] == ["dotted-i", "no-echo"]
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    (broken,) = looking.look()
    assert broken.unreadable
    assert len(broken.tries) == 2
    assert "can't be read" in shown((broken,), tmp_path)
    path.unlink()
    assert looking.look() == ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_links_and_pipes_are_passed_over(tmp_path: Path) -> None:
    path = home(tmp_path / "homes", "ada", "no-echo")
    for name in ("bora", "can", "dia"):
        (tmp_path / "homes" / name).mkdir()
    (tmp_path / "homes/bora/.wslab").symlink_to(path.parent, target_is_directory=True)
    (tmp_path / "homes/can/.wslab").mkdir()
    (tmp_path / "homes/can/.wslab/progress.sqlite").symlink_to(path)
    (tmp_path / "homes/dia/.wslab").mkdir()
    os.mkfifo(tmp_path / "homes/dia/.wslab/progress.sqlite")
    (tmp_path / "homes/loop").symlink_to(tmp_path / "homes", target_is_directory=True)
    assert [name for name, _ in progress_files([tmp_path / "homes"])] == ["ada"]
    # Given by itself, a course's own folder is its learner's.
    assert [name for name, _ in progress_files([tmp_path / "homes/ada/websocket-lab"])] == ["websocket-lab"]


def test_a_strangers_words_move_no_cursor(tmp_path: Path) -> None:
    evil = "\x1b[2J[bold]\u202egniht<script>"
    path = tmp_path / evil.replace("/", "") / ".wslab/progress.sqlite"
    kept = Store(path)
    kept.attempt(evil, evil, points=0, max=1, verdict=evil)
    learners = Watch([tmp_path]).look()
    text = shown(learners, tmp_path) + display.watch_html(learners, [], NOW)
    assert not {"\x1b", "\u202e"} & set(text)
    assert "<script" not in text.split("<main")[1]


def test_a_view_in_the_place_of_a_table_is_no_answer(tmp_path: Path) -> None:
    forever = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)"
    with sqlite3.connect(tmp_path / "x.sqlite") as connection:
        connection.execute(f"CREATE VIEW attempts AS {forever} SELECT 'L1' lab, 'e' 'check', 'v' verdict, x at FROM r")
        connection.execute("CREATE TABLE hints (lab, at)")
        connection.executemany("INSERT INTO hints VALUES (?, ?)", [(1, 2), ("L2", "yesterday"), (None, None)])
    connection.close()
    assert read("ada", (tmp_path / "x.sqlite").read_bytes()) == Learner("ada")


def test_the_command(tmp_path: Path) -> None:
    home(tmp_path / "homes", "ada", "no-echo")
    run = CliRunner().invoke(cli.app, ["watch", str(tmp_path / "homes"), "--once"])
    assert run.exit_code == 0, run.output
    assert "1 progress file below" in " ".join(run.output.split())
    page = tmp_path / "out/watch.html"
    run = CliRunner().invoke(cli.app, ["watch", str(tmp_path / "homes"), "--once", "--page", str(page)])
    assert run.exit_code == 0, run.output
    assert "ada" in page.read_text("utf-8")
    run = CliRunner().invoke(cli.app, ["watch", str(tmp_path / "nowhere"), "--once"])
    assert run.exit_code == 1
