"""Ready plans of lessons: which units when, for how long; read from `course/plans.yml` and held to the course."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wslab import yaml
from wslab.authoring.building import BuildError, Problem, Unit, in_class
from wslab.errors import LabError
from wslab.language import LANGUAGES, Text, current_language

if TYPE_CHECKING:
    from rich.console import RenderableType

PATH = "course/plans.yml"

_SECTION = re.compile(r"^## (?P<number>\d+)\. (?P<title>.+)$", re.MULTILINE)


WHEN = Text(en="lesson", tr="ders")
WHAT = Text(en="what happens (minutes)", tr="neler olur (dakika)")
MINUTES = Text(en="minutes", tr="dakika")
_IN_CLASS = Text(en="{minutes} minutes ({clock}) in class", tr="sınıfta {minutes} dakika ({clock})")
_AT_HOME = Text(en="{minutes} minutes at home", tr="evde {minutes} dakika")
_HOME = Text(en="at home", tr="evde")
_SOME_SECTIONS = Text(en="sections {numbers}", tr="bölümler: {numbers}")
_ONE_SECTION = Text(en="section {numbers}", tr="bölüm: {numbers}")
_NO_PLAN = Text(
    en="There is no plan “{name}”; there are: {names}.", tr="“{name}” adlı bir plan yok; var olanlar: {names}."
)


class NoPlanError(LabError):
    """There is no plan of this name."""


@dataclass(frozen=True, slots=True)
class Item:
    """What happens in a part of a session.

    Attributes:
        minutes: how long it takes: a whole unit in class by `in_class()`, at home as its front matter says.
        unit: the unit that is taught, None for a pause or a talk.
        sections: the numbers of the sections that are shown; empty for the whole unit.
        says: what a pause is for, in every language; None for a unit.
        home: whether it is done between two lessons.
    """

    minutes: int
    unit: Unit | None = None
    sections: tuple[int, ...] = ()
    says: Text | None = None
    home: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One lesson: its title, how many minutes there are, and what happens in it."""

    title: Text
    minutes: int
    items: tuple[Item, ...]

    @property
    def taken(self) -> int:
        """The minutes that its items take in class."""
        return sum(item.minutes for item in self.items if not item.home)

    @property
    def at_home(self) -> int:
        """The minutes of what follows at home."""
        return sum(item.minutes for item in self.items if item.home)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan by its name, `half-day`: what it is for, and its sessions in order; with rich, a table."""

    name: str
    title: Text
    about: Text
    sessions: tuple[Session, ...]

    def __rich__(self) -> RenderableType:
        """The sessions with what happens in them and when."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text as Line

        language = current_language()
        table = Table(str(WHEN), str(WHAT), str(MINUTES), title=str(self.title), title_justify="left", show_lines=True)
        for session in self.sessions:
            lines = "\n".join(item_line(item, language) for item in session.items)
            table.add_row(Line(str(session.title)), Line(lines), f"{session.taken}/{session.minutes}")
        return Group(table, Line(str(self.about)), Line(sums(self, language), "bold"))

    @property
    def taken(self) -> int:
        """The minutes in class, of all sessions together."""
        return sum(session.taken for session in self.sessions)

    @property
    def at_home(self) -> int:
        """The minutes at home, of all sessions together."""
        return sum(session.at_home for session in self.sessions)


def sections(unit: Unit, language: str) -> Mapping[int, str]:
    """The titles of a unit's numbered sections, `## 3. …` in its notebook, by number."""
    found = {}
    for cell in unit.cells:
        if cell.kind == "markdown" and not cell.instructor:
            for match in _SECTION.finditer(cell.text.into(language)):
                found[int(match["number"])] = match["title"].strip()
    return found


def read_plans(root: Path, units: Sequence[Unit]) -> tuple[Plan, ...]:
    """The plans, each of them possible: its units exist, come after their prerequisites, and fit into the sessions.

    Args:
        root: the checkout.
        units: the course's units, as `building.units()` gives them.

    Raises:
        BuildError: with every mistake in the file.
    """
    try:
        node = yaml.compose((root / PATH).read_text("utf-8-sig"))
        if node is None:
            return ()
        entries = list(yaml.entries(node, "the file of plans (half-day: {title: …, sessions: […]})"))
    except FileNotFoundError:
        return ()
    except yaml.Wrong as wrong:
        raise BuildError([Problem(PATH, wrong.line, str(wrong))]) from wrong
    problems: list[Problem] = []
    plans: list[Plan] = []
    for key, name, entry in entries:
        try:
            if any(plan.name == name for plan in plans):
                raise yaml.Wrong(key, "it stands twice")
            plan = _Reader(name, {unit.number: unit for unit in units}).plan(entry)
            plans.append(plan)
            problems += [Problem(PATH, yaml.line(key), message) for message in mistakes(plan)]
        except yaml.Wrong as wrong:
            problems.append(Problem(PATH, wrong.line, f'plan "{name}": {wrong}'))
    if problems:
        raise BuildError(problems)
    return tuple(plans)


def mistakes(plan: Plan) -> Iterator[str]:
    """What is impossible about a plan: a session that is too short, a unit too early, a part longer than its whole."""
    here = f'plan "{plan.name}"'
    seen: set[str] = set()
    for session in plan.sessions:
        if session.taken > session.minutes:
            title = session.title.into(LANGUAGES[0])
            yield f'{here}: "{title}" has {session.minutes} minutes, and its items take {session.taken}'
        for item in session.items:
            unit = item.unit
            if unit is None:
                continue
            # A lab's requirement may be met in part: who was shown what it needs can work on it.
            if missing := [number for number in unit.prerequisites if number not in seen]:
                yield f"{here}: {unit.number} needs {', '.join(missing)} before it"
            if unit.number in seen and not item.sections:
                yield f"{here}: {unit.number} is taught twice"
            if item.sections and item.minutes > in_class(unit):
                yield f"{here}: a part of {unit.number} takes {item.minutes} minutes, the whole {in_class(unit)}"
            there = sections(unit, LANGUAGES[0])
            if lost := [str(number) for number in item.sections if number not in there]:
                yield f"{here}: {unit.number} has no section {', '.join(lost)}"
            seen.add(unit.number)


def plan_named(name: str, plans: Sequence[Plan]) -> Plan:
    """The plan of this name.

    Raises:
        NoPlanError: there is none; the message names those that there are.
    """
    for plan in plans:
        if plan.name == name:
            return plan
    raise NoPlanError(_NO_PLAN, name=name, names=", ".join(plan.name for plan in plans) or "–")


def clock(minutes: int) -> str:
    """Minutes as hours and minutes: `1:05`."""
    return f"{minutes // 60}:{minutes % 60:02}"


def sums(plan: Plan, language: str) -> str:
    """The minutes of a plan in a line: `640 minutes in class, 165 minutes at home.`"""
    said = [_IN_CLASS.into(language).format(minutes=plan.taken, clock=clock(plan.taken))]
    if plan.at_home:
        said.append(_AT_HOME.into(language).format(minutes=plan.at_home))
    return f"`{plan.name}`: {', '.join(said)}."


def item_line(item: Item, language: str) -> str:
    """One item of a session: `00 · Setup, sections 1, 4 (10)`."""
    if item.unit is None:
        title = "" if item.says is None else item.says.into(language)
    else:
        title = f"{item.unit.number} · {item.unit.title.into(language)}"
        if item.sections:
            name = _ONE_SECTION if len(item.sections) == 1 else _SOME_SECTIONS
            title += ", " + name.into(language).format(numbers=", ".join(map(str, item.sections)))
    home = f", {_HOME.into(language)}" if item.home else ""
    return f"{title} ({item.minutes}{home})"


class _Reader:
    """Reads one plan; every mistake is a `yaml.Wrong` with its line."""

    def __init__(self, name: str, units: Mapping[str, Unit]) -> None:
        self.name = name
        self.units = units

    def plan(self, node: yaml.Node) -> Plan:
        fields = yaml.Fields(node, "a plan")
        title, about = (stripped(fields.need(name), name) for name in ("title", "about"))
        sessions = tuple(self.session(one) for one in _some(fields.need("sessions"), "sessions"))
        fields.finish()
        return Plan(self.name, title, about, sessions)

    def session(self, node: yaml.Node) -> Session:
        fields = yaml.Fields(node, "a session")
        title, minutes = stripped(fields.need("title"), "title"), _minutes(fields.need("minutes"))
        items = tuple(self.item(one) for one in _some(fields.need("items"), "items"))
        fields.finish()
        return Session(title, minutes, items)

    def item(self, node: yaml.Node) -> Item:
        if isinstance(node, yaml.ScalarNode):
            unit = self._unit(node)
            return Item(in_class(unit), unit)
        fields = yaml.Fields(node, "an item")
        if (pause := fields.get("pause")) is not None:
            item = Item(_minutes(fields.need("minutes")), says=stripped(pause, "pause"))
        elif (home := fields.get("home")) is not None:
            if yaml.value(home) is not True:
                raise yaml.Wrong(home, '"home" is true, or left out')
            unit = self._unit(fields.need("unit"))
            item = Item(unit.minutes, unit, home=True)
        else:
            unit = self._unit(fields.need("unit"))
            numbers = tuple(_number(one) for one in _some(fields.need("sections"), "sections"))
            item = Item(_minutes(fields.need("minutes")), unit, numbers)
        fields.finish()
        return item

    def _unit(self, node: yaml.Node) -> Unit:
        # As written: YAML reads 00 to 07 as numbers where they have no quotes.
        number = yaml.raw(node)
        name = f"{int(number):02d}" if number.isdecimal() else number
        if name not in self.units:
            raise yaml.Wrong(node, f'the course has no unit "{name}"{yaml.suggest(name, self.units)}')
        return self.units[name]


def stripped(node: yaml.Node, what: str) -> Text:
    """A text in every language, without the line end that a block of YAML leaves.

    Raises:
        yaml.Wrong: a language is missing.
    """
    text = yaml.text(node, what)
    return Text(**{language: text.into(language).strip() for language in LANGUAGES})


def _some(node: yaml.Node, what: str) -> list[yaml.Node]:
    found = yaml.items(node, what)
    if not found:
        raise yaml.Wrong(node, f"{what} is a list with something in it")
    return found


def _number(node: yaml.Node) -> int:
    number = yaml.value(node)
    if isinstance(number, bool) or not isinstance(number, int):
        raise yaml.Wrong(node, "sections is a list of the numbers of sections: [1, 3]")
    return number


def _minutes(node: yaml.Node) -> int:
    minutes = yaml.value(node)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or minutes < 1:
        raise yaml.Wrong(node, "minutes is a whole number, 1 or more")
    return minutes
