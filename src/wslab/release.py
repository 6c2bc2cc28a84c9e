"""`wslab release`: what students get of the course, chosen units and labs without answers; and `wslab take`, which lays
that out where they work.

Each notebook goes out as it was built, whatever an instructor has run in it or written into a lab to show it. A link to
what is not handed out becomes its words. Nothing that a student wrote is touched (`course_update`).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wslab import shipped
from wslab.course_update import MANIFEST, RELEASED, Changes, Manifest, Shipped, leads_inside, read_manifest, update
from wslab.errors import LabError
from wslab.labs import notebooks
from wslab.labs.catalogue import labs
from wslab.language import LANGUAGES, Text
from wslab.links import Leads, relinked
from wslab.notebooks import TITLE, Origin, digest, lab_of, to_bytes

_BIGGEST = 64 << 20
_MOST = 2_000

_NO_UNIT = Text(
    en="There is no unit or lab {name!r}. There is: {known}.",
    tr="{name!r} adlı bir birim ya da alıştırma yok. Var olanlar: {known}.",
)
_NO_EDITION = Text(
    en="{language!r} is not an edition of this course; write one of {known}, or both.",
    tr="{language!r} bu kursun bir baskısı değil; şunlardan birini ya da both yazın: {known}.",
)
_EDITED = Text(
    en="Changed since it was built, so it may hold answers: {paths}. Take the change into the course (`wslab adopt`), "
    "or drop it (in a checkout: delete the file, then `wslab build`).",
    tr="Oluşturulduktan sonra değiştirilmiş, içinde yanıt olabilir: {paths}. Değişikliği kursa alın (`wslab adopt`) ya "
    "da geri alın (depoda dosyayı silip `wslab build`).",
)
_ITS_OWN = Text(
    en="{folder} holds the course itself, or one that `wslab lab` has put there. Name another folder for the release.",
    tr="{folder} kursun kendisini ya da `wslab lab` komutunun koyduğu kursu içeriyor. Dağıtım için başka bir "
    "klasör verin.",
)
_NO_RELEASE = Text(
    en="{path} is no zip that `wslab release` has written ({why}).",
    tr="{path}, `wslab release` ile yazılmış bir zip değil ({why}).",
)
_CANT_WRITE = Text(en="{path} can't be written ({why}).", tr="{path} yazılamıyor ({why}).")
_READ_ME = Text(
    en="# WebSocket Lab\n\nInstall once: `pip install wslab=={version}`. Then, in this folder: `wslab lab .`\n\n"
    "What your instructor hands out later comes with `wslab take FILE.zip .`; what you have written stays.\n",
    tr="# WebSocket Lab\n\nBir kez kurun: `pip install wslab=={version}`. Sonra bu klasörde: `wslab lab .`\n\n"
    "Eğitmeninizin sonradan dağıttıkları `wslab take DOSYA.zip .` ile gelir; yazdıklarınız olduğu gibi kalır.\n",
)
_RANGE = re.compile(r"(?P<first>\d\d|L\d+)-(?P<last>\d\d|L\d+)")
_OF_EDITION = re.compile(rf"[.-]({'|'.join(LANGUAGES)})\.(?:md|svg)$")
_OTHER_EDITION = re.compile(r" \| \[[^\]]+\]\((?:\.\./)+(\w\w)/[^)]*\)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit or a lab of the course.

    Attributes:
        number: `"05"`, `"L1"`.
        path: where its notebook is in an edition: `notebooks/tr/05-accept.ipynb`, with `{language}` for the edition.
    """

    number: str
    path: str


def units(root: Path) -> dict[str, Unit]:
    """What there is to hand out, by number, in the course's order."""
    found = {}
    for path in sorted((root / "notebooks" / LANGUAGES[0]).glob("[0-9][0-9]-*.ipynb")):
        found[path.stem[:2]] = Unit(path.stem[:2], f"notebooks/{{language}}/{path.name}")
    for number, lab in labs().items():
        found[number] = Unit(number, f"labs/{{language}}/{lab.slug}/{lab.slug}.ipynb")
    return found


def chosen(said: str, known: Sequence[str]) -> tuple[str, ...]:
    """The numbers in `00-05,L1,L2`, in the course's order.

    Args:
        said: numbers and ranges with commas; empty for everything.
        known: the numbers that there are.

    Raises:
        LabError: one of them is none.
    """
    wanted: set[str] = set()
    for part in filter(None, (part.strip().upper() for part in said.split(","))):
        found = _RANGE.fullmatch(part)
        ends = [found["first"], found["last"]] if found else [part, part]
        for end in ends:
            if end not in known:
                raise LabError(_NO_UNIT, name=end, known=", ".join(known))
        first, last = known.index(ends[0]), known.index(ends[1])
        wanted.update(known[first : last + 1])
    return tuple(number for number in known if number in wanted or not wanted)


def editions(said: str) -> tuple[str, ...]:
    """The editions that `--language` names.

    Raises:
        LabError: it names none.
    """
    if said == "both":
        return LANGUAGES
    if said not in LANGUAGES:
        raise LabError(_NO_EDITION, language=said, known=", ".join(LANGUAGES))
    return (said,)


def files(root: Path, numbers: Iterable[str], languages: Sequence[str]) -> dict[str, bytes]:
    """What is handed out, by its path.

    Args:
        root: the course's folder.
        numbers: of the units and labs.
        languages: the editions.

    Raises:
        LabError: a notebook was changed since it was built, or is not there.
    """
    known = units(root)
    given = {known[number].path.format(language=language) for number in numbers for language in languages}
    pages = {path for path in shipped.paths(root, languages) if path.startswith("docs/")}
    pages = {path for path in pages if (of := _OF_EDITION.search(path)) is None or of[1] in languages}
    out: dict[str, bytes] = {}
    there = given | pages
    edited = []
    for path in sorted(given):
        notebook = _pristine(root, path)
        if notebook is None:
            edited.append(path)
            continue
        _relink(notebook, path, there, languages)
        out[path] = to_bytes(notebook)
    if edited:
        raise LabError(_EDITED, paths=", ".join(edited))
    for path in sorted(pages):
        out[path] = (root / path).read_bytes()
        if path.endswith(".md"):
            out[path] = relinked(out[path].decode("utf-8"), path, _leads(path, there)).encode()
    for language in languages:
        name = "README.md" if language == languages[0] else f"README.{language}.md"
        out[name] = _READ_ME.into(language).format(version=shipped.version()).encode()
    return out


def _pristine(root: Path, path: str) -> dict[str, Any] | None:
    """A notebook as it was built; None where somebody changed it.

    A lab is made from its solution: an instructor may have solved it on the projector.
    """
    kind, language, *_, name = path.split("/")
    if kind == "labs":
        lab = next(lab for lab in labs().values() if name == f"{lab.slug}.ipynb")
        solved = json.loads(notebooks.solved(root, lab, language))
        return lab_of(solved) if _as_built(solved) else None
    notebook: dict[str, Any] = json.loads((root / path).read_bytes())
    if not _as_built(notebook):
        return None
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
        for left in ("execution", "collapsed", "scrolled", "trusted", "jupyter"):
            cell["metadata"].pop(left, None)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    own = {"kernelspec": kernel, "language_info": {"name": "python"}, "wslab": notebook["metadata"]["wslab"]}
    return notebook | {"metadata": own}


def _as_built(notebook: Mapping[str, Any]) -> bool:
    origin = Origin.of(notebook)
    return origin is not None and digest(notebook["cells"]) == origin.content


def _relink(notebook: Mapping[str, Any], path: str, there: set[str], languages: Sequence[str]) -> None:
    lead = _leads(path, there)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            if cell["id"] == TITLE:
                text = _OTHER_EDITION.sub(lambda link: link[0] if link[1] in languages else "", text)
            cell["source"] = relinked(text, path, lead).splitlines(keepends=True)


def _leads(here: str, there: set[str]) -> Leads:
    def lead(target: str) -> str | None:
        return posixpath.relpath(target, posixpath.dirname(here)) if target in there else None

    return lead


# Where it goes


def release(root: Path, out: Path, said: str, language: str) -> Changes:
    """Write a release, or renew one: what it had stays part of it.

    Args:
        root: the course's folder.
        out: a folder, or a file that ends in `.zip`.
        said: which units and labs, as for `chosen()`.
        language: an edition, or `"both"`.

    Returns:
        What was done.

    Raises:
        LabError: a unit is not there or was changed, or it can't be written.
    """
    known = units(root)
    numbers, languages = set(chosen(said, list(known))), list(editions(language))
    packed = out.suffix.lower() == ".zip"
    before = _manifest_of(out) if packed else read_manifest(out)
    of_the_course = not packed and (out / "course" / "notebooks").is_dir()
    if of_the_course or (before is not None and before.source != RELEASED):
        raise LabError(_ITS_OWN, folder=out)
    for path in before.files if before is not None else ():
        for number, unit in known.items():
            found = next((code for code in LANGUAGES if unit.path.format(language=code) == path), None)
            if found is not None:
                numbers.add(number)
                languages += [found] if found not in languages else []
    content = files(root, [number for number in known if number in numbers], languages)
    if not packed:
        return update(out, content, shipped.version(), source=RELEASED)
    return _packed(out, content, before)


def _packed(out: Path, content: Mapping[str, bytes], before: Manifest | None) -> Changes:
    """A zip with the same manifest as a folder has: also unpacked by hand it can be renewed."""
    manifest = Manifest(RELEASED, shipped.version(), {path: Shipped.of(path, data) for path, data in content.items()})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in (*sorted(content.items()), (MANIFEST, manifest.to_json())):
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    part = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(file.getvalue())
        os.replace(part, out)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise LabError(_CANT_WRITE, path=out, why=error.strerror or error) from error
    old = {} if before is None else before.files
    return Changes(
        out,
        first=before is None,
        added=tuple(path for path in content if path not in old),
        renewed=tuple(path for path, kept in manifest.files.items() if path in old and old[path] != kept),
    )


def _manifest_of(path: Path) -> Manifest | None:
    """The manifest of a release that is there already."""
    if not path.exists():
        return None
    with contextlib.suppress(LabError):
        return _unpacked(path)[0]
    return Manifest("", "")  # somebody else's zip, which is not written over


def take(path: Path, folder: Path) -> Changes:
    """Lay a release out in a student's folder, or renew the one that is there.

    Args:
        path: a zip that `wslab release` has written.
        folder: where.

    Returns:
        What was done.

    Raises:
        LabError: it is no such zip, or the folder can't be written.
    """
    manifest, content = _unpacked(path)
    before = read_manifest(folder)
    if before is not None and before.source != RELEASED:
        raise LabError(_ITS_OWN, folder=folder)
    return update(folder, content, manifest.version, source=RELEASED, partial=True)


def _unpacked(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """What a zip says of itself, and its files: those of its manifest, by their names there."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _MOST or sum(member.file_size for member in members) > _BIGGEST:
                raise LabError(_NO_RELEASE, path=path, why=f"> {_BIGGEST >> 20} MB")
            said = json.loads(archive.read(MANIFEST))
            kept = {str(name): Shipped(**one) for name, one in said["files"].items()}
            content = dict(_members(archive, kept))
            return Manifest(str(said["source"]), str(said["version"]), kept), content
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, zipfile.BadZipFile) as error:
        raise LabError(_NO_RELEASE, path=path, why=getattr(error, "strerror", None) or error) from error


def _members(archive: zipfile.ZipFile, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        if not leads_inside(name):
            raise ValueError(name)
        yield name, archive.read(name)
