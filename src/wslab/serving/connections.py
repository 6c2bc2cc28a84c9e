"""Which WebSocket connections a server holds, and how many bytes wait in each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wslab.language import Text
from wslab.picture import stylesheet, table

_HEAD = (
    Text(en="peer", tr="karşı uç"),
    Text(en="path", tr="yol"),
    Text(en="bytes in the write buffer", tr="yazma arabelleğindeki bayt"),
    Text(en="since", tr="ne zamandan beri"),
    Text(en="process", tr="süreç"),
)
_NONE = Text(en="The server holds no WebSocket connection.", tr="Sunucunun elinde WebSocket bağlantısı yok.")


@dataclass(frozen=True, slots=True)
class Connection:
    """A WebSocket connection that uvicorn holds, whether or not a handler is still at work for it.

    Attributes:
        peer: the client's address, `127.0.0.1:53211`; empty on a Unix socket, where clients have none.
        path: what the client asked for, its query included: `/ws?name=Ada`.
        buffered: bytes in the transport's write buffer: sent by the app, not yet taken by the operating system
            (`asyncio.WriteTransport.get_write_buffer_size`).
        since: when the connection became a WebSocket, with its time zone.
        process: which process holds it, by its number in the operating system; 0 in a server that is a thread of this
            very process.
    """

    peer: str
    path: str
    buffered: int
    since: datetime
    process: int = 0


class Connections(tuple[Connection, ...]):
    """The connections of one server at one moment, oldest first. Displayed, it is a table."""

    __slots__ = ()

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [
            (
                *(one.peer, one.path, f"{one.buffered:_}", one.since.astimezone().strftime("%H:%M:%S.%f")[:-3]),
                str(one.process),
            )
            for one in self
        ]
        rows.insert(0, tuple(str(name) for name in _HEAD))
        return rows if any(one.process for one in self) else [row[:-1] for row in rows]

    def __repr__(self) -> str:
        if not self:
            return str(_NONE)
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    def _repr_html_(self) -> str:
        if not self:
            return f'<div class="wslab"><style>{stylesheet()}</style>{_NONE}</div>'
        head, *rows = self._rows()
        return f'<div class="wslab"><style>{stylesheet()}</style>{table(head, rows)}</div>'


def dated(protocol: Any) -> Any:
    """A subclass of uvicorn's WebSocket protocol that knows since when it has its transport.

    Args:
        protocol: as in `uvicorn.Config.ws_protocol_class`; None, where there are no WebSockets, stays None.
    """
    if protocol is None:
        return None

    class Dated(protocol):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.since = datetime.now(UTC)
            super().connection_made(transport)

    return Dated


def held(protocols: Iterable[Any]) -> Connections:
    """What there is to tell about the WebSockets among uvicorn's connections; may be called from any thread.

    Args:
        protocols: as in `uvicorn.Server.server_state.connections`.
    """
    found = []
    for protocol in list(protocols):
        # One that is opening has no scope yet, and one that ends meanwhile no transport any more.
        with contextlib.suppress(AttributeError):
            if (since := getattr(protocol, "since", None)) is not None:
                found.append(_connection(protocol, since))
    return Connections(sorted(found, key=lambda one: one.since))


def _connection(protocol: Any, since: datetime) -> Connection:
    scope = protocol.scope
    peer = ":".join(map(str, scope.get("client") or ()))
    query = scope["query_string"].decode("latin-1")
    path = scope["path"] + (f"?{query}" if query else "")
    return Connection(peer, path, _buffered(protocol.transport), since)


def _buffered(transport: asyncio.WriteTransport) -> int:
    while True:
        try:
            return transport.get_write_buffer_size()
        except RuntimeError:  # the server's thread wrote while this one was adding up
            continue
