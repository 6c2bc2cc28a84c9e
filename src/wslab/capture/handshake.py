"""The opening handshake, judged (RFC 6455 §4), and the extension that it agreed on (RFC 7692)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import NamedTuple

from websockets.exceptions import InvalidHeader
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.headers import parse_extension

from wslab.capture.steps import Request, Response

_MISSING = "–"

Fault = tuple[str, str]


def request_faults(request: Request) -> Iterator[Fault]:
    """The rules that a handshake breaks, each with what broke it (RFC 6455 §4.1)."""
    if request.method != "GET" or request.version != "HTTP/1.1":
        yield "handshake-method", f"{request.method} {request.version}"
    if request.header("Host") is None:
        yield "handshake-host", ""
    if "upgrade" not in request.tokens("Connection"):
        yield "handshake-connection", request.header("Connection") or _MISSING
    if not _is_key(request.key):
        yield "handshake-key", request.key or _MISSING
    if (version := request.header("Sec-WebSocket-Version")) != "13":
        yield "handshake-version", version or _MISSING


def _is_key(key: str | None) -> bool:
    try:
        return key is not None and len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def response_faults(response: Response, request: Request | None) -> Iterator[Fault]:
    """The rules that a 101 breaks as the answer to `request`, each with what broke it (RFC 6455 §4.1, §4.2.2)."""
    if request is None or not request.upgrade:
        yield "unasked-switch", ""
        return
    if response.tokens("Upgrade") != ("websocket",) or "upgrade" not in response.tokens("Connection"):
        yield (
            "response-upgrade",
            " · ".join(f"{name}: {response.header(name) or _MISSING}" for name in ("Upgrade", "Connection")),
        )
    if not response.accept_matches:
        yield "accept-mismatch", f"{response.accept or _MISSING} ≠ {response.expected_accept or _MISSING}"
    offered = {name for name, _ in _extensions(request)}
    if surplus := sorted({name for name, _ in _extensions(response)} - offered):
        yield "extension-not-offered", ", ".join(surplus)
    if response.subprotocol is not None and response.subprotocol not in request.subprotocols:
        yield "subprotocol-not-offered", response.subprotocol


def _extensions(message: Request | Response) -> list[tuple[str, dict[str, str | None]]]:
    try:
        parsed = parse_extension(message.extensions) if message.extensions else []
    except InvalidHeader:
        return []
    return [(name, dict(parameters)) for name, parameters in parsed]


class Agreed(NamedTuple):
    """What the two ends agreed on, for the decoder.

    Attributes:
        from_client: inflates what the client compressed; None without permessage-deflate.
        from_server: inflates what the server compressed; None likewise.
        unknown: whether there is an extension that this kit does not know, which may use any reserved bit.
    """

    from_client: PerMessageDeflate | None
    from_server: PerMessageDeflate | None
    unknown: bool


def agreed_extensions(response: Response) -> Agreed:
    """The extensions that a 101 puts in force (RFC 7692 §7.1: its parameters are the agreement)."""
    from_client = from_server = None
    unknown = False
    for name, parameters in _extensions(response):
        if name != PerMessageDeflate.name:
            unknown = True
            continue
        from_client = _inflater(parameters, "client")
        from_server = _inflater(parameters, "server")
    return Agreed(from_client, from_server, unknown)


def _inflater(parameters: dict[str, str | None], sender: str) -> PerMessageDeflate | None:
    bits = parameters.get(f"{sender}_max_window_bits") or "15"
    if bits not in ("8", "9", "10", "11", "12", "13", "14", "15"):
        return None
    return PerMessageDeflate(
        remote_no_context_takeover=f"{sender}_no_context_takeover" in parameters,
        local_no_context_takeover=True,
        remote_max_window_bits=int(bits),
        local_max_window_bits=15,
    )
