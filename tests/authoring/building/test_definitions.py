"""The learner's glossary: its pages, and the links that lead there from a term's first use."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from wslab.authoring import building
from wslab.authoring.building import glossary
from wslab.authoring.building.definitions import Links, page, path, unlinked
from wslab.authoring.building.glossary import Term, departures, read_glossary
from wslab.language import LANGUAGES

ROOT = Path(__file__).parents[3]
SAID = {"en": "Said in English.", "tr": "Türkçesi."}
TERMS = (
    Term({"en": "coroutine", "tr": "eşyordam"}, {}, SAID),
    Term({"en": "event loop", "tr": "olay döngüsü"}, {}, SAID),
    Term({"en": "handshake", "tr": "el sıkışma"}, {}, SAID),
    Term({"en": "closing handshake", "tr": "kapanış el sıkışması"}, {}, SAID),
    Term({"en": "uvicorn", "tr": "uvicorn"}, {}, SAID),
    Term({"en": "ASGI", "tr": "ASGI"}, {}, SAID),
    Term({"en": "XOR", "tr": "XOR"}, {}, SAID, link=False),
    Term({"en": "task", "tr": "görev"}, {}, SAID, link=False),
    Term({"en": "server", "tr": "sunucu"}, {}),
)


def linked(text: str, language: str = "en") -> list[str]:
    """The words that become links to the glossary in `text`."""
    into = Links(TERMS, language, f"notebooks/{language}/01-server.ipynb").into(text)
    assert unlinked(into) == text
    return re.findall(rf"\[([^\[\]]+)\]\(\.\./\.\./docs/glossary\.{language}\.md#", into)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Two *coroutines* and a coroutine", ["coroutines"]),
        ("An event\nloop, and **Event loops**", ["event\nloop"]),
        ("the closing handshake, after the handshake", ["closing handshake", "handshake"]),
        ("# The event loop\n\nthe event loop", ["event loop"]),
        ("`coroutine`, “event loop”, [a handshake](x.md), uvicorn.run, uvicorn", ["uvicorn"]),
        ("```\nevent loop\n```\n", []),
        ("a task, a server, handshakes-only, ASGIs", ["ASGIs"]),
        ("| ASGI | uvicorn |", ["ASGI", "uvicorn"]),
    ],
)
def test_the_first_use_is_linked(text: str, words: list[str]) -> None:
    assert linked(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("*Eşyordamlar (coroutine)* ve eşyordam", ["Eşyordamlar"]),
        ("Olay döngüsünün adımları", ["Olay döngüsünün"]),
        ("kapanış el sıkışmasından önce el sıkışma", ["kapanış el sıkışmasından", "el sıkışma"]),
        ("uvicorn'un ve ASGI'nin", ["uvicorn'un", "ASGI'nin"]),
    ],
)
def test_with_every_ending_in_turkish(text: str, words: list[str]) -> None:
    assert linked(text, "tr") == words


def test_a_unit_links_each_term_once() -> None:
    links = Links(TERMS, "en", "labs/en/L1-echo/L1-echo.ipynb")
    assert links.into("An event loop.") == "An [event loop](../../../docs/glossary.en.md#event-loop)."
    assert links.into("An event loop, uvicorn.").count("](") == 1


def test_the_page_has_each_definition_in_the_order_of_the_alphabet() -> None:
    turkish = page(TERMS, "tr")
    assert turkish is not None
    assert re.findall("^### (.+)$", turkish, re.MULTILINE) == [
        "ASGI",
        "el sıkışma",
        "eşyordam",
        "görev",
        "kapanış el sıkışması",
        "olay döngüsü",
        "uvicorn",
        "XOR",
    ]
    assert "### eşyordam\n\n*coroutine* · Türkçesi." in turkish
    assert page(TERMS[-1:], "en") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_of_the_course_leads_to_a_term(language: str) -> None:
    text = (ROOT / path(language)).read_text("utf-8")
    anchors = {word.lower().replace(" ", "-") for word in re.findall("^### (.+)$", text, re.MULTILINE)}
    found: dict[str, list[str]] = {}
    for unit in building.units(ROOT):
        built = ROOT / unit.built("notebooks" if unit.kind == "notebook" else "labs", language)
        cells = "".join("".join(cell["source"]) for cell in json.loads(built.read_text("utf-8"))["cells"])
        for target, anchor in re.findall(r"\]\(([./]*docs/glossary\.\w+\.md)#([^)]+)\)", cells):
            assert (built.parent / target).resolve() == ROOT / path(language)
            found.setdefault(anchor, []).append(unit.number)
    assert set(found) <= anchors
    assert {"websocket", "uvicorn", "tcp"} <= set(found)
    assert all(len(set(units)) == len(units) for units in found.values())


def test_the_definitions_keep_to_the_glossary() -> None:
    terms = read_glossary(ROOT / glossary.PATH, lambda line, message: pytest.fail(f"{line}: {message}"))
    departed = [
        (term.word("en"), message)
        for term in terms
        for language, said in term.definition.items()
        for _, message in departures(said, language, terms)
    ]
    assert departed == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("- {en: hex, definition: {en: Said.}}", '"tr" is missing in "definition"'),
        ("- {en: hex, definition: Said.}", '"definition" must be a mapping of fields, not "Said."'),
        ("- {en: hex, link: maybe}", '"link" is true or false'),
    ],
)
def test_a_definition_that_is_none(tmp_path: Path, entry: str, message: str) -> None:
    file = tmp_path / "glossary.yml"
    file.write_text(entry, encoding="utf-8")
    mistakes: list[tuple[int, str]] = []
    read_glossary(file, lambda line, said: mistakes.append((line, said)))
    assert mistakes == [(1, message)]
