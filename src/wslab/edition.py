"""use(): the one line by which a notebook says which edition it belongs to."""

from __future__ import annotations

from wslab.language import use_language
from wslab.serving.heartbeat import keep_interruptible


def use(language: str) -> None:
    """Make this notebook speak `language` ("en" or "tr"), and let ■ stop a cell that awaits.

    Raises:
        ValueError: there is no such edition.
    """
    use_language(language)
    keep_interruptible()
