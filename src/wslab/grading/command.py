"""What `wslab grade` does: a progress bar around a batch, then the reports, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from wslab.errors import LabError
from wslab.grading import running
from wslab.grading.batch import Batch, Selection, grade_all
from wslab.grading.intake.roster import read_roster
from wslab.grading.ledger import FILE as LEDGER
from wslab.grading.marks import FILE as RULES
from wslab.grading.marks import read_rules
from wslab.grading.plain import plain
from wslab.grading.reports import class_page, feedback, scores, writing, written_answers
from wslab.grading.reports.feedback import speaking
from wslab.language import LANGUAGES, Text, current_language

ROSTER = Path("course", "roster.csv")
"""Where the class list is looked for, in the course's folder."""

_STOPPED = Text(
    en="Stopped. {done} of {of} are finished and kept in {ledger}; the same command goes on from there.",
    tr="Durduruldu. {of} teslimden {done} tanesi bitti ve {ledger} içinde saklandı; aynı komut kaldığı yerden devam "
    "eder.",
)
_DONE = Text(
    en="Graded: {graded}. Kept from before: {kept}. Not graded: {problems}. Rows: {all}, people: {people}.",
    tr="Puanlanan: {graded}. Önceden kalan: {kept}. Puanlanamayan: {problems}. Satır: {all}, kişi: {people}.",
)
_LOOK = Text(
    en="Look at {class_page}; the points are in {scores}, a page for each student in {feedback}.",
    tr="{class_page} sayfasına bakın; puanlar {scores}, her öğrencinin sayfası {feedback} içinde.",
)
_CANT_WRITE = Text(
    en="{path} can't be written ({why}). The results are kept; close what holds the file and run the same command.",
    tr="{path} yazılamıyor ({why}). Sonuçlar saklandı; dosyayı tutan programı kapatıp aynı komutu çalıştırın.",
)
_NO_LANGUAGE = Text(
    en="{language!r} is not an edition of this course; write one of {known}.",
    tr="{language!r} bu kursun bir baskısı değil; şunlardan birini yazın: {known}.",
)


def grade_class(
    submissions: Path,
    out: Path,
    root: Path,
    console: Console,
    *,
    selection: Selection,
    roster: Path | None = None,
    workers: int | None = None,
    dask: str | None = None,
    language: str | None = None,
    grader: running.Grader | None = None,
) -> int:
    """Grade a folder of submissions and write the reports; return the exit status.

    Args:
        submissions: the folder, or a zip.
        out: the folder for results and reports.
        root: the course's folder.
        console: where to show progress.
        selection: which submissions, and how.
        roster: the class list; None for `course/roster.csv`, if there is one.
        workers: how many at a time; None for the kit's own selection.
        dask: the address of a Dask scheduler; None for this machine.
        language: of `class.html` and the remarks in `scores.csv`; None for the current one.
        grader: judges one task; None for the kit's own.

    Returns:
        0 if all that was wanted has been graded, 1 if the grader failed at some, 130 after Ctrl-C.

    Raises:
        LabError: there is nothing to grade, or no place to keep results.
    """
    if language is not None and language not in LANGUAGES:
        raise LabError(_NO_LANGUAGE, language=language, known=", ".join(LANGUAGES))
    if grader is None:
        from wslab.grading.grading import grade

        grader = grade
    listed = roster or root / ROSTER
    people = read_roster(listed) if roster is not None or listed.exists() else None
    rules = read_rules(root / RULES) if (root / RULES).exists() else None
    if rules is not None and rules.best is not None:
        selection = replace(selection, best=rules.best or selection.best)
    written_answers.read_marks(out)  # a mistake in it is told before hours of grading, not after
    at_once = max(1, workers if workers is not None else running.WORKERS)
    open_executor = (lambda: running.local(at_once)) if dask is None else running.on_dask(dask)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    with bar:
        shown = bar.add_task("", total=None)

        def tell(done: int, of: int, name: str) -> None:
            bar.update(shown, completed=done, total=of, description=plain(name, 40))

        try:
            batch = grade_all(
                submissions,
                out,
                root,
                grader,
                open_executor,
                selection=selection,
                roster=people,
                at_once=at_once,
                progress=tell,
            )
        except KeyboardInterrupt:
            task = bar.tasks[0]
            bar.stop()
            _say(console, _STOPPED.format(done=f"{task.completed:g}", of=f"{task.total or 0:g}", ledger=out / LEDGER))
            return 130
    try:
        with speaking(language or current_language()):
            nobodys = writing.write_reports(batch, out, rules, root)
    except OSError as error:
        raise LabError(_CANT_WRITE, path=error.filename or out, why=error.strerror or error) from error
    _say(console, *(str(text) for text in nobodys), *_told(batch, out))
    return 1 if batch.failed else 0


def _told(batch: Batch, out: Path) -> Sequence[str]:
    problems = [(f"{row.student.name}: {row.reason}") for row in batch.rows if row.reason is not None]
    problems += [f"{place}: {reason}" for place, reason in batch.ownerless.items()]
    counts = {
        "all": len(batch.rows) + len(batch.ownerless),
        "people": len({row.student.id for row in batch.rows}),
    }
    lines = [_DONE.format(graded=batch.graded, kept=batch.kept, problems=len(problems), **counts)]
    lines += [f"  {problem}" for problem in problems[:20]]
    if len(problems) > 20:
        lines.append("  …")
    look = _LOOK.format(class_page=out / class_page.FILE, scores=out / scores.FILE, feedback=out / feedback.FOLDER)
    return [*lines, look]


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        # Names of folders and files are strangers' own: none of them moves the cursor.
        console.print(plain(line, 2000), markup=False, highlight=False, soft_wrap=True)
