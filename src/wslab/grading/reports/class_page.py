"""class.html: what a class understood and what it did not, on one page that loads nothing."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from wslab.grading.batch import Batch, Row
from wslab.grading.intake.whose import NOBODY
from wslab.grading.reports.feedback import FOLDER, page
from wslab.grading.reports.handed_progress import Predicted, Told, predictions
from wslab.grading.reports.taught import places
from wslab.labs.catalogue import labs
from wslab.labs.lab import Lab
from wslab.labs.verdict import Outcome, Verdict
from wslab.language import Text, counted, decimal
from wslab.picture import BLUE, GREEN, ORANGE, PURPLE, VERMILION, Cell, joined, markup, sentence_html, table
from wslab.predictions import catalogue
from wslab.predictions.question import Choice

FILE = "class.html"

_TITLE = Text(en="The class", tr="Sınıf")
_SUMMARY = Text(
    en="{students} · {labs} · {graded} graded · {problems} could not be graded",
    tr="{students} · {labs} · {graded} puanlandı · {problems} puanlanamadı",
)
_ONE_STUDENT = Text(en="{count} student", tr="{count} öğrenci")
_MANY_STUDENTS = Text(en="{count} students", tr="{count} öğrenci")
_ONE_LAB = Text(en="{count} lab", tr="{count} alıştırma")
_MANY_LABS = Text(en="{count} labs", tr="{count} alıştırma")
_ONE_POINT = Text(en="{count} point", tr="{count} puan")
_MANY_POINTS = Text(en="{count} points", tr="{count} puan")
_TOMORROW = Text(en="What to teach tomorrow", tr="Yarın ne anlatmalı")
_SECTION = Text(en="Unit {unit}, section {section}: {title}", tr="Birim {unit}, bölüm {section}: {title}")
_OTHER_PAGES = Text(en="Other pages", tr="Diğer sayfalar")
_PROTECTIONS = Text(en="Protections that were on", tr="Açık olan korumalar")
_NO_PROTECTIONS = Text(
    en="None. Submissions ran with the rights of whoever graded them.",
    tr="Hiçbiri. Teslim edilen kodlar, puanlayan kişinin yetkileriyle çalıştı.",
)
_OF_SUBMISSIONS = Text(en="{name} ({count} of {all})", tr="{name} ({all} teslimin {count} tanesinde)")
_ALL = Text(en="{name}", tr="{name}")
_LAB = Text(en="{lab} · {title}", tr="{lab} · {title}")
_MEAN = Text(
    en="Mean {mean}, median {median}, of {max} points; all points: {full} of {count}.",
    tr="{max} puan üzerinden ortalama {mean}, ortanca {median}; {count} öğrenciden {full} kişi tam puan aldı.",
)
_DISTRIBUTION = Text(en="Distribution of points", tr="Puanların dağılımı")
_POINTS = Text(en="points", tr="puan")
_STUDENTS = Text(en="students", tr="öğrenci")
_STUDENT = Text(en="student", tr="öğrenci")
_MATRIX = Text(en="Checks and students", tr="Sınamalar ve öğrenciler")
_LEGEND = Text(
    en="✓ passed · ✗ failed · … waits for another check · – nothing to check · empty: could not be graded. "
    "Students with the fewest points come first.",
    tr="✓ geçti · ✗ kaldı · … başka bir sınamayı bekliyor · – sınanacak bir şey yok · boş: puanlanamadı. "
    "En az puanlı öğrenciler başta.",
)
_PASSED_BY = Text(en="passed by", tr="geçen")
_MISCONCEPTIONS = Text(en="What was misunderstood", tr="Anlaşılmayanlar")
_NO_MISCONCEPTIONS = Text(en="No check failed.", tr="Hiçbir sınamada kalan olmadı.")
_HEADS = (
    Text(en="students", tr="öğrenci"),
    Text(en="misconception", tr="kavram yanılgısı"),
    Text(en="check", tr="sınama"),
    Text(en="what it means", tr="anlamı"),
    Text(en="who", tr="kim"),
)
_PREDICTIONS = Text(en="Predictions", tr="Tahminler")
_PREDICTED = Text(
    en="From the progress files of {students}: answers that were given before the outcome was shown.",
    tr="{students} için ilerleme dosyasından: sonuç gösterilmeden önce verilen yanıtlar.",
)
_PROGRESS = Text(en="What the progress files say", tr="İlerleme dosyalarına göre")
_UNCHECKED = Text(
    en="The files are the students' own, and nothing here counts for a mark.",
    tr="Dosyalar öğrencilerin kendi dosyaları; buradaki hiçbir şey nota etki etmez.",
)
_PREDICTED_RIGHT = Text(en="predictions: made, right", tr="tahmin: yapılan, doğru")
_TRIED = Text(en="{lab}: attempts, hints", tr="{lab}: deneme, ipucu")
_PREDICTION_HEADS = (
    Text(en="unit", tr="birim"),
    Text(en="question", tr="soru"),
    Text(en="made", tr="yapılan"),
    Text(en="right", tr="doğru"),
    Text(en="most frequent wrong answer", tr="en sık yanlış yanıt"),
)
_TIMES = Text(en="{answer} ({count})", tr="{answer} ({count})")
_REMARKS = Text(en="Remarks", tr="Notlar")
_REMARK_HEADS = (Text(en="student", tr="öğrenci"), Text(en="lab", tr="alıştırma"), Text(en="remark", tr="not"))
_BAR = Text(en="{points}: {students}", tr="{points}: {students}")

_MARKS = {
    Outcome.PASSED: ("✓", GREEN, Text(en="passed", tr="geçti")),
    Outcome.FAILED: ("✗", VERMILION, Text(en="failed", tr="kaldı")),
    Outcome.BLOCKED: ("…", ORANGE, Text(en="waits for another check", tr="başka bir sınamayı bekliyor")),
    Outcome.NOT_RUN: ("–", PURPLE, Text(en="nothing to check", tr="sınanacak bir şey yok")),
}

_CSS = f"""
.wslab-scroll{{overflow-x:auto}}
.wslab-page table{{margin:8px 0 16px;font-size:15px}}
.wslab-page caption{{text-align:left;font-size:15px;color:var(--quiet);padding:4px 0}}
.wslab.wslab-page th,.wslab.wslab-page td{{padding:3px 10px}}
.wslab-page td.n,.wslab-page th.n{{text-align:right;font-variant-numeric:tabular-nums}}
.wslab.wslab-page td.m{{text-align:center;padding:2px;min-width:5.5em}}
.wslab-page td.m b{{display:block;font-size:17px;line-height:1.2}}
.wslab-page td.m small,.wslab-page thead small{{font-size:14px;color:var(--quiet);font-weight:400}}
.wslab-page thead small{{display:block}}
.wslab-page td.passed{{background:color-mix(in srgb,{GREEN} 22%,transparent)}}
.wslab-page td.failed{{background:color-mix(in srgb,{VERMILION} 22%,transparent)}}
.wslab-page td.blocked{{background:color-mix(in srgb,{ORANGE} 22%,transparent)}}
.wslab-page td.not-run{{background:color-mix(in srgb,{PURPLE} 22%,transparent)}}
.wslab-page thead th{{position:sticky;top:0;background:var(--panel)}}
.wslab-page a{{color:var(--focus)}}
.wslab-page .histogram{{max-width:100%;height:auto;display:block;margin:8px 0}}
.wslab-page .histogram text{{font-size:14px;fill:var(--ink)}}
.wslab-page .histogram .bar{{fill:{BLUE}}}
.wslab-page .histogram line{{stroke:var(--quiet)}}
"""


@dataclass(frozen=True, slots=True)
class _Wrong:
    """One misconception at one check, and who had it."""

    name: str
    verdict: Verdict
    students: tuple[str, ...]
    ids: frozenset[str]


def class_html(
    batch: Batch,
    told: Mapping[str, Told],
    files: Mapping[str, str],
    root: Path | None = None,
    pages: Mapping[str, Text] | None = None,
    nobodys: Sequence[Text] = (),
) -> str:
    """The page, in the current language.

    Args:
        batch: what came of the submissions.
        told: by student, what their progress file says.
        files: for each student the name of the feedback page.
        root: the course's folder, which knows the titles of sections.
        pages: the other pages, by file.
        nobodys: remarks that are about none of the students.
    """
    graded = [row for row in batch.rows if row.result is not None]
    students = {row.student.id for row in batch.rows}
    summary = _SUMMARY.format(
        students=_students(len(students)),
        labs=counted(len(batch.labs), _ONE_LAB, _MANY_LABS),
        graded=len(graded),
        problems=len(batch.rows) - len(graded) + len(batch.ownerless),
    )
    body = [markup("<h1>{}</h1><p>{}</p>", _TITLE, summary), _tomorrow(graded, root), _protections(graded)]
    body += [_section(lab, [row for row in batch.rows if row.lab is lab], files) for lab in batch.labs]
    if predicted := predictions(told.values()):
        body.append(_predictions(predicted, len(told)))
    body += [_handed_progress(batch, told), _remarks(batch, nobodys)]
    if pages:
        links = joined(markup('<li><a href="{}">{}</a></li>', file, title) for file, title in pages.items())
        body.append(markup("<h2>{}</h2><ul>{}</ul>", _OTHER_PAGES, links))
    return page(str(_TITLE), joined(body, "\n"), _CSS)


def _students(count: int) -> Text:
    return counted(count, _ONE_STUDENT, _MANY_STUDENTS)


def _tomorrow(graded: Sequence[Row], root: Path | None) -> Markup:
    """The three misconceptions with most people, and where the course treats them."""
    who: dict[str, set[str]] = {}
    said: dict[str, Verdict] = {}
    for wrong in _wrongs(graded):
        who.setdefault(wrong.name, set()).update(wrong.ids)
        said.setdefault(wrong.name, wrong.verdict)
    most = sorted(who, key=lambda name: (-len(who[name]), name))[:3]
    if not most:
        return Markup()
    items = []
    for name in most:
        place = places().get(name)
        where = Markup()
        if place is not None:
            title = place.title(root) if root is not None else ""
            text = _SECTION.format(unit=place.unit, section=place.section, title=title).removesuffix(": ")
            where = markup("<br>{}", sentence_html(text))
        meaning = sentence_html(said[name].meaning)
        items.append(markup("<li><strong>{}</strong>: {}{}</li>", _students(len(who[name])), meaning, where))
    return markup("<h2>{}</h2><ol>{}</ol>", _TOMORROW, joined(items))


def _protections(graded: Sequence[Row]) -> Markup:
    count = Counter(name for row in graded if row.result is not None for name in row.result.protections)
    names = [
        _ALL.format(name=name)
        if times == len(graded)
        else _OF_SUBMISSIONS.format(name=name, count=times, all=len(graded))
        for name, times in count.most_common()
    ]
    said = " · ".join(names) if names else _NO_PROTECTIONS
    return markup("<h2>{}</h2><p>{}</p>", _PROTECTIONS, said) if graded else Markup()


def _section(lab: Lab, rows: Sequence[Row], files: Mapping[str, str]) -> Markup:
    parts = [markup("<h2>{}</h2>", _LAB.format(lab=lab.number, title=lab.title))]
    scores = [float(row.result.score) for row in rows if row.result is not None]
    if scores:
        full = sum(score >= lab.points for score in scores)
        said = _MEAN.format(
            mean=decimal(sum(scores) / len(scores), digits=1),
            median=decimal(statistics.median(scores)),
            max=decimal(lab.points),
            full=full,
            count=len(scores),
        )
        parts.append(markup("<p>{}</p><h3>{}</h3>{}", said, _DISTRIBUTION, histogram(scores, lab.points)))
    parts.append(markup("<h3>{}</h3>{}", _MATRIX, _matrix(lab, rows, files)))
    if scores:
        parts.append(markup("<h3>{}</h3>{}", _MISCONCEPTIONS, _misconceptions(rows)))
    return joined(parts, "\n")


def histogram(scores: Sequence[float], most: float) -> Markup:
    """How many students have how many points, one bar a point, as SVG; each bar has its number above it."""
    counts = Counter(round(score) for score in scores)
    steps = range(round(most) + 1)
    highest = max(counts.values(), default=1)
    step, tall, base = 44, 150, 180
    width = step * len(steps) + 20
    bars = []
    for place in steps:
        count = counts[place]
        x = 10 + place * step
        middle = f"{x + step / 2:g}"
        bars.append(markup('<text x="{}" y="{}" text-anchor="middle">{}</text>', middle, base + 18, place))
        if count:
            height = max(3.0, tall * count / highest)
            bars.append(
                markup(
                    '<g><title>{told}</title><rect class="bar" x="{x}" y="{top:.1f}" width="{width}" '
                    'height="{height:.1f}"/><text x="{middle}" y="{above:.1f}" text-anchor="middle">{count}</text></g>',
                    told=_bar(place, count),
                    x=x + 5,
                    top=base - height,
                    width=step - 10,
                    height=height,
                    middle=middle,
                    above=base - height - 6,
                    count=count,
                )
            )
    told = "; ".join(_bar(place, counts[place]) for place in steps if counts[place])
    return markup(
        '<svg class="histogram" role="img" aria-label="{label}: {told}" width="{width}" height="220" '
        'viewBox="0 0 {width} 220"><line x1="10" x2="{end}" y1="{base}" y2="{base}"/>{bars}'
        '<text x="10" y="214">{points}</text></svg>',
        label=_DISTRIBUTION,
        told=told,
        width=width,
        end=width - 10,
        base=base,
        bars=joined(bars),
        points=_POINTS,
    )


def _bar(points: int, students: int) -> str:
    return _BAR.format(points=counted(points, _ONE_POINT, _MANY_POINTS), students=_students(students))


def _scrolling(table: Markup) -> Markup:
    return markup('<div class="wslab-scroll">{}</div>', table)


def _matrix(lab: Lab, rows: Sequence[Row], files: Mapping[str, str]) -> Markup:
    checks = [(name, lab.check(name)) for name in lab.maxima]
    head = [markup("{}<small>{}</small>", name, check.title if check else name) for name, check in checks]
    body = []
    for row in sorted(rows, key=lambda row: (-1.0 if row.result is None else row.result.score, row.student.id)):
        by_name = {} if row.result is None else {one.check: one for one in row.result.verdicts}
        link = f"{FOLDER}/{quote(files.get(row.student.id, ''))}.html"
        student = Cell(markup('<a href="{}">{}</a>', link, row.student.name), head=True)
        points = Cell("" if row.result is None else decimal(row.result.score), "n")
        body.append([student, *(_mark(by_name.get(name)) for name in lab.maxima), points])
    passed = [
        Cell(sum(one.passed for row in rows if row.result for one in row.result.verdicts if one.check == name), "m")
        for name in lab.maxima
    ]
    return _scrolling(
        table([_STUDENT, *head, Cell(_POINTS, "n")], body, _LEGEND, [Cell(_PASSED_BY, head=True), *passed, ""])
    )


def _mark(verdict: Verdict | None) -> Cell:
    if verdict is None:
        return Cell("", "m")
    mark, _, word = _MARKS[verdict.outcome]
    part = f" {decimal(verdict.points)}/{decimal(verdict.max)}" if verdict.points and not verdict.passed else ""
    name = verdict.misconception if verdict.outcome is Outcome.FAILED else ""
    small = markup("<small>{}{}</small>", name, part) if name or part else ""
    return Cell(markup('<b><span title="{}">{}</span></b>{}', word, mark, small), f"m {verdict.outcome.value}")


def _misconceptions(rows: Sequence[Row]) -> Markup:
    wrongs = _wrongs(rows)
    if not wrongs:
        return markup("<p>{}</p>", _NO_MISCONCEPTIONS)
    body = (
        (
            Cell(len(wrong.students), "n"),
            Cell(markup("<code>{}</code>", wrong.name), head=True),
            wrong.verdict.check,
            markup(
                "{}<br><strong>{}</strong>", sentence_html(wrong.verdict.meaning), sentence_html(wrong.verdict.next)
            ),
            ", ".join(wrong.students),
        )
        for wrong in wrongs
    )
    return _scrolling(table(_HEADS, body))


def _wrongs(rows: Sequence[Row]) -> list[_Wrong]:
    found: dict[tuple[str, str], list[tuple[Row, Verdict]]] = {}
    for row in rows:
        for verdict in row.result.verdicts if row.result is not None else ():
            # What waits or was not run says nothing of its own.
            if verdict.outcome is Outcome.FAILED:
                found.setdefault((verdict.check, verdict.misconception), []).append((row, verdict))
    wrongs = [
        _Wrong(
            name,
            who[0][1],
            tuple(row.student.name for row, _ in who),
            frozenset(row.student.id for row, _ in who),
        )
        for (_, name), who in found.items()
    ]
    return sorted(wrongs, key=lambda wrong: (-len(wrong.students), wrong.verdict.check, wrong.name))


def _predictions(predicted: Sequence[Predicted], files: int) -> Markup:
    body = []
    for one in predicted:
        question, options = _question(one)
        wrong = ""
        if one.wrong:
            answer, count = one.wrong[0]
            wrong = _TIMES.format(answer=options.get(answer, answer), count=count)
        asked = Cell(sentence_html(question), head=True)
        body.append((one.unit, asked, Cell(one.made, "n"), Cell(one.right, "n"), sentence_html(wrong)))
    about = _PREDICTED.format(students=_students(files))
    return markup("<h2>{}</h2><p>{}</p>{}", _PREDICTIONS, about, _scrolling(table(_PREDICTION_HEADS, body)))


def _handed_progress(batch: Batch, told: Mapping[str, Told]) -> Markup:
    """Attempts, hints and predictions of each student who handed in a progress file."""
    names = {row.student.id: row.student.name for row in batch.rows}
    numbers = [
        number for number in labs() if any(number in one.attempts or number in one.hints for one in told.values())
    ]
    body = []
    for id, one in told.items():
        tried = (f"{one.attempts.get(number, 0)}, {one.hints.get(number, 0)}" for number in numbers)
        made = Cell(f"{len(one.predictions)}, {one.right}", "n")
        body.append([Cell(names.get(id, id), head=True), made, *(Cell(cell, "n") for cell in tried)])
    if not body:
        return Markup()
    heads = [_STUDENT, Cell(_PREDICTED_RIGHT, "n"), *(Cell(_TRIED.format(lab=number), "n") for number in numbers)]
    return markup("<h2>{}</h2><p>{}</p>{}", _PROGRESS, _UNCHECKED, _scrolling(table(heads, body)))


def _question(one: Predicted) -> tuple[str, dict[str, str]]:
    """What was asked, and what its options say, as the course has it now."""
    try:
        # What the file calls a unit is a stranger's word: a file is looked for only where it can be one of the course.
        question = catalogue.find(f"{one.unit}.{one.name}")
    except catalogue.PredictionError:
        return f"{one.unit}.{one.name}", {}
    options = question.options if isinstance(question, Choice) else ()
    return str(question.question), {option.id: str(option.text) for option in options}


def _remarks(batch: Batch, nobodys: Sequence[Text]) -> Markup:
    rows = [
        (row.student.name, row.lab.number if row.lab is not None else "", note)
        for row in batch.rows
        for note in row.notes
    ]
    rows += [(str(NOBODY), "", Text.of(f"{place}: {reason}")) for place, reason in batch.ownerless.items()]
    rows += [(str(NOBODY), "", note) for note in nobodys]
    if not rows:
        return Markup()
    body = ((Cell(name, head=True), lab, sentence_html(note)) for name, lab, note in rows)
    return markup("<h2>{}</h2>{}", _REMARKS, _scrolling(table(_REMARK_HEADS, body)))
