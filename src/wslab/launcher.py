"""`wslab lab`: JupyterLab, opened on unit 00 of an edition."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def first_notebook(root: Path, language: str) -> str | None:
    """Unit 00 of an edition, as a path from the course's folder; None where it isn't there."""
    start = next(iter(sorted((root / "notebooks" / language).glob("00-*.ipynb"))), None)
    return start.relative_to(root).as_posix() if start else None


def command(root: Path, language: str, *, browser: bool, port: int | None) -> list[str]:
    """The command line that opens the course in JupyterLab.

    Args:
        root: the course's folder.
        language: the edition.
        browser: whether JupyterLab opens a browser window.
        port: JupyterLab's own; None for the first free one.
    """
    said = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}"]
    if opened := first_notebook(root, language):
        said.append(f"--LabApp.default_url=/lab/tree/{opened}")
    # Nothing is asked of the network: no news, no look for updates.
    said += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    if not browser:
        said.append("--no-browser")
    if port is not None:
        said.append(f"--ServerApp.port={port}")
    if is_root():
        said.append("--allow-root")
    return said


def is_root() -> bool:
    """Whether this process runs as root, as it often does in a container; JupyterLab then wants to be told so."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def run(said: list[str], language: str) -> int:
    """Run JupyterLab until it ends; return its exit status.

    Args:
        said: from `command()`.
        language: the edition, which the course's commands in a terminal of JupyterLab speak too.
    """
    # In a terminal of JupyterLab, `python` and `wslab` are those of the course, though no environment is active.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return subprocess.call(said, env=os.environ | {"WSLAB_LANG": language, "PATH": path})
