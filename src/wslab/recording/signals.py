"""What passed on the wire, as it stands in the picture of a film: beside the steps that it woke and that sent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wslab.language import Text
from wslab.recording import sentences
from wslab.recording.trace import Lane, Step, Trace


@dataclass(frozen=True, slots=True)
class Signal:
    """A frame that passed on the wire while a film ran.

    Attributes:
        at: when its last byte passed, in nanoseconds since the film began.
        lane: index into `Recording.lanes`: the task that serves the frame's connection.
        step: number of the step that it woke, or that sent it; 0 where the film cannot tell, as for a ping, which the
            server's library answers by itself. The step may be another lane's: who sends to all clients sends on
            their connections.
        inward: whether it went client→server.
        text: the frame as a label has room for it: `TEXT “selam”`.
        detail: the frame with its sizes.
        sure: False where another step ran so close by that it may as well have been that one.
    """

    at: int
    lane: int
    step: int
    inward: bool
    text: str
    detail: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Arrow:
    """The frames that one step received, or sent, or one frame of no step: one arrow in the picture.

    Attributes:
        lane: in whose row it stands.
        at: at which time: where the step begins for a frame that woke it, where it ends for one that it sent; when it
            passed for a frame of no step.
        since: when the first of the frames passed.
        sure: whether all of the frames are that step's for sure.
    """

    lane: int
    at: int
    since: int
    step: int
    inward: bool
    text: str
    title: str
    sure: bool


LEGEND = {
    "in": Text(en="frame arrived and woke this step", tr="gelen çerçeve bu adımı uyandırdı"),
    "out": Text(en="frame sent by this step", tr="çerçeveyi bu adım gönderdi"),
    "unsure": Text(en="sent by this step or one near it", tr="bu adım ya da yakınındaki biri gönderdi"),
    "apart-in": Text(en="frame that woke no step", tr="hiçbir adımı uyandırmayan çerçeve"),
    "apart-out": Text(en="frame sent by the library itself", tr="kütüphanenin kendi gönderdiği çerçeve"),
}
_WOKE = Text(
    en="{frame}: passed at {at} and woke step {step} ({lane}) {gap} later",
    tr="{frame}: {at} anında hattan geçti, {gap} sonra {step}. adımı uyandırdı ({lane})",
)
_SENT = Text(
    en="{frame}: sent by step {step} ({sender}), passed at {at}",
    tr="{frame}: {step}. adım gönderdi ({sender}), {at} anında hattan geçti",
)
_SENT_TO = Text(
    en="{frame} to {lane}: sent by step {step} ({sender}), passed at {at}",
    tr="{frame}, alıcı {lane}: {step}. adım gönderdi ({sender}), {at} anında hattan geçti",
)
_UNSURE = Text(
    en=" (or by another step: several ran within 5 ms)",
    tr=" (ya da başka bir adım: 5 ms içinde birkaç adım çalıştı)",
)
_ARRIVED = Text(
    en="{frame}: arrived at {at} for {lane}; it woke no step there",
    tr="{frame}: {at} anında geldi ({lane}); orada hiçbir adımı uyandırmadı",
)
_LEFT = Text(
    en="{frame}: left {lane} at {at}, sent by the server's library itself",
    tr="{frame}: {at} anında gitti ({lane}); sunucunun kütüphanesi kendisi gönderdi",
)
_WOKEN_BY = Text(en=" Woken by {frames}.", tr=" Uyandıran: {frames}.")
_SENT_OUT = Text(en=" It sent {frames}.", tr=" Gönderdiği: {frames}.")
_MORE = Text(en="{n} more", tr="{n} tane daha")
HEAD = (
    Text(en="Time on the wire", tr="Hattan geçtiği an"),
    Text(en="Connection", tr="Bağlantı"),
    Text(en="Direction", tr="Yön"),
    Text(en="Frame", tr="Çerçeve"),
    Text(en="Step", tr="Adım"),
)
CAPTION = Text(en="The frames on the wire", tr="Hattaki çerçeveler")
_DIRECTION = {True: Text(en="to the server", tr="sunucuya"), False: Text(en="to the client", tr="istemciye")}
_CELL = {
    True: Text(en="woke step {step} ({lane})", tr="{step}. adımı uyandırdı ({lane})"),
    False: Text(en="sent by step {step} ({lane})", tr="{step}. adım gönderdi ({lane})"),
}
_NO_STEP = {
    True: Text(en="woke no step", tr="hiçbir adımı uyandırmadı"),
    False: Text(en="sent by the server's library", tr="sunucunun kütüphanesi gönderdi"),
}
_LISTED = 3


def caller(lane: Lane) -> str:
    """Who is on the other end of a lane: the last part of its name."""
    return lane.name.rpartition(" · ")[2]


def label(trace: Trace, signal: Signal) -> str:
    """A frame's text; with its receiver where another lane's step sent it."""
    if signal.step and trace.steps[signal.step - 1].lane != signal.lane:
        return f"{signal.text} → {caller(trace.lanes[signal.lane])}"
    return signal.text


def told(trace: Trace, signal: Signal) -> str:
    """What became of one frame, in a sentence."""
    words = {
        "frame": signal.detail,
        "at": sentences.moment(signal.at),
        "lane": trace.lanes[signal.lane].name,
        "step": str(signal.step),
    }
    if not signal.step:
        return (_ARRIVED if signal.inward else _LEFT).format(**words)
    step = trace.steps[signal.step - 1]
    if signal.inward:
        return _WOKE.format(**words, gap=sentences.duration(max(0, step.start - signal.at)))
    sender = trace.lanes[step.lane].name
    sent = (_SENT if step.lane == signal.lane else _SENT_TO).format(**words, sender=sender)
    return sent if signal.sure else f"{sent}{_UNSURE}"


def arrows(trace: Trace, signals: Iterable[Signal]) -> list[Arrow]:
    """The arrows of a picture, in the order of their times."""
    grouped: dict[tuple[int, bool, int], list[Signal]] = {}
    for number, signal in enumerate(signals, 1):
        # Frames of one step share an arrow; each frame of no step has its own.
        grouped.setdefault((signal.step, signal.inward, 0 if signal.step else number), []).append(signal)
    found = []
    for (number, inward, _), group in grouped.items():
        lane, at = group[0].lane, group[0].at
        if number:
            step = trace.steps[number - 1]
            # Whole microseconds, as the bar has them, so that the arrow stands at the bar on every scale.
            lane, at = step.lane, step.start if inward else _whole(step.start) + _whole(step.end - step.start)
        sure = all(signal.sure for signal in group)
        more = f" +{len(group) - 1}" if len(group) > 1 else ""
        title = "\n".join(told(trace, signal) for signal in group[:12]) + ("\n…" if len(group) > 12 else "")
        found.append(Arrow(lane, at, group[0].at, number, inward, label(trace, group[0]) + more, title, sure))
    return sorted(found, key=lambda arrow: arrow.at)


def _whole(nanoseconds: int) -> int:
    return nanoseconds // 1000 * 1000


def _list(frames: Sequence[str]) -> str:
    listed = list(frames[:_LISTED])
    if len(frames) > _LISTED:
        listed.append(_MORE.format(n=len(frames) - _LISTED))
    return ", ".join(listed)


def of_steps(trace: Trace, signals: Iterable[Signal]) -> dict[int, str]:
    """What a step's sentence says of its frames, by the step's number."""
    frames: dict[int, tuple[list[str], list[str]]] = {}
    for signal in signals:
        if signal.step:
            frames.setdefault(signal.step, ([], []))[0 if signal.inward else 1].append(
                label(trace, signal) + ("" if signal.sure else " (?)")
            )
    return {
        number: (_WOKEN_BY.format(frames=_list(woken)) if woken else "")
        + (_SENT_OUT.format(frames=_list(sent)) if sent else "")
        for number, (woken, sent) in frames.items()
    }


def cells(trace: Trace, signal: Signal) -> tuple[str, str, str, str, str]:
    """A row of the table whose head is `HEAD`."""
    if signal.step:
        lane = trace.lanes[trace.steps[signal.step - 1].lane].name
        step = _CELL[signal.inward].format(step=signal.step, lane=lane) + ("" if signal.sure else str(_UNSURE))
    else:
        step = str(_NO_STEP[signal.inward])
    way = str(_DIRECTION[signal.inward])
    return sentences.moment(signal.at), trace.lanes[signal.lane].name, way, signal.detail, step


def drawn(trace: Trace, signals: Iterable[Signal], steps: Iterable[Step], row_of: Mapping[int, int]) -> list[Arrow]:
    """The arrows that have a place among the steps and rows that are drawn."""
    numbers = {step.number for step in steps}
    return [
        arrow
        for arrow in arrows(trace, signals)
        if arrow.lane in row_of and (arrow.step in numbers if arrow.step else bool(numbers))
    ]
