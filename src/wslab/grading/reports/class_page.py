"""class.html: what a class understood and what it did not, on one page that loads nothing."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from wslab.grading.batch import Batch, Row
from wslab.grading.intake.whose import NOBODY
from wslab.grading.reports.class_predictions import Predicted
from wslab.grading.reports.feedback import FOLDER, page
from wslab.labs.lab import Lab
from wslab.labs.verdict import Outcome, Verdict
from wslab.language import Text, decimal
from wslab.picture import BLUE, GREEN, ORANGE, PURPLE, VERMILION, sentence_html
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
    body = [f"<h1>{_TITLE}</h1><p>{summary}</p>", _protections(graded)]
    body += [_section(lab, [row for row in batch.rows if row.lab is lab], files) for lab in batch.labs]
    if predicted:
        body.append(_predictions(predicted, len(batch.progress)))
    body.append(_remarks(batch))
    return page(str(_TITLE), "\n".join(body), _CSS)


def _protections(graded: Sequence[Row]) -> str:
    count = Counter(name for row in graded if row.result is not None for name in row.result.protections)
    names = [
        _ALL.format(name=name)
        if times == len(graded)
        else _OF_SUBMISSIONS.format(name=name, count=times, all=len(graded))
        for name, times in count.most_common()
    ]
    said = html.escape(" · ".join(names)) if names else str(_NO_PROTECTIONS)
    return f"<h2>{_PROTECTIONS}</h2><p>{said}</p>" if graded else ""


def _section(lab: Lab, rows: Sequence[Row], files: Mapping[str, str]) -> str:
    parts = [f"<h2>{html.escape(_LAB.format(lab=lab.number, title=lab.title))}</h2>"]
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
        parts.append(f"<p>{said}</p><h3>{_DISTRIBUTION}</h3>{histogram(scores, lab.points)}")
    parts.append(f"<h3>{_MATRIX}</h3>{_matrix(lab, rows, files)}")
    if scores:
        parts.append(f"<h3>{_MISCONCEPTIONS}</h3>{_misconceptions(rows)}")
    return "\n".join(parts)


def histogram(scores: Sequence[float], most: float) -> str:
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
        bars.append(f'<text x="{x + step / 2:g}" y="{base + 18}" text-anchor="middle">{place}</text>')
        if count:
            height = max(3.0, tall * count / highest)
            told = _BAR.format(points=place, count=count)
            bars.append(
                f'<g><title>{told}</title><rect class="bar" x="{x + 5}" y="{base - height:.1f}" width="{step - 10}" '
                f'height="{height:.1f}"/><text x="{x + step / 2:g}" y="{base - height - 6:.1f}" '
                f'text-anchor="middle">{count}</text></g>'
            )
    told = "; ".join(_BAR.format(points=place, count=counts[place]) for place in places if counts[place])
    return (
        f'<svg class="histogram" role="img" aria-label="{_DISTRIBUTION}: {told}" width="{width}" height="220" '
        f'viewBox="0 0 {width} 220"><line x1="10" x2="{width - 10}" y1="{base}" y2="{base}"/>{"".join(bars)}'
        f'<text x="10" y="214">{_POINTS}</text></svg>'
    )


def _matrix(lab: Lab, rows: Sequence[Row], files: Mapping[str, str]) -> str:
    head = "".join(
        f'<th scope="col">{html.escape(name)}<small>{html.escape(str(check.title if check else name))}</small></th>'
        for name in lab.maxima
        for check in (lab.check(name),)
    )
    body = []
    for row in sorted(rows, key=lambda row: (-1.0 if row.result is None else row.result.score, row.student.id)):
        by_name = {} if row.result is None else {one.check: one for one in row.result.verdicts}
        cells = "".join(_mark(by_name.get(name)) for name in lab.maxima)
        link = f"{FOLDER}/{quote(files.get(row.student.id, ''))}.html"
        points = "" if row.result is None else decimal(row.result.score)
        body.append(
            f'<tr><th scope="row"><a href="{link}">{html.escape(row.student.name)}</a></th>{cells}'
            f'<td class="n">{points}</td></tr>'
        )
    passed = [
        sum(one.passed for row in rows if row.result for one in row.result.verdicts if one.check == name)
        for name in lab.maxima
    ]
    foot = "".join(f'<td class="m">{count}</td>' for count in passed)
    return (
        f'<div class="wslab-scroll"><table><caption>{_LEGEND}</caption><thead><tr><th scope="col">{_STUDENT}</th>{head}'
        f'<th scope="col" class="n">{_POINTS}</th></tr></thead><tbody>{"".join(body)}</tbody>'
        f'<tfoot><tr><th scope="row">{_PASSED_BY}</th>{foot}<td></td></tr></tfoot></table></div>'
    )


def _mark(verdict: Verdict | None) -> str:
    if verdict is None:
        return '<td class="m"></td>'
    mark, _, word = _MARKS[verdict.outcome]
    part = f" {decimal(verdict.points)}/{decimal(verdict.max)}" if verdict.points and not verdict.passed else ""
    name = verdict.misconception if verdict.outcome is Outcome.FAILED else ""
    small = f"<small>{html.escape(name)}{part}</small>" if name or part else ""
    return f'<td class="m {verdict.outcome.value}"><b><span title="{word}">{mark}</span></b>{small}</td>'


def _misconceptions(rows: Sequence[Row]) -> str:
    wrongs = _wrongs(rows)
    if not wrongs:
        return f"<p>{_NO_MISCONCEPTIONS}</p>"
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADS)
    body = "".join(
        f'<tr><td class="n">{len(wrong.students)}</td><th scope="row"><code>{html.escape(wrong.name)}</code></th>'
        f"<td>{html.escape(wrong.verdict.check)}</td><td>{sentence_html(wrong.verdict.meaning)}<br>"
        f"<strong>{sentence_html(wrong.verdict.next)}</strong></td>"
        f"<td>{html.escape(', '.join(wrong.students))}</td></tr>"
        for wrong in wrongs
    )
    return f'<div class="wslab-scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _wrongs(rows: Sequence[Row]) -> list[_Wrong]:
    found: dict[tuple[str, str], list[tuple[str, Verdict]]] = {}
    for row in rows:
        for verdict in row.result.verdicts if row.result is not None else ():
            # What waits or was not run says nothing of its own.
            if verdict.outcome is Outcome.FAILED:
                found.setdefault((verdict.check, verdict.misconception), []).append((row.student.name, verdict))
    wrongs = [_Wrong(name, who[0][1], tuple(one for one, _ in who)) for (_, name), who in found.items()]
    return sorted(wrongs, key=lambda wrong: (-len(wrong.students), wrong.verdict.check, wrong.name))


def _predictions(predicted: Sequence[Predicted], files: int) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in _PREDICTION_HEADS)
    body = ""
    for one in predicted:
        question, options = _question(one)
        wrong = ""
        if one.wrong:
            answer, count = one.wrong[0]
            wrong = _TIMES.format(answer=options.get(answer, answer), count=count)
        body += (
            f'<tr><td>{html.escape(one.unit)}</td><th scope="row">{sentence_html(question)}</th>'
            f'<td class="n">{one.made}</td><td class="n">{one.right}</td><td>{sentence_html(wrong)}</td></tr>'
        )
    return (
        f"<h2>{_PREDICTIONS}</h2><p>{_PREDICTED.format(count=files)}</p>"
        f'<div class="wslab-scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _question(one: Predicted) -> tuple[str, dict[str, str]]:
    """What was asked, and what its options say, as the course has it now."""
    try:
        # What the file calls a unit is a stranger's word: a file is looked for only where it can be one of the course.
        question = catalogue.find(f"{one.unit}.{one.name}")
    except catalogue.PredictionError:
        return f"{one.unit}.{one.name}", {}
    options = question.options if isinstance(question, Choice) else ()
    return str(question.question), {option.id: str(option.text) for option in options}


def _remarks(batch: Batch) -> str:
    rows = [
        (row.student.name, row.lab.number if row.lab is not None else "", note)
        for row in batch.rows
        for note in row.notes
    ]
    rows += [(str(NOBODY), "", Text.of(f"{place}: {reason}")) for place, reason in batch.ownerless.items()]
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in _REMARK_HEADS)
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(lab)}</td><td>{sentence_html(note)}</td></tr>'
        for name, lab, note in rows
    )
    return (
        f'<h2>{_REMARKS}</h2><div class="wslab-scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )
