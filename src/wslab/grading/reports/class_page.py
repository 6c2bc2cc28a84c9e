"""class.html: what a class understood and what it did not, on one page that loads nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from wslab.grading.batch import Batch, Row
from wslab.grading.intake.whose import NOBODY
from wslab.grading.reports.class_predictions import Predicted
from wslab.grading.reports.feedback import FOLDER, page
from wslab.labs.lab import Lab
from wslab.labs.verdict import Outcome, Verdict
from wslab.language import Text, decimal
from wslab.picture import BLUE, GREEN, ORANGE, PURPLE, VERMILION, Cell, joined, markup, sentence_html, table
from wslab.predictions import catalogue
from wslab.predictions.question import Choice

FILE = "class.html"

_TITLE = Text(en="The class", tr="Sınıf")
_SUMMARY = Text(
    en="{students} students · {labs} labs · {graded} graded · {problems} could not be graded",
    tr="{students} öğrenci · {labs} çalışma · {graded} puanlandı · {problems} puanlanamadı",
)
_PROTECTIONS = Text(en="Protections that were on", tr="Açık olan korumalar")
_NO_PROTECTIONS = Text(
    en="None. Submissions ran with the rights of whoever graded them.",
    tr="Hiçbiri. Teslim edilen kodlar, puanlayan kişinin yetkileriyle çalıştı.",
)
_OF_SUBMISSIONS = Text(en="{name} ({count} of {all})", tr="{name} ({all} teslimin {count} tanesinde)")
_ALL = Text(en="{name}", tr="{name}")
_LAB = Text(en="{lab} · {title}", tr="{lab} · {title}")
_MEAN = Text(
    en="Mean {mean}, median {median}, of {max} points; {full} of {count} have all of them.",
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
    en="From the progress files of {count} students: answers that were given before the outcome was shown.",
    tr="{count} öğrencinin ilerleme dosyasından: sonuç gösterilmeden önce verilen yanıtlar.",
)
_PREDICTION_HEADS = (
    Text(en="unit", tr="birim"),
    Text(en="question", tr="soru"),
    Text(en="made", tr="yapılan"),
    Text(en="right", tr="doğru"),
    Text(en="most frequent wrong answer", tr="en sık yanlış yanıt"),
)
_TIMES = Text(en="{answer} ({count})", tr="{answer} ({count})")
_REMARKS = Text(en="Remarks", tr="Notlar")
_REMARK_HEADS = (Text(en="student", tr="öğrenci"), Text(en="lab", tr="çalışma"), Text(en="remark", tr="not"))
_BAR = Text(en="{points} points: {count} students", tr="{points} puan: {count} öğrenci")

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


def class_html(batch: Batch, predicted: Sequence[Predicted], files: Mapping[str, str]) -> str:
    """The page, in the current language.

    Args:
        batch: what came of the submissions.
        predicted: what the class predicted.
        files: for each student the name of the feedback page.
    """
    graded = [row for row in batch.rows if row.result is not None]
    students = {row.student.id for row in batch.rows}
    summary = _SUMMARY.format(
        students=len(students),
        labs=len(batch.labs),
        graded=len(graded),
        problems=len(batch.rows) - len(graded) + len(batch.ownerless),
    )
    body = [markup("<h1>{}</h1><p>{}</p>", _TITLE, summary), _protections(graded)]
    body += [_section(lab, [row for row in batch.rows if row.lab is lab], files) for lab in batch.labs]
    if predicted:
        body.append(_predictions(predicted, len(batch.progress)))
    body.append(_remarks(batch))
    return page(str(_TITLE), joined(body, "\n"), _CSS)


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
    scores = sorted(float(row.result.score) for row in rows if row.result is not None)
    if scores:
        middle = len(scores) // 2
        median = scores[middle] if len(scores) % 2 else (scores[middle - 1] + scores[middle]) / 2
        full = sum(score >= lab.points for score in scores)
        said = _MEAN.format(
            mean=decimal(sum(scores) / len(scores), digits=1),
            median=decimal(median),
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
    places = range(round(most) + 1)
    highest = max(counts.values(), default=1)
    step, tall, base = 44, 150, 180
    width = step * len(places) + 20
    bars = []
    for place in places:
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
                    told=_BAR.format(points=place, count=count),
                    x=x + 5,
                    top=base - height,
                    width=step - 10,
                    height=height,
                    middle=middle,
                    above=base - height - 6,
                    count=count,
                )
            )
    told = "; ".join(_BAR.format(points=place, count=counts[place]) for place in places if counts[place])
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
    found: dict[tuple[str, str], list[tuple[str, Verdict]]] = {}
    for row in rows:
        for verdict in row.result.verdicts if row.result is not None else ():
            # What waits or was not run says nothing of its own.
            if verdict.outcome is Outcome.FAILED:
                found.setdefault((verdict.check, verdict.misconception), []).append((row.student.name, verdict))
    wrongs = [_Wrong(name, who[0][1], tuple(one for one, _ in who)) for (_, name), who in found.items()]
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
    about = _PREDICTED.format(count=files)
    return markup("<h2>{}</h2><p>{}</p>{}", _PREDICTIONS, about, _scrolling(table(_PREDICTION_HEADS, body)))


def _question(one: Predicted) -> tuple[str, dict[str, str]]:
    """What was asked, and what its options say, as the course has it now."""
    try:
        # What the file calls a unit is a stranger's word: a file is looked for only where it can be one of the course.
        question = catalogue.find(f"{one.unit}.{one.name}")
    except catalogue.PredictionError:
        return f"{one.unit}.{one.name}", {}
    options = question.options if isinstance(question, Choice) else ()
    return str(question.question), {option.id: str(option.text) for option in options}


def _remarks(batch: Batch) -> Markup:
    rows = [
        (row.student.name, row.lab.number if row.lab is not None else "", note)
        for row in batch.rows
        for note in row.notes
    ]
    rows += [(str(NOBODY), "", Text.of(f"{place}: {reason}")) for place, reason in batch.ownerless.items()]
    if not rows:
        return Markup()
    body = ((Cell(name, head=True), lab, sentence_html(note)) for name, lab, note in rows)
    return markup("<h2>{}</h2>{}", _REMARKS, _scrolling(table(_REMARK_HEADS, body)))
