"""Marks and feedback in the forms that Moodle and Canvas take back.

Moodle: the grading worksheet of an assignment (*Upload grading worksheet*; columns as in Moodle's
`mod/assign/feedback/offline`: it looks for `Identifier`, `Grade` and `Last modified (grade)`), and a zip for *Upload
multiple feedback files in a zip* (`mod/assign/feedback/file/importziplib.php`: a folder
`name_number_assignsubmission_file_`). For the whole course a CSV for *Grades > Import*
(`grade/import/csv/classes/load_data.php`: a column says who it is by e-mail address, ID number or user name, and
somebody unknown or without it stops the import; an empty cell is no grade).

Canvas: the CSV of its gradebook (`lib/gradebook_importer.rb`: `Student`, `ID`, `SIS User ID`, `SIS Login ID`,
`Section`, then an assignment a column, and a row of points possible), and a zip for *Upload submissions* (files keep
the `name_userid_attachmentid_` of the download).
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence

from wslab.grading.batch import Batch, Row
from wslab.grading.intake.whose import Named, export_prefix, exported
from wslab.grading.marks import Rules, Total
from wslab.grading.reports import feedback
from wslab.grading.reports.scores import guarded
from wslab.labs.lab import Lab

TOTALS = "totals.csv"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def totals_csv(totals: Sequence[Total]) -> str:
    """A row a student: the mark of each lab, the total in percent, and how these came about."""
    numbers = list(totals[0].marks) if totals else []
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["student_id", "last_name", "first_name", "email", "section", *numbers, "total_percent", "how"])
    for one in totals:
        own = one.student
        how = [f"{lab}: {'; '.join(map(str, mark.how))}" for lab, mark in one.marks.items()]
        cells = [own.id, own.last_name, own.first_name, own.email, own.section]
        points = [_number(mark.points) for mark in one.marks.values()]
        said = guarded(" · ".join([*how, *map(str, one.how)]))
        writer.writerow([*map(guarded, cells), *points, _number(one.percent), said])
    return file.getvalue()


def for_gradebooks(batch: Batch, totals: Sequence[Total], rules: Rules) -> dict[str, str | bytes]:
    """The files for Moodle and Canvas, by their place in the results; none for an origin that no row has."""
    files: dict[str, str | bytes] = {}
    marks = {one.student.id: one for one in totals}
    canvas: list[Row] = []
    for lab in batch.labs:
        rows = [row for row in batch.rows if row.lab is lab]
        moodle = [row for row in rows if _origin(row) == "moodle"]
        if moodle:
            files[f"moodle/{lab.slug}-grades.csv"] = _moodle_worksheet(lab, moodle, marks, rules)
            files[f"moodle/{lab.slug}-feedback.zip"] = _feedback(moodle, "/")
        here = [row for row in rows if _origin(row) == "canvas"]
        if here:
            files[f"canvas/{lab.slug}-feedback.zip"] = _feedback(here, "")
        canvas += here
    if not canvas and (course := _moodle_gradebook(batch, totals, rules)):
        files["moodle/gradebook.csv"] = course
    if canvas:
        files["canvas/grades.csv"] = _canvas_gradebook(batch, canvas, marks, rules)
    return files


def _moodle_worksheet(lab: Lab, rows: Iterable[Row], marks: Mapping[str, Total], rules: Rules) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)", "Feedback comments"])
    for row in rows:
        named = _named(row)
        mark = marks[row.student.id].marks.get(lab.number)
        graded = mark is not None and (row.result is not None or bool(mark.points))
        points = _number(mark.points) if mark is not None and graded else ""
        said = "; ".join(str(one) for one in mark.how) if mark is not None and graded else str(row.reason or "")
        name = guarded(named.name)
        most = _number(rules.most_points(lab))
        writer.writerow([f"Participant {named.number}", name, points, most, "-", guarded(said)])
    return file.getvalue()


def _moodle_gradebook(batch: Batch, totals: Sequence[Total], rules: Rules) -> str:
    """All labs of the people on the roster; empty where it says of nobody what Moodle knows them by."""
    listed = [one for one in totals if one.student.origin == "roster"]
    by_mail = [one for one in listed if one.student.email]
    by_id = [one for one in listed if one.student.id != one.student.email]
    people = max(by_mail, by_id, key=len)
    if not people:
        return ""
    known = {
        "ID number": all(one.student.id != one.student.email for one in people),
        "Email address": all(one.student.email for one in people),
    }
    columns = list(batch.labs)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    titles = [rules.labs[lab.number].moodle if lab.number in rules.labs else "" for lab in columns]
    head = ["First name", "Last name", *(name for name, there in known.items() if there)]
    writer.writerow([*head, *(title or lab.slug for title, lab in zip(titles, columns, strict=True))])
    counts = _counting(batch)
    for one in people:
        own = one.student
        who = [guarded(own.first_name), guarded(own.last_name)]
        who += [cell for cell, there in zip((own.id, own.email), known.values(), strict=True) if there]
        writer.writerow([*who, *(counts(one, lab) for lab in columns)])
    return file.getvalue()


def _counting(batch: Batch) -> Callable[[Total, Lab], str]:
    """What a lab counts for somebody as a cell; empty where nothing was graded, and nothing set by hand."""
    graded = {(row.student.id, row.lab.number) for row in batch.rows if row.lab is not None and row.result is not None}

    def cell(total: Total, lab: Lab) -> str:
        mark = total.marks.get(lab.number)
        if mark is None or not ((total.student.id, lab.number) in graded or mark.points):
            return ""
        return _number(mark.points)

    return cell


def _canvas_gradebook(batch: Batch, rows: Iterable[Row], marks: Mapping[str, Total], rules: Rules) -> str:
    columns = list(batch.labs)
    titles = [rules.labs[lab.number].canvas if lab.number in rules.labs else "" for lab in columns]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    writer.writerow([*head, *(title or lab.slug for title, lab in zip(titles, columns, strict=True))])
    writer.writerow(["    Points Possible", "", "", "", "", *(_number(rules.most_points(lab)) for lab in columns)])
    counts = _counting(batch)
    for id, row in sorted({row.student.id: row for row in rows}.items()):
        own = row.student
        points = [counts(marks[id], lab) for lab in columns]
        writer.writerow([guarded(own.name), _named(row).number, "", "", guarded(own.section), *points])
    return file.getvalue()


def _feedback(rows: Iterable[Row], between: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for row in rows:
            prefix = export_prefix(row.exported)
            page = feedback.feedback_html(row.student, [row], row.language)
            archive.writestr(
                zipfile.ZipInfo(f"{prefix}{between}feedback.html", _EPOCH), page.encode("utf-8", "replace")
            )
    return file.getvalue()


def _named(row: Row) -> Named:
    named = exported(row.exported)
    return Named("", "", "") if named is None else named


def _origin(row: Row) -> str:
    return _named(row).origin


def _number(value: float) -> str:
    return f"{round(value, 2):g}"
