"""What several broadcasts to the same audience came to: a picture with one row each, and a table."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping

from wslab.audience.crowd import Outcome
from wslab.language import Text, decimal
from wslab.picture import BLUE, VERMILION, image, stylesheet, table

_HEAD = (
    Text(en="broadcast", tr="yayın"),
    Text(en="median delay", tr="ortanca gecikme"),
    Text(en="worst delay", tr="en kötü gecikme"),
    Text(en="never came", tr="hiç gelmeyen"),
    Text(en="the slow one got", tr="yavaş olanın aldığı"),
    Text(en="the deaf one got", tr="sağır olanın aldığı"),
    Text(en="most bytes in write buffers", tr="yazma arabelleklerinde en çok"),
    Text(en="messages in queues at the end", tr="sonda kuyruklardaki mesaj"),
    Text(en="connections at the end", tr="sonda kalan bağlantı"),
    Text(en="it ended", tr="bitti mi"),
)
_PART = Text(en="{percent} %", tr="%{percent}")
_OF = Text(en="{count} of {due}", tr="{due} mesajdan {count}")
_NEVER = Text(en="never", tr="hiç gelmedi")
_YES, _NO = Text(en="yes", tr="evet"), Text(en="no", tr="hayır")
_ALT = Text(
    en="For each broadcast a row with a column for each message: how late the last of the reading listeners got it. "
    "{rows}",
    tr="Her yayın için bir satır, her mesaj için bir sütun: okuyan dinleyicilerden sonuncusuna ne kadar geç ulaştığı. "
    "{rows}",
)
_ALT_ROW = Text(
    en="{name}: worst {worst}, {lost} messages missing for somebody.",
    tr="{name}: en kötüsü {worst}; {lost} mesaj birilerine gelmedi.",
)
_AXIS = Text(
    en="message 1 to {due} · height: how late the last reader got it, up to {top} · ✕: somebody never got it",
    tr="1–{due}. mesajlar · yükseklik: son okuyana ne kadar geç ulaştığı, en çok {top} · ✕: birilerine hiç gelmedi",
)

_LEFT, _WIDTH, _ROW, _BAR = 210, 760, 64, 44


class Outcomes(Mapping[str, Outcome]):
    """Outcomes by the name of their broadcast; displayed, a picture and a table.

    Args:
        outcomes: in the order in which they are shown.
    """

    def __init__(self, outcomes: Mapping[str, Outcome]) -> None:
        self._outcomes = dict(outcomes)

    def __getitem__(self, name: str) -> Outcome:
        return self._outcomes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                name,
                _late(one.median),
                _late(one.worst),
                _PART.format(percent=round(100 * one.missed)),
                _OF.format(count=one.slow, due=one.due),
                _OF.format(count=one.deaf, due=one.due),
                f"{one.buffered:,}".replace(",", "_"),
                str(one.queued),
                str(one.held),
                str(_YES if one.ended else _NO),
            )
            for name, one in self.items()
        ]

    def __repr__(self) -> str:
        head = [str(name) for name in _HEAD]
        return "\n\n".join(
            "\n".join(f"{what}: {cell}" for what, cell in zip(head, row, strict=True)) for row in self._rows()
        )

    def _repr_html_(self) -> str:
        rows = " ".join(
            _ALT_ROW.format(name=name, worst=_late(one.worst), lost=one.by_number.count(None))
            for name, one in self.items()
        )
        picture = image(self._svg(), _ALT.format(rows=rows))
        return f'<div class="wslab"><style>{stylesheet()}</style>{picture}{table(_HEAD, self._rows())}</div>'

    def _svg(self) -> str:
        top = max((late for one in self.values() for late in one.by_number if late is not None), default=0) or 1
        due = max((one.due for one in self.values()), default=1)
        height = _ROW * len(self) + 34
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 10} {height}" '
            f'width="{_LEFT + _WIDTH + 10}" height="{height}" font-family="system-ui,DejaVu Sans,sans-serif" '
            f'font-size="15"><rect width="100%" height="100%" fill="#ffffff"/>'
        ]
        for row, (name, one) in enumerate(self.items()):
            base = _ROW * row + 54
            parts.append(f'<text x="8" y="{base - 14}" fill="#1b1f24">{html.escape(name)}</text>')
            parts.append(f'<path d="M{_LEFT} {base}h{_WIDTH}" stroke="#57606a"/>')
            step = _WIDTH / due
            for number, late in enumerate(one.by_number):
                left = _LEFT + number * step
                if late is None:
                    middle = f'x="{left + step / 2:.1f}" y="{base - 4}" text-anchor="middle"'
                    parts.append(f'<text {middle} fill="{VERMILION}">✕</text>')
                else:
                    tall = max(2.0, _BAR * late / top)
                    parts.append(
                        f'<rect x="{left + 1:.1f}" y="{base - tall:.1f}" width="{max(1.0, step - 2):.1f}" '
                        f'height="{tall:.1f}" fill="{BLUE}"/>'
                    )
        axis = html.escape(_AXIS.format(due=due, top=_late(top)))
        parts.append(f'<text x="8" y="{height - 8}" font-size="14" fill="#57606a">{axis}</text></svg>')
        return "".join(parts)


def _late(seconds: float) -> str:
    if math.isinf(seconds):
        return str(_NEVER)
    return f"{decimal(seconds, digits=2)} s" if seconds >= 1 else f"{round(seconds * 1000)} ms"
