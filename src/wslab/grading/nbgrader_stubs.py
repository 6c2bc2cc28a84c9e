"""nbgrader's ClearSolutions, with the stubs that the course's own labs have.

For `nbgrader_config.py`: nbgrader knows one stub for a whole course, while a region of this course may give its own
below `### STUB`. Needs the `grading` extra.
"""

from __future__ import annotations

from typing import Any

from nbgrader.preprocessors import ClearSolutions as NbgraderClearSolutions  # type: ignore[import-untyped]

from wslab.notebooks import BLANK, cleared, has_region


class ClearSolutions(NbgraderClearSolutions):  # type: ignore[misc]
    """Takes solutions out as `wslab build` does; in every other respect nbgrader's own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.code_stub = {"python": BLANK}
        self.text_stub = BLANK

    def _replace_solution_region(self, cell: Any, language: str) -> bool:
        if not has_region(cell.source):
            return False
        cell.source = cleared(cell.source, cell.cell_type)
        return True
