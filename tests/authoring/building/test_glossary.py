"""The list of terms, and prose that is held to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wslab.authoring.building.glossary import Term, departures, lone_items, read_glossary

ROOT = Path(__file__).parents[3]
TERMS = (
    Term({"en": "coroutine", "tr": "eşyordam"}, {"tr": ("korutin", "coroutine")}),
    Term({"en": "event loop", "tr": "olay döngüsü"}, {"tr": ("event loop",)}),
    Term({"en": "event", "tr": "olay"}, {"tr": ("event",)}),
    Term({"en": "thread", "tr": "iş parçacığı"}, {"tr": ("thread",)}),
    Term({"en": "request", "tr": "istek"}, {"tr": ("request", "İSTEM")}),
    Term({"en": "concurrent", "tr": "eşzamanlı"}, {"tr": ("paralel işlem",)}),
    Term({"en": "server", "tr": "sunucu"}, {"tr": ("server",)}),
)


def said(text: str, language: str = "tr") -> list[tuple[int, str]]:
    found = departures(text, language, TERMS)
    return [(line, message.removesuffix(" (course/glossary.yml)")) for line, message in found]


@pytest.mark.parametrize(
    "text",
    [
        "Bir *eşyordam (coroutine)* yazın.",
        "**Eşyordamlar** (coroutine) sırayla çalışır.",
        "EŞYORDAMLAR (COROUTINES) ve Olay döngüsünün (event loop) adımları",
        "olay döngüleri (event loop), iş parçacıklarında (thread), isteğin (request)",
        "Metinde `korutin` ve `event loop` kod olarak geçer.",
        "```python\nkorutin = event_loop\n```",
        'Belge “paralel işlemler” ve "korutin\n" der.',
        "[sayfa](https://example.org/event-loop/thread) ve <https://example.org/korutin>",
        "`server.py` ve server.py, adım adım",
        "Paralel çalışan iki çekirdek",
        "el sıkışma (handshake)",
        "<!-- korutin -->",
    ],
)
def test_what_is_right(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("İlk satır.\n\nKORUTİNLER burada.", [(2, '"korutinler": for coroutine write "eşyordam"')]),
        ("event\nloop'a döner", [(0, '"event loop": for event loop write "olay döngüsü"')]),
        ("Bu event'i bekler", [(0, '"event": for event write "olay"')]),
        ("*paralel*\nişlemlerin sırası", [(0, '"paralel işlemlerin": for concurrent write "eşzamanlı"')]),
        ("istemde", [(0, '"istemde": for request write "istek"')]),
        ("yordam (coroutine)", [(0, '"(coroutine)" stands behind another word; write "eşyordam (coroutine)"')]),
        ("döngü (event loop)", [(0, '"(event loop)" stands behind another word; write "olay döngüsü (event loop)"')]),
        ("Server'ı durdurun. Olay", [(0, '"server": for server write "sunucu"')]),
        (
            "```\nkod\n```\n\nthread\n\nkorutin",
            [(4, '"thread": for thread write "iş parçacığı"'), (6, '"korutin": for coroutine write "eşyordam"')],
        ),
    ],
)
def test_what_is_not(text: str, expected: list[tuple[int, str]]) -> None:
    assert said(text) == expected


def test_english_is_not_held_to_turkish_words() -> None:
    assert said("A coroutine (korutin) in the event loop", "en") == []


def test_how_a_term_is_introduced() -> None:
    assert TERMS[0].introduced("tr") == "eşyordam (coroutine)"
    assert TERMS[0].introduced("en") == "coroutine"


def test_the_courses_own_list() -> None:
    mistakes: list[tuple[int, str]] = []
    terms = read_glossary(ROOT / "course/glossary.yml", lambda line, message: mistakes.append((line, message)))
    assert mistakes == []
    assert len(terms) >= 60
    words = {term.words["en"]: term.words["tr"] for term in terms}
    assert len(words) == len(terms), "an English term stands twice"
    # The words that the course agreed on.
    agreed = {
        "coroutine": "eşyordam",
        "event loop": "olay döngüsü",
        "handshake": "el sıkışma",
        "closing handshake": "kapanış el sıkışması",
        "close code": "kapatma kodu",
        "backpressure": "geri basınç",
        "thread": "iş parçacığı",
        "exception": "istisna",
        "buffer": "arabellek",
        "context manager": "bağlam yöneticisi",
        "awaitable": "beklenebilir",
        "concurrent": "eşzamanlı",
    }
    assert {term: words[term] for term in agreed} == agreed


def test_no_term_is_discouraged_by_another() -> None:
    terms = [
        replace(term, beside={})  # a term alone has nothing beside it
        for term in read_glossary(ROOT / "course/glossary.yml", lambda line, message: None)
    ]
    for term in terms:
        for language in ("en", "tr"):
            assert departures(term.introduced(language), language, terms) == []
            assert departures(term.words[language], language, terms) == []


COURSE = read_glossary(ROOT / "course/glossary.yml", lambda line, message: pytest.fail(f"{line}: {message}"))
EXAMPLES = [
    pytest.param(term, language, sentence, faulty, id=f"{term.words['en']}: {sentence}")
    for term in COURSE
    for language, pair in term.examples.items()
    for faulty, sentences in zip((True, False), pair, strict=True)
    for sentence in sentences
]


@pytest.mark.parametrize(("term", "language", "sentence", "faulty"), EXAMPLES)
def test_an_entry_finds_what_its_examples_say(term: Term, language: str, sentence: str, faulty: bool) -> None:
    assert bool(departures(sentence, language, [term])) is faulty


def test_a_word_that_is_two_things_needs_one_beside_it_in_each_paragraph() -> None:
    term = Term({"en": "FIN"}, {}, beside={"en": ("TCP", "bit")})
    text = "TCP sends a FIN.\n\nThen a FIN comes, `FIN` in code.\nIt is a packet."
    assert [line for line, _ in departures(text, "en", [term])] == [2]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Bir.\n\n6. bölümdeki denemenin aynısı.", [2]),
        ("> **Sıra sizde.**\n\n502. `better` has no route.", [2]),
        ("1. Once.\n2. Twice.", []),
        ("Bu, 6. bölümdeki denemenin aynısı.\n1.5 saniye sürer.", []),
        ("```\n\n6. bölüm\n```", []),
    ],
)
def test_a_paragraph_is_no_list_of_one_item(text: str, lines: list[int]) -> None:
    assert [line for line, _ in lone_items(text)] == lines
