"""Fifty clients of which one is deaf and one slow, and what each of them got."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import statistics
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from wslab.serving import Server

Kind = Literal["reading", "slow", "deaf"]

_ROOM = 4096
"""Bytes that the operating system is asked to keep for a slow or deaf client (`SO_RCVBUF`); it takes some more."""

_LOOKS = 0.02
"""Seconds between two looks at the server's write buffers."""

_AT_ONCE = 25


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that a listener has received.

    Attributes:
        number: the message's number.
        late: seconds since the message was due.
    """

    number: int
    late: float


@dataclass(slots=True)
class Listener:
    """A client of an audience.

    Attributes:
        name: its `?name=`, `deaf-1`.
        kind: `"reading"` (as fast as it can), `"slow"` (with a pause after each message) or `"deaf"` (not at all).
        websocket: its connection.
        heard: what it has received, in order.
    """

    name: str
    kind: Kind
    websocket: ClientConnection
    heard: list[Heard] = field(default_factory=list)

    @property
    def close_code(self) -> int | None:
        """The code with which its connection has ended; None while it is open, or where it has not read that far."""
        return self.websocket.close_code


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a broadcast.

    Attributes:
        due: how many messages there were to hear.
        median: seconds by which a message to a reading listener was late, in the middle; infinite where half of them
            never came.
        worst: the same, for the one that was latest; infinite where one never came.
        missed: of all messages to all reading listeners, the part that never came, from 0 to 1.
        slow, deaf: how many messages such listeners got in all.
        buffered: bytes in all write buffers of the server, at the moment when there were most.
        queued: messages in the app's own queues when time was up.
        held: connections of the server when time was up.
        ended: whether the broadcasting ended in time.
        by_number: for each message, how late the last reading listener got it; None where one never got it.
    """

    due: int
    median: float
    worst: float
    missed: float
    slow: int
    deaf: int
    buffered: int
    queued: int
    held: int
    ended: bool
    by_number: tuple[float | None, ...]


class Audience:
    """The clients that `audience()` has connected.

    Attributes:
        listeners: all of them, in the order in which they came.
    """

    def __init__(self, server: Server, listeners: Sequence[Listener], pause: float) -> None:
        self.listeners = tuple(listeners)
        self._server = server
        self._pause = pause
        self._tasks = [asyncio.create_task(self._listen(one)) for one in listeners if one.kind != "deaf"]

    @property
    def reading(self) -> list[Listener]:
        """Those that read as fast as they can."""
        return self._of("reading")

    @property
    def slow(self) -> list[Listener]:
        """Those that pause after each message."""
        return self._of("slow")

    @property
    def deaf(self) -> list[Listener]:
        """Those that read nothing."""
        return self._of("deaf")

    def _of(self, kind: Kind) -> list[Listener]:
        return [one for one in self.listeners if one.kind == kind]

    async def _listen(self, listener: Listener) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in listener.websocket:
                number, due, *_ = str(message).split(" ", 2)
                listener.heard.append(Heard(int(number), time.perf_counter() - float(due)))
                if listener.kind == "slow":
                    await asyncio.sleep(self._pause)

    async def during(
        self, broadcasting: Coroutine[Any, Any, Any], *, due: int, seconds: float, queued: Callable[[], int] = lambda: 0
    ) -> Outcome:
        """Run a coroutine on the server's loop, and tell what the audience got meanwhile.

        Each message that it sends is a text that begins with its number and the moment it was due, in seconds of
        `time.perf_counter()`: `3 1234.56 …`.

        Args:
            broadcasting: sends the messages with the numbers 1 to `due`.
            due: how many there are.
            seconds: how long to wait for the last one to reach the last reading listener.
            queued: how many messages wait in the app's own queues; called at the end.
        """
        most_bytes = 0
        running = self._server.submit(broadcasting)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until and not self._all_heard(due):
            await asyncio.sleep(_LOOKS)
            most_bytes = max(most_bytes, sum(one.buffered for one in self._server.connections))
        await asyncio.wait([asyncio.wrap_future(running)], timeout=max(0.0, until - time.perf_counter()))
        ended = running.done()
        running.cancel()
        by_number = [self._latest(number) for number in range(1, due + 1)]
        came = [heard.late for one in self.reading for heard in one.heard]
        late = came + [math.inf] * (due * len(self.reading) - len(came))
        return Outcome(
            due=due,
            median=statistics.median(late) if late else 0.0,
            worst=max(late, default=0.0),
            missed=late.count(math.inf) / len(late) if late else 0.0,
            slow=sum(len(one.heard) for one in self.slow),
            deaf=sum(len(one.heard) for one in self.deaf),
            buffered=most_bytes,
            queued=queued(),
            held=len(self._server.connections),
            ended=ended,
            by_number=tuple(by_number),
        )

    def _all_heard(self, due: int) -> bool:
        return all(one.heard and one.heard[-1].number >= due for one in self.reading)

    def _latest(self, number: int) -> float | None:
        found = [[heard.late for heard in one.heard if heard.number == number] for one in self.reading]
        return max(map(max, found)) if all(found) else None

    async def _leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        for one in self.listeners:
            one.websocket.transport.abort()
        await asyncio.wait([asyncio.create_task(one.websocket.wait_closed()) for one in self.listeners])


@contextlib.asynccontextmanager
async def audience(
    server: Server, *, reading: int = 48, slow: int = 1, deaf: int = 1, pause: float = 0.2, path: str = "/ws"
) -> AsyncIterator[Audience]:
    """Connect listeners to a server; at the end of the block all of them hang up, without a closing handshake.

    Half of those that read come first, then the deaf ones, the slow ones, and the other half. Nothing is compressed.

    Args:
        server: as `serve()` gives it; with `serve(app, send_buffer=4096)` a deaf listener is felt after some 100 kB,
            without it after some megabytes.
        reading: how many read as fast as they can.
        slow: how many pause after each message.
        deaf: how many read nothing.
        pause: seconds that a slow one pauses.
        path: where they connect; each adds its `?name=`.
    """
    half = reading // 2
    parts: tuple[tuple[Kind, int], ...] = (
        ("reading", half),
        ("deaf", deaf),
        ("slow", slow),
        ("reading", reading - half),
    )
    order = [kind for kind, number in parts for _ in range(number)]
    listeners: list[Listener] = []
    try:
        while len(listeners) < len(order):
            begin = len(listeners)
            group = [
                _arrive(server, f"{path}?name={kind}-{number}", kind)
                for number, kind in enumerate(order[begin : begin + _AT_ONCE], begin + 1)
            ]
            listeners += await asyncio.gather(*group)
        # A handler goes on with the line behind its accept() a moment after its client has the 101.
        await asyncio.wrap_future(server.submit(asyncio.sleep(0)))
        crowd = Audience(server, listeners, pause)
    except BaseException:
        for one in listeners:
            one.websocket.transport.abort()
        raise
    try:
        yield crowd
    finally:
        await crowd._leave()


async def _arrive(server: Server, path: str, kind: Kind) -> Listener:
    sock = socket.socket(socket.AF_INET6 if ":" in server.host else socket.AF_INET)
    try:
        if kind != "reading":  # before connecting: it decides what the client offers in the TCP handshake
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (server.host, server.port))
        websocket = await connect(
            f"{server.ws_url}{path}",
            sock=sock,
            compression=None,
            max_queue=1 if kind == "slow" else 16,
            ping_interval=None,
            proxy=None,
        )
    except BaseException:
        sock.close()
        raise
    if kind == "deaf":
        websocket.transport.pause_reading()
    return Listener(path.partition("?name=")[2], kind, websocket)
