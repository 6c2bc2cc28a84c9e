"""How votes split, as data, as a picture, and in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from wslab.classroom.tally import Measured, Tally, bars_of, expected, is_right
from wslab.language import Text, use_language
from wslab.predictions import catalogue
from wslab.predictions.question import Choice, Interval, Number, Option, Question, Tolerance, Word

SENTENCE = Text(en="So it is.", tr="Öyle.")
ASK = Text(en="What?", tr="Ne?")
CHOICE = Choice(
    "98.choice",
    ASK,
    (
        Option("a", Text(en="`<b>` first", tr="`<b>` ilk"), SENTENCE, values=(1,)),
        Option("b", Text(en="second", tr="ikinci"), SENTENCE, right=True, values=(2,)),
        Option("c", Text(en="many", tr="çok"), SENTENCE, interval=Interval(3, None)),
    ),
)
NUMBER = Number("98.number", ASK, SENTENCE, SENTENCE, expected=10.0, tolerance=Tolerance(1), unit=Text(en="s", tr="sn"))
WORD = Word("98.word", ASK, SENTENCE, SENTENCE, expected="TypeError")
RANGE = Number("98.range", ASK, SENTENCE, SENTENCE, expected=Interval(100, 200))


def tally(question: Question, answers: dict[str, str], measured: object = None, people: int = 9) -> Tally:
    asked = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    return Tally(
        question.key,
        str(question.question),
        asked,
        False,
        people,
        answers,
        bars_of(question, answers, None if measured is None else Measured(measured)),
    )


def test_every_option_has_a_bar_in_its_order() -> None:
    split = tally(CHOICE, {"Ada": "b", "Bora": "a", "Cem": "b"})
    assert split.counts == {"a": 1, "b": 2, "c": 0}
    assert split.votes == 3
    assert {bar.right for bar in split.bars} == {None}
    assert [bar.right for bar in tally(CHOICE, {}, measured=2).bars] == [False, True, False]
    assert [bar.right for bar in tally(CHOICE, {}, measured=7).bars] == [False, False, True]


def test_numbers_that_are_equal_are_one_answer() -> None:
    answers = {"Ada": "11", "Bora": "11.0", "Cem": "3"}
    assert tally(NUMBER, answers).counts == {"11": 2, "3": 1}
    assert [(bar.text, bar.right) for bar in tally(NUMBER, answers, measured=10).bars] == [
        ("11 s", True),
        ("3 s", False),
    ]


def test_words_that_mean_the_same_are_one_answer() -> None:
    answers = {"Ada": "TypeError", "Bora": "typeerror()", "Cem": "KeyError"}
    assert [(bar.text, bar.votes, bar.right) for bar in tally(WORD, answers, "TypeError").bars] == [
        ("TypeError", 2, True),
        ("KeyError", 1, False),
    ]


def test_the_right_answer_is_shown_although_nobody_gave_it() -> None:
    assert [(bar.text, bar.votes, bar.right) for bar in tally(NUMBER, {"Ada": "50"}, measured=10).bars] == [
        ("50 s", 1, False),
        ("10 s", 0, True),
    ]


def test_rare_free_answers_share_a_bar() -> None:
    split = tally(NUMBER, {str(number): str(number) for number in range(20)})
    assert len(split.bars) == 7
    assert split.bars[-1].votes == 14
    assert sum(split.counts.values()) == 20


def test_a_range_is_right_as_a_whole() -> None:
    measured = expected(RANGE)
    assert measured is not None
    assert [is_right(RANGE, answer, measured) for answer in ("99", "100", "199.9", "200")] == [False, True, True, False]


def test_every_prediction_of_the_course_can_be_revealed() -> None:
    choices = 0
    for unit in catalogue.units():
        questions, problems = catalogue.load(unit)
        assert not problems
        for question in questions.values():
            measured = expected(question)
            if isinstance(question, Choice):
                choices += 1
                rights = [bar.answer for bar in bars_of(question, {}, measured) if bar.right]
                assert rights == [option.id for option in question.options if option.right], question.key
            elif measured is not None:
                assert all(bar.right for bar in bars_of(question, {}, measured)), question.key
    assert choices > 10


def test_the_picture_says_it_in_words_too() -> None:
    html = tally(CHOICE, {"Ada": "a", "Bora": "b", "Cem": "b"}, measured=2)._repr_html_()
    assert "<code>&lt;b&gt;</code> first" in html
    assert "<b>" not in html
    picture = html.split('role="img" aria-label="')[1].split('"')[0]
    assert "second ✓ right: 2 (67 %)" in picture
    assert "<td>second ✓ right</td><td>2</td><td>67 %</td>" in html
    assert "3 of 9 have voted" in html
    assert 'style="width:67%' in html


def test_in_a_terminal_and_in_turkish() -> None:
    use_language("tr")
    text = repr(tally(CHOICE, {"Ada": "b"}, measured=2))
    assert "9 kişiden 1 kişi oy verdi · oylama kapandı" in text
    assert "▲   1  100 %  ████████████████████  ikinci ✓ doğru" in text


@pytest.mark.parametrize("question", [CHOICE, NUMBER, WORD, RANGE])
def test_a_vote_without_votes(question: Question) -> None:
    split = tally(question, {}, people=0)
    assert split.votes == 0
    assert "0 of 0" in repr(split)
    assert split._repr_html_()
