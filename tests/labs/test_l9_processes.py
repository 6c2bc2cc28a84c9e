"""What L9 reads off the messages."""

from __future__ import annotations

import pytest

from wslab.labs.l9_processes import SWITCHES, TICKS, id_of, said_in, switches, ticks_by
from wslab.labs.stage import Message


@pytest.mark.parametrize(
    ("data", "number", "said"),
    [
        ("1795-0 Merhaba", "1795-0", "Merhaba"),
        (b"7 iki kelime", "7", "iki kelime"),
        ("Merhaba", "", ""),
        ("7 ", "7", ""),
    ],
)
def test_a_number_stands_in_front_of_what_was_said(data: str | bytes, number: str, said: str) -> None:
    assert (id_of(Message(data, 0.0)), said_in(Message(data, 0.0))) == (number, said)


@pytest.mark.parametrize(
    ("data", "name"),
    [("7-0 tick 4711", "4711"), ("7-0 tick", ""), ("tick 4711", ""), ("7-0 tick 4711 now", ""), ("7-0 tock 4711", "")],
)
def test_a_tick_names_its_process(data: str, name: str) -> None:
    assert ticks_by(Message(data, 0.0)) == name


def test_two_broadcasters_take_turns_and_one_may_change_once() -> None:
    assert switches([]) == 0
    assert switches(["a"] * 5 + ["b"] * 7) == 1
    assert switches(["a", "b"] * (TICKS // 2)) == TICKS - 1 > SWITCHES
