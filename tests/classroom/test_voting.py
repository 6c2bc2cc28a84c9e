"""One vote a person, which may change until the vote is closed."""

from __future__ import annotations

from typing import Any

import pytest

from wslab.classroom.voting import Vote, VoteError
from wslab.gate import Limits, Visitor
from wslab.language import use_language
from wslab.predictions import catalogue


class Room:
    """People without a server, and how often they were told of a change."""

    def __init__(self, *nicknames: str) -> None:
        self.visitors = [Visitor(name, "127.0.0.1", "en", f"session {name}", Limits(), 0) for name in nicknames]
        self.told = 0

    def __getitem__(self, nickname: str) -> Visitor:
        return next(visitor for visitor in self.visitors if visitor.nickname == nickname)

    def ask(self, key: str) -> Vote:
        def told() -> None:
            self.told += 1

        return Vote(catalogue.find(key), lambda: list(self.visitors), told)


def cast(vote: Vote, visitor: Visitor, choice: Any) -> dict[str, Any]:
    vote.cast(visitor, vote.shown_to(visitor)["id"], choice)
    return vote.shown_to(visitor)


def test_the_last_vote_of_a_person_counts() -> None:
    room = Room("Ada", "Bora")
    vote = room.ask("07.order")
    assert cast(vote, room["Ada"], "queue")["yours"] == "queue"
    assert cast(vote, room["Ada"], "by-message")["says"].startswith("Kept.")
    cast(vote, room["Bora"], "queue")
    assert vote.split().answers == {"Ada": "by-message", "Bora": "queue"}
    assert vote.split().counts == {"one-by-one": 0, "queue": 1, "by-message": 1, "any": 0}
    assert room.told == 3


@pytest.mark.parametrize("choice", ["no such option", "", None, 3, ["queue"], {"id": "queue"}, "x" * 10_000])
def test_what_is_no_answer_is_not_counted(choice: Any) -> None:
    room = Room("Ada")
    vote = room.ask("07.order")
    cast(vote, room["Ada"], choice)
    assert vote.split().answers == {}


def test_a_vote_for_an_earlier_question_is_not_counted() -> None:
    room = Room("Ada")
    earlier, vote = room.ask("07.order"), room.ask("07.order")
    vote.cast(room["Ada"], earlier.shown_to(room["Ada"])["id"], "queue")
    assert vote.split().votes == 0


def test_a_closed_vote_does_not_change() -> None:
    room = Room("Ada", "Bora")
    vote = room.ask("07.order")
    cast(vote, room["Ada"], "queue")
    closed = vote.close()
    assert (closed.open, closed.people, closed.answers) == (False, 2, {"Ada": "queue"})
    assert cast(vote, room["Ada"], "any")["says"] == "The vote is closed."
    room.visitors.clear()
    assert vote.close() == closed


def test_who_was_put_out_or_made_room_has_no_vote() -> None:
    room = Room("Ada", "Eve")
    vote = room.ask("07.order")
    cast(vote, room["Eve"], "any")
    room.visitors = [room["Ada"]]
    assert vote.close().answers == {}


def test_nothing_says_what_is_right_until_it_is_revealed() -> None:
    room = Room("Ada", "Bora", "Cem")
    room["Bora"].language = "tr"
    vote = room.ask("07.order")
    cast(vote, room["Ada"], "queue")
    cast(vote, room["Bora"], "by-message")
    vote.close()
    for visitor in room.visitors:
        shown = vote.shown_to(visitor)
        assert shown["right"] is None
        assert shown["teaches"] == ""
    assert {bar.right for bar in vote.split().bars} == {None}
    assert [bar.answer for bar in vote.reveal().bars if bar.right] == ["by-message"]
    ada, bora, cem = (vote.shown_to(visitor) for visitor in room.visitors)
    assert (ada["says"], ada["right"]) == ("≠ Not what you predicted.", "by-message")
    assert ada["teaches"].startswith("They don't stand in one queue")
    assert (bora["says"], bora["question"][:8]) == ("✓ Tahmin ettiğiniz gibi.", "Sırayla ")
    assert cem["says"].startswith("What happens: Ada bekliyor")


def test_the_run_decides_what_is_right() -> None:
    vote = Room("Ada").ask("07.order")
    assert [bar.answer for bar in vote.reveal("race").bars if bar.right] == ["any"]


def test_what_depends_on_the_machine_is_revealed_by_a_run() -> None:
    vote = Room("Ada").ask("09.memory")
    with pytest.raises(VoteError, match=r"vote\.reveal\(measured\)"):
        vote.reveal()
    assert vote.open
    assert vote.reveal(12.5).open is False


def test_a_run_that_gave_nothing_is_an_outcome_too() -> None:
    vote = Room("Ada").ask("06.forbidden")
    assert [bar.answer for bar in vote.reveal(None).bars if bar.right] == ["nothing"]


def test_a_number_is_read_as_people_write_it() -> None:
    room = Room("Ada", "Bora")
    vote = room.ask("07.threads")
    assert cast(vote, room["Ada"], "viele")["says"] == "Write a number in digits, such as 11 or 0.5."
    assert cast(vote, room["Ada"], " 1,0 ")["yours"] == "1.0"
    cast(vote, room["Bora"], "50 iş parçacığı")
    assert vote.split().counts == {"1": 1, "50": 1}
    vote.reveal()
    assert vote.shown_to(room["Ada"])["says"] == "✓ As you predicted. What happens: 1 thread."
    assert vote.shown_to(room["Bora"])["teaches"].startswith("Fifty is the number of tasks")


def test_the_vote_in_a_terminal() -> None:
    room = Room("Ada")
    vote = room.ask("07.order")
    assert repr(vote) == "<Vote 07.order · 0 of 1 have voted · the vote is open>"
    use_language("tr")
    vote.close()
    assert "oylama kapandı" in repr(vote)
