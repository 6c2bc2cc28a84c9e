"""One connection's bytes in, its steps out: no socket, no clock, no thread.

Each direction has a parser, a generator that takes bytes as they come. The client's parser waits after a handshake
until the server's has read the answer, since only the answer says what the bytes that follow are.
"""

from __future__ import annotations

import enum
import logging
from collections import deque
from collections.abc import Callable, Generator

from websockets.utils import accept_key

from wslab.capture import http1
from wslab.capture.frames import FrameReader, Pings
from wslab.capture.handshake import agreed_extensions, request_faults, response_faults
from wslab.capture.steps import Cut, Direction, Fin, Frame, Refused, Request, Reset, Response, Step, Undecoded
from wslab.capture.stream import Arrival, Stream

logger = logging.getLogger("wslab.capture")

KEEP = 256 * 1024
"""How many bytes of one step are kept."""

_MAX_HELD = 64 * 1024  # bytes that a client may send before the answer to its handshake is known
_MAX_PIPELINED = 1000
_BEGINNING = Arrival(0, 0)

_Parser = Generator[None, None, None]


class _Answer(enum.Enum):
    """What the server's answer makes of the bytes that follow a request to switch protocols."""

    PENDING = enum.auto()
    HTTP = enum.auto()
    FRAMES = enum.auto()
    UNKNOWN = enum.auto()


class Decoder:
    """Decodes one connection.

    Args:
        connection: its number, for the steps.
        keep: how many bytes of one step to hold; never fewer than `http1.MAX_HEAD`.
    """

    def __init__(self, connection: int = 1, *, keep: int = KEEP) -> None:
        self._connection = connection
        self._keep = max(keep, http1.MAX_HEAD)
        self._out: list[tuple[Arrival, Step]] = []
        self._unanswered: deque[Request] = deque()
        self._answer = _Answer.HTTP
        self._over: set[Direction] = set()
        self._coming: dict[Direction, Callable[[], tuple[Arrival, Request | Response]]] = {}
        self._streams = {direction: Stream(self._keep) for direction in Direction}
        pings = {direction: Pings() for direction in Direction}
        self._frames = {
            direction: FrameReader(
                connection,
                direction,
                self._streams[direction],
                keep=self._keep,
                own_pings=pings[direction],
                others_pings=pings[direction.opposite],
                emit=self._emit,
            )
            for direction in Direction
        }
        self._parsers: dict[Direction, _Parser] = {
            Direction.TO_SERVER: self._client(self._streams[Direction.TO_SERVER]),
            Direction.TO_CLIENT: self._server(self._streams[Direction.TO_CLIENT]),
        }

    def feed(self, direction: Direction, data: bytes, arrival: Arrival = _BEGINNING) -> list[tuple[Arrival, Step]]:
        """Take bytes that passed.

        Args:
            direction: which way.
            data: the bytes.
            arrival: when.

        Returns:
            The steps that these bytes completed, each with the arrival of its last byte. A step can be older than
            ones that were returned before: what a client sends before the answer to its handshake is read after it.

        Raises:
            ValueError: the direction has ended.
        """
        if direction in self._over:
            raise ValueError(f"{direction} has ended; no bytes can follow")
        if data:
            self._streams[direction].feed(data, arrival)
            self._advance(direction)
        return self._take()

    def end(
        self, direction: Direction, arrival: Arrival = _BEGINNING, how: Reset | Refused | Cut | None = None
    ) -> list[tuple[Arrival, Step]]:
        """Take the end of a direction.

        Args:
            direction: which way; after anything but a FIN both ways are over.
            arrival: when.
            how: what ended it; a FIN where it is left out.

        Returns:
            The steps that this completed, the end itself the last of them; none where nothing was left to end.
        """
        # Who has sent a FIN may still send a RST.
        if len(self._over) == 2 or (how is None and direction in self._over):
            return []
        ending = [direction] if how is None else [direction, direction.opposite]
        for one in ending:
            if one not in self._over:
                self._over.add(one)
                self._streams[one].end(orderly=how is None)
        for one in ending:
            self._advance(one)
        if len(self._over) == 2 and self._answer is _Answer.PENDING:
            self._answer = _Answer.UNKNOWN
            self._resume(Direction.TO_SERVER)
        fin = Fin(connection=self._connection, direction=direction, start=arrival.at, end=arrival.at)
        self._emit(arrival, how or fin)
        return self._take()

    def coming(self) -> list[tuple[Arrival, Step]]:
        """The request and the response whose head has come and whose body has not ended, as far as they have come."""
        return [so_far() for so_far in self._coming.values()]

    def _take(self) -> list[tuple[Arrival, Step]]:
        taken, self._out = self._out, []
        return taken

    def _emit(self, arrival: Arrival, step: Step) -> None:
        self._out.append((arrival, step))

    def _advance(self, direction: Direction) -> None:
        waited = self._answer is _Answer.PENDING
        self._resume(direction)
        if waited and self._answer is not _Answer.PENDING:
            self._resume(Direction.TO_SERVER)
        client = self._streams[Direction.TO_SERVER]
        if self._answer is _Answer.PENDING and client.waiting > _MAX_HELD:
            self._answer = _Answer.UNKNOWN
            self._resume(Direction.TO_SERVER)

    def _resume(self, direction: Direction) -> None:
        try:
            next(self._parsers[direction], None)
        except Exception:
            # The bytes have passed already, and the other direction may still be read.
            logger.exception("The decoder failed on connection %d.", self._connection)
            self._coming.pop(direction, None)
            self._parsers[direction] = self._opaque(self._streams[direction], direction)
            next(self._parsers[direction], None)

    def _client(self, stream: Stream) -> _Parser:
        direction = Direction.TO_SERVER
        frames = self._frames[direction]
        while (yield from stream.begin()):
            try:
                request, seen = yield from self._request(stream)
            except EOFError:
                self._broken_off(stream, direction, "malformed-request")
                return
            except Exception:
                yield from self._malformed(stream, direction, "malformed-request")
                return
            self._emit(seen, request)
            if request.upgrade:
                for rule, detail in request_faults(request):
                    frames.broke(rule, detail)
            elif request.method != "CONNECT":
                continue
            self._answer = _Answer.PENDING
            while self._answer is _Answer.PENDING:
                yield
            if self._answer is _Answer.FRAMES:
                if stream.waiting and (yield from stream.begin()):
                    frames.broke("early-data")
                yield from frames.run()
                return
            if self._answer is _Answer.UNKNOWN:
                yield from self._opaque(stream, direction)
                return

    def _request(self, stream: Stream) -> Generator[None, None, tuple[Request, Arrival]]:
        parsed, headers = yield from http1.request_head(stream)
        seen = stream.finished
        body = http1.Body(self._keep)

        def so_far(*, complete: bool) -> Request:
            return Request(
                connection=self._connection,
                direction=Direction.TO_SERVER,
                start=stream.started.at,
                end=stream.finished.at,
                raw=stream.raw,
                size=stream.size,
                method=parsed.method,
                target=parsed.path,
                version=parsed.protocol,
                headers=headers,
                body=bytes(body.kept),
                body_size=body.size,
                head_end=seen.at,
                complete=complete,
            )

        length = http1.body_length(headers, otherwise=0)
        if len(self._unanswered) < _MAX_PIPELINED:
            # The answer may come while the body is still on its way.
            self._unanswered.append(so_far(complete=False))
        yield from self._body(stream, length, body, Direction.TO_SERVER, lambda: (seen, so_far(complete=False)))
        return so_far(complete=True), seen

    def _body(
        self,
        stream: Stream,
        length: int,
        body: http1.Body,
        direction: Direction,
        so_far: Callable[[], tuple[Arrival, Request | Response]],
    ) -> _Parser:
        self._coming[direction] = so_far
        yield from http1.read_body(stream, length, body)
        del self._coming[direction]

    def _server(self, stream: Stream) -> _Parser:
        direction = Direction.TO_CLIENT
        frames = self._frames[direction]
        while (yield from stream.begin()):
            try:
                response, request, seen = yield from self._response(stream)
            except EOFError:
                self._broken_off(stream, direction, "malformed-response")
                return
            except Exception:
                yield from self._malformed(stream, direction, "malformed-response")
                return
            self._emit(seen, response)
            if response.upgrade:
                for rule, detail in response_faults(response, request):
                    frames.broke(rule, detail)
                if (request is None or not request.upgrade) and "websocket" not in response.tokens("Upgrade"):
                    self._settle(_Answer.UNKNOWN)
                    yield from self._opaque(stream, direction)
                    return
                agreed = agreed_extensions(response)
                for reader, deflate in (
                    (self._frames[Direction.TO_SERVER], agreed.from_client),
                    (frames, agreed.from_server),
                ):
                    reader.deflate = deflate
                    reader.unknown_extensions = agreed.unknown
                self._settle(_Answer.FRAMES)
                yield from frames.run()
                return
            if request is not None and request.method == "CONNECT" and response.status < 300:
                self._settle(_Answer.UNKNOWN)
                yield from self._opaque(stream, direction)
                return
            if request is not None and request.upgrade:
                self._settle(_Answer.HTTP)

    def _settle(self, answer: _Answer) -> None:
        if self._answer is _Answer.PENDING:
            self._answer = answer

    def _response(self, stream: Stream) -> Generator[None, None, tuple[Response, Request | None, Arrival]]:
        parsed, headers = yield from http1.response_head(stream)
        seen = stream.finished
        request = self._unanswered[0] if self._unanswered else None
        status = parsed.status_code
        interim = status < 200 and status != 101
        if request is not None and not interim:
            self._unanswered.popleft()
        bodiless = status < 200 or status in (204, 304) or (request is not None and request.method == "HEAD")
        tunnel = request is not None and request.method == "CONNECT" and status < 300
        length = 0 if bodiless or tunnel else http1.body_length(headers, otherwise=http1.UNTIL_END)
        key = request.key if request is not None else None
        body = http1.Body(self._keep)

        def so_far(*, complete: bool) -> Response:
            return Response(
                connection=self._connection,
                direction=Direction.TO_CLIENT,
                start=stream.started.at,
                end=stream.finished.at,
                raw=stream.raw,
                size=stream.size,
                version=stream.raw.partition(b" ")[0].decode("ascii"),
                headers=headers,
                body=bytes(body.kept),
                body_size=body.size,
                status=status,
                reason=parsed.reason_phrase,
                expected_accept=None if key is None else accept_key(key),
                head_end=seen.at,
                complete=complete,
            )

        yield from self._body(stream, length, body, Direction.TO_CLIENT, lambda: (seen, so_far(complete=False)))
        complete = length != http1.UNTIL_END or stream.orderly
        return so_far(complete=complete), None if interim else request, seen

    def _broken_off(self, stream: Stream, direction: Direction, rule: str) -> None:
        stream.rest()
        if so_far := self._coming.pop(direction, None):
            self._emit(*so_far())
            return
        if stream.orderly and b"\r\n" not in stream.raw:
            self._frames[direction].broke(rule, _first_line(stream))
        self._undecoded(stream, direction)

    def _malformed(self, stream: Stream, direction: Direction, rule: str) -> _Parser:
        self._coming.pop(direction, None)
        self._frames[direction].broke(rule, _first_line(stream))
        yield from self._drain(stream)
        self._undecoded(stream, direction)

    def _opaque(self, stream: Stream, direction: Direction) -> _Parser:
        if (yield from stream.begin()):
            yield from self._drain(stream)
            self._undecoded(stream, direction)

    def _drain(self, stream: Stream) -> _Parser:
        try:
            while True:
                yield from stream.some(65536)
        except EOFError:
            return

    def _undecoded(self, stream: Stream, direction: Direction) -> None:
        self._emit(
            stream.finished,
            Undecoded(
                connection=self._connection,
                direction=direction,
                start=stream.started.at,
                end=stream.finished.at,
                raw=stream.raw,
                size=stream.size,
            ),
        )


def decode_frame(data: bytes) -> Frame | None:
    """The one frame that `data` holds, whole and nothing else; None where it does not."""
    direction = Direction.TO_SERVER if data[1:] and data[1] & 0x80 else Direction.TO_CLIENT
    steps: list[Step] = []
    stream = Stream(KEEP)
    reader = FrameReader(
        1,
        direction,
        stream,
        keep=KEEP,
        own_pings=Pings(),
        others_pings=Pings(),
        emit=lambda _, step: steps.append(step),
    )
    stream.feed(data, _BEGINNING)
    stream.end(orderly=False)
    for _ in reader.run():
        break
    frames = [step for step in steps if isinstance(step, Frame)]
    return frames[0] if len(frames) == 1 and frames[0].complete and frames[0].size == len(data) else None


def _first_line(stream: Stream) -> str:
    line = stream.raw.partition(b"\r\n")[0][:40].decode("ascii", "backslashreplace")
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in line)
    return f"“{shown}”" + (" (TLS: wss://, https://)" if line.startswith("\x16\x03") else "")
