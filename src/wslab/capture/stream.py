"""One direction of a connection as a stream of bytes that remembers when each of them came.

It reads as `websockets.streams.StreamReader` does, by generators, so that websockets' parsers can read from it. But
that one moves every byte three times, and a megabyte message with it; here a payload stays where it was received.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import NamedTuple


class Arrival(NamedTuple):
    """When bytes came.

    Attributes:
        order: the number of the event that brought them, which rises over all connections and both directions.
        at: nanoseconds since the capture began.
    """

    order: int
    at: int


_NEVER = Arrival(0, 0)


class Stream:
    """Bytes that come in pieces and are read in others; and of the step that is being read, what it is made of.

    `begin()` starts a step; whatever is read after it is in `raw`, of which no more than `keep` bytes are held, and
    counted in `size`. The generators yield where more bytes are needed, and raise `EOFError` where none will come.

    Attributes:
        started: when the first byte of the step came.
        finished: when the last byte that was read came.
        size: how many bytes of the step were read so far.
        waiting: how many bytes came that nobody has read.
        orderly: whether the stream has ended, with a FIN.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._pieces: deque[tuple[bytes, Arrival]] = deque()
        self._read = 0  # of the first piece
        self._over = False
        self._parts: list[bytes | memoryview] = []
        self._kept = 0
        self.started = self.finished = _NEVER
        self.size = 0
        self.waiting = 0
        self.orderly = False

    @property
    def raw(self) -> bytes:
        """The beginning of the bytes of the step that were read so far."""
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return bytes(self._parts[0]) if self._parts else b""

    def feed(self, data: bytes, arrival: Arrival) -> None:
        """Add bytes at the end; there has to be one at least."""
        self._pieces.append((data, arrival))
        self.waiting += len(data)

    def end(self, *, orderly: bool) -> None:
        """Say that no more bytes will come; `orderly` where the sender said so itself, with a FIN."""
        self.orderly = orderly
        self._over = True

    def begin(self) -> Generator[None, None, bool]:
        """Wait for the first byte of a step; False where the stream ended instead."""
        while not self._pieces:
            if self._over:
                return False
            yield
        self._parts = []
        self._kept = self.size = 0
        self.started = self._pieces[0][1]
        return True

    def exact(self, count: int) -> Generator[None, None, bytes]:
        """Read `count` bytes, all or none."""
        while self.waiting < count:
            if self._over:
                raise EOFError(f"stream ends after {self.waiting} bytes, expected {count} bytes")
            yield
        data = b""
        while len(data) < count:
            data += self._take(count - len(data))
        return data

    def some(self, limit: int) -> Generator[None, None, memoryview]:
        """Read what there is, at least one byte and at most `limit`."""
        while not self._pieces:
            if self._over:
                raise EOFError("stream ended")
            yield
        return self._take(limit)

    def line(self, limit: int, too_long: type[Exception]) -> Generator[None, None, bytes]:
        """Read a line, its LF included; `too_long` is raised for one of more than `limit` bytes."""
        line = b""
        while not line.endswith(b"\n"):
            while not self._pieces:
                if self._over:
                    raise EOFError(f"stream ends after {len(line)} bytes, before end of line")
                yield
            data = self._pieces[0][0]
            end = data.find(b"\n", self._read) + 1
            line += self._take((end or len(data)) - self._read)
            if len(line) > limit:
                raise too_long(f"read {len(line)} bytes, expected no more than {limit} bytes")
        return line

    def rest(self) -> None:
        """Read all that came and was not read, without waiting for more."""
        while self._pieces:
            self._take(len(self._pieces[0][0]))

    def _take(self, limit: int) -> memoryview:
        """Read up to `limit` bytes of the first piece."""
        data, self.finished = self._pieces[0]
        end = self._read + limit
        if end >= len(data):
            taken = memoryview(data)[self._read :]
            self._pieces.popleft()
            self._read = 0
        else:
            taken = memoryview(data)[self._read : end]
            self._read = end
        size = len(taken)
        self.size += size
        self.waiting -= size
        room = self._keep - self._kept
        if room > 0:
            self._parts.append(taken if size <= room else taken[:room])
            self._kept += min(size, room)
        return taken
