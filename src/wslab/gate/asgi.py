"""The gate itself: pure ASGI in front of an app that is shared with a room.

Only who holds the token comes in: by a cookie that the join page set, or by the token as the first part of the path,
which is how a program comes (`ws://192.168.1.5:8000/k7mq-2x9t-w4hd/ws`). The app sees neither of the two.

Sources: the ASGI specification 2.4 (HTTP & WebSocket message format); RFC 6455, sections 4.2.2 and 10.2 (Origin);
RFC 6265bis for `SameSite` and `HttpOnly`; the OWASP cheat sheets on WebSockets and on DNS rebinding.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wslab.gate import nicknames, pages
from wslab.gate.limits import Bucket, Buckets, Limits
from wslab.gate.people import Full, People, Visitor
from wslab.gate.tokens import matches
from wslab.language import LANGUAGES, Text, current_language, decimal, filled

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
_ROOM_FULL = Text(
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
_TOO_OFTEN = Text(
    en="Too many requests at once. Wait a few seconds and load the page again.",
    tr="Bir anda çok fazla istek geldi. Birkaç saniye bekleyip sayfayı yeniden yükleyin.",
)
_WRONG_HOST = Text(
    en="Open this page by the address that stands on the projector.",
    tr="Bu sayfayı projektörde yazan adresle açın.",
)
_WRONG_ORIGIN = Text(
    en="Another site sent this request, so it was refused.", tr="Bu isteği başka bir site gönderdi, kabul edilmedi."
)
_TOO_LARGE = Text(en="That is too large.", tr="Bu çok büyük.")
_TOO_SLOW = Text(en="The request did not arrive in time.", tr="İstek zamanında gelmedi.")
_NOT_HERE = Text(en="There is no such page.", tr="Böyle bir sayfa yok.")
_FLOOD = Text(en="more than {rate} messages a second", tr="saniyede {rate} mesajdan fazlası")
_OUT = Text(en="put out by the instructor", tr="eğitmen çıkardı")
OUT_PAGE = Text(
    en="Your instructor has ended your visit. To come back, join again.",
    tr="Eğitmeniniz oturumunuzu sonlandırdı. Dönmek için yeniden katılın.",
)

_ONE_MESSAGE = 4_096  # characters of a message to the gate's own socket
_NAME_HINT = 40  # places that are remembered so that a refusal is logged once


def socket_path(app: Any, nickname: str) -> str | None:
    """Where the app's WebSocket is, for somebody with this nickname: `/ws?name=Ada`; None where there is none.

    `/ws` if the app has it, else its first WebSocket route; a parameter in the path is the nickname.
    """
    paths = [route.path for route in getattr(app, "routes", ()) if isinstance(route, WebSocketRoute)]
    if not paths:
        # Not an app that lists its routes: the course's own path, if it may have any WebSocket at all.
        return None if hasattr(app, "routes") else f"/ws?{urlencode({'name': nickname})}"
    path = "/ws" if "/ws" in paths else paths[0]
    parts = [quote(nickname, safe="") if part.startswith("{") else part for part in path.split("/")]
    return f"{'/'.join(parts)}?{urlencode({'name': nickname})}"


def own_host(header: str) -> bool:
    """Whether a Host header can be meant for this machine: an address, `localhost`, or this machine's own name.

    A page of somebody else's whose name was made to lead here (DNS rebinding) carries that name.
    """
    bare = header.strip().lower()
    if bare.startswith("["):
        name, bracket, port = bare[1:].partition("]")
        port = port.removeprefix(":")
        if not bracket:
            return False
    else:
        name, _, port = bare.partition(":")
    if port and not port.isdecimal():
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        mine = socket.gethostname().lower()
        return name in {"localhost", mine, f"{mine.removesuffix('.local')}.local"}
    return True


def _header(scope: Scope, name: bytes) -> str:
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


class Gate:
    """An ASGI app around another one: whoever has no token does not reach it.

    Attributes:
        token: what opens it; it ends with the server.
        people: who has joined.
        refused: how often somebody was turned away or put out, by reason: `token`, `host`, `origin`, `rate`,
            `connections`, `slow`, `large`, `full`, `locked`, `flood`, `deaf`.
        locked: whether nobody else may join.
        board: what a visitor's page shows, as a function of the visitor that gives something JSON can hold.
        hear: told what a visitor's page sent.
        changed: called (on the server's loop) when somebody came, went or spoke.
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
            hang_up: ends the connection of a scope at once, without a goodbye.
        """
        self.token = token
        self.people = People(limits)
        self.limits = limits
        self.refused: Counter[str] = Counter()
        self.locked = False
        self.board: Callable[[Visitor], dict[str, Any]] = lambda visitor: {}
        self.hear: Callable[[Visitor, dict[str, Any]], None] = lambda visitor, message: None
        self.changed: Callable[[], None] = lambda: None
        self._app = app
        self._behind = behind
        self._name = name
        self._cookie = cookie
        self._log = log
        self._hang_up = hang_up
        self._addresses = Buckets(limits.requests_per_second, limits.request_burst)
        self._programs = Buckets(
            limits.messages_per_second * limits.people_per_address, limits.message_burst * limits.people_per_address
        )
        self._lives: dict[asyncio.Event, Visitor] = {}
        self._logged: set[tuple[str, str]] = set()

    # -- who comes in -----------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def refuse(self, reason: str, address: str) -> None:
        """Count a refusal, and log the first of its kind from an address."""
        self.refused[reason] += 1
        if (reason, address) not in self._logged and len(self._logged) < _NAME_HINT:
            self._logged.add((reason, address))
            self._log(f"gate: refused ({reason}) {address}")
        self.changed()

    def _enter(self, scope: Scope) -> tuple[Visitor | None, bool]:
        """Who it is by the cookie, and whether the path brought the token; both are taken out of the scope."""
        headers = [(key, value) for key, value in scope["headers"] if key.lower() != b"cookie"]
        given = b"; ".join(value for key, value in scope["headers"] if key.lower() == b"cookie").decode("latin-1")
        mine, others = "", []
        for crumb in given.split(";"):
            name, _, value = crumb.strip().partition("=")
            if name == self._cookie:
                mine = value
            elif crumb.strip():
                others.append(crumb.strip())
        if others:
            headers.append((b"cookie", "; ".join(others).encode("latin-1")))
        scope["headers"] = headers
        first, slash, rest = scope["path"].removeprefix("/").partition("/")
        brought = matches(first, self.token)
        if brought:
            scope["path"] = slash + rest or "/"
            scope["raw_path"] = b"/" + scope["raw_path"].removeprefix(b"/").partition(b"/")[2]
        return self.people.of_session(mine) if mine else None, brought

    def _in_time(self, visitor: Visitor | None, address: str) -> bool:
        now = asyncio.get_running_loop().time()
        if visitor is None:
            return self._addresses.take(address, now)
        visitor.seen = now
        return visitor.requests.take(now)

    def may_speak(self, visitor: Visitor, now: float) -> bool:
        """Whether one more message of this visitor is within the limits, at the loop's time `now`."""
        return visitor.allowance.take(now) if visitor.session else self._programs.take(visitor.address, now)

    def flooded_by(self, visitor: Visitor) -> str:
        """Count a flood; the reason for the close, in the visitor's language."""
        self.refuse("flood", visitor.address)
        rate = decimal(self.limits.messages_per_second, visitor.language)
        return _FLOOD.into(visitor.language).format(rate=rate)

    # -- HTTP -------------------------------------------------------------------------------------------------

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = scope["client"][0] if scope.get("client") else ""
        host = _header(scope, b"host")
        asked = _field(scope["query_string"], "lang")
        language = pages.language_of(asked, _header(scope, b"accept-language"), current_language())
        visitor, brought = self._enter(scope)
        path, method = scope["path"], scope["method"]

        async def answer(status: int, text: Text, reason: str) -> None:
            self.refuse(reason, address)
            await _respond(send, status, text.into(language), kind="text/plain")

        if not own_host(host):
            return await answer(421, _WRONG_HOST, "host")
        if not self._in_time(visitor, address):
            return await answer(429, _TOO_OFTEN, "rate")
        origin = _header(scope, b"origin")
        if origin and method not in ("GET", "HEAD", "OPTIONS") and origin != f"http://{host}":
            return await answer(403, _WRONG_ORIGIN, "origin")
        own = not brought and (path == JOIN or path.startswith(f"{JOIN}/"))
        if not own and visitor is None and not brought:
            self.refuse("token", address)
            return await self._door(send, host, language, 403)
        try:
            async with asyncio.timeout(self.limits.request_deadline):
                body = await self._body(scope, receive)
        except TimeoutError:
            return await answer(408, _TOO_SLOW, "slow")
        if body is None:
            return await answer(413, _TOO_LARGE, "large")
        if own:
            if visitor is not None and asked in LANGUAGES:
                visitor.language = asked
            return await self._own_page(scope, send, host, language, visitor, address, body)
        return await self._let_in(scope, receive, send, visitor, body)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None if it is longer than a visitor may send."""
        announced = _header(scope, b"content-length")
        if announced.isdecimal() and int(announced[:12]) > self.limits.body_bytes:
            return None
        body = b""
        while True:
            message = await receive()
            body += bytes(message.get("body", b""))
            if len(body) > self.limits.body_bytes:
                return None
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return body

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor | None, body: bytes) -> None:
        if visitor is not None:
            scope["user"] = visitor.user
        whole = False

        async def replay() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            whole = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def once(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [item for item in message.get("headers", []) if bytes(item[0]).lower() != b"connection"]
                message["headers"] = [*kept, (b"connection", b"close")]
            await send(message)

        await self._app(scope, replay, once)

    async def _door(
        self,
        send: Send,
        host: str,
        language: str,
        status: int,
        token: str = "",
        nickname: str = "",
        problem: Text | None = None,
    ) -> None:
        nonce = pages.new_nonce()
        page = pages.joining(language, nonce, app=self._name, token=token, nickname=nickname, problem=problem)
        await _respond(send, status, page, policy=pages.policy(nonce, host))

    async def _own_page(
        self,
        scope: Scope,
        send: Send,
        host: str,
        language: str,
        visitor: Visitor | None,
        address: str,
        body: bytes,
    ) -> None:
        path, method = scope["path"], scope["method"]
        code = path.removeprefix(f"{JOIN}/") if path.startswith(f"{JOIN}/") else ""
        if path == JOIN and method == "POST":
            return await self._join(send, host, body, address, visitor)
        if method not in ("GET", "HEAD") or "/" in code or path == LIVE:
            return await _respond(send, 404, _NOT_HERE.into(language), kind="text/plain")
        if visitor is not None:
            if code:
                return await _respond(send, 303, "", headers=[(b"location", JOIN.encode())])
            nonce = pages.new_nonce()
            page = pages.room(
                visitor.language,
                nonce,
                app=self._name,
                nickname=visitor.nickname,
                socket=socket_path(self._behind, visitor.nickname),
            )
            return await _respond(send, 200, page, policy=pages.policy(nonce, host))
        if code and matches(code, self.token):
            return await self._door(send, host, language, 200, token=self.token)
        self.refuse("token", address)
        return await self._door(send, host, language, 403, problem=_WRONG_CODE if code else None)

    async def _join(self, send: Send, host: str, body: bytes, address: str, visitor: Visitor | None) -> None:
        """Let somebody join; who has joined already, by their cookie, changes the nickname and stays one person."""
        if visitor is not None and self.people.of_session(visitor.session) is None:
            visitor = None  # put out while the form was on its way
        code = _field(body, "code")
        language = pages.language_of(_field(body, "lang"), "", current_language())
        nickname = nicknames.clean(_field(body, "nickname"))
        right = matches(code, self.token)
        problem: Text | None = None
        status = 400
        if not right:
            self.refuse("token", address)
            problem, status = _WRONG_CODE, 403
        elif not nickname:
            problem = _NO_NICKNAME
        elif nicknames.length(nickname) > nicknames.LONGEST:
            problem = filled(_LONG_NICKNAME, longest=nicknames.LONGEST)
        elif self.locked and visitor is None:
            self.refuse("locked", address)
            problem, status = _LOCKED, 403
        if problem is None:
            try:
                if visitor is None:
                    visitor = self.people.join(nickname, address, language, asyncio.get_running_loop().time())
                else:
                    self.people.rename(visitor, nickname)
                    visitor.language = language
            except Full as full:
                self.refuse("full", address)
                status = 503
                if full.scope == "room":
                    problem = filled(_ROOM_FULL, count=self.limits.people)
                else:
                    problem = filled(_ADDRESS_FULL, count=self.limits.people_per_address)
        if problem is not None:
            shown = nickname[: nicknames.LONGEST * 2]
            token = self.token if right else ""
            return await self._door(send, host, language, status, token=token, nickname=shown, problem=problem)
        assert visitor is not None
        self.changed()
        cookie = f"{self._cookie}={visitor.session}; Path=/; HttpOnly; SameSite=Strict".encode("latin-1")
        return await _respond(send, 303, "", headers=[(b"location", JOIN.encode()), (b"set-cookie", cookie)])

    # -- WebSockets -------------------------------------------------------------------------------------------

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = scope["client"][0] if scope.get("client") else ""
        host, origin = _header(scope, b"host"), _header(scope, b"origin")
        origins = [value for key, value in scope["headers"] if key.lower() == b"origin"]
        visitor, brought = self._enter(scope)
        live = not brought and scope["path"] == LIVE
        if not own_host(host):
            reason = "host"
        elif not self._in_time(visitor, address):
            reason = "rate"
        elif origins and origin != f"http://{host}":
            reason = "origin"
        elif visitor is None and (not brought or live):
            reason = "token"
        elif visitor is not None and visitor.sockets + visitor.pages >= self.limits.sockets_per_person:
            reason = "connections"
        else:
            reason = ""
        if reason:
            self.refuse(reason, address)
            await receive()
            return await send({"type": "websocket.close", "code": 1008})  # before accept: HTTP 403
        if live:
            assert visitor is not None
            return await self._live(visitor, scope, receive, send)
        guest = visitor is None
        if visitor is None:
            nickname = nicknames.clean(_field(scope["query_string"], "name"))[: nicknames.LONGEST] or "guest"
            now = asyncio.get_running_loop().time()
            visitor = self.people.guest(nickname, address, current_language(), now)
        scope["user"] = visitor.user
        visitor.sockets += 1
        self.changed()
        passage = _Passage(self, visitor, scope, receive, send)
        visitor.closers[passage] = passage.close
        try:
            await self._app(scope, passage.receive, passage.send)
        finally:
            visitor.closers.pop(passage, None)
            visitor.sockets -= 1
            visitor.seen = asyncio.get_running_loop().time()
            if guest:
                self.people.forget(visitor)
            self.changed()

    async def _live(self, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        """The gate's own socket: shows the board, hears answers.

        Raises what `board` or `hear` raised; the server's log gets it, and the page comes back by itself.
        """
        await receive()
        await send({"type": "websocket.accept"})
        news = asyncio.Event()
        news.set()
        loop = asyncio.get_running_loop()
        bucket = Bucket(self.limits.messages_per_second, self.limits.message_burst, loop.time())

        async def say(*messages: Message) -> bool:
            """Send, within the deadline for all of it; False if the page was hung up on instead."""
            try:
                async with asyncio.timeout(self.limits.send_deadline):
                    for message in messages:
                        await send(message)
                return True
            except TimeoutError:
                self.refuse("deaf", visitor.address)
            except Exception:
                pass  # gone, by uvicorn's account
            self._hang_up(scope)
            return False

        async def close(code: int, reason: str) -> None:
            # First of all: to send after a close is an error, and would cut the goodbye short.
            telling.cancel()
            over = json.dumps({"over": OUT_PAGE.into(visitor.language)})
            await say(
                {"type": "websocket.send", "text": over}, {"type": "websocket.close", "code": code, "reason": reason}
            )

        async def tell() -> None:
            told = True
            while told:
                await news.wait()
                news.clear()
                try:
                    text = json.dumps(self.board(visitor), ensure_ascii=False)
                except Exception:
                    # Or else the socket would stay open and the page would wait for a question that never comes.
                    self._hang_up(scope)
                    raise
                told = await say({"type": "websocket.send", "text": text})

        self._lives[news] = visitor
        visitor.pages += 1
        visitor.closers[news] = close
        self.changed()
        telling = asyncio.create_task(tell())
        try:
            while (message := await receive())["type"] == "websocket.receive":
                if not bucket.take(loop.time()):
                    telling.cancel()
                    await say({"type": "websocket.close", "code": 1008, "reason": self.flooded_by(visitor)})
                    break
                text = message.get("text") or ""
                with contextlib.suppress(ValueError, RecursionError):
                    said = json.loads(text) if len(text) <= _ONE_MESSAGE else None
                    if isinstance(said, dict):
                        self.hear(visitor, said)
                        news.set()
        finally:
            telling.cancel()
            del self._lives[news]
            visitor.closers.pop(news, None)
            visitor.pages -= 1
            visitor.seen = loop.time()
            self.changed()
            with contextlib.suppress(asyncio.CancelledError):
                await telling

    def tell_everybody(self) -> None:
        """Let every page show the board anew; on the server's loop."""
        for news in self._lives:
            news.set()

    async def put_out(self, nickname: str) -> bool:
        """End somebody's session and close what they have open with 1008; False if there is nobody of that name."""
        visitors = [visitor for visitor in self.people.everybody if visitor.nickname == nickname]
        for visitor in visitors:
            self.people.forget(visitor)
        if visitors:
            self.changed()
        # All at once: each of them may take as long as a client may refuse to read.
        await asyncio.gather(
            *(
                close(1008, _OUT.into(visitor.language))
                for visitor in visitors
                for close in list(visitor.closers.values())
            )
        )
        return bool(visitors)


class _Passage:
    """One WebSocket through the gate: counts what comes in, and keeps a bad connection from harming the others."""

    def __init__(self, gate: Gate, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        self._gate = gate
        self._visitor = visitor
        self._scope = scope
        self._receive = receive
        self._send = send
        self._now = asyncio.get_running_loop().time
        self._handler = asyncio.current_task()
        self._accepted = False
        self._closed_by_app = False
        self._ended: tuple[int, str] | None = None

    async def close(self, code: int, reason: str) -> None:
        """Close with `code`; from now on the app finds the connection gone."""
        if self._ended is not None:
            return
        self._ended = (code, reason)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._gate.limits.send_deadline):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
            return
        self._gate._hang_up(self._scope)

    async def receive(self) -> Message:
        if self._ended is None:
            message = await self._receive()
        if self._ended is not None:
            return {"type": "websocket.disconnect", "code": self._ended[0], "reason": self._ended[1]}
        if message["type"] == "websocket.receive":
            gate = self._gate
            if not gate.may_speak(self._visitor, self._now()):
                await self.close(1008, gate.flooded_by(self._visitor))
                return await self.receive()
            self._visitor.messages += 1
            gate.changed()
        return message

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if self._ended is not None:
            return self._gone()
        if kind == "websocket.close":
            self._closed_by_app = True
        elif kind == "websocket.accept":
            self._accepted = True
        if kind != "websocket.send" or not self._accepted or self._closed_by_app:
            return await self._send(message)
        try:
            async with asyncio.timeout(self._gate.limits.send_deadline):
                await self._send(message)
        except TimeoutError:
            self._gate.refuse("deaf", self._visitor.address)
        except Exception:
            # Gone, by uvicorn's account: a phone that sleeps.
            if asyncio.current_task() is self._handler:
                raise
        else:
            return None
        self._ended = (1006, "")
        self._gate._hang_up(self._scope)
        return self._gone()

    def _gone(self) -> None:
        # The handler itself learns that its client is gone, as the specification wants it. A handler of somebody else,
        # who only sends to everybody, must not fail because of this client: here one phone that sleeps would put out
        # whoever spoke last.
        if asyncio.current_task() is self._handler:
            raise ConnectionResetError("the client is gone")


def _field(form: bytes, name: str) -> str:
    """The last value of a field of a query or of a form (`application/x-www-form-urlencoded`); "" if there is none."""
    try:
        return parse_qs(form.decode("latin-1"), max_num_fields=20).get(name, [""])[-1]
    except ValueError:
        return ""


async def _respond(
    send: Send,
    status: int,
    text: str,
    *,
    kind: str = "text/html",
    policy: str = "default-src 'none'",
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    body = text.encode("utf-8")
    always = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        # Not no-referrer: with that a browser sends “Origin: null” along with the form.
        (b"referrer-policy", b"same-origin"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", policy.encode("latin-1")),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*always, *headers]})
    await send({"type": "http.response.body", "body": body})


__all__ = ["JOIN", "LIVE", "Gate", "own_host", "socket_path"]
