"""What passes between a client and a server, one dataclass a kind of step. Plain data: nothing here reads or writes."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from websockets.frames import Opcode

from wslab.capture.masking import apply_mask
from wslab.capture.rules import Rule


class Direction(enum.StrEnum):
    """Which way a step went."""

    TO_SERVER = "client→server"
    TO_CLIENT = "server→client"

    @property
    def opposite(self) -> Direction:
        """The other way."""
        return Direction.TO_CLIENT if self is Direction.TO_SERVER else Direction.TO_SERVER

    @property
    def sender(self) -> str:
        """`"client"` or `"server"`: who sent a step that went this way."""
        return self.value.partition("→")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that passed on one connection.

    Attributes:
        connection: number of the TCP connection in this capture, from 1.
        direction: which way it went; its sender is the one who did it.
        start: when its first byte passed, in nanoseconds since the capture began.
        end: when its last byte passed, in nanoseconds since the capture began.
        raw: its bytes exactly as they were on the wire; a very long step keeps only its beginning.
        size: how many bytes it had on the wire.
    """

    kind: ClassVar[str] = ""

    connection: int
    direction: Direction
    start: int
    end: int
    raw: bytes = b""
    size: int = 0

    @property
    def whole(self) -> bool:
        """Whether `raw` holds every byte of the step."""
        return len(self.raw) == self.size

    @property
    def seen_at(self) -> int:
        """When a reader of the wire knows what it is, in nanoseconds since the capture began: at its last byte."""
        return self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class _Http(Step):
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    body_size: int = 0
    head_end: int | None = None
    complete: bool = True

    @property
    def seen_at(self) -> int:
        """When its head was complete; the body may come much later."""
        return self.end if self.head_end is None else self.head_end

    def header(self, name: str) -> str | None:
        """The value of a header, several of one name joined with `, ` (RFC 9110 §5.3); None where there is none."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(found) if found else None

    def tokens(self, name: str) -> tuple[str, ...]:
        """The comma-separated members of a header, in lower case."""
        return tuple(part.strip().lower() for part in (self.header(name) or "").split(",") if part.strip())

    @property
    def extensions(self) -> str | None:
        """`Sec-WebSocket-Extensions` as sent (RFC 6455 §9.1)."""
        return self.header("Sec-WebSocket-Extensions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(_Http):
    """An HTTP request; with `upgrade` the opening handshake of RFC 6455 §4.1.

    Attributes:
        method: `GET`.
        target: path and query as sent.
        version: `HTTP/1.1`.
        headers: names and values in their order on the wire.
        body: the body without its transfer coding; a very long one keeps only its beginning.
        body_size: how many bytes the body had.
        head_end: when the last byte of its head passed, in nanoseconds since the capture began; None in captures that
            an earlier version wrote.
        complete: whether its body has come to its end. A request that streams is told from its head on.
    """

    kind: ClassVar[str] = "request"

    method: str
    target: str

    @property
    def upgrade(self) -> bool:
        """Whether the client asks to go on with WebSocket (RFC 6455 §4.1, item 5)."""
        return "websocket" in self.tokens("Upgrade")

    @property
    def key(self) -> str | None:
        """`Sec-WebSocket-Key`."""
        return self.header("Sec-WebSocket-Key")

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """The subprotocols on offer, the one the client likes best first."""
        return tuple(part.strip() for part in (self.header("Sec-WebSocket-Protocol") or "").split(",") if part.strip())

    @property
    def origin(self) -> str | None:
        """`Origin`: which page asks; only browsers send it (RFC 6455 §10.2)."""
        return self.header("Origin")

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that were sent along (RFC 6265 §4.2)."""
        pairs = (part.partition("=") for part in re.split(r";\s*", self.header("Cookie") or "") if part)
        return {name.strip(): value.strip() for name, _, value in pairs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(_Http):
    """An HTTP response; with status 101 the server's half of the opening handshake (RFC 6455 §4.2.2).

    Attributes:
        status: `101`.
        reason: `Switching Protocols`.
        version: `HTTP/1.1`.
        headers: names and values in their order on the wire.
        body: the body without its transfer coding; a very long one keeps only its beginning.
        body_size: how many bytes the body had.
        expected_accept: what `Sec-WebSocket-Accept` has to be for the key that the client sent: the Base64 of the
            SHA-1 of the key and a fixed GUID. None where no key was sent.
        head_end: when the last byte of its head passed, in nanoseconds since the capture began; None in captures that
            an earlier version wrote.
        complete: whether its body has come to its end. A response that streams is told from its head on.
    """

    kind: ClassVar[str] = "response"

    status: int
    reason: str
    expected_accept: str | None = None

    @property
    def upgrade(self) -> bool:
        """Whether this response ends HTTP on the connection: from here on there are frames."""
        return self.status == 101

    @property
    def accept(self) -> str | None:
        """`Sec-WebSocket-Accept`."""
        return self.header("Sec-WebSocket-Accept")

    @property
    def accept_matches(self) -> bool:
        """Whether `accept` is what the client's key calls for."""
        return self.accept is not None and self.accept == self.expected_accept

    @property
    def subprotocol(self) -> str | None:
        """The one subprotocol that the server chose."""
        return self.header("Sec-WebSocket-Protocol")


_NAMES = {opcode.value: opcode.name for opcode in Opcode}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Step):
    """A WebSocket frame. Its fields are read from the header bytes in `raw`, as RFC 6455 §5.2 lays them out.

    Attributes:
        message_opcode: the opcode of the message that it belongs to: a continuation carries that of the first
            fragment (1 text, 2 binary); a control frame its own.
        inflated: the payload after permessage-deflate (RFC 7692), its beginning where it is very long; None where
            the payload was not compressed or could not be inflated.
        inflated_size: how many bytes the inflated payload has; None as above.
        round_trip: for a pong, nanoseconds since the ping that it answers passed here; None otherwise, and for a
            pong that nobody asked for. It is the time from the capture to the answering end and back.
        unreadable: why the content of its compressed message is not known: `deflate-invalid`, `too-big`,
            `context-lost` (an earlier message could not be inflated), `not-agreed` or `no-beginning`; empty where
            it is known.
    """

    kind: ClassVar[str] = "frame"

    message_opcode: int
    inflated: bytes | None = None
    inflated_size: int | None = None
    round_trip: int | None = None
    unreadable: str = ""

    @property
    def fin(self) -> bool:
        """Whether this is the last fragment of its message."""
        return bool(self.raw[0] & 0x80)

    @property
    def rsv1(self) -> bool:
        """The first reserved bit: with permessage-deflate it marks a compressed message."""
        return bool(self.raw[0] & 0x40)

    @property
    def rsv2(self) -> bool:
        """The second reserved bit."""
        return bool(self.raw[0] & 0x20)

    @property
    def rsv3(self) -> bool:
        """The third reserved bit."""
        return bool(self.raw[0] & 0x10)

    @property
    def opcode(self) -> int:
        """What kind of frame it is: 0 to 15."""
        return self.raw[0] & 0x0F

    @property
    def name(self) -> str:
        """The opcode in words: `TEXT`, `BINARY`, `CONT`, `CLOSE`, `PING`, `PONG` or `RESERVED 0x3`."""
        return _NAMES.get(self.opcode, f"RESERVED 0x{self.opcode:X}")

    @property
    def control(self) -> bool:
        """Whether it is a control frame: close, ping, pong and what is reserved for more of them."""
        return self.opcode >= 8

    @property
    def masked(self) -> bool:
        """The MASK bit: a client's frame has it, a server's has not."""
        return bool(self.raw[1] & 0x80)

    @property
    def length_bits(self) -> int:
        """How many bits the payload length took: 7, 16 or 64."""
        return {126: 16, 127: 64}.get(self.raw[1] & 0x7F, 7)

    @property
    def length(self) -> int:
        """The payload length in bytes, as the header says it."""
        seven = self.raw[1] & 0x7F
        return seven if seven < 126 else int.from_bytes(self.raw[2 : 2 + self.length_bits // 8])

    @property
    def header_size(self) -> int:
        """How many bytes stand before the payload: 2 to 14."""
        return 2 + {7: 0, 16: 2, 64: 8}[self.length_bits] + (4 if self.masked else 0)

    @property
    def key(self) -> bytes:
        """The four bytes of the masking key; empty where the frame is not masked."""
        return self.raw[self.header_size - 4 : self.header_size] if self.masked else b""

    @property
    def masked_payload(self) -> bytes:
        """The payload as it stood on the wire."""
        return self.raw[self.header_size :]

    @property
    def payload(self) -> bytes:
        """The payload with the mask taken off (RFC 6455 §5.3), compressed or not."""
        return apply_mask(self.masked_payload, self.key) if self.masked else self.masked_payload

    @property
    def content(self) -> bytes:
        """What an application gets to see: the payload unmasked and inflated."""
        return self.payload if self.inflated is None else self.inflated

    @property
    def content_size(self) -> int:
        """How many bytes `content` really has, also where only the beginning was kept."""
        return self.length if self.inflated_size is None else self.inflated_size

    @property
    def complete(self) -> bool:
        """Whether every byte that the header promises came before the connection ended."""
        return self.size == self.header_size + self.length

    @property
    def text(self) -> str | None:
        """The content of a text message's frame; a letter that a fragment cuts in two shows as �.

        None for other frames, and where the message is compressed and could not be inflated.
        """
        if self.message_opcode != Opcode.TEXT or self.unreadable:
            return None
        return self.content.decode(errors="replace")

    @property
    def close_code(self) -> int | None:
        """The code of a close frame (RFC 6455 §7.4); None where it carries none, and for other frames."""
        return int.from_bytes(self.payload[:2]) if self.opcode == Opcode.CLOSE and len(self.payload) >= 2 else None

    @property
    def close_reason(self) -> str:
        """The reason of a close frame; empty where it carries none, and for other frames."""
        return self.payload[2:].decode(errors="replace") if self.opcode == Opcode.CLOSE else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation(Step):
    """A rule of the protocol that the sender of the step before it broke, told the first time in each direction.

    Attributes:
        rule: the rule, with the section where it stands.
        detail: what it was that broke it: an opcode, a length, a code.
    """

    kind: ClassVar[str] = "violation"

    rule: Rule
    detail: str = ""

    @property
    def sentence(self) -> str:
        """What was broken, in the reader's language."""
        return self.rule.says.format(detail=self.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecoded(Step):
    """Bytes that are neither HTTP nor frames; they went on through all the same."""

    kind: ClassVar[str] = "undecoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fin(Step):
    """TCP FIN: the sender has nothing more to send; it may still receive (RFC 9293 §3.6)."""

    kind: ClassVar[str] = "fin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Step):
    """TCP RST: the sender dropped the connection, both ways at once (RFC 9293 §3.5.2)."""

    kind: ClassVar[str] = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Step):
    """Nothing answered at the server's address, so the capture dropped the client.

    Attributes:
        why: the system's word for it.
    """

    kind: ClassVar[str] = "refused"

    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut(Step):
    """The capture ended while this connection was open: neither end closed it."""

    kind: ClassVar[str] = "cut"


KINDS: dict[str, type[Step]] = {
    cls.kind: cls for cls in (Request, Response, Frame, Violation, Undecoded, Fin, Reset, Refused, Cut)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, its fragments joined (RFC 6455 §5.4)."""

    frames: tuple[Frame, ...]

    @property
    def connection(self) -> int:
        """Number of the connection."""
        return self.frames[0].connection

    @property
    def direction(self) -> Direction:
        """Which way it went."""
        return self.frames[0].direction

    @property
    def start(self) -> int:
        """When its first byte passed, in nanoseconds since the capture began."""
        return self.frames[0].start

    @property
    def end(self) -> int:
        """When its last byte passed, in nanoseconds since the capture began."""
        return self.frames[-1].end

    @property
    def binary(self) -> bool:
        """Whether it is a binary message; otherwise it is text."""
        return self.frames[0].message_opcode != Opcode.TEXT

    @property
    def data(self) -> bytes:
        """The content, unmasked and inflated."""
        return b"".join(frame.content for frame in self.frames)

    @property
    def text(self) -> str | None:
        """The content as text; None for a binary message, and for one that could not be inflated."""
        if self.binary or any(frame.unreadable for frame in self.frames):
            return None
        return self.data.decode(errors="replace")

    @property
    def size(self) -> int:
        """How many bytes the content has."""
        return sum(frame.content_size for frame in self.frames)

    @property
    def complete(self) -> bool:
        """Whether the last fragment came and every byte of the content was kept."""
        return self.frames[-1].fin and self.frames[-1].complete and len(self.data) == self.size


def messages(steps: Iterable[Step]) -> Iterator[Message]:
    """The messages that the frames among `steps` make up, each where its last frame stands; control frames are none.

    A message whose last fragment never came is given after all others.
    """
    open_messages: dict[tuple[int, Direction], list[Frame]] = {}
    for step in steps:
        if not isinstance(step, Frame) or step.control or step.opcode > Opcode.BINARY:
            continue
        side = (step.connection, step.direction)
        if step.opcode != Opcode.CONT and (unfinished := open_messages.pop(side, None)):
            yield Message(frames=tuple(unfinished))
        fragments = open_messages.setdefault(side, [])
        fragments.append(step)
        if step.fin:
            yield Message(frames=tuple(open_messages.pop(side)))
    for fragments in open_messages.values():
        yield Message(frames=tuple(fragments))


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """How a WebSocket connection ended.

    Attributes:
        first: the way the first close frame went; its sender closed. None where there was none.
        client: the client's close frame.
        server: the server's close frame.
        end: the step that ended the TCP connection first: a FIN, a RST, or that the capture was cut short.
    """

    first: Direction | None = None
    client: Frame | None = None
    server: Frame | None = None
    end: Step | None = None

    @property
    def frame(self) -> Frame | None:
        """The close frame that came first."""
        return self.client if self.first is Direction.TO_SERVER else self.server

    @property
    def code(self) -> int | None:
        """The code in the first close frame. None: there was no close frame, or it carried no code."""
        return self.frame.close_code if self.frame else None

    @property
    def reason(self) -> str:
        """The reason in the first close frame."""
        return self.frame.close_reason if self.frame else ""

    @property
    def clean(self) -> bool:
        """Whether both ends sent their close frame (RFC 6455 §7.1.4)."""
        return self.client is not None and self.server is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One TCP connection, in sum; it stays known when its steps have been dropped for room.

    Attributes:
        number: its number in the capture, from 1.
        start: when the client connected, in nanoseconds since the capture began.
        end: when it was over in both directions, in nanoseconds since the capture began; None while it is not.
        client: address and port of the client.
        server: address and port of the server.
        via: address and port of the capture towards the server, which to the server are this client's; None while it
            is not connected there, and in a capture made from recorded bytes.
        process: of a server in several processes the one that took the connection, by its number in the operating
            system; 0 where that is not known.
        sent: bytes that passed client→server.
        received: bytes that passed server→client.
        websocket: whether the server switched protocols.
        closing: how it ended, as far as it has.
    """

    number: int
    start: int
    end: int | None = None
    client: tuple[str, int]
    server: tuple[str, int]
    sent: int = 0
    received: int = 0
    websocket: bool = False
    closing: Closing = Closing()
    via: tuple[str, int] | None = None
    process: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """What a capture had no room for. The bytes passed all the same.

    Attributes:
        steps: steps that went out again to make room, the oldest first.
        bytes: bytes on the wire that are not in any step's `raw`.
        connections: connections that went out again, the oldest first.
    """

    steps: int = 0
    bytes: int = 0
    connections: int = 0

    def __bool__(self) -> bool:
        return bool(self.steps or self.bytes or self.connections)
