"""How long to wait for an answer, on this machine, right now.

A deadline in seconds is too long on a fast machine and too short on a busy one. So two things are measured: a trip of
a byte over loopback, and how much longer than its own work a piece of work takes, which says how many others want the
processor. That holds for a second. Deadlines follow from both, and none counts as missed before both are measured
again: where the machine stood still or was wanted by others, the answer that was late gets a second look. As long as
other answers arrive the server is at work, and the wait goes on for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import statistics
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_TRIPS = 20
_HOLDS = 1.0  # seconds; what others want of the processor is soon another matter
_SHORTEST, _LONGEST = 0.6, 3.0
_LONGEST_SETTLING = 0.5
_LATE_TRIPS = 3
_WORK = 0.004  # seconds of a thread's own time
_MOST_WANTED = 8.0
_STRETCH = 4  # how many times its length a deadline may become while the server is at work


class Overdue(Exception):
    """No answer within the deadline, though the machine was awake."""


class Deadlines:
    """Deadlines that follow from the machine's own round trip.

    Attributes:
        step: how long one answer may take, in seconds.
        settle_time: how long to go on looking for something that should not come, in seconds.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Nothing is measured yet.

        Args:
            reader, writer: of a connection over loopback whose other end sends back what it is sent.
        """
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()
        self._sign = 0.0
        self._measuring: asyncio.Future[float] | None = None
        self._extended = 0.0
        self._limit: asyncio.Timeout | None = None
        self._measured = -math.inf
        self.step, self.settle_time = _LONGEST, _LONGEST_SETTLING

    async def renew(self) -> None:
        """Measure the machine, unless that was done a moment ago."""
        if time.perf_counter() - self._measured < _HOLDS:
            return
        trips = [await self.trip() for _ in range(_TRIPS)]
        # Of the slower trips, yet not the slowest: one hiccup must not stretch every deadline.
        slow = statistics.quantiles(trips, n=10)[-2]
        self.step = min(_LONGEST, max(_SHORTEST * math.sqrt(contention()), 100 * slow))
        self.settle_time = min(_LONGEST_SETTLING, max(0.05, 20 * slow))
        self._measured = time.perf_counter()

    @property
    def stretch(self) -> float:
        """How many times as long as on a quiet machine everything may take."""
        return self.step / _SHORTEST

    async def trip(self) -> float:
        """Send a byte over loopback and back; return the seconds that took."""
        async with self._turn:
            begun = time.perf_counter()
            self._writer.write(b".")
            await self._reader.readexactly(1)
            return time.perf_counter() - begun

    def sign_of_life(self) -> None:
        """Something came from the server, whoever waited for it."""
        self._sign = time.perf_counter()

    def deadline(self, begun: float, within: float | None = None) -> float:
        """Until when to wait, on the clock of `time.perf_counter()`; it moves on while the server is at work.

        Args:
            begun: when the waiting began, on that clock.
            within: seconds, to be held to; its own `step` if left out.
        """
        if within is not None:
            return begun + within
        return min(max(begun, self._sign) + self.step, begun + _STRETCH * self.step)

    async def extension(self) -> float:
        """Find out how the machine is after a deadline has passed; return for how many seconds to look again.

        Whoever asks at the same time gets the same answer.
        """
        if self._measuring is None or self._measuring.done():
            self._measuring = asyncio.ensure_future(self._measure())
        seconds = await asyncio.shield(self._measuring)
        self._prolong(seconds)
        return seconds

    async def _measure(self) -> float:
        for _ in range(_LATE_TRIPS):
            await self.trip()
        return self.settle_time + _SHORTEST * (contention() - 1) / 2

    def _prolong(self, seconds: float) -> None:
        """Move the limit of a `budget()` on by an extension that begins now; those that overlap count once."""
        now = time.perf_counter()
        more = now + seconds - max(now, self._extended)
        if more > 0:
            self._extended = now + seconds
            if self._limit is not None and not self._limit.expired() and (until := self._limit.when()) is not None:
                self._limit.reschedule(until + more)

    @contextlib.asynccontextmanager
    async def budget(self, seconds: float) -> AsyncIterator[None]:
        """Break off what is inside after so many seconds; extensions that it is given come on top.

        Raises:
            TimeoutError: it took longer.
        """
        try:
            async with asyncio.timeout(seconds) as self._limit:
                yield
        finally:
            self._limit = None

    async def in_time(self, waiting: Coroutine[Any, Any, T], within: float | None = None) -> T:
        """The result of `waiting`, which is cancelled where it takes too long.

        Args:
            waiting: a coroutine.
            within: seconds; its own if left out.

        Raises:
            Overdue: there was none in time.
        """
        task = asyncio.ensure_future(waiting)
        begun = time.perf_counter()
        try:
            while not task.done() and (left := self.deadline(begun, within) - time.perf_counter()) > 0:
                await asyncio.wait({task}, timeout=left)
            if not task.done():
                await asyncio.wait({task}, timeout=await self.extension())
            if task.done():
                self.sign_of_life()
                return task.result()
            raise Overdue
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=self.settle_time)


def contention() -> float:
    """How many times longer than its own work a piece of work takes now: 1.0 where nobody else wants the processor."""
    begun, own = time.perf_counter(), time.thread_time()
    while (worked := time.thread_time() - own) < _WORK:
        pass
    return min(_MOST_WANTED, max(1.0, (time.perf_counter() - begun) / worked))


@contextlib.asynccontextmanager
async def measured() -> AsyncIterator[Deadlines]:
    """Measure the machine, and keep the way open to measure it again."""
    ends: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(writer)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(64):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    try:
        deadlines = Deadlines(reader, writer)
        await deadlines.renew()
        yield deadlines
    finally:
        server.close()
        for end in (writer, *ends):
            end.close()
        for end in (writer, *ends):
            with contextlib.suppress(ConnectionError):
                await end.wait_closed()
