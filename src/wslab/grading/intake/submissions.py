"""What an instructor drops, sorted out: one notebook a student and lab, and a reason for everything that is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from wslab.grading.intake.dropped import Dropped, walk
from wslab.grading.intake.opening import Notebook, Unreadable, opened
from wslab.grading.intake.utf8 import known_as
from wslab.grading.intake.whose import Student, is_a_lab, lab_in, own_name, whose
from wslab.grading.plain import plain
from wslab.labs.catalogue import labs
from wslab.language import Text, filled

_NOBODY = Text(
    en="Nothing says whose it is. Put it into a folder that has the student's name.",
    tr="Kime ait olduğu belli değil. Öğrencinin adını taşıyan bir klasöre koyun.",
)
_NOTHING = Text(en="Nothing was handed in: the folder holds no notebook.", tr="Teslim yok: klasörde not defteri yok.")
_SEVERAL = Text(
    en="{count} notebooks of {lab} were handed in. Graded was the newest, {graded}, and not {others}.",
    tr="{lab} için {count} not defteri teslim edilmiş. En yenisi ({graded}) puanlandı; şunlar puanlanmadı: {others}.",
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
    tr="Kitin kendisi bunda hata verdi ({error}); puanlanmadı. Ötekiler bundan etkilenmedi; bunu elle değerlendirin.",
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
        timestamp: when, in UTC, as `2026-11-24 09:30:00`: what nbgrader wrote beside it, else the file's own time.
        remarks: what there is to say about the file.
        files: what lay beside the notebook and below, by its path from there: `("chat.py", b"…")`.
    """

    student: Student
    notebook: Notebook
    place: str
    timestamp: str
    remarks: tuple[Text, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()

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
    """

    student: Student | None
    lab: str
    place: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Intake:
    """Everything that was dropped.

    Attributes:
        handed: what can be graded, by student and lab.
        problems: what can't.
        progress: by student, the bytes of the progress file that was handed in beside the labs.
    """

    handed: tuple[Handed, ...]
    problems: tuple[Problem, ...]
    progress: Mapping[str, bytes]


def take_in(top: Path) -> Intake:
    """Sort out a folder of submissions, or a zip of one.

    Args:
        top: `<student>/L1-….ipynb`, nbgrader's `submitted/<student>/<lab>/<lab>.ipynb`, what Moodle or Canvas export,
            a zip of any of these, zips among them; any number of labs.

    Raises:
        OSError: there is no such folder.
    """
    found: list[tuple[datetime, Handed]] = []
    problems: list[Problem] = []
    progress: dict[str, tuple[datetime, bytes]] = {}
    stamps: dict[tuple[str, ...], str] = {}
    homes: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    beside: dict[str, list[Dropped]] = {}
    for file in walk(top):
        student = whose(file.folders, file.name)
        if file.beside:
            if student is not None:
                beside.setdefault(student.id, []).append(file)
            continue
        seen.update(file.folders[:2])
        if file.name.lower() == "timestamp.txt":
            stamp = _STAMP.match(file.data.decode("utf-8", "replace").strip())
            stamps |= {file.folders: stamp[0].replace("T", " ")} if stamp else {}
        elif file.name.lower().endswith(".sqlite"):
            if student is not None and file.fault is None and file.modified >= progress.get(student.id, _NEVER)[0]:
                progress[student.id] = (file.modified, file.data)
        else:
            try:
                one = _sorted_out(file, student)
            except Exception as error:  # whatever one submission does to the kit, a class is waiting
                one = Problem(student, "", file.place, stumbled(error))
            if isinstance(one, Problem):
                problems.append(one)
            else:
                found.append((file.modified, one))
                homes[one.place] = file.folders
    stamped = [(when, _stamped(one, when, stamps.get(homes[one.place]))) for when, one in found]
    problems += [Problem(Student(name), "", name, _NOTHING) for name in _empty_folders(top, seen)]
    return Intake(
        tuple(
            _with_files(one, homes[one.place], beside[one.student.id]) if one.student.id in beside else one
            for one in _newest(stamped)
        ),
        tuple(sorted(problems, key=lambda one: (one.student.id if one.student else "", one.place))),
        {student: data for student, (_, data) in sorted(progress.items())},
    )


def stumbled(error: Exception) -> Text:
    """The reason why a submission can't be graded that the kit was not ready for."""
    return filled(_STUMBLED, error=plain(f"{type(error).__name__}: {error}", 200))


_NEVER = (datetime.fromisoformat("0001-01-01T00:00:00+00:00"), b"")


def _sorted_out(file: Dropped, student: Student | None) -> Handed | Problem:
    named = lab_in(file.name) or next((lab_in(folder) for folder in reversed(file.folders) if lab_in(folder)), "")
    named = named if named in labs() else ""
    try:
        if file.fault is not None:
            raise Unreadable(file.fault)
        notebook = opened(file.data)
    except Unreadable as error:
        return Problem(student, named, file.place, error.reason)
    number = notebook.lab.number
    if student is None:
        return Problem(None, number, file.place, _NOBODY)
    remarks = list(notebook.remarks)
    if named and named != number:
        remarks.append(filled(_OTHER_NAME, named=named, lab=number))
    if student.late:
        remarks.append(_LATE)
    return Handed(student, notebook, file.place, "", tuple(remarks))


def _stamped(one: Handed, modified: datetime, stamp: str | None) -> Handed:
    return replace(one, timestamp=stamp or f"{modified:%Y-%m-%d %H:%M:%S}")


def _newest(found: Iterable[tuple[datetime, Handed]]) -> list[Handed]:
    by_lab: dict[tuple[str, str], list[tuple[str, datetime, list[object], Handed]]] = {}
    for when, one in found:
        entry = (one.timestamp, when, _natural(one.place), one)
        by_lab.setdefault((one.student.id, one.lab), []).append(entry)
    chosen = []
    for key in sorted(by_lab):
        *others, newest = [entry[-1] for entry in sorted(by_lab[key], key=lambda entry: entry[:3])]
        if others:
            told = filled(
                _SEVERAL,
                count=len(others) + 1,
                lab=newest.lab,
                graded=newest.place,
                others=", ".join(other.place for other in others),
            )
            newest = replace(newest, remarks=(*newest.remarks, told))
        chosen.append(newest)
    return chosen


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


def _empty_folders(top: Path, seen: Iterable[str]) -> list[str]:
    """The students' folders that hold nothing that anybody could grade."""
    if not top.is_dir():
        return []
    inner = top / "submitted"
    home = inner if inner.is_dir() else top
    folders = [path for path in sorted(home.iterdir()) if path.is_dir() and not path.name.startswith((".", "__"))]
    names = [known_as(path.name) for path in folders]
    return [name for name in names if name not in set(seen) and not is_a_lab(name)]
