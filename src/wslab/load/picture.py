"""What `wslab load` measured: a table for the terminal, and a picture."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from itertools import cycle

from rich.table import Table

from wslab.language import Text, decimal
from wslab.load.measuring import Row
from wslab.picture import BLUE, GREEN, VERMILION

_HEAD = (
    Text(en="processes", tr="süreç"),
    Text(en="clients", tr="istemci"),
    Text(en="to the last", tr="sonuncuya"),
    Text(en="slowest", tr="en yavaşı"),
    Text(en="processor", tr="işlemci"),
    Text(en="memory", tr="bellek"),
    Text(en="full at 1/s", tr="1/sn’de dolar"),
)
_MS, _US, _KIB = "{} ms", "{} µs", "{} KiB"
_CLIENTS = Text(en="clients in one room", tr="bir odadaki istemci sayısı")
_UNTIL = Text(en="milliseconds until the last client has a message", tr="mesajın son istemciye ulaşması, milisaniye")
_ONE = Text(en="1 process", tr="1 süreç")
_SEVERAL = Text(en="{count} processes", tr="{count} süreç")

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 760, 380, 70, 40, 110, 56
_LINES = ((BLUE, "circle"), (VERMILION, "square"), (GREEN, "triangle"))


def table(rows: Sequence[Row]) -> Table:
    """A row for each number of clients."""
    shown = Table()
    for name in _HEAD:
        shown.add_column(str(name), justify="right")
    for row in rows:
        shown.add_row(
            str(row.processes),
            str(row.sockets),
            _MS.format(decimal(row.last * 1000, digits=1)),
            _MS.format(decimal(row.worst * 1000, digits=1)),
            _US.format(decimal(row.cost * 1e6, digits=1)),
            _KIB.format(decimal(row.memory / 1024, digits=1)),
            str(row.full * row.processes),
        )
    return shown


def picture(rows: Sequence[Row]) -> str:
    """An SVG: how long a message takes to the last of so many clients, with a line for each number of processes."""
    widest = max(row.sockets for row in rows)
    step = _step(max(row.last for row in rows) * 1000)
    highest = step * 4

    def x(sockets: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * sockets / widest

    def y(milliseconds: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * milliseconds / highest

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-family="system-ui,DejaVu Sans,sans-serif" font-size="15" fill="#1b1f24">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="8" y="22">{html.escape(str(_UNTIL))}</text>',
        f'<text x="{(x(0) + x(widest)) / 2:.0f}" y="{_HEIGHT - 10}" text-anchor="middle">'
        f"{html.escape(str(_CLIENTS))}</text>",
    ]
    for part in range(5):
        level = step * part
        parts.append(f'<path d="M{x(0)} {y(level):.1f}H{x(widest):.1f}" stroke="#d0d7de"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y(level) + 5:.1f}" text-anchor="end">{level:g}</text>')
    # A number that would touch the one before it is left out.
    shown = -100.0
    for sockets in sorted({0, *(row.sockets for row in rows)}):
        if x(sockets) - shown > 45:
            shown = x(sockets)
            parts.append(f'<text x="{shown:.1f}" y="{y(0) + 20:.1f}" text-anchor="middle">{sockets}</text>')
    for (colour, mark), processes in zip(cycle(_LINES), sorted({row.processes for row in rows}), strict=False):
        points = [(x(row.sockets), y(row.last * 1000)) for row in rows if row.processes == processes]
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [_mark(mark, colour, *point) for point in points]
        name = str(_ONE) if processes == 1 else _SEVERAL.format(count=processes)
        left, top = points[-1]
        parts.append(f'<text x="{left + 10:.1f}" y="{top + 5:.1f}" fill="{colour}">{html.escape(name)}</text>')
    return "".join((*parts, "</svg>\n"))


def _step(highest: float) -> float:
    """A round number, four of which reach at least so high."""
    power = 10.0 ** math.floor(math.log10(highest / 4 or 1))
    return next(step for factor in (1, 2, 2.5, 5, 10) if (step := factor * power) * 4 >= highest)


def _mark(kind: str, colour: str, x: float, y: float) -> str:
    if kind == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
    if kind == "square":
        return f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" fill="{colour}"/>'
    return f'<path d="M{x:.1f} {y - 6:.1f}l6 11h-12z" fill="{colour}"/>'
