"""Texts exist in every language, and the reader's language is found."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import wslab
from wslab import language
from wslab.language import LANGUAGES, Text, current_language, filled, shortened, use_language

KIT = Path(wslab.__file__).parent


def test_a_text_speaks_the_language_in_use() -> None:
    text = Text(en="{count} clients", tr="{count} istemci")
    assert text.format(count=3) == "3 clients"
    use_language("tr")
    assert text.format(count=3) == "3 istemci"
    assert text.into("en") == "{count} clients"
    assert Text.of("1006") == Text(en="1006", tr="1006")
    assert Text.of({"en": "a", "tr": "b"}) == Text(en="a", tr="b")


def test_an_unknown_language_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="'de' is not an edition of this course; write one of 'en', 'tr'"):
        wslab.use("de")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "tr_TR.UTF-8"}, "tr"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "tr_TR.UTF-8", "WSLAB_LANG": "en"}, "en"),
        ({"LANG": "C.UTF-8", "LC_ALL": "tr_TR"}, "tr"),
    ],
)
def test_the_environment_decides_until_somebody_chooses(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    use_language(None)
    for name in ("WSLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert current_language() == expected


def test_a_new_language_falls_back_to_the_first_until_it_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "LANGUAGES", (*LANGUAGES, "de"))
    use_language("de")
    assert str(Text(en="one", tr="bir")) == "one"
    assert str(Text(en="one", tr="bir", de="eins")) == "eins"


def texts() -> list[tuple[str, int, ast.Call]]:
    found = []
    for path in sorted(KIT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text":
                found.append((str(path.relative_to(KIT)), node.lineno, node))
    return found


def test_every_text_of_the_kit_is_there_in_every_language_with_the_same_fields() -> None:
    import string

    wrong = []
    for path, line, call in texts():
        if any(keyword.arg is None for keyword in call.keywords) or not call.keywords:
            continue  # Text(**data): checked where the data is read
        wordings = {
            keyword.arg: keyword.value.value
            for keyword in call.keywords
            if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
        }
        if not set(LANGUAGES) <= {keyword.arg for keyword in call.keywords}:
            wrong.append(f"{path}:{line}: only {sorted(wordings)}")
            continue
        fields = {
            # {Who} at the beginning of a sentence is {who} elsewhere: word order differs between languages.
            frozenset(name.lower() for _, name, _, _ in string.Formatter().parse(text) if name)
            for text in wordings.values()
        }
        if len(fields) > 1:
            wrong.append(f"{path}:{line}: different fields {[sorted(names) for names in fields]}")
    assert not wrong
    assert len(texts()) > 20


def test_numbers_are_written_as_the_language_writes_them() -> None:
    text = Text(en="{ms:.1f} ms, {count}, {name}", tr="{ms:.1f} ms, {count}, {name}")
    values = {"ms": 0.75, "count": 1000, "name": "server.py"}
    assert text.format(**values) == "0.8 ms, 1000, server.py"
    assert filled(text, **values).spoken() == {"en": "0.8 ms, 1000, server.py", "tr": "0,8 ms, 1000, server.py"}
    use_language("tr")
    assert text.format(**values) == "0,8 ms, 1000, server.py"


@pytest.mark.parametrize(("text", "short"), [("", ""), ("abcd", "abcd"), ("abcde", "abc…"), ("çğıöşü", "çğı…")])
def test_what_is_too_long_is_cut_to_the_length(text: str, short: str) -> None:
    assert shortened(text, 4) == short
