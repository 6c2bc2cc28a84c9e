"""Text from a submission, made fit to be shown."""

from __future__ import annotations

import re
import unicodedata

from wslab.language import shortened
from wslab.source import named

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: object, longest: int = 500) -> str:
    """One line, without the characters that move a cursor or change the direction of writing.

    Args:
        text: anything; what is no string becomes an empty one.
        longest: characters.
    """
    if not isinstance(text, str):
        return ""
    line = "".join(" " if unicodedata.category(sign) in _HIDDEN else sign for sign in text[: 2 * longest])
    return shortened(named(line.strip()), longest)


def shown(text: str) -> str:
    """A whole document with `�` for the characters that change the direction of writing or control a terminal."""
    return _CONTROLS.sub("\ufffd", text)
