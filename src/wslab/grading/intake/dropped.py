"""What lies in the folder that an instructor drops: files, and files in zips, each read within bounds.

Nothing is ever unpacked onto the disk: a member of a zip is read into memory up to a limit, so that neither its name
nor its size reaches further than that.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from wslab.grading.intake.utf8 import known_as, whole
from wslab.grading.intake.whose import comes_from_an_export, is_zip
from wslab.language import Text, filled

BIGGEST = 100 << 20
"""Bytes that one notebook may have, its outputs included."""

BIGGEST_BESIDE = 4 << 20
"""Bytes that a file beside a notebook may have: a module, or data that it reads."""

ARCHIVES = (".rar", ".7z", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst")
"""How the names of archives end that are not looked into."""

NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)
"""Where zips begin to count; stands for a time that nobody knows."""

_MOST_MEMBERS = 200_000
_MOST_INFLATED = 512 << 20
_DEEPEST = 3
_DEEPEST_FOLDER = 40
_WANTED = (".ipynb", ".sqlite", "timestamp.txt", ".json")
_NO_DATA = (".pyc", ".pyo", ".tmp", ".bak", ".exe", ".dll", ".so")
_DRIVE = re.compile(r"[A-Za-z]:")
_LITTER = {"__MACOSX", ".ipynb_checkpoints", ".git", ".venv", "__pycache__", "node_modules"}

_TOO_BIG = Text(
    en="It is larger than {limit} MB, outputs included. Clear the outputs and hand it in again.",
    tr="Çıktılarıyla birlikte {limit} MB'tan büyük. Çıktıları temizleyip yeniden teslim edin.",
)
_LINK = Text(
    en="It is a symbolic link, and what it points to was not handed in.",
    tr="Bu bir sembolik bağlantı; gösterdiği dosya teslim edilmemiş.",
)
_OUTSIDE = Text(
    en="Its name in the zip leads out of the zip.",
    tr="Zip içindeki adı, zip'in dışına çıkıyor.",
)
_NO_ZIP = Text(
    en="It is no zip file, or a damaged one: {why}.",
    tr="Bu bir zip dosyası değil ya da bozuk: {why}.",
)
_LOCKED = Text(
    en="The zip is protected by a password.",
    tr="Zip parola ile korunuyor.",
)
_DAMAGED = Text(
    en="It can't be read from the zip, which may be damaged: {why}.",
    tr="Zip'ten okunamıyor, zip bozuk olabilir: {why}.",
)
_BOMB = Text(
    en="The zip holds more than is reasonable ({what}); the rest of it was not read.",
    tr="Zip'in içindekiler makul sınırı aşıyor ({what}); geri kalanı okunmadı.",
)
_MEMBERS = Text(en="more than {limit} files", tr="{limit} dosyadan fazla")
_INFLATED = Text(en="more than {limit} MB unpacked", tr="açılınca {limit} MB'tan fazla")
_NESTED = Text(en="zips in zips in zips", tr="iç içe zip'ler")
_UNREADABLE = Text(en="It can't be read: {why}.", tr="Okunamıyor: {why}.")


@dataclass(frozen=True, slots=True)
class Dropped:
    """One file.

    Attributes:
        place: what to call it: `"class.zip/ayse/L1-echo.ipynb"`.
        folders: the names of the folders and zips that it lies in, below what was dropped.
        name: its own name; empty for a folder, or a zip that can't be read, whose name is the last of `folders`.
        modified: when it was changed last.
        data: its bytes; empty where `fault` is set.
        fault: why it can't be used; None where it can.
        beside: whether it is no notebook, progress file or `timestamp.txt`, but may belong to a notebook beside it.
        unread: whether its bytes were not looked at: it is too large for a file beside a notebook, or of no use there.
        astray: whether its name in a zip leads out of the zip, and so says nothing of whose it is.
    """

    place: str
    folders: tuple[str, ...]
    name: str
    modified: datetime
    data: bytes = b""
    fault: Text | None = None
    beside: bool = False
    unread: bool = False
    astray: bool = False


def walk(top: Path, but: Path | None = None) -> Iterator[Dropped]:
    """Every file in a folder or a zip but what systems and tools leave behind, and every folder before what is in it.

    The order is always the same. What can't be read comes with its fault.

    Args:
        top: the folder, or one zip.
        but: a folder that is passed over.

    Raises:
        OSError: there is no such folder.
    """
    if top.is_file():
        yield from _zipped(top, known_as(top.name), (), 1, _changed(top))
        return
    if not top.is_dir():
        raise FileNotFoundError(top)
    waiting: list[tuple[Path, tuple[str, ...]]] = [(top, ())]
    while waiting:
        folder, inside = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            yield Dropped("/".join(inside), inside, "", NO_TIME, fault=filled(_UNREADABLE, why=_why(error)))
            continue
        if inside:
            yield Dropped("/".join(inside), inside, "", NO_TIME)
        below = []
        for entry in entries:
            name = known_as(entry.name)
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _LITTER and not (but and but.exists() and but.samefile(entry.path)):
                    below.append((Path(entry.path), (*inside, name)[:_DEEPEST_FOLDER]))
            elif not _left_behind(name, inside):
                yield from _file(Path(entry.path), inside)
        waiting += reversed(below)


def _file(path: Path, folders: tuple[str, ...]) -> Iterator[Dropped]:
    name = known_as(path.name)
    place = "/".join((*folders, name))
    modified = _changed(path)
    if path.is_symlink():
        linked = path.is_dir()
        yield Dropped(place, (*folders, name) if linked else folders, "" if linked else name, modified, fault=_LINK)
        return
    if is_zip(name):
        yield from _zipped(path, place, (*folders, name), 1, modified)
        return
    most = BIGGEST if may_be_a_notebook(name) else BIGGEST_BESIDE
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return
        data = b""
        if _may_belong_to_a_notebook(name):
            with path.open("rb") as file:
                data = file.read(most + 1)
    except (OSError, MemoryError) as error:
        yield Dropped(place, folders, name, modified, fault=filled(_UNREADABLE, why=_why(error)))
        return
    yield _bounded(place, folders, name, modified, data, most)


def _changed(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):  # it is gone, or claims a year that no calendar has
        return NO_TIME


def _why(error: Exception) -> str:
    return whole(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _bounded(place: str, folders: tuple[str, ...], name: str, modified: datetime, data: bytes, most: int) -> Dropped:
    if not may_be_a_notebook(name):
        unread = len(data) > most or not _may_belong_to_a_notebook(name)
        return Dropped(place, folders, name, modified, b"" if unread else data, beside=True, unread=unread)
    if len(data) > most:
        return Dropped(place, folders, name, modified, fault=filled(_TOO_BIG, limit=BIGGEST >> 20))
    return Dropped(place, folders, name, modified, data)


def may_be_a_notebook(name: str) -> bool:
    """Whether a file has the name of a notebook, also as other programs save one, or of a progress file."""
    return name.lower().endswith(_WANTED) or names_a_notebook(name)


def names_a_notebook(name: str) -> bool:
    """Whether a file is called a notebook, also where something stands behind the ending: `L1-echo.ipynb.txt`."""
    return ".ipynb" in name.lower() and not name.lower().endswith(ARCHIVES)


def _may_belong_to_a_notebook(name: str) -> bool:
    return not name.lower().endswith(_NO_DATA)


def _left_behind(name: str, folders: Sequence[str]) -> bool:
    """Whether a system or a tool has left a file behind, which says nothing of a submission."""
    hidden = name.startswith((".", "~")) or any(part.startswith(".") for part in folders)
    return name.lower() in ("thumbs.db", "desktop.ini") or (hidden and not name.lower().endswith(".sqlite"))


class _Budget:
    """What may still be inflated for one person of a zip: a bomb takes nothing from anybody else."""

    def __init__(self) -> None:
        self.left = _MOST_INFLATED


def _zipped(
    source: Path | IO[bytes],
    place: str,
    folders: tuple[str, ...],
    depth: int,
    modified: datetime,
    budget: _Budget | None = None,
) -> Iterator[Dropped]:
    budgets: dict[tuple[str, ...], _Budget] = {}
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            if len(members) > _MOST_MEMBERS:
                what = filled(_MEMBERS, limit=_MOST_MEMBERS)
                yield Dropped(place, folders, "", modified, fault=filled(_BOMB, what=what))
            elif folders:
                yield Dropped(place, folders, "", modified)
            for member in members[:_MOST_MEMBERS]:
                parts = _parts(member)
                litter = next((at for at, part in enumerate(parts) if part in _LITTER), None)
                if litter is not None and ".." not in parts:
                    yield from _home_of_what_is_left(place, folders, parts[:litter])
                elif parts and litter is None:
                    mine = budget or budgets.setdefault(_whose_budget(parts), _Budget())
                    yield from _member(archive, member, parts, place, folders, depth, mine)
    except Exception as error:  # `zipfile` lets many kinds through: struct's, seek()'s, codecs'
        yield Dropped(place, folders, "", modified, fault=filled(_NO_ZIP, why=_why(error)))


def _home_of_what_is_left(place: str, folders: tuple[str, ...], home: tuple[str, ...]) -> Iterator[Dropped]:
    """The folder of a zip in which a file lies that is no work: it may be somebody's all the same."""
    if home:
        yield Dropped("/".join((place, *home)), (*folders, *home)[:_DEEPEST_FOLDER], "", NO_TIME)


def _whose_budget(parts: tuple[str, ...]) -> tuple[str, ...]:
    exported = next((part for part in parts if comes_from_an_export(part)), None)
    return parts[:2] if exported is None else (exported.partition("_assignsubmission_")[0],)


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    name = member.filename
    if not member.flag_bits & 0x800:
        # Zips without the UTF-8 flag: many programs write UTF-8 all the same, and `zipfile` takes it for cp437.
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = member.filename
    return tuple(
        unicodedata.normalize("NFC", part) for part in name.replace("\\", "/").split("/") if part not in ("", ".")
    )


def _member(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    parts: tuple[str, ...],
    place: str,
    folders: tuple[str, ...],
    depth: int,
    budget: _Budget,
) -> Iterator[Dropped]:
    name = parts[-1]
    inside = (*folders, *parts[:-1])[:_DEEPEST_FOLDER]
    where = "/".join((place, *parts))
    modified = _time_of(member)
    fault = _fault_of(member, parts, budget)
    if fault is _OUTSIDE:
        yield Dropped(where, folders, name, modified, fault=fault, astray=True)
        return
    if member.is_dir():
        yield Dropped(where, (*inside, name)[:_DEEPEST_FOLDER], "", modified)
        return
    packed = is_zip(name)
    if packed and fault is None and depth >= _DEEPEST:
        fault = filled(_BOMB, what=_NESTED)
    if packed and fault is not None:
        yield Dropped(where, (*inside, name), "", modified, fault=fault)
        return
    if not packed and _left_behind(name, parts[:-1]):
        seen = itertools.takewhile(lambda part: not part.startswith("."), parts[:-1])
        yield from _home_of_what_is_left(place, folders, tuple(seen))
        return
    if fault is not None:
        yield Dropped(where, inside, name, modified, fault=fault)
        return
    most = BIGGEST if packed or may_be_a_notebook(name) else BIGGEST_BESIDE
    data = b""
    if most == BIGGEST or (_may_belong_to_a_notebook(name) and member.file_size <= BIGGEST_BESIDE):
        try:
            with archive.open(member) as file:
                # What the directory of the zip says of a size is a claim; what is read is counted.
                data = file.read(min(most, budget.left) + 1)
        except Exception as error:  # each compression has its own kind for what is damaged, and some are bare ones
            at, called = ((*inside, name), "") if packed else (inside, name)
            yield Dropped(where, at, called, modified, fault=filled(_DAMAGED, why=_why(error)))
            return
        budget.left -= len(data)
    elif member.file_size > BIGGEST_BESIDE or not _may_belong_to_a_notebook(name):
        yield Dropped(where, inside, name, modified, beside=True, unread=True)
        return
    if packed and len(data) <= BIGGEST:
        yield from _zipped(io.BytesIO(data), where, (*inside, name), depth + 1, modified, budget)
    elif packed:
        yield Dropped(where, (*inside, name), "", modified, fault=filled(_TOO_BIG, limit=BIGGEST >> 20))
    else:
        yield _bounded(where, inside, name, modified, data, most)


def _fault_of(member: zipfile.ZipInfo, parts: tuple[str, ...], budget: _Budget) -> Text | None:
    drive = _DRIVE.match(parts[0]) or member.filename.startswith(("/", "\\"))
    if drive or ".." in parts or ".." in PurePosixPath(member.filename).parts:
        return _OUTSIDE
    if stat.S_ISLNK(member.external_attr >> 16):
        return _LINK
    if member.flag_bits & 0x1:
        return _LOCKED
    if budget.left <= 0 and not member.is_dir():
        return filled(_BOMB, what=filled(_INFLATED, limit=_MOST_INFLATED >> 20))
    return None


def _time_of(member: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*member.date_time, tzinfo=UTC)
    except ValueError:  # zips may claim the 0th of a month
        return NO_TIME
