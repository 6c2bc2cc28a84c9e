"""The sequence diagram as a static image: for untrusted notebooks, exported pages, and where no script runs."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from wslab.capture import palette
from wslab.capture.rows import CLIENT, CLIENTS, SERVER, Detail, Group, Row, Tone, Verdict, hexadecimal, shorten
from wslab.capture.steps import Cut, Direction, Frame, Refused, Reset
from wslab.language import Text

WIDTH = 900
_TIME = 88  # where the times end
_FIRST = 106  # where the first client's life line is
_LANE = 24  # from one client's life line to the next
_SERVER = WIDTH - 24
_MARGIN = 20  # from a life line to the boxes
_TITLE, _LINE, _PAD, _ARROW, _GAP = 24, 20, 8, 10, 12
_MONO, _SANS, _BOLD = 8.5, 7.4, 10.0  # average widths of a character at 14, 14 and 17 px
_BYTES = 24  # in a line

_SILENCE = Text(en="{time} of silence", tr="{time} sessizlik")
_LEFT_OUT = Text(en="{count} steps are not drawn here", tr="{count} adım burada çizilmedi")
_MORE_BYTES = Text(en="… +{count}", tr="… +{count}")
_NOTHING = Text(en="Nothing has passed yet.", tr="Henüz bir şey geçmedi.")


class _Sheet:
    """Lines of SVG, and how far down they reach."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.y = 0.0

    def add(self, element: str) -> None:
        self.parts.append(element)

    def text(self, x: float, y: float, words: str, style: str, anchor: str = "start") -> None:
        at = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.add(f'<text x="{x:g}" y="{y:g}" class="{style}"{at}>{html.escape(words)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        self.add(f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="{style}"/>')


def sequence_svg(rows: Sequence[Row | int], lanes: dict[int, int], verdicts: Sequence[Verdict]) -> str:
    """The picture of these rows.

    Args:
        rows: the rows; a number stands for that many that were left out.
        lanes: which life line each connection has, from 0.
        verdicts: how the connections ended.
    """
    count = max(lanes.values(), default=0) + 1
    several = len(lanes) > 1
    sheet = _Sheet()
    sheet.text(_FIRST - 2, 20, str(CLIENTS if several else CLIENT), "name client-fill")
    sheet.text(_SERVER + 2, 20, str(SERVER), "name server-fill", "end")
    sheet.y = 30
    top = sheet.y
    reach: dict[int, tuple[float, float]] = {}
    for row in rows:
        start = sheet.y
        if isinstance(row, int):
            _remark(sheet, str(_LEFT_OUT.format(count=row)), count)
            continue
        if row.silence:
            _remark(sheet, f"⋯ {_SILENCE.format(time=row.silence)} ⋯", count)
        _row(sheet, row, lanes.get(row.step.connection, 0), count, several)
        begun = reach.get(row.step.connection, (start, 0))[0]
        reach[row.step.connection] = (begun, sheet.y - _GAP)
    if not rows:
        _remark(sheet, str(_NOTHING), count)
    bottom = sheet.y
    for verdict in verdicts:
        _verdict(sheet, verdict)
    behind = _Sheet()
    behind.line(_SERVER, top, _SERVER, bottom, "server life")
    for connection, (begun, ended) in reach.items():
        x = _FIRST + lanes.get(connection, 0) * _LANE
        behind.line(x, top if not several else begun, x, bottom if not several else ended, "client life")
    return _document(sheet.y + 4, [*behind.parts, *sheet.parts])


def _document(height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" viewBox="0 0 {WIDTH} {height:g}">'
        f"<style>{_style()}</style>"
        '<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="8" height="8" class="error-box"/><rect width="2" height="8" class="hatch"/></pattern></defs>'
        f'<rect width="{WIDTH}" height="{height:g}" class="paper"/>{"".join(parts)}</svg>'
    )


def _style() -> str:
    def colours(values: dict[str, str]) -> str:
        ink = "".join(f".{name}{{fill:{values[name]}}}" for name in ("ink", "quiet", "good", "bad", "head", "length"))
        ink += "".join(f".{name}{{fill:{values[name]}}}" for name in ("key", "load", "paper"))
        boxes = "".join(f".{name}{{fill:{colour}}}" for name, colour in values.items() if name.endswith("-box"))
        sides = "".join(
            f".{side}{{stroke:{values[side]}}}.{side}-fill{{fill:{values[side]}}}" for side in ("client", "server")
        )
        rest = (
            f".hatch{{fill:{values['bad']};opacity:.25}}.edge{{stroke:{values['bad']}}}.rule{{stroke:{values['rule']}}}"
        )
        return ink + boxes + sides + rest + f".chip{{fill:{values['paper']};stroke:{values['quiet']}}}"

    return (
        "text{font:14px 'DejaVu Sans',system-ui,sans-serif;white-space:pre}"
        ".mono{font-family:'DejaVu Sans Mono',ui-monospace,Menlo,Consolas,monospace}"
        ".title{font-size:17px;font-weight:700}.name{font-size:17px;font-weight:700}"
        ".life{stroke-width:3}.arrow{stroke-width:2}.dashed{stroke-dasharray:6 5}"
        ".head,.length,.key{font-weight:700}.head{text-decoration:underline}"
        ".length{text-decoration:underline dashed}.key{text-decoration:underline wavy}"
        ".badge{font-weight:700;fill:#fff}"
        + colours(palette.LIGHT)
        + f"@media(prefers-color-scheme:dark){{{colours(palette.DARK)}.badge{{fill:#000}}}}"
    )


def _remark(sheet: _Sheet, words: str, lanes: int) -> None:
    middle = (_FIRST + (lanes - 1) * _LANE + _SERVER) / 2
    sheet.text(middle, sheet.y + 16, words, "quiet", "middle")
    sheet.y += 26


def _row(sheet: _Sheet, row: Row, lane: int, lanes: int, several: bool) -> None:
    x = _FIRST + lane * _LANE
    left = _FIRST + (lanes - 1) * _LANE + _MARGIN
    right = _SERVER - _MARGIN
    top = sheet.y + _PAD / 2
    lines = list(_lines(row, right - left - 24))
    height = _TITLE + _LINE * len(lines) + _PAD
    error = row.group is Group.ERROR
    box = "url(#hatch)" if error else ""
    style = box_name(row)
    fill = f' fill="{box}"' if error else f' class="{style}"'
    sheet.add(f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{height:g}" rx="6"{fill}/>')
    if error:
        inner = f'x="{left + 6:g}" y="{top + 4:g}" width="{right - left - 12:g}" height="{height - 8:g}" rx="4"'
        sheet.add(f'<rect {inner} class="error-box"/>')
        outer = f'x="{left:g}" y="{top:g}" width="{right - left:g}" height="{height:g}" rx="6"'
        sheet.add(f'<rect {outer} fill="none" stroke-width="2" stroke-dasharray="7 4" class="edge"/>')
    room = int((right - left - 24 - (150 if row.mark else 0)) / _BOLD)
    sheet.text(_TIME, top + 20, row.time, "quiet mono", "end")
    sheet.text(left + 12, top + 21, ("⚠ " if error else "") + shorten(row.title, room), "title ink")
    if row.mark:
        width = len(row.mark) * 8.2 + 16
        spot = f'x="{right - width - 8:g}" y="{top + 5:g}" width="{width:g}" height="22" rx="11"'
        sheet.add(f'<rect {spot} class="chip"/>')
        sheet.text(right - 8 - width / 2, top + 21, row.mark, "ink", "middle")
    y = top + _TITLE + 15
    for line in lines:
        sheet.add(f'<text x="{left + 12:g}" y="{y:g}">{line}</text>')
        y += _LINE
    sheet.y = top + height
    if not error and not isinstance(row.step, Cut):
        _arrow(sheet, row, x, several)
    elif isinstance(row.step, Cut):
        sheet.y += _ARROW
        sheet.line(x, sheet.y, _SERVER, sheet.y, "client arrow dashed")
    sheet.y += _GAP


def box_name(row: Row) -> str:
    """The class of the box that a row stands in."""
    if row.group is Group.DATA:
        return "to-server-box" if row.step.direction is Direction.TO_SERVER else "to-client-box"
    return f"{row.group}-box"


def _arrow(sheet: _Sheet, row: Row, x: float, several: bool) -> None:
    sheet.y += _ARROW
    y = sheet.y
    to_server = row.step.direction is Direction.TO_SERVER
    side = "client" if to_server else "server"
    near = x + 11 if several else x  # the badge's edge
    start, end = (near, _SERVER) if to_server else (_SERVER, near)
    step = 9 if to_server else -9
    sheet.line(start, y, end - step, y, f"{side} arrow")
    if isinstance(row.step, Reset | Refused):
        cross = end - 2 * step
        sheet.line(cross - 6, y - 6, cross + 6, y + 6, "edge life")
        sheet.line(cross - 6, y + 6, cross + 6, y - 6, "edge life")
    else:
        sheet.add(f'<path d="M{end:g} {y:g}l{-step * 1.2:g} -5v10z" class="{side}-fill"/>')
    if several:
        sheet.add(f'<circle cx="{x:g}" cy="{y:g}" r="11" class="client-fill"/>')
        sheet.text(x, y + 5, str(row.step.connection), "badge", "middle")


def _lines(row: Row, width: float) -> Iterator[str]:
    for detail in row.details:
        yield _detail(detail, width)
    if isinstance(row.step, Frame):
        yield from _bytes(row.step)


def _detail(detail: Detail, width: float) -> str:
    styles = {
        Tone.FIELD: ("ink mono", _MONO),
        Tone.PLAIN: ("ink", _SANS),
        Tone.QUIET: ("quiet", _SANS),
        Tone.GOOD: ("good", _SANS),
        Tone.BAD: ("bad", _SANS),
    }
    style, letter = styles[detail.tone]
    return f'<tspan class="{style}">{html.escape(shorten(detail.text, int(width / letter)))}</tspan>'


def frame_parts(frame: Frame, payload: int) -> Iterator[tuple[str, bytes]]:
    """The bytes of a frame by what they are: `head`, `length`, `key`, `load`; of the payload no more than asked."""
    key = frame.header_size - len(frame.key)
    for name, data in (
        ("head", frame.raw[:2]),
        ("length", frame.raw[2:key]),
        ("key", frame.key),
        ("load", frame.masked_payload[:payload]),
    ):
        if data:
            yield name, data


def _bytes(frame: Frame) -> Iterator[str]:
    shown = _BYTES - frame.header_size
    parts = [f'<tspan class="mono {name}">{hexadecimal(data)}</tspan>' for name, data in frame_parts(frame, shown)]
    left = frame.length - shown
    if left > 0:
        parts.append(f'<tspan class="quiet">{_MORE_BYTES.format(count=left)}</tspan>')
    yield '<tspan class="mono"> </tspan>'.join(parts)


def _verdict(sheet: _Sheet, verdict: Verdict) -> None:
    style = "good" if verdict.good else "bad"
    sign = "✓" if verdict.good else "✗"
    words = f"{sign} {verdict.text}"
    for line in _wrapped(words, int((WIDTH - _FIRST - 30) / 8.2)):
        sheet.text(_FIRST, sheet.y + 18, line, f"{style} verdict")
        sheet.y += 22
    sheet.y += 4


def _wrapped(words: str, length: int) -> Iterator[str]:
    line = ""
    for word in words.split():
        if line and len(line) + 1 + len(word) > length:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        yield line
