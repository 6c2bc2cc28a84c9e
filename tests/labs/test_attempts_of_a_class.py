"""Fifty kernels' attempts, written to one progress file by eight processes: nothing is lost."""

from __future__ import annotations

import collections
import multiprocessing
import os
from pathlib import Path

import pytest

from wslab.progress import Store

KERNELS, PROCESSES, ATTEMPTS = 50, 8, 6


def write(job: tuple[str, int]) -> None:
    path, kernel = job
    store = Store(Path(path))
    for number in range(ATTEMPTS):
        store.attempt(f"L{number}", f"kernel-{kernel}", points=number, max=6, verdict="passed")
    store.hint("L1", f"kernel-{kernel}", 1)
    assert store.flush(), str(store.fault)


@pytest.mark.slow
def test_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "progress.sqlite"
    jobs = [(os.fspath(path), kernel) for kernel in range(KERNELS)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        pool.map(write, jobs, chunksize=1)
    kept = Store(path)
    counts = collections.Counter(attempt.check for attempt in kept.attempts())
    assert counts == {f"kernel-{kernel}": ATTEMPTS for kernel in range(KERNELS)}
    assert len(kept.hints()) == KERNELS
