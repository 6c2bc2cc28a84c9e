"""WebSocket frames off a stream (RFC 6455 §5, RFC 7692), in bounded memory and whatever the sender does wrong.

websockets' own `Frame.parse` holds the whole payload, stops at the first fault, and forgets the header bytes; so
the header is read here, and websockets unmasks, inflates and judges close frames.
"""

from __future__ import annotations

import codecs
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

import websockets.frames
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Opcode

from wslab.capture.masking import apply_mask
from wslab.capture.rules import RULES
from wslab.capture.steps import Direction, Frame, Step, Undecoded, Violation
from wslab.capture.stream import Arrival, Stream

MAX_INFLATED = 16 * 1024 * 1024
"""A message that inflates to more bytes than this is not inflated further."""

_PIECE = 65536
_COMPRESSED_PIECE = 4096  # DEFLATE can grow a thousandfold; this many bytes become 4 MiB at most.
_MAX_PINGS = 64
_CONTROL_KEPT = 1024  # a control frame has 139 bytes at most, if its sender keeps to the rules

_NAMES = {opcode.value: opcode.name for opcode in Opcode}

Emit = Callable[[Arrival, Step], None]
Fault = tuple[str, str]
"""The name of a rule, and what it was that broke it."""


class Pings:
    """The pings that one end sent and the other has not answered, with the time when each passed."""

    def __init__(self) -> None:
        self._sent: OrderedDict[bytes, int] = OrderedDict()

    def sent(self, payload: bytes, at: int) -> None:
        """Note a ping."""
        self._sent[payload] = at
        self._sent.move_to_end(payload)
        if len(self._sent) > _MAX_PINGS:
            self._sent.popitem(last=False)

    def answered(self, payload: bytes) -> int | None:
        """When the ping passed that this pong answers; it answers the ones before it as well (RFC 6455 §5.5.3)."""
        if payload not in self._sent:
            return None
        while True:
            earlier, at = self._sent.popitem(last=False)
            if earlier == payload:
                return at


class _Content:
    """What the frames of one data message carry, as its receiver would come to know it, piece by piece.

    Attributes:
        opcode: text or binary; 0 where the message has no beginning.
        deflate: inflates it; None where it is not compressed, or cannot be inflated.
        unreadable: why it cannot be inflated (see `Frame`); empty where it can, or is not compressed.
    """

    def __init__(self, opcode: int, deflate: PerMessageDeflate | None) -> None:
        self.opcode = opcode
        self.deflate = deflate
        self.unreadable = ""
        self._fresh = True
        self._inflated = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")() if opcode == Opcode.TEXT else None

    @property
    def idle(self) -> bool:
        """Whether nobody would look at more of it."""
        return self.deflate is None and self._utf8 is None

    def forget(self, why: str) -> None:
        """Look at nothing more of it: what follows cannot be read."""
        self.unreadable = why
        self.deflate = None
        self._utf8 = None

    def inflate(self, data: bytes, *, last: bool) -> bytes:
        """The next bytes of the payload, inflated; themselves where they are not compressed.

        Raises:
            ProtocolError: they are no DEFLATE data.
            PayloadTooBig: the message inflates to more than `MAX_INFLATED` bytes.
        """
        if self.deflate is None:
            return data
        frame = websockets.frames.Frame(Opcode.BINARY if self._fresh else Opcode.CONT, data, fin=last, rsv1=self._fresh)
        self._fresh = False
        data = bytes(self.deflate.decode(frame, max_size=MAX_INFLATED - self._inflated + 1).data)
        self._inflated += len(data)
        if self._inflated > MAX_INFLATED:
            raise PayloadTooBig(self._inflated, MAX_INFLATED)
        return data

    def is_text(self, data: bytes, *, last: bool) -> bool:
        """Whether the message is UTF-8 up to these bytes, the next of it inflated; told once, and true of binary."""
        if self._utf8 is not None:
            try:
                self._utf8.decode(data, final=last)
            except UnicodeDecodeError:
                self._utf8 = None
                return False
        return True


@dataclass(slots=True)
class _Payload:
    """What came of a frame's payload.

    Attributes:
        missing: how many bytes did not come.
        inflated: the beginning of it inflated; None where it is not compressed, or could not be inflated.
        size: how many bytes it has when inflated.
        faults: what is wrong with it.
    """

    missing: int
    inflated: bytearray | None = None
    size: int = 0
    faults: list[Fault] = field(default_factory=list)


class FrameReader:
    """Reads the frames that one end sends.

    Args:
        connection: number of the connection.
        direction: which way the frames go.
        stream: where they come from.
        keep: how many inflated bytes of a frame to hold.
        own_pings: where to note the pings among them.
        others_pings: the pings that the pongs among them answer.
        emit: what takes each step.
    """

    def __init__(
        self,
        connection: int,
        direction: Direction,
        stream: Stream,
        *,
        keep: int,
        own_pings: Pings,
        others_pings: Pings,
        emit: Emit,
    ) -> None:
        self.deflate: PerMessageDeflate | None = None
        self.unknown_extensions = False
        self._connection = connection
        self._direction = direction
        self._stream = stream
        self._keep = keep
        self._own_pings = own_pings
        self._others_pings = others_pings
        self._emit = emit
        self._message: _Content | None = None
        self._context_lost = False
        self._closed = False
        self._told: set[str] = set()

    def run(self) -> Generator[None, None, None]:
        """Read frames until the stream ends."""
        while (yield from self._stream.begin()):
            yield from self._frame()

    def broke(self, rule: str, detail: str = "") -> None:
        """Tell that the sender broke a rule, unless it was told before."""
        if rule in self._told:
            return
        self._told.add(rule)
        stream = self._stream
        arrival = max(stream.started, stream.finished)
        violation = Violation(
            connection=self._connection,
            direction=self._direction,
            start=stream.started.at,
            end=arrival.at,
            rule=RULES[rule],
            detail=detail,
        )
        self._emit(arrival, violation)

    def _frame(self) -> Generator[None, None, None]:
        stream = self._stream
        try:
            head = yield from stream.exact(2)
            length = head[1] & 0x7F
            if length >= 126:
                length = int.from_bytes((yield from stream.exact(2 if length == 126 else 8)))
            key = (yield from stream.exact(4)) if head[1] & 0x80 else b""
        except EOFError:
            self._half_a_header()
            return
        fin, rsv1, opcode = bool(head[0] & 0x80), bool(head[0] & 0x40), head[0] & 0x0F
        header_size = stream.size
        faults = list(self._header_faults(head, length))
        content = self._content(opcode, rsv1) if opcode <= Opcode.BINARY else None
        payload = yield from self._payload(content, length, key, fin=fin)
        raw = stream.raw
        frame = Frame(
            connection=self._connection,
            direction=self._direction,
            start=stream.started.at,
            end=stream.finished.at,
            raw=raw if opcode < 8 else raw[:_CONTROL_KEPT],
            size=stream.size,
            message_opcode=content.opcode if content is not None else opcode,
            inflated=None if payload.inflated is None else bytes(payload.inflated),
            inflated_size=None if payload.inflated is None else payload.size,
            round_trip=None if opcode < 8 else self._round_trip(opcode, raw[header_size:], key),
            unreadable="" if content is None else content.unreadable,
        )
        self._emit(stream.finished, frame)
        faults += payload.faults
        if content is not None and fin:
            self._message = None
        if opcode == Opcode.CLOSE:
            self._closed = True
            if not payload.missing:
                faults.extend(_close_faults(frame.payload))
        if payload.missing and stream.orderly:
            faults.append(("cut-short", f"{frame.size} B / {header_size + length} B"))
        for rule, detail in faults:
            self.broke(rule, detail)

    def _half_a_header(self) -> None:
        stream = self._stream
        stream.rest()
        step = Undecoded(
            connection=self._connection,
            direction=self._direction,
            start=stream.started.at,
            end=stream.finished.at,
            raw=stream.raw,
            size=stream.size,
        )
        self._emit(stream.finished, step)
        if stream.orderly:
            self.broke("cut-short", f"{stream.size} B")

    def _payload(
        self, content: _Content | None, length: int, key: bytes, *, fin: bool
    ) -> Generator[None, None, _Payload]:
        payload = _Payload(missing=length)
        if content is not None and content.deflate is not None:
            payload.inflated = bytearray()
            if not length:  # an empty one, too, has something to say to the inflater
                self._look_at(b"", content, payload, last=fin)
        while payload.missing:
            limit = _PIECE if payload.inflated is None else _COMPRESSED_PIECE
            try:
                piece = yield from self._stream.some(min(payload.missing, limit))
            except EOFError:
                break
            turn = (length - payload.missing) % 4
            payload.missing -= len(piece)
            if content is not None and not content.idle:
                plain = apply_mask(piece, key[turn:] + key[:turn]) if key else bytes(piece)
                self._look_at(plain, content, payload, last=fin and not payload.missing)
        if content is not None and fin and not length and not content.is_text(b"", last=True):
            payload.faults.append(("text-not-utf8", ""))
        return payload

    def _look_at(self, plain: bytes, content: _Content, payload: _Payload, *, last: bool) -> None:
        try:
            data = content.inflate(plain, last=last)
        except (ProtocolError, PayloadTooBig) as error:
            # What an earlier piece of this frame gave depends on where TCP cut it, so nothing is said of its text.
            payload.faults.clear()
            if isinstance(error, ProtocolError):
                payload.faults.append(("deflate-invalid", ""))
            payload.inflated = None
            self._lose(content, "deflate-invalid" if isinstance(error, ProtocolError) else "too-big")
            return
        if payload.inflated is not None:
            payload.size += len(data)
            payload.inflated += data[: max(0, self._keep - len(payload.inflated))]
        if not content.is_text(data, last=last):
            payload.faults.append(("text-not-utf8", ""))

    def _header_faults(self, head: bytes, length: int) -> Iterator[Fault]:
        opcode, short = head[0] & 0x0F, head[1] & 0x7F
        name = _NAMES.get(opcode, f"0x{opcode:X}")
        masked = bool(head[1] & 0x80)
        if masked != (self._direction is Direction.TO_SERVER):
            yield ("mask-forbidden", "") if masked else ("mask-missing", "")
        if head[0] & 0x70:
            bits = [f"RSV{n}" for n in (1, 2, 3) if head[0] & (0x80 >> n)]
            if self.deflate is not None and "RSV1" in bits:
                bits.remove("RSV1")
                if opcode not in (Opcode.TEXT, Opcode.BINARY):
                    yield "compressed-bit", name
            if bits and not self.unknown_extensions:
                yield "reserved-bit", ", ".join(bits)
        if opcode not in _NAMES:
            yield "reserved-opcode", name
        if length >= 1 << 63:
            yield "length-too-large", ""
        elif (short == 126 and length < 126) or (short == 127 and length < 65536):
            yield "length-not-minimal", f"{length} ({16 if short == 126 else 64} bit)"
        if opcode >= 8:
            if not head[0] & 0x80:
                yield "control-fragmented", name
            if length > 125:
                yield "control-too-long", str(length)
        elif self._closed:
            yield "data-after-close", name
        if opcode == Opcode.CONT and self._message is None:
            yield "continuation-unexpected", ""
        if opcode in (Opcode.TEXT, Opcode.BINARY) and self._message is not None:
            yield "continuation-expected", ""

    def _content(self, opcode: int, rsv1: bool) -> _Content:
        if opcode != Opcode.CONT or self._message is None:
            readable = self.deflate is not None and rsv1 and opcode != Opcode.CONT and not self._context_lost
            self._message = _Content(opcode, self.deflate if readable else None)
            if rsv1 and not readable:
                if self.deflate is None:
                    why = "not-agreed"
                else:
                    why = "context-lost" if opcode != Opcode.CONT else "no-beginning"
                self._message.forget(why)
        return self._message

    def _lose(self, content: _Content, why: str) -> None:
        """Give up on inflating a message, and on the ones after it if they lean on its window (RFC 7692 §7.2.3.2)."""
        if self.deflate is not None:
            self._context_lost = not self.deflate.remote_no_context_takeover
            self.deflate.decode_cont_data = False
        content.forget(why)

    def _round_trip(self, opcode: int, payload: bytes, key: bytes) -> int | None:
        if opcode not in (Opcode.PING, Opcode.PONG) or len(payload) > 125:
            return None
        payload = apply_mask(payload, key) if key else payload
        at = self._stream.finished.at
        if opcode == Opcode.PING:
            self._own_pings.sent(payload, at)
            return None
        sent = self._others_pings.answered(payload)
        return None if sent is None else at - sent


def _close_faults(payload: bytes) -> Iterator[Fault]:
    try:
        Close.parse(payload)
    except UnicodeDecodeError:
        yield "close-reason", ""
    except ProtocolError:
        yield ("close-payload", "") if len(payload) == 1 else ("close-code", str(int.from_bytes(payload[:2])))
