"""What passed on all connections, in order and in bounded memory, whoever writes it down and whoever reads it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import NamedTuple

from websockets.frames import Opcode

from wslab.capture.decoder import Decoder
from wslab.capture.steps import (
    Closing,
    Connection,
    Cut,
    Direction,
    Dropped,
    Frame,
    Refused,
    Request,
    Reset,
    Response,
    Step,
)
from wslab.capture.stream import Arrival

logger = logging.getLogger("wslab.capture")

MAX_STEPS = 50_000
MAX_BYTES = 64 * 1024 * 1024
MAX_CONNECTIONS = 5_000

SILENCE = 100_000_000
"""From how many nanoseconds on a time without a byte is a silence."""

_MAX_WAITING = 8 * 1024 * 1024  # bytes noted but not decoded, beyond which the writer has to decode as well
_EVENT = 256  # what an event costs beside its bytes
_SLICE = 4  # events that the writer decodes for each that it notes then: none is held up for long

Address = tuple[str, int]


class Contents(NamedTuple):
    """A transcript as it stands."""

    steps: tuple[Step, ...]
    connections: tuple[Connection, ...]
    dropped: Dropped
    silences: tuple[tuple[int, int], ...] = ()
    """When no byte passed on any connection: from when to when, in nanoseconds since the capture began."""


class _Opened(NamedTuple):
    connection: int
    at: int
    client: Address
    server: Address


class _Reached(NamedTuple):
    connection: int
    at: int
    via: Address


class _Passed(NamedTuple):
    connection: int
    at: int
    direction: Direction
    data: bytes


class _Ended(NamedTuple):
    connection: int
    at: int
    direction: Direction
    how: type[Reset | Refused | Cut] | None
    why: str


class _Line:
    """One connection as it goes on."""

    def __init__(self, opened: _Opened) -> None:
        self.decoder: Decoder | None = Decoder(opened.connection)
        self._opened = opened
        self._passed = dict.fromkeys(Direction, 0)
        self._ended: set[Direction] = set()
        self._end: int | None = None
        self._websocket = False
        self._first: Direction | None = None
        self._close: dict[Direction, Frame] = {}
        self._first_end: Step | None = None
        self.via: Address | None = None

    def take(self, event: _Passed | _Ended, arrival: Arrival) -> list[tuple[Arrival, Step]]:
        if self.decoder is None:
            return []
        if isinstance(event, _Passed):
            if event.direction in self._ended:
                return []
            self._passed[event.direction] += len(event.data)
            steps = self.decoder.feed(event.direction, event.data, arrival)
        else:
            steps = self.decoder.end(event.direction, arrival, self._how(event))
            self._ended.update([event.direction] if event.how is None else Direction)
            if self._first_end is None and steps:
                self._first_end = steps[-1][1]
        self._look_at(steps)
        if len(self._ended) == 2:
            self._end = event.at
            self.decoder = None
        return steps

    def cut(self, arrival: Arrival) -> list[tuple[Arrival, Step]]:
        """The steps that were in the middle when the record broke off."""
        if self.decoder is None:
            return []
        event = _Ended(self._opened.connection, arrival.at, Direction.TO_SERVER, Cut, "")
        steps = self.decoder.end(Direction.TO_SERVER, arrival, self._how(event))
        self.decoder = None
        return [(at, step) for at, step in steps if not isinstance(step, Cut)]

    def _how(self, event: _Ended) -> Reset | Refused | Cut | None:
        if event.how is None:
            return None
        number, at, direction = event.connection, event.at, event.direction
        if event.how is Refused:
            return Refused(connection=number, direction=direction, start=at, end=at, why=event.why)
        return event.how(connection=number, direction=direction, start=at, end=at)

    def _look_at(self, steps: list[tuple[Arrival, Step]]) -> None:
        for _, step in steps:
            if isinstance(step, Response) and step.upgrade:
                self._websocket = True
            elif isinstance(step, Frame) and step.opcode == Opcode.CLOSE and step.direction not in self._close:
                self._close[step.direction] = step
                self._first = self._first or step.direction

    def summary(self) -> Connection:
        return Connection(
            number=self._opened.connection,
            start=self._opened.at,
            end=self._end,
            client=self._opened.client,
            server=self._opened.server,
            sent=self._passed[Direction.TO_SERVER],
            received=self._passed[Direction.TO_CLIENT],
            websocket=self._websocket,
            closing=Closing(
                first=self._first,
                client=self._close.get(Direction.TO_SERVER),
                server=self._close.get(Direction.TO_CLIENT),
                end=self._first_end,
            ),
            via=self.via,
        )


class Transcript:
    """Takes down what passes, cheaply; decodes it when it is read, when its writer has time, or when much has come
    together.

    One thread may write; any may read.

    Args:
        max_steps: how many steps to keep; the oldest go first.
        max_bytes: how many bytes to keep in steps; the oldest steps go first.
    """

    def __init__(self, *, max_steps: int = MAX_STEPS, max_bytes: int = MAX_BYTES) -> None:
        self._max_steps = max_steps
        self._max_bytes = max_bytes
        self._events: deque[_Opened | _Reached | _Passed | _Ended] = deque()
        self._noted = 0  # changed by the writer alone
        self._decoded = 0  # changed under the lock alone
        self._lock = threading.Lock()
        self._order = 0
        self._lines: dict[int, _Line] = {}
        self._steps: deque[tuple[Arrival, Step]] = deque()
        self._kept = 0
        self._silences: deque[tuple[int, int]] = deque(maxlen=max_steps)
        self._last: int | None = None  # when something passed or ended last
        self._dropped_steps = 0
        self._dropped_bytes = 0
        self._dropped_connections = 0

    def opened(self, connection: int, at: int, client: Address, server: Address) -> None:
        """A client connected."""
        self._note(_Opened(connection, at, client, server), 0)

    def reached(self, connection: int, at: int, via: Address) -> None:
        """The server was reached; it knows the connection by the address `via`."""
        self._note(_Reached(connection, at, via), 0)

    def passed(self, connection: int, at: int, direction: Direction, data: bytes) -> None:
        """Bytes passed."""
        self._note(_Passed(connection, at, direction, data), len(data))

    def ended(
        self,
        connection: int,
        at: int,
        direction: Direction,
        how: type[Reset | Refused | Cut] | None = None,
        why: str = "",
    ) -> None:
        """One direction ended with a FIN, or both did with `how`."""
        self._note(_Ended(connection, at, direction, how, why), 0)

    def _note(self, event: _Opened | _Reached | _Passed | _Ended, size: int) -> None:
        self._events.append(event)
        self._noted += size + _EVENT
        waiting = self._noted - self._decoded
        if waiting > _MAX_WAITING:
            self._catch_up(_SLICE, wait=waiting > 4 * _MAX_WAITING)

    @property
    def behind(self) -> bool:
        """Whether something was noted that is not decoded."""
        return bool(self._events)

    def catch_up(self) -> None:
        """Decode a little of what was noted; for a writer that has nothing else to do."""
        self._catch_up(_SLICE, wait=False)

    def _catch_up(self, events: int, *, wait: bool) -> None:
        # A reader who holds the lock is decoding too, and leaves nothing behind.
        if self._lock.acquire(blocking=wait):
            try:
                self._decode(events)
            finally:
                self._lock.release()

    def read(self) -> Contents:
        """All that was written down so far."""
        with self._lock:
            self._decode()
            return self._contents()

    def broken_off(self) -> Contents:
        """All that was written down, with the steps that were in the middle when the record broke off."""
        with self._lock:
            self._decode()
            for line in self._lines.values():
                for arrival, step in line.cut(Arrival(self._order, 0)):
                    self._add(arrival, step)
            return self._contents()

    def _contents(self) -> Contents:
        steps = list(self._steps)
        if coming := [one for line in self._lines.values() if line.decoder for one in line.decoder.coming()]:
            steps = sorted(steps + coming, key=lambda one: one[0].order)
        return Contents(
            tuple(step for _, step in steps),
            tuple(line.summary() for line in self._lines.values()),
            Dropped(steps=self._dropped_steps, bytes=self._dropped_bytes, connections=self._dropped_connections),
            tuple(self._silences),
        )

    def _decode(self, limit: int | None = None) -> None:
        while self._events and (limit is None or limit > 0):
            if limit is not None:
                limit -= 1
            event = self._events.popleft()
            self._order += 1
            self._decoded += _EVENT + (len(event.data) if isinstance(event, _Passed) else 0)
            try:
                self._take(event)
            except Exception:
                # The writer stands between two ends that know nothing of it; it has to go on.
                logger.exception("The capture could not take down what passed on connection %d.", event.connection)

    def _take(self, event: _Opened | _Reached | _Passed | _Ended) -> None:
        if isinstance(event, _Opened):
            self._lines[event.connection] = _Line(event)
            self._make_room_for_connections()
        elif isinstance(event, _Reached):
            if line := self._lines.get(event.connection):
                line.via = event.via
        elif line := self._lines.get(event.connection):
            self._note_silence(event.at)
            for arrival, step in line.take(event, Arrival(self._order, event.at)):
                self._add(arrival, step)

    def _note_silence(self, now: int) -> None:
        if self._last is not None and now - self._last >= SILENCE:
            self._silences.append((self._last, now))
        self._last = now

    def _add(self, arrival: Arrival, step: Step) -> None:
        place = len(self._steps)
        while place and self._steps[place - 1][0].order > arrival.order:
            place -= 1
        self._steps.insert(place, (arrival, step))
        self._kept += _weight(step)
        self._dropped_bytes += step.size - len(step.raw)
        while len(self._steps) > self._max_steps or self._kept > self._max_bytes:
            _, oldest = self._steps.popleft()
            self._kept -= _weight(oldest)
            self._dropped_steps += 1
            self._dropped_bytes += len(oldest.raw)

    def _make_room_for_connections(self) -> None:
        if len(self._lines) > MAX_CONNECTIONS:
            over = next((number for number, line in self._lines.items() if line.decoder is None), None)
            if over is not None:
                del self._lines[over]
                self._dropped_connections += 1


def _weight(step: Step) -> int:
    extra = 0
    if isinstance(step, Request | Response):
        extra = len(step.body)
    elif isinstance(step, Frame) and step.inflated is not None:
        extra = len(step.inflated)
    return len(step.raw) + extra
