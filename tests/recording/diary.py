"""A program under test keeps a diary of who ran when; the film must tell the same story."""

from __future__ import annotations

import asyncio
import re

_AUTOMATIC = re.compile(r"Task-\d+")


class Diary:
    """Every stretch of the program writes itself down as it begins; no clock is involved."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def note(self) -> None:
        """Called first thing in every stretch between two suspensions."""
        task = asyncio.current_task()
        assert task is not None
        name = task.get_name()
        if _AUTOMATIC.fullmatch(name):
            coroutine = task.get_coro()
            name = coroutine.__qualname__.rpartition("<locals>.")[2]
        self.entries.append(name)
