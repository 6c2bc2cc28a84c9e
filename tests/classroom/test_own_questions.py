"""Questions of the instructor's own: their wording, their kinds, their right answer."""

from __future__ import annotations

from typing import Any

import pytest
from tests.classroom.test_voting import Room, cast

from wslab.classroom.own_questions import OwnQuestionError, own_question, settled
from wslab.classroom.tally import Tally
from wslab.classroom.voting import Vote, VoteError
from wslab.language import use_language
from wslab.predictions.question import Choice, Number, Word


def asked(room: Room, *args: Any, right: object = None) -> Vote:
    question = own_question("own.1", args[0], args[1] if len(args) > 1 else (), right)
    return Vote(question, lambda: list(room.visitors), lambda: None, own=True)


def right_bars(tally: Tally) -> list[str]:
    return [bar.answer for bar in tally.bars if bar.right]


def test_a_choice_with_its_right_answer() -> None:
    room = Room("Ada", "Bora")
    room["Bora"].language = "tr"
    vote = asked(room, {"en": "Which?", "tr": "Hangisi?"}, ["TCP", {"en": "neither", "tr": "hiçbiri"}], right="hiçbiri")
    assert cast(vote, room["Ada"], "TCP")["question"] == "Which?"
    shown = cast(vote, room["Bora"], "neither")
    assert (shown["question"], shown["options"][1]) == ("Hangisi?", {"id": "neither", "text": "hiçbiri"})
    assert right_bars(vote.reveal()) == ["neither"]
    assert vote.shown_to(room["Ada"])["says"] == "≠ Not what you predicted."
    assert vote.shown_to(room["Ada"])["right"] == "neither"
    assert vote.shown_to(room["Bora"])["says"] == "✓ Tahmin ettiğiniz gibi."
    assert vote.shown_to(room["Bora"])["teaches"] == ""


def test_a_question_without_a_right_answer_gets_one_when_it_is_revealed() -> None:
    room = Room("Ada")
    vote = asked(room, "Tea or coffee?", ["tea", "coffee"])
    cast(vote, room["Ada"], "tea")
    with pytest.raises(VoteError, match=r"vote\.reveal\(answer\)"):
        vote.reveal()
    with pytest.raises(OwnQuestionError, match="tea, coffee"):
        vote.reveal("water")
    assert vote.open
    assert right_bars(vote.reveal("tea")) == ["tea"]
    shown = vote.shown_to(room["Ada"])
    assert (shown["says"], shown["teaches"]) == ("✓ As you predicted.", "")
    assert right_bars(vote.reveal("coffee")) == ["coffee"]


@pytest.mark.parametrize(
    ("right", "kind", "given", "counts"),
    [(11, Number, "11,0", {"11": 1}), ("await", Word, "`Await`", {"await": 1}), (None, Word, "so so", {"soso": 1})],
)
def test_a_typed_answer(right: object, kind: type, given: str, counts: dict[str, int]) -> None:
    room = Room("Ada")
    vote = asked(room, "How many bytes?", right=right)
    assert isinstance(vote.question, kind)
    cast(vote, room["Ada"], given)
    assert vote.split().counts == counts
    if right is not None:
        assert len(right_bars(vote.reveal())) == 1
        assert vote.shown_to(room["Ada"])["says"].startswith("✓")


@pytest.mark.parametrize(
    ("question", "options", "right"),
    [
        ("", (), None),
        (7, (), None),
        ({}, (), None),
        ({"en": 1}, (), None),
        ("One?", ["a"], None),
        ("One?", "a", None),
        ("Twice?", ["a", "a"], None),
        ("Many?", list("abcdefg"), None),
        ("Long?", ["x" * 201, "b"], None),
        ("Empty?", ["", "b"], None),
        ("None of them?", ["a", "b"], "c"),
        ("None of them?", ["a", "b"], True),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(question: Any, options: Any, right: object) -> None:
    with pytest.raises(OwnQuestionError) as error:
        own_question("own.1", question, options, right)
    assert str(error.value)


def test_one_language_serves_in_all() -> None:
    use_language("tr")
    question = own_question("own.1", {"tr": "Hangisi?"}, [{"tr": "ilki"}, {"tr": "ikincisi"}], "ilki")
    assert isinstance(question, Choice)
    assert question.question.into("en") == "Hangisi?"
    assert [option.id for option in question.options if option.right] == ["ilki"]
    assert settled(question, "ikincisi") != question
