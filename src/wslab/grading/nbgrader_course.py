"""Makes the course's folder a course of nbgrader 0.9: the settings of `nbgrader_config.py`, and the steps they name.

nbgrader's `generate_assignment` then gives what `wslab build` gives, to the byte; so the labs that are handed out are
the ones in `labs/`, and running it does not change them. Needs the `grading` extra.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.converters import Autograde, GenerateAssignment  # type: ignore[import-untyped]
from nbgrader.preprocessors import DeduplicateIds, NbGraderPreprocessor  # type: ignore[import-untyped]

from wslab.grading.nbgrader_stubs import ClearSolutions
from wslab.language import LANGUAGES, Text
from wslab.notebooks import Origin, released, to_bytes

LANGUAGE = "WSLAB_LANGUAGE"
"""The environment variable that says which edition is released."""

CELL_SECONDS = 60
"""Seconds that one cell may take. Checks have shorter deadlines of their own; this ends a learner's own cell."""

_from_dict: Any = nbformat.from_dict  # it carries no types

_UNKNOWN = Text(
    en="{variable} is {value!r}, which is no edition of this course; set it to one of {known}.",
    tr="{variable} değişkeni {value!r}, kursun böyle bir baskısı yok; şunlardan birini verin: {known}.",
)


def configure(config: Any) -> None:
    """Fill nbgrader's configuration in.

    Args:
        config: what `get_config()` gives in `nbgrader_config.py`.

    Raises:
        SystemExit: the environment asks for an edition that there is not. (nbgrader goes on after any other
            exception, without its configuration.)
    """
    language = os.environ.get(LANGUAGE, "") or LANGUAGES[0]
    if language not in LANGUAGES:
        raise SystemExit(_UNKNOWN.format(variable=LANGUAGE, value=language, known=", ".join(LANGUAGES)))
    _find_alembic()
    config.CourseDirectory.course_id = "wslab"
    config.CourseDirectory.source_directory = f"solutions/{language}"
    config.CourseDirectory.release_directory = f"labs/{language}"
    config.GenerateAssignment.preprocessors = released_by()
    config.GenerateAssignment.exporter_class = AsBuilt
    # A deleted check is judged as if it were there, and a cell that was split in two is still one answer.
    config.OverwriteCells.add_missing_cells = True
    config.Autograde.sanitize_preprocessors = sanitized_by()
    config.Execute.timeout = CELL_SECONDS
    # With its default of 4, a full machine gives a submission up whose last output comes late.
    config.Execute.iopub_timeout = CELL_SECONDS
    config.Autograde.pre_convert_hook = in_a_home_of_its_own
    config.Autograde.post_convert_hook = leave_that_home


def _find_alembic() -> None:
    """Put this environment's programs on the PATH, if it is not active: nbgrader runs `alembic`."""
    if shutil.which("alembic") is None:
        here = str(Path(sys.executable).parent)
        os.environ["PATH"] = os.pathsep.join(filter(None, (here, os.environ.get("PATH"))))


# What is released


def released_by() -> list[type]:
    """The steps from a solution to a lab: nbgrader's own, with the stubs of this course."""
    steps: Sequence[type] = GenerateAssignment.class_traits()["preprocessors"].default()
    return [ClearSolutions if step.__name__ == "ClearSolutions" else step for step in steps] + [AsLab]


class AsLab(NbGraderPreprocessor):  # type: ignore[misc]
    """Removes the checksums, which the gradebook already has, and gives the notebook the origin of a lab.

    `autograde` takes the checksums from the gradebook. In the notebook they only let `nbgrader validate` warn of an
    edited check.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Nothing else is changed."""
        for cell in nb.cells:
            for key in ("checksum", "cell_type"):
                cell.metadata.get("nbgrader", {}).pop(key, None)
        origin = Origin.of(nb)
        return (nb if origin is None else _from_dict(released(nb, origin))), resources


class AsBuilt(NotebookExporter):
    """Writes a notebook as `wslab build` does."""

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **options: Any) -> Any:
        """The file's text, and the resources."""
        text, resources = super().from_notebook_node(nb, resources, **options)  # type: ignore[no-untyped-call]
        return to_bytes(json.loads(text)).decode(), resources


# What is handed in


def sanitized_by() -> list[type]:
    """The steps that make a submission ready to be run: nbgrader's own, which then stand a cell split in two."""
    steps: Sequence[type] = Autograde.class_traits()["sanitize_preprocessors"].default()
    return [OneOfEach if step.__name__ == "DeduplicateIds" else step for step in steps]


class OneOfEach(DeduplicateIds):  # type: ignore[misc]
    """Keeps a cell that a learner has split: both halves run, and one of them is the answer.

    nbgrader's own step leaves empty metadata on the other half, and fails on it later when it puts deleted cells
    back.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Make a cell with empty nbgrader metadata an ordinary cell."""
        nb, resources = super().preprocess(nb, resources)
        for cell in nb.cells:
            if cell.metadata.get("nbgrader") == {}:
                del cell.metadata["nbgrader"]
        return nb, resources


# While a submission is graded

_home: tempfile.TemporaryDirectory[str] | None = None
_before: str | None = None


def in_a_home_of_its_own(**_: Any) -> None:
    """Give the next submission's checks a progress folder of their own, apart from the instructor's."""
    global _home, _before
    leave_that_home()
    _home, _before = tempfile.TemporaryDirectory(prefix="wslab-"), os.environ.get("WSLAB_HOME")
    os.environ["WSLAB_HOME"] = _home.name


def leave_that_home(**_: Any) -> None:
    """Remove that folder, and restore the instructor's."""
    global _home
    if _home is None:
        return
    _home.cleanup()
    _home = None
    if _before is None:
        os.environ.pop("WSLAB_HOME", None)
    else:
        os.environ["WSLAB_HOME"] = _before
