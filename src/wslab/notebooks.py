"""What a built notebook of the course is: where it comes from, and what a learner gets in place of a solution.

Solution regions follow nbgrader's convention: everything from `### BEGIN SOLUTION` to `### END SOLUTION` goes, and a
solution cell without a region goes whole. What comes in its place is the blank `...`, or the start that the region
itself gives below `### STUB`, as comments, so that the solved cell runs as it stands:

    ### BEGIN SOLUTION
    await websocket.accept()
    ### STUB
    # websocket.accept()
    ### END SOLUTION

In Markdown the two markers are `<!-- BEGIN SOLUTION -->` and `<!-- END SOLUTION -->`.

A notebook is a mapping here, as `json.loads()` or nbformat reads it. nbformat itself takes seconds to import, which a
learner's `reset()` and each graded submission would pay.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

BLANK = "..."
"""What stands where a learner is to write; also nbgrader's `code_stub` and `text_stub` in this course."""

_MARKERS = {
    "code": {"begin": "### BEGIN SOLUTION", "stub": "### STUB", "end": "### END SOLUTION"},
    "markdown": {"begin": "<!-- BEGIN SOLUTION -->", "end": "<!-- END SOLUTION -->"},
}
# What nbgrader takes for a marker, wherever in a line it stands.
_NBGRADER = re.compile(r"(BEGIN|END) SOLUTION")
_COMMENT = re.compile(r"(\s*)# ?(.*)")
_STUB = re.compile(r"[ \t]*### STUB\n.*?(?=[ \t]*### END SOLUTION)", re.DOTALL)
_MARKER = re.compile(r"[ \t]*### (BEGIN|END) SOLUTION[ \t]*\n?")
_REGION = re.compile(r"[ \t]*### BEGIN SOLUTION\n(?P<code>.*?)[ \t]*### (STUB|END SOLUTION)", re.DOTALL)

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


def without_markers(text: str) -> str:
    """A solution cell that runs as it stands: without the markers, and without the stubs.

    Args:
        text: the cell's code, its markers balanced.
    """
    return _MARKER.sub("", _STUB.sub("", text)).strip("\n")


# A cell in which the learner writes, judged at once

_TURN = re.compile(r"""\bcheck\(\s*(["'])(?P<unit>\d\d)\.(?P<name>turn-\d+)\1""")


@dataclass(frozen=True, slots=True)
class Turn:
    """A "your turn": what a cell of a unit asks `check()` for.

    Attributes:
        unit: the unit's number: `"05"`.
        name: `"turn-2"`, also the id of its cell.
    """

    unit: str
    name: str

    def __str__(self) -> str:
        return f"{self.unit}.{self.name}"


def turn_of(code: str) -> Turn | None:
    """The turn that a code cell is, None where it is none."""
    found = _TURN.search(code)
    return Turn(found["unit"], found["name"]) if found else None


def region(text: str) -> str:
    """What stands in a cell's first solution region, without its stub; empty where there is none."""
    found = _REGION.search(text)
    return textwrap.dedent(found["code"]).strip("\n") if found else ""


# Where a built notebook comes from

TITLE, SUMMARY, NEXT = "title", "summary", "next"
RENDERED = (TITLE, SUMMARY, NEXT)
"""The ids of the cells that are rendered from front matter."""

ONE_WAY = "-one-way"
"""How the id of the cell ends that shows the solution of the turn above it."""


def is_rendered(cell_id: str) -> bool:
    """Whether the build makes the cell of that id itself, so that no source has it."""
    return cell_id in RENDERED or cell_id.endswith(ONE_WAY)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a built notebook says about itself, wherever it is copied to: in its own metadata, under `wslab`.

    Attributes:
        unit: the name of the unit.
        language: the edition.
        folder: which kind of edition: `"notebooks"`, `"labs"` or `"solutions"`.
        content: the digest of its cells when they were last the same as the source's.
        version: of the kit that it was built for; empty where that isn't known.
    """

    unit: str
    language: str
    folder: str
    content: str
    version: str = ""

    @classmethod
    def of(cls, notebook: Mapping[str, Any]) -> Self | None:
        """Where a notebook comes from, None where no build wrote it."""
        said = notebook["metadata"].get("wslab")
        if not isinstance(said, Mapping):
            return None
        found = {one.name: said[one.name] for one in fields(cls) if isinstance(said.get(one.name), str)}
        # Notebooks that were built before 0.2 say no version.
        return cls(**found) if found.keys() | {"version"} == {one.name for one in fields(cls)} else None


def digest(cells: Iterable[Mapping[str, Any]]) -> str:
    """What tells an edited notebook from one that was only run: its cells without outputs, ids and rendered parts."""
    content = [essence(cell) for cell in cells if not is_rendered(cell["id"])]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def essence(cell: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """The kind, the text and the metadata that a source can hold; what a front end adds of its own is not in it."""
    metadata: dict[str, Any] = {}
    if tags := cell["metadata"].get("tags"):
        metadata["tags"] = list(tags)
    slide_type = cell["metadata"].get("slideshow", {}).get("slide_type")
    if slide_type and slide_type != "-":
        metadata["slideshow"] = {"slide_type": slide_type}
    if grading := cell["metadata"].get("nbgrader"):
        # nbgrader's own preprocessors add to it; the source says the rest.
        metadata["nbgrader"] = {key: value for key, value in grading.items() if key not in ("checksum", "cell_type")}
    return cell["cell_type"], "".join(cell["source"]).strip("\n").rstrip(), metadata


# From a solution to a lab


def locked(grading: Mapping[str, Any]) -> dict[str, bool]:
    """The metadata of a graded cell in a lab, as nbgrader's LockCells writes it.

    Nothing graded can be deleted, and only a solution can be written in.
    """
    return {"deletable": False} if grading["solution"] else {"deletable": False, "editable": False}


def released(notebook: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    """A notebook whose solutions are out already, as the lab that it is: its origin, and its links.

    Args:
        notebook: the notebook.
        origin: where the solved one comes from.
    """
    lab = copy.deepcopy(dict(notebook))
    for cell in lab["cells"]:
        if cell["id"] in RENDERED:  # other labs are nearer from a lab than from its solution
            far, near = f"(../../../labs/{origin.language}/", "(../"
            source = cell["source"]
            cell["source"] = (
                source.replace(far, near) if isinstance(source, str) else [line.replace(far, near) for line in source]
            )
    content = digest(lab["cells"])
    lab["metadata"]["wslab"] = asdict(Origin(origin.unit, origin.language, "labs", content, origin.version))
    return lab


def lab_of(solution: Mapping[str, Any]) -> dict[str, Any]:
    """The lab that a learner gets, from its built solution.

    Args:
        solution: the notebook, as `json.loads()` reads it.

    Raises:
        ValueError: no build wrote it.
    """
    origin = Origin.of(solution)
    if origin is None:
        raise ValueError("this is no built solution")
    lab = copy.deepcopy(dict(solution))
    for cell in lab["cells"]:
        grading = cell["metadata"].get("nbgrader")
        if grading and grading.get("solution"):
            cell["source"] = cleared("".join(cell["source"]), cell["cell_type"]).splitlines(keepends=True)
        if grading:
            cell["metadata"].update(locked(grading))
    return released(lab, origin)


def to_bytes(notebook: Mapping[str, Any]) -> bytes:
    """The file of a notebook whose sources are lists of lines: as nbformat and JupyterLab write it."""
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": "))
    return (text + "\n").encode()
