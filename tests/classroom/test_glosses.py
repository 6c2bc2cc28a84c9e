"""Fixed words on the wire are explained in the voter's language."""

from __future__ import annotations

import pytest
from tests.classroom.test_voting import Room

from wslab.classroom.glosses import gloss


@pytest.mark.parametrize(
    ("texts", "language", "expected"),
    [
        (["Ada bekliyor, Ada aldı"], "en", "bekliyor: is waiting · aldı: has received"),
        (["`Mesajınız: Saat kaç?`"], "en", "Mesajınız: your message · Saat kaç?: what time is it?"),
        (["`soru%3Fx=1`"], "en", "soru: question"),
        (["sorular, aldım, the Selamlar"], "en", ""),
        (["`Mesajınız: Merhaba`"], "tr", ""),
        (['`Need to call "accept" first`'], "tr", 'Need to call "accept" first: önce accept çağrılmalı'),
        (['`Need to call "accept" first`'], "en", ""),
        (["Selam"], "xx", ""),
    ],
)
def test_gloss(texts: list[str], language: str, expected: str) -> None:
    assert gloss(texts, language) == expected


def test_each_voter_gets_the_gloss_of_their_language() -> None:
    room = Room("Ada", "Bora")
    room["Bora"].language = "tr"
    vote = room.ask("07.order")
    assert vote.shown_to(room["Ada"])["gloss"] == "bekliyor: is waiting · aldı: has received"
    assert vote.shown_to(room["Bora"])["gloss"] == ""
