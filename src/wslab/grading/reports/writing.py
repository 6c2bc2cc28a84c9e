"""Everything that an instructor finds in `--out` after a run."""

from __future__ import annotations

from pathlib import Path

from wslab.grading.batch import Batch, Row, languages_of
from wslab.grading.reports import class_page, feedback, scores
from wslab.grading.reports.class_predictions import predictions


def write_reports(batch: Batch, out: Path) -> None:
    """Write `scores.csv`, `class.html` and each student's feedback; the first two in the current language.

    Args:
        batch: what came of the submissions.
        out: the folder; what it holds of an earlier run is written over.

    Raises:
        OSError: it can't be written.
    """
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
    predicted = predictions(batch.progress.values())
    scores.write(out / class_page.FILE, class_page.class_html(batch, predicted, names))
    # Last, so that whoever waits for it finds the rest in place.
    scores.write(out / scores.FILE, scores.scores_csv(batch))
