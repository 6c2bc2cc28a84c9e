"""Who is one person: names that are spelled in several ways, and numbers that an export makes anew each time."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wslab.grading.intake.owners import Claim
from wslab.grading.intake.roster import Roster
from wslab.grading.intake.whose import Student, folded, is_a_lab, is_zip
from wslab.language import Text, filled

_NAME_TWICE = Text(
    en="Who is this? {count} people in one export are called {name}, so they can't be told apart in another one. Write "
    "`roster.csv`.",
    tr="Bu kim? Tek bir dışa aktarmada adı {name} olan {count} kişi var; başka bir dışa aktarmada ayırt edilemezler. "
    "`roster.csv` yazın.",
)
_PLACES = Text(
    en="Is this one person? {name} has handed in the same lab in {places}; they are kept apart. Write `roster.csv`, or "
    "rename one.",
    tr="Bu tek kişi mi? {name} aynı alıştırmayı {places} içinde teslim etmiş; ayrı tutuldular. `roster.csv` yazın ya "
    "da birini yeniden adlandırın.",
)
_CHOSEN = Text(
    en="Is this {name}? {places} has that name, too, with another notebook of the same lab; `{place}` is kept apart. "
    "Rename one, or put both into one folder.",
    tr="Bu {name} mi? {places} de bu adı taşıyor ve içinde aynı alıştırmanın başka bir not defteri var; `{place}` ayrı "
    "tutuldu. Birini yeniden adlandırın ya da ikisini tek bir klasöre koyun.",
)
_FURTHER_IN = Text(
    en="Is this {name}? {places} has that name, too, with another notebook of the same lab. It lies further in, and "
    "counts for nobody. Rename one, or put both into one folder.",
    tr="Bu {name} mi? {places} de bu adı taşıyor ve içinde aynı alıştırmanın başka bir not defteri var. Daha içeride "
    "olduğundan kimse adına sayılmadı. Birini yeniden adlandırın ya da ikisini tek bir klasöre koyun.",
)
_TWO_OF_ONE = Text(
    en="Who is this? {count} people in one export are called {name}, and on the roster is one. None was taken for that "
    "one; write the others' names as aliases there, or rename a folder.",
    tr="Bu kim? Tek bir dışa aktarmada adı {name} olan {count} kişi var, sınıf listesinde ise bir. Hiçbiri o kişi "
    "sayılmadı. Diğerlerinin adlarını listeye takma ad (alias) olarak yazın ya da bir klasörü yeniden adlandırın.",
)
_NOT_ON_ROSTER = Text(
    en="Who is this? {name} is not on the roster. Add an alias there if it is somebody's.",
    tr="Bu kim? {name} sınıf listesinde yok. Listedeki biriyse oraya bir takma ad (alias) ekleyin.",
)
_SEVERAL_ON_ROSTER = Text(
    en="Who is this? On the roster, {name} can be {people}. Add an alias there.",
    tr="Bu kim? Sınıf listesinde {name} şunlardan biri olabilir: {people}. Oraya bir takma ad (alias) ekleyin.",
)


@dataclass(frozen=True, slots=True)
class People:
    """Who is who.

    Attributes:
        students: for each claim its person; None where a nearer claim to the same name is in its way.
        questions: for each person's id what the instructor is asked.
    """

    students: Mapping[Claim, Student | None]
    questions: Mapping[str, tuple[Text, ...]]


Works = frozenset[tuple[str, str]]
"""The notebooks in a place: of each the lab's number and a digest."""


@dataclass(frozen=True, slots=True)
class _Person:
    """The claims of one person.

    Attributes:
        claims: they.
        asked: what the instructor is asked about them.
        chosen: whether their id is the name of the file, since the person of that name is somewhere else.
    """

    claims: Sequence[Claim]
    asked: Text | None = None
    chosen: bool = False


def people(
    claims: Mapping[Claim, Works],
    roster: Roster | None = None,
    known: Sequence[Student] = (),
    *,
    packed: bool = False,
) -> People:
    """Find out which claims are one person's.

    Args:
        claims: what was claimed in a drop, and the notebooks that were found there.
        roster: the class list, if there is one.
        known: who handed in something in an earlier drop.
        packed: whether all of it came in one zip.
    """
    students: dict[Claim, Student | None] = {}
    questions: dict[str, list[Text]] = {}
    ids = _Ids(roster, known)
    # People of an export take their ids first: anybody can call a zip by the number that somebody has there.
    for one in sorted(_persons(list(claims), claims, roster, packed), key=lambda one: not one.claims[0].exported):
        near = _nearest(one.claims)
        student, more = _student(near, one, roster, ids)
        students |= {claim: student if claim in near else None for claim in one.claims}
        further = [claim for claim in one.claims if claim not in near]
        if _contradict(_of(near, claims), _of(further, claims)):
            places = ", ".join(f"`{'/'.join(claim.home)}`" for claim in further)
            more.append(filled(_FURTHER_IN, name=near[0].named.name, places=places))
        if one.asked is not None or more:
            questions.setdefault(student.id, []).extend([*([one.asked] if one.asked is not None else []), *more])
    return People(students, {id: tuple(dict.fromkeys(said)) for id, said in questions.items()})


def _persons(
    claims: Sequence[Claim], works: Mapping[Claim, Works], roster: Roster | None, packed: bool
) -> Iterable[_Person]:
    found: dict[tuple[str, ...], list[Claim]] = {}
    for claim in claims:
        on_roster = roster.find(claim.named) if roster is not None else ()
        key: tuple[str, ...] = claim.named.key
        if len(on_roster) == 1:
            key = ("roster", on_roster[0].student.id)
        elif key[0] == "moodle":
            key = ("moodle", key[2])  # its number is another one in each export
        found.setdefault(key, []).append(claim)
    company = Counter(level for level, _ in {(claim.level, claim.named.key) for claim in claims})
    for key, group in found.items():
        apart = _kept_apart(group, works, company)
        yield from apart
        rest = [claim for claim in group if not any(claim in one.claims for one in apart)]
        if not rest:
            continue
        if key[0] == "moodle":
            yield from _by_number(rest)
        elif key[0] == "roster":
            yield from _one_of_the_roster(rest, works, packed)
        elif key[0] == "":
            yield from _by_place(rest, works)
        else:
            yield _Person(rest)


def _kept_apart(
    group: Sequence[Claim], works: Mapping[Claim, Works], company: Mapping[tuple[str, ...], int]
) -> list[_Person]:
    """Zips and files of a name that stands beside them with another notebook of the same lab.

    The instructor names folders, a learning platform names people in its export, and anybody names a zip or a file.
    Which of two notebooks is the person's cannot be seen, so neither replaces the other.
    """
    places: dict[tuple[tuple[str, ...], bool], list[Claim]] = {}
    for claim in group:
        at = claim.level if claim.loose or claim.exported else claim.home
        places.setdefault((at, claim.exported), []).append(claim)
    apart = []
    for claims in places.values():
        others = [
            "/".join(their[0].level if their[0].exported and their[0].level else their[0].home)
            for their in places.values()
            if their is not claims
            and _gives_way(claims[0], their[0], company)
            and _contradict(_of(claims, works), _of(their, works))
        ]
        if others:
            own = "/".join(claims[0].home)
            asked = filled(
                _CHOSEN, name=claims[0].named.name, place=own, places=", ".join(f"`{one}`" for one in others)
            )
            apart.append(_Person(claims, asked, chosen=True))
    return apart


def _gives_way(one: Claim, other: Claim, company: Mapping[tuple[str, ...], int]) -> bool:
    """Whether the second one's name says more of whose it is than the first one's, which anybody can have chosen.

    Where one lies in a folder or zip beside the other, the one with more people's names beside it keeps its name. But
    what lies in a zip, and is not called as in an export, gives way to what lies outside of this zip.
    """
    if one.exported != other.exported:
        return other.exported and _named_by_anybody(one)
    if not one.exported and _is_behind(other, one.level):
        return False
    mine, theirs = company[one.level], company[other.level]
    if other.level != one.level and other.level[: len(one.level)] == one.level and mine < theirs:
        return one.exported or _named_by_anybody(one)
    if one.exported:
        return _is_behind(one, other.level) and mine <= theirs
    return _named_by_anybody(one) and (not _named_by_anybody(other) or one.level == other.level)


def _named_by_anybody(claim: Claim) -> bool:
    """Whether it is a zip or a file that no export has named."""
    return not claim.exported and (claim.loose or (bool(claim.home) and is_zip(claim.home[-1])))


def _is_behind(claim: Claim, level: tuple[str, ...]) -> bool:
    """Whether it lies in a zip that lies in this level."""
    inside = claim.level[len(level) :]
    return claim.level[: len(level)] == level and any(is_zip(part) for part in inside)


def _of(claims: Iterable[Claim], works: Mapping[Claim, Works]) -> Works:
    return frozenset().union(*(works[claim] for claim in claims))


def _labs(works: Works) -> frozenset[str]:
    return frozenset(lab for lab, _ in works)


def _contradict(one: Works, other: Works) -> bool:
    """Whether both hold a lab, and not the same notebooks of it, as a zip and the folder made of it do."""
    shared = _labs(one) & _labs(other)
    return {work for work in one if work[0] in shared} != {work for work in other if work[0] in shared}


def _one_of_the_roster(group: Sequence[Claim], works: Mapping[Claim, Works], packed: bool) -> Iterable[_Person]:
    """All forms of a name are one person, but not two people whom an export tells apart: a name can be chosen."""
    numbered: dict[tuple[str, str], list[Claim]] = {}
    for claim in group:
        if claim.named.number:
            numbered.setdefault((claim.named.origin, claim.named.number), []).append(claim)
    if not any(_are_two(one, other, works, packed) for one, other in itertools.combinations(numbered.values(), 2)):
        yield _Person(group)
        return
    asked = filled(_TWO_OF_ONE, count=len(numbered), name=group[0].named.name)
    for one in numbered.values():
        yield _Person(one, asked)
    if rest := [claim for claim in group if not claim.named.number]:
        yield _Person(rest)


def _are_two(one: Sequence[Claim], other: Sequence[Claim], works: Mapping[Claim, Works], packed: bool) -> bool:
    """Whether two numbers of an export are two people.

    Canvas has one number for each person. Moodle has one for each person and assignment: in one export two are two
    people, in a folder of several exports they are if both have handed in the same lab.
    """
    if one[0].named.origin != other[0].named.origin:
        return False
    if one[0].named.origin == "canvas":
        return True
    together = {claim.level for claim in one} & {claim.level for claim in other}
    in_a_zip = any(packed if not level else is_zip(level[-1]) for level in together)
    shared = _labs(_of(one, works)) & _labs(_of(other, works))
    return bool(together) and (in_a_zip or bool(shared))


def _nearest(group: Sequence[Claim]) -> list[Claim]:
    """The claims that no other one stands before: a zip says nothing of somebody whose own work lies beside it."""
    least = min(claim.distance for claim in group)
    levels = {(claim.level, claim.exported) for claim in group}
    return [
        claim
        for claim in group
        if claim.distance == least
        and not any(_is_behind(claim, level) and not (claim.exported and exported) for level, exported in levels)
    ]


def _by_number(group: Sequence[Claim]) -> Iterable[_Person]:
    """Moodle's: one person where no export has the name twice; else one for each number, and a question."""
    numbers: dict[tuple[str, ...], set[str]] = {}
    for claim in group:
        numbers.setdefault(claim.level, set()).add(claim.named.number)
    most = max(len(found) for found in numbers.values())
    if most == 1:
        yield _Person(group)
        return
    asked = filled(_NAME_TWICE, count=most, name=group[0].named.name)
    for number in sorted({claim.named.number for claim in group}):
        yield _Person([claim for claim in group if claim.named.number == number], asked)


def _by_place(group: Sequence[Claim], works: Mapping[Claim, Works]) -> Iterable[_Person]:
    """Names of folders: one person in several levels, unless the same lab was handed in in two of them."""
    nearest = _nearest(group)
    near: dict[tuple[str, ...], list[Claim]] = {}
    for claim in nearest:
        near.setdefault(claim.level, []).append(claim)
    found = [_labs(_of(one, works)) for one in near.values()]
    if not any(one & other for one, other in itertools.combinations(found, 2)):
        yield _Person(group)
        return
    asked = filled(_PLACES, name=group[0].named.name, places=", ".join("/".join(level) for level in near))
    rest = [claim for claim in group if claim not in nearest]
    for one in near.values():
        yield _Person([*one, *rest], asked)
        rest = []


class _Ids:
    """Gives each person an id that is nobody else's, and the same one as in an earlier drop."""

    def __init__(self, roster: Roster | None, known: Sequence[Student]) -> None:
        self.taken = {} if roster is None else {person.student.id: person.student for person in roster.people}
        self.taken |= {student.id: student for student in known}
        self.known = list({student.id: student for student in known}.values())

    def of(self, wanted: Student, *, apart: bool) -> Student:
        earlier = [one for one in self.known if one.origin == wanted.origin and folded(one.name) == folded(wanted.name)]
        if wanted.origin == "moodle" and not apart and len(earlier) == 1:
            wanted = replace(wanted, id=earlier[0].id)
        id, count = wanted.id, 1
        while id in self.taken and not self._same(self.taken[id], replace(wanted, id=id)):
            count += 1
            id = f"{wanted.id} ({count})"
        self.taken[id] = replace(wanted, id=id)
        return self.taken[id]

    @staticmethod
    def _same(one: Student, other: Student) -> bool:
        return one.origin == other.origin and folded(one.name) == folded(other.name)


def _student(near: Sequence[Claim], one: _Person, roster: Roster | None, ids: _Ids) -> tuple[Student, list[Text]]:
    named, asked = near[0].named, one.asked
    more: list[Text] = []
    if roster is not None:
        found = roster.find(named)
        if len(found) == 1 and asked is None:
            return found[0].student, []
        if len(found) > 1:
            more.append(
                filled(_SEVERAL_ON_ROSTER, name=named.name, people=", ".join(other.student.id for other in found))
            )
        elif not found:
            more.append(filled(_NOT_ON_ROSTER, name=named.name))
    level = [part for part in near[0].level if not is_a_lab(part)]
    if one.chosen:
        return ids.of(Student("/".join([*level, near[0].home[-1]])), apart=False), more
    if named.origin == "moodle":
        first, _, last = named.name.rpartition(" ")
        return ids.of(Student(named.number, last, first, "moodle"), apart=asked is not None), more
    if named.origin == "canvas":
        return ids.of(Student(named.number, named.name, "", "canvas"), apart=False), more
    id = "/".join([*level, named.name]) if asked is not None else named.name
    return ids.of(Student(id), apart=False), more
