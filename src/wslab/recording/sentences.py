"""The words of a film: a sentence a step, a summary, and numbers as each language writes them."""

from __future__ import annotations

import re
from collections import Counter

from wslab.language import Text, decimal
from wslab.recording.trace import Block, Lane, Place, Step, Trace

_SIGNS = re.compile(r"`([^`]*)`|\*\*(.+?)\*\*")

_SERVING = ("connection", "request")  # kinds of lanes

# A place in code; `code` stands in backquotes, which the picture turns into <code>.
_PLACE = Text(en="`{code}` ({where})", tr="`{code}` ({where})")
_CELL_LINE = Text(en="{where} line {line}", tr="{where} satır {line}")

THIS_NOTEBOOK = Text(en="this notebook", tr="bu not defteri")
HERE = frozenset(THIS_NOTEBOOK.into(language) for language in THIS_NOTEBOOK.languages)
"""What the loop of the notebook itself is called, in every language."""

# One sentence a step is put together from three parts: how it began, how long it held, how it ended.
HEAD = Text(en="**{number} of {count}**, at {at}: ", tr="**{number} / {count}**, {at}: ")
BEGAN = {
    "new": Text(en="**{lane}** ran for the first time, ", tr="**{lane}** ilk kez çalıştı, "),
    "resumed": Text(en="**{lane}** resumed from {place}, ", tr="**{lane}**, {place} noktasından devam etti, "),
    "callback": Text(en="the loop called **{lane}**, ", tr="döngü **{lane}** fonksiyonunu çağırdı, "),
    "unknown": Text(en="**{lane}** went on, ", tr="**{lane}** devam etti, "),
}
HELD = {
    "held": Text(en="held the loop {held} ", tr="döngüyü {held} tuttu "),
    "blocked": Text(
        en="**blocked the loop for {held}** at {place} ", tr="{place} satırında **döngüyü {held} bloke etti** "
    ),
    "blocked_inside": Text(
        en="**blocked the loop for {held}** at {calling}, inside which {place} ran, ",
        tr="{calling} satırında **döngüyü {held} bloke etti**; o sırada içeride {place} çalışıyordu; ",
    ),
    "blocked_somewhere": Text(en="**blocked the loop for {held}** ", tr="**döngüyü {held} bloke etti** "),
}
LET_GO = {
    "let_go": Text(en="and let go at {place}.", tr="ve {place} noktasında bıraktı."),
    "inside": Text(en="and let go inside a library.", tr="ve bir kütüphanenin içinde bıraktı."),
    "returned": Text(en="and returned: this task is done.", tr="ve döndü: bu görev bitti."),
    "connection": Text(
        en="and ended: the server is done with this connection.", tr="ve bitti: sunucunun bu bağlantıyla işi kalmadı."
    ),
    "request": Text(
        en="and ended: the server is done with this request.", tr="ve bitti: sunucunun bu istekle işi kalmadı."
    ),
    "wait_failed": Text(
        en="and ended: its wait ended with an exception that the handler did not catch, `{error}`.",
        tr="ve bitti: beklediği `await` bir istisnayla sona erdi, işleyici bunu yakalamadı: `{error}`.",
    ),
    "failed": Text(
        en="and ended: an exception left the handler, `{error}`.",
        tr="ve bitti: işleyici bir istisnayla sona erdi: `{error}`.",
    ),
    "cancelled": Text(en="and ended: it was cancelled.", tr="ve sona erdi: iptal edildi."),
    "raised": Text(en="and ended with an exception: `{error}`.", tr="ve bir istisnayla sona erdi: `{error}`."),
    "callback": Text(en="and returned.", tr="ve döndü."),
    "open": Text(en="and was still running when the film ended.", tr="ve kayıt bittiğinde hâlâ çalışıyordu."),
    "killed": Text(en="and was still running when its process ended.", tr="ve süreci sona erdiğinde hâlâ çalışıyordu."),
}
INSIDE = Text(
    en=" It ran inside step {number}, which ran the loop itself.",
    tr=" Bu, döngüyü kendisi çalıştıran {number}. adımın içinde oldu.",
)

_STEPS = Text(
    en="{steps} steps of your code in {length}, {lanes} lanes.",
    tr="{length} içinde kodunuzun {steps} adımı, {lanes} şerit.",
)
_ONE_STEP = Text(
    en="1 step of your code in {length}, lanes: {lanes}.", tr="{length} içinde kodunuzun 1 adımı; şerit: {lanes}."
)
_IDLE = Text(en="The loop was idle {percent} % of the time.", tr="Döngü sürenin %{percent} kadarında boştaydı.")
_LANE = Text(
    en="{lane}: {steps}, held the loop {held}, the longest {longest}{end}",
    tr="{lane}: {steps}, döngüyü {held} tuttu, en uzunu {longest}{end}",
)
_COUNT = Text(en="{n} steps", tr="{n} adım")
_COUNT_ONE = Text(en="1 step", tr="1 adım")
_WAITED = Text(en="{lane}: suspended all the time{place}", tr="{lane}: hep askıda bekledi{place}")
_AT = Text(en=" at {place}", tr=": {place}")
ENDING = {
    "over": Text(en="ended", tr="bitti"),
    "failed": Text(en="ended with {error}", tr="bitti: {error}"),
    "returned": Text(en="returned", tr="döndü"),
    "cancelled": Text(en="cancelled", tr="iptal edildi"),
    "raised": Text(en="raised {error}", tr="istisna fırlattı: {error}"),
    "destroyed": Text(
        en="destroyed while still pending: nobody held a reference",
        tr="beklerken yok edildi: referansını saklayan yoktu",
    ),
    "killed": Text(en="its process ended", tr="süreci sona erdi"),
}
_BLOCKED = Text(
    en="At {at} {lane} blocked the loop for {held}{place}; nothing else could run.",
    tr="{at} anında {lane} döngüyü {held} bloke etti{place}; başka hiçbir şey çalışamadı.",
)
_LATE = Text(
    en="{lane}: a timer due at {due} came {late} late.",
    tr="{lane}: {due} anında çalması gereken zamanlayıcı {late} gecikti.",
)
_UNAWAITED = Text(
    en="At {at} {lane} made the coroutine {name} and threw it away without awaiting it, so it never ran{place}.",
    tr="{at} anında {lane}, {name} eşyordamını oluşturdu, `await` ile beklemeden attı; o hiç çalışmadı{place}.",
)
_DROPPED = Text(
    en="Not in this film, because it holds only so much: {what}.",
    tr="Kayda sığmadığı için burada olmayanlar: {what}.",
)
_DROPPED_NAMES = {
    "steps": Text(en="{n} steps", tr="{n} adım"),
    "idles": Text(en="{n} idle stretches", tr="{n} boş aralık"),
    "lanes": Text(en="{n} lanes", tr="{n} şerit"),
    "places": Text(en="{n} lines of code", tr="{n} kod satırı"),
    "marks": Text(en="{n} marks", tr="{n} işaret"),
    "lates": Text(en="{n} late timers", tr="{n} geciken zamanlayıcı"),
    "unawaited": Text(en="{n} coroutines never awaited", tr="hiç beklenmeyen {n} eşyordam (`await` yok)"),
}
_FAULT = Text(
    en="The recorder itself failed and switched itself off, so the film ends early ({fault}). The server went on.",
    tr="Kaydedicinin kendisi hata verip kapandı, bu yüzden kayıt erken bitiyor ({fault}). Sunucu çalışmayı sürdürdü.",
)
_NO_IDLE = Text(en="This loop does not show when it is idle.", tr="Bu döngü ne zaman boş olduğunu göstermiyor.")
_MORE = Text(en="… and {n} more", tr="… ve {n} tane daha")


def duration(nanoseconds: int) -> str:
    """A length of time with two or three digits that count: `238 µs`, `4.1 ms`, `500 ms`, `2.21 s`."""
    microseconds = nanoseconds / 1e3
    if microseconds < 999.5:
        return f"{decimal(microseconds, digits=0)} µs"
    milliseconds = microseconds / 1e3
    if milliseconds < 999.5:
        return f"{decimal(milliseconds, digits=1 if milliseconds < 9.95 else 0)} ms"
    seconds = milliseconds / 1e3
    return f"{decimal(seconds, digits=2 if seconds < 99.95 else 0)} s"


def moment(nanoseconds: int) -> str:
    """A time since the film began: `1.557 s`."""
    return f"{decimal(nanoseconds / 1e9, digits=3)} s"


def where(place: Place) -> str:
    """`In[2] line 25`, `server.py:15`."""
    if place.where.startswith("In["):
        return _CELL_LINE.format(where=place.where, line=place.line)
    return f"{place.where}:{place.line}"


def place_text(place: Place) -> str:
    """The code of a place and where it stands."""
    return _PLACE.format(code=place.code, where=where(place))


def plain(sentence: str) -> str:
    """A sentence without the signs that the picture turns into bold and code."""
    return _SIGNS.sub(lambda found: found[1] or found[2] or "", sentence)


def called(trace: Trace, lane: Lane) -> str:
    """What a lane is called in a sentence: in a film of several processes with the loop that it is in."""
    return f"{lane.name} ({trace.loops[lane.loop]})" if trace.processes else lane.name


def began(step: Step, lane: Lane, first: bool) -> str:
    """Which way a step began: a key of `BEGAN`."""
    if lane.kind == "callback":
        return "callback"
    if step.resumed is not None:
        return "resumed"
    return "new" if first and lane.born == "new" else "unknown"


def let_go(step: Step, lane: Lane) -> str:
    """Which way a step ended: a key of `LET_GO`."""
    if step.open:
        return "killed" if lane.ending == "killed" else "open"
    if lane.kind == "callback":
        return "callback"
    if step.ending == "returned" and lane.kind in _SERVING:
        return "wait_failed" if lane.wait_failed else "failed" if lane.error else lane.kind
    if step.ending:
        return step.ending
    return "let_go" if step.let_go is not None else "inside"


def block_of(trace: Trace) -> dict[int, Block]:
    """The longest block of each step that has one, by the step's number."""
    longest: dict[int, Block] = {}
    for block in trace.blocks:
        if block.step and (block.step not in longest or block.end - block.start > _length(longest[block.step])):
            longest[block.step] = block
    return longest


def _length(block: Block) -> int:
    return block.end - block.start


def head(trace: Trace, step: Step) -> str:
    """`**15 of 23**, at 1.557 s: `"""
    return HEAD.format(number=step.number, count=len(trace.steps), at=moment(step.start))


def parts(trace: Trace, step: Step, first: bool, block: Block | None) -> list[str]:
    """What happened in one step, after its head, with `code` and **bold** marked; most of the parts recur."""
    lane = trace.lanes[step.lane]
    told = [
        BEGAN[began(step, lane, first)].format(
            lane=called(trace, lane), place=place_text(step.resumed) if step.resumed else ""
        ),
    ]
    if block is None:
        told.append(HELD["held"].format(held=duration(step.own)))
    else:
        told.append(_blocked(block))
    told.append(
        LET_GO[let_go(step, lane)].format(place=place_text(step.let_go) if step.let_go else "", error=lane.error)
    )
    if step.inside:
        told.append(INSIDE.format(number=step.inside))
    return told


def _blocked(block: Block) -> str:
    held = duration(_length(block))
    if block.place is None:
        return HELD["blocked_somewhere"].format(held=held)
    if block.calling is None or block.calling == block.place:
        return HELD["blocked"].format(held=held, place=place_text(block.place))
    return HELD["blocked_inside"].format(held=held, place=place_text(block.place), calling=place_text(block.calling))


def sentence(trace: Trace, step: Step, first: bool, block: Block | None) -> str:
    """What happened in one step, in one sentence."""
    return head(trace, step) + "".join(parts(trace, step, first, block))


def sentences(trace: Trace) -> list[str]:
    """`sentence` for every step."""
    blocks = block_of(trace)
    seen: set[int] = set()
    told = []
    for step in trace.steps:
        told.append(sentence(trace, step, step.lane not in seen, blocks.get(step.number)))
        seen.add(step.lane)
    return told


def headline(trace: Trace) -> str:
    """`27 steps of your code in 2.23 s, 4 lanes.`"""
    lanes = sum(lane.kind != "internal" for lane in trace.lanes)
    text = _ONE_STEP if len(trace.steps) == 1 else _STEPS
    return text.format(steps=len(trace.steps), length=duration(trace.end), lanes=lanes)


def ending(lane: Lane) -> str:
    """How a lane ended, in words; "" for one that lives on."""
    if not lane.ending:
        return ""
    key = lane.ending
    if key == "returned" and lane.kind in _SERVING:
        key = "failed" if lane.error else "over"
    return ENDING[key].format(error=lane.error)


def notes(trace: Trace) -> list[str]:
    """What a reader must know about the film as a whole: what is missing in it, and why."""
    told = []
    if trace.fault:
        told.append(_FAULT.format(fault=trace.fault))
    if not trace.idle_known:
        told.append(str(_NO_IDLE))
    if trace.dropped:
        lost = [(key, getattr(trace.dropped, key)) for key in _DROPPED_NAMES]
        told.append(_DROPPED.format(what=", ".join(_DROPPED_NAMES[key].format(n=n) for key, n in lost if n)))
    return told


def late_text(trace: Trace, lane: int, start: int, end: int) -> str:
    """`broadcaster: a timer due at 0.800 s came 458 ms late.`"""
    return _LATE.format(lane=called(trace, trace.lanes[lane]), due=moment(start), late=duration(end - start))


def unawaited_text(trace: Trace, index: int) -> str:
    """What became of a coroutine that nobody awaited."""
    one = trace.unawaited[index]
    place = _AT.format(place=plain(place_text(one.place))) if one.place else ""
    return _UNAWAITED.format(
        at=moment(one.start), lane=called(trace, trace.lanes[one.lane]), name=one.coroutine, place=place
    )


def block_text(trace: Trace, block: Block) -> str:
    """`At 0.755 s websocket_endpoint · Ada blocked the loop for 500 ms at time.sleep(0.5) …`"""
    line = block.calling or block.place
    place = _AT.format(place=plain(place_text(line))) if line else ""
    return _BLOCKED.format(
        at=moment(block.start), lane=called(trace, trace.lanes[block.lane]), held=duration(_length(block)), place=place
    )


def summary(trace: Trace, most: int = 12) -> str:
    """The film in words: a line a lane, then what blocked, was late, was thrown away; at most `most` lines of each."""
    lines = [headline(trace)]
    if trace.title:
        lines.insert(0, trace.title)
    if trace.idle_known and trace.end and not trace.processes:
        idle = sum(one.end - one.start for one in trace.idles if one.loop == 0)
        lines[-1] += " " + _IDLE.format(percent=round(100 * min(idle, trace.end) / trace.end))
    count: Counter[int] = Counter()
    held: Counter[int] = Counter()
    longest: dict[int, int] = {}
    for step in trace.steps:
        count[step.lane] += 1
        held[step.lane] += step.own
        longest[step.lane] = max(longest.get(step.lane, 0), step.own)

    def capped(told: list[str]) -> list[str]:
        return told if len(told) <= most else [*told[:most], _MORE.format(n=len(told) - most)]

    lanes = []
    for lane in trace.lanes:
        if lane.kind == "internal":
            continue
        if count[lane.number]:
            how = ending(lane)
            lanes.append(
                _LANE.format(
                    lane=called(trace, lane),
                    steps=(_COUNT if count[lane.number] != 1 else _COUNT_ONE).format(n=count[lane.number]),
                    held=duration(held[lane.number]),
                    longest=duration(longest[lane.number]),
                    end=f" · {how}" if how else "",
                )
            )
        else:
            place = _AT.format(place=plain(place_text(lane.waiting))) if lane.waiting else ""
            lanes.append(_WAITED.format(lane=called(trace, lane), place=place))
    lines += [f"  {line}" for line in capped(lanes)]
    lines += capped([block_text(trace, block) for block in trace.blocks])
    lines += capped([late_text(trace, late.lane, late.start, late.end) for late in trace.lates])
    lines += capped([unawaited_text(trace, index) for index in range(len(trace.unawaited))])
    lines += notes(trace)
    return "\n".join(lines)
