"""Pictures inside a notebook, so that the file alone shows them, wherever it is copied to."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

_LINK = re.compile(r"\]\((?P<path>(?:\.\./)+docs/pictures/(?P<name>[\w.-]+\.svg))\)")
_EMBEDDED = re.compile(r"data:image/svg\+xml;name=(?P<path>[\w.%-]+);base64,[\w+/=]+")


def read_pictures(root: Path) -> dict[str, bytes]:
    """The drawings that a unit may show, by name.

    Args:
        root: the checkout.
    """
    found = sorted((root / "docs" / "pictures").glob("*.svg"))
    return {path.name: path.read_bytes().replace(b"\r\n", b"\n") for path in found}


def embedded(markdown: str, pictures: Mapping[str, bytes]) -> str:
    """`markdown` with each drawing as a `data:` address (RFC 2397) that keeps the path it had."""

    def address(match: re.Match[str]) -> str:
        if match["name"] not in pictures:
            return match[0]  # the check of links names the line
        content = base64.b64encode(pictures[match["name"]]).decode()
        return f"](data:image/svg+xml;name={quote(match['path'], safe='')};base64,{content})"

    return _LINK.sub(address, markdown)


def linked(markdown: str) -> str:
    """`markdown` with the paths of its drawings, as a source writes it."""
    return _EMBEDDED.sub(lambda match: unquote(match["path"]), markdown)
