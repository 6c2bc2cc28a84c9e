"""A real scheduler and two real workers on loopback, one of which is killed in the middle."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.grading.papers import ROOT, fake_grade, hand_in

from wslab.errors import LabError
from wslab.grading import running
from wslab.grading.batch import grade_all
from wslab.grading.task import Result, Task

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

STUDENTS = 16


def slowly(task: Task) -> Result:
    time.sleep(0.2)
    return fake_grade(task)


class Cluster:
    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []
        scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = self._address(scheduler)
        self.workers = [
            self._start(
                "worker", self.address, "--nthreads", "2", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"
            )
            for _ in range(2)
        ]

    def _start(self, *words: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def _address(self, process: subprocess.Popen[str]) -> str:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"tcp://127\.0\.0\.1:\d+", line):
                return found[0]
        pytest.fail("the scheduler did not start")

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    found = Cluster()
    yield found
    found.close()


def test_a_killed_worker_loses_nothing(cluster: Cluster, tmp_path: Path) -> None:
    for number in range(STUDENTS):
        hand_in(tmp_path / "in", f"s{number:02}", more=f"mine = {number}")
    import distributed

    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    reported: list[str] = []

    def killing(done: int, of: int, name: str) -> None:
        reported.append(name)
        if done == 3:
            cluster.workers[0].kill()

    batch = grade_all(
        tmp_path / "in", tmp_path / "out", ROOT, slowly, running.on_dask(cluster.address), progress=killing, at_once=8
    )
    assert batch.graded == STUDENTS
    assert batch.failed == 0
    assert len(reported) == len(set(reported)) == STUDENTS + 1
    assert all(row.result is not None for row in batch.rows)
    alone = grade_all(tmp_path / "in", tmp_path / "alone", ROOT, fake_grade, lambda: running.local(2))
    assert [row.result for row in alone.rows] == [row.result for row in batch.rows]


def test_no_scheduler_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CONNECTING", 0.5)
    hand_in(tmp_path / "in", "ayse")
    with pytest.raises(LabError, match="No Dask scheduler answers"):
        grade_all(tmp_path / "in", tmp_path / "out", ROOT, fake_grade, running.on_dask("tcp://127.0.0.1:1"))
