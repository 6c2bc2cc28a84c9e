"""ask_again(): what was predicted wrong in a unit, in other words, until it is right."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from wslab import ask_again
from wslab.language import LANGUAGES, use_language
from wslab.predictions import AnswerError, PredictionError, catalogue, predict
from wslab.predictions.again import Review
from wslab.predictions.question import Choice, Question, Verdict, judge_as_taught
from wslab.progress import store

COURSE = Path(__file__).parents[2] / "course" / "notebooks"
QUESTIONS = [(unit, question) for unit in catalogue.units() for question in catalogue.in_unit(unit)]


def wrong_and_right() -> None:
    predict("98.status").answer("refused").outcome(500)
    predict("98.bytes").answer(18).outcome(11)
    predict("98.exception").answer("WebSocketDisconnect").outcome("WebSocketDisconnect")


@pytest.mark.usefixtures("session")
def test_what_was_wrong_is_asked_one_after_the_other() -> None:
    wrong_and_right()
    review = ask_again("98")
    assert review.keys == ("98.status", "98.bytes")
    assert "Asked again: 1 of 2" in repr(review)
    assert "A colleague left out" in repr(review)
    assert 'ask_again("98").answer("timeout"), to skip' in repr(review)
    review.answer("open")
    assert "≠ No. " in repr(review)
    review.next().answer(9)
    assert "✓ Right." in repr(review)
    assert "Right this time: 1 of 2. To be asked again" in repr(review)


@pytest.mark.usefixtures("session")
def test_what_is_right_by_now_is_not_asked_a_third_time(restart: Callable[[], None]) -> None:
    wrong_and_right()
    ask_again("98").answer("open").answer(9)
    restart()
    review = ask_again("98")
    assert review.keys == ("98.status",)
    review.answer("failed")
    assert ask_again("98").keys == ()
    assert "answered right since" in repr(ask_again("98"))


@pytest.mark.usefixtures("session")
def test_a_skipped_one_stays() -> None:
    wrong_and_right()
    review = ask_again("98").skip()
    assert "Skipped." in repr(review)
    review.answer(9)  # the next one
    assert ask_again("98").keys == ("98.status",)


@pytest.mark.usefixtures("session")
def test_where_nothing_is_asked_the_card_says_why() -> None:
    assert "no prediction of this unit has been answered" in repr(ask_again("98"))
    predict("98.status").skip().outcome(500)
    assert "no prediction of this unit has been answered" in repr(ask_again("98"))
    predict("98.bytes").answer(11).outcome(11)
    assert "none was wrong" in repr(ask_again("98"))
    assert "none was wrong" in ask_again("98")._repr_mimebundle_()["text/html"]


@pytest.mark.usefixtures("session")
def test_the_answers_are_kept_and_change_no_count() -> None:
    wrong_and_right()
    ask_again("98").answer("failed")
    (answer,) = store().answers("98.status.again")
    assert (answer.answer, answer.late) == ("failed", True)
    assert [row.verdict for row in store().outcomes("98.status.again")] == ["right"]
    from wslab.progress.summary import summarize

    (unit,) = summarize(store(), (), {"98": ("status", "bytes", "exception")}, {}, {}).units
    assert (unit.made, unit.right) == (3, 1)


@pytest.mark.usefixtures("session")
def test_an_undecided_outcome_is_not_asked_again() -> None:
    predict("98.status").answer("refused").outcome(418)
    assert ask_again("98").keys == ()


@pytest.mark.usefixtures("session")
def test_what_is_no_answer_changes_nothing() -> None:
    wrong_and_right()
    review = ask_again("98")
    with pytest.raises(AnswerError):
        review.answer("cake")
    assert store().answers("98.status.again") == ()
    assert "Asked again: 1 of 2" in repr(review)


def test_an_unknown_unit_is_a_sentence() -> None:
    with pytest.raises(PredictionError, match="Unit 77 has no predictions"):
        ask_again("77")


# The course's own


@pytest.mark.parametrize(("unit", "question"), QUESTIONS, ids=[question.key for _, question in QUESTIONS])
def test_every_prediction_can_be_asked_again(unit: str, question: Question) -> None:
    again = question.again
    assert again is not None
    review = Review([question])
    if not isinstance(again, Choice):
        assert judge_as_taught(again, str(again.expected)).verdict is Verdict.RIGHT
    else:
        for option in again.options:
            expected = Verdict.RIGHT if option.right else Verdict.WRONG
            assert judge_as_taught(again, option.id).verdict is expected
    if isinstance(again, Choice) and isinstance(question, Choice):
        assert {option.id: option.right for option in again.options} == {
            option.id: option.right for option in question.options
        }
    assert review.keys == ()


@pytest.mark.parametrize(("unit", "question"), QUESTIONS, ids=[question.key for _, question in QUESTIONS])
def test_the_question_gives_no_answer_away(unit: str, question: Question) -> None:
    """The text of the right option, where it is more than a number or a name, is not in the question."""
    again = question.again
    if not isinstance(again, Choice):
        return
    (right,) = [option for option in again.options if option.right]
    for language in LANGUAGES:
        text = right.text.into(language)
        assert text not in again.question.into(language) or any(
            option.text.into(language) in again.question.into(language) for option in again.options if not option.right
        )


@pytest.mark.parametrize("path", sorted(COURSE.glob("*.md")), ids=lambda path: path.stem)
def test_every_unit_asks_again_at_its_end(path: Path) -> None:
    unit = path.name[:2]
    core = path.read_text(encoding="utf-8").partition("\n## Optional: ")[0]
    cells = re.findall(r"```\{code-cell\} ipython3\n(.*?)```", core, re.DOTALL)
    asking = [place for place, cell in enumerate(cells) if f'ask_again("{unit}")' in cell]
    outcomes = [place for place, cell in enumerate(cells) if ".outcome(" in cell]
    assert outcomes, "a unit has predictions: docs/predictions.md"
    assert len(asking) == 1
    assert asking[0] > outcomes[-1]


def test_turkish() -> None:
    use_language("tr")
    assert "Yeniden sorulacak bir şey henüz yok" in repr(ask_again("04"))
    use_language("en")
