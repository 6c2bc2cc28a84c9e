"""A folder of submissions, from intake to the rows of a report: the order of steps that are modules of their own."""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from wslab.errors import LabError
from wslab.grading import running
from wslab.grading.assembly import Assembled, assemble
from wslab.grading.intake.submissions import Handed, Intake, stumbled, take_in
from wslab.grading.intake.whose import Student
from wslab.grading.ledger import Ledger, fingerprint, kit_version
from wslab.grading.task import Limits, Result, Task
from wslab.labs import notebooks
from wslab.labs.catalogue import labs
from wslab.labs.lab import Lab
from wslab.language import LANGUAGES, Text

_NO_FOLDER = Text(
    en="There is no folder or zip {path}.",
    tr="{path} adlı bir klasör ya da zip yok.",
)
_NOTHING = Text(
    en="No notebook was found in {path}. Wanted: a folder with one folder for each student, nbgrader's submitted/, "
    "or what Moodle or Canvas export.",
    tr="{path} içinde not defteri bulunamadı. Beklenen: her öğrenci için bir klasörün olduğu bir klasör, nbgrader'ın "
    "submitted/ klasörü ya da Moodle veya Canvas'ın dışa aktardığı dosyalar.",
)
_NO_SOLUTION = Text(
    en="The solution of {lab} is not here ({path}); run wslab grade in the course's folder.",
    tr="{lab} çözümü burada yok ({path}); wslab grade komutunu kursun klasöründe çalıştırın.",
)
_NOT_YET = Text(
    en="Not graded yet.",
    tr="Henüz puanlanmadı.",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One lab of one student in the reports.

    Attributes:
        student: whose it is.
        lab: which lab; None where nobody knows.
        language: of the notebook that was handed in.
        timestamp: when it was handed in, in UTC; empty where nobody knows.
        place: where it was.
        result: what became of it; None where it could not be graded.
        reason: why there is no result; None where there is one.
        remarks: what else there is to say.
    """

    student: Student
    lab: Lab | None
    language: str = LANGUAGES[0]
    timestamp: str = ""
    place: str = ""
    result: Result | None = None
    reason: Text | None = None
    remarks: tuple[Text, ...] = ()

    @property
    def notes(self) -> tuple[Text, ...]:
        """Everything there is to say: the reason, the remarks, the grader's own notes."""
        own = self.result.notes if self.result is not None else ()
        return ((self.reason,) if self.reason is not None else ()) + self.remarks + own


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of a folder of submissions.

    Attributes:
        rows: one a student and lab, in that order.
        ownerless: what nobody can be named for, by place.
        progress: by student, the bytes of the progress file that was handed in.
        graded: how many were judged in this run.
        kept: how many results were there already.
        failed: how many were to be judged, and could not be.
    """

    rows: tuple[Row, ...]
    ownerless: Mapping[str, Text] = field(default_factory=dict)
    progress: Mapping[str, bytes] = field(default_factory=dict)
    graded: int = 0
    kept: int = 0
    failed: int = 0

    @property
    def labs(self) -> tuple[Lab, ...]:
        """The labs that were handed in."""
        numbers = {row.lab.number for row in self.rows if row.lab is not None}
        return tuple(lab for number, lab in labs().items() if number in numbers)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is judged in a run.

    Attributes:
        only: `"ayse/L1"`, `"ayse"`, `"L1"`, with `*` and `?`; everything if empty.
        regrade: whether what has a result is judged again.
        limits: what each submission may use up.
        require_sandbox: whether to refuse where a submission can't be kept apart.
    """

    only: tuple[str, ...] = ()
    regrade: bool = False
    limits: Limits = field(default_factory=Limits)
    require_sandbox: bool = False

    def wants(self, student: Student, lab: str) -> bool:
        """Whether a submission is among those that are to be judged."""
        names = [student.id.casefold(), student.name.casefold()]
        wholes = [*names, lab.casefold(), *(f"{name}/{lab.casefold()}" for name in names)]
        return not self.only or any(
            fnmatch.fnmatchcase(whole, pattern.casefold()) for pattern in self.only for whole in wholes
        )


def grade_all(
    submissions: Path,
    out: Path,
    root: Path,
    grader: running.Grader,
    open_executor: running.Open,
    *,
    selection: Selection = Selection(),
    at_once: int = running.WORKERS,
    progress: Callable[[int, int, str], None] = lambda done, of, name: None,
) -> Batch:
    """Grade what was dropped, and keep each result in `out` as it arrives.

    Args:
        submissions: the folder, or a zip.
        out: the folder for the results.
        root: the course's folder, which has `solutions/`.
        grader: judges one task.
        open_executor: where it runs.
        selection: which submissions, and how.
        at_once: how many at a time.
        progress: is told after each one how many are done, of how many, and which it was.

    Raises:
        LabError: there is nothing to grade, or no place to keep results.
        KeyboardInterrupt: Ctrl-C; what was finished is kept.
    """
    if not submissions.exists():
        raise LabError(_NO_FOLDER, path=submissions)
    taken = take_in(submissions)
    if not taken.handed and not taken.problems:
        raise LabError(_NOTHING, path=submissions)
    ledger = Ledger(out)
    kit = kit_version()
    rows: dict[tuple[str, str], Row] = {}
    prints: dict[tuple[str, str], str] = {}
    tasks: list[Task] = []
    spoiled = 0
    for handed in taken.handed:
        key = (handed.student.id, handed.lab)
        wanted = selection.wants(handed.student, handed.lab)
        solution = _solution(root, handed)
        try:
            assembled = assemble(handed.notebook.cells, solution)
            task = _task(handed, assembled, selection)
            prints[key] = fingerprint(task, kit)
        except Exception as error:  # one submission must not end the run of a class
            rows[key] = _row(handed, handed.remarks, reason=stumbled(error))
            spoiled += wanted
            continue
        kept = ledger.get(*key, prints[key])
        reason = None if kept is not None else _NOT_YET
        rows[key] = _row(handed, handed.remarks + assembled.remarks, result=kept, reason=reason)
        if (kept is None or selection.regrade) and wanted:
            tasks.append(task)
    kept_ones = sum(row.result is not None for row in rows.values()) - sum(
        rows[task.student, task.lab].result is not None for task in tasks
    )
    failed: list[Task] = []

    def done(task: Task, outcome: Result | Text) -> None:
        key = (task.student, task.lab)
        if isinstance(outcome, Result):
            ledger.put(prints[key], outcome)
            rows[key] = replace(rows[key], result=outcome, reason=None)
        else:
            failed.append(task)
            rows[key] = replace(rows[key], result=None, reason=outcome)
        finished.append(task)
        progress(len(finished), len(tasks), f"{rows[key].student.name} · {task.lab}")

    finished: list[Task] = []
    progress(0, len(tasks), "")
    if tasks:
        running.run(tasks, grader, open_executor, done, at_once=at_once)
    whole, ownerless = _with_problems(rows, taken)
    return Batch(whole, ownerless, taken.progress, len(finished) - len(failed), kept_ones, len(failed) + spoiled)


def _solution(root: Path, handed: Handed) -> tuple[notebooks.Cell, ...]:
    lab = handed.notebook.lab
    for language in (handed.notebook.language, *LANGUAGES):
        with contextlib.suppress(OSError, ValueError):
            return notebooks.code_cells(notebooks.path_of(root, lab, "solutions", language))
    path = notebooks.path_of(root, lab, "solutions", handed.notebook.language)
    raise LabError(_NO_SOLUTION, lab=lab.number, path=path)


def _row(handed: Handed, remarks: tuple[Text, ...], *, result: Result | None = None, reason: Text | None) -> Row:
    notebook = handed.notebook
    return Row(handed.student, notebook.lab, notebook.language, handed.timestamp, handed.place, result, reason, remarks)


def _task(handed: Handed, assembled: Assembled, selection: Selection) -> Task:
    return Task(
        handed.student.id,
        handed.lab,
        handed.notebook.language,
        assembled.cells,
        selection.limits,
        selection.require_sandbox,
        handed.files,
    )


def _with_problems(rows: Mapping[tuple[str, str], Row], taken: Intake) -> tuple[tuple[Row, ...], Mapping[str, Text]]:
    """What can't be graded gets a row of its own, or is a remark where the student has handed in that lab as well."""
    whole = dict(rows)
    ownerless: dict[str, Text] = {}
    for problem in taken.problems:
        if problem.student is None:
            ownerless[problem.place] = problem.reason
            continue
        key = (problem.student.id, problem.lab)
        said = Text(**{code: f"{problem.place}: {problem.reason.into(code)}" for code in LANGUAGES})
        if key in whole:
            whole[key] = replace(whole[key], remarks=(*whole[key].remarks, said))
        else:
            whole[key] = Row(
                problem.student, labs().get(problem.lab), place=problem.place, reason=problem.reason, remarks=()
            )
    return tuple(whole[key] for key in sorted(whole)), ownerless


def languages_of(rows: Iterable[Row]) -> dict[str, str]:
    """The language of each student's page: that of the first lab that was handed in."""
    found: dict[str, str] = {}
    for row in rows:
        if row.result is not None:
            found.setdefault(row.student.id, row.language)
    for row in rows:
        found.setdefault(row.student.id, row.language)
    return found
