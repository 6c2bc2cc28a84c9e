"""Each notebook run once in a real kernel; its outputs are kept, for slides and reading site alike."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from wslab.authoring import building
from wslab.authoring.building import Unit
from wslab.errors import LabError
from wslab.language import Text

FOLDER = "build/executed"
"""Where what was run is kept, from the root of the checkout."""

_TIMEOUT = 300  # seconds a cell may take; the longest of the course take a few
# What an output can depend on besides the notebook's own code. Rooms that no notebook uses
# cannot change it.
_WITHOUT = {"authoring", "grading", "labs", "cli.py"}
_DISTRIBUTIONS = ("fastapi", "starlette", "uvicorn", "websockets", "nest-asyncio", "ipykernel", "ipywidgets")

_FAILED = Text(
    en="{where}: the cell “{cell}” failed while the notebook was run for publishing:\n{error}",
    tr="{where}: not defteri yayım için çalıştırılırken “{cell}” hücresi hata verdi:\n{error}",
)

_read: Any = nbformat.read  # they carry no types
_write: Any = nbformat.write

Outputs = Mapping[str, Sequence[NotebookNode]]
"""What each code cell of a notebook showed, by the cell's id."""


class PublishingError(LabError):
    """Something that keeps slides or the reading site from being made; says what to do."""


def outputs(root: str | Path, unit: Unit, language: str) -> Outputs:
    """What the cells of a notebook show when it is run top to bottom in a new kernel; run only if need be.

    The notebook is run again when its code, the kit, Python or one of the taught packages has changed since, and
    kept under `build/executed`. A change of prose runs nothing.

    Args:
        root: the checkout.
        unit: a notebook of the course; a lab is not run, since its stubs are what is shown of it.
        language: the edition.

    Raises:
        BuildError: the unit has a mistake.
        PublishingError: a cell raised that was not meant to.
    """
    root = Path(root)
    notebook = building.notebook(root, unit.slug, language)
    key = fingerprint(notebook)
    path = root / FOLDER / language / f"{unit.slug}.ipynb"
    kept = _kept(path, key)
    if kept is None:
        _run(notebook, root / Path(unit.built("notebooks", language)).parent, unit.built("notebooks", language))
        notebook.metadata["wslab"]["executed"] = key
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(notebook, path)
        kept = notebook
    return {cell.id: cell.outputs for cell in kept.cells if cell.cell_type == "code"}


def fingerprint(notebook: NotebookNode) -> str:
    """What the outputs of a notebook depend on, as a digest: its code, the kit, Python, the taught packages."""
    code = [(cell.id, cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps([code, _surroundings()]).encode()).hexdigest()


@cache
def _surroundings() -> str:
    kit = Path(str(resources.files("wslab")))
    digest = hashlib.sha256(sys.version.encode())
    for name in _DISTRIBUTIONS:
        digest.update(f"{name} {metadata.version(name)}\n".encode())
    for path in sorted(kit.rglob("*")):
        where = path.relative_to(kit)
        if path.is_file() and where.parts[0] not in _WITHOUT and "__pycache__" not in where.parts:
            digest.update(f"{where.as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _kept(path: Path, key: str) -> NotebookNode | None:
    if not path.is_file():
        return None
    try:
        notebook: NotebookNode = _read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError):
        return None
    return notebook if notebook.metadata.get("wslab", {}).get("executed") == key else None


def _run(notebook: NotebookNode, folder: Path, where: str) -> None:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    log = logging.getLogger(__name__)
    log.setLevel(logging.WARNING)  # that it runs is no news
    client = NotebookClient(
        notebook,
        timeout=_TIMEOUT,
        iopub_timeout=_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],
        log=log,
    )
    # Nobody's answers and points get into a published page, and none of it into somebody's progress.
    with tempfile.TemporaryDirectory() as home:
        try:
            client.execute(env=os.environ | {"WSLAB_HOME": home, "COLUMNS": "100"})
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            failed = next((cell.id for cell in notebook.cells if _raised(cell)), "?")
            raise PublishingError(_FAILED.format(where=where, cell=failed, error=error)) from error


def _raised(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and any(output.output_type == "error" for output in cell.outputs)
