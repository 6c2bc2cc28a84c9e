"""Who a learner's function meets in a turn: a server that notes its visits, and things to do that note themselves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from wslab.labs.stage import Stage, quoted
from wslab.language import Text, filled

_OPENED = Text(en="101: the connection is open", tr="101: bağlantı açıldı")
_TEXT = Text(en="text {payload}", tr="metin {payload}")
_CLOSED = Text(en="close {code} {reason}", tr="kapatma {code} {reason}")
_SILENT = Text(en="the line is silent from here on", tr="hat bundan sonra sessiz")
_CUT = Text(en="the connection ends without a close frame", tr="bağlantı kapatma çerçevesi olmadan bitiyor")
_YOU = Text(en="you", tr="siz")
_BEGINS = Text(en="{name} begins", tr="{name} başlıyor")
_ENDINGS = {
    "ends": Text(en="{name} ends", tr="{name} bitiyor"),
    "is cancelled": Text(en="{name} is cancelled", tr="{name} iptal ediliyor"),
}


@dataclass(slots=True)
class Visit:
    """One connection that a learner's client opened.

    Attributes:
        heard: what it sent.
        code: its close code; None while the connection is open, 1006 where no close frame came.
        reason: the reason that came with it.
        sent: the close code that the server sent; None where it sent no close frame.
        ended: set once the connection has ended.
    """

    heard: list[str | bytes] = field(default_factory=list)
    code: int | None = None
    reason: str = ""
    sent: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Host:
    """A server that a learner's client visits.

    Attributes:
        url: where it is: `"ws://127.0.0.1:53211/ws"`.
        visits: the connections, in order.
    """

    url: str = ""
    visits: list[Visit] = field(default_factory=list)


@contextlib.asynccontextmanager
async def host(
    stage: Stage,
    answers: Callable[[Visit, str | bytes], Sequence[str]],
    greeting: Sequence[str] | Callable[[int], Sequence[str]] = (),
    *,
    closes: Callable[[int], int] | None = None,
    pings: tuple[float, float] | None = None,
    pause: float = 0.0,
) -> AsyncIterator[Host]:
    """Serve on a free port of loopback for the length of the block.

    Args:
        stage: the stage, whose record gets every message.
        answers: what to send back for a message.
        greeting: what to send as soon as a connection opens, or a function of the visit's number that says so.
        closes: the code with which the server ends a visit after the greeting, by the visit's number.
        pings: seconds between two pings and seconds to wait for a pong; None for no pings.
        pause: seconds before an answer: who leaves right after a message has left by then, and never gets it by chance.
    """
    here = Host()
    who = str(_YOU)

    async def receive(connection: ServerConnection) -> None:
        visit = Visit()
        here.visits.append(visit)
        stage.note(who, "←", _OPENED)

        async def say(*texts: str) -> None:
            for text in texts:
                stage.note(who, "←", filled(_TEXT, payload=quoted(text)))
                await connection.send(text)

        number = len(here.visits)
        with contextlib.suppress(ConnectionClosed):
            await say(*(greeting(number) if callable(greeting) else greeting))
            if closes is not None:
                await connection.close(closes(number))
            async for message in connection:
                visit.heard.append(message)
                stage.note(who, "→", filled(_TEXT, payload=quoted(message)))
                await asyncio.sleep(pause)
                await say(*answers(visit, message))
        await connection.wait_closed()
        visit.code, visit.reason = connection.close_code, connection.close_reason or ""
        if connection.protocol.close_sent is not None:
            visit.sent = connection.protocol.close_sent.code
        ending = _CUT if visit.code == 1006 else filled(_CLOSED, code=visit.code, reason=visit.reason)
        stage.note(who, "→", ending)
        visit.ended.set()

    every, patience = pings or (None, None)
    async with serve(
        receive, "127.0.0.1", 0, compression=None, ping_interval=every, ping_timeout=patience, close_timeout=1
    ) as server:
        here.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
        yield here


@dataclass(slots=True)
class Line:
    """A connection that falls silent.

    Attributes:
        url: where it is.
        longest_pause: between two texts that were said on it, in seconds.
    """

    url: str = ""
    longest_pause: float = 0.0
    _visit: Visit = field(default_factory=Visit)
    _again: asyncio.Event = field(default_factory=asyncio.Event)

    async def end(self, stage: Stage) -> int | None:
        """Let the line be heard again; the code with which the client has ended it, None where it is open."""
        self._again.set()
        return self._visit.code if await ends(stage, self._visit) else None


@contextlib.asynccontextmanager
async def falls_silent(stage: Stage, said: Sequence[str], every: float) -> AsyncIterator[Line]:
    """Serve a line on which each of these texts is said, `every` seconds apart, and nothing else is ever answered."""
    line = Line()
    who = str(_YOU)

    async def speak(connection: ServerConnection) -> None:
        last = time.perf_counter()
        with contextlib.suppress(ConnectionClosed):
            for text in said:
                await connection.send(text)
                stage.note(who, "←", filled(_TEXT, payload=quoted(text)))
                await asyncio.sleep(every)
                now = time.perf_counter()
                line.longest_pause, last = max(line.longest_pause, now - last), now
        connection.transport.pause_reading()
        stage.note(who, "←", _SILENT)
        await line._again.wait()
        connection.transport.resume_reading()
        await connection.wait_closed()
        line._visit.code = connection.close_code
        line._visit.ended.set()

    async with serve(speak, "127.0.0.1", 0, compression=None, ping_interval=None, close_timeout=1) as server:
        line.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
        try:
            yield line
        finally:
            line._again.set()


async def ends(stage: Stage, visit: Visit) -> bool:
    """Whether a visit comes to its end in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(stage.deadlines.step):
            await visit.ended.wait()
    return visit.ended.is_set()


class Acts:
    """Coroutine functions that note in one list when they begin and how they end: `"tea begins"`, `"tea ends"`."""

    def __init__(self, stage: Stage) -> None:
        self.noted: list[str] = []
        self._stage = stage

    def act(self, name: str, *, seconds: float = 0.03, value: Any = None) -> Callable[[], Awaitable[Any]]:
        """A coroutine function that takes `seconds` and returns `value`."""

        async def act() -> Any:
            self._note(f"{name} begins", filled(_BEGINS, name=name))
            end = "is cancelled"
            try:
                await asyncio.sleep(seconds)
                end = "ends"
            finally:
                self._note(f"{name} {end}", filled(_ENDINGS[end], name=name))
            return value

        act.__name__ = act.__qualname__ = name
        return act

    def _note(self, what: str, shown: Text) -> None:
        self.noted.append(what)
        self._stage.note("", "", shown)


class Guest:
    """What stands in for a `WebSocket` of the server: it notes what it is sent.

    Attributes:
        name: its name in the record.
        heard: the texts, in order.
        at: when each of them came, on the clock of `time.perf_counter()`.
        loops: the event loop in which each of them was sent.
        closes: the code of each `close()`.
        refused: how many times a dead one was sent something.
        then: called after a message has come.
    """

    def __init__(self, stage: Stage, name: str, *, dead: bool = False, slow: float = 0.0) -> None:
        """`dead`: sending to it raises. `slow`: seconds that it takes to be sent something."""
        self.name = name
        self.heard: list[str] = []
        self.at: list[float] = []
        self.loops: list[asyncio.AbstractEventLoop] = []
        self.closes: list[int] = []
        self.refused = 0
        self.then: Callable[[], object] | None = None
        self._stage = stage
        self._dead = dead
        self._slow = slow

    async def send_text(self, data: str) -> None:
        """What the learner's code calls."""
        await asyncio.sleep(self._slow)
        data.encode()  # raises what uvicorn raises for what is no text
        if self._dead:
            self.refused += 1
            raise RuntimeError('Cannot call "send" once a close message has been sent.')
        self._stage.note(self.name, "←", filled(_TEXT, payload=quoted(data)))
        self.heard.append(data)
        self.at.append(time.perf_counter())
        self.loops.append(asyncio.get_running_loop())
        if self.then is not None:
            self.then()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """What the learner's code calls to end the connection."""
        self._stage.note(self.name, "←", filled(_CLOSED, code=code, reason=reason))
        self.closes.append(code)
        await asyncio.sleep(self._slow)

    def __repr__(self) -> str:
        return f"<{self.name}>"
