"""What the build of a package compares: the digests of the course's sources, and of what was built from them.

`hatch_build.py` refuses to make a wheel from editions that are stale. It has neither jupytext nor the other packages of
an author, so `wslab build` notes what it read and what it wrote.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

PATH = "course/editions.json"


def noted(root: Path) -> Mapping[str, Mapping[str, str]]:
    """What the last build noted; nothing where it noted nothing readable."""
    try:
        found = json.loads((root / PATH).read_bytes())
        return {kind: dict(found[kind]) for kind in ("built", "sources")}
    except (OSError, ValueError, KeyError, TypeError):
        return {"built": {}, "sources": {}}


def notes(
    root: Path,
    sources: Iterable[str],
    built: Mapping[str, bytes],
    before: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> bytes:
    """The file's content.

    Args:
        root: the checkout.
        sources: the sources that were read, as paths from `root`.
        built: what was built from them.
        before: from `noted()`, what stays of it where only a part of the course was built.
    """
    read = {path: _digest((root / path).read_bytes()) for path in sources}
    wrote = {path: _digest(content) for path, content in built.items()}
    told = {"built": {**before.get("built", {}), **wrote}, "sources": {**before.get("sources", {}), **read}}
    return (json.dumps(told, indent=1, sort_keys=True) + "\n").encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]
