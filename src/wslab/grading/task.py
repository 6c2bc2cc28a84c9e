"""A worker's input and output: plain data that can be pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wslab.errors import LabError
from wslab.labs.verdict import Verdict, earned
from wslab.language import Text


class Refused(LabError):
    """The submission is not run: the isolation that was asked for is not available here."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell to be run in the learner's process.

    Attributes:
        name: `"In[3]"`, as the learner's notebook counts its code cells: what a place in it is called.
        source: its code.
    """

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What one submission may use up.

    Attributes:
        seconds: the whole submission, by the clock on the wall.
        memory: bytes, of each process and of the private temporary folder together with its shared memory.
        processes: how many processes and threads at once.
        files: bytes that it may write to its temporary folder; also the size of one file.
        output: bytes of its output, and of its reports, that are read.
    """

    seconds: float = 120.0
    memory: int = 1 << 30
    processes: int = 64
    files: int = 64 << 20
    output: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Task:
    """A submission that is ready to be run and judged; picklable, and it needs no shared disk.

    Attributes:
        student: whose it is.
        lab: `"L1"`.
        language: `"en"` or `"tr"`, of the notebook that was handed in.
        cells: what runs in the learner's process, in this order.
        limits: what it may use up.
        require_sandbox: whether to refuse where it cannot be kept apart from the machine.
        files: what lay beside the notebook, by its path from there; the cells find it in their working folder.
    """

    student: str
    lab: str
    language: str
    cells: tuple[Cell, ...]
    limits: Limits = Limits()
    require_sandbox: bool = False
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a submission.

    Attributes:
        student: whose it is.
        lab: `"L1"`.
        verdicts: of every graded check, in the lab's order, always all of them.
        protections: which were on, in plain words.
        notes: what the grader says about the run: killed at its deadline, output cut.
        seconds: how long it took.
    """

    student: str
    lab: str
    verdicts: tuple[Verdict, ...]
    protections: tuple[Text, ...]
    notes: tuple[Text, ...]
    seconds: float

    @property
    def score(self) -> float:
        """The points of all checks."""
        return earned(self.verdicts)

    @property
    def max_score(self) -> float:
        """What could be earned."""
        total = sum(verdict.max for verdict in self.verdicts)
        return int(total) if float(total).is_integer() else total

    def to_data(self) -> dict[str, Any]:
        """The result as what JSON can hold."""
        return {
            "student": self.student,
            "lab": self.lab,
            "verdicts": [verdict.to_data() for verdict in self.verdicts],
            "protections": [one.spoken() for one in self.protections],
            "notes": [note.spoken() for note in self.notes],
            "seconds": self.seconds,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Result:
        """The result that `to_data()` gave.

        Raises:
            KeyError, TypeError, ValueError: `data` is nothing that it gave.
        """
        return cls(
            student=data["student"],
            lab=data["lab"],
            verdicts=tuple(Verdict.from_data(one) for one in data["verdicts"]),
            protections=tuple(Text.of(one) for one in data["protections"]),
            notes=tuple(Text.of(note) for note in data["notes"]),
            seconds=float(data["seconds"]),
        )
