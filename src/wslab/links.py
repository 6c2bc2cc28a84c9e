"""Links between the files of the course, as they lead where only some of them are."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

_LINK = re.compile(r"\[((?:[^\[\]`]|`[^`\n]*`)*)\]\(<?([^)<>\s]+)>?\)")
_CODE = re.compile(r"(?ms)^(```|~~~).*?^\1|`[^`\n]*`")
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)

Leads = Callable[[str], str | None]
"""Where a path of the checkout is found on the page, None where it is not published."""


def relinked(text: str, here: str, leads: Leads) -> str:
    """Markdown with every link to a file of the checkout leading to what was published of it, or no link any more.

    Args:
        text: the Markdown of a file.
        here: that file's path from the root of the checkout, with `/`.
        leads: takes the path that a link means, from the root, and returns the address to write, or None.
    """
    code = [(match.start(), match.end()) for match in _CODE.finditer(text)]

    def replaced(match: re.Match[str]) -> str:
        words, target = match[1], match[2]
        if target.startswith("#") or _OUTSIDE.match(target):
            return match[0]
        if any(start <= match.start() < end for start, end in code):
            return match[0]
        path, _, anchor = target.partition("#")
        address = leads(posixpath.normpath(posixpath.join(posixpath.dirname(here), path)))
        if address is None:
            return words
        return f"[{words}]({address}{'#' + anchor if anchor else ''})"

    return _LINK.sub(replaced, text)
