"""A course in somebody's folder: laid out there, and renewed without losing what was written in it.

The folder holds a manifest, `.wslab-course.json`, with the digests of each file as it was shipped. By them a file that
nobody touched is told from one that was only run and from one in which somebody wrote:

- untouched: the new file takes its place;
- only run: the new file takes its place if its cells differ from those of the old one, else its outputs stay;
- written in: the new file is laid beside it, as `L1-echo (new).ipynb`, if its cells differ from those of the old one.

Everything new is first written into a folder beside (a full disk changes nothing), then moved into place file by file,
and the manifest comes last. An update that was killed is repeated by the next one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from wslab.errors import LabError
from wslab.language import Text
from wslab.notebooks import RENDERED

MANIFEST = ".wslab-course.json"
RELEASED = "release"
"""The source of a course that an instructor has handed out by `wslab release`."""

LOCK = ".wslab-course.lock"
STAGING = ".wslab-new"
_NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_PATIENCE = 10.0
"""Seconds that a second update waits for the first."""
_TRIES = 10
"""How often a file is put in place that another program holds, 0.1 s apart: on Windows a virus scanner may."""

_FULL = Text(
    en="The disk that holds {folder} is full. No file there was left half-written; make room and try again.",
    tr="{folder} klasörünün diski dolu. Orada yarım kalan dosya yok. Yer açıp yeniden deneyin.",
)
_DENIED = Text(
    en="{folder} can't be written ({why}). Name a folder that can: wslab lab FOLDER",
    tr="{folder} klasörüne yazılamıyor ({why}). Yazılabilen bir klasör verin: wslab lab KLASÖR",
)
_BUSY = Text(
    en="Another wslab is renewing the course in {folder} right now. Wait until it is done and try again.",
    tr="Başka bir wslab şu anda {folder} klasöründeki kursu yeniliyor. Bitmesini bekleyip yeniden deneyin.",
)
_WRITTEN = Text(
    en="The course is in {folder}. Files: {count}.",
    tr="Kurs burada: {folder}. Dosya sayısı: {count}.",
)
_ADDED = Text(en="Added files: {count}.", tr="Eklenen dosya sayısı: {count}.")
_RENEWED = Text(
    en="Renewed files, in which you had written nothing: {count}.",
    tr="Yenilenen, içine bir şey yazmadığınız dosya sayısı: {count}.",
)
_BESIDE = Text(
    en="{path} is as you left it; its new version is beside it: {new}",
    tr="{path} bıraktığınız gibi duruyor. Yeni sürümü yanında: {new}",
)
_LEFT = Text(
    en="{path} is no longer part of the course; yours stays.",
    tr="{path} artık kursun parçası değil. Sizinki duruyor.",
)
_HELD = Text(
    en="{path} was not renewed, because another program holds it or is saving it. The next start tries again.",
    tr="{path} yenilenemedi, çünkü başka bir program onu tutuyor ya da kaydediyor. Sonraki açılışta yeniden denenecek.",
)
_NEWER = Text(
    en="The course in {folder} is of wslab {theirs}, and this is wslab {ours}: it stays as it is. To update wslab: "
    "pip install --upgrade wslab (or uvx wslab@latest lab, pipx upgrade wslab)",
    tr="{folder} klasöründeki kurs wslab {theirs} sürümünün, bu ise wslab {ours}: kursa dokunulmadı. wslab'i "
    "güncellemek için: pip install --upgrade wslab (ya da uvx wslab@latest lab, pipx upgrade wslab)",
)


class UpdateError(LabError):
    """The course can't be laid out or renewed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """What is kept of a file as it was shipped.

    Attributes:
        file: the digest of its bytes.
        text: of a notebook, the digest of what stands in its cells; else that of its bytes.
        lesson: as `text`, without the cells that are rendered from front matter (title, summary, next).
    """

    file: str
    text: str
    lesson: str

    @classmethod
    def of(cls, path: str, content: bytes) -> Self:
        """What is to be kept of a file.

        Args:
            path: its path; `.ipynb` makes it a notebook.
            content: its bytes.
        """
        whole = _digest(content)
        cells = _cells(content) if path.endswith(".ipynb") else None
        if cells is None:
            return cls(whole, whole, whole)
        lesson = [text for name, *text in cells if name not in RENDERED]
        return cls(whole, _digest_of([text for _, *text in cells]), _digest_of(lesson))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]


def _digest_of(value: Any) -> str:
    return _digest(json.dumps(value, ensure_ascii=True).encode())


def _cells(content: bytes) -> list[tuple[str, str, str]] | None:
    """The id, kind and source of each cell in which something stands; None where this is no notebook."""
    try:
        found = json.loads(content)["cells"]
        cells = [(str(cell.get("id", "")), str(cell["cell_type"]), "".join(cell["source"])) for cell in found]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return [cell for cell in cells if cell[2].strip()]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder's course is.

    Attributes:
        source: who laid it out: `"wslab"` for the package's own course, else what `update()` was told.
        version: the version of what was laid out last.
        files: what is kept of each file, by its path from the folder, with `/`.
    """

    source: str
    version: str
    files: Mapping[str, Shipped] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The manifest's file."""
        return (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode()


def leads_inside(path: str) -> bool:
    """Whether a path that somebody else wrote stays below its folder on every system: no `..`, no drive, no root."""
    parts = path.split("/")
    return not ("\\" in path or ":" in path or "\0" in path or any(part in ("", ".", "..") for part in parts))


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; None where there is none, or it is damaged or names something outside the folder."""
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        files = {
            path: Shipped(kept["file"], kept["text"], kept["lesson"])  # a later version may keep more
            for path, kept in said["files"].items()
        }
        if not all(map(leads_inside, files)):
            return None
        return Manifest(str(said["source"]), str(said["version"]), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update did; every path is from the folder, with `/`.

    Attributes:
        folder: where.
        first: whether there was no course before.
        added: files that were not there.
        renewed: files in which nothing had been written.
        beside: for each file that was left, its new version beside it.
        removed: files that the course no longer has, untouched.
        left: files that the course no longer has, and in which somebody wrote.
        held: files that could not be renewed, since another program held or saved them.
        newer: why nothing was done: the course is of a newer version.
    """

    folder: Path
    first: bool = False
    added: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    beside: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    newer: str = ""

    def told(self) -> list[str]:
        """Sentences for whoever started it, none where nothing happened."""
        if self.newer:
            return [self.newer]
        said = []
        if self.first:
            said.append(_WRITTEN.format(folder=self.folder, count=len(self.added)))
        elif self.added:
            said.append(_ADDED.format(count=len(self.added)))
        if self.renewed:
            said.append(_RENEWED.format(count=len(self.renewed)))
        said += [_BESIDE.format(path=path, new=new) for path, new in self.beside]
        said += [_LEFT.format(path=path) for path in self.left]
        said += [_HELD.format(path=path) for path in self.held]
        return said


def is_newer(one: str, other: str) -> bool:
    """Whether version `one` is newer than `other`; what is no version is not."""
    if one == other:
        return False
    from packaging.version import InvalidVersion, Version  # it takes its time to import, and few need it

    try:
        return Version(one) > Version(other)
    except InvalidVersion:
        return False


def update(
    folder: Path, files: Mapping[str, bytes], version: str, *, source: str = "wslab", partial: bool = False
) -> Changes:
    """Lay a course out in a folder, or renew the one that is there; nothing that somebody wrote is lost.

    Args:
        folder: where; made if it isn't there.
        files: the course as it is shipped now: the content by path from the folder, with `/`.
        version: the version of `files`. A course of a newer version is left alone.
        source: who lays it out. `wslab lab` renews courses of the source `"wslab"`.
        partial: whether `files` are some of the course's, so that others which were laid out before stay part of it.

    Returns:
        What was done.

    Raises:
        UpdateError: the folder can't be written, the disk is full, or another update takes too long.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        if not made and isinstance(nothing := _planned(folder, files, version, source, partial), Changes):
            return nothing  # also where the folder is read-only
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            return _update(folder, files, version, source, partial)
    except OSError as error:
        _unmake(folder, made)
        if error.errno in _NO_ROOM:
            raise UpdateError(_FULL, folder=folder) from error
        raise UpdateError(_DENIED, folder=folder, why=error.strerror or error) from error


def _unmake(folder: Path, made: list[Path]) -> None:
    """Remove the folders that were made for a course which then could not be laid out; one with files in it stays."""
    if made:
        with contextlib.suppress(OSError):
            if [path.name for path in folder.iterdir()] == [LOCK]:
                (folder / LOCK).unlink()
    for path in made:
        with contextlib.suppress(OSError):
            path.rmdir()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One update at a time, by a lock that ends with its process on every system: that of an SQLite file."""
    deadline = time.monotonic() + _PATIENCE
    try:
        with contextlib.closing(sqlite3.connect(folder / LOCK, timeout=_PATIENCE, isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield
    except sqlite3.OperationalError as error:
        if time.monotonic() >= deadline:
            raise UpdateError(_BUSY, folder=folder) from error
        full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
        raise OSError(errno.ENOSPC if full else errno.EACCES, str(error)) from error


class _Plan:
    """What an update is about to do."""

    def __init__(self, folder: Path, old: Manifest | None, files: Mapping[str, bytes], partial: bool) -> None:
        self.folder = folder
        self.old: Mapping[str, Shipped] = {} if old is None else old.files
        self.kept: dict[str, Shipped] = {}
        self.writes: dict[str, tuple[bytes, bytes | None]] = {}
        """By path: what is to stand there, and what stands there now."""
        self.added: list[str] = []
        self.renewed: list[str] = []
        self.beside: list[tuple[str, str]] = []
        self.removed: list[str] = []
        self.left: list[str] = []
        self.held: list[str] = []
        for path, content in files.items():
            try:
                self._decide(path, content)
            except PermissionError:  # on Windows: another program holds it
                self._hold(path)
        for path in self.old.keys() - files.keys():
            if partial:
                self.kept[path] = self.old[path]
            else:
                self._drop(path)

    def _there(self, path: str) -> bytes | None:
        try:
            return (self.folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except IsADirectoryError:
            return b""

    def _decide(self, path: str, content: bytes) -> None:
        there, new, old = self._there(path), Shipped.of(path, content), self.old.get(path)
        self.kept[path] = new
        if there is None:
            self.added.append(path)
            self.writes[path] = content, there
            return
        own = Shipped.of(path, there)
        if own.file == new.file:
            return
        if old is not None and own.file == old.file:
            self._renew(path, content, there)
        elif own.text == new.text:
            return
        elif old is not None and new.lesson == old.lesson:
            self.kept[path] = old
        elif old is not None and own.text == old.text:
            self._renew(path, content, there)
        else:
            self._lay_beside(path, content, new, old)

    def _renew(self, path: str, content: bytes, there: bytes) -> None:
        self.renewed.append(path)
        self.writes[path] = content, there

    def _lay_beside(self, path: str, content: bytes, new: Shipped, old: Shipped | None) -> None:
        stem, dot, suffix = path.rpartition(".")
        number = 1
        while True:
            name = f"{stem} (new{'' if number == 1 else f' {number}'}){dot}{suffix}"
            there = self._there(name)
            own = None if there is None else Shipped.of(name, there)
            if own is None or (old is not None and own.text == old.text) or own.text == new.text:
                break
            number += 1
        self.beside.append((path, name))
        if own is None or own.text != new.text:
            self.writes[name] = content, there

    def _drop(self, path: str) -> None:
        try:
            there = self._there(path)
        except PermissionError:
            self.left.append(path)
            return
        if there is None:
            return
        if _digest(there) == self.old[path].file:
            self.removed.append(path)
        else:
            self.left.append(path)

    def _hold(self, path: str) -> None:
        """Leave a file as it is, for the next update to try again."""
        self.held.append(path)
        self.writes.pop(path, None)
        for said in (self.added, self.renewed):
            if path in said:
                said.remove(path)
        old = self.old.get(path)
        if old is None:
            self.kept.pop(path, None)
        else:
            self.kept[path] = old

    def carry_out(self, source: str, version: str) -> None:
        """Do it: first everything into a folder beside, then each file in its place, the manifest last."""
        staging = self.folder / STAGING
        shutil.rmtree(staging, ignore_errors=True)
        try:
            staging.mkdir(exist_ok=True)
            staged = {path: staging / str(number) for number, path in enumerate(self.writes)}
            for path, new in staged.items():
                _write(new, self.writes[path][0])
            # The room that the manifest needs is taken before anything is changed.
            _write(staging / MANIFEST, self._manifest(source, version))
            if not (self.folder / MANIFEST).exists():
                # Killed from here on, a first layout is known as one that is to be finished.
                _write(staging / "begun", Manifest(source, version).to_json())
                _replace(staging / "begun", self.folder / MANIFEST)
            for path, new in staged.items():
                self._put(path, new)
            for path in self.removed:
                self._remove(path)
            if self.held:
                _write(staging / MANIFEST, self._manifest(source, version))
            _replace(staging / MANIFEST, self.folder / MANIFEST)
            _sync(self.folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _manifest(self, source: str, version: str) -> bytes:
        return Manifest(source, version, self.kept).to_json()

    def _put(self, path: str, new: Path) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if self._there(path) == self.writes[path][1]:  # else somebody saved it since
                _replace(new, target)
                return
        except PermissionError:
            if not target.exists():  # the folder can't be written, then
                raise
        self._hold(next((own for own, beside in self.beside if beside == path), path))

    def _remove(self, path: str) -> None:
        target = self.folder / path
        with contextlib.suppress(OSError):
            target.unlink()
            target.parent.rmdir()


def _planned(folder: Path, files: Mapping[str, bytes], version: str, source: str, partial: bool) -> _Plan | Changes:
    """What is to be done; or, where nothing is, what to say."""
    old = read_manifest(folder)
    if old is not None and is_newer(old.version, version):
        return Changes(folder, newer=_NEWER.format(folder=folder, theirs=old.version, ours=version))
    plan = _Plan(folder, old, files, partial)
    if plan.writes or plan.removed or old != Manifest(source, version, plan.kept) or (folder / STAGING).exists():
        return plan
    return Changes(folder, held=tuple(plan.held))


def _update(folder: Path, files: Mapping[str, bytes], version: str, source: str, partial: bool) -> Changes:
    plan = _planned(folder, files, version, source, partial)
    if isinstance(plan, Changes):
        return plan
    plan.carry_out(source, version)
    return Changes(
        folder,
        first=not plan.old and not plan.renewed and not plan.beside,
        added=tuple(plan.added),
        renewed=tuple(plan.renewed),
        beside=tuple((path, new) for path, new in plan.beside if path not in plan.held),
        removed=tuple(plan.removed),
        left=tuple(sorted(plan.left)),
        held=tuple(plan.held),
    )


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _replace(new: Path, target: Path) -> None:
    for left in reversed(range(_TRIES)):
        try:
            os.replace(new, target)
            return
        except PermissionError:
            if os.name != "nt" or not left:
                raise
            time.sleep(0.1)  # between two looks at what another program holds, which sends no event


def _sync(folder: Path) -> None:
    """Have the folder's entries on the disk, where a folder can be opened (not on Windows)."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
