"""Who makes room for whom, on a clock that the test holds."""

from __future__ import annotations

import pytest

from wslab.gate import Limits
from wslab.gate.people import SPARED, Full, People


def names(people: People) -> list[str]:
    return [person.nickname for person in people.snapshot()]


def test_whoever_has_been_away_longest_makes_room_but_not_within_a_minute() -> None:
    people = People(Limits(people=2))
    people.join("Ada", "192.0.2.1", "en", now=100)
    people.join("Bora", "192.0.2.2", "tr", now=130)
    with pytest.raises(Full) as full:
        people.join("Cem", "192.0.2.3", "tr", now=100 + SPARED - 1)
    assert full.value.scope == "class"
    people.join("Cem", "192.0.2.3", "tr", now=100 + SPARED)
    with pytest.raises(Full):
        people.join("Defne", "192.0.2.4", "tr", now=100 + SPARED)
    assert names(people) == ["Bora", "Cem"]


def test_a_sign_of_life_begins_the_minute_anew_and_who_is_there_stays() -> None:
    people = People(Limits(people_per_address=2))
    ada = people.join("Ada", "192.0.2.1", "en", now=0)
    bora = people.join("Bora", "192.0.2.1", "en", now=0)
    ada.seen = 50
    bora.pages = 1
    with pytest.raises(Full) as full:
        people.join("Cem", "192.0.2.1", "tr", now=50 + SPARED - 1)
    assert full.value.scope == "address"
    people.join("Cem", "192.0.2.1", "tr", now=50 + SPARED)
    assert names(people) == ["Bora", "Cem"]


def test_another_nickname_is_unique_among_the_others() -> None:
    people = People(Limits())
    ada = people.join("Ada", "192.0.2.1", "en", now=0)
    people.guest("bot", "192.0.2.9", "en", now=0)
    for asked, called in (("ADA", "ADA"), ("bot", "bot 2"), ("bot 2", "bot 2")):
        people.rename(ada, asked)
        assert ada.nickname == called
        assert people.of_session(ada.session) is ada


def test_an_address_is_kept_out_where_nobody_else_came_from_it() -> None:
    people = People(Limits())
    eve = people.join("Eve", "192.0.2.9", "en", now=0)
    ada = people.join("Ada", "192.0.2.1", "en", now=0)
    people.join("Bora", "192.0.2.1", "en", now=0)
    people.kick(eve)
    assert people.keeps_out("", "192.0.2.9", "a new name")
    assert not people.keeps_out("", "192.0.2.1", "Eve")  # the name alone says nothing
    people.kick(ada)
    assert not people.keeps_out("", "192.0.2.1", "Cem")  # Bora's neighbour may join
    assert people.keeps_out("", "192.0.2.1", "ADA")
    assert people.keeps_out(ada.session, "192.0.2.77")
    assert people.kept_out() == ("Eve", "Ada")
    assert people.let_in("Eve")
    assert not people.keeps_out(eve.session, "192.0.2.9", "Eve")


def test_programs_of_the_instructors_own_machine_are_told_apart_by_name() -> None:
    people = People(Limits())
    people.kick(people.guest("bot", "127.0.0.1", "en", now=0))
    assert people.keeps_out("", "127.0.0.1", "bot")
    assert not people.keeps_out("", "127.0.0.1", "demo")
