"""The course as it comes with the kit: in a wheel inside the package, in a checkout beside `src`.

A wheel holds in `wslab/course` the same files as the checkout, byte for byte, and the solved labs in one archive, which
`solution()` and `reset()` read: nobody comes upon an open solution by looking around.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from wslab.errors import LabError
from wslab.language import LANGUAGES, Text
from wslab.notebooks import TITLE, Origin, to_bytes

PACKAGED = Path(__file__).parent / "course"
SOLUTIONS = "solutions.zip"
PAGES = ("docs/document.*.md", "docs/glossary.*.md", "docs/scale.*.md", "docs/pictures/*.svg")
"""What the notebooks link to, in every language, since the pages link each other."""

_NONE = Text(
    en="This installation of wslab holds no course. Install it anew: {again}",
    tr="Bu wslab kurulumunda kurs yok. Yeniden kurun: {again}",
)
_OTHER_EDITION = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(\w\w)/[^)]*\)")


def version() -> str:
    """The kit's version."""
    return importlib.metadata.version("wslab")


def root() -> Path:
    """The folder that the course is taken from.

    Raises:
        LabError: there is none.
    """
    for folder in (PACKAGED, Path(__file__).parents[2]):
        if (folder / "notebooks" / LANGUAGES[0]).is_dir() and (folder / "docs").is_dir():
            return folder
    raise LabError(_NONE, again="pip install --force-reinstall wslab")


def paths(folder: Path, languages: Iterable[str] = LANGUAGES) -> Iterator[str]:
    """What a learner's folder gets, as paths from `folder`: the built notebooks and labs, and the pages they link to.

    Args:
        folder: the checkout, or the package's copy; a learner's own files in it are passed over.
        languages: the editions.
    """
    for language in languages:
        for pattern in (f"notebooks/{language}/*.ipynb", f"labs/{language}/*/*.ipynb"):
            for path in sorted(folder.glob(pattern)):
                if _is_built(path):
                    yield path.relative_to(folder).as_posix()
    for pattern in PAGES:
        yield from (path.relative_to(folder).as_posix() for path in sorted(folder.glob(pattern)))


def _is_built(path: Path) -> bool:
    try:
        origin = Origin.of(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return origin is not None and origin.unit == path.stem


def files(languages: Iterable[str]) -> dict[str, bytes]:
    """The course as it is laid out for a learner, by path.

    Args:
        languages: the editions. A link to an edition that is not among them becomes the command that brings it.

    Raises:
        LabError: this installation holds no course.
    """
    chosen, folder = tuple(languages), root()
    return {path: _for_editions(path, (folder / path).read_bytes(), chosen) for path in paths(folder, chosen)}


def _for_editions(path: str, content: bytes, languages: tuple[str, ...]) -> bytes:
    if not path.endswith(".ipynb") or set(LANGUAGES) <= set(languages):
        return content

    def told(link: re.Match[str]) -> str:
        return link[0] if link[2] in languages else f"{link[1]}: `wslab lab --language {link[2]}`"

    notebook = json.loads(content)
    for cell in notebook["cells"]:
        if cell["id"] == TITLE:
            cell["source"] = [_OTHER_EDITION.sub(told, line) for line in cell["source"]]
    return to_bytes(notebook)


def origin(of: Origin) -> Origin | None:
    """What the kit's own edition of a unit says about itself; None where the kit has no such unit.

    Args:
        of: the unit, the edition and the folder, of an earlier or a later version.

    Raises:
        LabError: this installation holds no course.
    """
    below = of.unit if of.folder == "notebooks" else f"{of.unit}/{of.unit}"
    path = root() / of.folder / of.language / f"{below}.ipynb"
    return Origin.of(json.loads(path.read_bytes())) if path.is_file() else None


def solution(path: str) -> bytes:
    """A solved lab.

    Args:
        path: as in the checkout: `"solutions/en/L1-echo/L1-echo.ipynb"`.

    Raises:
        OSError: it isn't there.
    """
    archive = PACKAGED / SOLUTIONS
    if not archive.is_file():
        return (Path(__file__).parents[2] / path).read_bytes()
    try:
        with zipfile.ZipFile(archive) as solved:
            return solved.read(path)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FileNotFoundError(path) from error
