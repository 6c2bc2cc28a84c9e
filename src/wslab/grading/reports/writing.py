"""Everything that an instructor finds in `--out` after a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from wslab.grading.batch import Batch, Row, languages_of
from wslab.grading.marks import Rules, totals
from wslab.grading.reports import alike_page, class_page, feedback, gradebooks, handed_progress, scores, written_answers
from wslab.language import Text, filled

_MARK = Text(en="Mark: {how}", tr="Not: {how}")
_WRITTEN = Text(en="Written answers, to read and mark", tr="Okunup değerlendirilecek yazılı yanıtlar")
_ALIKE = Text(en="Programs that are alike", tr="Benzeyen programlar")


def write_reports(batch: Batch, out: Path, rules: Rules | None = None, root: Path | None = None) -> tuple[Text, ...]:
    """Write scores, totals, the pages, each student's feedback, and what Moodle and Canvas take back.

    What is for the instructor is in the current language.

    Args:
        batch: what came of the submissions.
        out: the folder; what it holds of an earlier run is written over.
        rules: how points become marks; None where the instructor has none.
        root: the course's folder; without it there is no page of written answers and none of programs that are alike.

    Returns:
        What the rules say of somebody who is not there.

    Raises:
        OSError: it can't be written.
        LabError: the table of written answers can't be read.
    """
    given = written_answers.read_marks(out)
    _, nobodys = (rules or Rules()).by_id(row.student for row in batch.rows)
    marked = totals(batch, rules or Rules(), given.points)
    batch = replace(batch, rows=tuple(_with_comments(row, given) for row in batch.rows))
    if rules is not None:
        how = {(one.student.id, lab): mark.how for one in marked for lab, mark in one.marks.items()}
        batch = replace(batch, rows=tuple(_with_mark(row, how) for row in batch.rows))
    languages = languages_of(batch.rows)
    names = feedback.file_names(languages)
    by_student: dict[str, list[Row]] = {}
    for row in batch.rows:
        by_student.setdefault(row.student.id, []).append(row)
    for id, rows in by_student.items():
        own, language = rows[0].student, languages[id]
        base = out / feedback.FOLDER / names[id]
        scores.write(base.with_name(f"{base.name}.html"), feedback.feedback_html(own, rows, language))
        scores.write(base.with_name(f"{base.name}.md"), feedback.feedback_markdown(own, rows, language))
    _clear(out / feedback.FOLDER, names)
    told = {student: handed_progress.read(data) for student, data in batch.progress.items()}
    pages: dict[str, Text] = {}
    if root is not None:
        scores.write(out / written_answers.PAGE, written_answers.answers_html(batch, given, root))
        scores.write(out / written_answers.TABLE, written_answers.table_csv(batch, given))
        scores.write(out / alike_page.FILE, alike_page.alike_html(batch, root))
        pages = {written_answers.PAGE: _WRITTEN, alike_page.FILE: _ALIKE}
    scores.write(out / class_page.FILE, class_page.class_html(batch, told, names, root, pages, nobodys))
    scores.write(out / gradebooks.TOTALS, gradebooks.totals_csv(marked))
    for place, data in gradebooks.for_gradebooks(batch, marked, rules or Rules()).items():
        scores.write(out / place, data)
    # Last, so that whoever waits for it finds the rest in place.
    scores.write(out / scores.FILE, scores.scores_csv(batch))
    return nobodys


def _clear(folder: Path, names: Mapping[str, str]) -> None:
    """Remove the page of an earlier run whose name two students now have: it would say old things to both."""
    current = {name.casefold() for name in names.values()}
    for bare in {feedback.bare_name(student) for student in names}:
        if bare and bare.casefold() not in current:
            for suffix in (".html", ".md"):
                (folder / f"{bare}{suffix}").unlink(missing_ok=True)


def _with_mark(row: Row, how: Mapping[tuple[str, str], tuple[Text, ...]]) -> Row:
    steps = how.get((row.student.id, row.lab.number), ()) if row.lab is not None else ()
    return replace(row, remarks=(*row.remarks, *(filled(_MARK, how=step) for step in steps)))


def _with_comments(row: Row, given: written_answers.Marks) -> Row:
    return replace(row, remarks=(*row.remarks, *written_answers.about(row, given)))
