"""A film as an SVG; pure. The script only moves what is drawn here, so an untrusted notebook shows the same picture.

Every element that stands for a moment or a stretch of time has it in microseconds as `data-a` and `data-b`. Two kinds
have not: the bars of the steps, whose times the script gets as data, and the paths of the loop's own work, which are
scaled as a whole.
"""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from wslab.language import Text, decimal
from wslab.picture import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION
from wslab.recording import sentences, signals
from wslab.recording.signals import Arrow, Signal
from wslab.recording.trace import Lane, Place, Step, Trace

WIDTH = 900
"""Pixels: a cell of JupyterLab on a laptop."""
MOST_STEPS = 5_000
MOST_ROWS = 40
_MOST_LABELS = 300  # of the longest suspensions, in all rows together; every other one is told on hover
_MOST_IDLE_LABELS = 100
_MOST_TICKS = 5_000
LEGEND_LINE = 22
SIGN = 11
"""Half the width of a warning sign, in pixels."""
BESIDE = 15
"""From a step to the text beside its arrow, in pixels."""
UNITS = 100_000
"""The paths of the loop's own work are drawn in this many parts of the axis, and scaled as a whole."""

FONT = 14
_MONO = FONT * 0.602  # one character of DejaVu Sans Mono, Menlo, Consolas
_SANS = FONT * 0.58
_BOLD = FONT * 0.68
_ROW, _STRIP, _THIN, _MARKS, _AXIS = 52, 30, 30, 24, 30
_BAR = 22
_SIGNALS = 30  # above a row: the arrows of its frames
_RIGHT = 20
BAR_LEAST = 3  # pixels: a step of 0.1 ms must be seen

WORDS = {
    "running": Text(en="running: holds the loop", tr="çalışıyor: döngüyü tutuyor"),
    "suspended": Text(en="suspended at an await", tr="await noktasında askıda"),
    "blocking": Text(en="blocking: over {limit}", tr="bloke ediyor: {limit} üstü"),
    "cannot": Text(en="cannot run", tr="çalışamıyor"),
    "due": Text(en="timer was due", tr="zamanlayıcı çalmalıydı"),
    "mark": Text(en="your mark", tr="işaretiniz"),
    "unawaited": Text(en="never awaited", tr="hiç beklenmedi"),
    "ended": Text(en="ended", tr="bitti"),
    "loop": Text(en="the event loop is", tr="olay döngüsü"),
    "loop_of": Text(en="loop of {name}", tr="{name} döngüsü"),
    "idle": Text(en="idle", tr="boşta"),
    "busy": Text(en="busy", tr="meşgul"),
    "internals": Text(en="uvicorn + asyncio", tr="uvicorn + asyncio"),
    "internals_here": Text(en="Jupyter + asyncio", tr="Jupyter + asyncio"),
    "blocked": Text(en="blocked", tr="bloke etti"),
    "cancelled": Text(en="cancelled", tr="iptal edildi"),
    "destroyed": Text(en="destroyed while pending", tr="beklerken yok edildi"),
    "killed": Text(en="its process ended", tr="süreci sona erdi"),
}
_LATEST = Text(
    en="The picture shows the last {shown} of {all} steps; film.steps holds them all.",
    tr="Resimde {all} adımdan son {shown} tanesi var; hepsi film.steps içinde.",
)
_MORE_LANES = Text(
    en="The picture shows {shown} of {all} lanes, those with the most steps; film.lanes holds them all.",
    tr="Resimde {all} şeritten en çok adımı olan {shown} tanesi var; hepsi film.lanes içinde.",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture: the lanes of one name, which do not live at the same time."""

    name: str
    loop: int
    lanes: tuple[Lane, ...]
    y: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG, and what a script needs to know to move it.

    Attributes:
        left: pixels from the left edge to where time begins.
        first: nanoseconds at the left end of the axis.
        until: nanoseconds at the right end of the axis.
        rows: the rows of the learner's lanes.
        steps: the steps that are drawn, in their order; those of one row are drawn in this order too.
        notes: what a reader must know about what is not drawn.
    """

    svg: str
    width: int
    height: float
    left: int
    first: int
    until: int
    rows: tuple[Row, ...]
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def _x(text: str) -> str:
    return html.escape(text, quote=True)


def _n(value: float) -> str:
    """A coordinate, as short as a tenth of a pixel can be written."""
    return f"{value:.1f}".removesuffix(".0")


def short(text: str, most: int) -> str:
    """`text`, its middle left out where it has more than `most` characters."""
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return text[:head] + "…" + text[len(text) - (most - 1 - head) :]


def axis(first: int, until: int, pixels: float) -> tuple[list[int], int]:
    """Round moments for the axis, some 90 pixels apart or more, and how many decimals of a second they need."""
    span = max(until - first, 1000)
    rough = span * 95 / max(pixels, 95)
    power = 10 ** math.floor(math.log10(rough))
    step = int(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough))
    step = max(step, 1)
    at = -(-first // step) * step
    return list(range(at, until + 1, step)), max(0, min(6, math.ceil(9 - math.log10(step) - 1e-9)))


_Group = tuple[str, int, tuple[Lane, ...]]


def _groups(trace: Trace) -> list[_Group]:
    grouped: dict[tuple[int, str], list[Lane]] = {}
    for lane in trace.lanes:
        if lane.kind != "internal":
            grouped.setdefault((lane.loop, lane.name), []).append(lane)
    return [(name, loop, tuple(lanes)) for (loop, name), lanes in grouped.items()]


def _fitting(trace: Trace) -> tuple[tuple[Step, ...], int, list[_Group], tuple[str, ...]]:
    """What of a film fits into a picture: its steps, where it begins (ns), its rows, and what is said of the rest."""
    said = []
    first, steps = 0, trace.steps
    if len(steps) > MOST_STEPS:
        steps = steps[-MOST_STEPS:]
        first = steps[0].start
        said.append(_LATEST.format(shown=MOST_STEPS, all=len(trace.steps)))
    groups = _groups(trace)
    if len(groups) > MOST_ROWS:
        busy = Counter(step.lane for step in steps)
        blocking = {block.lane for block in trace.blocks}

        def weight(group: _Group) -> tuple[bool, int]:
            numbers = [lane.number for lane in group[2]]
            return not blocking.isdisjoint(numbers), sum(busy[number] for number in numbers)

        said.append(_MORE_LANES.format(shown=MOST_ROWS, all=len(groups)))
        kept = sorted(groups, key=weight, reverse=True)[:MOST_ROWS]
        groups = [group for group in groups if group in kept]
        numbers = {lane.number for group in groups for lane in group[2]}
        steps = tuple(step for step in steps if step.lane in numbers)
    return steps, first, groups, tuple(said)


class _Canvas:
    """Pieces of SVG, and the arithmetic of one time axis."""

    def __init__(self, left: int, width: int, first: int, until: int) -> None:
        self.left, self.width, self.first, self.until = left, width, first, max(until, first + 1000)
        self.right = width - _RIGHT
        self.scale = (self.right - left) / (self.until - first)
        self.fixed: list[str] = []
        self.moving: list[str] = []

    def x(self, at: int) -> float:
        return self.left + (at - self.first) * self.scale

    def when(self, start: int, end: int | None = None) -> str:
        a = f' data-a="{start // 1000}"'
        return a if end is None else f'{a} data-b="{end // 1000}"'

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "", more: str = "") -> None:
        how = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
        self.fixed.append(f'<text x="{_n(x)}" y="{_n(y)}"{how}{more}>{_x(text)}</text>')

    def units(self, at: int) -> int:
        return round((at - self.first) / (self.until - self.first) * UNITS)


def draw(
    trace: Trace,
    *,
    width: int = WIDTH,
    until: int | None = None,
    frames: Sequence[Signal] = (),
    legend: Sequence[Trace] | None = None,
) -> Drawing:
    """The picture of a film.

    Args:
        trace: the film.
        width: pixels.
        until: where the time axis ends (ns), for films that share one; the film's own end if not given.
        frames: what passed on the wire, to be drawn as arrows above the rows.
        legend: the films whose signs the legend explains, this one if not given; none for no legend.
    """
    steps, first, names, notes = _fitting(trace)
    end = max(trace.end, until or 0)
    labels = [line for name, _, _ in names for line in _label_lines(name)]
    labels += [(_loop_word(trace, loop), False) for loop in range(len(trace.loops)) if trace.processes]
    longest = max([len(label) * (_BOLD if bold else _SANS) for label, bold in labels] + [132.0])
    canvas = _Canvas(min(int(longest) + 22, width // 3), width, first, end)
    y = 6.0
    if trace.title:
        canvas.text(4, y + 18, trace.title, "wl-title")
        y += 30
    row_of = {lane.number: index for index, (_, _, lanes) in enumerate(names) for lane in lanes}
    arrows = [arrow for arrow in signals.drawn(trace, frames, steps, row_of) if arrow.at >= first]
    legend = (trace,) if legend is None else legend
    if legend:
        y = _legend(canvas, legend, y, arrows)
    top = y
    if any(mark.start >= first for mark in trace.marks):
        y += _MARKS
    rows: list[Row] = []
    for loop in range(len(trace.loops)):
        y = _strip(canvas, trace, loop, y)
        for name, row_loop, lanes in names:
            if row_loop == loop:
                if any(arrow.lane == lane.number for lane in lanes for arrow in arrows):
                    y += _SIGNALS
                rows.append(Row(name, loop, lanes, y))
                _row_label(canvas, rows[-1], len(rows) - 1)
                y += _ROW
        y = _internals(canvas, trace, loop, y)
    bottom = y
    _mark_lines(canvas, trace, top, bottom)
    _contents(canvas, trace, rows, steps)
    for row in rows:
        _arrows(canvas, row, arrows, _MOST_LABELS // len(rows))
    _time_axis(canvas, top, bottom)
    height = bottom + _AXIS
    clip = (
        f'<clipPath id="wl-id-clip"><rect class="wl-clip" x="{canvas.left - 1}" y="0" '
        f'width="{canvas.right - canvas.left + _RIGHT}" height="{_n(height)}"/></clipPath>'
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="wl" width="{width}" height="{_n(height)}" '
        f'viewBox="0 0 {width} {_n(height)}"><style>{_style(bool(arrows))}</style><defs>{_HATCH}{clip}</defs>'
        f'<rect class="wl-paper" width="100%" height="100%"/>{"".join(canvas.fixed)}'
        f'<g class="wl-plot" clip-path="url(#wl-id-clip)">{"".join(canvas.moving)}</g></svg>'
    )
    return Drawing(svg, width, height, canvas.left, first, canvas.until, tuple(rows), steps, notes)


# An attribute, not a rule: several films of one page share their rules, but each has a pattern of its own.
_HATCHED = 'fill="url(#wl-id-hatch)"'
_HATCH = (
    '<pattern id="wl-id-hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="wl-hatch-line" width="3" height="8"/></pattern>'
)


def _style(with_arrows: bool) -> str:
    names = ["timeline.svg.css", *(["signals.svg.css"] if with_arrows else [])]
    css = "".join((files("wslab.recording") / name).read_text(encoding="utf-8") for name in names)
    for name, colour in (
        ("BLUE", BLUE),
        ("GREEN", GREEN),
        ("SKY", SKY),
        ("ORANGE", ORANGE),
        ("PURPLE", PURPLE),
        ("VERMILION", VERMILION),
    ):
        css = css.replace(f"${name}", colour)
    return " ".join(css.split())


def _label_lines(name: str) -> list[tuple[str, bool]]:
    """A lane's name on one line or two, each with whether it is bold: what tells it from the others is."""
    function, _, caller = name.partition(" · ")
    if caller:
        return [(short(function, 26), False), (short(caller, 22), True)]
    if len(name) > 20 and " " in name:
        break_at = min((at for at, letter in enumerate(name) if letter == " "), key=lambda at: abs(at - len(name) / 2))
        return [(short(name[:break_at], 22), True), (short(name[break_at + 1 :], 22), True)]
    return [(short(name, 24), True)]


def brief(code: str) -> str:
    """The last call of an expression, for where there is no room for all of it: `receive_text()`."""
    head, bracket, tail = code.partition("(")
    return head.replace("await ", "").rpartition(".")[2] + bracket + tail.removesuffix(":")


def _row_label(canvas: _Canvas, row: Row, index: int) -> None:
    lines = _label_lines(row.name)
    y = row.y + (23 if len(lines) == 1 else 16)
    spans = "".join(
        f'<tspan x="{canvas.left - 12}" y="{_n(y + 18 * number)}" '
        f'class="{"wl-bold" if bold else ""}">{_x(text)}</tspan>'
        for number, (text, bold) in enumerate(lines)
    )
    canvas.fixed.append(
        f'<g class="wl-label" data-row="{index}"><rect class="wl-here" x="2" y="{_n(row.y)}" width="{canvas.left - 6}" '
        f'height="{_ROW - 4}" rx="5"/><text text-anchor="end">{spans}<title>{_x(row.name)}</title></text></g>'
        f'<path class="wl-rule" d="M0 {_n(row.y + _ROW - 2)}H10000"/>'
    )


def _legend(canvas: _Canvas, traces: Sequence[Trace], y: float, arrows: Sequence[Arrow]) -> float:
    """The signs that occur in these films, each with its word, on as many lines as they need."""
    items: list[tuple[str, str]] = [
        ('<rect class="wl-step" y="-11" width="16" height="14"/>', str(WORDS["running"])),
        ('<path class="wl-wait" d="M0 -4H22"/>', str(WORDS["suspended"])),
    ]
    if any(trace.blocks for trace in traces):
        limit = sentences.duration(traces[0].threshold)
        items.append(('<rect class="wl-block" y="-11" width="16" height="14"/>', WORDS["blocking"].format(limit=limit)))
        items.append((f'<rect class="wl-cannot" {_HATCHED} y="-11" width="16" height="14"/>', str(WORDS["cannot"])))
    if any(trace.lanes[late.lane].kind != "internal" for trace in traces for late in trace.lates):
        items.append((f'<path class="wl-due" transform="translate(8 -10)" d="{_TRIANGLE}"/>', str(WORDS["due"])))
    if any(trace.unawaited for trace in traces):
        items.append((f'<g transform="translate(8 -12)">{_WARNING}</g>', str(WORDS["unawaited"])))
    if any(lane.ending for trace in traces for lane in trace.lanes):
        items.append(
            (f'<path class="wl-end" transform="translate(0 -4)" d="{_ENDS["returned"]}"/>', str(WORDS["ended"]))
        )
    if any(trace.marks for trace in traces):
        items.append((f'<path class="wl-flag" transform="translate(8 -4)" d="{_DIAMOND}"/>', str(WORDS["mark"])))
    kinds = {(_kind(arrow), arrow.sure) for arrow in arrows}
    for kind, sure in sorted(kinds, key=lambda one: (list(_ARROWS).index(one[0]), not one[1])):
        doubt = "" if sure else " wl-unsure"
        sign = f'transform="translate({_LEGEND_AT[kind]} -16)" d="{_ARROWS[kind]}"/>'
        word = str(signals.LEGEND[kind if sure else "unsure"])
        items.append((f'<path class="wl-arrow wl-arrow-{kind}{doubt}" {sign}', word))
    x, line, y = 6.0, 0, y + 18
    for sign, word in items:
        wide = 28 + len(word) * _SANS
        if x > 6 and x + wide > canvas.width:
            x, line = 6.0, line + 1
        top = y + line * LEGEND_LINE
        canvas.fixed.append(
            f'<g class="wl-legend" data-wide="{_n(wide)}" data-y="{_n(y)}" data-line="{line}" '
            f'transform="translate({_n(x)} {_n(top)})">{sign}<text x="28">{_x(word)}</text></g>'
        )
        x += wide + 18
    y += line * LEGEND_LINE
    return y + 14


_TRIANGLE = "M-7 0H7L0 11Z"
_DIAMOND = "M0 -6L6 0L0 6L-6 0Z"
_WARNING = '<path class="wl-warn" d="M0 0L9 16H-9Z"/><path class="wl-bang" d="M0 5V10M0 12.5V14"/>'
# Each stands beside the end of the line, so that the last step stays in sight.
_ENDS = {
    "returned": "M4 0A5 5 0 1 1 14 0A5 5 0 1 1 4 0Z",
    "cancelled": "M3 0A6 6 0 1 1 15 0A6 6 0 1 1 3 0ZM5 4L13 -4",
    "raised": "M4 -6L16 6M4 6L16 -6",
    "destroyed": "M5 -5L13 5M5 5L13 -5M2 -8H16V8H2Z",
    "killed": "M5 -8V8M10 -8V8",
}


def _loop_word(trace: Trace, loop: int) -> str:
    """What stands beside the line of a loop."""
    if trace.processes:
        name, _, pid = trace.loops[loop].rpartition(" · ")
        return f"{short(name, 14)} · {pid}" if name else pid
    return str(WORDS["loop"]) if len(trace.loops) == 1 else WORDS["loop_of"].format(name=short(trace.loops[loop], 16))


def _strip(canvas: _Canvas, trace: Trace, loop: int, y: float) -> float:
    """The line that says whether the loop works or sleeps; of a process only while it was filmed."""
    of_process = "wl-bold" if trace.processes else "wl-quiet"
    canvas.text(canvas.left - 12, y + 17, _loop_word(trace, loop), of_process, "end")
    busy = _busy(trace, loop, canvas.first)
    if not trace.idle_known:
        return y + _STRIP
    canvas.fixed.append(
        f'<rect class="wl-idle wl-wide" x="{canvas.left}" y="{_n(y + 4)}" '
        f'width="{canvas.right - canvas.left}" height="17"/>'
    )
    long = [(a, b) for a, b in busy if (b - a) * canvas.scale >= 0.8]
    bands = "".join(f"M{canvas.units(a)} 0H{canvas.units(b)}" for a, b in long)
    _scaled(canvas, "wl-busy", y + 12.5, bands)
    _scaled(canvas, "wl-tick", y + 4, _ticks(canvas, [a for a, _ in busy], 17))
    canvas.moving.append(
        f'<path class="wl-busy wl-order" data-loop="{loop}" data-y="{_n(y + 12.5)}" visibility="hidden"/>'
    )
    if trace.processes:
        process = trace.processes[loop]
        edge = UNITS // 200  # over the frame of the strip
        before = f"M{-edge} 0H{canvas.units(process.start)}" if process.start > canvas.first else ""
        after = f"M{canvas.units(process.end)} 0H{UNITS + edge}" if process.end < trace.end else ""
        _scaled(canvas, "wl-absent wl-only-time", y + 12.5, before + after)
    loops = {lane.number: lane.loop for lane in trace.lanes}
    for block in trace.blocks:
        if loops[block.lane] == loop and block.end > canvas.first:
            canvas.moving.append(_block_bar(canvas, block.start, block.end, y + 4, 17))
    idles = [idle for idle in trace.idles if idle.loop == loop and idle.end > canvas.first]
    for idle in sorted(idles, key=lambda idle: idle.start - idle.end)[:_MOST_IDLE_LABELS]:
        _inside(canvas, idle.start, idle.end, y + 17, str(WORDS["idle"]), "wl-small wl-only-time", _SANS)
    return y + _STRIP


def _busy(trace: Trace, loop: int, first: int) -> list[tuple[int, int]]:
    """When the loop did not sleep."""
    process = trace.processes[loop] if trace.processes else None
    at, found = first if process is None else max(first, process.start), []
    for idle in trace.idles:
        if idle.loop == loop and idle.end > at:
            if idle.start > at:
                found.append((at, idle.start))
            at = idle.end
    end = trace.end if process is None else process.end
    if end > at:
        found.append((at, end))
    return found


def _ticks(canvas: _Canvas, times: Sequence[int], height: int) -> str:
    if len(times) > _MOST_TICKS:
        times = times[:: -(-len(times) // _MOST_TICKS)]
    units = sorted({canvas.units(at) for at in times})
    steps = [unit - before for before, unit in pairwise([0, *units])]
    return "".join(f"m{step} {-height if number else 0}v{height}" for number, step in enumerate(steps))


def _scaled(canvas: _Canvas, kind: str, y: float, path: str) -> None:
    if path:
        wide = (canvas.right - canvas.left) / UNITS
        canvas.moving.append(
            f'<path class="wl-scaled {kind}" data-y="{_n(y)}" '
            f'transform="translate({canvas.left} {_n(y)}) scale({wide:.7f} 1)" d="{path}"/>'
        )


def _internals(canvas: _Canvas, trace: Trace, loop: int, y: float) -> float:
    here = trace.loops[loop] in sentences.HERE
    word = WORDS["internals_here" if here else "internals"]
    canvas.text(canvas.left - 12, y + 17, str(word), "wl-quiet wl-only-time", "end")
    mine = [one for one in trace.internals if one.loop == loop and one.end >= canvas.first]
    _scaled(canvas, "wl-internal", y + 5, _ticks(canvas, [one.start for one in mine], 14))
    numbers = {lane.number for lane in trace.lanes if lane.kind == "internal" and lane.loop == loop}
    for block in trace.blocks:
        if block.lane in numbers and block.end > canvas.first:
            canvas.moving.append(_block_bar(canvas, block.start, block.end, y + 4, 16))
    return y + _THIN


def _block_bar(canvas: _Canvas, start: int, end: int, y: float, height: float) -> str:
    x = canvas.x(start)
    wide = max((end - start) * canvas.scale, BAR_LEAST)
    return (
        f'<rect class="wl-block wl-span"{canvas.when(start, end)} x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" '
        f'height="{_n(height)}"/>'
    )


def _inside(canvas: _Canvas, start: int, end: int, y: float, text: str, kind: str, letter: float) -> None:
    """A text that is shown where the stretch it names is long enough for it."""
    wide = len(text) * letter + 8
    a, b = max(canvas.x(start), canvas.left), min(canvas.x(end), canvas.right)
    hidden = "" if b - a >= wide else ' visibility="hidden"'
    canvas.moving.append(
        f'<text class="wl-in {kind}"{canvas.when(start, end)} data-wide="{_n(wide)}" x="{_n((a + b) / 2)}" y="{_n(y)}" '
        f'text-anchor="middle"{hidden}>{_x(text)}</text>'
    )


@dataclass(frozen=True, slots=True)
class _Label:
    """A text below a row's line: it is shown where it fits and nothing more important stands there.

    Attributes:
        always: it may be wider than the stretch that it names.
        instead: it is shown only where there is no room for it inside its stretch.
    """

    start: int
    end: int
    text: str
    kind: str
    always: bool
    instead: bool = False


def _contents(canvas: _Canvas, trace: Trace, rows: Sequence[Row], steps: Sequence[Step]) -> None:
    row_of = {lane.number: index for index, row in enumerate(rows) for lane in row.lanes}
    mine: list[list[Step]] = [[] for _ in rows]
    for step in steps:
        mine[row_of[step.lane]].append(step)
    for index, row in enumerate(rows):
        middle = row.y + 17
        for lane in row.lanes:
            start = max(lane.start, canvas.first)
            canvas.moving.append(
                f'<path class="wl-wait wl-span-line"{canvas.when(start, lane.end)} data-y="{_n(middle)}" '
                f'd="M{_n(canvas.x(start))} {_n(middle)}H{_n(canvas.x(lane.end))}"/>'
            )
        bars = []
        for step in mine[index]:
            x = canvas.x(max(step.start, canvas.first))
            wide = max((step.end - step.start) * canvas.scale, BAR_LEAST)
            bars.append(f'<rect x="{_n(x)}" width="{_n(wide)}" height="{_BAR}"/>')
        canvas.moving.append(
            f'<g class="wl-step" data-row="{index}" transform="translate(0 {_n(row.y + 6)})">{"".join(bars)}</g>'
        )
        _cannot_run(canvas, trace, row)
        labels: list[_Label] = []
        for block in trace.blocks:
            if row_of.get(block.lane) == index and block.end > canvas.first:
                canvas.moving.append(_block_bar(canvas, block.start, block.end, row.y + 6, _BAR))
                line = block.calling or block.place
                code = short(line.code, 40) if line else str(WORDS["blocked"])
                text = f"{code} · {sentences.duration(block.end - block.start)}"
                _inside(canvas, block.start, block.end, row.y + 22, text, "wl-block-text wl-within", _BOLD)
                labels.append(_Label(block.start, block.end, text, "wl-block-text", True, instead=True))
        labels += _endings(canvas, row)
        labels += _waits(canvas, row, mine[index], max(8, _MOST_LABELS // len(rows)))
        thrown = [one.start for one in trace.unawaited if row_of.get(one.lane) == index and one.start >= canvas.first]
        _below(canvas, row, labels, [canvas.x(at) for at in thrown])
        for late in trace.lates:
            if row_of.get(late.lane) == index and late.start >= canvas.first:
                title = sentences.late_text(trace, late.lane, late.start, late.end)
                canvas.moving.append(
                    f'<path class="wl-due wl-at"{canvas.when(late.start)} data-y="{_n(row.y)}" '
                    f'transform="translate({_n(canvas.x(late.start))} {_n(row.y)})" d="{_TRIANGLE}">'
                    f"<title>{_x(title)}</title></path>"
                )
        for number, one in enumerate(trace.unawaited):
            if row_of.get(one.lane) == index and one.start >= canvas.first:
                title = sentences.unawaited_text(trace, number)
                canvas.moving.append(
                    f'<g class="wl-at wl-unawaited" data-row="{_n(row.y)}"{canvas.when(one.start)} '
                    f'data-y="{_n(row.y + 31)}" '
                    f'transform="translate({_n(canvas.x(one.start))} {_n(row.y + 31)})">{_WARNING}'
                    f"<title>{_x(title)}</title></g>"
                )


# An incoming frame slants down to where its step begins, an outgoing one slants up from where it ends, so that the two
# stand side by side even at a step of one pixel. Their origin is 24 pixels above the bar.
_ARROWS = {
    "in": "M-11 2L-1 22M-8 18.5L-1 22L-0.5 14",
    "out": "M1 22L11 2M4 5.5L11 2L11.5 10",
    "apart-in": "M-5 4V20M-9 15L-5 20L-1 15",
    "apart-out": "M5 21V5M1 10L5 5L9 10",
}
_LEGEND_AT = {"in": 14, "out": 4, "apart-in": 14, "apart-out": 4}
_REACH = {"in": (-13, 1), "out": (-1, 13), "apart-in": (-11, 1), "apart-out": (-1, 11)}
_SLANT = 11


def _kind(arrow: Arrow) -> str:
    return ("" if arrow.step else "apart-") + ("in" if arrow.inward else "out")


def _arrows(canvas: _Canvas, row: Row, arrows: Sequence[Arrow], most: int) -> None:
    """The strip above a row: its frames as arrows, each with its text beside it where there is room.

    The script applies the same rule after a zoom.
    """
    numbers = {lane.number for lane in row.lanes}
    mine = [arrow for arrow in arrows if arrow.lane in numbers]
    y = row.y - 18
    taken = []
    for arrow in mine:
        kind = _kind(arrow)
        x, (low, high) = canvas.x(arrow.at), _REACH[kind]
        taken.append((x + low, x + high))
        doubt = "" if arrow.sure else " wl-unsure"
        if arrow.step and arrow.inward:
            since = canvas.x(max(arrow.since, canvas.first))
            canvas.moving.append(
                f'<path class="wl-way wl-span-line"{canvas.when(arrow.since, arrow.at)} data-y="{_n(y - 4)}" '
                f'data-less="{_SLANT}" d="M{_n(since)} {_n(y - 4)}H{_n(max(since, x - _SLANT))}"/>'
            )
        canvas.moving.append(
            f'<g class="wl-at wl-signal"{canvas.when(arrow.at)} data-row="{_n(row.y)}" data-low="{low}" '
            f'data-high="{high}" data-y="{_n(y)}" transform="translate({_n(x)} {_n(y)})">'
            f'<rect x="{low}" y="0" width="{high - low}" height="24" fill-opacity="0"/>'
            f'<path class="wl-arrow wl-arrow-{kind}{doubt}" d="{_ARROWS[kind]}"/><title>{_x(arrow.title)}</title></g>'
        )
    for number, arrow in enumerate(mine[:most]):
        x, side = canvas.x(arrow.at), -1 if arrow.inward else 1
        shown = False
        for text in dict.fromkeys((short(arrow.text, 34), short(arrow.text.removeprefix("TEXT "), 14))):
            wide = len(text) * _SANS + 4
            fits = False
            for way in (side, -side):
                # On the other side nothing else may stand close by, since the text would seem to belong to it.
                gap = BESIDE if way == side else 2
                far = x + way * (BESIDE + wide)
                span = (x + gap, far) if way > 0 else (far, x - gap)
                inside = canvas.left <= span[0] and span[1] <= canvas.width
                fits = not shown and inside and all(span[1] <= low or span[0] >= high for low, high in taken)
                if fits:
                    taken.append(span)
                    break
            anchor, near = ("start", x + BESIDE) if way > 0 else ("end", x - BESIDE)
            hidden = "" if fits else ' visibility="hidden"'
            shown = shown or fits
            canvas.moving.append(
                f'<text class="wl-beside" data-row="{_n(row.y)}"{canvas.when(arrow.at)} data-of="{number}" '
                f'data-side="{side}" data-wide="{_n(wide)}" x="{_n(near)}" y="{_n(y + 14)}" '
                f'text-anchor="{anchor}"{hidden}>{_x(text)}</text>'
            )


def _cannot_run(canvas: _Canvas, trace: Trace, row: Row) -> None:
    """The hatch over a row while somebody else blocks its loop."""
    loops = {lane.number: lane.loop for lane in trace.lanes}
    own = {lane.number for lane in row.lanes}
    for block in trace.blocks:
        if block.lane in own or loops.get(block.lane) != row.loop or block.end <= canvas.first:
            continue
        for lane in row.lanes:
            a, b = max(block.start, lane.start, canvas.first), min(block.end, lane.end)
            if b > a:
                canvas.moving.append(
                    f'<rect class="wl-cannot wl-span" {_HATCHED}{canvas.when(a, b)} x="{_n(canvas.x(a))}" '
                    f'y="{_n(row.y + 1)}" width="{_n((b - a) * canvas.scale)}" height="{_ROW - 6}"/>'
                )
                _inside(canvas, a, b, row.y + 22, str(WORDS["cannot"]), "wl-cannot-text", _BOLD)


def _endings(canvas: _Canvas, row: Row) -> list[_Label]:
    labels = []
    for lane in row.lanes:
        if not lane.ending or lane.end < canvas.first:
            continue
        canvas.moving.append(
            f'<path class="wl-end wl-end-{lane.ending} wl-at"{canvas.when(lane.end)} data-y="{_n(row.y + 17)}" '
            f'transform="translate({_n(canvas.x(lane.end))} {_n(row.y + 17)})" d="{_ENDS[lane.ending]}">'
            f"<title>{_x(sentences.ending(lane))}</title></path>"
        )
        if lane.ending != "returned":
            text = short(lane.error, 34) if lane.ending == "raised" else str(WORDS[lane.ending])
            labels.append(_Label(lane.end, lane.end, text, "wl-end-text", True))
    return labels


def _waits(canvas: _Canvas, row: Row, steps: Sequence[Step], most: int) -> list[_Label]:
    """At which await the lane is suspended, the `most` longest suspensions, longest first."""
    gaps: list[tuple[int, int, Place]] = []
    for lane in row.lanes:
        at, place = max(lane.start, canvas.first), lane.waiting
        for step in steps:
            if step.lane == lane.number:
                if place is not None and step.start > at:
                    gaps.append((at, step.start, place))
                at, place = step.end, step.let_go
        if place is not None and lane.end > at:
            gaps.append((at, lane.end, place))
    gaps.sort(key=lambda gap: gap[0] - gap[1])
    labels = []
    for number, (a, b, place) in enumerate(gaps[:most]):
        # The short form stands on the same spot, so it is seen exactly where the long one finds no room. That of the
        # longest suspension may be wider than its gap, so that a row in a narrow cell has one label at least.
        whole, least = short(place.code, 46), short(brief(place.code), 30)
        if whole != least:
            labels.append(_Label(a, b, whole, "wl-code", False))
        labels.append(_Label(a, b, least, "wl-code", not number))
    return labels


def _below(canvas: _Canvas, row: Row, labels: Sequence[_Label], signs: Sequence[float]) -> None:
    """Labels below the line, the important ones first; one that would touch another, or a sign, is hidden.

    The script applies the same rule after a zoom.
    """
    taken = [(x - SIGN, x + SIGN) for x in signs]
    for label in labels:
        wide = len(label.text) * (_MONO if label.kind == "wl-code" else _BOLD) + 10
        a, b = max(canvas.x(label.start), canvas.left), min(canvas.x(label.end), canvas.right)
        middle = min(max((a + b) / 2, canvas.left + wide / 2), canvas.right - wide / 2)
        span = (middle - wide / 2, middle + wide / 2)
        roomy = b - a >= wide
        fits = (not roomy if label.instead else label.always or roomy) and all(
            span[1] <= other[0] or span[0] >= other[1] for other in taken
        )
        if fits:
            taken.append(span)
        always = ' data-show="instead"' if label.instead else ' data-show="always"' if label.always else ""
        hidden = "" if fits else ' visibility="hidden"'
        canvas.moving.append(
            f'<text class="wl-below {label.kind}" data-row="{_n(row.y)}"{canvas.when(label.start, label.end)}'
            f' data-wide="{_n(wide)}"{always} x="{_n(middle)}" y="{_n(row.y + 44)}" text-anchor="middle"{hidden}>'
            f"{_x(label.text)}</text>"
        )


def _mark_lines(canvas: _Canvas, trace: Trace, top: float, bottom: float) -> None:
    """A line a mark; its text stands to the right, at the right edge to the left, if there is room to the next mark."""
    marks = [mark for mark in trace.marks if mark.start >= canvas.first]
    places = [canvas.x(mark.start) for mark in marks]
    for number, (mark, x) in enumerate(zip(marks, places, strict=True)):
        text = short(mark.text, 40)
        wide = len(text) * _SANS + 24
        flip = x + wide > canvas.width
        before = places[number - 1] if number else canvas.left - 2 * wide
        after = places[number + 1] if number + 1 < len(places) else canvas.width
        fits = x - wide >= max(before + SIGN, 0) and after > x + SIGN if flip else x + wide <= after - SIGN
        hidden = "" if fits else ' visibility="hidden"'
        canvas.moving.append(
            f'<g class="wl-at wl-mark"{canvas.when(mark.start)} data-y="0" data-wide="{_n(wide)}" '
            f'transform="translate({_n(x)} 0)"><path class="wl-mark-line" d="M0 {_n(top + 10)}V{_n(bottom)}"/>'
            f'<path class="wl-flag" transform="translate(0 {_n(top + 10)})" d="{_DIAMOND}"/>'
            f'<text x="{-11 if flip else 11}" y="{_n(top + 15)}" text-anchor="{"end" if flip else "start"}"{hidden}>'
            f"{_x(text)}</text>"
            f"<title>{_x(mark.text)}</title></g>"
        )


def _time_axis(canvas: _Canvas, top: float, bottom: float) -> None:
    moments, decimals = axis(canvas.first, canvas.until, canvas.right - canvas.left)
    lines, texts = [], []
    for at in moments:
        x = canvas.x(at)
        lines.append(f"M{_n(x)} {_n(top)}V{_n(bottom)}")
        anchor = "end" if x > canvas.right - 20 else "middle"
        texts.append(
            f'<text x="{_n(x)}" y="{_n(bottom + 20)}" text-anchor="{anchor}">'
            f"{decimal(at / 1e9, digits=decimals)} s</text>"
        )
    canvas.fixed.insert(
        0, f'<path class="wl-grid" data-top="{_n(top)}" data-bottom="{_n(bottom)}" d="{"".join(lines)}"/>'
    )
    canvas.fixed.append(f'<g class="wl-axis wl-quiet">{"".join(texts)}</g>')
