"""What lies in the folder that an instructor drops: files, and files in zips, each read within bounds.

Nothing is ever unpacked onto the disk: a member of a zip is read into memory up to a limit, so that neither its name
nor its size reaches further than that.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from wslab.grading.intake.utf8 import known_as, whole
from wslab.grading.intake.whose import comes_from_an_export, is_a_lab
from wslab.language import Text, filled

BIGGEST = 100 << 20
"""Bytes that one notebook may have, its outputs included."""

BIGGEST_BESIDE = 4 << 20
"""Bytes that a file beside a notebook may have: a module, or data that it reads."""

_MOST_MEMBERS = 20_000
_MOST_INFLATED = 2 << 30
_DEEPEST = 3
_WANTED = (".ipynb", ".sqlite", "timestamp.txt")
_NO_DATA = (".pyc", ".pyo", ".tmp", ".bak", ".exe", ".dll", ".so")
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
_NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)  # where zips begin to count
_UNREADABLE = Text(en="It can't be read: {why}.", tr="Okunamıyor: {why}.")


@dataclass(frozen=True, slots=True)
class Dropped:
    """One file.

    Attributes:
        place: what to call it: `"class.zip/ayse/L1-echo.ipynb"`.
        folders: the names of the folders that it lies in, below the one that was dropped. A zip that is one
            person's counts as a folder.
        name: its own name.
        modified: when it was changed last.
        data: its bytes; empty where `fault` is set.
        fault: why it can't be used; None where it can.
        beside: whether it is no notebook, progress file or `timestamp.txt`, but may belong to a notebook beside it.
    """

    place: str
    folders: tuple[str, ...]
    name: str
    modified: datetime
    data: bytes = b""
    fault: Text | None = None
    beside: bool = False


def walk(top: Path) -> Iterator[Dropped]:
    """Every notebook, progress file and `timestamp.txt` in a folder or a zip, and whatever may lie beside a notebook.

    The order is always the same. A notebook or progress file that can't be read comes with its fault; another file that
    can't be read, or is larger than `BIGGEST_BESIDE`, does not come.

    Args:
        top: the folder, or one zip.

    Raises:
        OSError: there is no such folder.
    """
    if top.is_file():
        name = known_as(top.name)
        yield from _zipped(top, name, (), name, 1, given=True)
        return
    if not top.is_dir():
        raise FileNotFoundError(top)
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in _LITTER and not Path(folder, name).is_symlink())
        inside = tuple(known_as(part) for part in Path(folder).relative_to(top).parts)
        for name in sorted(files):
            yield from _file(Path(folder, name), inside)


def _file(path: Path, folders: tuple[str, ...]) -> Iterator[Dropped]:
    name = known_as(path.name)
    place = "/".join((*folders, name))
    is_zip = name.lower().endswith(".zip")
    modified = _changed(path)
    if not (is_zip or _wanted(name)):
        if _may_belong_to_a_notebook(name) and not path.is_symlink():
            with contextlib.suppress(OSError, MemoryError):
                if stat.S_ISREG(path.stat().st_mode):
                    with path.open("rb") as file:
                        yield from _beside(place, folders, name, modified, file)
        return
    if path.is_symlink():
        yield Dropped(place, folders, name, modified, fault=_LINK)
    elif is_zip:
        yield from _zipped(path, place, folders, name, 1)
    else:
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                return
            with path.open("rb") as file:
                data = file.read(BIGGEST + 1)
        except (OSError, MemoryError) as error:
            yield Dropped(place, folders, name, modified, fault=filled(_UNREADABLE, why=_why(error)))
            return
        yield _bounded(place, folders, name, modified, data)


def _changed(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):  # it is gone, or claims a year that no calendar has
        return _NO_TIME


def _why(error: Exception) -> str:
    return whole(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _bounded(place: str, folders: tuple[str, ...], name: str, modified: datetime, data: bytes) -> Dropped:
    if len(data) > BIGGEST:
        return Dropped(place, folders, name, modified, fault=filled(_TOO_BIG, limit=BIGGEST >> 20))
    return Dropped(place, folders, name, modified, data)


def _wanted(name: str) -> bool:
    return name.lower().endswith(_WANTED) and not name.startswith(".")


def _may_belong_to_a_notebook(name: str) -> bool:
    return not name.startswith((".", "~")) and not name.lower().endswith(_NO_DATA)


def _beside(
    place: str, folders: tuple[str, ...], name: str, modified: datetime, file: IO[bytes], most: int = BIGGEST_BESIDE
) -> Iterator[Dropped]:
    data = file.read(most + 1)
    if len(data) <= most:
        yield Dropped(place, folders, name, modified, data, beside=True)


class _Budget:
    """What may still be inflated of one zip that was dropped, those inside it included."""

    def __init__(self) -> None:
        self.left = _MOST_INFLATED


def _zipped(
    source: Path | IO[bytes],
    place: str,
    folders: tuple[str, ...],
    name: str,
    depth: int,
    budget: _Budget | None = None,
    *,
    given: bool = False,
) -> Iterator[Dropped]:
    budget = budget or _Budget()
    now = datetime.now(UTC)
    try:
        with zipfile.ZipFile(source) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            names = [_parts(member) for member in members]
            if not given and not _is_a_class(names):
                folders = (*folders, name[: -len(".zip")])
            if len(members) > _MOST_MEMBERS:
                what = filled(_MEMBERS, limit=_MOST_MEMBERS)
                yield Dropped(place, folders, name, now, fault=filled(_BOMB, what=what))
            for member, parts in list(zip(members, names, strict=True))[:_MOST_MEMBERS]:
                yield from _member(archive, member, parts, place, folders, depth, budget)
    except Exception as error:  # `zipfile` lets many kinds through: struct's, seek()'s, codecs'
        yield Dropped(place, folders, name, now, fault=filled(_NO_ZIP, why=_why(error)))


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


def _is_a_class(names: Sequence[tuple[str, ...]]) -> bool:
    """Whether a zip holds several people's work, so that its own name is nobody's."""
    names = [parts for parts in names if parts and not _LITTER & set(parts) and not parts[-1].startswith("._")]
    if any(comes_from_an_export(part) for parts in names for part in parts):
        return True
    while names and len({parts[0] for parts in names}) == 1 and all(len(parts) > 1 for parts in names):
        names = [parts[1:] for parts in names]
    tops = {
        parts[0]
        for parts in names
        if (parts[0].lower().endswith(".zip") if len(parts) == 1 else parts[-1].lower().endswith((".ipynb", ".zip")))
    }
    return len({top for top in tops if not is_a_lab(top)}) > 1


def _member(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    parts: tuple[str, ...],
    place: str,
    folders: tuple[str, ...],
    depth: int,
    budget: _Budget,
) -> Iterator[Dropped]:
    if not parts or _LITTER & set(parts):
        return
    name = parts[-1]
    inside = (*folders, *parts[:-1])
    where = "/".join((place, *parts))
    is_zip = name.lower().endswith(".zip")
    modified = _time_of(member)
    fault = None
    drive = ":" in parts[0] or member.filename.startswith(("/", "\\"))
    if drive or ".." in parts or ".." in PurePosixPath(member.filename).parts:
        fault = _OUTSIDE
    elif stat.S_ISLNK(member.external_attr >> 16):
        fault = _LINK
    elif member.flag_bits & 0x1:
        fault = _LOCKED
    elif is_zip and depth >= _DEEPEST:
        fault = filled(_BOMB, what=_NESTED)
    elif budget.left <= 0:
        fault = filled(_BOMB, what=filled(_INFLATED, limit=_MOST_INFLATED >> 20))
    if not (is_zip or _wanted(name)):
        if fault is None and _may_belong_to_a_notebook(name) and member.file_size <= BIGGEST_BESIDE:
            # Each compression has its own kind of exception for damaged data, and some are bare ones.
            with contextlib.suppress(Exception), archive.open(member) as file:
                for one in _beside(where, inside, name, modified, file, min(BIGGEST_BESIDE, budget.left)):
                    budget.left -= len(one.data)
                    yield one
        return
    if fault is not None:
        yield Dropped(where, tuple(part for part in inside if part != ".."), name, modified, fault=fault)
        return
    try:
        with archive.open(member) as file:
            # What the directory of the zip says of a size is a claim; what is read is counted.
            data = file.read(min(BIGGEST, budget.left) + 1)
    except Exception as error:  # each compression has its own kind for what is damaged, and some are bare exceptions
        yield Dropped(where, inside, name, modified, fault=filled(_DAMAGED, why=_why(error)))
        return
    budget.left -= len(data)
    if is_zip and len(data) <= BIGGEST:
        yield from _zipped(io.BytesIO(data), where, inside, name, depth + 1, budget)
    else:
        yield _bounded(where, inside, name, modified, data)


def _time_of(member: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*member.date_time, tzinfo=UTC)
    except ValueError:  # zips may claim the 0th of a month
        return _NO_TIME
