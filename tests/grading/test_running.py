"""Tasks through executors: each judged once, whatever becomes of a worker."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest
from tests.grading.papers import ROOT, fake_grade, hand_in

from wslab import shipped
from wslab.errors import LabError
from wslab.grading import running
from wslab.grading.batch import Batch, Selection, grade_all
from wslab.grading.ledger import Ledger, fingerprint
from wslab.grading.task import Cell, Limits, Refused, Result, Task
from wslab.language import Text

Done = list[tuple[str, Result | Text]]


def local() -> contextlib.AbstractContextManager[Executor]:
    return running.local(4)


def tasks(count: int) -> list[Task]:
    return [Task(f"s{number}", "L1", "en", (Cell("In[1]", f"x = {number}"),)) for number in range(count)]


def test_every_task_is_done_once_and_no_more_than_asked_at_a_time() -> None:
    under_way: list[str] = []
    most = [0]

    def grader(task: Task) -> Result:
        under_way.append(task.student)
        most[0] = max(most[0], len(under_way))
        try:
            return fake_grade(task)
        finally:
            under_way.remove(task.student)

    done: Done = []
    running.run(tasks(40), grader, local, lambda task, outcome: done.append((task.student, outcome)), at_once=3)
    assert sorted(name for name, _ in done) == sorted(f"s{number}" for number in range(40))
    assert all(isinstance(outcome, Result) for _, outcome in done)
    assert most[0] <= 3


def test_a_grader_that_stumbles_costs_one_row() -> None:
    def grader(task: Task) -> Result:
        if task.student == "s1":
            raise RuntimeError("no {luck}")
        return fake_grade(task)

    done: Done = []
    running.run(tasks(3), grader, local, lambda task, outcome: done.append((task.student, outcome)))
    outcomes = dict(done)
    assert "RuntimeError: no {luck}" in str(outcomes["s1"])
    assert isinstance(outcomes["s0"], Result)
    assert isinstance(outcomes["s2"], Result)


def test_a_refusal_ends_the_run() -> None:
    def grader(task: Task) -> Result:
        raise Refused("no sandbox here")

    with pytest.raises(Refused, match="no sandbox here"):
        running.run(tasks(3), grader, local, lambda task, outcome: None)


def dies_on_s3(task: Task) -> Result:
    if task.student == "s3":
        os._exit(9)
    return fake_grade(task)


@pytest.mark.slow
def test_a_worker_that_dies_takes_nobody_with_it() -> None:
    @contextlib.contextmanager
    def processes() -> Iterator[Executor]:
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
            yield executor

    done: Done = []
    running.run(tasks(6), dies_on_s3, processes, lambda task, outcome: done.append((task.student, outcome)), at_once=4)
    outcomes = dict(done)
    assert sorted(name for name, _ in done) == [f"s{number}" for number in range(6)]
    assert "own process ended" in str(outcomes.pop("s3"))
    assert all(isinstance(outcome, Result) for outcome in outcomes.values())


def test_a_fingerprint_changes_with_what_is_judged_and_how() -> None:
    one = tasks(1)[0]
    assert fingerprint(one, "1") == fingerprint(one, "1")
    others = {
        fingerprint(one, "2"),
        fingerprint(Task("s0", "L1", "en", (Cell("In[1]", "x = 9"),)), "1"),
        fingerprint(Task("s0", "L1", "en", one.cells, Limits(seconds=5)), "1"),
    }
    assert len(others | {fingerprint(one, "1")}) == 4


def test_a_foreign_file_in_the_ledgers_place_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "results.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 20)
    with pytest.raises(LabError, match="damaged"):
        Ledger(tmp_path)


def grade(folder: Path, selection: Selection | None = None) -> tuple[Batch, list[str]]:
    called: list[str] = []

    def grader(task: Task) -> Result:
        called.append(f"{task.student}/{task.lab}")
        return fake_grade(task)

    batch = grade_all(folder / "in", folder / "out", ROOT, grader, local, selection=selection or Selection())
    return batch, sorted(called)


def test_what_is_finished_is_not_run_again_unless_it_changed(tmp_path: Path) -> None:
    for student in ("ayse", "bora"):
        hand_in(tmp_path / "in", student)
        hand_in(tmp_path / "in", student, "L3", "tr")
    first, called = grade(tmp_path)
    assert called == ["ayse/L1", "ayse/L3", "bora/L1", "bora/L3"]
    assert (first.graded, first.kept) == (4, 0)
    again, called = grade(tmp_path)
    assert called == []
    assert (again.graded, again.kept) == (0, 4)
    assert [row.result for row in again.rows] == [row.result for row in first.rows]

    hand_in(tmp_path / "in", "bora", more="y = 2")
    assert grade(tmp_path)[1] == ["bora/L1"]
    assert grade(tmp_path, Selection(limits=Limits(seconds=7), only=("ayse",)))[1] == ["ayse/L1", "ayse/L3"]
    assert grade(tmp_path, Selection(regrade=True, only=("*/l3",)))[1] == ["ayse/L3", "bora/L3"]


def test_only_leaves_the_others_ungraded_and_says_so(tmp_path: Path) -> None:
    for student in ("ayse", "bora"):
        hand_in(tmp_path / "in", student)
    batch, called = grade(tmp_path, Selection(only=("AYSE/L1",)))
    assert called == ["ayse/L1"]
    assert [str(row.reason) for row in batch.rows] == ["None", "Not graded yet."]


def test_nothing_to_grade_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(path: str) -> bytes:
        raise FileNotFoundError(path)

    with pytest.raises(LabError, match="no folder or zip"):
        grade(tmp_path)
    (tmp_path / "in").mkdir()
    with pytest.raises(LabError, match="No notebook was found"):
        grade(tmp_path)
    hand_in(tmp_path / "in", "ayse")
    monkeypatch.setattr(shipped, "solution", nowhere)
    with pytest.raises(LabError, match="in the course's folder"):
        grade_all(tmp_path / "in", tmp_path / "out", tmp_path, fake_grade, local)
