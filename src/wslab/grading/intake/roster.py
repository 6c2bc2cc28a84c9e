"""The class list: one row a person, as the instructor keeps it, or as Moodle and Canvas export it."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wslab.errors import LabError
from wslab.grading.intake.whose import Named, Student, words
from wslab.language import Text

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "id number", "kimlik numarası", "kimlik no", "öğrenci no", "öğrenci numarası", "student id"),
    "name": ("name", "full name", "student", "ad soyad", "adı soyadı", "tam adı", "öğrenci"),
    "first": ("first name", "firstname", "given name", "ad", "adı"),
    "last": ("last name", "lastname", "surname", "soyad", "soyadı"),
    "email": ("email", "email address", "e-mail", "e-posta", "e-posta adresi", "eposta"),
    "section": ("section", "sections", "group", "groups", "şube", "grup", "gruplar"),
    "aliases": ("aliases", "alias", "takma adlar", "diğer adlar"),
    "sis": ("sis user id", "sis id"),
    "login": ("sis login id", "login id", "username", "kullanıcı adı"),
}
_CANT_READ = Text(en="The roster {path} can't be read: {why}.", tr="{path} sınıf listesi okunamıyor: {why}.")
_NO_COLUMNS = Text(
    en="{path}:1: the roster needs a column id or email and a column name (or first name and last name); "
    "found were: {found}.",
    tr="{path}:1: sınıf listesinde id ya da email sütunu ile name sütunu (ya da ad ve soyad) olmalı; "
    "bulunanlar: {found}.",
)
_NO_ID = Text(
    en="{path}:{line}: {name!r} has neither an id nor an email.",
    tr="{path}:{line}: {name!r} için ne id ne de email var.",
)
_TWICE = Text(
    en="{path}:{line}: the id {id!r} stands in line {first} already.",
    tr="{path}:{line}: {id!r} kimliği {first}. satırda da var.",
)


@dataclass(frozen=True, slots=True)
class Person:
    """One row.

    Attributes:
        student: as reports name them.
        canvas: Canvas' user id; empty where the roster does not come from Canvas.
        sis, login: Canvas' SIS User ID and SIS Login ID; Moodle's user name.
        names: every form of a name that the row gives.
    """

    student: Student
    canvas: str
    sis: str
    login: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody who is expected to hand in."""

    people: tuple[Person, ...]
    by_form: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def find(self, named: Named) -> tuple[Person, ...]:
        """Everybody that a name in a drop can mean; nobody, one, or several."""
        if named.origin == "canvas":
            exact = tuple(person for person in self.people if person.canvas and person.canvas == named.number)
            if exact:
                return exact
        found = self.by_form.get(_form(named.name), frozenset()) | self.by_form.get(_joined(named.name), frozenset())
        return tuple(self.people[place] for place in sorted(found))

    def writes(self, named: Named) -> bool:
        """Whether a name is written in the drop as on the roster: letter for letter, or as Canvas writes it."""
        own = [(person.names, f"{person.student.last_name}{person.student.first_name}") for person in self.find(named)]
        return any(
            named.name in names
            or (named.origin == "canvas" and words(named.name) == words("".join(last_and_first.split())))
            for names, last_and_first in own
        )

    def knows(self, name: str) -> bool:
        """Whether exactly one person has this name."""
        return len(self.find(Named("", "", name))) == 1


def roster_of(people: Sequence[Person]) -> Roster:
    """The roster of these people."""
    forms: dict[str, set[int]] = {}
    for place, person in enumerate(people):
        for form in _forms(person):
            forms.setdefault(form, set()).add(place)
    return Roster(tuple(people), {form: frozenset(places) for form, places in forms.items()})


def _form(name: str) -> str:
    return " ".join(words(name))


def _joined(name: str) -> str:
    """`yilmazayse`, as Canvas writes it: no words to tell apart."""
    return "=" + "".join(words(name)) if len(words(name)) == 1 else ""


def _forms(person: Person) -> Iterator[str]:
    own = person.student
    for name in (*person.names, own.id, own.email, own.email.partition("@")[0], person.login, person.sis):
        if words(name):
            yield _form(name)
    for name in person.names:
        parts = words(name)
        if 1 < len(parts) <= 4:
            yield from ("=" + "".join(order) for order in itertools.permutations(parts))


def read_roster(path: Path) -> Roster:
    """Read a roster.

    The file is a CSV with `,`, `;` or tabs, in UTF-8, UTF-16 or Windows' Turkish encoding. Its columns are those of
    `roster.csv` (`id`, `name`, `email`, `section`, `aliases` with `;` between two), of Moodle's participants or grades
    (`First name`, `Last name`, `ID number`, `Email address`, `Groups`), or of Canvas' gradebook (`Student`, `ID`,
    `SIS User ID`, `SIS Login ID`, `Section`).

    Raises:
        LabError: it can't be read, or a row has no id or one that stands there already; with the line.
    """
    try:
        text = text_of(path.read_bytes())
    except OSError as error:
        raise LabError(_CANT_READ, path=path, why=error.strerror or error) from error
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    header = [name.strip().casefold() for name in next(rows, [])]
    places = {
        column: next((at for at, name in enumerate(header) if name in names), None)
        for column, names in _COLUMNS.items()
    }
    named = places["name"] is not None or (places["first"] is not None and places["last"] is not None)
    if not named or (places["id"] is None and places["email"] is None):
        raise LabError(_NO_COLUMNS, path=path, found=", ".join(header) or "–")
    from_canvas = places["sis"] is not None or ("student" in header and "id" in header)
    people: list[Person] = []
    lines: dict[str, int] = {}
    try:
        for row in rows:
            cells = {
                column: row[at].strip() if at is not None and at < len(row) else "" for column, at in places.items()
            }
            if not any(cells.values()) or "points possible" in cells["name"].casefold():
                continue
            if from_canvas and cells["name"] in ("Student, Test", "Test Student"):
                continue
            person = _person(cells, from_canvas)
            if not person.student.id:
                raise LabError(_NO_ID, path=path, line=rows.line_num, name=person.student.name)
            first = lines.setdefault(person.student.id.casefold(), rows.line_num)
            if first != rows.line_num:
                raise LabError(_TWICE, path=path, line=rows.line_num, id=person.student.id, first=first)
            people.append(person)
    except csv.Error as error:
        raise LabError(_CANT_READ, path=path, why=f"{rows.line_num}: {error}") from error
    return roster_of(people)


def text_of(data: bytes) -> str:
    """The text of a CSV file as spreadsheets save it: UTF-8, UTF-16 or Windows' Turkish encoding."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1254", "replace")


def _person(cells: Mapping[str, str], from_canvas: bool) -> Person:
    name = cells["name"]
    first, last = cells["first"], cells["last"]
    if not (first or last):
        if "," in name:  # `Yılmaz, Ayşe`, as Canvas sorts them
            last, _, first = (part.strip() for part in name.partition(","))
        else:
            first, _, last = name.rpartition(" ")
    aliases = [alias.strip() for alias in cells["aliases"].split(";") if alias.strip()]
    id = cells["id"] or cells["email"]
    student = Student(id, last, first, "roster", cells["email"], cells["section"])
    names = tuple(dict.fromkeys(one for one in (name, f"{first} {last}".strip(), *aliases) if one))
    return Person(student, cells["id"] if from_canvas else "", cells["sis"], cells["login"], names)
