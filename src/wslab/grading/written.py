"""What a learner has written in words: answers to a lab's questions, and text of their own beside them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wslab.grading.intake.opening import LearnerCell
from wslab.labs import notebooks
from wslab.labs.lab import Lab
from wslab.notebooks import BLANK

LONGEST = 10_000
"""Characters of an answer that are kept."""

BESIDE = "beside"
"""Stands for the question where somebody wrote text into a cell of their own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One text of a learner.

    Attributes:
        question: nbgrader's name of the cell that it answers; `BESIDE` for none.
        text: what they wrote, as Markdown.
    """

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class Questions:
    """What a lab asks to be answered in words.

    Attributes:
        asked: its questions.
        cells: the ids of all its cells.
    """

    asked: tuple[notebooks.Written, ...] = ()
    cells: frozenset[str] = frozenset()

    def answers(self, handed: Iterable[LearnerCell]) -> tuple[Answer, ...]:
        """What a learner wrote: the answers, then text of their own.

        Args:
            handed: the submission's cells; what stands in several of them is one answer.
        """
        by_id = {one.grade_id: one for one in self.asked}
        found: dict[str, str] = {}
        for cell in handed:
            question = by_id.get(cell.grade_id) or by_id.get(cell.id)
            if question is not None:
                name, text = question.grade_id, _without(cell.source, question.question)
            elif cell.kind == "markdown" and cell.id and not cell.grade_id and cell.id not in self.cells:
                name, text = BESIDE, cell.source.strip()
            else:
                continue
            if text:
                found[name] = f"{found[name]}\n\n{text}"[:LONGEST] if name in found else text[:LONGEST]
        return tuple(Answer(name, text) for name, text in sorted(found.items(), key=lambda one: one[0] == BESIDE))


@functools.lru_cache(maxsize=64)
def questions(root: Path, lab: Lab, language: str) -> Questions:
    """What a lab asks to be answered in words; nothing where its solution is not here.

    Args:
        root: the course's folder.
        lab: the lab.
        language: the edition; another one where the lab has none in it.
    """
    with contextlib.suppress(OSError, ValueError):
        return Questions(*notebooks.written_cells(notebooks.solved(root, lab, language)))
    return Questions()


def _without(text: str, question: str) -> str:
    """An answer without the question that stands above it in the same cell, and without the blank."""
    asked = {line.strip() for line in question.splitlines()} | {BLANK}
    return "\n".join(line for line in text.splitlines() if line.strip() not in asked or not line.strip()).strip()
