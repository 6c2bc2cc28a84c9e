"""What is wrong with a source, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Note = Callable[[int, str], None]
"""Takes down one mistake of the file at hand: its line (from 1) and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: `course/notebooks/01-server.md:12: what to do`.

    Attributes:
        file: the path from the root of the checkout, with `/` on every system.
        line: the line, counted from 1.
        message: what is wrong and what to do.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class BuildError(Exception):
    """The sources cannot be built, or what was built is not what they say; `problems` lists every mistake found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
