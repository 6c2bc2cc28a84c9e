"""Solution regions: where they are, and what a learner gets in their place.

nbgrader's convention: everything from `### BEGIN SOLUTION` to `### END SOLUTION` goes, and a solution cell
without a region goes whole. What comes in its place is the blank `...`, or the start that the region itself
gives below `### STUB`, as comments, so that the solved cell runs as it stands:

    ### BEGIN SOLUTION
    await websocket.accept()
    ### STUB
    # websocket.accept()
    ### END SOLUTION

In Markdown the two markers are `<!-- BEGIN SOLUTION -->` and `<!-- END SOLUTION -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

BLANK = "..."
"""What stands where a learner is to write; also nbgrader's `code_stub` and `text_stub` in this course."""

_MARKERS = {
    "code": {"begin": "### BEGIN SOLUTION", "stub": "### STUB", "end": "### END SOLUTION"},
    "markdown": {"begin": "<!-- BEGIN SOLUTION -->", "end": "<!-- END SOLUTION -->"},
}
# What nbgrader takes for a marker, wherever in a line it stands.
_NBGRADER = re.compile(r"(BEGIN|END) SOLUTION")
_COMMENT = re.compile(r"(\s*)# ?(.*)")

Kind = Literal["markdown", "code"]


def has_region(text: str) -> bool:
    """Whether nbgrader would see a marker of a solution region in `text`."""
    return _NBGRADER.search(text) is not None


def region_mistakes(text: str, kind: Kind) -> Iterator[tuple[int, str]]:
    """Every unbalanced or misspelt marker in a cell: the line within the cell, from 0, and what to do."""
    markers = _MARKERS[kind]
    begun: int | None = None
    stub = False
    for number, line in enumerate(text.split("\n")):
        word = line.strip()
        if word == markers["begin"]:
            if begun is not None:
                yield number, f'a solution region begins inside another one; write "{markers["end"]}" before it'
            begun, stub = number, False
        elif word == markers["end"]:
            if begun is None:
                yield number, f'"{word}" has no "{markers["begin"]}" above it'
            begun, stub = None, False
        elif word == markers.get("stub"):
            if begun is None or stub:
                yield number, f'"{word}" stands once in a solution region, between its code and "{markers["end"]}"'
            stub = True
        elif _NBGRADER.search(line):
            yield number, f'write the marker alone on its line: "{markers["begin"]}" or "{markers["end"]}"'
        elif stub and begun is not None and word and not word.startswith("#"):
            yield number, 'below "### STUB" every line is a comment: the stub, with "# " before it'
    if begun is not None:
        yield begun, f'the solution region that begins here has no "{markers["end"]}"'


def cleared(text: str, kind: Kind) -> str:
    """The learner's version of a solution cell.

    Args:
        text: the solved cell, its markers balanced.
        kind: the kind of the cell, which says how the markers are written.
    """
    markers = _MARKERS[kind]
    if not has_region(text):
        return BLANK
    kept: list[str] = []
    stub: list[str] | None = None
    inside = False
    indent = ""
    for line in text.split("\n"):
        word = line.strip()
        if word == markers["begin"]:
            inside, stub = True, None
            indent = line[: len(line) - len(line.lstrip())]
        elif word == markers["end"]:
            inside = False
            kept += [indent + BLANK] if stub is None else stub
        elif not inside:
            kept.append(line)
        elif word == markers.get("stub"):
            stub = []
        elif stub is not None:
            stub.append(_COMMENT.sub(r"\1\2", line).rstrip())
    return "\n".join(kept)
