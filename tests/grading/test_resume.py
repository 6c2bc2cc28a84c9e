"""A grader that is killed at any moment goes on where it was, and ends with the same scores."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.grading.papers import ROOT, hand_in

SCRIPT = """
import signal, sys, time
from pathlib import Path
from rich.console import Console
from tests.grading.papers import ROOT, fake_grade
from wslab.grading.batch import Selection
from wslab.grading.command import grade_class
from wslab.language import use_language

use_language("en")
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a script's `&` has started

def slowly(task):
    time.sleep(float(sys.argv[3]))
    return fake_grade(task)

top, out = map(Path, sys.argv[1:3])
roster = top.parent / "roster.csv"
status = grade_class(
    top, out, ROOT, Console(width=200), selection=Selection(), roster=roster, workers=3, grader=slowly
)
sys.stdout.flush()
import os
os._exit(status)
"""


def start(top: Path, out: Path, nap: float) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WSLAB_TEST_LOG": str(out.with_suffix(".log"))}
    command = [sys.executable, "-c", SCRIPT, str(top), str(out), str(nap)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    )


def finish(top: Path, out: Path, nap: float = 0.0) -> str:
    process = start(top, out, nap)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return (out / "scores.csv").read_text(encoding="utf-8")


def graded(out: Path) -> Counter[str]:
    log = out.with_suffix(".log")
    return Counter(log.read_text(encoding="utf-8").split() if log.exists() else [])


def wait_for(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while sum(graded(out).values()) < count and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.002)


def handed_in(folder: Path, count: int) -> Path:
    """So many submissions, and a roster with one more person."""
    for number in range(count):
        hand_in(folder / "in", f"s{number:03}", ("L1", "L3")[number % 2], more=f"mine = {number}")
    listed = "".join(f"{number},Student {number},,,s{number:03}\n" for number in range(count + 1))
    (folder / "roster.csv").write_text(f"id,name,email,section,aliases\n{listed}", encoding="utf-8")
    return folder / "in"


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    return handed_in(tmp_path, 24)


def killed_and_resumed(submissions: Path, out: Path, rng: random.Random, kills: int) -> None:
    for _ in range(kills):
        process = start(submissions, out, 0.02)
        wait_for(out, sum(graded(out).values()) + rng.randint(0, 6), process)
        time.sleep(rng.uniform(0, 0.03))  # any moment, also in the middle of a write
        process.kill()
        process.communicate()
        if process.returncode == 0:
            break


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_it_gives_the_same_scores(submissions: Path, tmp_path: Path) -> None:
    wanted = finish(submissions, tmp_path / "undisturbed")
    assert wanted.count("\n") == 26
    killed_and_resumed(submissions, tmp_path / "out", random.Random(6), 2)
    assert finish(submissions, tmp_path / "out") == wanted
    # What a killed run had under way is judged again, and nothing else.
    assert max(graded(tmp_path / "out").values()) <= 3
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.proof
def test_three_hundred_are_killed_at_twenty_random_moments(tmp_path: Path) -> None:
    submissions = handed_in(tmp_path, 300)
    wanted = finish(submissions, tmp_path / "undisturbed")
    assert wanted.count("\n") == 302
    rng = random.Random(20)
    for kill in range(20):
        process = start(submissions, tmp_path / "out", 0.02)
        # From the first results to the reports that are written at the end.
        wait_for(tmp_path / "out", sum(graded(tmp_path / "out").values()) + rng.randint(0, 30), process)
        time.sleep(rng.uniform(0, 1.0 if kill % 4 == 3 else 0.03))
        process.kill()
        process.communicate()
    assert finish(submissions, tmp_path / "out") == wanted
    # At each kill three at most were under way.
    assert sum(graded(tmp_path / "out").values()) <= 300 + 20 * 3
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send to a process there")
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(submissions: Path, tmp_path: Path) -> None:
    process = start(submissions, tmp_path / "out", 0.3)
    wait_for(tmp_path / "out", 5, process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "the same command goes on from there" in output
    assert not (tmp_path / "out" / "scores.csv").exists()
    before = graded(tmp_path / "out")
    assert finish(submissions, tmp_path / "out").count("\n") == 26
    assert sum((graded(tmp_path / "out") - before).values()) < 24
