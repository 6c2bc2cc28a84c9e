"""What the names of folders and files say of whose work it is; what follows from it is in `owners`."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass

from wslab.labs.catalogue import labs
from wslab.language import Text

_MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_([a-z]+)([_.].*)?", re.DOTALL)
_INSIDE = re.compile(r"_\d+_assignsubmission_[a-z]+")
_CANVAS = re.compile(
    r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<id>\d{2,})_(?:\d{2,}_(?P<file>.+)|(?P<online>text|link)\.html)",
    re.IGNORECASE | re.DOTALL,
)
# The first `_attempt_` counts: behind it stands the file's own name, in which a student may write what they like.
_BLACKBOARD = re.compile(
    r"(?P<head>.+?_(?P<name>[^_]+))_attempt_\d{4}(?:-\d\d){5}(?:_(?P<file>.+)|(?P<about>\.txt))",
    re.IGNORECASE | re.DOTALL,
)
COLLECTED = "submitted"
"""The folder into which nbgrader collects."""
NOBODY = Text(en="(whose?)", tr="(kimin?)")
"""Stands for the name where nobody knows whose something is."""

_NOBODYS = frozenset(
    re.findall(
        r"\w+",
        """
        all archive arşiv assets assignment assignments attempt backup bak batch belgeler bölüm canvas class classes
        cohort collected copy course data deneme ders desktop docs documents dosya dosyalar download downloads draft
        dump dönem eski geç export exports fall files final folder group groups grup güz hafta handed home homework hw
        images img in indirilenler klasör kopya kurs lab labs late masaüstü moodle my new notebook notebooks old part
        proje project section sections semester solution son spring src students submission submissions submitted
        sürüm sınıf taslak temp term terms teslim teslimler tmp try untitled v version week weeks work yedek yeni
        alıştırma çalışma çalışmam çözüm ödev ödevler öğrenci öğrenciler şube
        """,
    )
)
"""Words that are nobody's name: a folder that is called by them alone is no person."""

_NUMBER = re.compile(r"\d{1,2}[a-z]?|(19|20)\d\d")
_COURSE_CODE = re.compile(r"[a-z]{2,5}\d{2,5}[a-z]?")


@dataclass(frozen=True, slots=True, order=True)
class Student:
    """Who handed something in, or is on the roster.

    Attributes:
        id: what gradebooks know them by; what tells them apart.
        last_name, first_name: as far as an export or the roster says them.
        origin: `"moodle"`, `"canvas"` or `"roster"`; empty where a folder's or a file's name is all there is.
        email, section: as the roster says them.
    """

    id: str
    last_name: str = ""
    first_name: str = ""
    origin: str = ""
    email: str = ""
    section: str = ""

    @property
    def name(self) -> str:
        """What to call them on a page."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.id


@dataclass(frozen=True, slots=True)
class Named:
    """A person as one name in a drop says it.

    Attributes:
        origin: `"moodle"`, `"canvas"`, or empty for the name of a folder, a zip or a file.
        number: Moodle's participant number (one for each assignment and person) or Canvas' user id; empty elsewhere.
        name: the name.
    """

    origin: str
    number: str
    name: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others: also a number counts only together with the name."""
        return (self.origin, self.number, folded(self.name) if self.origin else self.name)


@functools.cache
def _lab_in_a_name() -> re.Pattern[str]:
    """`L1-echo` or `L1` as a word of its own; what follows may be somebody's name."""
    names = "|".join(re.escape(lab.slug) for lab in labs().values())
    return re.compile(rf"(?<![a-z0-9])({names}|L\d+)(?![a-z0-9])", re.IGNORECASE)


def stem(name: str) -> str:
    """The name of a zip without its suffix; any other as it is."""
    return name[:-4] if is_zip(name) else name


def is_zip(name: str) -> bool:
    """Whether a name is that of a zip."""
    return name.lower().endswith(".zip")


def is_a_lab(name: str) -> bool:
    """Whether a folder's or zip's name is that of a lab: `L1`, `L1-echo`, `L1.zip`."""
    return _lab_in_a_name().fullmatch(stem(name)) is not None


def is_nobodys(name: str) -> bool:
    """Whether a folder or zip is called by words that name no person, alone or with a letter or a number: `section-a`.

    A number alone may be somebody's, unless it is as short as a week's or as a year's.
    """
    left = _lab_in_a_name().sub(" lab ", stem(name)).casefold()
    found = re.findall(r"\w+", left.replace("_", " "))
    words = [word for word in found if len(word) > 1 or word.isdecimal()]
    # `CS101-Echo-1234`, as Moodle calls an export: the course, the assignment, and the number of that.
    of_a_course = any(_COURSE_CODE.fullmatch(word) for word in words)
    return bool(words) and all(
        word.rstrip("0123456789") in _NOBODYS | _words_of_labs()
        or _NUMBER.fullmatch(word)
        or _COURSE_CODE.fullmatch(word)
        or (of_a_course and word.isdecimal() and len(word) < 7)
        for word in words
    )


@functools.cache
def _words_of_labs() -> frozenset[str]:
    return frozenset(word for lab in labs().values() for word in lab.slug.casefold().split("-"))


def is_a_number(name: str) -> bool:
    """Whether a folder or zip is called by a number alone."""
    return stem(name).strip().isdecimal()


def exported(name: str) -> Named | None:
    """Who a file, folder or zip is named after, as a learning platform names them in an export; None elsewhere.

    Moodle: `Full Name_123456_assignsubmission_file_`, as a folder or before a file's own name. Canvas:
    `lastfirst_LATE_12345_67890_L1-echo-1.ipynb`, and `lastfirst_12345_text.html` for what was written online.
    Blackboard: `L1_user_attempt_2026-11-20-10-00-00_L1-echo.ipynb`, and the same with `.txt` for what it says of it.
    """
    if (moodle := _moodle(name)) is not None:
        return Named("moodle", moodle["id"], moodle["name"].strip())
    if (canvas := _canvas(name)) is not None:
        return Named("canvas", canvas["id"], canvas["name"])
    if (blackboard := _BLACKBOARD.fullmatch(name)) is not None:
        return Named("", "", blackboard["name"])
    return None


def in_blackboard(name: str) -> tuple[str, ...]:
    """What stands before the time in a name of Blackboard's, at each `_`: the assignment, and then who handed it in.

    Both may have `_` in them, so one name alone does not say where the person's begins.
    """
    if _moodle(name) is not None or _canvas(name) is not None or (found := _BLACKBOARD.fullmatch(name)) is None:
        return ()
    return tuple(found["head"].split("_"))


def export_prefix(name: str) -> str:
    """What an export writes before a file's own name; feedback that has it goes back to the same person.

    Moodle (`Full Name_123456_assignsubmission_file_`) and Canvas (`lastfirst_LATE_12345_67890_`) go by its numbers.
    """
    moodle, canvas = _moodle(name), _canvas(name)
    if moodle is not None:
        return f"{moodle['name']}_{moodle['id']}_assignsubmission_{moodle[3]}_"
    return "" if canvas is None else name[: canvas.start("file" if canvas["file"] else "online")]


def is_late(name: str) -> bool:
    """Whether Canvas says in a file's name that it came late."""
    canvas = _canvas(name)
    return canvas is not None and bool(canvas["late"])


def comes_from_an_export(name: str) -> bool:
    """Whether a file or folder is named as a learning platform names them in an export."""
    return exported(name) is not None


def _moodle(name: str) -> re.Match[str] | None:
    """Moodle's naming; None also where it stands twice with two names.

    People may write what they like into their name and into a file's. Somebody's own earlier download is theirs again.
    """
    found = _MOODLE.fullmatch(name)
    if found is None:
        return None
    inner = _MOODLE.fullmatch((found[4] or "").removeprefix("_"))
    same = inner is None or folded(inner["name"]) == folded(found["name"])
    return found if same and not (inner is None and _INSIDE.search(found[4] or "")) else None


def _canvas(name: str) -> re.Match[str] | None:
    found = _CANVAS.fullmatch(name)
    return None if found is None or is_a_lab(found["name"]) else found


def in_a_file_name(name: str) -> Named | None:
    """Who a file's name speaks of beside the lab: `ayse-L1-echo.ipynb`; None where that is nobody."""
    bare = re.sub(r"(\.\w{1,6})+$", "", name)
    left = re.sub(r"[ _-]*\(\d+\)$", "", _lab_in_a_name().sub("", bare).strip(" _-.")).strip(" _-.")
    return None if not left or is_nobodys(left) else Named("", "", left)


def own_name(name: str) -> str:
    """What a student called a file, without what an export adds to the name: `chat.py`.

    Args:
        name: the file's name in the export.
    """
    moodle, canvas = _moodle(name), _canvas(name)
    if moodle is not None:
        return (moodle[4] or name).removeprefix("_")
    if canvas is not None:
        return re.sub(r"-\d+(?=\.\w+$)", "", canvas["file"] or name[canvas.start("online") :])
    blackboard = _BLACKBOARD.fullmatch(name)
    return name if blackboard is None else blackboard["file"] or blackboard["about"]


def is_online(name: str) -> bool:
    """Whether an export has written a file for a text or a link that somebody gave on a page."""
    canvas = _canvas(name)
    return "_assignsubmission_onlinetext" in name or (canvas is not None and bool(canvas["online"]))


def is_about(name: str) -> bool:
    """Whether an export has written a file about what somebody handed in."""
    blackboard = _BLACKBOARD.fullmatch(name)
    return blackboard is not None and blackboard["file"] is None


def lab_in(name: str) -> str:
    """The number of the lab that a file's name speaks of, `"L1"`; empty for none."""
    found = _lab_in_a_name().search(name)
    return found[0].partition("-")[0].upper() if found else ""


def words(name: str) -> tuple[str, ...]:
    """The words of a name, sorted, so that all its forms are one: order, case, accents, both Turkish i.

    A vowel sign of Devanagari or Thai is a letter and no accent. A name without a letter is a word as it stands.
    """
    text = unicodedata.normalize("NFKD", name.replace("ı", "i").replace("İ", "i")).casefold()
    text = "".join(sign for sign in text if not unicodedata.combining(sign))
    letters = "".join(sign if sign.isalnum() or unicodedata.category(sign) in ("Mc", "Mn") else " " for sign in text)
    return tuple(sorted(letters.split())) or tuple(text.split())


def folded(name: str) -> str:
    """The words of a name as one text."""
    return " ".join(words(name))
