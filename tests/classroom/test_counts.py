"""The counts of a class are what the instructor's guide reads."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.classroom.test_voting import Room, cast

from wslab.authoring.teaching.guide import votes_of
from wslab.classroom.counts import in_the_guides_form, of_a_hundred
from wslab.classroom.voting import Vote
from wslab.yaml import compose


def exported(*votes: Vote) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    data = yaml.safe_load(in_the_guides_form((vote.question, vote.split()) for vote in votes))
    assert isinstance(data["units"], dict)
    units: dict[str, dict[str, dict[str, dict[str, int]]]] = data["units"]
    return units


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 200), max_size=8))
def test_a_hundred_together(counts: dict[str, int]) -> None:
    shares = of_a_hundred(counts)
    if not sum(counts.values()):
        assert shares == {}
        return
    assert sum(shares.values()) == 100
    total = sum(counts.values())
    assert all(abs(shares[answer] - 100 * count / total) < 1 for answer, count in counts.items())


def test_every_option_is_named_and_the_first_vote_counts() -> None:
    room = Room("Ada", "Bora", "Cem")
    first, again, empty = room.ask("07.order"), room.ask("07.order"), room.ask("07.sleep")
    for nickname, choice in (("Ada", "queue"), ("Bora", "queue"), ("Cem", "any")):
        cast(first, room[nickname], choice)
        cast(again, room[nickname], "by-message")
    assert exported(first, again, empty) == {
        "07": {"votes": {"order": {"one-by-one": 0, "queue": 67, "by-message": 0, "any": 33}}}
    }
    assert "3 of 3 people voted" in in_the_guides_form([(first.question, first.split())])


def test_typed_answers_hold_the_right_one_and_the_rest() -> None:
    room = Room(*(f"P{number}" for number in range(20)))
    vote = room.ask("07.threads")
    for number, visitor in enumerate(room.visitors):
        cast(vote, visitor, str(50 if number < 10 else number))
    split = exported(vote)["07"]["votes"]["threads"]
    assert sum(split.values()) == 100
    assert (split["50"], split["1"], len(split)) == (50, 0, 7)
    assert split["other"] > 0


def test_no_votes_are_no_counts() -> None:
    assert exported() == {}


@pytest.mark.parametrize("key", ["00.answers", "01.messages", "05.status", "07.threads"])
def test_the_guide_takes_the_counts(key: str) -> None:
    room = Room("Ada", "Bora", "Cem")
    vote = room.ask(key)
    options = getattr(vote.question, "options", ())
    for visitor in room.visitors:
        cast(vote, visitor, options[0].id if options else "4")
    unit, _, name = key.partition(".")
    split = exported(vote)[unit]["votes"][name]
    assert all(isinstance(answer, str) for answer in split)
    node = compose(yaml.safe_dump(split))
    assert node is not None
    assert votes_of(vote.question, node).split == split
