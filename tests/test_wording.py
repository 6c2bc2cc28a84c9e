"""The bilingual texts that lie beside the notebooks are held to the course's list of terms, as the notebooks are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from wslab.authoring.building.glossary import departures, read_glossary, semicolons
from wslab.language import LANGUAGES

ROOT = Path(__file__).parents[1]
FIELD = re.compile(r"\{[a-z_]+(?:\.\w+|:[^}]*)*\}")
FILES = [
    *sorted((ROOT / "src/wslab/labs/texts").glob("*.yml")),
    *sorted((ROOT / "src/wslab/predictions/questions").glob("*.yml")),
    ROOT / "course/guide.yml",
    ROOT / "course/plans.yml",
]
TERMS = read_glossary(ROOT / "course/glossary.yml", lambda line, message: pytest.fail(f"{line}: {message}"))


def texts(node: yaml.Node, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Each text of a file in every language, with where it stands."""
    if isinstance(node, yaml.MappingNode):
        here = {key.value: value for key, value in node.value}
        if set(here) == set(LANGUAGES) and all(isinstance(value, yaml.ScalarNode) for value in here.values()):
            yield f"{node.start_mark.line + 1}", {language: here[language].value for language in LANGUAGES}
        else:
            for key, value in here.items():
                yield from texts(value, f"{path}.{key}")
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from texts(item, path)


@pytest.mark.parametrize("file", FILES, ids=[f"{file.parent.name}/{file.name}" for file in FILES])
def test_texts_keep_to_the_terms(file: Path) -> None:
    root = yaml.compose(file.read_text(encoding="utf-8"))
    assert root is not None
    found = []
    for line, text in texts(root):
        for language in LANGUAGES:
            prose = FIELD.sub("…", text[language])
            found += [f"{file.name}:{line} {message}" for _, message in departures(prose, language, TERMS)]
            if semicolons(text[language]) > semicolons(text[LANGUAGES[0]]):
                found.append(f"{file.name}:{line} more semicolons than in the {LANGUAGES[0]} text: {text[language]}")
    assert not found, "\n".join(found)


def messages(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The kit's own short texts, each `Text(en=…, tr=…)` of a module, with its line."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text":
            words = {one.arg: one.value.value for one in node.keywords if isinstance(one.value, ast.Constant)}
            yield node.lineno, {language: str(words[language]) for language in LANGUAGES if language in words}


def test_the_kits_own_messages_keep_to_the_words_that_are_two_things() -> None:
    """They name what Python, uvicorn and options are called, so they are held to the glossary's habits alone."""
    habits = [term for term in TERMS if any(sides[0] for sides in term.examples.values()) and not term.beside]
    found = []
    for file in sorted((ROOT / "src/wslab").rglob("*.py")):
        for line, words in messages(file):
            for language, said in words.items():
                for _, message in departures(FIELD.sub("…", said), language, habits):
                    if not message.startswith('"('):
                        found.append(f"{file.relative_to(ROOT)}:{line} {message}")
    assert not found, "\n".join(found)
