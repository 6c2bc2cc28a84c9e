"""Written answers: a page to read them on, and a table to mark them in, which the next run reads."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from wslab.errors import LabError
from wslab.grading.batch import Batch, Row
from wslab.grading.intake.roster import text_of
from wslab.grading.intake.utf8 import whole
from wslab.grading.reports.feedback import page
from wslab.grading.reports.scores import guarded, unguarded
from wslab.grading.written import BESIDE, Answer, questions
from wslab.labs.notebooks import Written
from wslab.language import Text, current_language, filled, verbatim
from wslab.picture import joined, markup, sentence_html

PAGE, TABLE = "written.html", "written.csv"

_HEADS = ("student_id", "name", "lab", "question", "points", "comment", "answer", "key", "version")
_TITLE = Text(en="Written answers", tr="Yazılı yanıtlar")
_HOW = Text(
    en="To mark them, write points and a comment into {table}, and run the same command again: what stands there "
    "stays. Points count where `course/grading.toml` says what the answers of a lab are worth (`written = 2`).",
    tr="Değerlendirmek için {table} dosyasına puan ve yorum yazın, sonra aynı komutu yeniden çalıştırın. Yazdıklarınız "
    "orada kalır. `course/grading.toml` bir alıştırmanın yanıtlarının kaç puan ettiğini söylüyorsa (`written = 2`) bu "
    "puanlar nota katılır.",
)
_LAB = Text(en="{lab} · {title}", tr="{lab} · {title}")
_QUESTION = Text(en="The question", tr="Soru")
_MODEL = Text(en="The lab's own answer", tr="Alıştırmanın kendi yanıtı")
_BESIDE = Text(en="Text in cells of their own", tr="Kendi hücrelerine yazdıkları")
_NOTHING = Text(en="Nothing written: {names}.", tr="Bir şey yazmayanlar: {names}.")
_MARKED = Text(en="Points: {points}. {comment}", tr="Puan: {points}. {comment}")
_CHANGED = Text(
    en="The written answer to `{question}` has changed since it was marked.",
    tr="`{question}` sorusunun yazılı yanıtı, değerlendirildikten sonra değişmiş.",
)
_NO_NUMBER = Text(
    en="{path}:{line}: points are a number from 0 to 1000, and here stands {value!r}.",
    tr="{path}:{line}: puan 0 ile 1000 arasında bir sayıdır; burada yazan: {value!r}.",
)
_NO_TABLE = Text(
    en="{path} can't be read as the table of written answers ({why}). Move it away, and it is written anew.",
    tr="{path} yazılı yanıtlar tablosu olarak okunamıyor ({why}). Başka yere taşıyın, yenisi yazılır.",
)

_CSS = """
.wslab-page article{border-left:4px solid var(--rule);padding:2px 12px;margin:12px 0}
.wslab-page h4{font-size:16px;margin:4px 0}
.wslab-page .words{white-space:pre-wrap;overflow-wrap:anywhere;max-width:46em}
.wslab-page details{max-width:46em}
"""


@dataclass(frozen=True, slots=True)
class Marked:
    """What an instructor wrote about one answer.

    Attributes:
        points: None where only a comment was written.
        comment: for the student.
        version: of the answer that it is about.
    """

    points: float | None
    comment: str
    version: str


def key_of(student: str, lab: str, question: str) -> str:
    """What a row of the table is found again by. A spreadsheet may make a number of an id; of this it can't."""
    return (
        "k" + hashlib.sha256("\0".join((student, lab, question)).encode("utf-8", "backslashreplace")).hexdigest()[:12]
    )


@dataclass(frozen=True, slots=True)
class Marks:
    """Everything that was marked.

    Attributes:
        by_key: the marks.
        lines: the rows of the table as they stand there, so that a mark outlives its answer.
    """

    by_key: Mapping[str, Marked]
    lines: Mapping[str, Sequence[str]]

    def of(self, row: Row, question: str) -> Marked | None:
        """What was said about an answer in somebody's lab."""
        return None if row.lab is None else self.by_key.get(key_of(row.student.id, row.lab.number, question))

    def points(self, row: Row) -> float | None:
        """The points of all answers in somebody's lab; None where none was marked."""
        marked = [self.of(row, one.question) for one in row.answers]
        found = [one.points for one in marked if one is not None and one.points is not None]
        return sum(found) if found else None


def read_marks(out: Path) -> Marks:
    """What stands in the table of an earlier run, as a spreadsheet may have saved it.

    Raises:
        LabError: it is no such table any more, or points are no number; with the line.
    """
    path = out / TABLE
    try:
        text = text_of(path.read_bytes())
    except FileNotFoundError:
        return Marks({}, {})
    except OSError as error:
        raise LabError(_NO_TABLE, path=path, why=error.strerror or error) from error
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    by_key: dict[str, Marked] = {}
    lines: dict[str, Sequence[str]] = {}
    try:
        head = [name.strip() for name in next(rows, [])]
        if missing := [name for name in _HEADS if name not in head]:
            raise LabError(_NO_TABLE, path=path, why=", ".join(missing))
        for row in rows:
            cells = {name: row[at] if at < len(row) else "" for at, name in enumerate(head)}
            said, comment = cells["points"].strip(), unguarded(cells["comment"]).strip()
            if said or comment:
                points = _points(path, rows.line_num, said) if said else None
                by_key[cells["key"]] = Marked(points, comment, cells["version"])
                lines[cells["key"]] = [cells[name] for name in _HEADS]
    except csv.Error as error:
        raise LabError(_NO_TABLE, path=path, why=error) from error
    return Marks(by_key, lines)


def _points(path: Path, line: int, said: str) -> float:
    try:
        points = float(said.replace(",", "."))
    except ValueError:
        points = -1.0
    if not 0 <= points <= 1000:
        raise LabError(_NO_NUMBER, path=path, line=line, value=said)
    return points


def version_of(answer: Answer) -> str:
    """What tells an answer from the one that was marked."""
    return "v" + _digest(answer.text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]


def about(row: Row, marks: Marks) -> tuple[Text, ...]:
    """What there is to say about somebody's answers: the comments, and which answer is another one by now."""
    said: list[Text] = []
    for answer in row.answers:
        marked = marks.of(row, answer.question)
        if marked is not None and marked.version != version_of(answer):
            said.append(filled(_CHANGED, question=answer.question))
        if marked is not None and marked.comment:
            said.append(verbatim(marked.comment))
    return tuple(said)


def table_csv(batch: Batch, marks: Marks) -> bytes:
    """The table: a row an answer, with what was marked; a mark whose answer is gone keeps its row.

    It begins with a byte order mark, so that a spreadsheet takes it for UTF-8.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_HEADS)
    left = dict(marks.lines)
    for row, answer in _answers(batch):
        assert row.lab is not None
        key = key_of(row.student.id, row.lab.number, answer.question)
        marked = marks.by_key.get(key) or Marked(None, "", version_of(answer))
        left.pop(key, None)
        points = "" if marked.points is None else f"{marked.points:g}"
        cells = [row.student.id, row.student.name, row.lab.number, answer.question, points, marked.comment]
        writer.writerow([guarded(cell) for cell in (*cells, answer.text, key, marked.version)])
    writer.writerows(left.values())
    return whole(file.getvalue()).encode("utf-8-sig")


def _answers(batch: Batch) -> list[tuple[Row, Answer]]:
    return [(row, one) for row in batch.rows if row.lab is not None for one in row.answers]


def answers_html(batch: Batch, marks: Marks, root: Path) -> str:
    """The page, in the current language; what learners wrote stands there as they wrote it.

    Args:
        batch: what came of the submissions.
        marks: what was marked.
        root: the course's folder, which has the questions.
    """
    body = [markup("<h1>{}</h1><p>{}</p>", _TITLE, sentence_html(_HOW.format(table=TABLE)))]
    for lab in batch.labs:
        rows = [row for row in batch.rows if row.lab is lab]
        asked = questions(root, lab, current_language()).asked
        said = [(row, one) for row, one in _answers(batch) if row.lab is lab]
        if not asked and not said:
            continue
        body.append(markup("<h2>{}</h2>", _LAB.format(lab=lab.number, title=lab.title)))
        body += [_section(one, rows, said, marks) for one in asked]
        if beside := [(row, one) for row, one in said if one.question == BESIDE]:
            body.append(markup("<h3>{}</h3>{}", _BESIDE, joined(_answer(*one, marks) for one in beside)))
    return page(str(_TITLE), joined(body, "\n"), _CSS)


def _section(asked: Written, rows: Sequence[Row], said: Sequence[tuple[Row, Answer]], marks: Marks) -> Markup:
    here = [(row, one) for row, one in said if one.question == asked.grade_id]
    wrote = {row.student.id for row, _ in here}
    without = [row.student.name for row in rows if row.result is not None and row.student.id not in wrote]
    parts = [
        markup("<h3>{}</h3><p class='words'>{}</p>", _QUESTION, asked.question),
        markup("<details><summary>{}</summary><p class='words'>{}</p></details>", _MODEL, asked.model),
        *(_answer(row, one, marks) for row, one in here),
    ]
    if without:
        parts.append(markup("<p>{}</p>", _NOTHING.format(names=", ".join(without))))
    return joined(parts, "\n")


def _answer(row: Row, answer: Answer, marks: Marks) -> Markup:
    marked = marks.of(row, answer.question)
    told = Markup()
    if marked is not None:
        points = "–" if marked.points is None else f"{marked.points:g}"
        told = markup("<p><strong>{}</strong></p>", _MARKED.format(points=points, comment=marked.comment))
    return markup("<article><h4>{}</h4><p class='words'>{}</p>{}</article>", row.student.name, answer.text, told)
