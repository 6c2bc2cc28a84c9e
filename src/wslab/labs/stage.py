"""The stage: the clients that a check sends to a server, and the record of all they saw.

A check knows a server only by this: it opens connections, sends, waits, leaves in every way there is, asks over
HTTP, and hears what the server raised. Nothing here touches the app, so the same check judges a server in this process
and one in another.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Origin, Subprotocol

from wslab.labs import causes, general
from wslab.labs.deadlines import Deadlines, Overdue
from wslab.labs.failure import Failure, NoConnection
from wslab.labs.venue import Address, Processes, Venue, Watched
from wslab.labs.verdict import Line, Misconception, Raised
from wslab.language import Text, filled, shortened
from wslab.serving.binding import reset_when_closed
from wslab.serving.observing import PROBE_PATH
from wslab.serving.watching import TaskSeen

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_MAX_LINES = 3000
_LONGEST = 70
_MOST_MESSAGES, _MOST_BYTES = 50_000, 32 << 20  # what a server may send at most: it may be one that means no good

_quiet = logging.getLogger("wslab.labs.clients")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False

_DISCONNECTS = frozenset({"WebSocketDisconnect", "ClientDisconnected", "CancelledError"})
"""Exceptions that say nothing but that a client left."""

_OTHER_PATHS = (
    "{path}/", "/", "/w", "/s", "/sw", "/WS", "/Ws", "/wss", "/web", "/websocket", "/websockets", "/socket", "/chat",
    "/echo", "/endpoint", "{path}/ws", "{path}/1", "{path}/chat", "/api{path}", "/{path}",
)  # fmt: skip
"""Where a handler may be instead, by mistake. An address has no other way to tell."""

_TEXT = Text(en="text {payload}", tr="metin {payload}")
_BYTES = Text(en="bytes {payload}", tr="bayt {payload}")
_OPENED = Text(en="101: the connection is open", tr="101: bağlantı açıldı")
_ASKS = Text(en="GET {path}, asks for a WebSocket", tr="GET {path}, WebSocket istiyor")
_STATUS = Text(en="{status} instead of 101", tr="101 yerine {status}")
_CLOSE = Text(en="close {code}", tr="kapatma {code}")
_CLOSE_NO_CODE = Text(en="close, without a code", tr="kapatma, kodsuz")
_LOST = Text(
    en="the connection ends without a close frame (1006)", tr="bağlantı kapatma çerçevesi olmadan bitti (1006)"
)
_FIN = Text(en="leaves with a FIN, without a close frame", tr="kapatma çerçevesi olmadan, FIN ile ayrılıyor")
_RST = Text(en="leaves with a RST, without a close frame", tr="kapatma çerçevesi olmadan, RST ile ayrılıyor")
_LEFT_EARLY = Text(
    en="GET {path}, asks for a WebSocket and leaves before the answer",
    tr="GET {path}, WebSocket istiyor ve yanıtı beklemeden ayrılıyor",
)
_WAITED = Text(en="waited {seconds:.1f} s, nothing came", tr="{seconds:.1f} s beklendi, bir şey gelmedi")
_MANY_SENT = Text(en="{count} messages in a row, {first} … {last}", tr="arka arkaya {count} mesaj, {first} … {last}")
_NO_REPLY = Text(en="{request}: no answer", tr="{request}: yanıt yok")
_REPLY = Text(en="{request} → {status} {body}", tr="{request} → {status} {body}")
_RAISED = Text(en="the server: {error}", tr="sunucu: {error}")

STOPS = 2
"""How often a shutdown is broken off before that says something about the app."""
_BROKEN_OFF = "timeout graceful shutdown exceeded"


def quoted(data: str | bytes) -> str:
    """A payload as the record shows it: `“Merhaba”`, shortened in the middle."""
    if isinstance(data, bytes):
        return shortened(repr(data[: _LONGEST + 1]), _LONGEST)
    visible = data.replace("\n", "↵").replace("\r", "␍").replace("\t", "⇥")
    if len(visible) > _LONGEST:
        visible = f"{visible[: _LONGEST * 2 // 3]} … {visible[-_LONGEST // 4 :]}"
    return f"“{visible}”"


@dataclass(frozen=True, slots=True)
class Message:
    """What a client received.

    Attributes:
        data: text as `str`, binary as `bytes`.
        at: seconds since the check began.
    """

    data: str | bytes
    at: float

    @property
    def text(self) -> str:
        """The content as text, also where it came as bytes: for a check that judges something else."""
        return self.data if isinstance(self.data, str) else self.data.decode(errors="replace")

    def __str__(self) -> str:
        return quoted(self.data)


@dataclass(frozen=True, slots=True)
class End:
    """How a connection ended, as its client saw it.

    Attributes:
        code: the close code that came; 1005 for a close frame without one, 1006 where none came.
        reason: the reason that came.
        by_server: whether the server closed first.
        at: seconds since the check began.
    """

    code: int
    reason: str
    by_server: bool
    at: float

    def __str__(self) -> str:
        return f"{self.code} {quoted(self.reason)}" if self.reason else str(self.code)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An opening handshake that was not answered with 101.

    Attributes:
        who: the client.
        path: what it asked for.
        status: what came instead; None where nothing did.
        body: what came with it.
        why: `"status"`, `"broken"` (the connection ended), `"silence"` or `"refused"` (nobody listens).
    """

    who: str
    path: str
    status: int | None
    body: bytes
    why: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an HTTP request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the request was accepted, whatever kind of yes that was: 200 to 299 (RFC 9110 §15.3)."""
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")


class Client:
    """A WebSocket client of the check. It reads all the time; what came waits in order until somebody looks.

    Nothing here raises because the server misbehaves: what did not come is None, how it ended is in `end`.

    Attributes:
        who: its name in the record: `"A"`.
        messages: everything that came, the oldest first.
        end: how the connection ended; None while it is open.
    """

    def __init__(self, stage: Stage, who: str, websocket: ClientConnection) -> None:
        self.who = who
        self.messages: list[Message] = []
        self.end: End | None = None
        self._stage = stage
        self._websocket = websocket
        self._unread: list[Message] = []
        self._leaving = False
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        came = 0
        with contextlib.suppress(ConnectionClosed):
            async for data in self._websocket:
                came += len(data)
                if came > _MOST_BYTES or len(self.messages) >= _MOST_MESSAGES:
                    self._websocket.transport.abort()
                    break
                message = Message(data, self._stage.clock())
                self.messages.append(message)
                self._unread.append(message)
                self._stage.note(self.who, "←", _of(data))
                self._stage.notify_waiters()
        received = self._websocket.protocol.close_rcvd
        first = bool(self._websocket.protocol.close_rcvd_then_sent)
        code, reason = (received.code, received.reason) if received is not None else (1006, "")
        self.end = End(int(code), reason, received is not None and first, self._stage.clock())
        if received is None and not self._leaving:
            self._stage.note(self.who, "←", _LOST)
        elif received is not None and first:
            self._stage.note(self.who, "←", _closing(int(code), reason))
        self._stage.notify_waiters()

    @property
    def open(self) -> bool:
        """Whether the connection stands, as far as this end knows."""
        return self.end is None

    @property
    def cut_off(self) -> bool:
        """Whether the connection ended in the middle of a frame: what the server still had for it was thrown away."""
        # At the end of a whole frame the reader says “unexpected end of stream”.
        return str(self._websocket.protocol.parser_exc).startswith("stream ends after")

    async def send(self, *data: str | bytes) -> bool:
        """Send messages, one right after the other; return whether the connection took them all in time."""
        if len(data) > 3:
            ends = {"count": len(data), "first": quoted(data[0]), "last": quoted(data[-1])}
            self._stage.note(self.who, "→", filled(_MANY_SENT, **ends))
        try:
            for one in data:
                if len(data) <= 3:
                    self._stage.note(self.who, "→", _of(one))
                await self._stage.deadlines.in_time(self._websocket.send(one))
        except (ConnectionClosed, Overdue):
            return False
        return True

    async def next(
        self, wanted: Callable[[Message], bool] | None = None, *, within: float | None = None
    ) -> Message | None:
        """The first message not taken yet that is wanted; others stay for later.

        Args:
            wanted: says whether a message is the one; any is, if left out.
            within: seconds to wait; the stage's own deadline if left out.

        Returns:
            The message; None if none came in time, or the connection ended first.
        """

        def look() -> Message | bool | None:
            for place, message in enumerate(self._unread):
                if wanted is None or wanted(message):
                    return self._unread.pop(place)
            return True if self.end is not None else None

        found = await self._stage.until(look, within)
        if isinstance(found, Message):
            return found
        if found is None:
            self._stage.note(self.who, "", filled(_WAITED, seconds=self._stage._waited))
        return None

    async def ended(self, within: float | None = None) -> End | None:
        """Wait for the end of the connection; None if it does not come in time."""
        return await self._stage.until(lambda: self.end, within)

    def pause_reading(self) -> None:
        """Stop reading: from here on the server's bytes pile up on the way, as with a client that hangs."""
        self._websocket.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._websocket.transport.resume_reading()

    # Leaving

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye with a code, and wait for the other end's goodbye (RFC 6455 §7.1.2)."""
        self._leaving = True
        self._stage.note(self.who, "→", _closing(code, reason))
        with contextlib.suppress(ConnectionClosed, Overdue):
            await self._stage.deadlines.in_time(self._websocket.close(code, reason))
        await self._gone()

    async def close_without_code(self) -> None:
        """Send a close frame with an empty payload, as a page's `close()` does (RFC 6455 §5.5.1)."""
        self._leaving = True
        self._stage.note(self.who, "→", _CLOSE_NO_CODE)

        async def empty_close() -> None:
            async with self._websocket.send_context():
                self._websocket.protocol.send_close()

        with contextlib.suppress(ConnectionClosed, Overdue):
            await self._stage.deadlines.in_time(empty_close())
        await self._gone()

    async def fin(self) -> None:
        """End the sending side of the TCP connection and say nothing."""
        self._leaving = True
        self._stage.note(self.who, "→", _FIN)
        transport = self._websocket.transport
        with contextlib.suppress(OSError, RuntimeError):
            transport.write_eof()
        if await self._stage.until(lambda: self.end, None) is None:
            transport.abort()
        await self._gone()

    async def reset(self) -> None:
        """Drop the TCP connection with a RST; on a Unix socket, which has none, by closing it at once."""
        self._leaving = True
        self._stage.note(self.who, "→", _RST)
        transport = self._websocket.transport
        sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            reset_when_closed(sock)
        transport.abort()
        await self._gone()

    def discard(self) -> None:
        """Drop what is left of the connection."""
        self._websocket.transport.abort()
        self._reader.cancel()

    async def _gone(self) -> None:
        self._websocket.transport.abort()
        await asyncio.wait({self._reader}, timeout=self._stage.deadlines.step)


def _of(data: str | bytes) -> Text:
    return filled(_TEXT if isinstance(data, str) else _BYTES, payload=quoted(data))


def _closing(code: int, reason: str) -> Text:
    if code == 1005:
        return _CLOSE_NO_CODE
    return filled(_CLOSE, code=f"{code} {quoted(reason)}" if reason else code)


class Stage:
    """What a check works with.

    Attributes:
        deadlines: this machine's deadlines, measured in this run.
        lines: the record, the oldest step first.
        clients: every client that got a connection, in order.
        raised_by: how the record names what was raised and warned; its `{error}` is filled in.
        killed: of several processes, those that are meant to be gone: that they don't answer says nothing of the app.
    """

    def __init__(self, venue: Venue, deadlines: Deadlines) -> None:
        self.deadlines = deadlines
        self.lines: list[Line] = []
        self.clients: list[Client] = []
        self._venue = venue
        self._started = time.perf_counter()
        self._mark = venue.mark()
        self.raised_by = _RAISED
        self.killed: set[int] = set()
        self._set_aside: list[range] = []
        self._unique: set[str] = set()
        self._waiting: set[asyncio.Future[None]] = set()
        self._waited = 0.0  # seconds, by the last `until`
        self._http: dict[int, httpx.AsyncClient] = {}

    @property
    def venue(self) -> Venue:
        """Where the app is served."""
        return self._venue

    # The record

    def clock(self) -> float:
        """Seconds since the check began."""
        return time.perf_counter() - self._started

    def note(self, who: str, arrow: str, what: Text) -> None:
        """Write a step into the record."""
        if len(self.lines) < _MAX_LINES:
            self.lines.append(Line(self.clock(), who, arrow, what))

    def unique(self, text: str) -> str:
        """`text` with a few characters behind it that no other message has."""
        while (found := f"{text} {secrets.token_hex(2)}") in self._unique:
            pass
        self._unique.add(found)
        return found

    @contextlib.contextmanager
    def off_the_record(self) -> Iterator[None]:
        """What happens inside leaves no line in the record."""
        lines = list(self.lines)
        try:
            yield
        finally:
            self.lines = lines

    @contextlib.contextmanager
    def aside(self) -> Iterator[Callable[[], tuple[Raised, ...]]]:
        """What happens inside leaves no line in the record, and what it makes the server raise is not the check's.

        Gives a function that says what the server raised and warned since the block began.
        """
        begun = len(self._everything())
        with self.off_the_record():
            try:
                yield lambda: self._everything()[begun:]
            finally:
                self._set_aside.append(range(begun, len(self._everything())))

    # Waiting

    def notify_waiters(self) -> None:
        """Something happened: whoever waits looks again."""
        self.deadlines.sign_of_life()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def until(self, look: Callable[[], T | None], within: float | None = None) -> T | None:
        """Look again at whatever happens on the stage, until there is something to see.

        Args:
            look: gives what is waited for, or None.
            within: seconds; the stage's own deadline if left out.

        Returns:
            What `look` gave; None if nothing in time, though the machine was awake.
        """
        begun = time.perf_counter()
        found = await self._look(look, within)
        if found is None:
            found = await self._look(look, await self.deadlines.extension())
        self._waited = time.perf_counter() - begun
        return found

    async def _look(self, look: Callable[[], T | None], within: float | None) -> T | None:
        begun = time.perf_counter()
        while (found := look()) is None:
            left = self.deadlines.deadline(begun, within) - time.perf_counter()
            if left <= 0:
                return None
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await asyncio.wait({waiter}, timeout=left)
            finally:
                self._waiting.discard(waiter)
        return found

    async def pause(self) -> None:
        """Give what should not come a moment to come all the same."""
        await asyncio.sleep(self.deadlines.settle_time)
        # On a busy machine the server may not have had its turn in that time.
        await self.turned()

    async def turned(self) -> None:
        """Wait until the server has handled what its clients have sent so far, for half a `step` at most."""
        await self._venue.turned(self.deadlines.step / 2)

    # Opening

    async def connect(
        self,
        who: str = "A",
        path: str = "/ws",
        *,
        headers: Mapping[str, str] | None = None,
        origin: str | None = None,
        subprotocols: Sequence[str] | None = None,
        room: int | None = None,
        process: int = 0,
    ) -> Client:
        """Open a WebSocket.

        Args:
            who: what the record calls this client.
            path: where, a query included.
            headers: sent along with the handshake.
            origin: what a browser would send as `Origin`.
            subprotocols: what is offered.
            room: bytes that the operating system is asked to keep for this client (`SO_RCVBUF`), so that one that does
                not read is soon felt; the system's own choice if left out.
            process: which of the app's processes, where there are several.

        Raises:
            NoConnection: the answer was not 101; it names the general misconception that fits.
        """
        options: dict[str, Any] = {"headers": headers, "origin": origin, "subprotocols": subprotocols}
        found = await self.try_connect(who, path, **options, room=room, process=process)
        if isinstance(found, Refusal):
            raise await self.no_connection(found)
        return found

    async def try_connect(
        self,
        who: str = "A",
        path: str = "/ws",
        *,
        headers: Mapping[str, str] | None = None,
        origin: str | None = None,
        subprotocols: Sequence[str] | None = None,
        room: int | None = None,
        process: int = 0,
    ) -> Client | Refusal:
        """Ask for a WebSocket and take whatever comes; the arguments are those of `connect`."""
        self.note(who, "→", filled(_ASKS, path=path))

        async def opening() -> ClientConnection:
            sock = await self._socket(room, process)
            return await connect(
                f"ws://{self._host}{path}",
                sock=sock,
                additional_headers=headers,
                origin=None if origin is None else Origin(origin),
                subprotocols=None if subprotocols is None else [Subprotocol(name) for name in subprotocols],
                compression=None,
                open_timeout=None,
                close_timeout=self.deadlines.step,
                ping_interval=None,
                max_size=_MOST_BYTES,
                max_queue=None,
                proxy=None,
                logger=_quiet,
            )

        status, body, why = None, b"", "broken"
        try:
            websocket = await self.deadlines.in_time(opening())
        except Overdue:
            why = "silence"
        except InvalidStatus as error:
            status, body, why = error.response.status_code, bytes(error.response.body or b""), "status"
        except ConnectionRefusedError:
            why = "refused"
        except (WebSocketException, ValueError, OSError, EOFError) as error:
            # A redirect is not followed, and comes as what went wrong in following it.
            answer = error.__cause__ or error.__context__
            if isinstance(answer, InvalidStatus):
                status, body, why = answer.response.status_code, bytes(answer.response.body or b""), "status"
        else:
            self.note(who, "←", _OPENED)
            client = Client(self, who, websocket)
            self.clients.append(client)
            return client
        if why == "status":
            self.note(who, "←", filled(_STATUS, status=status))
        elif why == "silence":
            self.note(who, "", filled(_WAITED, seconds=self.deadlines.step))
        else:
            self.note(who, "←", _LOST)
        return Refusal(who, path, status, body, why)

    async def leave_early(self, who: str = "?", path: str = "/ws") -> None:
        """Ask for a WebSocket and be gone before the answer: the request, then a RST."""
        self.note(who, "→", filled(_LEFT_EARLY, path=path))
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        try:
            sock = await self._socket()
        except OSError:
            return
        with sock, contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(sock, request.encode("ascii"))
            reset_when_closed(sock)

    @property
    def _host(self) -> str:
        address = self._venue.address
        return "localhost" if isinstance(address, str) else f"{address[0]}:{address[1]}"

    def _address(self, process: int) -> Address:
        return cast(Processes, self._venue).addresses[process] if process else self._venue.address

    async def _socket(self, room: int | None = None, process: int = 0) -> socket.socket:
        address = self._address(process)
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            if room is not None:  # before connecting: it decides what the client offers in the TCP handshake
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    # HTTP

    async def get(self, path: str = "/", *, quietly: bool = False, process: int = 0) -> Reply | None:
        """GET `path`; None if no answer came. `quietly` keeps it out of the record, `process` is as for `connect`."""
        return await self.request("GET", path, quietly=quietly, process=process)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
        quietly: bool = False,
        within: float | None = None,
        process: int = 0,
        unanswered: Text | None = None,
    ) -> Reply | None:
        """Any HTTP request; None if no answer came in time.

        Args:
            method: `"POST"`.
            path: where.
            params: the query.
            json: the body, if there is one.
            quietly: keeps it out of the record.
            within: seconds; the stage's own deadline if left out.
            process: as for `connect`.
            unanswered: what the record says where no answer came; a general sentence if left out.
        """
        shown = f"{method} {path}"
        try:
            got = await self._exchange(method, path, params, json, within, process=process)
        except (Overdue, OSError):
            self.note("", "", unanswered or filled(_NO_REPLY, request=shown))
            return None
        if not quietly:
            body = shortened(got.content.decode(errors="replace"), _LONGEST)
            shown = f"{method} {got.request.url.raw_path.decode('ascii')}"
            self.note("", "", filled(_REPLY, request=shown, status=got.status_code, body=body))
        return Reply(got.status_code, dict(got.headers), got.content)

    async def _exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        json: object = None,
        within: float | None = None,
        client: httpx.AsyncClient | None = None,
        process: int = 0,
    ) -> httpx.Response:
        """One request and its response.

        Raises:
            Overdue: none came in time.
            OSError: the connection was refused, or broke.
        """
        import httpx  # it takes a while, and a notebook without a check never needs it

        if client is None:
            if process not in self._http:
                self._http[process] = self._new_http(process)
            client = self._http[process]
        url = f"http://{self._host}{path}"

        async def whole() -> httpx.Response:
            async with client.stream(method, url, params=params, json=json) as response:
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise ConnectionError("the answer has no end")
                if response.status_code >= 500:
                    # Where the app raised, uvicorn closes a moment later, and the next request might run into it.
                    await response.extensions["network_stream"].aclose()
            headers = [pair for pair in response.headers.items() if pair[0] != "content-encoding"]
            return httpx.Response(response.status_code, headers=headers, content=body, request=response.request)

        try:
            return await self.deadlines.in_time(whole(), within)
        except httpx.HTTPError as error:
            raise ConnectionError(str(error)) from error

    def _new_http(self, process: int = 0) -> httpx.AsyncClient:
        import httpx

        address = self._address(process)
        uds = address if isinstance(address, str) else None
        # uvicorn closes a kept connection after five seconds.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=4, keepalive_expiry=2)
        transport = httpx.AsyncHTTPTransport(uds=uds, verify=False, trust_env=False, limits=limits)
        return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)

    # The server

    async def alive(self) -> bool | None:
        """Whether the server's event loop turns, each process's: True, False (no answers), or None (nobody listens)."""
        # By a connection of its own: one of before may be what hangs.
        for process in set(range(len(getattr(self._venue, "addresses", ())) or 1)) - self.killed:
            async with self._new_http(process) as client:
                try:
                    await self._exchange("GET", PROBE_PATH, within=self.deadlines.step / 2, client=client)
                except Overdue:
                    return False
                except OSError:
                    return None
        return True

    async def stop_server(self) -> tuple[TaskSeen, ...]:
        """Shut the app down, as its user would; return its own tasks that were still running after that."""
        await self.forget_http()
        return await self._venue.stop()

    def shutdown_broken_off(self, since: int) -> bool:
        """Whether uvicorn has broken off a shutdown, since something still stood when its patience was over.

        That is 0.6 seconds, as the kit runs it. A machine that stood still has it broken off once, an app that waits
        each time.

        Args:
            since: of `raised_so_far()`, how many came before the shutdown.
        """
        return any(_BROKEN_OFF in one.text for one in self.raised_so_far()[since:])

    async def restart_server(self) -> None:
        """Have the app served anew; clients of before are gone."""
        await self.forget_http()
        await self._venue.restart()

    def watch(self) -> None:
        """Have the app's own code watched: `Venue.watch()`."""
        self._venue.watch()

    async def watched(self) -> Watched:
        """What it did since then, after a moment for what is on its way; it is watched no longer."""
        await self.pause()
        return self._venue.watched()

    async def with_a_dead_task(self, failure: Failure, run: Callable[[Stage], Awaitable[object]]) -> Failure:
        """The failure; or, where an exception ended a task and nobody asked that task, the exception.

        Nobody hears of such a task while something still holds on to it. So all is done once more, watched.

        Args:
            failure: what was found.
            run: what is done once more; every client has left.
        """
        await self.dismiss()
        self.watch()
        with self.off_the_record(), contextlib.suppress(Failure):
            await run(self)
        for task in (await self.watched()).tasks:
            name = task.text.partition(":")[0].rpartition(".")[2]
            if task.state == "raised" and name not in _DISCONNECTS:
                error = Raised(name, task.text, task.place)
                told = causes.meaning_of(error)
                fault = general.TASK_RAISED if told is general.HANDLER_RAISED else told
                return Failure(fault, failure.observed, error=error)
        return failure

    async def raised(self, *, disconnects: bool = False) -> tuple[Raised, ...]:
        """What the server raised and warned since the check began, after a moment for what is on its way.

        Args:
            disconnects: also exceptions that say nothing but that a client left.
        """
        await self.pause()
        found = self.raised_so_far()
        return found if disconnects else tuple(one for one in found if one.name not in _DISCONNECTS)

    def raised_so_far(self) -> tuple[Raised, ...]:
        """The same, whole and without waiting."""
        aside = {place for places in self._set_aside for place in places}
        return tuple(one for place, one in enumerate(self._everything()) if place not in aside)

    def _everything(self) -> tuple[Raised, ...]:
        return self._venue.raised(self._mark)

    # What a failure says

    async def no_connection(self, refusal: Refusal, misconception: Misconception | None = None) -> NoConnection:
        """What to raise where the handshake was not answered with 101.

        Args:
            refusal: what came instead.
            misconception: the name for it where no general one says it better.
        """
        raised = await self.raised()
        path, seconds = refusal.path.partition("?")[0], self.deadlines.step
        seen = {
            "status": filled(general.STATUS_CAME, status=refusal.status),
            "silence": filled(general.HANDSHAKE_UNANSWERED, seconds=seconds),
            "refused": general.NOBODY_LISTENS,
            "broken": general.HANDSHAKE_BROKEN,
        }[refusal.why]
        told = causes.never_run(raised)
        alive = await self.alive() if refusal.why != "status" else True
        if alive is None:
            return NoConnection(general.DIED, general.NOBODY_LISTENS)
        if told is not None:
            fault, error = told
            named = misconception if fault is general.NOT_AWAITED else None
            return NoConnection(named or fault, seen, error=error, path=path)
        if not alive:
            return NoConnection(general.BLOCKS, seen, where=self._where())
        if misconception is not None:
            return NoConnection(misconception, seen, path=path, status=refusal.status)
        if refusal.status == 403:
            return await self._refused(refusal, seen, raised)
        if told := causes.cause(raised):
            fault, error = told
            return NoConnection(
                general.USED_BEFORE_ACCEPT if causes.is_out_of_turn(error) else fault, seen, error=error
            )
        if any("without completing handshake" in one.text for one in raised):
            return NoConnection(general.NEVER_ACCEPTED, seen)
        return NoConnection(general.HANDSHAKE_HANGS if refusal.why == "silence" else general.NO_HANDSHAKE, seen)

    async def _refused(self, refusal: Refusal, seen: Text, raised: Sequence[Raised]) -> NoConnection:
        path, _, query = refusal.path.partition("?")
        if causes.not_registered(raised):
            with self.aside():
                for other in _OTHER_PATHS:
                    found = other.format(path=path)
                    if await self.opens(f"{found}?{query}" if query else found):
                        return NoConnection(general.ANOTHER_PATH, seen, path=path, found=found)
                reply = await self.get(path)
            http = reply is not None and reply.status != 404
            return NoConnection(general.HTTP_ONLY if http else general.NO_HANDLER, seen, path=path)
        if names := causes.not_given(raised):
            with self.aside() as heard:
                given = "&".join(f"{name}=x" for name in names.split(", "))
                await self.opens(f"{refusal.path}{'&' if query else '?'}{given}")
                await self.pause()
            untyped = any("'str' object has no attribute" in one.text for one in heard())
            return NoConnection(general.NOT_ANNOTATED if untyped else general.NOT_GIVEN, seen, path=path, names=names)
        return NoConnection(general.REFUSED, seen, path=path)

    async def opens(self, path: str) -> bool:
        """Whether a handshake at `path` is answered with 101; the client leaves at once."""
        found = await self.try_connect("?", path)
        if isinstance(found, Refusal):
            return False
        await found.reset()
        return True

    async def cause(self) -> tuple[Misconception, Raised] | None:
        """What the server itself tells: a coroutine that was never awaited, or else its first exception."""
        return causes.cause(await self.raised())

    async def silence(
        self,
        client: Client | None = None,
        misconception: Misconception | None = None,
        *,
        ended: Misconception | None = None,
        closes: Misconception | None = None,
        **values: object,
    ) -> Failure:
        """What to raise where an answer did not come: it finds out why, as far as the wire tells.

        Args:
            client: who waited; None for an HTTP request.
            misconception: the name for an open connection on which nothing comes, and the loop turns.
            ended: the name for a connection that ended instead.
            closes: the name for a connection that the server closed with a close frame; a general one if left out.
            values: fill in the `{names}` of these three.
        """
        who = client.who if client is not None else "HTTP"
        raised = await self.raised()
        end = client.end if client is not None else None
        if end is not None:
            seen = filled(general.CONNECTION_ENDED, who=who, how=end)
        else:
            seconds = self.deadlines.step if client is None else max(self._waited, self.deadlines.step)
            seen = filled(general.NOTHING_CAME, seconds=seconds)
        alive = await self.alive()
        if alive is None:
            return Failure(general.DIED, seen)
        told = causes.never_run(raised)
        if told is None and end is not None and (error := causes.mistake(raised)):
            # It has ended this handler; that nobody answered just now may be the machine's doing.
            told = causes.meaning_of(error), error
        if told is None and not alive:
            return Failure(general.BLOCKS, seen, where=self._where())
        if client is not None and end is None:  # an exception in its own handler would have ended it
            raised = tuple(filter(causes.is_of_a_task, raised))
        told = told or causes.cause(raised)
        if told is not None:
            fault, error = told
            after_own_close = end is not None and end.by_server and causes.is_out_of_turn(error)
            return Failure(general.CLOSED_BY_HANDLER if after_own_close else fault, seen, error=error)
        if end is None:
            return Failure(misconception or general.NO_ANSWER, seen, **{"who": who, **values})
        # 1011 and 1012 are uvicorn's own: a ping without an answer, and its shutdown.
        closed = end.by_server and end.code not in (1011, 1012)
        fault = closes or general.CLOSED_BY_HANDLER if closed else ended or general.ENDED
        return Failure(fault, seen, **{"who": who, **values})

    def _where(self) -> Text | str:
        place = self._venue.blocking_line()
        return filled(general.WHERE, place=place) if place else ""

    @property
    def cell_error(self) -> Text | str:
        """What stopped the cell that makes the app; empty where nothing did."""
        return self._venue.cell_error

    @property
    def alone(self) -> bool:
        """Whether nobody but the check's clients can be connected to the app."""
        return self._venue.alone

    # The end

    async def dismiss(self, *, politely: bool = True) -> None:
        """Have every client leave; that is not part of the exchange.

        Args:
            politely: with a closing handshake; False where the server would not answer it.
        """
        still = [client for client in self.clients if client.open]
        with self.off_the_record():
            for client in still:
                client.resume_reading()
            await asyncio.gather(*(client.close() if politely else client.reset() for client in still))

    async def clear(self, *, politely: bool = True) -> None:
        """Have every client leave, and add what the server raised to the record.

        Args:
            politely: as for `dismiss`.
        """
        await self.dismiss(politely=politely)
        for client in self.clients:
            client.discard()
        for one in dict.fromkeys(self.raised_so_far()):
            if one.name not in _DISCONNECTS:
                self.lines.append(Line(None, "", "", filled(self.raised_by, error=one)))
        await self.forget_http()

    async def forget_http(self) -> None:
        """Close the connections of the requests so far: who answered them is gone."""
        for client in self._http.values():
            with contextlib.suppress(OSError):
                await client.aclose()
        self._http.clear()
