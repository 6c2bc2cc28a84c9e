"""The built notebooks of a lab, read from the course's folders: the stub that is handed out, and the solution."""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wslab import own_course, shipped
from wslab.labs.lab import Lab
from wslab.language import LANGUAGES
from wslab.notebooks import Origin, digest, to_bytes, without_markers

_CHECK = re.compile(r"""\bcheck\(\s*(["'])(?P<name>L\d+(\.[\w-]+)?)\1""")
_ANSWER = re.compile(r"<!-- BEGIN SOLUTION -->(.*?)<!-- END SOLUTION -->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cell:
    """One code cell of a lab.

    Attributes:
        source: its code.
        grade_id: nbgrader's name for it; empty where it has none.
        points: what it is worth; 0 where it is not graded.
        solution: whether the learner writes in it.
        graded: whether it is graded by itself.
    """

    source: str
    grade_id: str = ""
    points: float = 0
    solution: bool = False
    graded: bool = False

    @property
    def checks(self) -> tuple[str, ...]:
        """The names that it gives to `check()`."""
        return tuple(match["name"] for match in _CHECK.finditer(self.source))

    @property
    def solved(self) -> str:
        """Its code without the markers of the solution regions, and without the stubs in them."""
        return without_markers(self.source)

    def assigns(self, name: str) -> bool:
        """Whether its code gives a value to the variable `name`."""
        try:
            tree = ast.parse(self.source)
        except SyntaxError:
            return False
        targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
        return any(isinstance(target, ast.Name) and target.id == name for target in targets)


@dataclass(frozen=True, slots=True)
class Written:
    """A cell of a lab that is answered in words.

    Attributes:
        grade_id: nbgrader's name for it.
        question: what it asks, as Markdown.
        model: how the solution answers it, as Markdown.
    """

    grade_id: str
    question: str
    model: str


def path_of(root: Path, lab: Lab, folder: str, language: str) -> Path:
    """Where an edition of a lab stands.

    Args:
        root: the course's folder.
        lab: the lab.
        folder: `"labs"` or `"solutions"`.
        language: the edition.
    """
    return root / folder / language / lab.slug / f"{lab.slug}.ipynb"


def code_cells(path: Path) -> tuple[Cell, ...]:
    """The code cells of a notebook.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no notebook.
    """
    return code_cells_of(path.read_bytes())


def code_cells_of(content: bytes) -> tuple[Cell, ...]:
    """The code cells of a notebook, from its file's content.

    Raises:
        ValueError: it is no notebook.
    """
    # They are the kit's own, of one known format; nbformat, which knows them all, takes seconds to import.
    try:
        return tuple(_cells(json.loads(content)["cells"]))
    except (KeyError, TypeError) as error:
        raise ValueError("this is no notebook") from error


def solved(root: Path, lab: Lab, language: str) -> bytes:
    """The solved notebook of a lab: that of the course's folder, else the one that comes with the kit.

    Args:
        root: the course's folder.
        lab: the lab.
        language: the edition; another one where this one is missing.

    Raises:
        OSError: it is nowhere.
    """
    for edition in (language, *LANGUAGES):
        path = path_of(root, lab, "solutions", edition)
        if (own := own_course.find(*path.relative_to(root).parts)) is not None:
            return _as_built(own.read_bytes(), lab, edition)
        with contextlib.suppress(OSError):
            return path.read_bytes()
        with contextlib.suppress(OSError):
            return shipped.solution(path.relative_to(root).as_posix())
    raise FileNotFoundError(path_of(root, lab, "solutions", language))


def _as_built(content: bytes, lab: Lab, language: str) -> bytes:
    """An instructor's own solution with what a build would have written into it: where it comes from.

    Raises:
        ValueError: it is no notebook of format 4.5.
    """
    try:
        notebook = json.loads(content)
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
        origin = Origin(lab.slug, language, "solutions", digest(notebook["cells"]))
        notebook["metadata"]["wslab"] = asdict(origin)
        return to_bytes(notebook)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this is no notebook of format 4.5 or later") from error


def written_cells(solution: bytes) -> tuple[tuple[Written, ...], frozenset[str]]:
    """What a lab asks to be answered in words; and the ids of all its cells.

    Args:
        solution: the solved notebook, as `solved()` gives it.

    Raises:
        ValueError: it is no notebook.
    """
    try:
        cells = json.loads(solution)["cells"]
        found = []
        for cell in cells:
            grading = cell["metadata"].get("nbgrader", {})
            if cell["cell_type"] == "markdown" and grading.get("solution"):
                text = "".join(cell["source"])
                model = _ANSWER.search(text)
                found.append(
                    Written(grading["grade_id"], _ANSWER.sub("", text).strip(), model[1].strip() if model else "")
                )
        return tuple(found), frozenset(cell["id"] for cell in cells)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this is no notebook") from error


def _cells(cells: list[dict[str, Any]]) -> Iterator[Cell]:
    for cell in cells:
        if cell["cell_type"] == "code":
            grading = cell["metadata"].get("nbgrader", {})
            yield Cell(
                source="".join(cell["source"]),
                grade_id=grading.get("grade_id", ""),
                points=grading.get("points", 0),
                solution=bool(grading.get("solution")),
                graded=bool(grading.get("grade")) and not grading.get("solution"),
            )
