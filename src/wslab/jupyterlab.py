"""`python -m wslab.jupyterlab`: JupyterLab in a process that ends when JupyterLab does.

Jupyter Server stops its event loop with requests unfinished. The threads of AnyIO that have worked for one wait for its
end, and Python waits for these threads, so that the process stays until it is killed (JupyterLab issue 10442).
"""

from __future__ import annotations

import os
import sys
import threading

_PATIENCE = 3.0
"""Seconds that the process may take to end by itself once JupyterLab has ended."""


def main() -> None:
    """Run JupyterLab with the arguments of this process.

    Raises:
        SystemExit: once it has ended.
    """
    from jupyterlab.labapp import main as run  # type: ignore[import-untyped]

    try:
        sys.exit(run())
    finally:
        end = threading.Timer(_PATIENCE, os._exit, [0])
        end.daemon = True
        end.start()


if __name__ == "__main__":
    main()
