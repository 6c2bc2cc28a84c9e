"""How tests start kernels and wait for them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

TRANSPORT = "tcp" if os.name == "nt" else "ipc"
"""Sockets with a path, where there are any: a kernel's ports are chosen before it binds them, and another test's server
may have one of them by then."""

SLOW_OUTPUT = 60
"""Seconds for a cell's last output, once the cell has run; nbclient gives up after 4, which a full machine exceeds."""


def connection() -> dict[str, str]:
    """What a manager of one kernel is told of how to reach it; a path has to be short, and the same in every folder."""
    return {"transport": TRANSPORT} | (
        {"ip": str(Path(tempfile.gettempdir()) / f"wslab-kernel-{uuid4().hex}")} if TRANSPORT == "ipc" else {}
    )


def client(notebook: NotebookNode, folder: Path | None = None, *, timeout: int = 90, **options: Any) -> NotebookClient:
    """What runs a notebook in a kernel of its own.

    Args:
        notebook: its outputs are written into it.
        folder: where the kernel works; where pytest does if it is not given.
        timeout: seconds for a cell.
        options: as for nbclient.
    """
    return NotebookClient(
        notebook,
        timeout=timeout,
        iopub_timeout=SLOW_OUTPUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}} if folder else {},
        config=Config({"KernelManager": connection()}),
        **options,
    )
