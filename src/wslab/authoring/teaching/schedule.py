"""The units with their minutes: as a Markdown table for the READMEs, and as a schedule that adds them up."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from wslab.authoring.building import Unit
from wslab.language import Text

_UNIT = Text(en="unit", tr="birim")
_TITLE = Text(en="title", tr="başlık")
_MINUTES = Text(en="minutes", tr="dakika")
_SO_FAR = Text(en="so far", tr="toplam")


def schedule(units: Sequence[Unit], minutes: int | None = None) -> Table:
    """The units one after the other, with the time that they take together.

    Args:
        units: in the course's order.
        minutes: where the schedule ends at the latest; None for the whole course.
    """
    total = 0
    table = Table(str(_UNIT), str(_TITLE), str(_MINUTES), str(_SO_FAR))
    for unit in units:
        if minutes is not None and total + unit.minutes > minutes:
            break
        total += unit.minutes
        table.add_row(unit.number, str(unit.title), str(unit.minutes), f"{total // 60}:{total % 60:02}")
    return table


def units_table(units: Sequence[Unit], language: str) -> str:
    """The units as the Markdown table of a README, with links to the built notebooks of `language`."""
    folders = {"notebook": "notebooks", "lab": "labs"}
    rows = []
    for unit in units:
        link = unit.built(folders[unit.kind], language)
        rows.append(f"| [{unit.number}]({link}) | {unit.title.into(language)} | {unit.minutes} |")
    head = f"| {_UNIT.into(language)} | {_TITLE.into(language)} | {_MINUTES.into(language)} |\n| --- | --- | ---: |"
    return "\n".join([head, *rows])
