"""Bytes for the tests: conversations that real sans-I/O peers hold, and frames that no sane peer would send."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from wslab.capture import Capture
from wslab.capture.steps import Step

Segment = tuple[str, bytes | None]

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 §1.3


def request(*lines: str, target: str = "/ws", key: str = KEY) -> bytes:
    """A handshake, with more header lines if any."""
    head = [
        f"GET {target} HTTP/1.1",
        "Host: 127.0.0.1:8000",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *lines,
    ]
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n"


def switching(*lines: str, key: str = KEY) -> bytes:
    """The 101 that answers it."""
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    head = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept}",
        *lines,
    ]
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n"


HANDSHAKE: list[Segment] = [("client", request()), ("server", switching())]


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    key: bytes | None = b"\x37\xfa\x21\x3d",
    fin: bool = True,
    rsv: int = 0,
    form: int | None = None,
    length: int | None = None,
) -> bytes:
    """A frame, right or wrong.

    Args:
        opcode: 0 to 15.
        payload: unmasked.
        key: the masking key; None for an unmasked frame.
        fin: the FIN bit.
        rsv: the three reserved bits as a number, RSV1 being 4.
        form: in how many bits to write the length: 7, 16 or 64; what fits if left out.
        length: what length to write, if not the true one.
    """
    length = len(payload) if length is None else length
    form = form or (7 if length < 126 else 16 if length < 65536 else 64)
    mask = 0x80 if key is not None else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    head += {
        7: lambda: bytes([mask | length]),
        16: lambda: bytes([mask | 126]) + struct.pack("!H", length),
        64: lambda: bytes([mask | 127]) + struct.pack("!Q", length),
    }[form]()
    if key is None:
        return head + payload
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def decode(segments: Iterable[Segment]) -> tuple[Step, ...]:
    """The steps of a conversation, without times."""
    return Capture.from_bytes(segments).steps


class Talk:
    """Two sans-I/O peers of websockets that talk; what passes between them is in `segments`, in order.

    Args:
        compress: whether permessage-deflate is on offer on both ends.
        client_takeover: whether the client's compression carries its window from message to message.
        server_takeover: the same of the server's.
        window: bits of the windows.
    """

    def __init__(
        self, *, compress: bool = False, client_takeover: bool = True, server_takeover: bool = True, window: int = 12
    ) -> None:
        self.segments: list[Segment] = []
        client_extensions = server_extensions = None
        if compress:
            client_extensions = [
                ClientPerMessageDeflateFactory(
                    client_no_context_takeover=not client_takeover,
                    server_no_context_takeover=not server_takeover,
                    client_max_window_bits=window,
                    server_max_window_bits=window,
                )
            ]
            server_extensions = [ServerPerMessageDeflateFactory()]
        self.client = ClientProtocol(parse_uri("ws://127.0.0.1:8000/ws"), extensions=client_extensions, max_size=None)
        self.server = ServerProtocol(extensions=server_extensions, max_size=None)
        self.client.send_request(self.client.connect())
        self._carry()
        (asked,) = self.server.events_received()
        self.server.send_response(self.server.accept(asked))
        self._carry()

    def does(self, sender: str, act: Callable[[ClientProtocol | ServerProtocol], None]) -> None:
        """Let one end act, and carry what follows until both are silent."""
        act(self.client if sender == "client" else self.server)
        self._carry()

    def _carry(self) -> None:
        busy = True
        while busy:
            busy = False
            for sender, own, other in (("client", self.client, self.server), ("server", self.server, self.client)):
                for data in own.data_to_send():
                    busy = True
                    self.segments.append((sender, data))
                    if data:
                        other.receive_data(data)
                    else:
                        other.receive_eof()


def split(segments: Iterable[Segment], cuts: Sequence[int]) -> list[Segment]:
    """The same bytes in other pieces; each cut is a position in the whole."""
    pieces: list[Segment] = []
    position = 0
    for sender, data in segments:
        if not data:
            pieces.append((sender, data))
            continue
        inside = sorted({cut - position for cut in cuts if position < cut < position + len(data)})
        for start, stop in zip([0, *inside], [*inside, len(data)], strict=True):
            pieces.append((sender, data[start:stop]))
        position += len(data)
    return pieces


def sent_by(sender: str, segments: Iterable[Segment]) -> bytes:
    """All that one end sent."""
    return b"".join(data or b"" for who, data in segments if who == sender)
