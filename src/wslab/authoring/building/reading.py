"""A source file as jupytext reads it, and for each of its blocks the lines that it came from."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import nbformat
from jupytext.myst import (  # type: ignore[import-untyped]
    MystMetadataParsingError,
    myst_to_notebook,
    notebook_to_myst,
)
from nbformat.validator import NotebookValidationError
from yaml import YAMLError

from wslab import yaml
from wslab.authoring.building.problems import Note

Kind = Literal["markdown", "code"]

_FENCE = re.compile(r"(`{3,}|~{3,})\{(code|raw)-cell\}")
_BREAK = re.compile(r"\+\+\+($|\s)")
_JUPYTEXT_LINE = re.compile(r"at line (\d+)")
_LEXER = "ipython3"
_v4: Any = nbformat.v4  # its functions carry no types


@dataclass(frozen=True, slots=True)
class Block:
    """One cell as the source writes it: one language of a Markdown cell, or a code cell.

    Attributes:
        line: the line of its `+++` or its fence, counted from 1.
        text_line: the line on which its text begins.
        raw: every line from there to the next block, as it stands in the file.
    """

    kind: Kind
    text: str
    metadata: Mapping[str, Any]
    line: int
    text_line: int
    raw: str


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The YAML on top of a source, and the line of each of its values by its path: `("title", "tr")`."""

    data: Mapping[str, Any]
    lines: Mapping[tuple[str | int, ...], int]

    def line(self, *path: str | int) -> int:
        """The line of the value at `path`, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@dataclass(frozen=True, slots=True)
class Source:
    """A whole file: `head` is everything before the first block, as it stands in the file."""

    front: FrontMatter
    head: str
    blocks: tuple[Block, ...]


def read_source(text: str, note: Note) -> Source | None:
    """Parse one source file.

    Args:
        text: the file, with `\\n` line ends.
        note: is told every mistake of form.

    Returns:
        The file's blocks, or None where nothing can be made of it.
    """
    lines = text.split("\n")
    front_end = _front_matter_end(lines)
    if front_end is None:
        note(1, 'missing front matter: begin the file with a line "---", then "unit:" and so on, then "---"')
        return None
    front = _front_matter(lines[1:front_end], note)
    if front is None:
        return None
    # Jupytext reads the body alone, in place: a fault in the front matter was reported above, by our own line.
    body = "\n" * (front_end + 1) + "\n".join(lines[front_end + 1 :])
    blocks = _blocks(body, note)
    if blocks is None:
        return None
    first = blocks[0].line - 1 if blocks else len(lines)
    head = "\n".join(lines[:first]) + "\n"
    return Source(front, head, tuple(blocks))


def _front_matter_end(lines: list[str]) -> int | None:
    if lines[0].rstrip() != "---":
        return None
    return next((index for index, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)


def _front_matter(lines: list[str], note: Note) -> FrontMatter | None:
    try:
        node = yaml.compose("\n".join(lines))
        data = None if node is None else yaml.value(node)
    except yaml.Wrong as wrong:
        note(wrong.line + 1, f"the front matter: {wrong}")  # it begins below the first "---"
        return None
    if not isinstance(data, dict) or not isinstance(node, yaml.MappingNode):
        note(1, 'missing front matter: write "unit:" with title, minutes, objectives… between the two lines "---"')
        return None
    places: dict[tuple[str | int, ...], int] = {}
    for path, line in _places(node, ()):
        if path in places:
            note(line + 1, f"{'.'.join(map(str, path))} is written twice; keep one")
        places[path] = line + 1
    return FrontMatter(data, places)


def _places(node: yaml.Node, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            yield below, yaml.line(key)
            yield from _places(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            below = (*path, index)
            yield below, yaml.line(value)
            yield from _places(value, below)


def _blocks(body: str, note: Note) -> list[Block] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that two fences name their lexers differently changes nothing here
            notebook = myst_to_notebook(body, add_source_map=True)
    except (MystMetadataParsingError, NotebookValidationError, YAMLError) as error:
        line, reason = _explain(body, error)
        note(line, f"the metadata of this cell cannot be read: {reason}")
        return None
    lines = body.split("\n")
    # Jupytext's map counts differently for the two kinds: a fence by its own line, Markdown by the line after its
    # `+++`, or after whatever came before where there is none.
    starts = [
        begin - 1 if cell.cell_type != "markdown" or lines[begin - 1].startswith("+++") else begin
        for cell, begin in zip(notebook.cells, notebook.metadata["source_map"], strict=True)
    ]
    blocks = []
    for cell, start, end in zip(notebook.cells, starts, [*starts[1:], len(lines)], strict=True):
        if cell.cell_type == "raw":
            note(start + 1, "a raw cell has no place in a notebook of this course; use Markdown or code")
            continue
        text_line = _text_line(lines, start, end, cell)
        for offset, line in enumerate(cell.source.split("\n") if cell.cell_type == "code" else ()):
            if _FENCE.match(line) or _BREAK.match(line):
                note(text_line + offset, f"a new cell begins inside the code cell of line {start + 1}; close its fence")
        raw = "\n".join(lines[start:end]) + ("\n" if end < len(lines) else "")
        line = start + 1 if lines[start].strip() else text_line
        blocks.append(Block(cell.cell_type, cell.source, dict(cell.metadata), line, text_line, raw))
    return blocks


def _text_line(lines: list[str], start: int, end: int, cell: Any) -> int:
    text = cell.source.split("\n")
    first = start if cell.cell_type == "markdown" and not lines[start].startswith("+++") else start + 1
    for index in range(first, end):
        # Jupytext strips the end of a Markdown cell, so that its last line may be shorter than the file's.
        there = lines[index : index + len(text)]
        same = there[:-1] == text[:-1] and there[-1].startswith(text[-1])
        if same and (cell.cell_type == "code" or there[0].strip()):
            return index + 1
    return start + 1


def _explain(body: str, error: Exception) -> tuple[int, str]:
    """The line and the plain reason of a fault that jupytext or nbformat met."""
    said = str(error)
    if named := _JUPYTEXT_LINE.search(said):
        _, _, reason = said.partition("could not be read: ")
        return int(named[1]), " ".join((reason or said).split())
    # A value that nbformat refuses (`:tags: hide-input`) comes without a line: it is in the first block that fails.
    lines = body.split("\n")
    beginnings = [index for index, line in enumerate(lines) if _FENCE.match(line) or _BREAK.match(line)]
    for begin, end in zip(beginnings, [*beginnings[1:], len(lines)], strict=True):
        try:
            myst_to_notebook("\n".join(lines[begin:end]) + "\n\n.\n")
        except (NotebookValidationError, YAMLError):
            return begin + 1, " ".join(said.split("\n\n")[0].split())
    return 1, said.splitlines()[0]


def write_block(kind: Kind, text: str, metadata: Mapping[str, Any]) -> str:
    """One block as jupytext writes it, a blank line after it."""
    new_cell = _v4.new_markdown_cell if kind == "markdown" else _v4.new_code_cell
    notebook = _v4.new_notebook(cells=[new_cell(source=text, metadata=dict(metadata))])
    written: str = notebook_to_myst(notebook, default_lexer=_LEXER)
    return written.lstrip("\n") + "\n"
