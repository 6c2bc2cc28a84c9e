"""Each code block of the document stands in a file of `wslab.seed`, to the letter.

Blocks are compared line by line; white space at line ends, blank lines, the linter's marks and how deep the whole block
is indented do not count. A line may differ only where a comment that begins with “Departure:” announces it: it belongs
to the statement below that comment, or a name that this statement introduces stands in a literal's place.
"""

from __future__ import annotations

import ast
import functools
import itertools
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from wslab.seed import FOLDER

DOCUMENT = Path(__file__).parents[2] / "docs" / "document.tr.md"
FILES = ("server.py", "client.py", "chat.html", "push_server.py", "random_server.py")

# What the document shows to make a point and puts into none of its systems, by the first line.
FRAGMENTS = {
    "# Hatalı kod - await olmadan",
    'await websocket.close(code=1000, reason="Normal closure")',
    'ws.close(1000, "Normal closure");',
}
_FENCE = re.compile(r"^```(?:python|javascript)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINTERS_MARK = re.compile(r"\s+# noqa\b.*")
_ASSIGNED = re.compile(r"(\w+) = ")
_HEAD = re.compile(r"\s*[\w.]+( = |\()")


@dataclass(frozen=True)
class Line:
    """A line of a system's file.

    Attributes:
        text: without white space at its end.
        announces: whether it is a comment on a departure.
        statement: the number of the departing statement that it belongs to; 0 for a line of the document.
    """

    text: str
    announces: bool = False
    statement: int = 0


def compared(text: str) -> list[str]:
    lines = [_LINTERS_MARK.sub("", line).rstrip() for line in text.split("\n")]
    return textwrap.dedent("\n".join(line for line in lines if line)).split("\n")


def blocks() -> list[list[str]]:
    return [compared(block) for block in _FENCE.findall(DOCUMENT.read_text("utf-8"))]


@functools.cache
def read(name: str) -> tuple[list[Line], frozenset[str]]:
    """The lines of one of the systems' files, and the names that its departures introduce."""
    lines: list[Line] = []
    names: set[str] = set()
    announcing, brackets, statement = False, 0, 0
    for text in compared((FOLDER / name).read_text("utf-8")):
        if "Departure:" in text or (announcing and text.lstrip().startswith("#")):
            announcing = True
            lines.append(Line(text, announces=True))
        elif announcing or brackets:
            if announcing:
                statement += 1
                names.update(_ASSIGNED.findall(text)[:1])
            announcing = False
            brackets += sum(map(text.count, "([{")) - sum(map(text.count, ")]}"))
            lines.append(Line(text, statement=statement))
        else:
            lines.append(Line(text))
    return lines, frozenset(names)


def stands_in(block: list[str], name: str) -> bool:
    lines, names = read(name)
    return any(
        _begins_with(lines[start:], block, names, line.text[: len(line.text) - len(line.text.lstrip())])
        for start, line in enumerate(lines)
    )


def _begins_with(lines: list[Line], block: list[str], names: frozenset[str], indent: str) -> bool:
    """Whether these lines begin with the block, each line of it `indent` deeper than in the document."""
    if not block:
        return True
    if not lines:
        return False
    line = lines[0]
    if line.announces:
        return _begins_with(lines[1:], block, names, indent)
    if not line.statement:
        fits = line.text == indent + block[0] or _a_name_for_a_literal(line.text, indent + block[0], names)
        return fits and _begins_with(lines[1:], block[1:], names, indent)
    rest = [other for other in lines if other.statement != line.statement]
    if _ASSIGNED.match(line.text) and _begins_with(rest, block, names, indent):
        return True  # a name that the document doesn't have
    return any(
        _gave_way(block[:length], line.text) and _begins_with(rest, block[length:], names, indent)
        for length in range(1, len(block) + 1)
    )


def _alike(one: str, other: str) -> int:
    """How many characters they begin with in common."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _a_name_for_a_literal(ours: str, document: str, names: frozenset[str]) -> bool:
    before = _alike(ours, document)
    after = _alike(ours[before:][::-1], document[before:][::-1])
    there, instead = document[before : len(document) - after], ours[before : len(ours) - after]
    if not names.intersection(re.findall(r"\w+", instead)):
        return False
    try:
        ast.literal_eval(there or "''")
    except (SyntaxError, ValueError):
        return False
    return True


def _gave_way(document: list[str], ours: str) -> bool:
    """Whether these lines are one statement, and of the kind of ours: the same call, or the same name assigned."""
    heads = [_HEAD.match(line) for line in (document[0], ours)]
    if None in heads or len({head[0].strip() for head in heads if head}) > 1:
        return False
    try:
        return len(ast.parse(textwrap.dedent("\n".join(document))).body) == 1
    except SyntaxError:
        return False


PARTS = [block for block in blocks() if block[0] not in FRAGMENTS]
each_part = pytest.mark.parametrize("block", PARTS, ids=[f"{number}" for number, _ in enumerate(PARTS)])


def test_the_document_was_read_whole() -> None:
    assert {block[0] for block in blocks()} >= FRAGMENTS
    assert len(PARTS) >= 15


@each_part
def test_each_block_stands_in_a_file(block: list[str]) -> None:
    assert [name for name in FILES if stands_in(block, name)], block[0]


@each_part
def test_no_line_can_change_unnoticed(block: list[str]) -> None:
    """The comparison itself: a block with a line changed stands nowhere; a departure's text alone is free."""
    free = {'html = """', "<!DOCTYPE html>", "..."}
    for place, line in enumerate(block):
        changed = [*block[:place], line + "x", *block[place + 1 :]]
        found = any(stands_in(changed, name) for name in FILES)
        assert found == (line in free), line


@each_part
def test_no_line_can_be_left_out_unnoticed(block: list[str]) -> None:
    free = {"<!DOCTYPE html>", "..."}
    for place in range(1, len(block) - 1):
        shorter = [*block[:place], *block[place + 1 :]]
        found = any(stands_in(shorter, name) for name in FILES)
        assert found == (block[place] in free), block[place]
