"""What grading a class costs: `wslab grade` with 2, 8 and 16 workers; `--nbgrader` beside it, `--scale` for 300.

Forty submissions of L1 or L9, honest, wrong, hanging and with syntax errors. nbgrader grades the same forty with the
course's own `nbgrader_config.py`, two processes at once: that takes minutes.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
import psutil
from ledger import measured

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.grading.corpus import Sample, corpus, sample, server_cell  # noqa: E402

from wslab.grading import running  # noqa: E402
from wslab.grading.batch import grade_all  # noqa: E402
from wslab.grading.grading import grade  # noqa: E402
from wslab.labs import catalogue  # noqa: E402
from wslab.labs.deadlines import contention  # noqa: E402

ANSWERS = {"L1": "await websocket.send_text(", "L9": 'await websocket.send_text(f"{last}'}
"""Where an honest submission of a lab answers, and another one hangs."""
NBGRADER_WAITS = 30  # seconds that a cell may take, as nbgrader is shipped


def forty(folder: Path, number: str) -> dict[str, float]:
    """Hand forty submissions in; return what each is worth, by student, or -1 where only agreement is asked for."""
    answers = ANSWERS[number]
    worth: dict[str, float] = {}

    def hand_in(one: Sample, edit: tuple[str, str] | None = None, points: float | None = None) -> None:
        student = f"{'ab'[len(worth) % 2]}-{len(worth):02}"
        notebook = one.notebook
        if edit is not None:
            cell = server_cell(notebook)
            assert edit[0] in cell.source
            here = cell.source.index(edit[0])
            indent = " " * (here - cell.source.rfind("\n", 0, here) - 1)
            cell.source = cell.source.replace(edit[0], edit[1].replace("\n", f"\n{indent}"), 1)
        path = folder / student / one.lab.slug / f"{one.lab.slug}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
        worth[student] = one.score if points is None else points

    known, programs = list(corpus(number))[:4], list(corpus(number))[4:]
    everything = known + programs[:: len(programs) // 14][:14]
    for one in everything:  # the solution, the stub, wrong ones and right ones: 18
        hand_in(one)
    for one in itertools.islice(itertools.cycle(one for one in everything if one.score == one.lab.points), 10):
        hand_in(one)
    solved = sample(number, "solution")
    for _ in range(2):
        hand_in(solved, ("app = FastAPI(", "import time\ntime.sleep(1000)\napp = FastAPI("), 0)  # the cell hangs
        hand_in(solved, (answers, f"import asyncio; await asyncio.sleep(1000)\n{answers}"), -1)
        hand_in(solved, (answers, f"import time; time.sleep(1000)\n{answers}"), -1)  # the loop hangs
    for _ in range(6):
        hand_in(solved, ("app = FastAPI(", "app = FastAPI(("), 0)
    assert len(worth) == 40, len(worth)
    return worth


def by_wslab(submitted: Path, out: Path, workers: int, watch: Mapping[int, str] | None = None) -> dict[str, float]:
    """The points of each student and lab, as `wslab grade` gives them."""
    own = psutil.Process()

    def progress(done: int, of: int, _: str) -> None:
        if watch and done in watch:
            family = [own, *own.children(recursive=True)]
            print(f"  {done} of {of}: {own.memory_info().rss / 1e6:.0f} MB, with its children {_rss(family):.0f} MB")

    batch = grade_all(submitted, out, ROOT, grade, lambda: running.local(workers), at_once=workers, progress=progress)
    return {
        f"{row.student.id}/{row.lab.number if row.lab else ''}": float(row.result.score) if row.result else -1
        for row in batch.rows
    }


def _rss(family: list[psutil.Process]) -> float:
    total = 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total / 1e6


def by_nbgrader(submitted: Path, course: Path, number: str, groups: list[str]) -> dict[str, float]:
    """The points of each student, with one process for each group of students, all at once."""
    for folder in ("solutions", "labs"):
        shutil.copytree(ROOT / folder, course / folder)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    shutil.copytree(submitted, course / "submitted")
    program = str(Path(sys.executable).parent / "nbgrader")
    slug = catalogue.labs()[number].slug
    quiet = {"cwd": course, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([program, "generate_assignment", slug, "--force"], check=True, **quiet)  # type: ignore[call-overload]
    begun = time.perf_counter()
    processes = [
        subprocess.Popen(
            [program, "autograde", slug, f"--student={group}", f"--Execute.timeout={NBGRADER_WAITS}"],
            **quiet,  # type: ignore[call-overload]
        )
        for group in groups
    ]
    for process in processes:
        process.wait()
    took = time.perf_counter() - begun
    subprocess.run([program, "export"], check=True, **quiet)  # type: ignore[call-overload]
    with (course / "grades.csv").open(encoding="utf-8", newline="") as table:
        points = {row["student_id"]: float(row["score"]) for row in csv.DictReader(table)}
    _TOOK[f"nbgrader, {len(groups)} at once"] = took
    return points


_TOOK: dict[str, float] = {}


def load() -> str:
    """How busy the machine is."""
    average = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"others want the processor: {contention():.1f}{average}"


def side_by_side(folder: Path, number: str, nbgrader: bool) -> dict[str, float]:
    """Print how long each takes for the forty, and whether they give the same points; return the seconds."""
    worth = forty(folder / "submitted", number)
    print(f"40 submissions of {number}; {load()}")
    found: dict[str, dict[str, float]] = {}
    for workers in (2, 8, 16):
        name = f"wslab grade, {workers} workers"
        begun = time.perf_counter()
        points = by_wslab(folder / "submitted", folder / f"out-{workers}", workers)
        _TOOK[name] = time.perf_counter() - begun
        found[name] = {student.partition("/")[0]: score for student, score in points.items()}
        print(f"{name:<24}{_TOOK[name]:>8.1f} s", flush=True)
    if nbgrader:
        groups = ["a-*", "b-*"]
        name = f"nbgrader, {len(groups)} at once"
        found[name] = by_nbgrader(folder / "submitted", folder / "course", number, groups)
        print(f"{name:<24}{_TOOK[name]:>8.1f} s; {load()}", flush=True)
        ratio = _TOOK[name] / _TOOK["wslab grade, 16 workers"]
        print(f"wslab grade with 16 workers is {ratio:.1f} times as fast as two nbgrader processes")
    for name, points in found.items():
        wrong = {
            student: points.get(student) for student, due in worth.items() if due >= 0 and points.get(student) != due
        }
        print(f"{name:<24} points as due: {wrong or 'yes'}")
    first = next(iter(found.values()))
    differ = {student for points in found.values() for student in worth if points.get(student) != first.get(student)}
    print(f"the same points by all: {'yes' if not differ else sorted(differ)}")
    mark = "" if number == "L1" else f"{number}_"
    return {f"{mark}{re.sub(r'[^a-z0-9]+', '_', name)}_s": took for name, took in _TOOK.items()}


def scale(folder: Path, workers: int) -> dict[str, float]:
    """Grade 300 submissions of all labs, print how long it takes and how much memory; return the seconds."""
    worth: dict[str, float] = {}
    numbers = catalogue.labs()
    each = 300 // len(numbers)
    for number in numbers:
        for place, one in enumerate(itertools.islice(itertools.cycle(_fairly_mixed(number)), each)):
            student = f"s{place:02}"
            path = folder / "class" / student / f"{one.lab.slug}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(one.notebook, path)
            worth[f"{student}/{number}"] = one.score
    print(f"{len(worth)} submissions of {len(numbers)} labs, {workers} workers; {load()}", flush=True)
    begun = time.perf_counter()
    points = by_wslab(
        folder / "class", folder / "out-scale", workers, dict.fromkeys((50, 100, 150, 200, 250, 300), "x")
    )
    took = time.perf_counter() - begun
    print(f"{took:.0f} s; {load()}")
    wrong = {name: (points.get(name), due) for name, due in worth.items() if points.get(name) != due}
    print(f"points as due: {wrong or 'yes'}")
    return {f"scale_300_{workers}_workers_s": took}


def _fairly_mixed(number: str) -> Iterator[Sample]:
    """As a class hands in: every other one is right."""
    everything = list(corpus(number))
    right = itertools.cycle(one for one in everything if one.score == one.lab.points)
    for one in everything:
        if one.score != one.lab.points:
            yield one
            yield next(right)


def main() -> None:
    """Measure what the command line asks for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--lab", default="L1", choices=ANSWERS, help="whose forty")
    asked.add_argument("--nbgrader", action="store_true", help="nbgrader as well; it takes minutes")
    asked.add_argument("--scale", action="store_true", help="300 submissions of all labs instead")
    asked.add_argument("--workers", type=int, default=16, help="for --scale")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, measured("grading") as figures:
        if wanted.scale:
            figures |= scale(Path(folder), wanted.workers)
        else:
            figures |= side_by_side(Path(folder), wanted.lab, wanted.nbgrader)


if __name__ == "__main__":
    main()
