"""What is wrong with a source, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wslab.yaml import Problem

__all__ = ["BuildError", "Note", "Problem"]

Note = Callable[[int, str], None]
"""Takes down one mistake of the file at hand: its line (from 1) and what to do."""


class BuildError(Exception):
    """The sources cannot be built, or what was built is not what they say; `problems` lists every mistake found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
