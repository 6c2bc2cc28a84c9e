"""A capture as a pcapng file, so that Wireshark can be asked what it makes of the same bytes.

The format is that of the IETF draft "PCAP Now Generic (pcapng) Capture File Format". A proxy sees the byte streams
and not the segments that carried them, so the segments are made up: a handshake at the start of each connection, then
the bytes of each step in segments of at most `_SEGMENT` bytes, each acknowledging all that went the other way.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from wslab.capture.steps import Connection, Direction, Fin, Refused, Reset, Step
from wslab.capture.transcript import Address, Contents

_SEGMENT = 32 * 1024
_LINKTYPE_RAW = 101  # packets begin with their IP header
_FIN, _SYN, _RST, _PSH, _ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_COMMENT, _TIME_RESOLUTION, _APPLICATION = 1, 9, 4


@dataclass(slots=True)
class _Flow:
    """Where the two byte streams of a connection stand, counted from their SYN."""

    client: Address
    server: Address
    sent: dict[Direction, int] = field(default_factory=lambda: dict.fromkeys(Direction, 0))

    def packet(self, direction: Direction, flags: int, payload: bytes = b"", size: int | None = None) -> bytes:
        """The next packet that way; where fewer bytes were kept than passed, the numbers go on by `size`."""
        client, server = _ip(self.client), _ip(self.server)
        ports = (self.client[1] & 0xFFFF, self.server[1] & 0xFFFF)
        source, target = (client, server) if direction is Direction.TO_SERVER else (server, client)
        if direction is Direction.TO_CLIENT:
            ports = (ports[1], ports[0])
        acknowledged = self.sent[direction.opposite] if flags & _ACK else 0
        head = struct.pack(
            "!HHIIBBHHH",
            *ports,
            self.sent[direction] & 0xFFFFFFFF,
            acknowledged & 0xFFFFFFFF,
            5 << 4,
            flags,
            0xFFFF,
            0,
            0,
        )
        length = len(payload) if size is None else size
        pseudo = source + target + struct.pack("!BBH", 0, 6, 20 + length)
        checksum = _checksum(pseudo + head + payload)
        segment = head[:16] + struct.pack("!H", checksum) + head[18:] + payload
        self.sent[direction] += length + (1 if flags & (_SYN | _FIN) else 0)
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + length, 0, 0x4000, 64, 6, 0) + source + target
        return ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:] + segment


def _ip(address: Address) -> bytes:
    try:
        parsed = ipaddress.ip_address(address[0])
    except ValueError:
        return bytes((127, 0, 0, 1))
    return parsed.packed if parsed.version == 4 else bytes((127, 0, 0, 1))


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _block(kind: int, body: bytes, options: bytes = b"") -> bytes:
    if options:
        options += struct.pack("<HH", 0, 0)
    total = 12 + len(body) + len(options)
    return struct.pack("<II", kind, total) + body + options + struct.pack("<I", total)


def _packet_block(at: int, packet: bytes, size: int, comment: str) -> bytes:
    body = struct.pack("<IIIII", 0, at >> 32 & 0xFFFFFFFF, at & 0xFFFFFFFF, len(packet), size)
    return _block(6, body + packet + bytes(-len(packet) % 4), _option(_COMMENT, comment.encode()) if comment else b"")


def dumps(contents: Contents, started_at: int) -> bytes:
    """The pcapng file of a capture.

    Args:
        contents: the capture.
        started_at: nanoseconds since 1970 when it began.
    """
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    interface = struct.pack("<HHI", _LINKTYPE_RAW, 0, 0)
    file = bytearray(_block(0x0A0D0D0A, section, _option(_APPLICATION, b"WebSocket Lab")))
    file += _block(1, interface, _option(_TIME_RESOLUTION, b"\x09"))  # nanoseconds
    for at, packet, size, comment in sorted(_packets(contents), key=lambda one: one[0]):
        file += _packet_block(started_at + at, packet, size, comment)
    return bytes(file)


def _packets(contents: Contents) -> Iterator[tuple[int, bytes, int, str]]:
    flows: dict[int, _Flow] = {}
    for connection in contents.connections:
        flow = flows[connection.number] = _Flow(connection.client, connection.server)
        yield from _opening(connection, flow)
    for number, step in enumerate(contents.steps, start=1):
        known = flows.get(step.connection)
        if known is not None:
            yield from _step(step, known, f"step {number}: {step.kind}")


def _opening(connection: Connection, flow: _Flow) -> Iterator[tuple[int, bytes, int, str]]:
    for direction, flags in (
        (Direction.TO_SERVER, _SYN),
        (Direction.TO_CLIENT, _SYN | _ACK),
        (Direction.TO_SERVER, _ACK),
    ):
        packet = flow.packet(direction, flags)
        yield connection.start, packet, len(packet), f"connection {connection.number}"


def _step(step: Step, flow: _Flow, comment: str) -> Iterator[tuple[int, bytes, int, str]]:
    position = 0
    while position < step.size:
        size = min(_SEGMENT, step.size - position)
        packet = flow.packet(step.direction, _PSH | _ACK, step.raw[position : position + size], size)
        yield step.end, packet, 40 + size, comment
        position += size
    if isinstance(step, Fin):
        packet = flow.packet(step.direction, _FIN | _ACK)
        yield step.end, packet, len(packet), comment
    elif isinstance(step, Reset | Refused):
        packet = flow.packet(step.direction, _RST | _ACK)
        yield step.end, packet, len(packet), comment
