"""From points to marks, by the instructor's own rules in `grading.toml`; each mark says how it came about."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from wslab.errors import LabError
from wslab.grading.batch import Batch, Row
from wslab.grading.intake.whose import Student, folded
from wslab.labs.catalogue import labs
from wslab.labs.lab import Lab
from wslab.language import Text, counted, decimal, filled

_T = TypeVar("_T")

FILE = Path("course", "grading.toml")
"""Where the rules are looked for, in the course's folder."""

_BROKEN = Text(en="{path}: {why}", tr="{path}: {why}")
_UNKNOWN = Text(
    en="{path}:{line}: {key!r} is not known here; known are: {known}.",
    tr="{path}:{line}: {key!r} burada bilinmiyor; bilinenler: {known}.",
)
_WRONG = Text(
    en="{path}:{line}: {key} must be {kind}, and is {value!r}.",
    tr="{path}:{line}: {key} şu olmalı: {kind}; yazılan: {value!r}.",
)
_NUMBER = Text(en="a number from {least} to {most}", tr="{least} ile {most} arasında bir sayı")
_DATE = Text(
    en="a date and time, such as 2026-11-27T23:59:00+03:00",
    tr="2026-11-27T23:59:00+03:00 gibi bir tarih ve saat",
)
_CHOICE = Text(en='"newest" or "best"', tr='"newest" ya da "best"')
_YES_NO = Text(en="true or false", tr="true ya da false")
_TEXT = Text(en="text in quotes", tr="tırnak içinde metin")
_TABLE = Text(en="a table", tr="bir tablo")

_EARNED = Text(en="{points} of {most} points from the checks", tr="sınamalardan {most} üzerinden {points} puan")
_WRITTEN = Text(en="written answers: {points} of {most} points", tr="yazılı yanıtlar: {most} üzerinden {points} puan")
_NOT_MARKED = Text(
    en="written answers: not marked yet, 0 of {most}", tr="yazılı yanıtlar: henüz değerlendirilmedi, {most} üzerinden 0"
)
_NOT_HANDED_IN = Text(en="not handed in or not graded: 0", tr="teslim edilmedi ya da puanlanmadı: 0")
_ON_TIME = Text(en="in time (due {due})", tr="zamanında (son teslim {due})")
_EXTENDED = Text(en="due {due} by extension", tr="ek süreyle son teslim {due}")
_LATE = Text(
    en="{days} late (due {due}): {percent} % off, {points} less",
    tr="{days} geç (son teslim {due}): %{percent} düşüldü, {points} puan",
)
_DAY = Text(en="{count} day", tr="{count} gün")
_DAYS = Text(en="{count} days", tr="{count} gün")
_NO_TIME = Text(en="when it was handed in is not known", tr="ne zaman teslim edildiği bilinmiyor")
_SET = Text(en="set to {points} by hand: {comment}", tr="elle {points} yapıldı: {comment}")
_NOBODY = Text(
    en="{where}: nobody here is called {name!r}, so this counts for nobody.",
    tr="{where}: burada adı {name!r} olan kimse yok, bu yüzden kimse için geçerli olmadı.",
)
_SEVERAL = Text(
    en="{where}: {count} people here are called {name!r}, so this counts for none of them. Write the id instead.",
    tr="{where}: burada adı {name!r} olan {count} kişi var, bu yüzden hiçbiri için geçerli olmadı. "
    "Adın yerine kimliği yazın.",
)
_DROPPED = Text(en="{lab} does not count (lowest)", tr="{lab} sayılmadı (en düşük)")
_TOTAL = Text(en="{parts}, over {whole}: {percent} %", tr="{parts}, toplam ağırlık {whole}: %{percent}")


@dataclass(frozen=True, slots=True)
class LabRule:
    """How one lab counts.

    Attributes:
        due: until when it may be handed in without loss; None for no limit.
        weight: what it weighs in the total; None for its points.
        extra: whether it only adds to the total.
        canvas: the name of the assignment in Canvas; empty for the lab's.
        moodle: the name of its column in Moodle's gradebook; empty for the lab's.
        written: points that its written answers are worth, on top of the checks'.
    """

    due: datetime | None = None
    weight: float | None = None
    extra: bool = False
    canvas: str = ""
    moodle: str = ""
    written: float = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What an instructor decided.

    Attributes:
        best: whether of several notebooks the best counts; None where nothing is said.
        per_day: percent of the earned points that each day begun costs.
        most: percent that lateness costs at most.
        grace: minutes after the due time that cost nothing.
        drop_lowest: how many labs do not count, the lowest first.
        labs: by number.
        extensions: by person and lab, another due time. A person is an id, a name, or an e-mail address.
        overrides: by person and lab, points set by hand and why.
        where: for each of these persons the file and the line.
    """

    best: bool | None = None
    per_day: float = 0
    most: float = 100
    grace: float = 0
    drop_lowest: int = 0
    labs: Mapping[str, LabRule] = field(default_factory=dict)
    extensions: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    overrides: Mapping[str, Mapping[str, tuple[float, str]]] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)

    def most_points(self, lab: Lab) -> float:
        """What can be earned in a lab: by the checks, and by written answers."""
        return float(lab.points) + self.labs.get(lab.number, LabRule()).written

    def due(self, student: Student, lab: str) -> tuple[datetime | None, bool]:
        """When somebody had to hand a lab in, and whether that is by extension."""
        if lab in self.extensions.get(student.id, {}):
            return self.extensions[student.id][lab], True
        return self.labs.get(lab, LabRule()).due, False

    def by_id(self, students: Iterable[Student]) -> tuple[Rules, tuple[Text, ...]]:
        """The same with the ids of these people for what `grading.toml` calls them, and what it means nobody by.

        An id goes before an e-mail address, and that before a name. A name of two people is nobody's: people choose
        their own names, and would have what was meant for somebody else.
        """
        people = {student.id: student for student in students}
        ids: dict[str, str] = {}
        problems = []
        for person in dict.fromkeys((*self.extensions, *self.overrides)):
            found = _called(person, people.values())
            if len(found) == 1:
                ids[person] = found[0]
                continue
            text = _SEVERAL if found else _NOBODY
            problems.append(filled(text, where=self.where.get(person, FILE.name), name=person, count=len(found)))
        named = replace(self, extensions=_named(self.extensions, ids), overrides=_named(self.overrides, ids))
        return named, tuple(problems)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a lab counts for somebody.

    Attributes:
        points: after everything.
        most: what could be earned.
        penalty: points that lateness cost.
        due: when it had to be handed in; None for no limit.
        how: how the points came about.
    """

    points: float
    most: float
    penalty: float = 0.0
    due: datetime | None = None
    how: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """What all labs come to for somebody.

    Attributes:
        student: who.
        marks: by lab.
        percent: the total.
        how: how it came about.
    """

    student: Student
    marks: Mapping[str, Mark]
    percent: float
    how: tuple[Text, ...]


def totals(
    batch: Batch, rules: Rules = Rules(), written: Callable[[Row], float | None] = lambda row: None
) -> tuple[Total, ...]:
    """Everybody's marks, by id.

    Counted are the labs of the rules, or those that were handed in where the rules name none.

    Args:
        batch: what came of the submissions.
        rules: the instructor's.
        written: the points of a row's written answers; None where nobody has marked them.
    """
    counted = [lab for number, lab in labs().items() if number in rules.labs] or list(batch.labs)
    students = {row.student.id: row.student for row in batch.rows}
    rows = {(row.student.id, row.lab.number): row for row in batch.rows if row.lab is not None}
    rules, _ = rules.by_id(students.values())
    found = []
    for id, student in sorted(students.items()):
        marks = {lab.number: mark(student, lab, rows.get((id, lab.number)), rules, written) for lab in counted}
        found.append(_total(student, marks, rules))
    return tuple(found)


def mark(
    student: Student,
    lab: Lab,
    row: Row | None,
    rules: Rules,
    written: Callable[[Row], float | None] = lambda row: None,
) -> Mark:
    """What a lab counts for somebody, by rules that call people by their ids; and why."""
    most = rules.most_points(lab)
    due, extended = rules.due(student, lab.number)
    if (set_by_hand := rules.overrides.get(student.id, {}).get(lab.number)) is not None:
        points, comment = set_by_hand
        return Mark(points, most, 0.0, due, (filled(_SET, points=decimal(points), comment=comment),))
    if row is None or row.result is None:
        return Mark(0.0, most, 0.0, due, (_NOT_HANDED_IN,))
    points = float(row.result.score)
    how = [filled(_EARNED, points=decimal(points), most=decimal(float(lab.points)))]
    if worth := most - float(lab.points):
        given = written(row)
        points += min(given or 0.0, worth)
        told = _NOT_MARKED if given is None else _WRITTEN
        how.append(filled(told, points=decimal(min(given or 0.0, worth)), most=decimal(worth)))
    if due is None:
        return Mark(points, most, 0.0, None, tuple(how))
    said = f"{due:%Y-%m-%d %H:%M} UTC"
    if extended:
        how.append(filled(_EXTENDED, due=said))
    try:
        handed = datetime.fromisoformat(row.timestamp).replace(tzinfo=UTC)
    except ValueError:
        return Mark(points, most, 0.0, due, (*how, _NO_TIME))
    days = math.ceil((handed - due) / timedelta(days=1))
    if handed <= due + timedelta(minutes=rules.grace):
        return Mark(points, most, 0.0, due, (*how, filled(_ON_TIME, due=said)))
    percent = min(rules.most, rules.per_day * days)
    penalty = round(points * percent / 100, 2)
    how.append(
        filled(_LATE, days=counted(days, _DAY, _DAYS), due=said, percent=decimal(percent), points=decimal(penalty))
    )
    return Mark(round(points - penalty, 2), most, penalty, due, tuple(how))


def _total(student: Student, marks: Mapping[str, Mark], rules: Rules) -> Total:
    def weight(lab: str) -> float:
        given = rules.labs.get(lab, LabRule()).weight
        return marks[lab].most if given is None else given

    counting = [lab for lab in marks if not rules.labs.get(lab, LabRule()).extra]
    lowest = sorted(counting, key=lambda lab: (marks[lab].points / marks[lab].most, lab))
    dropped = lowest[: min(rules.drop_lowest, max(0, len(counting) - 1))]
    kept = [lab for lab in marks if lab not in dropped]
    whole = sum(weight(lab) for lab in kept if lab in counting)
    earned = sum(weight(lab) * marks[lab].points / marks[lab].most for lab in kept)
    percent = round(100 * earned / whole, 2) if whole else 0.0
    parts = " + ".join(f"{lab} {marks[lab].points:g}/{marks[lab].most:g} × {weight(lab):g}" for lab in kept)
    how = [filled(_DROPPED, lab=lab) for lab in dropped]
    how.append(filled(_TOTAL, parts=parts or "0", whole=decimal(whole), percent=decimal(percent)))
    return Total(student, marks, percent, tuple(how))


def _called(person: str, students: Iterable[Student]) -> Sequence[str]:
    """The ids of those whom an id, an e-mail address or a name can mean."""
    people = list(students)
    # A student without an origin has the name of a folder, a zip or a file as id, which anybody can choose.
    listed = [one for one in people if one.origin]
    for known in (
        [one.id for one in listed if one.id == person],
        [one.id for one in listed if one.email and one.email.casefold() == person.strip().casefold()],
        [one.id for one in listed if folded(one.name) == folded(person)],
        [one.id for one in people if one.id == person],
    ):
        if known:
            return known
    return [one.id for one in people if folded(one.name) == folded(person)]


def _named(given: Mapping[str, Mapping[str, _T]], ids: Mapping[str, str]) -> dict[str, dict[str, _T]]:
    found: dict[str, dict[str, _T]] = {}
    for person, values in given.items():
        if person in ids:
            found.setdefault(ids[person], {}).update(values)
    return found


def read_rules(path: Path) -> Rules:
    """Read `grading.toml`.

    Raises:
        LabError: it can't be read, or something in it can't be meant; with the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _Reading(path, text).rules(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LabError(_BROKEN, path=path, why=getattr(error, "strerror", None) or error) from error


class _Reading:
    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines = text.splitlines()
        self.where: dict[str, str] = {}

    def rules(self, data: Mapping[str, Any]) -> Rules:
        self._only(data, (), ("choose", "late", "drop_lowest", "labs", "extensions", "overrides"))
        late = self._table(data, "late", ())
        self._only(late, ("late",), ("per_day", "most", "grace_minutes"))
        choose = data.get("choose")
        if choose not in (None, "newest", "best"):
            raise self._wrong(("choose",), _CHOICE, choose)
        numbers = tuple(labs())
        rules_of_labs = {}
        given = self._table(data, "labs", ())
        self._only(given, ("labs",), numbers)
        for lab in given:
            at = ("labs", lab)
            one = self._table(given, lab, ("labs",))
            self._only(one, at, ("due", "weight", "extra_credit", "canvas", "moodle", "written"))
            rules_of_labs[lab] = LabRule(
                self._date(one, "due", at) if "due" in one else None,
                self._number(one, "weight", at, 0, 1000) if "weight" in one else None,
                self._kind(one, "extra_credit", at, _YES_NO, False),
                self._kind(one, "canvas", at, _TEXT, ""),
                self._kind(one, "moodle", at, _TEXT, ""),
                self._number(one, "written", at, 0, 1000, 0),
            )
        return Rules(
            best=None if choose is None else choose == "best",
            per_day=self._number(late, "per_day", ("late",), 0, 100, 0),
            most=self._number(late, "most", ("late",), 0, 100, 100),
            grace=self._number(late, "grace_minutes", ("late",), 0, 100_000, 0),
            drop_lowest=int(self._number(data, "drop_lowest", (), 0, len(numbers), 0)),
            labs=rules_of_labs,
            extensions=self._by_person(data, "extensions", lambda one, lab, at: self._date(one, lab, at)),
            overrides=self._by_person(data, "overrides", self._override),
            where=self.where,
        )

    def _by_person(self, data: Mapping[str, Any], name: str, read: Any) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for person, _ in self._table(data, name, ()).items():
            one = self._table(data[name], person, (name,))
            self._only(one, (name, person), tuple(labs()))
            found[person] = {lab: read(one, lab, (name, person)) for lab in one}
            self.where.setdefault(person, f"{self.path.name}:{self._line((name, person))}")
        return found

    def _override(self, one: Mapping[str, Any], lab: str, at: tuple[str, ...]) -> tuple[float, str]:
        given = self._table(one, lab, at)
        self._only(given, (*at, lab), ("points", "comment"))
        points = self._number(given, "points", (*at, lab), 0, 1000)
        comment = given.get("comment")
        if not isinstance(comment, str) or not comment.strip():
            raise self._wrong((*at, lab, "comment"), _TEXT, comment)
        return points, comment

    def _only(self, table: Mapping[str, Any], at: tuple[str, ...], known: Sequence[str]) -> None:
        for key in table:
            if key not in known:
                where = self._line((*at, key))
                raise LabError(_UNKNOWN, path=self.path, line=where, key=key, known=", ".join(known))

    def _table(self, data: Mapping[str, Any], key: str, at: tuple[str, ...]) -> Mapping[str, Any]:
        given = data.get(key, {})
        if not isinstance(given, dict):
            raise self._wrong((*at, key), _TABLE, given)
        return given

    def _kind(self, data: Mapping[str, Any], key: str, at: tuple[str, ...], text: Text, default: Any) -> Any:
        given = data.get(key, default)
        if not isinstance(given, type(default)):
            raise self._wrong((*at, key), text, given)
        return given

    def _number(
        self,
        data: Mapping[str, Any],
        key: str,
        at: tuple[str, ...],
        least: int,
        most: int,
        default: float | None = None,
    ) -> float:
        given = data.get(key, default)
        if isinstance(given, bool) or not isinstance(given, int | float) or not least <= given <= most:
            raise self._wrong((*at, key), filled(_NUMBER, least=least, most=most), given)
        return given

    def _date(self, data: Mapping[str, Any], key: str, at: tuple[str, ...]) -> datetime:
        given = data.get(key)
        if not isinstance(given, datetime):
            raise self._wrong((*at, key), _DATE, given)
        return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)

    def _wrong(self, at: tuple[str, ...], kind: Text, value: object) -> LabError:
        shown = str(value) if isinstance(value, datetime) else value
        return LabError(_WRONG, path=self.path, line=self._line(at), key=".".join(at), kind=str(kind), value=shown)

    def _line(self, at: tuple[str, ...]) -> int:
        """The line that says it, or the nearest one around it: TOML's reader keeps no lines."""
        table: tuple[str, ...] = ()
        best = (0, 1)
        for number, line in enumerate(self.lines, 1):
            bare = line.strip()
            if bare.startswith("["):
                table = _keys(bare.strip("[] "))
                here = table
            else:
                here = (*table, *_keys(bare.partition("=")[0])) if "=" in bare else ()
            same = sum(1 for _ in _common(here, at))
            if here and here == at[:same] and same > best[0]:
                best = (same, number)
        return best[1]


def _keys(text: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in text.split("."))


def _common(one: Sequence[str], other: Sequence[str]) -> Iterable[str]:
    for a, b in zip(one, other, strict=False):
        if a != b:
            return
        yield a
