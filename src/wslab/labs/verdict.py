"""What a check found: plain data, in every language at once, so that it can be shown here or sent elsewhere."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from wslab.language import LANGUAGES, Text

NOTHING = Text(**dict.fromkeys(LANGUAGES, ""))
"""A text without words."""


@dataclass(frozen=True, slots=True)
class Misconception:
    """A wrong path that a check knows by name: what a failure of this kind says about the code, and what to try.

    Attributes:
        id: lowercase English words joined by `-`; reports count by it, so it never changes.
        meaning: one sentence; `{names}` are filled in by the check.
        next: one thing to try, in one or two sentences; `{names}` as above.
        begun: False where it shows that nothing has been written yet; such an attempt opens no solution.
    """

    id: str
    meaning: Text
    next: Text
    begun: bool = True


class Outcome(enum.StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    """Not judged, because a check that comes before it fails."""
    NOT_RUN = "not-run"
    """There was nothing to judge: no app, or one that does not start."""


@dataclass(frozen=True, slots=True)
class Line:
    """One step of the exchange between the clients and the server.

    Attributes:
        at: seconds since the check began; None where nobody knows when it was.
        who: the client, `"A"`; empty for what the server did by itself.
        arrow: `"→"` to the server, `"←"` from it, empty for neither.
        what: the step in words.
    """

    at: float | None
    who: str
    arrow: str
    what: Text


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that the app did not catch, a warning, or an error that the app itself has logged.

    Attributes:
        name: the class: `"ValueError"`.
        text: its last line: `"ValueError: list.remove(x): x not in list"`.
        place: the reader's own line, `"In[2] line 25"`; empty where it was not the reader's code.
        warning: whether it has ended nothing: a warning, or what the app itself has logged.
    """

    name: str
    text: str
    place: str = ""
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.text} ({self.place})" if self.place else self.text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one run of one check found.

    Attributes:
        lab: `"L1"`; for a turn its unit, `"05"`.
        check: its name in the lab: `"echo"`.
        title: what it is about.
        points: what was earned.
        max: what could be earned.
        outcome: how it ended.
        misconception: the id of the wrong path; empty where there is none.
        observed: what was seen, in one sentence.
        meaning: what that says about the code; empty where the check passed.
        next: one thing to try; empty where the check passed.
        transcript: the exchange, oldest step first.
        raised: what the server raised and warned meanwhile.
        seconds: how long it took.
        begun: False where nothing has been written yet.
    """

    lab: str
    check: str
    title: Text
    points: float
    max: float
    outcome: Outcome
    misconception: str = ""
    observed: Text = NOTHING
    meaning: Text = NOTHING
    next: Text = NOTHING
    transcript: tuple[Line, ...] = ()
    raised: tuple[Raised, ...] = ()
    seconds: float = 0.0
    begun: bool = True

    @property
    def name(self) -> str:
        """What `check()` calls it: `"L1.echo"`."""
        return f"{self.lab}.{self.check}"

    @property
    def turn(self) -> bool:
        """Whether it is about a turn, which has no points."""
        return self.lab.isdigit()

    @property
    def passed(self) -> bool:
        """Whether it earned everything."""
        return self.outcome is Outcome.PASSED

    def to_data(self) -> dict[str, Any]:
        """The verdict as what JSON can hold."""
        return {
            "lab": self.lab,
            "check": self.check,
            "title": self.title.spoken(),
            "points": self.points,
            "max": self.max,
            "outcome": self.outcome.value,
            "misconception": self.misconception,
            "observed": self.observed.spoken(),
            "meaning": self.meaning.spoken(),
            "next": self.next.spoken(),
            "transcript": [[line.at, line.who, line.arrow, line.what.spoken()] for line in self.transcript],
            "raised": [asdict(one) for one in self.raised],
            "seconds": self.seconds,
            "begun": self.begun,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Verdict:
        """The verdict that `to_data()` gave.

        Raises:
            KeyError, TypeError, ValueError: `data` is nothing that it gave.
        """
        return cls(
            lab=data["lab"],
            check=data["check"],
            title=Text.of(data["title"]),
            points=float(data["points"]),
            max=float(data["max"]),
            outcome=Outcome(data["outcome"]),
            misconception=data["misconception"],
            observed=Text.of(data["observed"]),
            meaning=Text.of(data["meaning"]),
            next=Text.of(data["next"]),
            transcript=tuple(Line(at, who, arrow, Text.of(what)) for at, who, arrow, what in data["transcript"]),
            raised=tuple(Raised(**one) for one in data["raised"]),
            seconds=float(data["seconds"]),
            begun=bool(data["begun"]),
        )


def earned(verdicts: Sequence[Verdict]) -> float:
    """The points of several verdicts; a whole number as one, so that `4` is shown and not `4.0`."""
    total = sum(verdict.points for verdict in verdicts)
    return int(total) if float(total).is_integer() else total
