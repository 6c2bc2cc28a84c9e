"""The token that opens the gate: easy to type from a projector, hard to guess, compared in constant time."""

from __future__ import annotations

import hmac
import re
import secrets

_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # without 0, 1, i, l and o, which look like each other
_OWN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{6,62})[A-Za-z0-9]")


def new_token() -> str:
    """A fresh token such as `k7mq-2x9t-w4hd`: twelve letters and digits, 59 bits."""
    letters = [secrets.choice(_LETTERS) for _ in range(12)]
    return "-".join("".join(letters[start : start + 4]) for start in (0, 4, 8))


def acceptable(token: str) -> bool:
    """Whether a token of somebody's own choice can stand in an address: 8 to 64 English letters, digits and hyphens."""
    return _OWN.fullmatch(token) is not None


def _bare(token: str) -> bytes:
    return re.sub(r"[\s-]", "", token).lower().encode("utf-8", "replace")


def matches(given: str, token: str) -> bool:
    """Whether `given` is `token`, as somebody types it: hyphens, spaces and case do not count.

    The comparison takes the same time wherever the two differ.
    """
    return hmac.compare_digest(_bare(given), _bare(token))
