"""The gate itself: pure ASGI in front of an app that is shared with a class.

Whoever holds the token comes in: by a cookie that the join page set, or by the token as the first part of the path,
which is how a program comes (`ws://192.168.1.5:8000/k7mq-2x9t-w4hd/ws`). The app sees neither of the two.

Sources: the ASGI specification 2.4 (HTTP & WebSocket message format); RFC 6455, sections 4.2.2 and 10.2 (Origin);
RFC 6265bis for `SameSite` and `HttpOnly`; the OWASP cheat sheets on WebSockets and on DNS rebinding.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from wslab.asgi import sent_path, set_sent_path
from wslab.gate import nicknames, pages
from wslab.gate.hosts import own_host, single_header
from wslab.gate.joining import JOIN, LIVE, Arrival, JoinPages
from wslab.gate.limits import Buckets, Limits
from wslab.gate.people import Connection, Ending, People, Visitor
from wslab.gate.refusals import REFUSALS, GateResponse, refusal
from wslab.gate.sockets import LimitedWebSocket, PageSocket
from wslab.gate.tokens import matches
from wslab.language import Text, current_language, decimal

_FLOOD = Text(en="more than {rate} messages a second", tr="saniyede {rate} mesajdan fazlası")

KICKED = Ending(1008, Text(en="kicked by the instructor", tr="eğitmen çıkardı"), REFUSALS["kept-out"][1])
OVER = Ending(
    1001,
    Text(en="the class is over", tr="ders bitti"),
    Text(
        en="The class is over: your instructor’s server has stopped. If it starts again, scan the new QR code on the "
        "projector.",
        tr="Ders bitti: eğitmeninizin sunucusu durdu. Yeniden başlarsa projektördeki yeni karekodu okutun.",
    ),
)

_MOST_LOGGED = 40  # pairs of reason and address that are remembered, so that a refusal is logged once


class Gate:
    """An ASGI app around another one: whoever has no token does not reach it.

    Attributes:
        token: what opens it; it ends with the server.
        people: who has joined.
        limits: what each visitor may ask.
        refused: how often somebody was turned away or closed, by reason: `token`, `host`, `origin`, `rate`,
            `connections`, `slow`, `large`, `full`, `locked`, `kept-out`, `flood`, `slow-consumer`.
        locked: whether nobody else may join.
        board: what a visitor's page shows, as a function of the visitor that gives something JSON can hold.
        hear: told what a visitor's page sent.
        changed: called (on the server's loop) when somebody came, went or spoke.
        hang_up: ends the connection of a scope at once, without a close frame.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        behind: Any,
        name: str,
        token: str,
        limits: Limits,
        cookie: str,
        log: Callable[[str], None],
        hang_up: Callable[[Scope], None],
    ) -> None:
        """
        Args:
            app: what is called for those who are let in.
            behind: the app that was shared, whose routes say where its WebSocket is.
            name: what the app is called on the pages.
            token: what opens the gate.
            limits: what each visitor may ask.
            cookie: the cookie's name.
            log: told in one line about each kind of refusal, once an address.
            hang_up: ends the connection of a scope at once, without a close frame.
        """
        self.token = token
        self.people = People(limits)
        self.limits = limits
        self.refused: Counter[str] = Counter()
        self.locked = False
        self.board: Callable[[Visitor], dict[str, Any]] = lambda visitor: {}
        self.hear: Callable[[Visitor, dict[str, Any]], None] = lambda visitor, message: None
        self.changed: Callable[[], None] = lambda: None
        self.hang_up = hang_up
        self._app = app
        self._cookie = cookie
        self._log = log
        self._join_pages = JoinPages(
            self.people,
            limits,
            token=token,
            cookie=cookie,
            app=behind,
            name=name,
            refuse=self.refuse,
            locked=lambda: self.locked,
            changed=lambda: self.changed(),
        )
        self._addresses = Buckets(limits.requests_per_second, limits.request_burst)
        self._programs = Buckets(
            limits.messages_per_second * limits.people_per_address, limits.message_burst * limits.people_per_address
        )
        self._pages: set[PageSocket] = set()
        self._logged: set[tuple[str, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    # -- what the class asks of it ------------------------------------------------------------------------------

    def tell_everybody(self) -> None:
        """Let every page show the board anew; on the server's loop."""
        for page in self._pages:
            page.show_again()

    async def kick(self, nickname: str) -> bool:
        """End somebody's session, close their connections with 1008 and keep them out until `people.let_in`.

        Returns:
            False if there is nobody of that name.
        """
        visitors = [visitor for visitor in self.people.everybody if visitor.nickname == nickname]
        for visitor in visitors:
            self.people.kick(visitor)
        if visitors:
            self.changed()
        await self._close((one for visitor in visitors for one in visitor.connections), KICKED)
        return bool(visitors)

    async def say_goodbye(self) -> None:
        """Tell every page that the class is over, before the server closes its connections."""
        await self._close(self._pages, OVER)

    @staticmethod
    async def _close(connections: Iterable[Connection], ending: Ending) -> None:
        # All at once: each of them may take as long as a client may refuse to read.
        await asyncio.gather(*(connection.close(ending) for connection in list(connections)))

    # -- refusals and limits ------------------------------------------------------------------------------------

    def refuse(self, reason: str, address: str) -> None:
        """Count a refusal, and log the first of its kind from an address."""
        self.refused[reason] += 1
        if (reason, address) not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add((reason, address))
            self._log(f"gate: refused ({reason}) {address}")
        self.changed()

    def may_speak(self, visitor: Visitor, now: float) -> bool:
        """Whether one more message of this visitor is within the limits, at the loop's time `now`."""
        return visitor.allowance.take(now) if visitor.session else self._programs.take(visitor.address, now)

    def flooded_by(self, visitor: Visitor) -> str:
        """Count a flood; the reason for the close, in the visitor's language."""
        self.refuse("flood", visitor.address)
        rate = decimal(self.limits.messages_per_second, visitor.language)
        return _FLOOD.into(visitor.language).format(rate=rate)

    def _arrive(self, scope: Scope) -> Arrival:
        """Who sent this; the token and the gate's cookie are taken out of the scope."""
        connection = HTTPConnection(scope)
        headers, query = connection.headers, connection.query_params
        asked = query.get("lang", "")
        session = connection.cookies.get(self._cookie, "")
        arrival = Arrival(
            address=connection.client.host if connection.client is not None else "",
            host=single_header(headers, "host"),
            origins=tuple(headers.getlist("origin")),
            session=session,
            visitor=self.people.of_session(session) if session else None,
            brought_token=False,
            path=sent_path(scope),
            asked=asked,
            language=pages.language_of(asked, single_header(headers, "accept-language"), current_language()),
            query=query,
        )
        _remove_cookie(scope, self._cookie)
        first, slash, rest = arrival.path.removeprefix("/").partition("/")
        if matches(first, self.token):
            arrival.brought_token = True
            arrival.path = slash + rest or "/"
            sent = scope["raw_path"].removeprefix(scope.get("root_path", "").encode())
            set_sent_path(scope, arrival.path, b"/" + sent.removeprefix(b"/").partition(b"/")[2])
        return arrival

    def _in_time(self, arrival: Arrival) -> bool:
        now = asyncio.get_running_loop().time()
        if arrival.visitor is None:
            return self._addresses.take(arrival.address, now)
        arrival.visitor.seen = now
        return arrival.visitor.requests.take(now)

    # -- HTTP -----------------------------------------------------------------------------------------------------

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrival = self._arrive(scope)
        if reason := self._why_not_http(arrival, scope["method"]):
            response = self._refusal(reason, arrival)
        elif not arrival.to_gate and arrival.visitor is None and not arrival.brought_token:
            # Whoever typed the bare address gets the form without being counted as turned away.
            if arrival.path != "/":
                self.refuse("token", arrival.address)
            response = self._join_pages.for_stranger(arrival, 403)
        else:
            try:
                async with asyncio.timeout(self.limits.request_deadline):
                    body = await self._read(Request(scope, receive))
            except TimeoutError:
                response = self._refusal("slow", arrival)
            except ClientDisconnect:
                return
            else:
                if body is not None and not arrival.to_gate:
                    await self._let_in(scope, receive, send, arrival.visitor, body)
                    return
                response = (
                    self._refusal("large", arrival)
                    if body is None
                    else self._join_pages.answer(arrival, scope["method"], body)
                )
        await response(scope, receive, send)

    def _refusal(self, reason: str, arrival: Arrival) -> GateResponse:
        self.refuse(reason, arrival.address)
        return refusal(reason, arrival.language)

    def _why_not_http(self, arrival: Arrival, method: str) -> str:
        """The reason for which a request is refused before it is read; "" if it is not."""
        if not own_host(arrival.host):
            return "host"
        if not self._in_time(arrival):
            return "rate"
        if arrival.other_origin and method not in ("GET", "HEAD", "OPTIONS"):
            return "origin"
        if self._kept_out(arrival):
            return "kept-out"
        return ""

    def _kept_out(self, arrival: Arrival) -> bool:
        """Whether it is a program of somebody who was kicked; who comes by browser meets the join page."""
        if not arrival.brought_token or arrival.visitor is not None:
            return False
        return self.people.keeps_out(arrival.session, arrival.address, _program_name(arrival))

    async def _read(self, request: Request) -> bytes | None:
        """The whole body; None if it is longer than a visitor may send.

        Raises:
            ClientDisconnect: the client left before its end.
        """
        announced = single_header(request.headers, "content-length")
        if announced.isdecimal() and int(announced[:12]) > self.limits.body_bytes:
            return None
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.limits.body_bytes:
                return None
        return bytes(body)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor | None, body: bytes) -> None:
        if visitor is not None:
            scope["user"] = visitor.user
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def close_after(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=[(bytes(key).lower(), value) for key, value in message.get("headers", ())])
                headers["connection"] = "close"
                message["headers"] = headers.raw
            await send(message)

        await self._app(scope, replay, close_after)

    # -- WebSockets -----------------------------------------------------------------------------------------------

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrival = self._arrive(scope)
        if reason := self._why_not_websocket(arrival):
            self.refuse(reason, arrival.address)
            await receive()
            await WebSocketClose(1008)(scope, receive, send)  # before accept: HTTP 403
        elif arrival.visitor is None:
            await self._serve_program(arrival, scope, receive, send)
        elif arrival.to_gate and arrival.path == LIVE:
            await self._serve_page(arrival.visitor, scope, receive, send)
        else:
            await self._serve_app(arrival.visitor, scope, receive, send)

    def _why_not_websocket(self, arrival: Arrival) -> str:
        """The reason for which a handshake is refused; "" if it is not."""
        visitor = arrival.visitor
        if not own_host(arrival.host):
            return "host"
        if not self._in_time(arrival):
            return "rate"
        if arrival.other_origin:
            return "origin"
        if self._kept_out(arrival):
            return "kept-out"
        if visitor is None and not arrival.brought_token:
            return "token"
        if visitor is not None and visitor.sockets + visitor.pages >= self.limits.sockets_per_person:
            return "connections"
        return ""

    async def _serve_program(self, arrival: Arrival, scope: Scope, receive: Receive, send: Send) -> None:
        now = asyncio.get_running_loop().time()
        guest = self.people.guest(_program_name(arrival), arrival.address, current_language(), now)
        try:
            await self._serve_app(guest, scope, receive, send)
        finally:
            self.people.forget(guest)
            self.changed()

    async def _serve_app(self, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        scope["user"] = visitor.user
        limited = LimitedWebSocket(self, visitor, scope, receive, send)
        visitor.sockets += 1
        visitor.connections.add(limited)
        self.changed()
        try:
            await self._app(scope, limited.receive, limited.send)
        finally:
            visitor.connections.discard(limited)
            visitor.sockets -= 1
            visitor.seen = asyncio.get_running_loop().time()
            self.changed()

    async def _serve_page(self, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        page = PageSocket(self, visitor, scope, receive, send)
        await page.accept()
        visitor.pages += 1
        visitor.connections.add(page)
        self._pages.add(page)
        self.changed()
        try:
            await page.run()
        finally:
            self._pages.discard(page)
            visitor.connections.discard(page)
            visitor.pages -= 1
            visitor.seen = asyncio.get_running_loop().time()
            self.changed()


def _program_name(arrival: Arrival) -> str:
    return nicknames.clean(arrival.query.get("name", ""))[: nicknames.LONGEST] or "guest"


def _remove_cookie(scope: Scope, name: str) -> None:
    headers = MutableHeaders(scope=scope)
    crumbs = [crumb.strip() for header in headers.getlist("cookie") for crumb in header.split(";")]
    others = [crumb for crumb in crumbs if crumb and crumb.partition("=")[0].strip() != name]
    del headers["cookie"]
    if others:
        headers["cookie"] = "; ".join(others)


__all__ = ["JOIN", "KICKED", "LIVE", "OVER", "Gate"]
