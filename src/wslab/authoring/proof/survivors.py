"""`wslab check --mutants`: which one-change programs of a right one keep every point."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wslab import yaml
from wslab.authoring.proof import turn_corpus
from wslab.authoring.proof.corpus import EQUIVALENT, corpus_folder, handed_in, solved_cells, submissions
from wslab.authoring.proof.mutating import Mutant, mutants
from wslab.authoring.proof.page import between, inside
from wslab.authoring.proof.proof import judged_turn
from wslab.authoring.proof.turn_corpus import TurnCell
from wslab.grading.grading import earns_all
from wslab.grading.task import Task
from wslab.labs import catalogue
from wslab.labs.lab import Check, Lab
from wslab.labs.notebooks import Cell
from wslab.language import LANGUAGES

if TYPE_CHECKING:
    from rich.console import RenderableType

_ROW = re.compile(r"^\| ([L\d]\d+) (\|.*\|)$", re.MULTILINE)
BEGIN, END = "<!-- mutants: written by wslab check --mutants --write -->", "<!-- end of mutants -->"
SOLUTION = "solution"
AT_ONCE = 8
"""How many mutants are judged at a time, for each core: most of the time their checks wait."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that kept every point.

    Attributes:
        program: of which right program: `"solution"`, or a name in the corpus.
        mutant: the changed program.
        reason: why it may keep them, from `equivalent.yml`; empty where nothing is said.
    """

    program: str
    mutant: Mutant
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """What became of the mutants of a lab.

    Attributes:
        lab: the lab's number.
        count: how many there were.
        survivors: those that kept every point.
        stale: entries of `equivalent.yml` that no surviving mutant needs.
        seconds: how long it took.
    """

    lab: str
    count: int
    survivors: tuple[Survivor, ...]
    stale: tuple[str, ...]
    seconds: float = field(compare=False)

    @property
    def unexplained(self) -> tuple[Survivor, ...]:
        """The survivors without a reason: the checks miss what they change."""
        return tuple(one for one in self.survivors if not one.reason)

    @property
    def ok(self) -> bool:
        """Whether each mutant lost a point or has a reason, and each reason is needed."""
        return not self.unexplained and not self.stale

    def __str__(self) -> str:
        lost = self.count - len(self.survivors)
        lines = [
            f"{self.lab}: {self.count} mutants, {lost} lose a point, {len(self.survivors) - len(self.unexplained)} are "
            f"listed as equivalent, {len(self.unexplained)} survive ({self.seconds:.0f} s)"
        ]
        lines += [f"  {one.program}: {one.mutant}" for one in self.unexplained]
        lines += [f"  {EQUIVALENT}: no surviving mutant is this: {change}" for change in self.stale]
        return "\n".join(lines)


@dataclass(frozen=True)
class Scores:
    """The scores of several labs, for a terminal."""

    labs: tuple[Score, ...]

    @property
    def ok(self) -> bool:
        """Whether every lab's is."""
        return all(score.ok for score in self.labs)

    def written_into(self, page: str) -> str:
        """A page of the documentation with this table; the rows of other labs stay as they are."""
        rows = {row[0]: row[1] for row in _ROW.findall(inside(page, BEGIN, END))}
        for one in self.labs:
            listed = len(one.survivors) - len(one.unexplained)
            lost = one.count - len(one.survivors)
            rows[one.lab] = f"| {one.count} | {lost} | {listed} | {len(one.unexplained)} |"
        lines = ["| lab | mutants | lose a point | equivalent | survive |", "| --- | ---: | ---: | ---: | ---: |"]
        return between(page, BEGIN, "\n".join([*lines, *(f"| {lab} {rows[lab]}" for lab in sorted(rows)), ""]), END)

    def __rich__(self) -> RenderableType:
        from rich.text import Text as Line

        return Line("\n".join(map(str, self.labs)), style="green" if self.ok else "red")


class BadReasons(ValueError):
    """`equivalent.yml` is not a list of changes, each with its reason."""


def score(lab: Lab, root: Path, *, right: bool = False, workers: int | None = None) -> Score:
    """Judge every mutant of a lab as `wslab grade` judges a submission, up to the first point that it loses.

    Args:
        lab: the lab.
        root: the course's folder, with `solutions/` and `course/labs/corpus/`.
        right: whether the programs of the corpus that are known to be right are changed, too.
        workers: how many are judged at a time; None for eight a core.

    Raises:
        BadReasons: the lab's list of equivalent mutants is damaged.
    """
    begun = time.perf_counter()
    reasons = read_reasons(corpus_folder(root) / lab.number / EQUIVALENT)
    programs = list(_programs(lab, root, right))

    jobs = [(name, mutant, task) for name, cells, at in programs for mutant, task in _tasks(lab, cells, at)]
    with ThreadPoolExecutor(workers or AT_ONCE * (os.cpu_count() or 1)) as pool:
        kept = [job for job, keeps in zip(jobs, pool.map(earns_all, (task for *_, task in jobs)), strict=True) if keeps]
    survivors = [Survivor(name, mutant, reasons.get(str(mutant), "")) for name, mutant, _ in kept]
    used = {str(one.mutant) for one in survivors}
    # Without the other right programs it is not known whether an entry is about one of them.
    stale = [change for change in reasons if change not in used] if right else []
    return Score(lab.number, len(jobs), tuple(survivors), tuple(stale), time.perf_counter() - begun)


def _of_the_learner(cell: TurnCell) -> list[Mutant]:
    """The mutants of what a learner writes: what changes the given lines would change the stub as well."""
    given = {str(mutant) for mutant in mutants(cell.stub)}
    return [mutant for mutant in mutants(cell.solved) if str(mutant) not in given]


def turn_score(unit: Lab, root: Path, *, workers: int | None = None) -> Score:
    """Judge every mutant of the solutions of a unit's turns, in this process.

    Args:
        unit: the turns.
        root: the course's folder.
        workers: how many are judged at a time; None for eight a core.

    Raises:
        BadLines: the unit's list of equivalent mutants is damaged.
    """
    begun = time.perf_counter()
    lines = turn_corpus.corpus_of(unit.number, corpus_folder(root))
    jobs = [
        (cell, check, mutant)
        for cell in turn_corpus.turn_cells(root).get(unit.number, ())
        if (check := unit.check(cell.name)) is not None
        for mutant in _of_the_learner(cell)
    ]

    def passes(job: tuple[TurnCell, Check, Mutant]) -> bool:
        cell, check, mutant = job
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            try:
                (verdict,) = runner.run(judged_turn(unit, check, cell.setup, mutant.source))
            except Exception:  # a program that cannot be run does not pass
                return False
        return verdict.passed

    with ThreadPoolExecutor(workers or AT_ONCE * (os.cpu_count() or 1)) as pool:
        kept = [job for job, keeps in zip(jobs, pool.map(passes, jobs), strict=True) if keeps]
    reasons = {name: known.equivalent for name, known in lines.items()}
    survivors = [
        Survivor(cell.name, mutant, reasons.get(cell.name, {}).get(str(mutant), "")) for cell, _, mutant in kept
    ]
    # A mutant that only waits longer passes on a busy machine and not on a quiet one, so its reason may go unused.
    there = {(cell.name, str(mutant)) for cell, _, mutant in jobs}
    stale = [
        f"{name}: {change}" for name, changes in reasons.items() for change in changes if (name, change) not in there
    ]
    return Score(unit.number, len(jobs), tuple(survivors), tuple(stale), time.perf_counter() - begun)


def scores(only: Iterable[str] | None, root: Path, *, right: bool = False, workers: int | None = None) -> Scores:
    """`score()` of several labs.

    Args:
        only: numbers of labs, and of units for their turns; all of the labs if left out.
        root: the course's folder.
        right: as for `score()`.
        workers: as for `score()`.

    Raises:
        LabError: there is no such lab.
        BadReasons: as for `score()`.
    """
    units = catalogue.turns()
    found = [units[name] if name in units else catalogue.find(name)[0] for name in only or catalogue.labs()]
    return Scores(
        tuple(
            turn_score(one, root, workers=workers) if one.turns else score(one, root, right=right, workers=workers)
            for one in found
        )
    )


def read_reasons(path: Path) -> dict[str, str]:
    """The reason of each mutant that may keep every point, by the mutant as it is written.

    Raises:
        BadReasons: the file is not a list of mappings with `change` and `why`.
    """
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"))
        for node in () if root is None else yaml.items(root, path.name):
            fields = yaml.Fields(node, "an entry")
            change, why = (yaml.raw(fields.need(name)) for name in ("change", "why"))
            fields.finish()
            if not change.strip() or not why.strip():
                raise yaml.Wrong(node, "an entry says which change and why")
            found[change] = " ".join(why.split())
    except yaml.Wrong as wrong:
        raise BadReasons(str(wrong.problem(path))) from wrong
    return found


def _programs(lab: Lab, root: Path, right: bool) -> Iterator[tuple[str, Sequence[Cell], int]]:
    """Each right program: its name, its cells, and which of them makes the app."""
    cells, at = solved_cells(lab, root)
    yield SOLUTION, cells, at
    if right:
        for one in submissions(lab.number, corpus_folder(root)):
            if one.expected.right:
                yield one.name, [*cells[:at], Cell(one.source), *cells[at + 1 :]], at


def _tasks(lab: Lab, cells: Sequence[Cell], at: int) -> Iterator[tuple[Mutant, Task]]:
    for mutant in mutants(cells[at].solved):
        run = handed_in(cells, at, mutant.source)
        yield mutant, Task(student="mutant", lab=lab.number, language=LANGUAGES[0], cells=run)
