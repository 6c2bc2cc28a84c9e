"""The gate's own pages: the form through which people join, and the page of those who have joined."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from wslab.gate import nicknames, pages
from wslab.gate.hosts import socket_path
from wslab.gate.limits import Limits
from wslab.gate.people import Full, People, Visitor
from wslab.gate.refusals import NOT_HERE, REFUSALS, GateResponse
from wslab.gate.tokens import matches
from wslab.language import LANGUAGES, Text, current_language, filled

JOIN = "/join"
LIVE = "/join/live"

_WRONG_CODE = Text(
    en="That is not the code of this class. Look at the projector again; every new start of the server has a new one.",
    tr="Bu, bu dersin kodu değil. Projektöre yeniden bakın; sunucu her başladığında kod değişir.",
)
_NO_NICKNAME = Text(
    en="Write a nickname in which something can be seen.", tr="Görünür karakterler içeren bir takma ad yazın."
)
_LONG_NICKNAME = Text(
    en="That nickname has more than {longest} characters; shorten it.",
    tr="Bu takma ad {longest} karakterden uzun; kısaltın.",
)
_CLASS_FULL = Text(
    en="The class is full: {count} people have joined. Try again in a minute, or ask your instructor to raise the "
    "limit.",
    tr="Sınıf dolu: {count} kişi katıldı. Bir dakika sonra yeniden deneyin ya da eğitmeninizden sınırı yükseltmesini "
    "isteyin.",
)
_ADDRESS_FULL = Text(
    en="{count} people have already joined from your address. Try again in a minute, or ask your instructor to raise "
    "the limit.",
    tr="Sizin adresinizden {count} kişi zaten katıldı. Bir dakika sonra yeniden deneyin ya da eğitmeninizden sınırı "
    "yükseltmesini isteyin.",
)
_LOCKED = Text(
    en="Your instructor has closed the door; nobody else can join now.",
    tr="Eğitmeniniz kapıyı kapattı; şu anda başka kimse katılamaz.",
)
_NEW_CODE = Text(
    en="The class is over, or it has a new code: scan the QR code on the projector again.",
    tr="Ders bitti ya da yeni bir kodu var: projektördeki karekodu yeniden okutun.",
)


@dataclass(slots=True)
class Arrival:
    """A request or a handshake, and what its headers say about who sent it.

    Attributes:
        address: where it came from.
        host: its one Host header, "" if it has none or several.
        origins: its Origin headers.
        session: the gate's cookie, "" if it brought none.
        visitor: whose cookie that is, None if nobody's.
        brought_token: whether the path began with the token.
        path: without the token.
        asked: the language of its query, "" if it names none.
        language: in which it is answered.
        query: its query.
    """

    address: str
    host: str
    origins: tuple[str, ...]
    session: str
    visitor: Visitor | None
    brought_token: bool
    path: str
    asked: str
    language: str
    query: QueryParams

    @property
    def to_gate(self) -> bool:
        """Whether it is for the gate's own pages."""
        return not self.brought_token and (self.path == JOIN or self.path.startswith(f"{JOIN}/"))

    @property
    def other_origin(self) -> bool:
        """Whether a page of another site sent it."""
        return bool(self.origins) and self.origins != (f"http://{self.host}",)


class JoinPages:
    """Answers requests for the gate's own pages.

    Args:
        people: who has joined.
        limits: how many may.
        token: the code of the class.
        cookie: the cookie's name.
        app: what was shared.
        name: what it is called on the pages.
        refuse: told the reason and the address of whoever is turned away.
        locked: whether nobody else may join.
        changed: called when somebody has joined or changed their nickname.
    """

    def __init__(
        self,
        people: People,
        limits: Limits,
        *,
        token: str,
        cookie: str,
        app: Any,
        name: str,
        refuse: Callable[[str, str], None],
        locked: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._people = people
        self._limits = limits
        self._token = token
        self._cookie = cookie
        self._app = app
        self._name = name
        self._refuse = refuse
        self._locked = locked
        self._changed = changed

    def answer(self, arrival: Arrival, method: str, body: bytes) -> GateResponse:
        """The answer to a request under `/join`."""
        visitor, code = arrival.visitor, arrival.path.removeprefix(JOIN).removeprefix("/")
        if visitor is not None and arrival.asked in LANGUAGES:
            visitor.language = arrival.asked
        if arrival.path == JOIN and method == "POST":
            return self._join(arrival, QueryParams(body))
        if method not in ("GET", "HEAD") or "/" in code:
            return GateResponse(NOT_HERE.into(arrival.language), 404)
        if arrival.path == LIVE:
            return self._whether_joined(arrival)
        if visitor is not None:
            if code:
                return GateResponse(status_code=303, headers={"location": JOIN})
            page = pages.Page(visitor.language, arrival.host)
            socket = socket_path(self._app, visitor.nickname)
            return page.of_visitor(app=self._name, nickname=visitor.nickname, socket=socket)
        if not code:
            return self.for_stranger(arrival, 200)
        if matches(code, self._token):
            return self.for_stranger(arrival, 200, self._token)
        self._refuse("token", arrival.address)
        return self._join_form(arrival, 403, problem=_WRONG_CODE)

    def for_stranger(self, arrival: Arrival, status: int, token: str = "") -> GateResponse:
        """The form for somebody who has not joined; it says so to whoever is kept out."""
        if self._people.keeps_out(arrival.session, arrival.address):
            return self._join_form(arrival, 403, token=token, problem=REFUSALS["kept-out"][1])
        return self._join_form(arrival, status, token=token)

    def _join_form(
        self, arrival: Arrival, status: int, token: str = "", nickname: str = "", problem: Text | None = None
    ) -> GateResponse:
        """The form for a nickname, and for the code unless `token` is it already."""
        page = pages.Page(arrival.language, arrival.host)
        return page.of_stranger(status, app=self._name, token=token, nickname=nickname, problem=problem)

    def _whether_joined(self, arrival: Arrival) -> GateResponse:
        """For a page whose WebSocket was closed, and which cannot know why: 204 if it may connect again, else 403."""
        if arrival.visitor is not None:
            return GateResponse(status_code=204)
        kept_out = self._people.keeps_out(arrival.session, arrival.address)
        return GateResponse((REFUSALS["kept-out"][1] if kept_out else _NEW_CODE).into(arrival.language), 403)

    def _join(self, arrival: Arrival, form: QueryParams) -> GateResponse:
        """Let somebody join; who has joined already, by their cookie, changes the nickname and stays one person."""
        visitor = arrival.visitor
        if visitor is not None and self._people.of_session(visitor.session) is None:
            visitor = None  # kicked while the form was on its way
        code = form.get("code", "")
        arrival.language = pages.language_of(form.get("lang", ""), "", current_language())
        nickname = nicknames.clean(form.get("nickname", ""))
        # A page that has joined needs no code to change the nickname.
        right = matches(code, self._token) if code or visitor is None else True
        refused = self._why_not(arrival, visitor, nickname, right)
        if refused is None:
            try:
                visitor = self._joined(visitor, nickname, arrival)
            except Full as full:
                self._refuse("full", arrival.address)
                refused = 503, self._full(full)
            else:
                self._changed()
                response = GateResponse(status_code=303, headers={"location": JOIN})
                response.set_cookie(self._cookie, visitor.session, httponly=True, samesite="strict")
                return response
        status, problem = refused
        token = self._token if right else ""
        shown = nickname[: nicknames.LONGEST * 2]
        return self._join_form(arrival, status, token=token, nickname=shown, problem=problem)

    def _joined(self, visitor: Visitor | None, nickname: str, arrival: Arrival) -> Visitor:
        if visitor is None:
            now = asyncio.get_running_loop().time()
            return self._people.join(nickname, arrival.address, arrival.language, now)
        self._people.rename(visitor, nickname)
        visitor.language = arrival.language
        return visitor

    def _why_not(
        self, arrival: Arrival, visitor: Visitor | None, nickname: str, right: bool
    ) -> tuple[int, Text] | None:
        """The status and the sentence for whoever may not join under this nickname."""
        reason, refused = "", None
        if visitor is None and self._people.keeps_out(arrival.session, arrival.address, nickname):
            reason, refused = "kept-out", REFUSALS["kept-out"]
        elif not right:
            reason, refused = "token", (403, _WRONG_CODE)
        elif not nickname:
            refused = 400, _NO_NICKNAME
        elif nicknames.length(nickname) > nicknames.LONGEST:
            refused = 400, filled(_LONG_NICKNAME, longest=nicknames.LONGEST)
        elif self._locked() and visitor is None:
            reason, refused = "locked", (403, _LOCKED)
        if reason:
            self._refuse(reason, arrival.address)
        return refused

    def _full(self, full: Full) -> Text:
        if full.scope == "class":
            return filled(_CLASS_FULL, count=self._limits.people)
        return filled(_ADDRESS_FULL, count=self._limits.people_per_address)
