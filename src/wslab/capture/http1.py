"""HTTP/1.1 heads and bodies off a stream (RFC 9112): the heads by websockets' parsers, the bodies in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator

from websockets.http11 import Request, Response

from wslab.capture.stream import Stream

Headers = tuple[tuple[str, str], ...]

CHUNKED = -1
"""In place of a body's length: it comes in chunks."""
UNTIL_END = 1 << 63
"""In place of a body's length: it goes on until the connection ends."""
MAX_HEAD = 64 * 1024
"""The longest head that is read, in bytes; uvicorn refuses longer ones too."""
MAX_LINE = 8192
"""The longest line that is read, in bytes: what websockets reads."""

_PIECE = 65536
_DIGITS = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?\r\n")
_BODY_HEADERS = (b"content-length", b"transfer-encoding")

_Line = Generator[None, None, bytes]
_ReadLine = Callable[[int, type[Exception]], _Line]


def _head_lines(stream: Stream) -> _ReadLine:
    def line(limit: int, too_long: type[Exception]) -> _Line:
        read = yield from stream.line(limit, too_long)
        # Parsers raise EOFError for a bare LF, as if the stream had ended; it is malformed, and the stream goes on.
        if not read.endswith(b"\r\n"):
            raise ValueError("a line without CR")
        if stream.size > MAX_HEAD:
            raise ValueError("a head without end")
        return read

    return line


def request_head(stream: Stream) -> Generator[None, None, tuple[Request, Headers]]:
    """Read the head of a request; its headers come in their order on the wire.

    Raises:
        EOFError: the stream ended first.
        Exception: it is no request.
    """
    head_line = _head_lines(stream)

    # Request.parse is made for handshakes and refuses a body, so it does not get to see the headers that frame one.
    def line(limit: int, too_long: type[Exception]) -> _Line:
        while True:
            read = yield from head_line(limit, too_long)
            if read.partition(b":")[0].lower() not in _BODY_HEADERS:
                return read

    request = yield from Request.parse(line)
    return request, _headers(stream.raw)


def response_head(stream: Stream) -> Generator[None, None, tuple[Response, Headers]]:
    """Read the head of a response; its headers come in their order on the wire.

    Raises:
        EOFError: the stream ended first.
        Exception: it is no response.
    """
    # With `proxy=True` HTTP/1.0 is let in, and the body is left in the stream for `body()`.
    lines = _head_lines(stream)
    response = yield from Response.parse(lines, stream.exact, lines, proxy=True)
    return response, _headers(stream.raw)


def _headers(head: bytes) -> Headers:
    lines = head.decode("iso-8859-1").split("\r\n")[1:-2]
    return tuple((name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines))


def _values(headers: Headers, name: str) -> list[str]:
    return [value for key, value in headers if key.lower() == name]


def body_length(headers: Headers, *, otherwise: int) -> int:
    """How long the body is that follows these headers (RFC 9112 §6.3).

    Args:
        headers: the headers of its message.
        otherwise: what it is where they don't say: 0 for a request, `UNTIL_END` for a response.

    Returns:
        A number of bytes, `CHUNKED` or `UNTIL_END`.

    Raises:
        ValueError: they contradict each other.
    """
    if codings := _values(headers, "transfer-encoding"):
        if codings[-1].lower().endswith("chunked"):
            return CHUNKED
        if otherwise == UNTIL_END:
            return UNTIL_END
        raise ValueError("a request whose last transfer coding is not chunked")
    lengths = set(_values(headers, "content-length"))
    if not lengths:
        return otherwise
    if len(lengths) > 1 or not _DIGITS.fullmatch(only := lengths.pop()):
        raise ValueError("a Content-Length that is no number")
    return int(only)


class Body:
    """A body without its transfer coding, as far as it has come.

    Attributes:
        kept: its beginning.
        size: how many bytes it has.
    """

    def __init__(self, keep: int) -> None:
        """It is empty; of what is added, no more than `keep` bytes are held."""
        self.kept = bytearray()
        self.size = 0
        self._keep = keep

    def add(self, piece: memoryview) -> None:
        """Add bytes at the end."""
        self.kept += piece[: max(0, self._keep - len(self.kept))]
        self.size += len(piece)


def read_body(stream: Stream, length: int, body: Body) -> Generator[None, None, None]:
    """Read a body.

    Args:
        stream: where it comes from.
        length: what `body_length` said.
        body: what it is added to, piece by piece.

    Raises:
        EOFError: the stream ended first.
        ValueError: its chunks are malformed.
    """
    if length != CHUNKED:
        yield from _copy(stream, length, body)
        return
    while chunk := (yield from _chunk_size(stream)):
        yield from _copy(stream, chunk, body)
        if (yield from stream.exact(2)) != b"\r\n":
            raise ValueError("a chunk without CRLF")
    while (yield from stream.line(MAX_LINE, ValueError)) != b"\r\n":
        pass  # a trailer


def _chunk_size(stream: Stream) -> Generator[None, None, int]:
    line = yield from stream.line(MAX_LINE, ValueError)
    match = _CHUNK_SIZE.fullmatch(line)
    if match is None:
        raise ValueError("a chunk without a size")
    return int(match[1], 16)


def _copy(stream: Stream, count: int, body: Body) -> Generator[None, None, None]:
    remaining = count
    while remaining:
        try:
            piece = yield from stream.some(min(_PIECE, remaining))
        except EOFError:
            if count == UNTIL_END:
                break
            raise
        body.add(piece)
        remaining -= len(piece)
