"""What the instructor puts on the projector: the way in as a QR code, and who has come. HTML and plain text."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence

import segno

from wslab.gate import Person
from wslab.language import Text, current_language
from wslab.picture import image, stylesheet

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
    en='This server listens on this machine alone. For the room write serve(app, host="0.0.0.0", token=True).',
    tr='Bu sunucu yalnızca bu makineyi dinliyor. Sınıf için serve(app, host="0.0.0.0", token=True) yazın.',
)
_OVER = Text(
    en="The server has stopped: this way in leads nowhere any more.",
    tr="Sunucu durdu: bu giriş artık bir yere götürmez.",
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
_REFUSED = Text(en="Turned away or put out: {reasons}", tr="Geri çevrilen ya da çıkarılan: {reasons}")
REASONS = {
    "token": Text(en="without the code {count}", tr="kodu olmayan {count}"),
    "host": Text(en="under a foreign name {count}", tr="yabancı bir adla gelen {count}"),
    "origin": Text(en="from another site {count}", tr="başka bir siteden gelen {count}"),
    "rate": Text(en="too many requests {count}", tr="çok sık istek {count}"),
    "connections": Text(en="too many connections {count}", tr="çok fazla bağlantı {count}"),
    "slow": Text(en="never finished asking {count}", tr="isteğini bitirmeyen {count}"),
    "large": Text(en="too large {count}", tr="çok büyük {count}"),
    "full": Text(en="no room left {count}", tr="yer kalmadı {count}"),
    "locked": Text(en="the door was closed {count}", tr="kapı kapalıydı {count}"),
    "flood": Text(en="too many messages {count}", tr="çok fazla mesaj {count}"),
    "deaf": Text(en="did not read {count}", tr="okumayan {count}"),
}

CSS = """
.wslab-class{display:flex;flex-wrap:wrap;gap:12px 28px;border:1px solid var(--rule);border-left:6px solid #009E73;
 border-radius:6px;padding:14px 18px;margin:4px 0;overflow-wrap:anywhere}
.wslab.wslab-class h3{font-size:20px;font-weight:700;line-height:1.35;margin:0 0 8px;color:var(--ink)}
.wslab.wslab-class a{color:var(--focus);text-decoration:underline}
.wslab-class p{margin:6px 0}
.wslab-class .wslab-way{flex:0 1 320px;min-width:260px}
.wslab-class .wslab-who{flex:1 1 380px;min-width:260px}
.wslab-class .wslab-way img{display:block;width:280px;max-width:100%;border-radius:6px}
.wslab-class .wslab-link{font-size:18px;font-weight:600}
.wslab.wslab-class code{font-size:18px;font-weight:700;background:var(--panel);border-radius:4px;padding:0 4px}
.wslab-class .wslab-quiet{color:var(--quiet);font-size:14px}
.wslab-class .wslab-people{max-height:440px;overflow:auto}
.wslab.wslab-class table{font-size:15px;width:100%}
.wslab-class td:first-child{font-weight:600}
.wslab-class.wslab-large .wslab-way{flex:1 1 100%;text-align:center}
.wslab-class.wslab-large .wslab-way img{width:min(64vh,560px);margin:0 auto}
.wslab.wslab-class.wslab-large h3{font-size:30px}
.wslab-class.wslab-large .wslab-link,.wslab.wslab-class.wslab-large code,.wslab-class.wslab-large p{font-size:26px}
"""


def qr(link: str) -> str:
    """A QR code (ISO/IEC 18004) as an image whose alternative text is the link; dark on white in every theme."""
    out = io.BytesIO()
    code = segno.make(link, error="m", micro=False)
    code.save(out, kind="svg", scale=8, border=4, dark="#000", light="#fff", xmldecl=False, omitsize=False)
    return image(out.getvalue().decode("utf-8"), _QR.format(link=link))


def _anchor(link: str) -> str:
    address = html.escape(link)
    shown = address.replace("/join/", "/join/<wbr>")  # where the line may break
    return f'<a href="{address}" target="_blank" rel="noopener">{shown}</a>'


def way_in(links: Sequence[str], token: str, local: bool, running: bool) -> str:
    """The QR code, the link, and the code for whoever types.

    Args:
        links: the join page's addresses, the likeliest first.
        local: whether the server listens on this machine alone.
    """
    if not running:
        return f'<div class="wslab-way"><p><strong>{_OVER}</strong></p></div>'
    short = links[0].rpartition("/")[0].removeprefix("http://")
    typed = html.escape(str(_TYPED)).format(
        short=f"<strong>{html.escape(short)}</strong>", token=f"<code>{html.escape(token)}</code>"
    )
    others = ""
    if len(links) > 1:
        others = f'<p class="wslab-quiet">{_OTHERS.format(links=", ".join(map(_anchor, links[1:4])))}</p>'
    note = _HERE_ONLY if local else _PLAIN
    return (
        f'<div class="wslab-way"><h3>{_JOIN}</h3>{qr(links[0])}<p class="wslab-link">{_anchor(links[0])}</p>'
        f'<p>{typed}</p>{others}<p class="wslab-quiet">{html.escape(str(note))}</p></div>'
    )


def _refused(refused: Mapping[str, int]) -> str:
    reasons = ", ".join(REASONS[reason].format(count=count) for reason, count in sorted(refused.items()) if count)
    return _REFUSED.format(reasons=reasons) if reasons else ""


def _heading(people: Sequence[Person], locked: bool) -> str:
    here = sum(person.state == "here" for person in people)
    counted = _IN.format(here=here, joined=len(people)) if people else str(_NOBODY)
    return f"{counted} · {_LOCKED}" if locked else counted


def _row(person: Person) -> tuple[str, str, str, str]:
    state = str(_STATES[person.state]) + (f" ({_PROGRAM})" if person.guest else "")
    return person.nickname, person.since.strftime("%H:%M"), str(person.messages), state


def who_is_in(people: Sequence[Person], refused: Mapping[str, int], locked: bool) -> str:
    """The list of people, and how many were turned away."""
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEAD)
    rows = "".join(
        # bdi: a nickname that runs from right to left leaves its neighbours alone.
        "<tr><td><bdi>{}</bdi></td><td>{}</td><td>{}</td><td>{}</td></tr>".format(*map(html.escape, _row(person)))
        for person in people
    )
    listed = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if people else ""
    away = _refused(refused)
    return (
        f'<div class="wslab-who"><h3>{html.escape(_heading(people, locked))}</h3>'
        f'<div class="wslab-people" tabindex="0">{listed}</div>'
        + (f'<p class="wslab-quiet">{html.escape(away)}</p>' if away else "")
        + "</div>"
    )


def card(*parts: str, css: str = "", after: str = "", large: bool = False) -> str:
    """Parts side by side, and `after` below them."""
    kind = "wslab wslab-class wslab-large" if large else "wslab wslab-class"
    return (
        f"<style>{stylesheet()}{CSS}{css}</style>"
        f'<div class="{kind}" lang="{current_language()}">{"".join(parts)}</div>{after}'
    )


def as_text(
    links: Sequence[str], token: str, people: Sequence[Person], refused: Mapping[str, int], locked: bool
) -> str:
    """The card for a terminal."""
    short = links[0].rpartition("/")[0].removeprefix("http://") if links else ""
    lines = [*links, _TYPED.format(short=short, token=token)] if links else [str(_OVER)]
    lines.append(_heading(people, locked))
    lines += [
        "  " + "  ".join((name.ljust(24), since, messages.rjust(4), state))
        for name, since, messages, state in map(_row, people)
    ]
    away = _refused(refused)
    return "\n".join([*lines, away] if away else lines)
