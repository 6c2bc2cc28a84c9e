"""A plan as a run sheet: clock times, section titles, votes with what to expect of them, and the demos."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wslab.authoring.building import Unit
from wslab.authoring.building.unit import Cell
from wslab.authoring.teaching.guide import Guide, passages, prediction_lines
from wslab.authoring.teaching.plans import Item, Plan, Session, item_line, sections, sums
from wslab.errors import LabError
from wslab.language import LANGUAGES, Text

_SECTION = re.compile(r"^## (?:(?P<number>\d+)\. )?", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*")

_NO_TIME = Text(
    en="“{given}” is no time of day; write hours and minutes, such as 09:00.",
    tr="“{given}” bir saat değil; saati ve dakikayı yazın, örneğin 09:00.",
)
_DEMO = Text(en="Demo:", tr="Gösteri:")
_HOMEWORK = Text(en="At home", tr="Evde")


class StartError(LabError):
    """What was given as the start of a lesson is no time of day."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An item of a session with its clock times."""

    item: Item
    begins: str
    ends: str


def slots(session: Session, start: str) -> Iterator[Slot]:
    """What happens in class when; what is done at home has no slot.

    Args:
        session: the lesson.
        start: its beginning, `09:00`.

    Raises:
        StartError: `start` is no time of day.
    """
    try:
        now = datetime.strptime(start, "%H:%M")
    except ValueError:
        raise StartError(_NO_TIME, given=start) from None
    for item in session.items:
        if not item.home:
            end = now + timedelta(minutes=item.minutes)
            yield Slot(item, f"{now:%H:%M}", f"{end:%H:%M}")
            now = end


def cells_of(cells: Sequence[Cell], wanted: Sequence[int]) -> tuple[bool, ...]:
    """For each cell of a unit, whether it belongs to the wanted sections; all do where none is named."""
    kept, here = [], None
    for cell in cells:
        if cell.kind == "markdown" and not cell.instructor:
            for heading in _SECTION.finditer(cell.text.into(LANGUAGES[0])):
                here = int(heading["number"]) if heading["number"] else None
        kept.append(not wanted or here in wanted)
    return tuple(kept)


def part_of(unit: Unit, numbers: Sequence[int]) -> Unit:
    """The unit with the cells of these sections alone; the whole one where `numbers` is empty."""
    keep = cells_of(unit.cells, numbers)
    return dataclasses.replace(unit, cells=tuple(cell for cell, kept in zip(unit.cells, keep, strict=True) if kept))


def run_sheet(guide: Guide, plan: Plan, language: str, starts: Sequence[str]) -> str:
    """The run sheet as Markdown.

    Args:
        guide: the guide, for the votes.
        plan: one of its plans.
        language: of the sheet.
        starts: when each session begins, `09:00`; the last one holds for the sessions after it as well.

    Raises:
        StartError: a start is no time of day.
    """
    parts = [f"# {plan.title.into(language)}", plan.about.into(language), sums(plan, language)]
    for number, session in enumerate(plan.sessions):
        parts += _session(guide, session, language, starts[min(number, len(starts) - 1)])
    return "\n\n".join(parts) + "\n"


def _session(guide: Guide, session: Session, language: str, start: str) -> Iterator[str]:
    yield f"## {session.title.into(language)}"
    for slot in slots(session, start):
        yield f"### {slot.begins}–{slot.ends} · {item_line(slot.item, language)}"
        if slot.item.unit is not None:
            yield from _taught(guide, slot.item.unit, slot.item.sections, language)
    if home := [item_line(item, language) for item in session.items if item.home]:
        yield f"### {_HOMEWORK.into(language)}"
        yield "\n".join(f"- {line}" for line in home)


def _taught(guide: Guide, unit: Unit, numbers: Sequence[int], language: str) -> Iterator[str]:
    votes = guide.leads[unit.number].votes
    for number, title in sections(unit, language).items():
        if numbers and number not in numbers:
            continue
        yield f"#### {number}. {title}"
        for passage in passages(part_of(unit, (number,))):
            for key in passage.keys:
                yield "\n".join(prediction_lines(votes[key.partition(".")[2]], language))
            for note in passage.notes:
                for line in demos(note, language):
                    yield f"*{_DEMO.into(language)}* {line}"


def demos(note: Text, language: str) -> Iterator[str]:
    """The lines of an instructor's note that say a demo: what to run, to observe and to change, each in bold."""
    for line in note.into(language).strip().splitlines():
        if len(_BOLD.findall(line)) >= 3:
            yield line


__all__ = ["Slot", "StartError", "cells_of", "demos", "part_of", "run_sheet", "slots"]
