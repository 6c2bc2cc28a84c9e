"""Replaces what UTF-8 cannot hold: file names in another encoding, and lone surrogates."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_STANDS_FOR_ANOTHER = re.compile("[\ud800-\udfff\ufffd]")
_NAME = re.compile(r"(?P<stem>.*?)(?P<suffix>(\.\w{1,8})?)", re.DOTALL)


def known_as(name: str) -> str:
    """What to call a file or a folder, in NFC.

    A name in another encoding, as a zip of another system leaves on Linux, has `�` for each byte that is none of
    UTF-8's, and a digest of what these were, so that two names stay two.

    Args:
        name: as the file system gives it.
    """
    whole_name = unicodedata.normalize("NFC", name)
    if not _LONE_SURROGATE.search(whole_name):
        return whole_name
    # Not of the whole name: two files that one student is named by in the same way are that student's.
    lost = "".join(_STANDS_FOR_ANOTHER.findall(whole_name)).encode("utf-8", "surrogatepass")
    parts = _NAME.fullmatch(_LONE_SURROGATE.sub("\ufffd", whole_name))
    assert parts is not None
    return f"{parts['stem']}-{hashlib.sha256(lost).hexdigest()[:8]}{parts['suffix']}"


def whole(text: str) -> str:
    """A text with every lone surrogate (half of a character) as its escape: `\\ud83d`.

    Args:
        text: what JSON may have given, which lets a text be cut within a character.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def lone_surrogates(text: str) -> list[str]:
    """The lone surrogates of a text, as `whole()` writes them."""
    return [whole(found) for found in _LONE_SURROGATE.findall(text)]
