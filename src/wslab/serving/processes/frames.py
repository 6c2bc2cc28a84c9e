"""What the kernel and its server's processes say to each other: JSON behind its length, over TCP on 127.0.0.1."""

from __future__ import annotations

import json
import struct
from typing import Any, Literal, TypedDict

Role = Literal["supervisor", "worker"]

Message = dict[str, Any]
"""`kind` says which one it is.

From a process: `hello` (its first one, with `secret`, `role` and `pid`), `row` (of the log), `importing`, `imported`,
`ready`, `failed` (a `sentence` on why it does not start), `peer` (of a new connection), `answer` (with the `number` of
a question), `noted` (by an instrument, by its `number`). To a process: `plan` (the supervisor's first one), `ask`
(`what`, `number`), `begin` and `finish` (an instrument), `end`.
"""

HEADER = struct.Struct(">I")
LONGEST = 1 << 26
"""Bytes of the longest message."""


class Plan(TypedDict):
    """What the supervisor and the workers need to know.

    Attributes:
        app: `chat:app`.
        folder: in which the file is.
        file: the file itself.
        host, port: where the server listens.
        identity: by which a page in the browser knows the server.
        language: the reader's.
        processes: how many workers.
        options: of `uvicorn.Config`.
        line: the port on 127.0.0.1 at which the kernel listens for its processes.
        secret: by which it knows them.
        supervisor: the supervisor's number in the operating system.
    """

    app: str
    folder: str
    file: str
    host: str
    port: int
    identity: str
    language: str
    processes: int
    options: dict[str, Any]
    line: int
    secret: str
    supervisor: int


def packed(message: Message) -> bytes:
    """A message as it goes over the line."""
    data = json.dumps(message, separators=(",", ":")).encode()
    return HEADER.pack(len(data)) + data


def length(header: bytes, longest: int = LONGEST) -> int:
    """How many bytes follow.

    Args:
        header: as `packed` wrote it.
        longest: how many there may be.

    Raises:
        ValueError: more than a message may have.
    """
    (size,) = HEADER.unpack(header)
    if size > longest:
        raise ValueError(f"a message of {size} bytes")
    return int(size)


def unpacked(data: bytes) -> Message:
    """The message in these bytes.

    Raises:
        ValueError: they are none.
    """
    message = json.loads(data)
    if not isinstance(message, dict):
        raise ValueError("no message")
    return message
