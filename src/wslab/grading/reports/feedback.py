"""What a student gets: one page as HTML and one as Markdown, with the cards that `check()` shows."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from wslab.grading.batch import Row
from wslab.grading.intake.whose import Student
from wslab.grading.plain import shown
from wslab.labs import cards
from wslab.language import Text, current_language, use_language
from wslab.picture import joined, markup, sentence_html, stylesheet

FOLDER = "feedback"

_TITLE = Text(en="Feedback for {name}", tr="{name} için geri bildirim")
_POINTS = Text(en="{lab} · {title}: {points}", tr="{lab} · {title}: {points}")
_NO_LAB = Text(en="Not graded", tr="Puanlanmadı")
_REMARKS = Text(en="Remarks", tr="Notlar")
_GO_ON = Text(
    en='To go on, open the lab again: `await check("{lab}", app)` shows these cards, and `hint("{lab}.…")` helps.',
    tr='Devam etmek için alıştırmayı yeniden açın: `await check("{lab}", app)` bu kartları gösterir, '
    '`hint("{lab}.…")` yardım eder.',
)

PAGE_CSS = """
body{margin:0;background:#fff}
@media (prefers-color-scheme:dark){body{background:#111418}}
.wslab-page{max-width:76em;margin:0 auto;padding:16px 24px 48px}
.wslab-page h1{font-size:26px;margin:8px 0 16px}
.wslab-page h2{font-size:20px;margin:32px 0 8px}
.wslab-page h3{font-size:17px;margin:24px 0 8px}
.wslab-page p,.wslab-page li{max-width:62em;overflow-wrap:anywhere}
"""
"""What every page of the reports shares."""

_UNSAFE = re.compile(r"[^\w.-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_DIGESTED = re.compile(r"-[0-9a-f]{8}$", re.IGNORECASE)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>&<])")


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within the block, every text is in `language`."""
    before = current_language()
    use_language(language)
    try:
        yield
    finally:
        use_language(before)


def page(title: str, body: Markup, css: str = "") -> str:
    """A whole HTML document that loads nothing.

    The policy forbids scripts and every address, so that markup which a learner's text may have smuggled in does
    nothing.
    """
    whole = markup(
        '<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>{title}</title><style>{css}</style></head>\n"
        '<body><main class="wslab wslab-page">{body}</main></body></html>\n',
        language=current_language(),
        policy=Markup("default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
        title=title,
        css=Markup(stylesheet() + cards.CSS + PAGE_CSS + css),
        body=body,
    )
    return shown(whole)


def feedback_html(student: Student, rows: Sequence[Row], language: str) -> str:
    """A student's page.

    Args:
        student: whose it is.
        rows: the student's labs.
        language: the page's own; each lab is in that of its notebook.
    """
    with speaking(language):
        title = _TITLE.format(name=student.name)
        return page(title, joined([markup("<h1>{}</h1>", title), *map(_section_html, rows)]))


def _section_html(row: Row) -> Markup:
    with speaking(row.language if row.result is not None else current_language()):
        parts = [markup('<section lang="{}"><h2>{}</h2>', current_language(), _heading(row))]
        if row.notes:
            notes = joined(markup("<li>{}</li>", sentence_html(note)) for note in row.notes)
            parts.append(markup("<h3>{}</h3><ul>{}</ul>", _REMARKS, notes))
        if row.result is not None:
            parts += [Markup(cards.verdict_html(verdict, css=False)) for verdict in row.result.verdicts]
            if not all(verdict.passed for verdict in row.result.verdicts):
                parts.append(markup("<p>{}</p>", sentence_html(_GO_ON.format(lab=row.result.lab))))
        return joined([*parts, Markup("</section>")], "\n")


def _heading(row: Row) -> str:
    if row.lab is None:
        return f"{_NO_LAB}: {row.place}"
    points = cards.points_text(row.result.score if row.result is not None else 0.0, row.lab.points)
    return _POINTS.format(lab=row.lab.number, title=row.lab.title, points=points)


def feedback_markdown(student: Student, rows: Sequence[Row], language: str) -> str:
    """The same as Markdown: what comes from the learner stands in code blocks or is escaped."""
    with speaking(language):
        lines = [f"# {escaped(_TITLE.format(name=student.name))}", ""]
    for row in rows:
        with speaking(row.language if row.result is not None else language):
            lines += [f"## {escaped(_heading(row))}", ""]
            if row.notes:
                lines += [f"### {_REMARKS}", "", *(f"- {escaped(str(note))}" for note in row.notes), ""]
            if row.result is not None:
                for verdict in row.result.verdicts:
                    lines += [*_fenced(cards.verdict_text(verdict)), ""]
                if not all(verdict.passed for verdict in row.result.verdicts):
                    lines += [_GO_ON.format(lab=row.result.lab), ""]
    return shown("\n".join(lines))


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split())).replace("\\<", "&lt;").replace("\\&", "&amp;")


def _fenced(text: str) -> list[str]:
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    fence = max(fence, "```", key=len)
    return [f"{fence}text", text, fence]


def file_names(students: Iterable[str]) -> dict[str, str]:
    """For each student a name that is a file's on every system, and nobody else's.

    Of two that a system takes for one, neither keeps the bare name: who comes later has a say in no page but their own.
    """
    bare = {student: bare_name(student) for student in students}
    alike = Counter(name.casefold() for name in bare.values())
    return {
        student: name
        if name == student and alike[name.casefold()] == 1 and not _DIGESTED.search(name)
        else f"{name or 'student'}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"
        for student, name in bare.items()
    }


def bare_name(student: str) -> str:
    """The name of a file for a student; perhaps that of another one, too, and perhaps empty."""
    # File systems count bytes, and a letter may have four.
    name = _UNSAFE.sub("_", student).strip("._ ")[:80].encode()[:160].decode("utf-8", "ignore")
    # To Windows, `con.er` is the device CON.
    return f"student-{name}" if _RESERVED.fullmatch(name.partition(".")[0].strip()) else name
