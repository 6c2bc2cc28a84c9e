"""Notebooks with what their cells showed, run once for all workers of a test run."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import nbformat
from filelock import FileLock
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]


class Executed:
    """The notebooks that one of the workers has run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _place(self, path: Path) -> Path:
        return self.folder / path.relative_to(ROOT)

    def keep(self, path: Path, notebook: NotebookNode) -> None:
        """Keep the notebook of this path, as it has run."""
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{place}.lock"):
            nbformat.write(copy.deepcopy(notebook), place)

    def of(self, path: Path, run: Callable[[Path], NotebookNode]) -> NotebookNode:
        """The notebook of this path as some worker has run it; it is run by `run` where none has yet."""
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{place}.lock"):
            if place.exists():
                return nbformat.read(place, as_version=4)
        notebook = run(path)
        self.keep(path, notebook)
        return notebook
