"""A capture as a sequence diagram: text for a terminal, and for a notebook a picture that one can step through."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from wslab import picture
from wslab.capture import palette
from wslab.capture.explain import hover_words
from wslab.capture.rows import CLIENT, CLIENTS, GROUP_NAMES, SERVER, Group, Row, Verdict, rows, verdicts
from wslab.capture.steps import Cut, Direction, Dropped, Frame, Refused, Reset
from wslab.capture.svg import box_name, sequence_svg
from wslab.capture.transcript import Contents
from wslab.language import Text

DRAWN = 600
"""How many steps the picture holds; of a longer capture the beginning and the end."""
DRAWN_STATIC = 80
"""The same for the static image."""

_EXPANDED = 40  # a longer capture begins with its steps folded
_LANES = 6
_PAYLOAD = 96

_LABEL = Text(en="What passed on the wire", tr="Hattan geçenler")
_ALT = Text(
    en="Sequence diagram of {steps} steps on {connections} connections: {summary} The table below says the same.",
    tr="{connections} bağlantıda {steps} adımın sıra diyagramı: {summary} Aşağıdaki tablo aynısını söyler.",
)
_DROPPED = Text(
    en="Not kept for want of room: {steps} steps, {bytes} bytes, {connections} connections. They passed all the same.",
    tr="Yer kalmadığı için saklanmayanlar: {steps} adım, {bytes} bayt, {connections} bağlantı. Yine de iletildiler.",
)
_LEFT_OUT = Text(
    en="{count} steps are not shown here; filter the capture to see them",
    tr="{count} adım burada gösterilmiyor; görmek için yakalamayı süzün",
)
_NUMBER = Text(en="Step", tr="Adım")
_TIME = Text(en="Time", tr="Zaman")
_CONNECTION = Text(en="Connection", tr="Bağlantı")
_FROM_TO = Text(en="Direction", tr="Yön")
_WHAT = Text(en="What", tr="Ne")
_DETAILS = Text(en="Details", tr="Ayrıntı")
_BYTES = Text(en="Bytes", tr="Bayt")
_TO = {
    Direction.TO_SERVER: Text(en="client → server", tr="istemci → sunucu"),
    Direction.TO_CLIENT: Text(en="server → client", tr="sunucu → istemci"),
}
_UI = {
    "filter": Text(en="Show", tr="Göster"),
    "connection": Text(en="Connection", tr="Bağlantı"),
    "all": Text(en="all", tr="tümü"),
    "search": Text(en="Find", tr="Bul"),
    "expand": Text(en="Unfold all", tr="Tümünü aç"),
    "collapse": Text(en="Fold all", tr="Tümünü kapat"),
    "count": Text(en="{shown} of {all} steps", tr="{shown}/{all} adım"),
    "silence": Text(en="{time} of silence", tr="{time} sessizlik"),
    "legend": Text(en="The bytes of a frame", tr="Bir çerçevenin baytları"),
    "hint": Text(
        en="Point at a byte, or reach it with Tab and the arrow keys: its bits are shown here.",
        tr="Bir baytın üzerine gelin ya da Tab ve ok tuşlarıyla ona ulaşın: bitleri burada görünür.",
    ),
    "left": Text(en="{count} steps are not drawn here", tr="{count} adım burada çizilmedi"),
    "more": Text(en="and {count} more bytes", tr="ve {count} bayt daha"),
    "bytes": Text(en="bytes of this frame", tr="bu çerçevenin baytları"),
    "byte": Text(en="byte {place} of {all}", tr="{place}. bayt ({all} bayttan)"),
    "client": CLIENT,
    "clients": CLIENTS,
    "server": SERVER,
}


def _lanes(contents: Contents) -> dict[int, int]:
    """Which life line each connection gets. Few get one each; of many, one takes the line of one that has ended."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for place, step in enumerate(contents.steps):
        first.setdefault(step.connection, place)
        last[step.connection] = place
    if len(first) <= _LANES:
        return {number: lane for lane, number in enumerate(sorted(first))}
    lanes: dict[int, int] = {}
    free_from = [-1] * _LANES
    for number in first:
        lane = next((lane for lane, busy in enumerate(free_from) if busy < first[number]), number % _LANES)
        lanes[number] = lane
        free_from[lane] = max(free_from[lane], last[number])
    return lanes


def _some(told: Sequence[Row], limit: int) -> list[Row | int]:
    """The rows, or the first and the last of them around the number of those left out."""
    if len(told) <= limit:
        return list(told)
    tail = limit // 3
    return [*told[: limit - tail], len(told) - limit, *told[-tail:]]


def as_text(contents: Contents) -> str:
    """The capture as lines of text."""
    told = _some(list(rows(contents)), DRAWN)
    several = len(contents.connections) > 1
    lines = []
    for row in told:
        if isinstance(row, int):
            lines.append(f"{'':12}… {_LEFT_OUT.format(count=row)}")
            continue
        if row.silence:
            lines.append(f"{'':12}⋯ {_UI['silence'].format(time=row.silence)}")
        arrow = "──▶" if row.step.direction is Direction.TO_SERVER else "◀──"
        who = f"{CLIENT} {row.step.connection}" if several else str(CLIENT)
        mark = f"   [{row.mark}]" if row.mark else ""
        lines.append(f"{row.time:>10}  {who} {arrow} {SERVER}  {row.title}{mark}")
        lines += [f"{'':12}    {detail.text}" for detail in row.details]
    lines += [f"{'✓' if verdict.good else '✗'} {verdict.text}" for verdict in verdicts(contents)]
    if contents.dropped:
        lines.append(_dropped(contents.dropped))
    return "\n".join(lines)


def _dropped(dropped: Dropped) -> str:
    return _DROPPED.format(steps=dropped.steps, bytes=dropped.bytes, connections=dropped.connections)


def as_html(contents: Contents) -> str:
    """The capture as one notebook output: static image, script, table."""
    told = list(rows(contents))
    ends = list(verdicts(contents))
    lanes = _lanes(contents)
    summary = " ".join(verdict.text for verdict in ends)
    alt = _ALT.format(steps=len(told), connections=len(contents.connections), summary=summary)
    static = sequence_svg(_some(told, DRAWN_STATIC), lanes, ends)
    shown = _some(told, DRAWN)
    note = picture.markup("<p>{}</p>", _dropped(contents.dropped)) if contents.dropped else ""
    body = picture.figure(
        fallback=picture.image(static, alt) + note,
        facts=_table(shown),
        data=_data(shown, len(told), lanes, ends, contents),
        script=_script(),
        css=palette.stylesheet() + _style(),
        label=str(_LABEL),
    )
    return f'<div class="wslab-wire">{body}</div>'


def _table(shown: Sequence[Row | int]) -> str:
    head = [str(name) for name in (_NUMBER, _TIME, _CONNECTION, _FROM_TO, _WHAT, _DETAILS, _BYTES)]
    body: list[Sequence[object]] = []
    for row in shown:
        if isinstance(row, int):
            body.append(("…", "", "", "", _LEFT_OUT.format(count=row), "", ""))
            continue
        details = "; ".join(detail.text for detail in row.details)
        step = row.step
        title = f"{row.title} ({row.mark})" if row.mark else row.title
        body.append((row.number, row.time, step.connection, _TO[step.direction], title, details, step.size or ""))
    return f'<div class="wire-table" tabindex="0" role="region" aria-label="{_LABEL}">{picture.table(head, body)}</div>'


def _data(
    shown: Sequence[Row | int], total: int, lanes: dict[int, int], ends: Sequence[Verdict], contents: Contents
) -> dict[str, Any]:
    return {
        "rows": [row if isinstance(row, int) else _row(row) for row in shown],
        "total": total,
        "lanes": {str(number): lane for number, lane in lanes.items()},
        "connections": sorted(lanes),
        "verdicts": [{"good": verdict.good, "text": verdict.text} for verdict in ends],
        "note": _dropped(contents.dropped) if contents.dropped else "",
        "groups": [[group.value, str(GROUP_NAMES[group])] for group in Group],
        "folded": total > _EXPANDED,
        "ui": {name: str(text) for name, text in _UI.items()} | hover_words(),
    }


def _row(row: Row) -> dict[str, Any]:
    step = row.step
    told: dict[str, Any] = {
        "n": row.number,
        "c": step.connection,
        "d": step.direction.sender,
        "who": str(_TO[step.direction]),
        "t": row.time,
        "gap": row.silence,
        "g": row.group.value,
        "box": box_name(row),
        "title": row.title,
        "mark": row.mark,
        "say": [[detail.tone.value, detail.text] for detail in row.details],
        "end": "reset" if isinstance(step, Reset | Refused) else "cut" if isinstance(step, Cut) else "",
    }
    if isinstance(step, Frame):
        told["raw"] = step.raw[: step.header_size + _PAYLOAD].hex()
        told["head"] = step.header_size
        told["more"] = max(0, step.length - _PAYLOAD)
        told["size"] = step.size
        told["packed"] = step.inflated is not None or step.rsv1
    return told


@cache
def _script() -> str:
    return resources.files("wslab.capture").joinpath("sequence.js").read_text(encoding="utf-8")


@cache
def _style() -> str:
    return resources.files("wslab.capture").joinpath("sequence.css").read_text(encoding="utf-8")
