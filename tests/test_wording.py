"""The bilingual texts that lie beside the notebooks are held to the course's list of terms, as the notebooks are."""

from __future__ import annotations

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
