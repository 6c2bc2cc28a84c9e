"""A film, or two on one axis, as one HTML output: the drawing, its words, and the script that moves it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Any

from wslab import picture
from wslab.language import Text, current_language
from wslab.recording import sentences, signals
from wslab.recording.drawing import BESIDE, LEGEND_LINE, SIGN, UNITS, WIDTH, Drawing, draw
from wslab.recording.signals import Signal
from wslab.recording.trace import Place, Trace

_MOST_TABLE_ROWS = 250

_LABEL = Text(en="Film of the event loop", tr="Olay döngüsünün kaydı")
_HINT = Text(
    en="Drag the slider or press ▶ to walk through them; drag over the picture to zoom in; click a bar.",
    tr="Adım adım gezmek için kaydırıcıyı sürükleyin ya da ▶ düğmesine basın; yakınlaştırmak için resmin üstünde "
    "sürükleyin; bir çubuğa tıklayın.",
)
_NO_STEPS = Text(en="None of your code ran in this film.", tr="Bu kayıtta kodunuzun hiçbir adımı yok.")
_WORDS = {
    "back": Text(en="previous step", tr="önceki adım"),
    "next": Text(en="next step", tr="sonraki adım"),
    "slider": Text(en="step", tr="adım"),
    "order": Text(en="show order", tr="sırayı göster"),
    "time": Text(en="show time", tr="zamanı göster"),
    "closer": Text(en="zoom in", tr="yakınlaştır"),
    "wider": Text(en="zoom out", tr="uzaklaştır"),
    "whole": Text(en="whole film", tr="tüm kayıt"),
    "keys": Text(
        en="Keys: ← → one step, Home and End, + and − zoom, 0 the whole film, Shift+← → move along, O order or time.",
        tr="Tuşlar: ← → bir adım, Home ve End, + ve − yakınlaştırma, 0 tüm kayıt, Shift+← → kaydırma, "
        "O sıra ya da zaman.",
    ),
    "suspended": Text(en="{lane} is suspended at {place}", tr="{lane}, {place} noktasında askıda"),
    "nth": Text(en="step", tr="adım"),
}
_HEAD = (
    Text(en="Step", tr="Adım"),
    Text(en="At", tr="Zaman"),
    Text(en="Lane", tr="Şerit"),
    Text(en="Resumed from", tr="Devam ettiği yer"),
    Text(en="Held the loop", tr="Döngüyü tuttuğu süre"),
    Text(en="Let go at", tr="Bıraktığı yer"),
)
_STILL = Text(en="still running", tr="hâlâ çalışıyor")
_MORE_ROWS = Text(
    en="The table shows the first {shown} of {all} steps; film.to_frame() or film.steps gives them all.",
    tr="Tabloda {all} adımdan ilk {shown} tanesi var; hepsi film.to_frame() ya da film.steps ile alınır.",
)

_MORE_FRAMES = Text(
    en="The table shows the first {shown} of {all} frames; wire.frames gives them all.",
    tr="Tabloda {all} çerçeveden ilk {shown} tanesi var; hepsi wire.frames ile alınır.",
)


def _read(name: str) -> str:
    return (files("wslab.recording") / name).read_text(encoding="utf-8")


class _Strings:
    """A table of texts, most of which recur, so that each is sent once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def _intro(traces: Sequence[Trace], drawings: Sequence[Drawing]) -> str:
    """What stands above the picture before a step is chosen."""
    headlines = [
        (f"**{trace.title}** · " if len(traces) > 1 and trace.title else "") + sentences.headline(trace)
        for trace in traces
    ]
    hint = _HINT if any(drawing.steps for drawing in drawings) else _NO_STEPS
    return " ".join([*headlines, str(hint)])


def _panel(trace: Trace, drawing: Drawing, frames: Sequence[Signal], title: str) -> dict[str, Any]:
    """What the script needs to move one drawing; times in microseconds, every word ready to be shown."""
    strings = _Strings()
    row_of = {lane.number: index for index, row in enumerate(drawing.rows) for lane in row.lanes}
    blocks = sentences.block_of(trace)
    frames_of = signals.of_steps(trace, frames)
    seen: set[int] = set()
    said, rests = [], []
    for step in drawing.steps:
        parts = sentences.parts(trace, step, step.lane not in seen, blocks.get(step.number))
        if step.number in frames_of:
            parts.append(frames_of[step.number])
        seen.add(step.lane)
        said.append([strings.number(part) for part in parts])
        rests.append(strings.number(sentences.place_text(step.let_go)) if step.let_go else -1)
    numbers = [step.number for step in drawing.steps]
    skips = any(after != before + 1 for before, after in pairwise(numbers))
    return {
        "left": drawing.left,
        "height": round(drawing.height, 1),
        "first": drawing.first // 1000,
        "until": drawing.until // 1000,
        "rows": [[round(row.y, 1), row.name, row.loop] for row in drawing.rows],
        "at": [step.start // 1000 for step in drawing.steps],
        "long": [(step.end - step.start) // 1000 for step in drawing.steps],
        "row": [row_of[step.lane] for step in drawing.steps],
        "number": numbers if skips else numbers[:1],
        "count": len(trace.steps),
        "say": said,
        "rest": rests,
        "strings": list(strings.numbers),
        "title": title,
    }


def _cell(place: Place | None) -> str:
    """A place in a table; `In[24] line 11` stays on one line."""
    if place is None:
        return ""
    where = sentences.where(place)
    return sentences.plain(sentences.place_text(place)).replace(where, where.replace(" ", "\N{NO-BREAK SPACE}"))


def _facts(trace: Trace, notes: Sequence[str], frames: Sequence[Signal]) -> str:
    """What a film says, as a paragraph a line and a table a step."""
    said = (*sentences.summary(trace).splitlines(), *notes)
    paragraphs = picture.joined(picture.markup("<p>{}</p>", line) for line in said)

    def rows() -> Iterable[tuple[object, ...]]:
        for step in trace.steps[:_MOST_TABLE_ROWS]:
            lane = trace.lanes[step.lane]
            if step.let_go is not None:
                let_go = _cell(step.let_go)
            elif step.ending:
                let_go = sentences.ending(lane)
            else:
                let_go = str(_STILL) if step.open else ""
            yield (
                step.number,
                sentences.moment(step.start),
                sentences.called(trace, lane),
                _cell(step.resumed),
                sentences.duration(step.own),
                let_go,
            )

    table = picture.table([str(head) for head in _HEAD], rows(), trace.title)
    if len(trace.steps) > _MOST_TABLE_ROWS:
        table += picture.markup("<p>{}</p>", _MORE_ROWS.format(shown=_MOST_TABLE_ROWS, all=len(trace.steps)))
    if frames:
        shown = (signals.cells(trace, frame) for frame in frames[:_MOST_TABLE_ROWS])
        table += picture.table([str(head) for head in signals.HEAD], shown, str(signals.CAPTION))
    if len(frames) > _MOST_TABLE_ROWS:
        table += picture.markup("<p>{}</p>", _MORE_FRAMES.format(shown=_MOST_TABLE_ROWS, all=len(frames)))
    return paragraphs + table


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(traces: Sequence[Trace], frames: Sequence[Signal] = (), more: Sequence[str] = ()) -> str:
    """One HTML output for a film, or for several that share one time axis.

    Args:
        traces: the films.
        frames: what passed on the wire; for a single film.
        more: what else a reader must know, a sentence each.
    """
    until = max(trace.end for trace in traces)
    # One legend for all, in the first picture.
    drawings = [
        draw(trace, until=until, frames=frames, legend=() if number else traces) for number, trace in enumerate(traces)
    ]
    images = [
        picture.image(drawing.svg, sentences.summary(trace)) for trace, drawing in zip(traces, drawings, strict=True)
    ]
    notes = [line for trace in traces for line in sentences.notes(trace)]
    notes += [line for drawing in drawings for line in drawing.notes]
    notes += more
    shown = "".join(f'<p class="wslab-note">{_escape(line)}</p>' for line in dict.fromkeys(notes))
    facts = "".join(_facts(trace, drawing.notes, frames) for trace, drawing in zip(traces, drawings, strict=True))
    data = {
        "panels": [
            _panel(trace, drawing, frames, trace.title if len(traces) > 1 else "")
            for trace, drawing in zip(traces, drawings, strict=True)
        ],
        "intro": _intro(traces, drawings),
        "head": str(sentences.HEAD),
        "words": {key: str(text) for key, text in _WORDS.items()},
        "decimal": "," if current_language() == "tr" else ".",
        "units": UNITS,
        "line": LEGEND_LINE,
        "sign": SIGN,
        "beside": BESIDE,
        "width": WIDTH,
    }
    return (
        picture.figure(
            fallback="".join(images),
            facts=facts,
            data=data,
            script=_read("timeline.js"),
            css=_read("timeline.css"),
            label=str(_LABEL) + "".join(f" · {trace.title}" for trace in traces if trace.title),
        )
        + shown
    )
