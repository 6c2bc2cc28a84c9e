"""Whether somebody looks at what a cell shows, and can click on it."""

from __future__ import annotations

from wslab.serving.heartbeat import in_kernel
from wslab.source import ipython_shell


def somebody_watches() -> bool:
    """Whether a front end shows widgets: JupyterLab, Notebook and VS Code name the cell they run, nbclient does not."""
    parent = getattr(ipython_shell(), "parent_header", None) or {}
    return in_kernel() and bool((parent.get("metadata") or {}).get("cellId"))
