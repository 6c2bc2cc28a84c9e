"""How far a learner has come in each unit and each lab, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

from wslab.language import Text, decimal


@dataclass(frozen=True, slots=True)
class UnitProgress:
    """One unit's predictions and turns.

    Attributes:
        unit: its number, `05`.
        title: its title as the notebook has it, or "".
        questions: how many predictions it has.
        made: how many were answered before the outcome was known.
        right: how many of these the run confirmed.
        skipped: how many were skipped, or run past without an answer.
        last: when something of it was last asked, answered, measured or checked (ISO 8601), or "".
        path: where its notebook stands, from the course's folder; "" if it isn't there.
        turns: how many turns it has.
        passed: how many of these have passed.
    """

    unit: str
    title: str
    questions: int
    made: int = 0
    right: int = 0
    skipped: int = 0
    last: str = ""
    path: str = field(default="", compare=False)
    turns: int = 0
    passed: int = 0

    @property
    def number(self) -> str:
        """What the course calls it: `05`."""
        return self.unit

    @property
    def done(self) -> bool:
        """Whether every prediction was answered or skipped."""
        return self.made + self.skipped >= self.questions


@dataclass(frozen=True, slots=True)
class LabProgress:
    """One lab's checks: the best points of each count.

    Attributes:
        lab: `L1`.
        points: the sum of the best points of its checks.
        max: what can be had, as far as is known: of every check if the labs were given, else of those tried.
        attempts: how often one of its checks was run.
        hints: how many hints were opened.
        title: its title as the notebook has it, or "".
        path: where its notebook stands, from the course's folder; "" if it isn't there.
        after: the number of the last unit that it builds on, `03`; "" if that isn't known.
        last: when a check of it was last run or a hint opened (ISO 8601), or "".
    """

    lab: str
    points: float
    max: float
    attempts: int
    hints: int
    title: str = field(default="", compare=False)
    path: str = field(default="", compare=False)
    after: str = field(default="", compare=False)
    last: str = field(default="", compare=False)

    @property
    def number(self) -> str:
        """What the course calls it: `L1`."""
        return self.lab

    @property
    def done(self) -> bool:
        """Whether it has all its points."""
        return self.attempts > 0 and self.points >= self.max


UNIT = Text(en="Unit", tr="Birim")
PREDICTIONS = Text(en="Predictions", tr="Tahminler")
MADE = Text(en="made", tr="yapılan")
RIGHT = Text(en="right", tr="doğru")
SKIPPED = Text(en="skipped", tr="atlanan")
TURNS = Text(en="turns", tr="sıra sizde")
LAB = Text(en="Lab", tr="Alıştırma")
POINTS = Text(en="points", tr="puan")
ATTEMPTS = Text(en="attempts", tr="deneme")
HINTS = Text(en="hints", tr="ipucu")
NEXT = Text(en="Next", tr="Sırada")
TITLE = Text(en="Your progress", tr="İlerlemeniz")
_START = Text(en="Begin with unit {unit}.", tr="Şununla başlayın: {unit}.")
_GO_ON = Text(en="Go on with unit {unit}.", tr="Şununla devam edin: {unit}.")
_FINISH_LAB = Text(
    en="Lab {lab} has {points} of {max} points; try it again.",
    tr="{lab} alıştırmasında {max} puandan {points} puanınız var; yeniden deneyin.",
)
_NEXT_LAB = Text(en="Now write it yourself: lab {lab}.", tr="Şimdi kendiniz yazın: {lab} alıştırması.")
_ALL_DONE = Text(en="Everything here is done.", tr="Buradaki her şey tamam.")
_NOTHING = Text(en="There are no units here yet.", tr="Burada henüz birim yok.")


Station = UnitProgress | LabProgress
"""A unit or a lab, as a stop on the way through the course."""


def named(station: Station) -> str:
    """A station as one says it: `05 · Why await accept()`."""
    return f"{station.number} · {station.title}" if station.title else station.number


@dataclass(frozen=True)
class ProgressData:
    """How far a learner has come in each unit and each lab."""

    units: tuple[UnitProgress, ...]
    labs: tuple[LabProgress, ...]
    fault: Text | None = field(default=None)

    @property
    def stations(self) -> tuple[Station, ...]:
        """Everything in the order in which it is taught: each lab behind the last unit that it builds on."""
        order: list[Station] = []
        for unit in self.units:
            order += [unit, *(lab for lab in self.labs if lab.after == unit.unit)]
        return (*order, *(lab for lab in self.labs if lab not in order))

    @property
    def latest(self) -> Station | None:
        """Where the learner was last; None before anything was done."""
        return max((one for one in self.stations if one.last), key=lambda one: one.last, default=None)

    @property
    def upcoming(self) -> Station | None:
        """What to do next: the unit where the learner was last, if it is unfinished; else the next thing after it."""
        last = max(self.units, key=lambda unit: unit.last, default=None)
        if last is None or not last.last:
            return self.units[0] if self.units else None
        # A lab that was begun is no station to go on to: what is missing in it is said in a sentence of its own.
        line = [one for one in self.stations if isinstance(one, UnitProgress) or (one.after and not one.attempts)]
        place = line.index(last)
        return next((one for one in (*line[place:], *line[:place]) if not one.done), None)

    @property
    def next(self) -> str:
        """What to do next, in a sentence or two of the current language."""
        said = [
            _FINISH_LAB.format(lab=lab.lab, points=decimal(lab.points), max=decimal(lab.max))
            for lab in self.labs
            if lab.attempts and not lab.done
        ][:1]
        upcoming = self.upcoming
        if isinstance(upcoming, LabProgress):
            said.insert(0, _NEXT_LAB.format(lab=named(upcoming)))
        elif upcoming is not None:
            begun = any(one.last for one in self.units)
            said.insert(0, (_GO_ON if begun else _START).format(unit=named(upcoming)))
        if not said:
            return str(_ALL_DONE if self.units else _NOTHING)
        return " ".join(said)
