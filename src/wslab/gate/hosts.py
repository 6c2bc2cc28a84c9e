"""Which names this machine has, and where an app's WebSocket is."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import Headers
from starlette.routing import WebSocketRoute


def single_header(headers: Headers, name: str) -> str:
    """The value of a header; "" where it is missing or repeated, since a repeated one can be read in two ways."""
    values = headers.getlist(name)
    return values[0] if len(values) == 1 else ""


def own_host(header: str) -> bool:
    """Whether a Host header can be meant for this machine: an address, `localhost`, or this machine's own name.

    After DNS rebinding (another site's name resolves to this machine) a browser sends that site's name.
    """
    bare = header.strip().lower()
    if bare.startswith("["):
        name, bracket, port = bare[1:].partition("]")
        port = port.removeprefix(":")
        if not bracket:
            return False
    else:
        name, _, port = bare.partition(":")
    if port and not port.isdecimal():
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        mine = socket.gethostname().lower()
        return name in {"localhost", mine, f"{mine.removesuffix('.local')}.local"}
    return True


def socket_path(app: Any, nickname: str) -> str | None:
    """Where the app's WebSocket is, for somebody with this nickname: `/ws?name=Ada`; None where there is none.

    `/ws` if the app has it, else its first WebSocket route; a parameter in the path is the nickname.
    """
    paths = [route.path for route in getattr(app, "routes", ()) if isinstance(route, WebSocketRoute)]
    if not paths:
        # An app that does not list its routes may have a WebSocket: the course's own path is tried.
        return None if hasattr(app, "routes") else f"/ws?{urlencode({'name': nickname})}"
    path = "/ws" if "/ws" in paths else paths[0]
    parts = [quote(nickname, safe="") if part.startswith("{") else part for part in path.split("/")]
    return f"{'/'.join(parts)}?{urlencode({'name': nickname})}"
