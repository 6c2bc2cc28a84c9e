"""The document that the course teaches: its translation, and the way to it from every unit that speaks of it."""

from __future__ import annotations

import io
import json
import re
import tokenize
from pathlib import Path

import pytest

from wslab.language import LANGUAGES

ROOT = Path(__file__).parents[3]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def document(language: str) -> str:
    return (ROOT / "docs" / f"document.{language}.md").read_text("utf-8")


def prose(text: str) -> str:
    return _FENCE.sub("", text)


def without_comments(code: str) -> list[str]:
    """The tokens of a block; of JavaScript, its lines."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, IndentationError):
        return code.splitlines()
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    return [token.string for token in tokens if token.type not in ignored]


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_both_have_the_same_headings_and_lists(language: str) -> None:
    def outline(code: str) -> list[str]:
        text = re.sub(r"^>.*\n", "", prose(document(code)), flags=re.MULTILINE)  # the translator's note
        return re.findall(r"^(#+|\s*-|\s*\d+\.) ", text, re.MULTILINE)

    assert outline(LANGUAGES[0]) == outline(language)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_the_code_is_the_same_but_for_comments(language: str) -> None:
    theirs, ours = (_FENCE.findall(document(code)) for code in (language, LANGUAGES[0]))
    assert [info for info, _ in ours] == [info for info, _ in theirs]
    for (_, one), (_, other) in zip(ours, theirs, strict=True):
        assert without_comments(one) == without_comments(other)


def test_every_turkish_string_of_the_code_is_glossed() -> None:
    text = document("en")
    glossed = [
        row.split("…")[0].strip() for row in re.findall(r"^> \| `(.+?)` \|", text, re.MULTILINE) if row != "in the code"
    ]
    for _, code in _FENCE.findall(text):
        for string in re.findall(r'"([^"\n]*[çğıöşüÇĞİÖŞÜ][^"\n]*)"', code):
            assert any(string.startswith(one) for one in glossed), string


@pytest.mark.parametrize("source", sorted((ROOT / "course").glob("*/[0-9L]*.md")), ids=lambda path: path.stem)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_unit_links_the_document_in_its_language(source: Path, language: str) -> None:
    (path,) = (ROOT / source.parent.name / language).rglob(f"{source.stem}.ipynb")
    cells = json.loads(path.read_text("utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    targets = set(re.findall(r"\]\(([^)]*/document\.\w+\.md)\)", text))
    assert {(path.parent / target).resolve() for target in targets} == {ROOT / "docs" / f"document.{language}.md"}
