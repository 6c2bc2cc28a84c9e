"""use(): the one line by which a notebook says which edition it belongs to."""

from __future__ import annotations

from wslab.cells import watch_cells
from wslab.language import use_language
from wslab.serving.heartbeat import keep_interruptible


def use(language: str) -> None:
    """Make this notebook speak `language` ("en" or "tr"), let ■ stop a cell that awaits, and note which cells run.

    Raises:
        ValueError: there is no such edition.
    """
    use_language(language)
    keep_interruptible()
    watch_cells()
