"""`Capture`: what passed between clients and a server, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from wslab.capture import jsonform, pcapng
from wslab.capture.drawing import as_html, as_text
from wslab.capture.errors import CaptureError
from wslab.capture.steps import (
    Closing,
    Connection,
    Direction,
    Dropped,
    Frame,
    Message,
    Request,
    Reset,
    Response,
    Step,
    Violation,
    messages,
)
from wslab.capture.together import Together
from wslab.capture.transcript import Contents, Transcript
from wslab.language import Text
from wslab.recording import Recording

_SEVERAL = Text(
    en="This capture holds {count} WebSocket connections; name one: wire.connection(1).closing",
    tr="Bu yakalamada {count} WebSocket bağlantısı var; birini seçin: wire.connection(1).closing",
)
_NOT_ONE = Text(
    en="This capture holds no WebSocket connection: no client got a 101.",
    tr="Bu yakalamada WebSocket bağlantısı yok: hiçbir istemci 101 yanıtı almadı.",
)
_NO_CONNECTION = Text(
    en="This capture holds no connection {number}; it holds {known}.",
    tr="Bu yakalamada {number} numaralı bağlantı yok; olanlar: {known}.",
)
_NONE = Text(en="none", tr="hiçbiri")

_Kind = TypeVar("_Kind", bound=Step)


class Passed(NamedTuple):
    """Bytes that were recorded, for `Capture.from_bytes`.

    Attributes:
        sender: `"client"` or `"server"`.
        data: the bytes; `b""` for a FIN, None for a RST.
        at: when they passed, in nanoseconds since the beginning.
        connection: number of the connection.
    """

    sender: str
    data: bytes | None
    at: int = 0
    connection: int = 1


class Capture:
    """What passed between clients and a server: every step, in the order in which it was complete.

    The last expression of a notebook cell shows it as a sequence diagram; `print()` writes it as text.

    Attributes:
        started_ns: what `time.perf_counter_ns()` said when it began; the times of the steps count from there.
        started_at: nanoseconds since 1970 when it began.
    """

    def __init__(self, contents: Contents, *, started_ns: int = 0, started_at: int = 0) -> None:
        self._contents = contents
        self.started_ns = started_ns
        self.started_at = started_at

    def _read(self) -> Contents:
        return self._contents

    @classmethod
    def from_bytes(cls, passed: Iterable[Passed | tuple[str, bytes | None] | tuple[str, bytes | None, int]]) -> Capture:
        """Decode recorded bytes.

        >>> wire = Capture.from_bytes([("client", b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"), ("client", b"")])
        >>> [step.kind for step in wire.steps]
        ['request', 'fin']

        Args:
            passed: what passed, in order: (sender, data), (sender, data, at) or a whole `Passed`.

        Raises:
            ValueError: a sender is neither `"client"` nor `"server"`.
        """
        transcript = Transcript()
        known: set[int] = set()
        for item in passed:
            sender, data, at, connection = item if isinstance(item, Passed) else Passed(*item)
            if sender not in ("client", "server"):
                raise ValueError(f"the sender is 'client' or 'server', not {sender!r}")
            direction = Direction.TO_SERVER if sender == "client" else Direction.TO_CLIENT
            if connection not in known:
                known.add(connection)
                transcript.opened(connection, at, ("127.0.0.1", 50_000 + connection % 10_000), ("127.0.0.1", 8000))
            if data:
                transcript.passed(connection, at, direction, data)
            else:
                transcript.ended(connection, at, direction, Reset if data is None else None)
        return cls(transcript.broken_off())

    @classmethod
    def from_json(cls, text: str) -> Capture:
        """The capture that `to_json()` wrote.

        Raises:
            CaptureError: the text is something else.
        """
        contents, started_ns, started_at = jsonform.loads(text)
        return cls(contents, started_ns=started_ns, started_at=started_at)

    def to_json(self) -> str:
        """The capture as JSON text, whole; bytes are hexadecimal."""
        return jsonform.dumps(self._read(), self.started_ns, self.started_at)

    def to_pcapng(self, path: str | Path | None = None) -> bytes:
        """The capture as a file for Wireshark and tshark, in the pcapng format.

        The bytes of the streams are the ones that passed, at their times; the TCP segments around them are made up,
        since a proxy does not see them. Each step's number in `steps`, from 1, is its packet's comment.

        Args:
            path: where to write it as well; None writes nothing.

        Returns:
            The bytes of the file.

        Raises:
            OSError: the file cannot be written.
        """
        data = pcapng.dumps(self._read(), self.started_at)
        if path is not None:
            Path(path).write_bytes(data)
        return data

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in the order in which its last byte passed."""
        return self._read().steps

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Every TCP connection, in the order in which they were opened."""
        return self._read().connections

    @property
    def dropped(self) -> Dropped:
        """What there was no room to keep."""
        return self._read().dropped

    def _of(self, kind: type[_Kind]) -> tuple[_Kind, ...]:
        return tuple(step for step in self.steps if isinstance(step, kind))

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The WebSocket frames."""
        return self._of(Frame)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The WebSocket messages, fragments joined; close, ping and pong are none."""
        return tuple(messages(self.steps))

    @property
    def requests(self) -> tuple[Request, ...]:
        """The HTTP requests, handshakes among them."""
        return self._of(Request)

    @property
    def responses(self) -> tuple[Response, ...]:
        """The HTTP responses, the 101 among them."""
        return self._of(Response)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """The rules that were broken."""
        return self._of(Violation)

    @property
    def closing(self) -> Closing:
        """How the one WebSocket connection ended.

        Raises:
            CaptureError: there are several: `connection(n).closing` tells them apart. Or there is none.
        """
        found = [connection for connection in self.connections if connection.websocket]
        if len(found) != 1:
            raise CaptureError(_SEVERAL if found else _NOT_ONE, count=len(found))
        return found[0].closing

    def connection(self, number: int) -> Capture:
        """What passed on one connection.

        Args:
            number: the number of the connection, from 1.

        Raises:
            CaptureError: there is none of this number.
        """
        contents = self._read()
        if not any(connection.number == number for connection in contents.connections):
            known = ", ".join(str(connection.number) for connection in contents.connections) or str(_NONE)
            raise CaptureError(_NO_CONNECTION, number=number, known=known)
        return self._with(
            contents._replace(
                steps=tuple(step for step in contents.steps if step.connection == number),
                connections=tuple(one for one in contents.connections if one.number == number),
            )
        )

    def where(self, wanted: Callable[[Step], bool]) -> Capture:
        """What passed, but only the steps for which `wanted(step)` is true.

        >>> wire = Capture.from_bytes([("client", b"GET / HTTP/1.1\\r\\n\\r\\n"), ("client", b"")])
        >>> wire.where(lambda step: step.kind == "fin").steps[0].direction.sender
        'client'
        """
        contents = self._read()
        return self._with(contents._replace(steps=tuple(step for step in contents.steps if wanted(step))))

    def _with(self, contents: Contents) -> Capture:
        return Capture(contents, started_ns=self.started_ns, started_at=self.started_at)

    def __add__(self, film: object) -> Together:
        """This capture and a film on one clock: the film's picture, with an arrow a frame."""
        if not isinstance(film, Recording):
            return NotImplemented
        return Together(film.trace, film.started_ns, self._read(), self.started_ns)

    __radd__ = __add__

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        steps, connections, *_ = self._read()
        return f"<{type(self).__name__}: {len(steps)} steps, {len(connections)} connections>"

    def __str__(self) -> str:
        return as_text(self._read())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return as_html(self._read())
