"""What somebody calls themselves, made fit to be shown on a projector. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

LONGEST = 24
"""Visible characters of a nickname."""

_MARKS = 2  # on one letter; more of them climb over the lines above
# Letters by their category, but nothing is to be seen of them: Hangul fillers, the empty Braille cell.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def clean(given: str) -> str:
    """`given` in NFC without controls, bidirectional overrides and invisible characters; "" if nothing is left.

    Spaces of every kind become one space; of marks that stack up on a letter the first two stay.
    """
    kept: list[str] = []
    marks = 0
    for letter in unicodedata.normalize("NFC", given):
        category = unicodedata.category(letter)
        if category[0] == "Z" or letter in "\t\n\r":
            kept.append(" ")
        elif category[0] == "C" or letter in _BLANK:
            continue
        elif category in ("Mn", "Me"):
            marks += 1
            if marks <= _MARKS and kept and kept[-1] != " ":
                kept.append(letter)
            continue
        else:
            kept.append(letter)
        marks = 0
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def length(nickname: str) -> int:
    """How many visible characters it has: marks belong to their letter."""
    return sum(unicodedata.category(letter) not in ("Mn", "Me") for letter in nickname)


def _cut(nickname: str, longest: int) -> str:
    while length(nickname) > longest:
        nickname = nickname[:-1]
    return nickname.rstrip()


def _key(nickname: str) -> str:
    return unicodedata.normalize("NFKC", nickname).casefold()


def same(nickname: str, other: str) -> bool:
    """Whether two nicknames cannot be told apart: case and compatibility forms do not count."""
    return _key(nickname) == _key(other)


def unique(nickname: str, taken: Iterable[str]) -> str:
    """`nickname`, or with a number behind it where `taken` holds it already: `Ada 2`. Case does not tell two apart."""
    keys = {_key(other) for other in taken}
    candidate = nickname
    number = 1
    while _key(candidate) in keys:
        number += 1
        candidate = f"{_cut(nickname, LONGEST - 1 - len(str(number)))} {number}"
    return candidate
