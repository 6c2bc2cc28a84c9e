"""The pages of the gate: the form for joining, and the page of somebody who has joined. Self-contained, no CDN.

A page carries its style and its script itself, and a Content-Security-Policy that allows nothing else.
"""

from __future__ import annotations

import functools
import secrets
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from wslab.gate.nicknames import LONGEST
from wslab.gate.refusals import GateResponse
from wslab.language import LANGUAGES, Text, filled
from wslab.picture import markup, script_json

if TYPE_CHECKING:
    from jinja2 import Environment

_NAMES = {"en": "English", "tr": "Türkçe"}

_TEXTS = {
    "title": Text(en="Join the class", tr="Derse katılın"),
    "welcome": Text(
        en="You are about to join {app}, a server that runs on your instructor’s computer.",
        tr="Eğitmeninizin bilgisayarında çalışan bir sunucuya katılmak üzeresiniz: {app}.",
    ),
    "nickname": Text(en="Nickname", tr="Takma ad"),
    "nickname_hint": Text(
        en="1 to {longest} characters. The whole class sees it, also on the projector.",
        tr="1 ile {longest} karakter arası. Bütün sınıf görür, projektörde de görünür.",
    ),
    "code": Text(en="Code of the class", tr="Dersin kodu"),
    "code_hint": Text(
        en="It stands beside the QR code on the projector, such as k7mq-2x9t-w4hd.",
        tr="Projektörde, karekodun yanında yazar; örneğin k7mq-2x9t-w4hd.",
    ),
    "join": Text(en="Join", tr="Katıl"),
    "plain": Text(
        en="Everything here travels unencrypted over this network: write nothing private.",
        tr="Buradaki her şey bu ağda şifrelenmeden taşınır: özel bir şey yazmayın.",
    ),
    "you_are": Text(en="You are {nickname}", tr="Adınız: {nickname}"),
    "chat": Text(en="The server’s WebSocket", tr="Sunucunun WebSocket’i"),
    "message": Text(en="Message", tr="Mesaj"),
    "send": Text(en="Send", tr="Gönder"),
    "app_page": Text(en="the app’s own page", tr="uygulamanın kendi sayfası"),
    "no_socket": Text(
        en="This app has no WebSocket that this page could open; here is {page}.",
        tr="Bu uygulamada bu sayfanın açabileceği bir WebSocket yok; {page} burada.",
    ),
    "quiet": Text(
        en="When your instructor asks something, the question appears here.",
        tr="Eğitmeniniz bir soru sorduğunda soru burada görünür.",
    ),
    "vote": Text(en="Send my answer", tr="Yanıtımı gönder"),
    "scripts": Text(
        en="This page needs JavaScript, which is switched off in this browser.",
        tr="Bu sayfa JavaScript ister; bu tarayıcıda kapalı.",
    ),
    "other_language": Text(en="Language", tr="Dil"),
    "rename": Text(en="Change your nickname", tr="Takma adınızı değiştirin"),
    "rename_button": Text(en="Change it", tr="Değiştir"),
}
"""What stands on the pages, by the names that the templates use."""

_SAYS = {
    "open": Text(en="Connected.", tr="Bağlandınız."),
    "closed": Text(en="Disconnected ({why}); trying again …", tr="Bağlantı koptu ({why}); yeniden deneniyor …"),
    "waiting": Text(en="Is your Wi-Fi still on?", tr="Wi-Fi’niz hâlâ açık mı?"),
    "binary": Text(en="(binary data)", tr="(ikili veri)"),
    "nothing": Text(en="Choose or write an answer first.", tr="Önce bir yanıt seçin ya da yazın."),
    "offline": Text(en="Not connected at the moment; try again.", tr="Şu anda bağlantı yok; yeniden deneyin."),
    "sending": Text(en="Sending …", tr="Gönderiliyor …"),
}
"""What the page's script says."""


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
def _resource(name: str) -> Markup:
    return Markup(resources.files("wslab.gate").joinpath(name).read_text(encoding="utf-8"))


@functools.cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only a shared server needs it

    return Environment(
        loader=PackageLoader("wslab.gate"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Page:
    """A page in one language, for a browser that reached this machine as `host` (a Host header that was checked)."""

    def __init__(self, language: str, host: str) -> None:
        self._language = language
        self._host = host
        self._nonce = secrets.token_urlsafe(12)  # only this answer's own style and script carry it

    def of_stranger(
        self, status: int, *, app: str, token: str = "", nickname: str = "", problem: Text | None = None
    ) -> GateResponse:
        """The form for joining: a nickname, and the code where the address did not bring it along.

        Args:
            status: of the answer.
            app: what the app is called.
            token: the code, "" to ask for it.
            nickname: what stands in the form already.
            problem: why the last try did not succeed.
        """
        return self._rendered(
            "join.html",
            status,
            path=f"/join/{token}" if token else "/join",
            welcome=self._into(filled(_TEXTS["welcome"], app=app)),
            nickname_hint=self._into(filled(_TEXTS["nickname_hint"], longest=LONGEST)),
            token=token,
            nickname=nickname,
            longest=LONGEST * 2,
            problem=problem and self._into(problem),
        )

    def of_visitor(self, *, app: str, nickname: str, socket: str | None) -> GateResponse:
        """The page of somebody who has joined: questions, and the app's WebSocket.

        Args:
            app: what the app is called.
            nickname: what the visitor is called.
            socket: the path (and query) of the app's WebSocket, None where it has none.
        """
        link = markup('<a href="/" target="_blank" rel="noopener">{}</a>', self._into(_TEXTS["app_page"]))
        return self._rendered(
            "class.html",
            200,
            path="/join",
            app=app,
            you_are=self._into(filled(_TEXTS["you_are"], nickname=nickname)),
            nickname=nickname,
            nickname_hint=self._into(filled(_TEXTS["nickname_hint"], longest=LONGEST)),
            longest=LONGEST * 2,
            link=link,
            no_socket=markup(self._into(_TEXTS["no_socket"]), page=link),
            socket=socket,
            data=Markup(script_json({"ws": socket, "says": {key: self._into(text) for key, text in _SAYS.items()}})),
            script=_resource("page.js"),
        )

    def _into(self, text: Text) -> str:
        return text.into(self._language)

    def _rendered(self, template: str, status: int, **values: Any) -> GateResponse:
        page = _templates().get_template(template)
        content = page.render(
            language=self._language,
            others=[(code, _NAMES.get(code, code)) for code in LANGUAGES if code != self._language],
            nonce=self._nonce,
            style=_resource("page.css"),
            t={name: self._into(text) for name, text in _TEXTS.items()},
            **values,
        )
        return GateResponse(content, status, "text/html", self._policy())

    def _policy(self) -> str:
        nonce = self._nonce
        # In some browsers 'self' does not cover ws:, hence the host.
        return (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; "
            f"connect-src 'self' ws://{self._host}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
