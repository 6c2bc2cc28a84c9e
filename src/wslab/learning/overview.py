"""progress(): how far a learner has come, from what the store holds."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wslab.language import LANGUAGES, Text, current_language
from wslab.learning import catalogue
from wslab.learning.progress_file import Answer, Attempt, OutcomeRow, Store, counted_answer, course_root, store
from wslab.picture import BLUE, GREEN, stylesheet

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class UnitProgress:
    """One unit's predictions.

    Attributes:
        unit: its number, `05`.
        title: its title as the notebook has it, or "".
        questions: how many predictions it has.
        made: how many were answered before the outcome was known.
        right: how many of these the run confirmed.
        skipped: how many were skipped, or run past without an answer.
        last: when something of it was last asked, answered or measured (ISO 8601), or "".
    """

    unit: str
    title: str
    questions: int
    made: int = 0
    right: int = 0
    skipped: int = 0
    last: str = ""

    @property
    def done(self) -> bool:
        """Whether every prediction was answered or skipped."""
        return self.made + self.skipped >= self.questions


@dataclass(frozen=True, slots=True)
class LabProgress:
    """One lab's checks: the best points of each count.

    Attributes:
        lab: `L1`.
        points: the sum of the best points of its checks.
        max: what can be had, as far as is known: of every check if the labs were given, else of those tried.
        attempts: how often one of its checks was run.
        hints: how many hints were opened.
    """

    lab: str
    points: float
    max: float
    attempts: int
    hints: int

    @property
    def done(self) -> bool:
        """Whether it has all its points."""
        return self.attempts > 0 and self.points >= self.max


_UNIT = Text(en="Unit", tr="Bölüm")
_PREDICTIONS = Text(en="Predictions", tr="Tahminler")
_MADE = Text(en="made", tr="yapılan")
_RIGHT = Text(en="right", tr="doğru")
_SKIPPED = Text(en="skipped", tr="atlanan")
_LAB = Text(en="Lab", tr="Uygulama")
_POINTS = Text(en="points", tr="puan")
_ATTEMPTS = Text(en="attempts", tr="deneme")
_HINTS = Text(en="hints", tr="ipucu")
_NEXT = Text(en="Next", tr="Sırada")
_TITLE = Text(en="Your progress", tr="İlerlemeniz")
_START = Text(en="Begin with unit {unit}.", tr="Şununla başlayın: {unit}.")
_GO_ON = Text(en="Go on with unit {unit}.", tr="Şununla devam edin: {unit}.")
_FINISH_LAB = Text(
    en="Lab {lab} has {points} of {max} points; try it again.",
    tr="{lab} uygulamasında {max} puandan {points} puanınız var; yeniden deneyin.",
)
_ALL_DONE = Text(en="Everything here is done.", tr="Buradaki her şey tamam.")
_NOTHING = Text(en="There are no units here yet.", tr="Burada henüz bölüm yok.")


@dataclass(frozen=True)
class Progress:
    """How far a learner has come; a card in a notebook, a table with rich, plain lines elsewhere."""

    units: tuple[UnitProgress, ...]
    labs: tuple[LabProgress, ...]
    fault: Text | None = field(default=None)

    @property
    def next(self) -> str:
        """What to do next, in a sentence or two of the current language."""
        said = [
            _FINISH_LAB.format(lab=lab.lab, points=_points(lab.points), max=_points(lab.max))
            for lab in self.labs
            if lab.attempts and not lab.done
        ][:1]
        unit = self._next_unit()
        if unit is not None:
            begun = any(one.last for one in self.units)
            said.insert(0, (_GO_ON if begun else _START).format(unit=_named(unit)))
        if not said:
            return str(_ALL_DONE if self.units else _NOTHING)
        return " ".join(said)

    def _next_unit(self) -> UnitProgress | None:
        """Where the learner was last, if that is unfinished; else the next unfinished one after it, else before it."""
        if not any(unit.last for unit in self.units):
            return self.units[0] if self.units else None
        latest = max(range(len(self.units)), key=lambda index: self.units[index].last)
        order = [*self.units[latest:], *self.units[:latest]]
        return next((unit for unit in order if not unit.done), None)

    def __repr__(self) -> str:
        lines = [str(_TITLE)]
        for unit in self.units:
            lines.append(
                f"  {_named(unit)}: {_PREDICTIONS}: {unit.made}/{unit.questions} {_MADE}, {unit.right} {_RIGHT}, "
                f"{unit.skipped} {_SKIPPED}"
            )
        for lab in self.labs:
            lines.append(
                f"  {lab.lab}: {_points(lab.points)}/{_points(lab.max)} {_POINTS}, {lab.attempts} {_ATTEMPTS}, "
                f"{lab.hints} {_HINTS}"
            )
        lines.append(f"{_NEXT}: {self.next}")
        if self.fault is not None:
            lines.append(str(self.fault))
        return "\n".join(lines)

    def __rich__(self) -> RenderableType:
        """Tables for a terminal."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text as Line

        parts: list[RenderableType] = []
        if self.units:
            table = Table(title=str(_PREDICTIONS), title_justify="left")
            table.add_column(str(_UNIT), overflow="fold")
            for name in (_MADE, _RIGHT, _SKIPPED):
                table.add_column(str(name), justify="right", no_wrap=True)
            for unit in self.units:
                style = "bold" if unit is self._next_unit() else None
                made = f"{unit.made}/{unit.questions}" if unit.questions else "–"
                table.add_row(Line(_named(unit)), made, str(unit.right), str(unit.skipped), style=style)
            parts.append(table)
        if self.labs:
            table = Table(title=str(_LAB), title_justify="left")
            table.add_column("")
            for name in (_POINTS, _ATTEMPTS, _HINTS):
                table.add_column(str(name), justify="right", no_wrap=True)
            for lab in self.labs:
                points = f"{_points(lab.points)}/{_points(lab.max)}"
                table.add_row(lab.lab, points, str(lab.attempts), str(lab.hints))
            parts.append(table)
        parts.append(Line.assemble((f"{_NEXT}: ", "bold"), self.next))
        if self.fault is not None:
            parts.append(Line(str(self.fault)))
        return Group(*parts)

    def _repr_html_(self) -> str:
        units = "".join(
            f"<tr><th scope='row'>{html.escape(_named(unit))}</th>"
            f"<td>{_bar(unit.made, unit.skipped, unit.questions)}</td>"
            f"<td>{f'{unit.made}/{unit.questions}' if unit.questions else '–'}</td>"
            f"<td>{unit.right}</td><td>{unit.skipped}</td></tr>"
            for unit in self.units
        )
        labs = "".join(
            f"<tr><th scope='row'>{html.escape(lab.lab)}</th><td>{_bar(lab.points, 0, lab.max)}</td>"
            f"<td>{_points(lab.points)}/{_points(lab.max)}</td><td>{lab.attempts}</td><td>{lab.hints}</td></tr>"
            for lab in self.labs
        )
        fault = "" if self.fault is None else f"<p>{html.escape(str(self.fault))}</p>"
        return (
            f'<div class="wslab wslab-progress" lang="{current_language()}"><style>{stylesheet()}{_CSS}</style>'
            f"<p><strong>{_NEXT}:</strong> {html.escape(self.next)}</p>"
            + (_table(_PREDICTIONS, (_UNIT, "", _MADE, _RIGHT, _SKIPPED), units) if units else "")
            + (_table(_LAB, ("", "", _POINTS, _ATTEMPTS, _HINTS), labs) if labs else "")
            + f"{fault}</div>"
        )


_CSS = f"""
.wslab.wslab-progress{{padding:4px 12px}}
.wslab.wslab-progress table{{margin:8px 0 16px;font-size:16px}}
.wslab.wslab-progress caption{{text-align:left;font-weight:600;padding:4px 0;color:var(--ink)}}
.wslab.wslab-progress tr{{background:none}}
.wslab.wslab-progress th,.wslab.wslab-progress td{{border:0;border-bottom:1px solid var(--rule);text-align:right;
 padding:4px 12px;max-width:none;white-space:nowrap;background:none}}
.wslab.wslab-progress th:first-child{{text-align:left;font-weight:400;white-space:normal}}
.wslab.wslab-progress thead th{{color:var(--quiet)}}
.wslab-progress .wslab-bar{{display:inline-flex;width:120px;height:12px;border:1px solid var(--quiet);border-radius:3px;
 overflow:hidden;vertical-align:middle}}
.wslab-progress .wslab-bar i{{background:{GREEN}}}
.wslab-progress .wslab-bar i+i{{background:repeating-linear-gradient(45deg,{BLUE} 0 3px,transparent 3px 6px)}}
"""


def _table(caption: Text, heads: Iterable[Text | str], rows: str) -> str:
    names = "".join(f"<th scope='col'>{html.escape(str(head))}</th>" for head in heads)
    return f"<table><caption>{caption}</caption><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table>"


def _bar(full: float, hatched: float, whole: float) -> str:
    """Decoration: the numbers stand beside it."""
    if not whole:
        return ""
    parts = "".join(f'<i style="width:{100 * part / whole:.1f}%"></i>' for part in (full, hatched))
    return f'<span class="wslab-bar" aria-hidden="true">{parts}</span>'


def _named(unit: UnitProgress) -> str:
    return f"{unit.unit} · {unit.title}" if unit.title else unit.unit


def _points(points: float) -> str:
    return f"{points:g}"


def progress(labs: Mapping[str, Mapping[str, float]] | None = None) -> Progress:
    """How far the learner has come in each unit and lab, and what comes next.

    Args:
        labs: for each lab the maximum points of each of its checks; without it only labs that were tried appear.
    """
    kept = store()
    return summarize(kept, _titles(course_root()), labs or {})


def summarize(kept: Store, titles: Mapping[str, str], labs: Mapping[str, Mapping[str, float]]) -> Progress:
    """`progress()` of a given store, for units with these titles."""
    answers, outcomes, asked = kept.answers(), kept.outcomes(), kept.asked()
    numbers = sorted({*titles, *catalogue.units(), *(answer.unit for answer in answers)})
    units = [
        _unit(
            number,
            titles.get(number, ""),
            tuple(catalogue.load(number)[0]),
            [answer for answer in answers if answer.unit == number],
            [outcome for outcome in outcomes if outcome.unit == number],
            [at for unit, _, at in asked if unit == number],
        )
        for number in numbers
        if not number.startswith("L")
    ]
    attempts = kept.attempts()
    names = sorted({*labs, *(attempt.lab for attempt in attempts)})
    hints = [hint.lab for hint in kept.hints()]
    done = [_lab(name, attempts, labs.get(name, {}), hints.count(name)) for name in names]
    return Progress(tuple(units), tuple(done), kept.fault)


def _unit(
    number: str,
    title: str,
    names: tuple[str, ...],
    answers: list[Answer],
    outcomes: list[OutcomeRow],
    asked: list[str],
) -> UnitProgress:
    made = right = skipped = 0
    for name in names:
        counted = counted_answer(answer for answer in answers if answer.name == name)
        if counted is not None:
            made += 1
            verdicts = [outcome.verdict for outcome in outcomes if outcome.answer == counted.id]
            # What was measured first counts, unless that measurement decided nothing.
            right += next((verdict for verdict in verdicts if verdict in ("right", "wrong")), "") == "right"
        elif any(answer.name == name for answer in answers) or any(outcome.name == name for outcome in outcomes):
            skipped += 1
    times = [*asked, *(answer.answered_at for answer in answers), *(outcome.measured_at for outcome in outcomes)]
    return UnitProgress(number, title, len(names), made, right, skipped, max(times, default=""))


def _lab(lab: str, attempts: tuple[Attempt, ...], checks: Mapping[str, float], hints: int) -> LabProgress:
    best: dict[str, float] = {}
    most: dict[str, float] = dict(checks)
    count = 0
    for attempt in attempts:
        if attempt.lab == lab:
            count += 1
            best[attempt.check] = max(best.get(attempt.check, 0.0), attempt.points)
            if attempt.check not in checks:
                most[attempt.check] = attempt.max
    return LabProgress(lab, sum(best.values()), sum(most.values()), count, hints)


def _titles(root: Path) -> dict[str, str]:
    """The units' titles, from the first heading of each built notebook in the reader's language."""
    titles = {}
    for language in (current_language(), *LANGUAGES):
        for path in sorted((root / "notebooks" / language).glob("[0-9][0-9]-*.ipynb")):
            if path.name[:2] not in titles:
                titles[path.name[:2]] = _title(path)
    return titles


def _title(path: Path) -> str:
    """The notebook's first heading, without its own number; "" if it has none or can't be read."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            for line in "".join(cell["source"]).splitlines():
                if cell["cell_type"] == "markdown" and line.startswith("# "):
                    title = line[2:].strip()
                    return title.removeprefix(path.name[:2]).lstrip(" .·:–—-")
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return ""
