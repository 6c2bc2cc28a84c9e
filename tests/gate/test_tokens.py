"""Tokens: fresh each time, forgiving to type, and fit for an address."""

from __future__ import annotations

import pytest

from wslab.gate.tokens import acceptable, matches, new_token


def test_tokens_are_fresh_and_can_be_typed() -> None:
    tokens = {new_token() for _ in range(200)}
    assert len(tokens) == 200
    for token in tokens:
        assert len(token) == 14
        assert not set(token) & set("01ilo")
        assert acceptable(token)
        assert matches(token.upper().replace("-", ""), token)
        assert matches(f" {token} ", token)


@pytest.mark.parametrize("given", ["", "-", "k7mq-2x9t-w4h", "k7mq-2x9t-w4hdd", "k7mq-2x9t-w4he", "ğ" * 12, "\udcff"])
def test_what_does_not_open(given: str) -> None:
    assert not matches(given, "k7mq-2x9t-w4hd")


@pytest.mark.parametrize("token", ["short", "with space 12", "slash/slash", "türkçe-harf", "-leading1", "a" * 65, ""])
def test_tokens_that_cannot_stand_in_an_address(token: str) -> None:
    assert not acceptable(token)
