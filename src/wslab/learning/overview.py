"""progress(): how far a learner has come, from what the store holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from wslab.language import LANGUAGES, Text, current_language, decimal
from wslab.learning import catalogue
from wslab.learning.progress_file import Answer, Attempt, Hint, OutcomeRow, Store, counted_answer, course_root, store

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
        path: where its notebook stands, from the course's folder; "" if it isn't there.
    """

    unit: str
    title: str
    questions: int
    made: int = 0
    right: int = 0
    skipped: int = 0
    last: str = ""
    path: str = field(default="", compare=False)

    @property
    def number(self) -> str:
        """What the course calls it: `05`."""
        return self.unit

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
        title: its title as the notebook has it, or "".
        path: where its notebook stands, from the course's folder; "" if it isn't there.
        after: the number of the last unit that it builds on, `03`; "" if that isn't known.
        last: when a check of it was last run or a hint opened (ISO 8601), or "".
    """

    lab: str
    points: float
    max: float
    attempts: int
    hints: int
    title: str = field(default="", compare=False)
    path: str = field(default="", compare=False)
    after: str = field(default="", compare=False)
    last: str = field(default="", compare=False)

    @property
    def number(self) -> str:
        """What the course calls it: `L1`."""
        return self.lab

    @property
    def done(self) -> bool:
        """Whether it has all its points."""
        return self.attempts > 0 and self.points >= self.max


UNIT = Text(en="Unit", tr="Birim")
PREDICTIONS = Text(en="Predictions", tr="Tahminler")
MADE = Text(en="made", tr="yapılan")
RIGHT = Text(en="right", tr="doğru")
SKIPPED = Text(en="skipped", tr="atlanan")
LAB = Text(en="Lab", tr="Çalışma")
POINTS = Text(en="points", tr="puan")
ATTEMPTS = Text(en="attempts", tr="deneme")
HINTS = Text(en="hints", tr="ipucu")
NEXT = Text(en="Next", tr="Sırada")
TITLE = Text(en="Your progress", tr="İlerlemeniz")
_START = Text(en="Begin with unit {unit}.", tr="Şununla başlayın: {unit}.")
_GO_ON = Text(en="Go on with unit {unit}.", tr="Şununla devam edin: {unit}.")
_FINISH_LAB = Text(
    en="Lab {lab} has {points} of {max} points; try it again.",
    tr="{lab} çalışmasında {max} puandan {points} puanınız var; yeniden deneyin.",
)
_NEXT_LAB = Text(en="Now write it yourself: lab {lab}.", tr="Şimdi kendiniz yazın: {lab} çalışması.")
_ALL_DONE = Text(en="Everything here is done.", tr="Buradaki her şey tamam.")
_NOTHING = Text(en="There are no units here yet.", tr="Burada henüz birim yok.")


Station = UnitProgress | LabProgress
"""A unit or a lab, as a stop on the way through the course."""


def named(station: Station) -> str:
    """A station as one says it: `05 · Why await accept()`."""
    return f"{station.number} · {station.title}" if station.title else station.number


@dataclass(frozen=True)
class Progress:
    """How far a learner has come; a card in a notebook, a table with rich, plain lines elsewhere."""

    units: tuple[UnitProgress, ...]
    labs: tuple[LabProgress, ...]
    fault: Text | None = field(default=None)

    @property
    def stations(self) -> tuple[Station, ...]:
        """Everything in the order in which it is taught: each lab behind the last unit that it builds on."""
        order: list[Station] = []
        for unit in self.units:
            order += [unit, *(lab for lab in self.labs if lab.after == unit.unit)]
        return (*order, *(lab for lab in self.labs if lab not in order))

    @property
    def latest(self) -> Station | None:
        """Where the learner was last; None before anything was done."""
        return max((one for one in self.stations if one.last), key=lambda one: one.last, default=None)

    @property
    def upcoming(self) -> Station | None:
        """What to do next: the unit where the learner was last, if it is unfinished; else the next thing after it."""
        last = max(self.units, key=lambda unit: unit.last, default=None)
        if last is None or not last.last:
            return self.units[0] if self.units else None
        # A lab that was begun is no station to go on to: what is missing in it is said in a sentence of its own.
        line = [one for one in self.stations if isinstance(one, UnitProgress) or (one.after and not one.attempts)]
        place = line.index(last)
        return next((one for one in (*line[place:], *line[:place]) if not one.done), None)

    @property
    def next(self) -> str:
        """What to do next, in a sentence or two of the current language."""
        said = [
            _FINISH_LAB.format(lab=lab.lab, points=decimal(lab.points), max=decimal(lab.max))
            for lab in self.labs
            if lab.attempts and not lab.done
        ][:1]
        upcoming = self.upcoming
        if isinstance(upcoming, LabProgress):
            said.insert(0, _NEXT_LAB.format(lab=named(upcoming)))
        elif upcoming is not None:
            begun = any(one.last for one in self.units)
            said.insert(0, (_GO_ON if begun else _START).format(unit=named(upcoming)))
        if not said:
            return str(_ALL_DONE if self.units else _NOTHING)
        return " ".join(said)

    def __repr__(self) -> str:
        lines = [str(TITLE)]
        for unit in self.units:
            lines.append(
                f"  {named(unit)}: {PREDICTIONS}: {unit.made}/{unit.questions} {MADE}, {unit.right} {RIGHT}, "
                f"{unit.skipped} {SKIPPED}"
            )
        for lab in self.labs:
            lines.append(
                f"  {lab.lab}: {decimal(lab.points)}/{decimal(lab.max)} {POINTS}, {lab.attempts} {ATTEMPTS}, "
                f"{lab.hints} {HINTS}"
            )
        lines.append(f"{NEXT}: {self.next}")
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
            table = Table(title=str(PREDICTIONS), title_justify="left")
            table.add_column(str(UNIT), overflow="fold")
            for name in (MADE, RIGHT, SKIPPED):
                table.add_column(str(name), justify="right", no_wrap=True)
            upcoming = self.upcoming
            for unit in self.units:
                style = "bold" if unit is upcoming else None
                made = f"{unit.made}/{unit.questions}" if unit.questions else "–"
                table.add_row(Line(named(unit)), made, str(unit.right), str(unit.skipped), style=style)
            parts.append(table)
        if self.labs:
            table = Table(title=str(LAB), title_justify="left")
            table.add_column("")
            for name in (POINTS, ATTEMPTS, HINTS):
                table.add_column(str(name), justify="right", no_wrap=True)
            for lab in self.labs:
                points = f"{decimal(lab.points)}/{decimal(lab.max)}"
                table.add_row(lab.lab, points, str(lab.attempts), str(lab.hints))
            parts.append(table)
        parts.append(Line.assemble((f"{NEXT}: ", "bold"), self.next))
        if self.fault is not None:
            parts.append(Line(str(self.fault)))
        return Group(*parts)

    def _repr_html_(self) -> str:
        from wslab.learning.course_map import progress_html

        return progress_html(self)


def progress(labs: Mapping[str, Mapping[str, float]] | None = None) -> Progress:
    """How far the learner has come in each unit and lab, and what comes next.

    Args:
        labs: for each lab the maximum points of each of its checks; without it only labs that were tried appear.
    """
    kept = store()
    return summarize(kept, tuple(built_notebooks(course_root(), current_language())), labs or {})


@dataclass(frozen=True, slots=True)
class BuiltNotebook:
    """A notebook of the course as it lies in its folder: its number, its title, where, and for a lab its last unit."""

    number: str
    title: str
    path: str
    after: str = ""


def summarize(kept: Store, notebooks: Sequence[BuiltNotebook], labs: Mapping[str, Mapping[str, float]]) -> Progress:
    """`progress()` of a given store, for a course of these notebooks."""
    answers, outcomes, asked = kept.answers(), kept.outcomes(), kept.asked()
    there = {notebook.number: notebook for notebook in notebooks}
    numbers = sorted({*there, *catalogue.units(), *(answer.unit for answer in answers)})
    units = [
        _unit(
            there.get(number, BuiltNotebook(number, "", "")),
            tuple(catalogue.load(number)[0]),
            [answer for answer in answers if answer.unit == number],
            [outcome for outcome in outcomes if outcome.unit == number],
            [at for unit, _, at in asked if unit == number],
        )
        for number in numbers
        if not number.startswith("L")
    ]
    attempts, hints = kept.attempts(), kept.hints()
    names = sorted({*labs, *(attempt.lab for attempt in attempts)})
    done = [
        _lab(
            there.get(name, BuiltNotebook(name, "", "")),
            [attempt for attempt in attempts if attempt.lab == name],
            [hint for hint in hints if hint.lab == name],
            labs.get(name, {}),
        )
        for name in names
    ]
    return Progress(tuple(units), tuple(done), kept.fault)


def _unit(
    notebook: BuiltNotebook,
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
    last = max(times, default="")
    return UnitProgress(notebook.number, notebook.title, len(names), made, right, skipped, last, notebook.path)


def _lab(
    notebook: BuiltNotebook, attempts: list[Attempt], hints: list[Hint], checks: Mapping[str, float]
) -> LabProgress:
    best: dict[str, float] = {}
    most: dict[str, float] = dict(checks)
    for attempt in attempts:
        best[attempt.check] = max(best.get(attempt.check, 0.0), attempt.points)
        if attempt.check not in checks:
            most[attempt.check] = attempt.max
    last = max((*(attempt.at for attempt in attempts), *(hint.at for hint in hints)), default="")
    return LabProgress(
        notebook.number,
        sum(best.values()),
        sum(most.values()),
        len(attempts),
        len(hints),
        notebook.title,
        notebook.path,
        notebook.after,
        last,
    )


_LINKED = re.compile(r"\((?:[^()\s]*/)?(?P<number>\d\d)-[^()/\s]*\.ipynb\)")


def built_notebooks(root: Path, language: str) -> Iterator[BuiltNotebook]:
    """The course's notebooks and labs, in `language` where they exist in it, else in another.

    Args:
        root: the course's folder.
        language: the reader's.
    """
    seen = set()
    for edition in (language, *LANGUAGES):
        units = sorted((root / "notebooks" / edition).glob("[0-9][0-9]-*.ipynb"))
        labs = sorted((root / "labs" / edition).glob("L*/L*.ipynb"))
        for path in (*units, *(lab for lab in labs if lab.stem == lab.parent.name)):
            number = path.name.partition("-")[0]
            if number not in seen:
                seen.add(number)
                first = _first_heading(path)
                title = first.partition("\n")[0].removeprefix(number).lstrip(" .·:–—-")
                # A lab's first cell links to what comes before it.
                before = _LINKED.findall(first) if number.startswith("L") else []
                yield BuiltNotebook(number, title, path.relative_to(root).as_posix(), max(before, default=""))


def _first_heading(path: Path) -> str:
    """The first cell with a heading, from that heading on; "" if there is none or the file can't be read."""
    try:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            lines = "".join(cell["source"]).splitlines()
            for index, line in enumerate(lines):
                if cell["cell_type"] == "markdown" and line.startswith("# "):
                    return "\n".join([line[2:].strip(), *lines[index + 1 :]])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return ""
