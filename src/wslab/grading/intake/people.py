"""Who is one person: names that are spelled in several ways, and numbers that an export makes anew each time."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

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
    "Rename one, put both into one folder, or run the same command with --trust '{item}'.",
    tr="Bu {name} mi? {places} de bu adı taşıyor ve içinde aynı alıştırmanın başka bir not defteri var; `{place}` ayrı "
    "tutuldu. Birini yeniden adlandırın, ikisini tek bir klasöre koyun ya da aynı komutu --trust '{item}' ile "
    "çalıştırın.",
)
_COUNTED = Text(
    en="Is this {name}? An earlier drop had another notebook of the same lab (`{place}`), which goes on counting; this "
    "one is kept apart. If it is {name}'s, run the same command with --trust '{item}'.",
    tr="Bu {name} mi? Önceki bir teslim klasöründe aynı alıştırmanın başka bir not defteri var (`{place}`). O "
    "sayılmaya devam ediyor, bu ayrı tutuldu. Bu da {name} adlı kişininse aynı komutu --trust '{item}' ile çalıştırın.",
)
_FURTHER_IN = Text(
    en="Is this {name}? {places} has that name, too, with another notebook of the same lab. It lies further in, and "
    "counts for nobody. Rename one, or put both into one folder.",
    tr="Bu {name} mi? {places} de bu adı taşıyor ve içinde aynı alıştırmanın başka bir not defteri var. Daha içeride "
    "olduğundan kimse adına sayılmadı. Birini yeniden adlandırın ya da ikisini tek bir klasöre koyun.",
)
_TWO_OF_ONE = Text(
    en="Who is this? {count} people in one export are called {name}, and on the roster is one. This one was not taken "
    "for that person; write the others' names as aliases there, or rename a folder.",
    tr="Bu kim? Tek bir dışa aktarmada adı {name} olan {count} kişi var, sınıf listesinde ise bir. Bu, listedeki kişi "
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
        in_doubt: ids on the roster of which somebody in the drop may be, and nobody was taken for them.
    """

    students: Mapping[Claim, Student | None]
    questions: Mapping[str, tuple[Text, ...]]
    in_doubt: frozenset[str] = frozenset()


Works = frozenset[tuple[str, str]]
"""The notebooks in a place: of each the lab's number and a digest."""


@dataclass(frozen=True, slots=True)
class Before:
    """A notebook that an earlier drop brought.

    Attributes:
        student: whose it is.
        lab: the number of its lab; empty for somebody who handed in none.
        place: where it lay.
        digest: of its bytes; empty where an earlier version of the kit has not kept it, or there was none.
        within: its place in what is dropped now, where it lay in the same folder or zip; empty elsewhere.
        counts: whether there is a notebook that a later one could replace.
    """

    student: Student
    lab: str = ""
    place: str = ""
    digest: str = ""
    within: str = ""
    counts: bool = False


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
    earlier: Sequence[Before] = (),
    *,
    since: Mapping[Claim, datetime] | None = None,
    packed: bool = False,
) -> People:
    """Find out which claims are one person's.

    Args:
        claims: what was claimed in a drop, and the notebooks that were found there.
        roster: the class list, if there is one.
        earlier: what earlier drops brought.
        since: since when each of them has lain there.
        packed: whether all of it came in one zip.
    """
    students: dict[Claim, Student | None] = {}
    questions: dict[str, list[Text]] = {}
    in_doubt: set[str] = set()
    ids = _Ids(roster, [one.student for one in earlier])
    later = _Later(earlier, claims, packed=packed)
    order = _Order(claims, roster, since or {})
    # People of an export take their ids first: anybody can call a zip by the number that somebody has there.
    for one in sorted(_persons(claims, roster, order, packed), key=lambda one: not one.claims[0].exported):
        near = sorted(_nearest(one.claims, claims), key=lambda claim: (claim.given, order.weight(claim)), reverse=True)
        student, more = _student(near, one, roster, ids)
        own = _of(near, claims)
        # What an export has, too, was handed in when it came there.
        near += [claim for claim in one.claims if claim not in near and claim.exported and claims[claim] <= own]
        students |= {claim: student if claim in near else None for claim in one.claims}
        further = [claim for claim in one.claims if claim not in near]
        if _contradict(_of(near, claims), _of(further, claims)):
            places = ", ".join(f"`{'/'.join(claim.home)}`" for claim in further)
            more.append(filled(_FURTHER_IN, name=near[0].named.name, places=places))
        sure = _of([claim for claim in near if claim.given], claims)
        for claim in near if not one.chosen else ():
            if not claims[claim] <= sure and (place := later.in_the_way(student, claim)) is not None:
                apart = ids.of(_called_as_its_place(claim), apart=False)
                students[claim] = apart
                said = filled(_COUNTED, name=student.name, place=place, item=claim.item)
                questions.setdefault(apart.id, []).append(said)
        if any(students[claim] is student for claim in near):
            asked = [*([one.asked] if one.asked is not None else []), *more]
            questions.setdefault(student.id, []).extend(asked)
        listed = roster.find(near[0].named) if roster is not None and one.asked is not None and not one.chosen else ()
        in_doubt |= {person.student.id for person in listed}
    return People(
        students, {id: tuple(dict.fromkeys(said)) for id, said in questions.items() if said}, frozenset(in_doubt)
    )


class _Later:
    """What of a later drop does not replace what an earlier one brought, since anybody can have made it.

    The instructor names what is graded, and the folders in it. So a person's folder replaces, and so does an export
    that is graded by itself, or that lies unpacked in a folder of its own. What lies where the earlier one lay, too:
    nobody else can have put it there.
    """

    def __init__(self, earlier: Sequence[Before], works: Mapping[Claim, Works], *, packed: bool) -> None:
        self.earlier = {(one.student.id, one.lab): one for one in earlier if one.counts}
        self.works = works
        self.packed = packed
        self.mixed = {claim.level for claim in works if not claim.exported}
        self.company = Counter(level for level, _ in {(claim.level, claim.named.key) for claim in works})

    def in_the_way(self, student: Student, claim: Claim) -> str | None:
        """Where the notebook lay that goes on counting, if this claim can't replace it."""
        if not self.earlier or claim.given or self._is_of_an_export(claim):
            return None
        for lab in sorted(_labs(self.works[claim])):
            before = self.earlier.get((student.id, lab))
            if before is None or f"{before.within}/".startswith(f"{claim.item}/"):
                continue
            if {digest for of, digest in self.works[claim] if of == lab} != {before.digest}:
                return before.place
        return None

    def _is_of_an_export(self, claim: Claim) -> bool:
        """Whether it is a file of an export that was unpacked into a folder of its own, or lies in the zip itself."""
        outside = claim.loose and claim.exported and not any(is_zip(part) for part in claim.level)
        return outside and (self.packed or (claim.level not in self.mixed and self.company[claim.level] > 1))


def _persons(works: Mapping[Claim, Works], roster: Roster | None, order: _Order, packed: bool) -> Iterable[_Person]:
    found: dict[tuple[str, ...], list[Claim]] = {}
    for claim in works:
        on_roster = roster.find(claim.named) if roster is not None else ()
        key: tuple[str, ...] = claim.named.key
        if len(on_roster) == 1:
            key = ("roster", on_roster[0].student.id)
        elif key[0] == "moodle":
            key = ("moodle", key[2])  # its number is another one in each export
        found.setdefault(key, []).append(claim)
    for key, group in found.items():
        apart = _kept_apart(group, works, order)
        yield from apart
        rest = [claim for claim in group if not any(claim in one.claims for one in apart)]
        if not rest:
            continue
        if key[0] == "moodle":
            yield from _by_number(rest)
        elif key[0] == "roster" and roster is not None:
            yield from _one_of_the_roster(rest, works, roster, packed)
        elif key[0] == "":
            yield from _by_place(rest, works)
        else:
            yield _Person(rest)


def _kept_apart(group: Sequence[Claim], works: Mapping[Claim, Works], order: _Order) -> list[_Person]:
    """Those of one name whose notebook another one of that name contradicts, and which say less of whose they are.

    The instructor names folders, a learning platform names people in its export, and anybody names a zip or a file.
    """
    places: dict[tuple[object, ...], list[Claim]] = {}
    for claim in group:
        at = () if claim.loose or claim.exported else claim.home
        places.setdefault((at, claim.given, *_place(claim)), []).append(claim)
    apart = []
    for claims in places.values():
        others = [
            "/".join(their[0].level if their[0].exported and their[0].level else their[0].home)
            for their in places.values()
            if their is not claims
            and order.gives_way(claims[0], their[0])
            and _contradict(_of(claims, works), _of(their, works))
        ]
        if others:
            own = "/".join(claims[0].home)
            asked = filled(
                _CHOSEN,
                name=claims[0].named.name,
                place=own,
                places=", ".join(f"`{one}`" for one in others),
                item=claims[0].item,
            )
            apart.append(_Person(claims, asked, chosen=True))
    return apart


class _Order:
    """Of two places that have one name, which one says less of whose it is."""

    def __init__(self, works: Mapping[Claim, Works], roster: Roster | None, since: Mapping[Claim, datetime]) -> None:
        listed = [claim for claim in works if roster is None or len(roster.find(claim.named)) == 1]
        self.company = Counter(place for place, _ in {(_place(claim), claim.named.key) for claim in listed})
        self.alike = Counter(
            (place, loose) for place, loose, _ in {(_place(claim), claim.loose, claim.named.key) for claim in listed}
        )
        self.since = since

    def gives_way(self, one: Claim, other: Claim) -> bool:
        """Whether the first one gives way to the second one; both do where nothing tells which."""
        if one.trusted or other.trusted:
            return not one.trusted
        if not _can_be_compared(one, other):
            return False
        if one.given or other.given:
            return not one.given
        if not (one.exported or other.exported) and _is_behind(one, ()) != _is_behind(other, ()):
            return _is_behind(one, ())
        if _place(one) == _place(other):
            return self._among_its_like(one) <= self._among_its_like(other)
        return self.weight(one) < self.weight(other)

    def weight(self, claim: Claim) -> tuple[int, float, bool, int]:
        """More people beside it; then the older one, then an export's name, then the outer one."""
        return self.company[_place(claim)], self._age(claim), claim.exported, -len(claim.level)

    def _among_its_like(self, claim: Claim) -> tuple[int, float]:
        """In one folder: more people who handed in files, or zips; then the older one."""
        return self.alike[_place(claim), claim.loose], self._age(claim)

    def _age(self, claim: Claim) -> float:
        return -self.since[claim].timestamp() if claim in self.since else 0.0


def _place(claim: Claim) -> tuple[tuple[str, ...], bool, str]:
    """Where it was handed in, and by which export."""
    return claim.level, claim.exported, claim.named.origin


def _can_be_compared(one: Claim, other: Claim) -> bool:
    """Whether one of them may stand in the other's way.

    Of two that no export has named, what lies in a zip counts for nobody beside the other (`_nearest`), and those in
    two sections are perhaps two people (`_by_place`).
    """
    if one.exported or other.exported:
        return True
    if _is_behind(one, other.level) or _is_behind(other, one.level):
        return False
    shorter = min(one.level, other.level, key=len)
    nested = one.level[: len(shorter)] == other.level[: len(shorter)]
    return nested or one.given != other.given or _is_behind(one, ()) or _is_behind(other, ())


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


def _one_of_the_roster(
    group: Sequence[Claim], works: Mapping[Claim, Works], roster: Roster, packed: bool
) -> Iterable[_Person]:
    """All forms of a name are one person, but not two people whom an export tells apart: a name can be chosen."""
    numbered: dict[tuple[str, str], list[Claim]] = {}
    for claim in group:
        if claim.named.number:
            numbered.setdefault((claim.named.origin, claim.named.number), []).append(claim)
    if not any(_are_two(one, other, works, packed) for one, other in itertools.combinations(numbered.values(), 2)):
        yield _Person(group)
        return
    asked = filled(_TWO_OF_ONE, count=len(numbered), name=group[0].named.name)
    # Whose name is written as it is on the roster: others can change theirs so that it only looks like that.
    written = [one for one in numbered.values() if any(roster.writes(claim.named) for claim in one)]
    for one in numbered.values():
        yield _Person(one, None if [one] == written else asked)
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


def _nearest(group: Sequence[Claim], works: Mapping[Claim, Works]) -> list[Claim]:
    """The claims that no other one stands before: a zip says nothing of somebody whose own work lies beside it.

    Who has no notebook in a place stands before nothing there.
    """
    standing = [claim for claim in group if any(digest for _, digest in works[claim])] or group
    least = min(claim.distance for claim in standing)
    levels = {(claim.level, claim.exported) for claim in standing}
    return [
        claim
        for claim in group
        if claim.distance <= least
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
    nearest = _nearest(group, works)
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
    if one.chosen:
        return ids.of(_called_as_its_place(near[0]), apart=False), more
    if named.origin == "moodle":
        first, _, last = named.name.rpartition(" ")
        return ids.of(Student(named.number, last, first, "moodle"), apart=asked is not None), more
    if named.origin == "canvas":
        return ids.of(Student(named.number, named.name, "", "canvas"), apart=False), more
    level = [part for part in near[0].level if not is_a_lab(part)] if asked is not None else []
    return ids.of(Student("/".join([*level, named.name])), apart=False), more


def _called_as_its_place(claim: Claim) -> Student:
    """Who has handed in something that is kept apart: it is called as its file or zip."""
    return Student("/".join(claim.home))
