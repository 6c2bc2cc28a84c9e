"""What a learner sees of a verdict: observed → meaning → next step. HTML without scripts, and plain text."""

from __future__ import annotations

import html
import itertools
import re
import textwrap
from collections.abc import Sequence
from dataclasses import replace

from wslab.labs.lab_texts import Hint
from wslab.labs.verdict import Line, Outcome, Verdict, earned
from wslab.language import Text, current_language, decimal, filled
from wslab.picture import BLUE, GREEN, ORANGE, PURPLE, STRONG, VERMILION, sentence_html, stylesheet, table

_OBSERVED = Text(en="Observed", tr="Görülen")
_MEANING = Text(en="Meaning", tr="Anlamı")
_NEXT = Text(en="Next step", tr="Sıradaki adım")
_OF = Text(en="{points} of {max} points", tr="{max} puandan {points}")
_EXCHANGE = Text(en="The end of the exchange", tr="Dökümün sonu")
_WHOLE = Text(en="The whole exchange ({count} steps)", tr="Dökümün tamamı ({count} adım)")
_ONLY = Text(en="The exchange ({count} steps)", tr="Döküm ({count} adım)")
_ONE = Text(en="The exchange (1 step)", tr="Döküm (1 adım)")
_HEAD = (Text(en="ms", tr="ms"), Text(en="who", tr="kim"), Text(en="what", tr="ne"))
_WAYS = {
    "→": Text(en="{who} → server", tr="{who} → sunucu"),
    "←": Text(en="{who} ← server", tr="{who} ← sunucu"),
    "": Text(en="{who}", tr="{who}"),
}
_HELP = Text(
    en='Stuck? In an empty cell, `hint("{name}")` opens the next of three hints.',
    tr='Takıldınız mı? Boş bir hücreye yazacağınız `hint("{name}")`, üç ipucundan sıradakini açar.',
)
_OPENS = Text(
    en='`solution("{name}")` opens once this check passes, or after three honest attempts; {left} to go.',
    tr='`solution("{name}")` bu sınamayı geçince ya da üç gerçek denemeden sonra açılır; kalan: {left}.',
)
_OPEN_NOW = Text(en='`solution("{name}")` is open now.', tr='`solution("{name}")` artık açık.')
_AGAIN = Text(
    en="The same as on the card of `{first}` above; follow its next step.",
    tr="Yukarıdaki `{first}` kartındakinin aynısı; oradaki adımla başlayın.",
)
_TIMES = Text(en="{what}, {count} times", tr="{what}, {count} kez")
_LEFT_OUT = Text(en="… {count} rows are left out …", tr="… {count} satır atlandı …")
_LAB = Text(en="{lab} · {title}: {points}", tr="{lab} · {title}: {points}")
_HINT = Text(en="{name}: hint {rung} of 3", tr="{name}: ipucu {rung}/3")
_WARM_UP = Text(en="warm-up, no points", tr="ısınma, puansız")
_NO_POINTS = Text(en="no points", tr="puansız")

_TURN = Text(en="your turn", tr="sıra sizde")
_OPEN_TURN = Text(
    en="Your turn: {title}. Write your lines in place of `...` and run the cell again.",
    tr="Sıra sizde: {title}. `...` yerine kendi satırlarınızı yazıp hücreyi yeniden çalıştırın.",
)
_FOLDED = Text(
    en="Stuck? One way to write it is folded below this cell.",
    tr="Takıldınız mı? Bir yazım yolu bu hücrenin altında katlı duruyor.",
)

_MARKS = {
    Outcome.PASSED: ("✓", GREEN, Text(en="passed", tr="geçti")),
    Outcome.FAILED: ("✗", VERMILION, Text(en="not yet", tr="henüz değil")),
    Outcome.BLOCKED: ("…", ORANGE, Text(en="waits for another check", tr="başka bir sınamayı bekliyor")),
    Outcome.NOT_RUN: ("–", PURPLE, Text(en="nothing to check", tr="sınanacak bir şey yok")),
}

_ADDRESS = re.compile(r"\b0x[0-9a-f]+")
_LAST = 7
_MOST = 200
"""How many rows of an exchange a card holds."""

CSS = f"""
.wslab-check{{border:1px solid var(--rule);border-left:6px solid {BLUE};border-radius:6px;padding:8px 16px;margin:4px 0;
 max-width:62em;overflow-wrap:anywhere}}
.wslab-check p{{margin:4px 0}}
.wslab-check .wslab-head{{display:flex;flex-wrap:wrap;gap:4px 16px;align-items:baseline}}
.wslab-check .wslab-head strong{{font-size:17px}}
.wslab-check .wslab-quiet{{font-size:14px;color:var(--quiet)}}
.wslab-check .wslab-row{{display:flex;gap:4px 16px;margin:6px 0;align-items:baseline}}
.wslab-check .wslab-row>span{{flex:0 0 7.5em;color:var(--quiet)}}
.wslab-check .wslab-row p{{margin:0 0 2px}}
.wslab-check .wslab-row>div{{flex:1 1 auto;min-width:0}}
.wslab-check code{{font-size:.94em;background:var(--panel);border-radius:4px;padding:0 3px;color:var(--ink)}}
.wslab-check pre{{background:var(--panel);border-radius:6px;padding:8px 12px;margin:6px 0;overflow:auto;font-size:14px;
 color:var(--ink)}}
.wslab.wslab-check table{{margin:6px 0;font-size:14px;width:auto}}
.wslab.wslab-check tr{{background:none}}
.wslab.wslab-check th,.wslab.wslab-check td{{max-width:none;text-align:left;white-space:normal;color:var(--ink);
 background:none}}
.wslab.wslab-check td:first-child{{text-align:right;white-space:nowrap}}
.wslab.wslab-check td:nth-child(2),.wslab.wslab-check th{{white-space:nowrap}}
.wslab-check caption{{text-align:left;font-size:14px;color:var(--quiet)}}
@media (max-width:640px){{.wslab-check .wslab-row{{flex-direction:column}}.wslab-check .wslab-row>span{{flex:none}}}}
"""


def as_text(text: object) -> str:
    """A sentence as plain text: without the stars of emphasis."""
    return STRONG.sub(r"\1", str(text))


def framed(body: str, colour: str = BLUE, *, css: bool = True) -> str:
    """A card around `body`; `css` is written once a page."""
    style = f"<style>{stylesheet()}{CSS}</style>" if css else ""
    edge = f"border-left-color:{colour}"
    return f'<div class="wslab wslab-check" lang="{current_language()}" style="{edge}">{style}{body}</div>'


def _worth(verdict: Verdict) -> str:
    if verdict.turn:
        return str(_TURN)
    if not verdict.max:
        return str(_WARM_UP if verdict.check == "warmup" else _NO_POINTS)
    return points_text(verdict.points, verdict.max)


def open_turn_html(title: Text) -> str:
    """The card of a turn in which nothing has been written yet."""
    return framed(f"<p>{sentence_html(filled(_OPEN_TURN, title=title))}</p>")


def open_turn_text(title: Text) -> str:
    """The same as plain text."""
    return as_text(filled(_OPEN_TURN, title=title))


def points_text(points: float, most: float) -> str:
    """`2 of 2 points`."""
    return _OF.format(points=decimal(points), max=decimal(most))


def _row(label: Text, body: str) -> str:
    return f'<div class="wslab-row"><span>{label}</span><div>{body}</div></div>'


def _rows(lines: Sequence[Line]) -> list[tuple[str, str, str]]:
    """The rows of a table: of the same step several times in a row one, of a very long exchange its two ends."""
    rows: list[tuple[str, str, str]] = []
    for (who, arrow, _), group in itertools.groupby(lines, _same):
        first, *others = group
        what = str(first.what)
        at = "" if first.at is None else decimal(first.at * 1000, digits=1)
        shown = _TIMES.format(what=what, count=len(others) + 1) if others else what
        rows.append((at, _WAYS[arrow].format(who=who), shown))
    if len(rows) > _MOST:
        left_out = ("", "", _LEFT_OUT.format(count=len(rows) - _MOST))
        rows[_MOST // 2 : len(rows) - _MOST // 2] = [left_out]
    return rows


def _same(line: Line) -> tuple[str, str, str]:
    """What makes two steps the same; the address of an object in memory, in a printed coroutine, does not count."""
    return line.who, line.arrow, _ADDRESS.sub("", str(line.what))


def _told_once(verdict: Verdict) -> Verdict:
    """The verdict with each exception in full where a reader meets it first, and after that by its name and line."""
    if verdict.passed:
        return verdict
    observed, meaning, lines = str(verdict.observed), str(verdict.meaning), list(verdict.transcript)
    for one in sorted(dict.fromkeys(verdict.raised), key=lambda one: -len(str(one))):
        full, short = str(one), f"{one.name} ({one.place})" if one.place else one.name
        if full in observed:
            lines = [replace(line, what=Text.of(str(line.what).replace(full, short))) for line in lines]
        elif not any(full in what for _, _, what in _rows(lines)[-_LAST:]):
            continue
        meaning = meaning.replace(full, short)
    return replace(verdict, meaning=Text.of(meaning), transcript=tuple(lines))


def _folded(lines: Sequence[Line], summary: str) -> str:
    return f"<details><summary>{summary}</summary>{table(_HEAD, _rows(lines))}</details>" if lines else ""


def _exchange(verdict: Verdict) -> str:
    lines = verdict.transcript
    head = str(_ONE) if len(lines) == 1 else _ONLY.format(count=len(lines))
    if verdict.passed:
        return _folded(lines, head)
    rows = _rows(lines)
    if len(rows) <= _LAST:
        return table(_HEAD, rows, head) if lines else ""
    return f"{table(_HEAD, rows[-_LAST:], _EXCHANGE)}{_folded(lines, _WHOLE.format(count=len(lines)))}"


def verdict_html(verdict: Verdict, *, helped: Sequence[Text | str] = (), css: bool = True) -> str:
    """A verdict as a card.

    Args:
        verdict: what to show.
        helped: sentences below it: where hints are, what else happened.
        css: whether to write the styles along.
    """
    verdict = _told_once(verdict)
    seen = str(verdict.observed)
    body = _row(_OBSERVED, f"{f'<p>{sentence_html(seen)}</p>' if seen else ''}{_exchange(verdict)}")
    if not verdict.passed:
        body += _row(_MEANING, f"<p>{sentence_html(verdict.meaning)}</p>") + _row(
            _NEXT, f"<p><strong>{sentence_html(verdict.next)}</strong></p>"
        )
    body += "".join(f'<p class="wslab-quiet">{sentence_html(sentence)}</p>' for sentence in helped)
    return framed(_head(verdict) + body, _MARKS[verdict.outcome][1], css=css)


def _head(verdict: Verdict) -> str:
    mark, _, word = _MARKS[verdict.outcome]
    return (
        f'<div class="wslab-head"><strong>{mark} {sentence_html(verdict.title)}</strong>'
        f"<span>{_worth(verdict)}</span>"
        f'<span class="wslab-quiet">{verdict.name} · {word}</span></div>'
    )


def verdict_text(verdict: Verdict, *, helped: Sequence[Text | str] = ()) -> str:
    """A verdict as plain text."""
    verdict = _told_once(verdict)
    lines = [_head_text(verdict)]
    labels = [str(label) for label in (_OBSERVED, _MEANING, _NEXT)]
    width = max(map(len, labels)) + 2
    told = [verdict.observed] if verdict.passed else [verdict.observed, verdict.meaning, verdict.next]
    for label, sentence in zip(labels, told, strict=False):
        if str(sentence):
            wrapped = textwrap.fill(as_text(sentence), 100, initial_indent="", subsequent_indent=" " * (width + 2))
            lines.append(f"  {label + ':':<{width}}{wrapped}")
        if label == labels[0] and not verdict.passed:
            lines += [
                "    " + f"{at:>8}  {who:<11} {what}".rstrip() for at, who, what in _rows(verdict.transcript)[-_LAST:]
            ]
    lines += [f"  {as_text(sentence)}" for sentence in helped]
    return "\n".join(lines)


def again_html(verdict: Verdict, first: Verdict) -> str:
    """The card of a check that says what an earlier card has said."""
    said = f"<p>{sentence_html(_AGAIN.format(first=first.name))}</p>"
    return framed(_head(verdict) + said, _MARKS[verdict.outcome][1])


def again_text(verdict: Verdict, first: Verdict) -> str:
    """The same as plain text."""
    return f"{_head_text(verdict)}\n  {_AGAIN.format(first=first.name)}"


def _head_text(verdict: Verdict) -> str:
    mark, _, word = _MARKS[verdict.outcome]
    return f"{mark} {verdict.name} · {verdict.title}: {_worth(verdict)} ({word})"


def summary_html(lab: str, title: Text, verdicts: Sequence[Verdict]) -> str:
    """What a whole lab's checks came to, in one line."""
    total = points_text(earned(verdicts), sum(verdict.max for verdict in verdicts))
    marks = " ".join(f"{_MARKS[verdict.outcome][0]}&nbsp;{html.escape(verdict.check)}" for verdict in verdicts)
    line = html.escape(_LAB.format(lab=lab, title=title, points=total))
    return framed(f'<div class="wslab-head"><strong>{line}</strong></div><p>{marks}</p>')


def summary_text(lab: str, title: Text, verdicts: Sequence[Verdict]) -> str:
    """The same as plain text."""
    total = points_text(earned(verdicts), sum(verdict.max for verdict in verdicts))
    marks = "  ".join(f"{_MARKS[verdict.outcome][0]} {verdict.check}" for verdict in verdicts)
    return f"{_LAB.format(lab=lab, title=title, points=total)}\n  {marks}"


def hints_html(name: str, hints: Sequence[Hint], fault: Text | None = None) -> str:
    """The rungs that are open, the newest last."""
    parts = []
    for rung, hint in enumerate(hints, 1):
        code = f"<pre>{html.escape(hint.code)}</pre>" if hint.code else ""
        parts.append(
            f'<p class="wslab-quiet">{_HINT.format(name=name, rung=rung)}</p><p>{sentence_html(hint.says)}</p>{code}'
        )
    return framed("".join(parts) + (f'<p class="wslab-quiet">{sentence_html(fault)}</p>' if fault else ""))


def hints_text(name: str, hints: Sequence[Hint], fault: Text | None = None) -> str:
    """The same as plain text."""
    lines = []
    for rung, hint in enumerate(hints, 1):
        lines += [_HINT.format(name=name, rung=rung), textwrap.indent(as_text(hint.says), "  ")]
        if hint.code:
            lines.append(textwrap.indent(hint.code, "    "))
    return "\n".join(lines + ([str(fault)] if fault else []))


def help_lines(verdict: Verdict, left: int, about_the_cell: Sequence[str] = ()) -> list[str]:
    """The sentences below a card.

    Args:
        verdict: the card's.
        left: honest attempts until the solution opens; 0 if it is open.
        about_the_cell: what is to be said of the cell that made the app.
    """
    told = [] if verdict.outcome is Outcome.NOT_RUN else list(about_the_cell)
    if verdict.turn:
        return [*told, str(_FOLDED)] if verdict.outcome is Outcome.FAILED else told
    if verdict.outcome is Outcome.FAILED:
        solution = _OPENS.format(name=verdict.name, left=left) if left else _OPEN_NOW.format(name=verdict.name)
        told.append(f"{_HELP.format(name=verdict.name)} {solution}")
    return told
