"""YAML as an author writes it: nodes that know their line, fields taken one by one, and a message for each mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from wslab.language import LANGUAGES, Text

__all__ = [
    "Fields",
    "MappingNode",
    "Node",
    "Problem",
    "ScalarNode",
    "SequenceNode",
    "Wrong",
    "compose",
    "entries",
    "in_every_language",
    "items",
    "kind",
    "line",
    "raw",
    "suggest",
    "text",
    "value",
]

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a file that an author writes: `course/notebooks/01-server.md:12: what to do`.

    Attributes:
        file: its path, with `/` on every system where it is one of the checkout's.
        line: the line, counted from 1.
        message: what is wrong and what to do.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class Wrong(Exception):
    """A mistake in a YAML document.

    Attributes:
        line: its line, counted from 1.
    """

    def __init__(self, where: Node | int, says: str) -> None:
        """`where` is the node that holds the mistake, or its line."""
        super().__init__(says)
        self.line = where if isinstance(where, int) else line(where)

    def problem(self, path: Path | str, prefix: str = "") -> Problem:
        """The mistake with the file it stands in."""
        return Problem(str(path), self.line, f"{prefix}{self}")


def compose(source: str) -> Node | None:
    """The root node of a document; None where it is empty.

    Raises:
        Wrong: `source` is not YAML.
    """
    try:
        return _root(source, _FAST)
    except yaml.YAMLError:
        pass
    try:
        return _root(source, yaml.SafeLoader)  # for its messages, which are the clearer ones
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        told = (getattr(error, "problem", None), getattr(error, "context", None))
        says = " ".join(filter(None, told)) or " ".join(str(error).split())
        hint = " (quote a text that begins with a backtick or holds `: `, and every sentence inside {…})"
        raise Wrong(mark.line + 1 if mark else 1, f"this is not YAML: {says}{hint}") from error


def _root(source: str, loader: Any) -> Node | None:
    root: Node | None = yaml.compose(source, Loader=loader)
    return root


def in_every_language(node: Node) -> Node:
    """The same, each text that stands in some languages alone taken for the others, too; the node is changed."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, MappingNode):
            there = {key.value: held for key, held in one.value if isinstance(key, ScalarNode)}
            if there and there.keys() <= set(LANGUAGES):
                first, held = next(iter(one.value))
                for language in (code for code in LANGUAGES if code not in there):
                    key = ScalarNode(first.tag, language, first.start_mark, first.end_mark)
                    one.value.append((key, held))
            waiting += [held for _, held in one.value]
        elif isinstance(one, SequenceNode):
            waiting += one.value
    return node


def line(node: Node) -> int:
    """The line in which `node` begins, counted from 1."""
    mark = node.start_mark
    return int(mark.line) + 1 if mark is not None else 1


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the one that was meant, or all there are."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f'; did you mean "{near[0]}"?' if near else f"; known here: {', '.join(known)}"


def value(node: Node) -> Any:
    """The Python value of a node, as YAML 1.1's safe types.

    Raises:
        Wrong: it has none.
    """
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except yaml.YAMLError as error:
        raise Wrong(node, f"this is no plain YAML value: {error}") from error
    finally:
        loader.dispose()


def kind(node: Node) -> str:
    """What a node is, for a message: `a list`, `a mapping`, `nothing` or the scalar itself."""
    if isinstance(node, SequenceNode):
        return "a list"
    if isinstance(node, MappingNode):
        return "a mapping"
    return "nothing" if node.tag == "tag:yaml.org,2002:null" else f'"{raw(node)}"'


def raw(node: Node) -> str:
    """A scalar as it is written: `500` and `no` stay what the author typed.

    Raises:
        Wrong: it is no scalar.
    """
    if not isinstance(node, ScalarNode):
        raise Wrong(node, f"expected a word, not {kind(node)}")
    return str(node.value)


def items(node: Node, what: str) -> list[Node]:
    """The nodes of a list.

    Raises:
        Wrong: it is no list.
    """
    if not isinstance(node, SequenceNode):
        raise Wrong(node, f'"{what}" must be a list, not {kind(node)}')
    return list(node.value)


def entries(node: Node, what: str) -> Iterator[tuple[Node, str, Node]]:
    """Of each entry of a mapping, whose names the author chooses: the node of its name, the name, and its value.

    Raises:
        Wrong: it is no mapping.
    """
    if not isinstance(node, MappingNode):
        raise Wrong(node, f"{what} is a mapping of names, not {kind(node)}")
    for key, held in node.value:
        yield key, raw(key), held


class Fields:
    """A mapping whose fields are taken one by one, so that what is left over is a mistake.

    Attributes:
        node: the mapping.
        what: what it is called in messages.
    """

    def __init__(self, node: Node, what: str) -> None:
        if not isinstance(node, MappingNode):
            raise Wrong(node, f"{what} must be a mapping of fields, not {kind(node)}")
        self.node = node
        self.what = what
        self._fields: dict[str, Node] = {}
        self._asked: list[str] = []
        for key, held in node.value:
            name = raw(key)
            if name in self._fields:
                raise Wrong(key, f'"{name}" stands twice in {what}')
            self._fields[name] = held

    def get(self, name: str) -> Node | None:
        """The field's node; None where it was left out."""
        self._asked.append(name)
        return self._fields.get(name)

    def need(self, name: str) -> Node:
        """The field's node.

        Raises:
            Wrong: it was left out.
        """
        node = self.get(name)
        if node is None:
            raise Wrong(self.node, f'"{name}" is missing in {self.what}')
        return node

    def finish(self) -> None:
        """Every field has been asked for.

        Raises:
            Wrong: another one is there.
        """
        for key, _ in self.node.value:
            name = raw(key)
            if name not in self._asked:
                raise Wrong(key, f'{self.what} has no field "{name}"{suggest(name, self._asked)}')


def text(node: Node, what: str) -> Text:
    """A text with a wording in each language, letter for letter.

    Raises:
        Wrong: a language is missing, or a wording is empty or no text.
    """
    fields = Fields(node, f'"{what}"')
    wordings = {}
    for language in LANGUAGES:
        held = fields.need(language)
        if not isinstance(held, ScalarNode):
            where = f'"{what}" in "{language}"'
            raise Wrong(held, f"{where} must be a text, not {kind(held)} (a text with a colon in it goes in quotes)")
        if not held.value.strip():
            raise Wrong(held, f'"{what}" in "{language}" is empty')
        wordings[language] = str(held.value)
    fields.finish()
    return Text(**wordings)
