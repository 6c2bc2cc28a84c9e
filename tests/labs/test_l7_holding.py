"""What L7 reads off the messages: numbers, what is wrong with them, and how much is said to be gone."""

from __future__ import annotations

import pytest

from wslab.labs.l7_holding import fault_in, missed_by, number_of, shown
from wslab.labs.stage import Message


@pytest.mark.parametrize(
    ("data", "number"),
    [("7 Deprem", 7), ("12 ", 12), (b"7 Deprem", 7), ("7", None), ("Deprem 7", None), ("missed 7", None)],
)
def test_the_number_stands_in_front(data: str | bytes, number: int | None) -> None:
    assert number_of(Message(data, 0.0)) == number


@pytest.mark.parametrize(("data", "missed"), [("missed 7", 7), ("missed 0", 0), ("7 missed", None), ("missed", None)])
def test_what_is_gone(data: str, missed: int | None) -> None:
    assert missed_by(Message(data, 0.0)) == missed


@pytest.mark.parametrize(
    ("numbers", "fault"),
    [([], ""), ([4], ""), ([4, 5, 6], ""), ([4, 6], "gap"), ([4, 6, 5], "order"), ([4, 4, 6], "double")],
)
def test_numbers_that_should_follow_each_other(numbers: list[int], fault: str) -> None:
    assert fault_in(numbers) == fault


def test_neighbours_are_drawn_together() -> None:
    assert shown([3, 4, 5, 9]) == "3–5, 9"
    assert shown([]) == "–"
    assert shown([1, 3, 5, 7, 9, 11, 13]) == "1, 3, 5, 7, 9, 11 …"
