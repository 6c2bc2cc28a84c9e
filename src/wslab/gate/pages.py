"""The pages of the gate: the form at the door, and the page of somebody who has joined. Self-contained, no CDN.

A page carries its style and its script itself, and a Content-Security-Policy that lets nothing else in.
"""

from __future__ import annotations

import functools
import html
import secrets
from importlib import resources

from wslab.gate.nicknames import LONGEST
from wslab.language import LANGUAGES, Text
from wslab.picture import script_json

_NAMES = {"en": "English", "tr": "Türkçe"}

_TITLE = Text(en="Join the class", tr="Derse katılın")
_WELCOME = Text(
    en="You are about to join {app}, a server that runs on your instructor’s computer.",
    tr="Eğitmeninizin bilgisayarında çalışan bir sunucuya katılmak üzeresiniz: {app}.",
)
_NICKNAME = Text(en="Nickname", tr="Takma ad")
_NICKNAME_HINT = Text(
    en="1 to {longest} characters. The whole class sees it, also on the projector.",
    tr="1 ile {longest} karakter arası. Bütün sınıf görür, projektörde de görünür.",
)
_CODE = Text(en="Code of the class", tr="Dersin kodu")
_CODE_HINT = Text(
    en="It stands beside the QR code on the projector, such as k7mq-2x9t-w4hd.",
    tr="Projektörde, karekodun yanında yazar; örneğin k7mq-2x9t-w4hd.",
)
_JOIN = Text(en="Join", tr="Katıl")
_PLAIN = Text(
    en="Everything here travels unencrypted over this network: write nothing private.",
    tr="Buradaki her şey bu ağda şifrelenmeden taşınır: özel bir şey yazmayın.",
)
_YOU_ARE = Text(en="You are {nickname}", tr="Adınız: {nickname}")
_CHAT = Text(en="The server’s WebSocket", tr="Sunucunun WebSocket’i")
_MESSAGE = Text(en="Message", tr="Mesaj")
_SEND = Text(en="Send", tr="Gönder")
_APP_PAGE = Text(en="the app’s own page", tr="uygulamanın kendi sayfası")
_NO_SOCKET = Text(
    en="This app has no WebSocket that this page could open; here is {page}.",
    tr="Bu uygulamada bu sayfanın açabileceği bir WebSocket yok; {page} burada.",
)
_QUIET = Text(
    en="When your instructor asks something, the question appears here.",
    tr="Eğitmeniniz bir soru sorduğunda soru burada görünür.",
)
_VOTE = Text(en="Send my answer", tr="Yanıtımı gönder")
_SCRIPTS = Text(
    en="This page needs JavaScript, which is switched off in this browser.",
    tr="Bu sayfa JavaScript ister; bu tarayıcıda kapalı.",
)
_OTHER_LANGUAGE = Text(en="Language", tr="Dil")

_SAYS = {
    "open": Text(en="Connected.", tr="Bağlandınız."),
    "closed": Text(en="Disconnected ({why}); trying again …", tr="Bağlantı koptu ({why}); yeniden deneniyor …"),
    "waiting": Text(en="Is your Wi-Fi still on?", tr="Wi-Fi’niz hâlâ açık mı?"),
    "binary": Text(en="(binary data)", tr="(ikili veri)"),
    "nothing": Text(en="Choose or write an answer first.", tr="Önce bir yanıt seçin ya da yazın."),
    "offline": Text(en="Not connected at the moment; try again.", tr="Şu anda bağlantı yok; yeniden deneyin."),
    "sending": Text(en="Sending …", tr="Gönderiliyor …"),
    "over": Text(
        en="The class is over, or it has a new code: scan the QR code on the projector again.",
        tr="Ders bitti ya da yeni bir kodu var: projektördeki karekodu yeniden okutun.",
    ),
}


def language_of(asked: str, accepted: str, otherwise: str) -> str:
    """The language of a page: what was chosen, else what the browser prefers of those there are, else `otherwise`.

    Args:
        asked: the page's `?lang=`, "" if there is none.
        accepted: the header `Accept-Language` (RFC 9110, section 12.5.4).
    """
    if asked in LANGUAGES:
        return asked
    best: tuple[float, str] = (0.0, otherwise)
    for part in accepted.split(",")[:20]:
        name, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        code = name.strip().lower().partition("-")[0]
        if code in LANGUAGES and quality > best[0]:
            best = (quality, code)
    return best[1]


@functools.cache
def _resource(name: str) -> str:
    return resources.files("wslab.gate").joinpath(name).read_text(encoding="utf-8")


def policy(nonce: str, host: str) -> str:
    """A page's Content-Security-Policy; `host`, a checked Host header, is for browsers whose 'self' leaves ws out."""
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; "
        f"connect-src 'self' ws://{host}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def new_nonce() -> str:
    """A value that only this answer's own style and script carry."""
    return secrets.token_urlsafe(12)


def _page(language: str, nonce: str, title: str, body: str, path: str) -> str:
    others = " ".join(
        f'<a href="{html.escape(path)}?lang={code}" lang="{code}" hreflang="{code}">{_NAMES.get(code, code)}</a>'
        for code in LANGUAGES
        if code != language
    )
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{html.escape(title)}</title><link rel="icon" href="data:,"><meta name="robots" content="noindex">'
        f'<style nonce="{nonce}">{_resource("page.css")}</style></head><body>'
        f'<header><p>WebSocket Lab</p><nav aria-label="{html.escape(_OTHER_LANGUAGE.into(language))}">{others}</nav>'
        f"</header><main>{body}</main></body></html>"
    )


def joining(
    language: str, nonce: str, *, app: str, token: str = "", nickname: str = "", problem: Text | None = None
) -> str:
    """The form at the door: a nickname, and the code where the address did not bring it along.

    Args:
        token: the code from the address, "" to ask for it.
        problem: why the last try did not succeed.
    """
    title = html.escape(_TITLE.into(language))
    trouble = f'<p class="problem" role="alert">{html.escape(problem.into(language))}</p>' if problem else ""
    if token:
        code = f'<input type="hidden" name="code" value="{html.escape(token)}">'
    else:
        code = (
            f'<label for="code">{_CODE.into(language)}</label>'
            '<input type="text" id="code" name="code" required maxlength="80" autocomplete="off" autocapitalize="none" '
            f'spellcheck="false" aria-describedby="code-hint">'
            f'<p class="hint" id="code-hint">{_CODE_HINT.into(language)}</p>'
        )
    hint = _NICKNAME_HINT.into(language).format(longest=LONGEST)
    body = (
        f"<h1>{title}</h1><p>{html.escape(_WELCOME.into(language).format(app=app))}</p>{trouble}"
        f'<form class="enter" method="post" action="/join"><input type="hidden" name="lang" value="{language}">{code}'
        f'<label for="nickname">{_NICKNAME.into(language)}</label>'
        f'<input type="text" id="nickname" name="nickname" required maxlength="{LONGEST * 2}" autocomplete="nickname" '
        f'value="{html.escape(nickname)}" aria-describedby="nickname-hint"><p class="hint" id="nickname-hint">'
        f'{hint}</p><button>{_JOIN.into(language)}</button></form><p class="hint">{_PLAIN.into(language)}</p>'
    )
    return _page(language, nonce, _TITLE.into(language), body, f"/join/{token}" if token else "/join")


def room(language: str, nonce: str, *, app: str, nickname: str, socket: str | None) -> str:
    """The page of somebody who has joined: questions, and the app's WebSocket.

    Args:
        socket: the path (and query) of the app's WebSocket, None where it has none.
    """
    data = {"ws": socket, "says": {key: text.into(language) for key, text in _SAYS.items()}}
    page = f'<a href="/" target="_blank" rel="noopener">{html.escape(_APP_PAGE.into(language))}</a>'
    if socket is None:
        chat = f"<p>{_NO_SOCKET.into(language).format(page=page)}</p>"
    else:
        message = html.escape(_MESSAGE.into(language))
        chat = (
            f"<h2>{_CHAT.into(language)}</h2>"
            f'<form class="say" id="say"><input type="text" id="text" maxlength="500" autocomplete="off" '
            f'aria-label="{message}" placeholder="{message}"><button disabled>{_SEND.into(language)}</button></form>'
            '<ul class="messages" id="messages" role="log" aria-live="polite"></ul>'
            f'<p class="hint">{page}</p>'
        )
    body = (
        f"<h1>{html.escape(_YOU_ARE.into(language).format(nickname=nickname))}</h1>"
        f'<noscript><p class="problem">{_SCRIPTS.into(language)}</p></noscript>'
        '<p class="problem" id="over" role="alert" hidden></p><p class="state" id="state" role="status"></p>'
        f'<p class="hint" id="quiet">{_QUIET.into(language)}</p>'
        '<form class="vote" id="vote" hidden><fieldset id="choices"><legend id="question"></legend>'
        f'<div id="answers"></div><button id="send">{_VOTE.into(language)}</button></fieldset>'
        '<p class="state" id="verdict" role="status"></p><p id="teaches" hidden></p></form>'
        f"<section>{chat}</section>"
        f'<script type="application/json" id="data" nonce="{nonce}">{script_json(data)}</script>'
        f'<script nonce="{nonce}">{_resource("page.js")}</script>'
    )
    return _page(language, nonce, f"{app} · WebSocket Lab", body, "/join")
