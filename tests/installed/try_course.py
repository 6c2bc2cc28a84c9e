"""Runs the course from an installed package: the doctor, unit 01 in a kernel, and lab L1, solved.

For the Python of that installation, anywhere but in the checkout: python try_course.py FOLDER
It needs nothing that a learner's installation has not, so the workflow runs it on every system.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

import wslab
from wslab import launcher
from wslab.labs import catalogue, notebooks
from wslab.progress import store

SECONDS = 180


def run(path: Path, cells: dict[str, str] | None = None) -> None:
    """Run a notebook in a kernel, in its folder; a cell that fails fails this.

    Args:
        path: the notebook.
        cells: what is written into graded cells before, by their grade_id.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if cells and name in cells:
            cell.source = cells[name]
    if cells:
        nbformat.write(notebook, path)
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    print(f"{path.name}: {sum(cell.cell_type == 'code' for cell in notebook.cells)} cells")


def main(folder: Path) -> None:
    """Lay the course out in `folder`, and go through it."""
    print(f"wslab in {Path(wslab.__file__).parent}, Python {sys.version.split()[0]} on {sys.platform}")
    subprocess.run([sys.executable, "-m", "wslab", "--in", "en", "doctor"], check=True, timeout=SECONDS)
    before = package_files()
    root, _ = launcher.prepare(folder, "both", "en", print)
    for language in ("en", "tr"):
        run(root / "notebooks" / language / "01-server.ipynb")
    lab = catalogue.labs()["L1"]
    solved = notebooks.code_cells_of(notebooks.solved(root, lab, "en"))
    os.chdir(root)
    run(
        root / "labs" / "en" / "L1-echo" / "L1-echo.ipynb",
        {cell.grade_id: cell.solved for cell in solved if cell.solution},
    )
    points = {attempt.check: attempt.points for attempt in store().attempts("L1")}
    print(json.dumps(points))
    assert sum(points.values()) == lab.points, points
    launcher.prepare(root, None, "en", print)
    assert package_files() == before, "something was written into the package, which may be read-only"


def package_files() -> dict[str, int]:
    """Each file of the installed package, with the time of its last change; without compiled modules."""
    own = Path(wslab.__file__).parent
    return {
        str(path): path.stat().st_mtime_ns
        for path in own.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


if __name__ == "__main__":
    if sys.platform == "win32":  # as Jupyter Server does: pyzmq can't wait on Windows' default loop
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    main(Path(sys.argv[1]))
