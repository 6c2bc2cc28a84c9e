"""Where this process runs: in a Jupyter kernel or not, in front of somebody or not."""

from __future__ import annotations

from wslab.source import ipython_shell


def in_kernel() -> bool:
    """Whether this process is a Jupyter kernel (and not a script, a plain IPython or a test)."""
    return getattr(ipython_shell(), "kernel", None) is not None


def somebody_watches() -> bool:
    """Whether a front end shows widgets: JupyterLab, Notebook and VS Code name the cell they run, nbclient does not."""
    parent = getattr(ipython_shell(), "parent_header", None) or {}
    return in_kernel() and bool((parent.get("metadata") or {}).get("cellId"))
