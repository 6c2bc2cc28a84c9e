"""Whether somebody looks at what a cell shows, and can click on it."""

from __future__ import annotations

import sys


def somebody_watches() -> bool:
    """Whether a front end shows widgets: JupyterLab, Notebook and VS Code name the cell they run, nbclient does not."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    parent = getattr(shell, "parent_header", None) or {}
    return getattr(shell, "kernel", None) is not None and bool((parent.get("metadata") or {}).get("cellId"))
