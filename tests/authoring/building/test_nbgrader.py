"""The labs are nbgrader's own kind of notebook: its validator takes them, and its pipeline gives the same ones."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from tests.authoring.building.small_course import LAB, Edit

from wslab.authoring.building import build
from wslab.language import LANGUAGES

pytest.importorskip("nbgrader")
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import MetadataValidator
from traitlets.config import Config

from wslab.grading.nbgrader_stubs import ClearSolutions

# As the pipeline of nbgrader 0.9 adds them on release; the course's own lab has no gradebook to hold them against.
ADDED = ("checksum", "cell_type")


@pytest.fixture(autouse=True)
def _nbgrader_finds_alembic(monkeypatch: pytest.MonkeyPatch) -> None:
    """nbgrader calls `alembic` by name to set its gradebook up."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)


@pytest.fixture
def built(root: Path) -> Path:
    build(root)
    return root


def released(root: Path, language: str, preprocessor: type | None, **config: Any) -> NotebookNode:
    """What nbgrader makes of a solution, by its whole `generate_assignment` pipeline and a gradebook."""
    settings = Config()
    settings.CourseDirectory.root = str(root)
    settings.CourseDirectory.source_directory = f"solutions/{language}"
    settings.CourseDirectory.release_directory = f"released/{language}"
    settings.CourseDirectory.assignment_id = "L1-echo"
    settings.ClearSolutions.update(config)
    converter = GenerateAssignment(coursedir=CourseDirectory(config=settings), config=settings)
    if preprocessor is not None:
        converter.preprocessors = [
            preprocessor if one.__name__ == "ClearSolutions" else one for one in converter.preprocessors
        ]
    converter.start()
    return nbformat.read(root / f"released/{language}/L1-echo/L1-echo.ipynb", as_version=4)


def comparable(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        for key in ADDED:
            cell.metadata.get("nbgrader", {}).pop(key, None)
    # Which folder a notebook was built for, and with what content.
    notebook.metadata.pop("wslab")
    return notebook


@pytest.mark.parametrize("folder", ["labs", "solutions"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_nbgraders_validator_takes_them(built: Path, folder: str, language: str) -> None:
    notebook = nbformat.read(built / f"{folder}/{language}/L1-echo/L1-echo.ipynb", as_version=4)
    MetadataValidator().validate_nb(notebook)
    graded = {cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata}
    assert graded == {"echo", "check-echo", "given", "mend", "stretch", "check-mend", "reflection"}


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_nbgrader_gives_the_same_lab(built: Path, language: str) -> None:
    ours = nbformat.read(built / f"labs/{language}/L1-echo/L1-echo.ipynb", as_version=4)
    assert comparable(released(built, language, ClearSolutions)) == comparable(ours)


@pytest.mark.slow
def test_nbgrader_as_shipped_gives_the_same_lab_where_no_region_has_its_own_stub(root: Path, edit: Edit) -> None:
    edit(LAB, "        ### STUB\n        # websocket.accept()\n", "", at="greeting")
    build(root)
    ours = nbformat.read(root / "labs/tr/L1-echo/L1-echo.ipynb", as_version=4)
    theirs = released(root, "tr", None, code_stub={"python": "..."}, text_stub="...")
    assert comparable(theirs) == comparable(ours)


@pytest.mark.slow
def test_nbgrader_as_shipped_loses_only_a_regions_own_stub(built: Path) -> None:
    ours = comparable(nbformat.read(built / "labs/tr/L1-echo/L1-echo.ipynb", as_version=4))
    theirs = comparable(released(built, "tr", None, code_stub={"python": "..."}, text_stub="..."))
    assert [one.id for one, other in zip(ours.cells, theirs.cells, strict=True) if one != other] == ["mend"]
