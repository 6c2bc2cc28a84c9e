"""One submission, from its cells to its verdicts."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import sys
import time
from collections.abc import Sequence

from wslab.grading.isolation import sandbox
from wslab.grading.isolation.isolated import Isolated
from wslab.grading.isolation.sandbox import Start
from wslab.grading.task import Result, Task
from wslab.labs import catalogue, general
from wslab.labs.judging import judge_app, not_run
from wslab.labs.lab import Check, Lab
from wslab.labs.verdict import Verdict, earned
from wslab.language import Text, filled

_LATE = Text(
    en="The submission was ended after {seconds:g} s, the most that one may take.",
    tr="Teslim, bir teslimin alabileceği en uzun süre olan {seconds:g} saniyenin sonunda durduruldu.",
)

if importlib.util.find_spec("sniffio") is None:
    # httpcore tries to import it at each connection: some fifty searches of the whole path for each submission, which
    # took a fifth of the judge's processor time.
    sys.modules["sniffio"] = None  # type: ignore[assignment]


def grade(task: Task, *, start: Start | None = None) -> Result:
    """Run a submission in a process of its own and judge it from this one.

    Nothing is raised because of the submission. Safe in several threads and processes at once.

    Args:
        task: what to run.
        start: how its process is started; by whatever is quickest here, if left out. It has no say in the points.

    Raises:
        Refused: the task asks for a sandbox and there is none here.
        LabError: there is no such lab.
    """
    begun = time.perf_counter()
    lab = catalogue.find(task.lab)[0]
    if task.require_sandbox:
        sandbox.require()
    notes: list[Text] = []
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        verdicts = runner.run(_graded(task, lab, notes, start))
    return Result(
        student=task.student,
        lab=lab.number,
        verdicts=tuple(verdicts),
        protections=sandbox.protections(),
        notes=tuple(notes),
        seconds=time.perf_counter() - begun,
    )


def earns_all(task: Task) -> bool:
    """Whether a submission earns every point: it is judged as by `grade()`, up to the first check that takes one.

    Args:
        task: what to run.

    Raises:
        LabError: there is no such lab.
    """
    lab = catalogue.find(task.lab)[0]
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        verdicts = runner.run(_graded(task, lab, [], None, until_one_is_lost=True))
    return earned(verdicts) == lab.points


async def _graded(
    task: Task, lab: Lab, notes: list[Text], start: Start | None, *, until_one_is_lost: bool = False
) -> list[Verdict]:
    graded = [check for check in lab.checks if check.points]
    found: dict[str, Verdict] = {}
    try:
        async with asyncio.timeout(task.limits.seconds):
            for variable, checks in _by_app(graded).items():
                several = checks[0].processes
                venue = Isolated(task.cells, variable, task.language, task.limits, start, task.files, processes=several)
                try:
                    async with contextlib.aclosing(judge_app(lab, checks, venue)) as verdicts:
                        async for verdict in verdicts:
                            found[verdict.check] = verdict
                            if until_one_is_lost and verdict.points < verdict.max:
                                return list(found.values())
                finally:
                    venue.close()
                    notes += [note for note in venue.notes if note not in notes]
    except TimeoutError:
        late = filled(_LATE, seconds=task.limits.seconds)
        notes.append(late)
        for check in graded:
            found.setdefault(check.name, not_run(lab, check, general.TOO_LONG, late, seconds=task.limits.seconds))
    return [found[check.name] for check in graded]


def _by_app(checks: Sequence[Check]) -> dict[str, list[Check]]:
    """The checks by the name of the app that they judge."""
    groups: dict[str, list[Check]] = {}
    for check in checks:
        groups.setdefault(check.app, []).append(check)
    return groups
