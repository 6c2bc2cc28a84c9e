"""Limits of TCP connections: too many of them, or one that does not finish its request in time, are aborted.

uvicorn has no deadline for the head of a request: a client that sends one byte a minute keeps its connection for
ever. An ASGI app is not called before the head is complete, so the limit belongs into the protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from wslab.gate.limits import Limits


def _address(transport: Any) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) and peer else ""


def guarded(protocol: type[asyncio.Protocol], limits: Limits, refused: Callable[[str, str], None]) -> Any:
    """A subclass of uvicorn's HTTP protocol `protocol` that keeps to `limits`.

    Args:
        refused: told the reason (`connections` or `slow`) and the address of the aborted connection.
    """

    class Guarded(protocol):  # type: ignore[misc, valid-type]
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            address = _address(transport)
            others = [other.transport for other in self.connections if not other.transport.is_closing()]
            same = sum(_address(other) == address for other in others)
            if len(others) > limits.connections or same > limits.connections_per_address:
                refused("connections", address)
                transport.abort()
                return
            self._deadline = self.loop.call_later(limits.request_deadline, self._check, address)

        def _check(self, address: str) -> None:
            # A WebSocket has a protocol of its own by now, a request has its cycle; and the gate answers each request
            # with “Connection: close”, so there is no second one to wait for.
            transport = self.transport
            if transport.get_protocol() is self and self.cycle is None and not transport.is_closing():
                refused("slow", address)
                transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
            super().connection_lost(exc)

    return Guarded
