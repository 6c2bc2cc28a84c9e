"""Where this process runs: in a Jupyter kernel or not, in front of somebody or not."""

from __future__ import annotations

import os
from pathlib import Path

from wslab.source import ipython_shell


def in_kernel() -> bool:
    """Whether this process is a Jupyter kernel (and not a script, a plain IPython or a test)."""
    return getattr(ipython_shell(), "kernel", None) is not None


def somebody_watches() -> bool:
    """Whether a front end shows widgets: JupyterLab, Notebook and VS Code name the cell they run, nbclient does not."""
    parent = getattr(ipython_shell(), "parent_header", None) or {}
    return in_kernel() and bool((parent.get("metadata") or {}).get("cellId"))


def notebook_file() -> Path | None:
    """The file of the notebook that runs in this kernel, where the front end says it; a later renaming isn't noticed.

    Jupyter Server names it in the environment of the kernel, VS Code in a variable of the notebook.
    """
    named = getattr(ipython_shell(), "user_ns", {}).get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    return Path(named) if in_kernel() and isinstance(named, str) and named.endswith(".ipynb") else None
