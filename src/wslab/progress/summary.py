"""progress(): how far a learner has come, from what the store holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wslab.language import LANGUAGES, current_language, decimal
from wslab.progress.course_map import progress_html
from wslab.progress.database import (
    Answer,
    Attempt,
    Hint,
    OutcomeRow,
    Store,
    counted_answer,
    course_root,
    first_verdict,
    store,
)
from wslab.progress.stations import (
    ATTEMPTS,
    HINTS,
    LAB,
    MADE,
    NEXT,
    POINTS,
    PREDICTIONS,
    RIGHT,
    SKIPPED,
    TITLE,
    TURNS,
    UNIT,
    LabProgress,
    ProgressData,
    UnitProgress,
    named,
)

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, repr=False)
class Progress(ProgressData):
    """How far a learner has come; a card in a notebook, a table with rich, plain lines elsewhere."""

    def __repr__(self) -> str:
        lines = [str(TITLE)]
        for unit in self.units:
            lines.append(
                f"  {named(unit)}: {PREDICTIONS}: {unit.made}/{unit.questions} {MADE}, {unit.right} {RIGHT}, "
                f"{unit.skipped} {SKIPPED}" + (f"; {TURNS}: {unit.passed}/{unit.turns}" if unit.turns else "")
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
            with_turns = any(unit.turns for unit in self.units)
            for name in (MADE, RIGHT, SKIPPED):
                table.add_column(str(name), justify="right", no_wrap=True)
            if with_turns:
                table.add_column(str(TURNS), justify="right")
            upcoming = self.upcoming
            for unit in self.units:
                style = "bold" if unit is upcoming else None
                made = f"{unit.made}/{unit.questions}" if unit.questions else "–"
                turns = [f"{unit.passed}/{unit.turns}" if unit.turns else "–"] if with_turns else []
                table.add_row(Line(named(unit)), made, str(unit.right), str(unit.skipped), *turns, style=style)
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
        return progress_html(self)


def progress(
    questions: Mapping[str, Sequence[str]],
    labs: Mapping[str, Mapping[str, float]] | None = None,
    turns: Mapping[str, Sequence[str]] | None = None,
) -> Progress:
    """How far the learner has come in each unit and lab, and what comes next.

    Args:
        questions: for each unit the names of its predictions.
        labs: for each lab the maximum points of each of its checks; without it only labs that were tried appear.
        turns: for each unit the names of its turns.
    """
    notebooks = tuple(built_notebooks(course_root(), current_language()))
    return summarize(store(), notebooks, questions, labs or {}, turns or {})


@dataclass(frozen=True, slots=True)
class BuiltNotebook:
    """A notebook of the course as it lies in its folder: its number, its title, where, and for a lab its last unit."""

    number: str
    title: str
    path: str
    after: str = ""


def summarize(
    kept: Store,
    notebooks: Sequence[BuiltNotebook],
    questions: Mapping[str, Sequence[str]],
    labs: Mapping[str, Mapping[str, float]],
    turns: Mapping[str, Sequence[str]],
) -> Progress:
    """`progress()` of a given store, for a course of these notebooks."""
    attempts, hints = kept.attempts(), kept.hints()
    answers, outcomes, asked = kept.answers(), kept.outcomes(), kept.asked()
    there = {notebook.number: notebook for notebook in notebooks}
    numbers = sorted({*there, *questions, *(answer.unit for answer in answers)})
    units = [
        _unit(
            there.get(number, BuiltNotebook(number, "", "")),
            tuple(questions.get(number, ())),
            [answer for answer in answers if answer.unit == number],
            [outcome for outcome in outcomes if outcome.unit == number],
            [at for unit, _, at in asked if unit == number],
            tuple(turns.get(number, ())),
            [attempt for attempt in attempts if attempt.lab == number],
        )
        for number in numbers
        if not number.startswith("L")
    ]
    names = sorted({*labs, *(attempt.lab for attempt in attempts if not attempt.lab.isdigit())})
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
    turns: tuple[str, ...],
    attempts: list[Attempt],
) -> UnitProgress:
    made = right = skipped = 0
    for name in names:
        counted = counted_answer(answer for answer in answers if answer.name == name)
        if counted is not None:
            made += 1
            right += first_verdict(counted, outcomes) == "right"
        elif any(answer.name == name for answer in answers) or any(outcome.name == name for outcome in outcomes):
            skipped += 1
    passed = {attempt.check for attempt in attempts if attempt.verdict == PASSED}
    times = [
        *asked,
        *(attempt.at for attempt in attempts),
        *(answer.answered_at for answer in answers),
        *(outcome.measured_at for outcome in outcomes),
    ]
    last = max(times, default="")
    return UnitProgress(
        notebook.number,
        notebook.title,
        len(names),
        made,
        right,
        skipped,
        last,
        notebook.path,
        len(turns),
        len(passed.intersection(turns)),
    )


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


PASSED = "passed"
"""The verdict of an attempt that earned everything."""

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
