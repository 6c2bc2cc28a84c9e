"""What `progress()` looks like in a notebook: the map of the course, where one was last, and the same as tables."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from wslab.jupyter import somebody_watches
from wslab.language import Text, current_language, decimal
from wslab.picture import AS_TABLE, BLUE, GREEN, ORANGE, Cell, sentence_html, stylesheet, table
from wslab.progress import stations
from wslab.progress.database import course_root
from wslab.progress.stations import LabProgress, ProgressData, Station, UnitProgress, named

_CONTINUE = Text(en="Continue where you were", tr="Kaldığınız yerden devam edin")
_BEGIN = Text(en="Begin here", tr="Buradan başlayın")
_THEN = Text(en="What comes next", tr="Sırada ne var")
_ANSWERED = Text(en="{made} of {all} predictions", tr="{made}/{all} tahmin")
_TAKEN = Text(en="{passed} of {all} turns", tr="{passed}/{all} sıra sizde")
_OF_POINTS = Text(en="{points} of {max} points", tr="{points}/{max} puan")
_NO_PREDICTIONS = Text(en="no predictions", tr="tahmin yok")
_MAP = Text(en="Your way through the course", tr="Kurstaki yolunuz")
_DONE = Text(en="done", tr="bitti")
_HERE = Text(en="next", tr="sırada")
_BEGUN = Text(en="begun", tr="başlandı")

# How a prediction stands, with the sign that doubles its colour.
_STATES = {
    "right": Text(en="answered, and measured so", tr="yanıtlandı, doğru çıktı"),
    "made": Text(en="answered", tr="yanıtlandı"),
    "skipped": Text(en="skipped", tr="atlandı"),
    "open": Text(en="still open", tr="henüz açık"),
}
_TURN_PASSED = Text(en='a "your turn" that passed', tr="başarılan bir “sıra sizde”")
_POINTS_HAD = Text(en="a lab's points", tr="alıştırmanın puanı")

_SIZE, _STEP = 16, 20
_BAR = 160


def progress_html(progress: ProgressData) -> str:
    """The card: the way back, the map, what the signs mean, and the tables behind the picture."""
    fault = "" if progress.fault is None else f"<p>{html.escape(str(progress.fault))}</p>"
    upcoming = progress.upcoming
    tiles = "".join(_tile(station, station is upcoming) for station in progress.stations)
    shown = f'<ol class="wslab-map" aria-label="{_MAP}">{tiles}</ol>{_legend()}' if tiles else ""
    return (
        f'<div class="wslab wslab-progress" lang="{current_language()}"><style>{stylesheet()}{_CSS}</style>'
        f"{_ways(progress)}<p><strong>{stations.NEXT}:</strong> {sentence_html(Text.of(progress.next))}</p>"
        f"{shown}<details><summary>{AS_TABLE}</summary>{_tables(progress)}</details>{fault}</div>"
    )


def _ways(progress: ProgressData) -> str:
    """The links to where one was last and to what comes next."""
    latest, upcoming = progress.latest, progress.upcoming
    ways: list[tuple[Text, Station]] = []
    if latest is not None:
        ways.append((_CONTINUE, latest))
    if upcoming is not None and upcoming is not latest:
        ways.append((_BEGIN if latest is None else _THEN, upcoming))
    links = [
        f'<a class="wslab-way" href="{href}">▶ {label}: <strong>{sentence_html(Text.of(named(station)))}</strong></a>'
        for label, station in ways
        if (href := _link(station))
    ]
    return f'<p class="wslab-ways">{" ".join(links)}</p>' if links else ""


def _link(station: Station) -> str:
    """The address of a station's notebook, relative to this one's; "" where nobody could follow it.

    JupyterLab opens it in a tab of its own; a page that was exported has no such notebook beside it.
    """
    if not station.path or not somebody_watches():
        return ""
    try:
        there = os.path.relpath(course_root() / station.path)
    except ValueError:  # another drive, on Windows
        return ""
    return html.escape(quote(Path(there).as_posix()))


def _tile(station: Station, is_next: bool) -> str:
    begun = bool(station.last)
    done = station.done and (begun or isinstance(station, LabProgress))
    state = "done" if done else "begun" if begun else "open"
    badge = f"▶ {_HERE}" if is_next else {"done": f"✓ {_DONE}", "begun": f"◐ {_BEGUN}", "open": ""}[state]
    if isinstance(station, UnitProgress):
        drawing, count = _dots(station), str(_NO_PREDICTIONS)
        if station.questions:
            count = _ANSWERED.format(made=station.made, all=station.questions)
        if station.turns:
            drawing += _boxes(station)
            count += f" · {_TAKEN.format(passed=station.passed, all=station.turns)}"
    else:
        drawing = _bar(station.points, station.max)
        count = _OF_POINTS.format(points=decimal(station.points), max=decimal(station.max))
    inside = (
        f'<span class="wslab-top"><b>{html.escape(station.number)}</b>'
        f"<span>{badge}</span></span>"
        f'<span class="wslab-name">{sentence_html(Text.of(station.title or station.number))}</span>'
        f'{drawing}<span class="wslab-count">{html.escape(count)}</span>'
    )
    href = _link(station)
    body = f'<a href="{href}">{inside}</a>' if href else f"<span>{inside}</span>"
    return f'<li class="wslab-{state}{" wslab-next" if is_next else ""}">{body}</li>'


def _dots(unit: UnitProgress) -> str:
    """A disc for each prediction; the words beside it say the same, so a screen reader passes over it."""
    states = [
        *["right"] * unit.right,
        *["made"] * (unit.made - unit.right),
        *["skipped"] * unit.skipped,
    ]
    states += ["open"] * (unit.questions - len(states))
    discs = "".join(_disc(state, index * _STEP) for index, state in enumerate(states))
    return _svg(max(1, len(states)) * _STEP, discs)


def _boxes(unit: UnitProgress) -> str:
    """A square for each turn, filled where it has passed."""
    squares = [_square(number < unit.passed, number * _STEP) for number in range(unit.turns)]
    return _svg(unit.turns * _STEP, "".join(squares))


def _square(passed: bool, left: float) -> str:
    look = f'fill="{GREEN}"' if passed else 'fill="none" stroke="var(--quiet)" stroke-width="1.5"'
    tick = f'<path d="M{left + 4:g} 8.5l3 3l5 -6" fill="none" stroke="#fff" stroke-width="2"/>' if passed else ""
    return f'<rect x="{left + 1:g}" y="1" width="{_SIZE - 2}" height="{_SIZE - 2}" rx="2" {look}/>{tick}'


def _svg(width: int, inside: str) -> str:
    return (
        f'<svg class="wslab-drawing" width="{width}" height="{_SIZE}" viewBox="0 0 {width} {_SIZE}" '
        f'aria-hidden="true">{inside}</svg>'
    )


def _disc(state: str, left: float) -> str:
    middle, radius = left + _SIZE / 2, _SIZE / 2 - 1
    place = f'cx="{middle:g}" cy="{_SIZE / 2:g}" r="{radius:g}"'
    if state == "right":
        tick = f"M{left + 4:g} 8.5l3 3l5 -6"
        return f'<circle {place} fill="{GREEN}"/><path d="{tick}" fill="none" stroke="#fff" stroke-width="2"/>'
    if state == "made":
        return f'<circle {place} fill="{BLUE}"/>'
    ring = f'<circle {place} fill="none" stroke="var(--quiet)" stroke-width="1.5"/>'
    if state == "skipped":
        return ring + f'<path d="M{left + 4:g} 8h8" stroke="var(--quiet)" stroke-width="2"/>'
    return ring


def _bar(part: float, whole: float) -> str:
    """A lab's points as a bar with a mark at each quarter."""
    inner = _BAR - 2
    filled = inner * min(1.0, part / whole) if whole else 0.0
    marks = "".join(f'<path d="M{1 + inner * at / 4:g} 3v10" stroke="var(--quiet)"/>' for at in (1, 2, 3))
    return _svg(
        _BAR,
        f'<rect x="1" y="3" width="{inner}" height="10" rx="3" fill="var(--paper)" stroke="var(--quiet)"/>{marks}'
        f'<rect x="1" y="3" width="{filled:.1f}" height="10" rx="3" fill="{GREEN}"/>',
    )


def _legend() -> str:
    signs = "".join(f"<li>{_svg(_STEP, _disc(state, 2))} {says}</li>" for state, says in _STATES.items())
    bar = f"<li>{_svg(_BAR // 2, _bar_sample())} {_POINTS_HAD}</li>"
    turn = f"<li>{_svg(_STEP, _square(True, 2))} {_TURN_PASSED}</li>"
    return f'<ul class="wslab-legend">{signs}{turn}{bar}</ul>'


def _bar_sample() -> str:
    width = _BAR // 2 - 2
    return (
        f'<rect x="1" y="3" width="{width}" height="10" rx="3" fill="var(--paper)" stroke="var(--quiet)"/>'
        f'<rect x="1" y="3" width="{width * 0.6:g}" height="10" rx="3" fill="{GREEN}"/>'
    )


def _tables(progress: ProgressData) -> str:
    units = [
        (
            named(unit),
            f"{unit.made}/{unit.questions}" if unit.questions else "–",
            str(unit.right),
            str(unit.skipped),
            f"{unit.passed}/{unit.turns}" if unit.turns else "–",
        )
        for unit in progress.units
    ]
    labs = [
        (named(lab), f"{decimal(lab.points)}/{decimal(lab.max)}", str(lab.attempts), str(lab.hints))
        for lab in progress.labs
    ]
    heads = (stations.UNIT, stations.MADE, stations.RIGHT, stations.SKIPPED, stations.TURNS)
    lab_heads = (stations.LAB, stations.POINTS, stations.ATTEMPTS, stations.HINTS)
    return (_table(stations.PREDICTIONS, heads, units) if units else "") + (
        _table(stations.LAB, lab_heads, labs) if labs else ""
    )


def _table(caption: Text, heads: Iterable[Text], rows: Iterable[tuple[str, ...]]) -> str:
    body = ([Cell(sentence_html(Text.of(first)), head=True), *rest] for first, *rest in rows)
    return table(heads, body, caption)


_CSS = f"""
.wslab.wslab-progress{{padding:8px 12px;font-size:16px}}
.wslab.wslab-progress p{{margin:8px 0}}
.wslab-progress .wslab-ways{{display:flex;flex-wrap:wrap;gap:8px 12px}}
.wslab.wslab-progress a{{color:var(--ink);text-decoration:none}}
.wslab.wslab-progress a.wslab-way{{border:2px solid {BLUE};border-radius:6px;padding:6px 14px;background:var(--panel)}}
.wslab.wslab-progress a:hover{{text-decoration:underline}}
.wslab.wslab-progress ol.wslab-map{{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:10px;
 list-style:none;margin:12px 0;padding:0}}
.wslab.wslab-progress .wslab-map>li{{margin:0;border:1px solid var(--rule);border-left:6px solid var(--rule);
 border-radius:6px;background:var(--panel)}}
.wslab.wslab-progress .wslab-map>li.wslab-begun{{border-left-color:{BLUE}}}
.wslab.wslab-progress .wslab-map>li.wslab-done{{border-left-color:{GREEN}}}
.wslab.wslab-progress .wslab-map>li.wslab-next{{outline:3px solid {ORANGE}}}
.wslab-progress .wslab-map>li>*{{display:flex;flex-direction:column;gap:4px;height:100%;padding:8px 10px}}
.wslab-progress .wslab-top{{display:flex;justify-content:space-between;gap:8px}}
.wslab-progress .wslab-top b{{font-size:18px}}
.wslab-progress .wslab-top span,.wslab-progress .wslab-count{{font-size:14px;color:var(--quiet)}}
.wslab-progress .wslab-name{{flex:1;overflow-wrap:anywhere}}
.wslab.wslab-progress .wslab-name code{{font-size:.94em;background:none;padding:0}}
.wslab-progress .wslab-drawing{{max-width:100%;vertical-align:middle}}
.wslab.wslab-progress ul.wslab-legend{{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;
 margin:4px 0 8px;padding:0;font-size:14px;color:var(--quiet)}}
.wslab.wslab-progress table{{margin:8px 0 16px;font-size:16px}}
.wslab.wslab-progress caption{{text-align:left;font-weight:600;padding:4px 0;color:var(--ink)}}
.wslab.wslab-progress tr{{background:none}}
.wslab.wslab-progress th,.wslab.wslab-progress td{{border:0;border-bottom:1px solid var(--rule);text-align:right;
 padding:4px 12px;max-width:none;white-space:nowrap;background:none}}
.wslab.wslab-progress th:first-child{{text-align:left;font-weight:400;white-space:normal}}
.wslab.wslab-progress thead th{{color:var(--quiet)}}
"""
