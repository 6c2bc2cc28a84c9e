"""Drops what a notebook shows, its outputs first, from the bytes of the file: before anything is made of them.

A figure can have millions of numbers. As Python objects they would fill the memory; here they are passed over by
regular expressions whose quantifiers give nothing back (`*+`), so that the time grows with the length and no faster.
"""

from __future__ import annotations

import re

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT = rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+"
_SHOWN = re.compile(rb'"(?:outputs|attachments|widgets)"\s*+:\s*+(?=[\[{])')
# Up to the next string that could be such a key.
_UP_TO_SHOWN = re.compile(rb'(?:[^"]++|(?!"(?:outputs|attachments|widgets)")' + _STRING + rb")*+", re.DOTALL)
# Within a value: everything that has no bracket in it, and every array or object that has none inside.
_UP_TO_BRACKET = re.compile(
    rb'(?:[^"\[\]{}]++|' + _STRING + rb"|\[" + _FLAT + rb"\]|\{" + _FLAT + rb"\})*+([\[\]{}])", re.DOTALL
)
_ANY_STRING = re.compile(_STRING, re.DOTALL)
_MOST_BRACKETS = 8_000_000


def without_outputs(data: bytes) -> bytes:
    """The same JSON with `outputs`, `attachments` and the state of widgets emptied.

    What is no JSON, was cut off, or has more brackets within brackets than a figure needs comes back as far as it was
    understood, and the rest as it is.

    Args:
        data: a notebook, in UTF-8.
    """
    kept: list[bytes] = []
    done = place = 0
    brackets = _MOST_BRACKETS
    while True:
        found = _UP_TO_SHOWN.match(data, place)
        place = found.end() if found is not None else place
        shown = _SHOWN.match(data, place)
        if shown is None:
            other = _ANY_STRING.match(data, place)
            if other is None:
                return b"".join([*kept, data[done:]])
            place = other.end()
            continue
        end, brackets = _end_of_value(data, shown.end(), brackets)
        if end is None:
            return b"".join([*kept, data[done:]])
        kept += [data[done : shown.end()], b"[]" if data[shown.end()] == ord("[") else b"{}"]
        done = place = end


def _end_of_value(data: bytes, place: int, brackets: int) -> tuple[int | None, int]:
    """Where the array or object that begins at `place` ends, None where it does not; and how many brackets are left."""
    depth = 1
    place += 1
    while depth:
        found = _UP_TO_BRACKET.match(data, place)
        brackets -= 1
        if found is None or brackets < 0:
            return None, brackets
        depth += 1 if found[1] in b"[{" else -1
        place = found.end()
    return place, brackets
