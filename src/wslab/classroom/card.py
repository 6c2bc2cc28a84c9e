"""What the instructor puts on the projector: the way in as a QR code, and who has come. HTML and plain text."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import segno
from markupsafe import Markup

from wslab.gate import Person
from wslab.language import Text, current_language
from wslab.picture import image, joined, markup, stylesheet, table

_JOIN = Text(en="Join with your phone or laptop", tr="Telefonunuzla ya da bilgisayarınızla katılın")
_QR = Text(en="QR code that leads to {link}", tr="{link} adresine götüren karekod")
_TYPED = Text(en="Or type {short} and then the code {token}", tr="Ya da {short} adresini açıp {token} kodunu yazın")
_OTHERS = Text(
    en="If that does not open, this machine has other addresses: {links}",
    tr="Açılmıyorsa bu makinenin başka adresleri de var: {links}",
)
_PLAIN = Text(
    en="Phones must be on the same network. The traffic is not encrypted. If nobody can connect, a firewall of this "
    "computer or the Wi-Fi is in the way: docs/class-mode.md.",
    tr="Telefonlar aynı ağda olmalı. Trafik şifrelenmez. Kimse bağlanamıyorsa bu bilgisayarın güvenlik duvarı ya da "
    "Wi-Fi engelliyordur: docs/class-mode.tr.md.",
)
_HERE_ONLY = Text(
    en='This server listens on this machine alone. For a class write serve(app, host="0.0.0.0", token=True).',
    tr='Bu sunucu yalnızca bu makineyi dinliyor. Sınıf için serve(app, host="0.0.0.0", token=True) yazın.',
)
_OVER = Text(
    en="The server has stopped. Its address and its code are no longer valid.",
    tr="Sunucu durdu. Adresi ve kodu artık geçerli değil.",
)
_IN = Text(en="{here} here, {joined} joined", tr="{here} kişi bağlı, {joined} kişi katıldı")
_NOBODY = Text(en="Nobody has joined yet.", tr="Henüz kimse katılmadı.")
_LOCKED = Text(en="the door is closed", tr="kapı kapalı")
_HEAD = (
    Text(en="nickname", tr="takma ad"),
    Text(en="since", tr="katıldı"),
    Text(en="messages", tr="mesaj"),
    Text(en="state", tr="durum"),
)
_STATES = {"here": Text(en="● here", tr="● bağlı"), "away": Text(en="○ away", tr="○ bağlı değil")}
_PROGRAM = Text(en="program", tr="program")
_REFUSED = Text(en="Turned away or closed: {reasons}", tr="Geri çevrilen ya da kapatılan: {reasons}")
_KEPT_OUT = Text(
    en="Kicked and kept out: {names}. To let somebody in again: room.let_in({first})",
    tr="Çıkarılan ve dışarıda tutulan: {names}. Yeniden almak için: room.let_in({first})",
)
REASONS = {
    "token": Text(en="without the code {count}", tr="kodu olmayan {count}"),
    "host": Text(en="under a foreign name {count}", tr="yabancı bir adla gelen {count}"),
    "origin": Text(en="from another site {count}", tr="başka bir siteden gelen {count}"),
    "rate": Text(en="too many requests {count}", tr="çok sık istek {count}"),
    "connections": Text(en="too many connections {count}", tr="çok fazla bağlantı {count}"),
    "slow": Text(en="never finished asking {count}", tr="isteğini bitirmeyen {count}"),
    "large": Text(en="too large {count}", tr="çok büyük {count}"),
    "full": Text(en="no place left {count}", tr="yer kalmadı {count}"),
    "locked": Text(en="the door was closed {count}", tr="kapı kapalıydı {count}"),
    "flood": Text(en="too many messages {count}", tr="çok fazla mesaj {count}"),
    "slow-consumer": Text(en="did not read {count}", tr="okumayan {count}"),
    "kept-out": Text(en="kicked before {count}", tr="önceden çıkarılmış {count}"),
}

CSS = """
.wslab-class{display:flex;flex-wrap:wrap;gap:8px 24px;border:1px solid var(--rule);border-left:6px solid #009E73;
 border-radius:6px;padding:12px 16px;margin:4px 0;overflow-wrap:anywhere}
.wslab.wslab-class h3{font-size:20px;font-weight:700;line-height:1.35;margin:0 0 6px;color:var(--ink)}
.wslab.wslab-class a{color:var(--focus);text-decoration:underline}
.wslab-class p{margin:5px 0}
.wslab-class .wslab-way{flex:0 1 300px;min-width:240px}
.wslab-class .wslab-who{flex:1 1 360px;min-width:240px}
.wslab-class .wslab-way img{display:block;width:220px;max-width:100%;border-radius:6px}
.wslab-class .wslab-link{font-size:17px;font-weight:600}
.wslab.wslab-class code{font-size:17px;font-weight:700;background:var(--panel);border-radius:4px;padding:0 4px}
.wslab-class code,.wslab-class .wslab-whole{white-space:nowrap}
.wslab-class .wslab-quiet{color:var(--quiet);font-size:14px}
.wslab-class .wslab-people{max-height:380px;overflow:auto}
.wslab.wslab-class table{font-size:15px;width:100%}
.wslab-class td:first-child{font-weight:600}
.wslab-class.wslab-large .wslab-way{flex:1 1 100%;display:flex;flex-wrap:wrap;gap:8px 28px;align-items:center}
.wslab-class.wslab-large .wslab-way img{flex:none;width:clamp(240px,50vh,560px)}
.wslab-class.wslab-large .wslab-told{flex:1 1 300px;min-width:240px}
.wslab.wslab-class.wslab-large h3{font-size:30px}
.wslab-class.wslab-large .wslab-link,.wslab.wslab-class.wslab-large code,.wslab-class.wslab-large p{font-size:26px}
.wslab-class.wslab-large p.wslab-quiet{font-size:16px}
"""


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who has joined a class, and who has not.

    Attributes:
        people: who has joined.
        refused: how often somebody was turned away or closed, by reason.
        kept_out: the nicknames of those who were kicked.
        locked: whether nobody else may join.
    """

    people: Sequence[Person]
    refused: Mapping[str, int]
    kept_out: Sequence[str]
    locked: bool

    def heading(self) -> str:
        """How many people are connected, and how many have joined."""
        here = sum(person.state == "here" for person in self.people)
        counted = _IN.format(here=here, joined=len(self.people)) if self.people else str(_NOBODY)
        return f"{counted} · {_LOCKED}" if self.locked else counted

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Nickname, time, messages and state of each person."""
        return [
            (
                person.nickname,
                person.since.strftime("%H:%M"),
                str(person.messages),
                str(_STATES[person.state]) + (f" ({_PROGRAM})" if person.guest else ""),
            )
            for person in self.people
        ]

    def notes(self) -> list[str]:
        """Who did not get in, as sentences."""
        reasons = ", ".join(
            REASONS[reason].format(count=count) for reason, count in sorted(self.refused.items()) if count
        )
        notes = [_REFUSED.format(reasons=reasons)] if reasons else []
        if self.kept_out:
            notes.append(_KEPT_OUT.format(names=", ".join(self.kept_out), first=repr(self.kept_out[0])))
        return notes


def qr(link: str) -> Markup:
    """A QR code (ISO/IEC 18004) as an image whose alternative text is the link; dark on white in every theme."""
    out = io.BytesIO()
    code = segno.make(link, error="m", micro=False)
    code.save(out, kind="svg", scale=8, border=4, dark="#000", light="#fff", xmldecl=False, omitsize=False)
    return image(out.getvalue().decode("utf-8"), _QR.format(link=link))


def _anchor(link: str) -> Markup:
    start, join, code = link.partition("/join/")
    # A line may break before the path and before the code, and nowhere else.
    shown = markup('{}<wbr>{}<wbr><span class="wslab-whole">{}</span>', start, join, code)
    return markup('<a href="{}" target="_blank" rel="noopener">{}</a>', link, shown)


def _short(link: str) -> str:
    """The join page's address without its code, as people type it."""
    return link.rpartition("/")[0].removeprefix("http://")


def way_in(links: Sequence[str], token: str, local: bool, running: bool) -> Markup:
    """The QR code, the link, and the code for whoever types.

    Args:
        links: the join page's addresses, the likeliest first.
        token: the code.
        local: whether the server listens on this machine alone.
        running: whether the server still runs; the rest is left out where it does not.
    """
    if not running:
        return markup('<div class="wslab-way"><p><strong>{}</strong></p></div>', _OVER)
    host, _, path = _short(links[0]).partition("/")
    short, code = markup("<strong>{}<wbr>/{}</strong>", host, path), markup("<code>{}</code>", token)
    others = Markup()
    if len(links) > 1:
        anchors = joined(map(_anchor, links[1:4]), ", ")
        others = markup('<p class="wslab-quiet">{}</p>', markup(str(_OTHERS), links=anchors))
    return markup(
        '<div class="wslab-way">{qr}<div class="wslab-told"><h3>{title}</h3><p class="wslab-link">{link}</p>'
        '<p>{typed}</p>{others}<p class="wslab-quiet">{note}</p></div></div>',
        title=_JOIN,
        qr=qr(links[0]),
        link=_anchor(links[0]),
        typed=markup(str(_TYPED), short=short, token=code),
        others=others,
        note=_HERE_ONLY if local else _PLAIN,
    )


def who_is_in(attendance: Attendance) -> Markup:
    """The list of people, and how many were turned away."""
    # bdi: a nickname that runs from right to left leaves its neighbours alone.
    rows = [(markup("<bdi>{}</bdi>", nickname), *rest) for nickname, *rest in attendance.rows()]
    return markup(
        '<div class="wslab-who"><h3>{heading}</h3><div class="wslab-people" tabindex="0">{listed}</div>{notes}</div>',
        heading=attendance.heading(),
        listed=table(_HEAD, rows) if rows else "",
        notes=joined(markup('<p class="wslab-quiet">{}</p>', note) for note in attendance.notes()),
    )


def card(*parts: Markup, css: str = "", after: Markup | str = "", large: bool = False) -> Markup:
    """Parts side by side, and `after` below them."""
    return markup(
        '<style>{css}</style><div class="{kind}" lang="{language}">{parts}</div>{after}',
        css=Markup(stylesheet() + CSS + css),
        kind="wslab wslab-class wslab-large" if large else "wslab wslab-class",
        language=current_language(),
        parts=joined(parts),
        after=after,
    )


def as_text(links: Sequence[str], token: str, attendance: Attendance) -> str:
    """The card for a terminal."""
    lines = [*links, _TYPED.format(short=_short(links[0]), token=token)] if links else [str(_OVER)]
    lines.append(attendance.heading())
    lines += [
        "  " + "  ".join((name.ljust(24), since, messages.rjust(4), state))
        for name, since, messages, state in attendance.rows()
    ]
    return "\n".join([*lines, *attendance.notes()])
