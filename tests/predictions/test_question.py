"""What a measured value makes of an answer."""

from __future__ import annotations

import http
import signal
from pathlib import Path

import pytest

from wslab.language import Text
from wslab.predictions import catalogue
from wslab.predictions.question import (
    AnswerError,
    Choice,
    Interval,
    Measure,
    Number,
    Tolerance,
    Verdict,
    Word,
    judge,
    normal_word,
    option_for,
    read_answer,
    same,
    shown,
    with_unit,
)

QUESTIONS, PROBLEMS = catalogue.read(Path(__file__).parent / "data" / "98.yml")


def choice() -> Choice:
    question = QUESTIONS["status"]
    assert isinstance(question, Choice)
    return question


class InvalidStatus(Exception):
    pass


class OpenTimeout(TimeoutError):
    pass


@pytest.mark.parametrize(
    ("value", "measured"),
    [
        (500, 500),
        (500, "500"),
        ("500", 500),
        (500, http.HTTPStatus.INTERNAL_SERVER_ERROR),
        (500, 500.0),
        (True, True),
        ("true", True),
        (None, None),
        (["a", "b"], ("a", "b")),
        ([1000, "bye"], (1000, "bye")),
        (["a", "b"], {"b", "a"}),
        ({"clients": 2}, {"clients": 2}),
        (2, signal.SIGINT),
    ],
)
def test_a_value_of_a_file_means_a_measured_value(value: object, measured: object) -> None:
    assert same(value, measured)


@pytest.mark.parametrize(
    ("value", "measured"),
    [
        (1, True),
        (0, False),
        ([1], [True]),
        (500, 403),
        ({"a": 1}, {"a": 2}),
        ([1], [1, 2]),
        (["a", "b"], ["b", "a"]),
        ("", None),
    ],
)
def test_values_that_only_look_alike_stay_apart(value: object, measured: object) -> None:
    assert not same(value, measured)


@pytest.mark.parametrize(
    ("measured", "option"),
    [
        (500, "failed"),
        ("403", "refused"),
        (TimeoutError("timed out during opening handshake"), "timeout"),
        (OpenTimeout(), "timeout"),
        (TimeoutError, "timeout"),
        (InvalidStatus(), None),
        (200, None),
        (None, None),
    ],
)
def test_an_option_is_found_by_what_was_measured(measured: object, option: str | None) -> None:
    found = option_for(choice(), measured)
    assert (found and found.id) == option


def test_the_most_exact_exception_class_decides() -> None:
    text = Text.of("x")
    options = [
        catalogue.Option("os", text, text, values=("OSError",)),
        catalogue.Option("timeout", text, text, True, ("TimeoutError",)),
    ]
    question = Choice("98.x", text, tuple(options))
    assert option_for(question, TimeoutError()).id == "timeout"  # type: ignore[union-attr]
    assert option_for(question, ConnectionResetError()).id == "os"  # type: ignore[union-attr]


def test_right_wrong_odd_and_unanswered() -> None:
    question = choice()
    right = judge(question, 500, "failed")
    assert (right.verdict, right.option, right.expected) == (Verdict.RIGHT, "failed", True)
    assert (
        str(right.sentence)
        == "The receive found a handshake that nobody had answered, raised, and uvicorn turned that into 500."
    )

    wrong = judge(question, 500, "refused")
    assert wrong.verdict is Verdict.WRONG
    assert str(wrong.happened) == "HTTP 500"
    assert str(wrong.sentence).startswith("403 is what a deliberate")

    unanswered = judge(question, 500, None)
    assert unanswered.verdict is Verdict.UNANSWERED
    assert unanswered.sentence == right.sentence


def test_nobody_is_wrong_because_the_machine_measured_something_odd() -> None:
    fits_none = judge(choice(), 418, "failed")
    assert fits_none.verdict is Verdict.ODD
    assert "`418`" in str(fits_none.sentence)
    assert "fits none" in str(fits_none.sentence)

    other_option = judge(choice(), 403, "failed")
    assert other_option.verdict is Verdict.ODD
    assert other_option.option == "refused"
    assert "undecided" in str(other_option.sentence)

    # Also for whoever was "wrong" by the file: the measurement decides nothing about them either.
    assert judge(choice(), 403, "open").verdict is Verdict.ODD
    # Who predicted what was measured is right, whatever the file says.
    assert judge(choice(), 403, "refused").verdict is Verdict.RIGHT
    assert "wrong" not in str(judge(choice(), 403, "refused").sentence).lower()

    assert judge(choice(), 418, None).verdict is Verdict.UNANSWERED
    assert "did not expect" in str(judge(choice(), 418, None).sentence)


def test_an_answer_that_a_newer_edition_no_longer_has_is_none() -> None:
    assert judge(choice(), 500, "gone").verdict is Verdict.UNANSWERED


def test_ranges_and_placeholders() -> None:
    question = QUESTIONS["speed"]
    assert isinstance(question, Choice)
    assert option_for(question, 0.1).id == "at-once"  # type: ignore[union-attr]
    assert option_for(question, 0.2) is None
    assert option_for(question, 12).id == "after"  # type: ignore[union-attr]
    assert option_for(question, True) is None
    assert str(judge(question, 2.9, "at-once").sentence) == "Here 2.9 s passed, more than at once."


@pytest.mark.parametrize(
    ("tolerance", "answer", "measured", "right"),
    [
        (Tolerance(), 11, 11, True),
        (Tolerance(), 11, 12, False),
        (Tolerance(), 0.3, 0.1 + 0.2, True),
        (Tolerance(2), 9, 11, True),
        (Tolerance(2), 8.9, 11, False),
        (Tolerance(20, Measure.PERCENT), 80, 100, True),
        (Tolerance(20, Measure.PERCENT), 79, 100, False),
        (Tolerance(2, Measure.FACTOR), 50, 100, True),
        (Tolerance(2, Measure.FACTOR), 200, 100, True),
        (Tolerance(2, Measure.FACTOR), 201, 100, False),
        (Tolerance(2, Measure.FACTOR), 0, 0, True),
        (Tolerance(2, Measure.FACTOR), 0, 5, False),
        (Tolerance(2, Measure.FACTOR), -5, 5, False),
    ],
)
def test_tolerances(tolerance: Tolerance, answer: float, measured: float, right: bool) -> None:
    assert tolerance.covers(answer, measured) is right


def test_a_number_is_held_against_the_measured_number() -> None:
    question = QUESTIONS["bytes"]
    assert judge(question, 11, "11").verdict is Verdict.RIGHT
    assert str(judge(question, 11, "11").happened) == "11 bytes"
    assert str(judge(question, 11, "9").sentence).startswith("Nine counts the characters")
    assert str(judge(question, 11, "20").sentence).startswith("UTF-8 spends two bytes")
    assert str(judge(question, 11, "10").sentence) == (
        "You said 10. Count the letters, then add one for each letter outside ASCII."
    )
    assert judge(question, 11, None).verdict is Verdict.UNANSWERED
    for odd in (12, None, "eleven", True, float("nan"), ValueError("no")):
        assert judge(question, odd, "9").verdict is Verdict.ODD, odd
    assert judge(question, 12, "12").verdict is Verdict.RIGHT


def test_without_an_expected_number_the_machine_alone_knows() -> None:
    text = Text.of("x.")
    question = Number("98.n", text, text, text, expected=None)
    assert judge(question, 3, "3").verdict is Verdict.RIGHT
    assert judge(question, 3, "4").verdict is Verdict.WRONG
    ranged = Number("98.n", text, text, text, expected=Interval(10, None))
    assert judge(ranged, 12, "3").verdict is Verdict.WRONG
    assert judge(ranged, 2, "3").verdict is Verdict.ODD


class WebSocketDisconnect(Exception):
    pass


def test_a_word_is_held_against_the_name_of_the_exception() -> None:
    question = QUESTIONS["exception"]
    assert isinstance(question, Word)
    for answer in (
        "WebSocketDisconnect",
        "websocket disconnect",
        "`WebSocketDisconnect()`",
        "disconnect.",
        "DISCONNECT",
    ):
        assert judge(question, WebSocketDisconnect(1006), read_answer(question, answer)).verdict is Verdict.RIGHT, (
            answer
        )
    other = judge(question, WebSocketDisconnect(), "ConnectionClosed")
    assert (other.verdict, str(other.happened)) == (Verdict.WRONG, "WebSocketDisconnect")
    assert str(other.sentence).startswith("That one belongs to")
    assert str(judge(question, "WebSocketDisconnect", "Exception").sentence).startswith("Look at what")
    assert judge(question, RuntimeError("x"), "WebSocketDisconnect").verdict is Verdict.ODD


def test_the_dot_of_a_turkish_i_does_not_count() -> None:
    assert normal_word("İSTEMCİ") == normal_word("istemci") == normal_word("ıstemcı") == normal_word("ISTEMCI")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("11", "11"),
        (" 11 bytes ", "11"),
        ("11 bayt", "11"),
        (11, "11"),
        (1.125, "1.125"),
        ("0,5", "0.5"),
        ("0.125", "0.125"),
        ("-3", "-3"),
        ("−3", "-3"),
        ("+ 3", "3"),
        ("3 000", "3000"),
        ("3000", "3000"),
        ("12.5", "12.5"),
    ],
)
def test_numbers_as_people_write_them(given: object, kept: str) -> None:
    assert read_answer(QUESTIONS["bytes"], given) == kept


@pytest.mark.parametrize(
    "given", ["", "   ", "eleven", "1.000", "3,000", "1e3", "11 apples", "1.2.3", "nan", "inf", "--1"]
)
def test_what_is_no_number_gets_a_sentence(given: str) -> None:
    with pytest.raises(AnswerError) as caught:
        read_answer(QUESTIONS["bytes"], given)
    assert given.strip() in str(caught.value)


def test_a_choice_takes_only_its_options() -> None:
    assert read_answer(choice(), "failed") == "failed"
    with pytest.raises(AnswerError, match="open, refused, failed, timeout"):
        read_answer(choice(), "500")


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (TimeoutError("timed out"), "TimeoutError: timed out"),
        (TimeoutError(), "TimeoutError"),
        (TimeoutError, "TimeoutError"),
        (2.93716, "2.937"),
        ("Mesajınız: ğ", "Mesajınız: ğ"),
        (["a", "b"], "['a', 'b']"),
        (http.HTTPStatus.FORBIDDEN, "403"),
        ("two\n lines", "two lines"),
        (b"\x81", "b'\\x81'"),
        ("\udcff", "\\udcff"),
    ],
)
def test_how_a_measured_value_is_shown(measured: object, text: str) -> None:
    assert shown(measured) == text


def test_a_long_value_is_cut() -> None:
    assert len(shown("x" * 10_000)) == 200


def test_one_of_a_thing_is_said_in_the_singular() -> None:
    bars = Text(en="bars", tr="çubuk")
    assert [with_unit(number, bars).into("en") for number in ("0", "1", "3")] == ["0 bars", "1 bar", "3 bars"]
    assert with_unit("1", bars).into("tr") == "1 çubuk"
    assert with_unit("1", Text.of("ms")).into("en") == "1 ms"
