"""What an instructor drops, sorted out: one notebook a student and lab, and a reason for everything that is none."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from wslab.errors import LabError
from wslab.grading.intake.dropped import (
    ARCHIVES,
    BIGGEST_BESIDE,
    NO_TIME,
    Dropped,
    may_be_a_notebook,
    names_a_notebook,
    walk,
)
from wslab.grading.intake.opening import Notebook, Unreadable, opened
from wslab.grading.intake.owners import Claim, Leaf, owners
from wslab.grading.intake.people import Before, People, Works, people
from wslab.grading.intake.roster import Roster
from wslab.grading.intake.utf8 import known_as
from wslab.grading.intake.whose import (
    COLLECTED,
    Named,
    Student,
    folded,
    is_about,
    is_late,
    is_online,
    is_zip,
    lab_in,
    own_name,
    stem,
)
from wslab.grading.plain import plain
from wslab.labs.catalogue import labs
from wslab.language import LANGUAGES, Filled, Text, filled

MOST_PEOPLE = 2_000
"""People that one zip may hold work of."""

_NOBODY = Text(
    en="Nothing says whose it is. Put it into a folder that has the student's name.",
    tr="Kime ait olduğu belli değil. Öğrencinin adını taşıyan bir klasöre koyun.",
)
_NOTHING = Text(
    en="Nothing was handed in: the folder is empty, or holds only hidden files.",
    tr="Teslim yok: klasör boş ya da içinde yalnızca gizli dosyalar var.",
)
_NO_NOTEBOOK = Text(
    en="No notebook was handed in, but {files}. What is graded is the lab's file, which ends in .ipynb.",
    tr="Not defteri teslim edilmemiş; teslim edilen: {files}. Puanlanan, alıştırmanın .ipynb ile biten dosyasıdır.",
)
_ONLINE_TEXT = Text(en="a text written online", tr="çevrimiçi yazılmış bir metin")
_ARCHIVE = Text(
    en="{files} can't be looked into here. Unpack it into the student's folder, or ask for a zip.",
    tr="{files} burada açılamıyor. Öğrencinin klasörüne açın ya da zip isteyin.",
)
_CALLED = Text(
    en="It is called {name}; what is in it is a notebook, and was graded.",
    tr="Adı {name}, ama içindeki bir not defteri; puanlandı.",
)
_OTHERS = Text(
    en="In it stand the names of others ({names}). All of it counts as {owner}'s and nothing as theirs.",
    tr="İçinde başkalarının adları var ({names}). Hepsi {owner} adına sayıldı, onlar adına hiçbir şey sayılmadı.",
)
_FURTHER_IN = Text(
    en="It bears the name of {name}, whose own work lies further out; it was not graded for anybody.",
    tr="{name} adını taşıyor, ama onun kendi teslimi daha dışta; kimse adına puanlanmadı.",
)
_MISSING = Text(en="On the roster, and nothing was handed in.", tr="Sınıf listesinde var, ama teslim yok.")
_IN_DOUBT = Text(
    en="On the roster. Somebody who handed in may be this person and was not taken for them: see the questions.",
    tr="Sınıf listesinde var. Teslim edenlerden biri bu kişi olabilir, ama öyle sayılmadı: sorulara bakın.",
)
_TOO_MANY_PEOPLE = Text(
    en="{path} holds work of {count} people, more than {most}. If that is right, allow it with --most {count}.",
    tr="{path} içinde {count} kişinin teslimi var, sınır {most}. Doğruysa --most {count} ile izin verin.",
)
_NOTHING_TO_TRUST = Text(
    en="--trust {pattern} names no zip and no file that was handed in. There is: {names}.",
    tr="--trust {pattern} teslim edilen hiçbir zip'i ya da dosyayı göstermiyor. Teslim edilenler: {names}.",
)
_OTHER_NAME = Text(
    en="Its name says {named}, but it is {lab}.",
    tr="Adında {named} yazıyor, ama içindeki {lab}.",
)
_TOO_MUCH_BESIDE = Text(
    en="More than {count} files or {size} MB lie beside the notebook; from `{path}` on they were left out.",
    tr="Not defterinin yanında {count} dosyadan ya da {size} MB'tan fazlası var; `{path}` ve sonrası alınmadı.",
)
_LATE = Text(en="Canvas marked it as late.", tr="Canvas bunu geç teslim olarak işaretlemiş.")
_STUMBLED = Text(
    en="The kit itself stumbled over this ({error}); it was not graded. The others are not affected; judge this one by "
    "hand.",
    tr="Kitin kendisi bunda hata verdi ({error}); puanlanmadı. Diğerleri bundan etkilenmedi. Bunu elle değerlendirin.",
)
_MOST_FILES, _MOST_BESIDE = 100, 16 << 20
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Handed:
    """One lab that one student handed in.

    Attributes:
        student: whose it is.
        notebook: what was handed in.
        place: where it was.
        timestamp: when, in UTC, as `2026-11-24 09:30:00`: what nbgrader wrote beside it, else the time of the file, or
            of the student's zip that it lies in: what is written in a zip is the student's own.
        remarks: what there is to say about the file.
        files: what lay beside the notebook and below, by its path from there: `("chat.py", b"…")`.
        exported: what an export called the student's folder or file; empty where none did.
        digest: of the notebook's bytes.
    """

    student: Student
    notebook: Notebook
    place: str
    timestamp: str
    remarks: tuple[Text, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    exported: str = ""
    digest: str = ""

    @property
    def lab(self) -> str:
        """The number of its lab: `"L1"`."""
        return self.notebook.lab.number


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be graded.

    Attributes:
        student: whose it is; None where nobody knows.
        lab: the number of the lab that it may be; empty where nobody knows.
        place: where it was.
        reason: why it cannot be graded.
        absent: whether this is somebody on the roster who is not in the drop.
        exported: what an export called the student's folder or file; empty where none did.
    """

    student: Student | None
    lab: str
    place: str
    reason: Text
    absent: bool = False
    exported: str = ""


@dataclass(frozen=True, slots=True)
class Intake:
    """Everything that was dropped.

    Attributes:
        handed: what can be graded: of each student and lab the newest.
        problems: what can't.
        progress: by student, the bytes of the progress file that was handed in beside the labs.
        older: by student and lab, what was handed in earlier, the newest first.
        questions: by student, what the instructor is asked.
    """

    handed: tuple[Handed, ...]
    problems: tuple[Problem, ...]
    progress: Mapping[str, bytes]
    older: Mapping[tuple[str, str], tuple[Handed, ...]] = field(default_factory=dict)
    questions: Mapping[str, tuple[Text, ...]] = field(default_factory=dict)

    @property
    def students(self) -> tuple[Student, ...]:
        """Everybody in the drop or on the roster, by id."""
        everybody = [one.student for one in self.handed] + [one.student for one in self.problems if one.student]
        return tuple({one.id: one for one in sorted(everybody)}.values())


def take_in(
    top: Path,
    *,
    roster: Roster | None = None,
    most: int = MOST_PEOPLE,
    earlier: Sequence[Before] = (),
    trust: Sequence[str] = (),
    but: Path | None = None,
) -> Intake:
    """Sort out a folder of submissions, or a zip of one.

    Args:
        top: `<student>/L1-….ipynb`, nbgrader's `submitted/<student>/<lab>/<lab>.ipynb`, what Moodle or Canvas export,
            a zip of any of these, zips among them; any number of labs.
        roster: the class list, if there is one.
        most: how many people one zip may hold work of.
        earlier: what earlier drops brought.
        trust: zips and files, also with `*` and `?`, that are what their name says.
        but: a folder that is passed over, though it lies in the drop: that of the results.

    Raises:
        OSError: there is no such folder.
        LabError: one zip holds work of too many people, or what is to be trusted is not there.
    """
    things = [_looked_at(file) for file in walk(top, but)]
    met = {folded(name) for one in earlier for name in (one.student.id, one.student.name)}
    places = [one.place for one in earlier]
    owned = owners(
        [_leaf(one) for one in things],
        roster.knows if roster is not None else lambda name: False,
        lambda name: folded(name) in met,
        lambda folders: any(place.startswith("/".join((*folders, ""))) for place in places),
        stem(known_as(top.name)) if top.is_file() else "",
    )
    claims = list(owned.claims)
    if top.is_file() and not any(claims) and any(one.is_notebook for one in things):
        # One student's zip, which was given by itself.
        own = Claim(Named("", "", stem(known_as(top.name))), (), (), 0)
        claims = [own] * len(things)
    _hold_to(most, top, claims)
    if trust:
        claims = _trusted(claims, trust)
    works: dict[Claim, Works] = {}
    since: dict[Claim, datetime] = {}
    zips = {one.file.folders: one.file.modified for one in things if not one.file.name}
    for thing, claim in zip(things, claims, strict=True):
        if claim is not None:
            works[claim] = works.get(claim, frozenset()) | ({(thing.lab, thing.digest)} if thing.lab else set())
            if thing.is_notebook and not claim.given:
                outer = claim.item.split("/")
                changed = zips.get(tuple(outer), thing.file.modified) if is_zip(outer[-1]) else thing.file.modified
                since[claim] = min(changed, since.get(claim, changed))
    whose = people(works, roster, earlier, since=since, packed=top.is_file())
    met_ids = {one.student.id for one in earlier}
    return _Sorting(top.resolve().name, whose, owned.others, roster, works, met_ids).sorted_out(things, claims)


def _trusted(claims: Sequence[Claim | None], patterns: Sequence[str]) -> list[Claim | None]:
    """The same claims; those in what the instructor trusts are marked so."""
    wanted = set(patterns)

    def is_meant(home: tuple[str, ...], pattern: str) -> bool:
        places = ("/".join(home[:upto]) for upto in range(1, len(home) + 1))
        return any(place == pattern or fnmatch.fnmatchcase(place, pattern) for place in places)

    found: dict[Claim, Claim] = {}
    for claim in {claim for claim in claims if claim is not None}:
        meant = {pattern for pattern in patterns if is_meant(claim.home, pattern)}
        wanted -= meant
        found[claim] = replace(claim, trusted=bool(meant))
    for pattern in patterns:
        if pattern in wanted:
            items = sorted({claim.item for claim in found if not claim.given})
            names = ", ".join(items[:40]) + (", …" if len(items) > 40 else "")
            raise LabError(_NOTHING_TO_TRUST, pattern=pattern, names=names or "–")
    return [None if claim is None else found[claim] for claim in claims]


@dataclass(slots=True)
class _Thing:
    """One file or folder, what is in it, and a digest of what was."""

    file: Dropped
    notebook: Notebook | None = None
    reason: Text | None = None
    named: str = ""
    disguised: bool = False
    digest: str = ""

    @property
    def lab(self) -> str:
        return self.notebook.lab.number if self.notebook is not None else self.named if self.reason else ""

    @property
    def is_notebook(self) -> bool:
        return self.notebook is not None or self.reason is not None


def _leaf(thing: _Thing) -> Leaf:
    """Where something lies. A name that leads out of a zip says nothing of what the zip is."""
    file = thing.file
    return Leaf(file.folders, "") if file.astray else Leaf(file.folders, file.name, thing.lab, thing.is_notebook)


def _looked_at(file: Dropped) -> _Thing:
    """What is in a file; its bytes are let go where it is a notebook."""
    lower = file.name.lower()
    named = lab_in(file.name) or next((lab_in(folder) for folder in reversed(file.folders) if lab_in(folder)), "")
    thing = _Thing(file, named=named if named in labs() else "")
    if file.fault is not None:
        if file.name and not may_be_a_notebook(file.name):
            thing.file = replace(file, beside=True, unread=True)
        else:
            thing.reason = file.fault
        return thing
    if not file.name or lower == "timestamp.txt" or lower.endswith(".sqlite") or file.unread:
        return thing
    ends_so = lower.endswith(".ipynb")
    thing.disguised = not ends_so
    if not ends_so and not _looks_like_a_notebook(file.data):
        if names_a_notebook(file.name):
            thing.reason = _reason_of(file.data)
        else:
            thing.file = replace(file, beside=True, unread=len(file.data) > BIGGEST_BESIDE)
        return thing
    try:
        thing.notebook = opened(file.data)
    except Unreadable as error:
        if not ends_so and not names_a_notebook(file.name):
            thing.file = replace(file, beside=True, unread=len(file.data) > BIGGEST_BESIDE)
            return thing
        thing.reason = error.reason
        if error.foreign and len(file.data) <= BIGGEST_BESIDE:
            thing.file = replace(file, beside=True)
            return thing
    except Exception as error:  # one submission must not end the run of a class
        thing.reason = stumbled(error)
    thing.digest = hashlib.sha256(file.data).hexdigest()
    thing.file = replace(file, data=b"", beside=False)
    return thing


def _looks_like_a_notebook(data: bytes) -> bool:
    bare = data.replace(b"\0", b"") if b"\0" in data[:4] or data[:2] in (b"\xff\xfe", b"\xfe\xff") else data
    start = bare[:64].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start.startswith(b"{") and (b'"cells"' in bare or b'"worksheets"' in bare)


def _reason_of(data: bytes) -> Text | None:
    try:
        opened(data)
    except Unreadable as error:
        return error.reason
    return None


def _hold_to(most: int, top: Path, claims: Sequence[Claim | None]) -> None:
    """Stop where one zip holds work of more people than a class has: a mistake, or somebody's joke."""
    found: dict[str, set[tuple[str, str, str]]] = {}
    for claim in {claim for claim in claims if claim is not None}:
        outer = next((part for part in claim.level if is_zip(part)), None)
        if outer is not None or top.is_file():
            found.setdefault(outer or top.name, set()).add(claim.named.key)
    for path, names in found.items():
        if len(names) > most:
            raise LabError(_TOO_MANY_PEOPLE, path=path, count=len(names), most=most)


class _Sorting:
    """Puts what was found to the people whose it is."""

    def __init__(
        self,
        top: str,
        whose: People,
        others: Mapping[tuple[str, ...], tuple[str, ...]],
        roster: Roster | None,
        works: Mapping[Claim, Works],
        met: Collection[str],
    ) -> None:
        self.top = top
        self.whose = whose
        self.others = others
        self.roster = roster
        self.works = works
        self.busy = set(met) | {one.id for claim, one in whose.students.items() if one is not None and works[claim]}
        self.found: list[tuple[datetime, Handed, Claim, tuple[str, ...], bool]] = []
        self.problems: list[Problem] = []
        self.progress: dict[str, tuple[tuple[bool, bool, datetime], bytes]] = {}
        self.stamps: dict[tuple[str, ...], str] = {}
        self.packed: dict[tuple[str, ...], datetime] = {}
        self.beside: dict[str, list[Dropped]] = {}
        self.homes: dict[str, list[tuple[Student, Claim]]] = {}

    def sorted_out(self, things: Sequence[_Thing], claims: Sequence[Claim | None]) -> Intake:
        told: set[Claim] = set()
        for thing, claim in zip(things, claims, strict=True):
            if claim is None:
                if thing.is_notebook:
                    self.problems.append(Problem(None, thing.lab, thing.file.place, thing.reason or _NOBODY))
                continue
            student = self.whose.students[claim]
            if student is None:
                if claim not in told:
                    reason = filled(_FURTHER_IN, name=claim.named.name)
                    self.problems.append(Problem(None, "", "/".join(claim.home), reason))
                    told.add(claim)
                continue
            homes = self.homes.setdefault(student.id, [])
            if claim not in told:
                homes.append((student, claim))
                told.add(claim)
            self._put(thing, student, claim)
        return self._intake()

    def _put(self, thing: _Thing, student: Student, claim: Claim) -> None:
        file = thing.file
        lower = file.name.lower()
        if not file.name and is_zip(file.folders[-1]) and file.modified != NO_TIME:
            self.packed[file.folders] = file.modified
        if thing.notebook is not None:
            remarks = list(thing.notebook.remarks)
            if thing.disguised:
                remarks.append(filled(_CALLED, name=own_name(file.name)))
            if thing.named and thing.named != thing.lab:
                remarks.append(filled(_OTHER_NAME, named=thing.named, lab=thing.lab))
            if any(is_late(part) for part in (*file.folders, file.name)):
                remarks.append(_LATE)
            own = range(len(claim.home), len(file.folders) + 1)
            packed = next((when for at in own if (when := self.packed.get(file.folders[:at]))), file.modified)
            time, name = f"{packed:%Y-%m-%d %H:%M:%S}", _exported(student, claim)
            one = Handed(student, thing.notebook, file.place, time, tuple(remarks), exported=name, digest=thing.digest)
            self.found.append((file.modified, one, claim, file.folders, thing.disguised))
        elif thing.reason is not None:
            name = _exported(student, claim)
            self.problems.append(Problem(student, thing.named, file.place, thing.reason, exported=name))
            if file.beside and file.name:
                self.beside.setdefault(student.id, []).append(file)
        elif lower == "timestamp.txt" and not file.unread:
            if (self.top, *claim.level)[-1].casefold() != COLLECTED or len(file.folders) > len(claim.home) + 1:
                return  # it is a student's own and says what they like
            stamp = _STAMP.match(file.data.decode("utf-8", "replace").strip())
            self.stamps |= {file.folders: stamp[0].replace("T", " ")} if stamp else {}
        elif lower.endswith(".sqlite"):
            # A zip that anybody can have made brings none for somebody whose notebooks lie elsewhere.
            rank = (claim.given, bool(self.works[claim]), file.modified)
            alone = student.id in self.busy and not any(rank[:2])
            if not alone and rank >= self.progress.get(student.id, (rank, b""))[0]:
                self.progress[student.id] = (rank, file.data)
        elif file.name and not is_about(file.name):
            self.beside.setdefault(student.id, []).append(file)

    def _intake(self) -> Intake:
        # A notebook under another name counts only where there is none under its own.
        plain_ones = {(one.student.id, one.lab) for _, one, *_, disguised in self.found if not disguised}
        folders = {one.place: home for _, one, _, home, _ in self.found}
        stamped = [
            (when, replace(one, timestamp=self.stamps.get(home, one.timestamp)), claim)
            for when, one, claim, home, disguised in self.found
            if not disguised or (one.student.id, one.lab) not in plain_ones
        ]
        handed, older = _newest(stamped)
        busy = {one.student.id for one in handed} | {one.student.id for one in self.problems if one.student}
        for id, homes in self.homes.items():
            student, claim = homes[0]
            if id not in busy:
                place, name = "/".join(claim.home), _exported(student, claim)
                self.problems.append(Problem(student, self._lab_of(claim, id), place, self._nothing(id), exported=name))
        busy |= set(self.homes)
        if self.roster is not None:
            self.problems += [
                Problem(person.student, "", "", self._absence(person.student.id), absent=True)
                for person in self.roster.people
                if person.student.id not in busy
            ]
        return Intake(
            tuple(self._finished(one, folders) for one in handed),
            tuple(sorted(self.problems, key=lambda one: (one.student.id if one.student else "", one.place))),
            {student: data for student, (_, data) in sorted(self.progress.items())},
            {key: tuple(self._finished(one, folders) for one in ones) for key, ones in older.items()},
            self._questions(),
        )

    def _finished(self, one: Handed, folders: Mapping[str, tuple[str, ...]]) -> Handed:
        files = [file for file in self.beside.get(one.student.id, ()) if not file.unread]
        return _with_files(one, folders[one.place], files) if files else one

    def _absence(self, id: str) -> Text:
        return _IN_DOUBT if id in self.whose.in_doubt else _MISSING

    def _lab_of(self, claim: Claim, student: str) -> str:
        """Which lab was meant, by the names of the folders or of all that was handed in."""
        files = {lab_in(own_name(file.name)) for file in self.beside.get(student, ())}
        named = next((lab_in(part) for part in reversed(claim.home) if lab_in(part)), "")
        named = named or (files.pop() if len(files) == 1 else "")
        return named if named in labs() else ""

    def _nothing(self, student: str) -> Text:
        """Why somebody has no notebook: nothing came, or what came is none."""
        files = self.beside.get(student, [])
        if not files:
            return _NOTHING
        names = [_ONLINE_TEXT if _is_online(file) else own_name(file.name) for file in files]
        archives = [name for name in names if isinstance(name, str) and name.lower().endswith(ARCHIVES)]
        if archives:
            return filled(_ARCHIVE, files=", ".join(map(str, archives[:5])))
        shown = [*dict.fromkeys(names)][:5]
        listed = Filled(
            **{
                code: ", ".join(name if isinstance(name, str) else name.into(code) for name in shown)
                for code in LANGUAGES
            }
        )
        return filled(_NO_NOTEBOOK, files=listed)

    def _questions(self) -> dict[str, tuple[Text, ...]]:
        asked = {id: list(said) for id, said in self.whose.questions.items()}
        for id, homes in self.homes.items():
            for student, claim in homes:
                if claim.home in self.others:
                    names = ", ".join(plain(name, 80) for name in self.others[claim.home][:10])
                    asked.setdefault(id, []).append(filled(_OTHERS, names=names, owner=student.name))
        return {id: tuple(said) for id, said in asked.items()}


def stumbled(error: Exception) -> Text:
    """The reason why a submission can't be graded that the kit was not ready for."""
    return filled(_STUMBLED, error=plain(f"{type(error).__name__}: {error}", 200))


def _exported(student: Student, claim: Claim) -> str:
    """What an export called somebody; empty also for a name of which nobody knows whether an export gave it."""
    return claim.home[-1] if claim.exported and student.origin else ""


def _is_online(file: Dropped) -> bool:
    return any(map(is_online, (*file.folders, file.name)))


def _newest(
    found: Iterable[tuple[datetime, Handed, Claim]],
) -> tuple[list[Handed], dict[tuple[str, str], tuple[Handed, ...]]]:
    """Of each student and lab the newest, with a remark on the others; and those others.

    The same notebook once more, in a zip beside the folder, makes it no newer.
    """
    by_lab: dict[tuple[str, str], list[tuple[datetime, Handed, Claim]]] = {}
    for when, one, claim in found:
        by_lab.setdefault((one.student.id, one.lab), []).append((when, one, claim))
    chosen = []
    older = {}
    for key in sorted(by_lab):
        first: dict[str, tuple[object, ...]] = {}
        for _, one, claim in sorted(by_lab[key], key=lambda entry: (not entry[2].given, entry[1].timestamp)):
            first.setdefault(one.digest, _way(claim))
        ranked = sorted(
            by_lab[key],
            key=lambda entry: (
                first[entry[1].digest] == _way(entry[2]),
                entry[1].timestamp,
                entry[0],
                _natural(entry[1].place),
            ),
        )
        *others, newest = [one for _, one, _ in ranked]
        chosen.append(newest)
        if others:
            older[key] = tuple(reversed(others))
    return chosen, older


def _way(claim: Claim) -> tuple[object, ...]:
    """The way on which something came: in a folder, in a zip beside it, in an export."""
    return claim.given, claim.exported, claim.level if claim.loose or claim.exported else claim.home


def _with_files(one: Handed, home: tuple[str, ...], files: Iterable[Dropped]) -> Handed:
    """The same with the files of its student that lay beside the notebook or below, within bounds."""
    kept: dict[str, bytes] = {}
    left, remarks = _MOST_BESIDE, one.remarks
    for file in files:
        if file.folders[: len(home)] == home:
            path = "/".join((*file.folders[len(home) :], own_name(file.name)))
            if len(file.data) > left or len(kept) == _MOST_FILES:
                remarks = (*remarks, filled(_TOO_MUCH_BESIDE, path=path, count=_MOST_FILES, size=_MOST_BESIDE >> 20))
                break
            left -= len(file.data)
            kept[path] = file.data
    return replace(one, files=tuple(sorted(kept.items())), remarks=remarks)


def _natural(place: str) -> list[object]:
    """`L1-echo-10.ipynb` after `L1-echo-9.ipynb`, as exports number what was handed in again."""
    # By its length and then its digits: `int()` refuses a number of thousands of them, and a name may have one.
    return [
        (len(digits), digits) if (digits := part.lstrip("0")) and part.isdecimal() else (-1, part)
        for part in re.split(r"(\d+)", place)
    ]
