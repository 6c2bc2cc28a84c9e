"""What the kit needs to know of ASGI scopes."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any


def sent_path(scope: MutableMapping[str, Any]) -> str:
    """The path that the client sent, decoded. It is for a server's own scope, not for that of a mounted app.

    uvicorn puts its option `root_path` in front of it, as the ASGI specification has it (HTTP connection scope, `path`
    and `root_path`), so `scope["path"]` is another one where a server stands behind a proxy's prefix.
    """
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def set_sent_path(scope: MutableMapping[str, Any], path: str, raw_path: bytes) -> None:
    """Let the scope hold another path, as if the client had sent it.

    Args:
        scope: of a server.
        path: decoded.
        raw_path: percent-encoded.
    """
    root = scope.get("root_path", "")
    scope["path"] = root + path
    scope["raw_path"] = root.encode() + raw_path
