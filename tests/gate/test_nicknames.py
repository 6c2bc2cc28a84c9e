"""What somebody calls themselves can be shown to a class, and nobody is mistaken for somebody else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.gate.nicknames import LONGEST, clean, length, unique


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Ada", "Ada"),
        ("  Ada \t\n Lovelace ", "Ada Lovelace"),
        ("Işık Çağrı", "Işık Çağrı"),
        ("I\u0307brahim", "İbrahim"),  # NFC
        ("\u202egnihtemos\u202c", "gnihtemos"),  # right-to-left override
        ("A\u200bd\u00ada\x00\x1b[31m", "Ada[31m"),
        ("\u2066\u2069\u200e\ufeff", ""),
        ("\u3164\u2800\u115f", ""),  # letters of which nothing is to be seen
        ("\u0301\u0301", ""),  # marks without a letter
        ("a" + "\u0301" * 50, "á\u0301\u0301"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("\ud800", ""),
        ("Ada\u2028Bora", "Ada Bora"),
    ],
)
def test_what_is_left(given: str, expected: str) -> None:
    assert clean(given) == expected


@given(st.text())
def test_whatever_comes_is_fit_to_be_shown(text: str) -> None:
    shown = clean(text)
    assert clean(shown) == shown
    assert unicodedata.is_normalized("NFC", shown)
    assert not any(unicodedata.category(letter)[0] == "C" for letter in shown)
    assert shown == shown.strip()
    shown.encode("utf-8")


def test_the_second_of_a_name_gets_a_number() -> None:
    assert unique("Ada", []) == "Ada"
    assert unique("Ada", ["Ada"]) == "Ada 2"
    assert unique("ADA", ["Ada", "Ada 2"]) == "ADA 3"
    assert unique("Ａda", ["Ada"]) == "Ａda 2"  # full-width
    longest = "ş" * LONGEST
    second = unique(longest, [longest])
    assert second.endswith(" 2")
    assert length(second) == LONGEST


def test_marks_do_not_count_as_characters() -> None:
    assert length("né") == 2
    assert length("ne\u0301\u0323") == 2
