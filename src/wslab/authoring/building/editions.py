"""The course as a whole: its sources read, its editions written, and what was written held against them."""

from __future__ import annotations

import functools
import posixpath
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from wslab.authoring.building import definitions, digests, glossary, shipped_cells
from wslab.authoring.building.embedding import read_pictures
from wslab.authoring.building.glossary import Term
from wslab.authoring.building.minutes import disagreement
from wslab.authoring.building.notebooks import Neighbours, make_notebook, to_bytes
from wslab.authoring.building.problems import BuildError, Note, Problem
from wslab.authoring.building.reading import Source, read_source
from wslab.authoring.building.unit import Unit, UnitKind, built_path, make_unit
from wslab.language import LANGUAGES
from wslab.notebooks import Origin, digest
from wslab.predictions import catalogue

_read: Any = nbformat.read  # it carries no types

FOLDERS: Mapping[UnitKind, tuple[str, ...]] = {"notebook": ("notebooks",), "lab": ("labs", "solutions")}
"""Where the editions of a unit go."""

_SOURCES: Mapping[UnitKind, str] = {"notebook": "course/notebooks", "lab": "course/labs"}
_NAMES: Mapping[UnitKind, re.Pattern[str]] = {
    "notebook": re.compile(r"\d\d(-[a-z0-9]+)+"),
    "lab": re.compile(r"L\d+(-[a-z0-9]+)+"),
}
_EXAMPLES: Mapping[UnitKind, str] = {"notebook": "01-server.md", "lab": "L1-echo.md"}
_QUESTIONS = "src/wslab/predictions/questions"
# What using the notebooks leaves beside them; none of it is committed.
_CORPUS = "corpus"
"""In `course/labs`: the programs that prove the labs' checks."""
_LEFT_BY_USE = {".ipynb_checkpoints", ".wslab", "__pycache__", ".DS_Store"}
_EDITED = "edited since it was built; `wslab adopt {where}` takes the edit into the source, deleting this file drops it"
_LINK = re.compile(r"\]\(<?([^)<>\s]+)")


@dataclass(frozen=True, slots=True)
class Course:
    """Everything under `course/`, and every mistake in it.

    Attributes:
        units: what could be read, in the order in which it is taught: a lab comes after the last notebook it builds on.
        sources: the files behind the units, by slug.
        own_problems: every mistake that a source makes by itself.
        terms: the glossary.
        joint_problems: every mistake that shows only beside the other sources: a link that leads nowhere.
        version: of the kit that the course is built for; empty where `root` is not the kit's checkout.
        pictures: the drawings that units show, by name.
    """

    units: tuple[Unit, ...]
    sources: Mapping[str, Source]
    terms: tuple[Term, ...]
    own_problems: tuple[Problem, ...]
    joint_problems: tuple[Problem, ...]
    version: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every mistake found."""
        return self.own_problems + self.joint_problems

    def neighbours(self, unit: Unit) -> Neighbours:
        """What a unit links to."""
        by_number = {other.number: other for other in self.units}
        place = self.units.index(unit)
        return Neighbours(
            before=[by_number[number] for number in unit.prerequisites if number in by_number],
            after=self.units[place + 1] if place + 1 < len(self.units) else None,
            terms=self.terms,
            version=self.version,
            pictures=self.pictures,
        )

    def glossaries(self) -> Iterator[tuple[str, bytes]]:
        """The learner's glossary in each language, with its path from the root."""
        for language in LANGUAGES:
            if (page := definitions.page(self.terms, language)) is not None:
                yield definitions.path(language), page.encode()

    def editions(self, unit: Unit) -> Iterator[tuple[str, NotebookNode]]:
        """Every notebook that is built from a unit, with its path from the root."""
        for folder in FOLDERS[unit.kind]:
            for language in LANGUAGES:
                yield unit.built(folder, language), make_notebook(unit, self.neighbours(unit), language, folder)

    def all_editions(self) -> Iterator[tuple[str, NotebookNode]]:
        """Every notebook that is built from the course, with its path from the root."""
        return (edition for unit in self.units for edition in self.editions(unit))


def read_course(root: Path) -> Course:
    """Read every source, and collect every mistake instead of stopping at the first.

    Args:
        root: the checkout.
    """
    problems: list[Problem] = []
    terms = glossary.read_glossary(root / glossary.PATH, _noting(glossary.PATH, problems))
    units: list[Unit] = []
    kinds: dict[str, UnitKind] = {}
    sources: dict[str, Source] = {}
    for kind, folder in _SOURCES.items():
        for path in sorted((root / folder).glob("*")):
            if path.name in _LEFT_BY_USE or path.name == _CORPUS:
                continue
            where = f"{folder}/{path.name}"
            note = _noting(where, problems)
            if path.suffix != ".md" or not _NAMES[kind].fullmatch(path.stem):
                note(1, f"this is no source of a {kind}: its name is like {_EXAMPLES[kind]}")
                continue
            kinds[path.stem] = kind
            try:
                text = path.read_text("utf-8-sig")
            except UnicodeDecodeError:
                note(1, "this file is not UTF-8; save it as UTF-8")
                continue
            source, unit, mistakes = _read_unit(path.stem, kind, where, text, terms)
            problems += mistakes
            if source is not None:
                sources[path.stem] = source
            if unit is not None:
                units.append(unit)
    problems += _mistakes_in_questions(root)
    taught = _in_teaching_order(units)
    joint = _joint_problems(taught, sources, kinds, root)
    return Course(taught, sources, terms, tuple(problems), tuple(joint), _version(root), read_pictures(root))


# Plans, decks and single notebooks each read the whole course; a file that has not changed is parsed once.
@functools.lru_cache(maxsize=128)
def _read_unit(
    slug: str, kind: UnitKind, where: str, text: str, terms: tuple[Term, ...]
) -> tuple[Source | None, Unit | None, tuple[Problem, ...]]:
    problems: list[Problem] = []
    note = _noting(where, problems)
    source = read_source(text, note)
    unit = make_unit(slug, kind, where, source, terms, note) if source is not None else None
    if source is not None and unit is not None and (said := disagreement(unit)):
        note(source.front.line("unit", "minutes"), said)
    return source, unit, tuple(problems)


def _mistakes_in_questions(root: Path) -> Iterator[Problem]:
    for path in sorted((root / _QUESTIONS).glob("*.yml")):
        for problem in catalogue.read(path, each_again=True)[1]:
            yield replace(problem, file=path.relative_to(root).as_posix())


def _version(root: Path) -> str:
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    except (OSError, KeyError):
        return ""
    return str(project["version"]) if project.get("name") == "wslab" else ""


def _noting(file: str, problems: list[Problem]) -> Note:
    def note(line: int, message: str) -> None:
        problems.append(Problem(file, line, message))

    return note


def _in_teaching_order(units: Iterable[Unit]) -> tuple[Unit, ...]:
    def place(unit: Unit) -> tuple[int, int, int, str]:
        if unit.kind == "notebook":
            return int(unit.number), 0, 0, unit.slug
        after = max((int(number) for number in unit.prerequisites if number.isdigit()), default=-1)
        return after, 1, int(unit.number[1:]), unit.slug

    return tuple(sorted(units, key=place))


def _joint_problems(
    units: Sequence[Unit], sources: Mapping[str, Source], kinds: Mapping[str, UnitKind], root: Path
) -> Iterator[Problem]:
    """What one source says about others; `kinds` has every source, also those that could not be read."""
    place: dict[str, int] = {}
    for index, unit in enumerate(units):
        if unit.number in place:
            other = units[place[unit.number]].source
            yield Problem(
                unit.source, 1, f"duplicate number {unit.number}: {other} has it already; rename one of the two"
            )
        place.setdefault(unit.number, index)
    numbers = {slug.partition("-")[0] for slug in kinds}
    built = {path for slug, kind in kinds.items() for path in _paths(slug, kind)}
    for index, unit in enumerate(units):
        line = sources[unit.slug].front.line("unit", "prerequisites")
        for number in unit.prerequisites:
            if place.get(number, -1) >= index:
                yield Problem(unit.source, line, f'prerequisite "{number}" does not come before this unit')
            elif number not in numbers:
                yield Problem(unit.source, line, f'prerequisite "{number}": the course has no such unit')
        yield from _dead_links(unit, sources[unit.slug], built, root)


def _paths(slug: str, kind: UnitKind) -> Iterator[str]:
    for folder in FOLDERS[kind]:
        for language in LANGUAGES:
            yield built_path(slug, kind, folder, language)


def _dead_links(unit: Unit, source: Source, built: Collection[str], root: Path) -> Iterator[Problem]:
    for block in source.blocks:
        if block.kind != "markdown":
            continue
        here = unit.built(FOLDERS[unit.kind][0], str(block.metadata.get("lang", LANGUAGES[0])))
        prose = re.sub(r"`[^`\n]*`", lambda match: " " * len(match[0]), block.text)
        for match in _LINK.finditer(prose):
            target = match[1].partition("#")[0]
            if not target or re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
                continue
            there = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
            if there not in built and not (root / there).is_file():
                line = block.text_line + prose[: match.start()].count("\n")
                yield Problem(unit.source, line, f"the link {match[1]} leads nowhere: there is no {there}")


def build(root: str | Path = ".", only: Iterable[str] | None = None) -> list[Path]:
    """Write every edition of the course and its glossary; nothing is written while any source has a mistake.

    A notebook that an earlier build wrote and whose source is gone is removed. Files that were not built (a learner's
    own) are left alone.

    Args:
        root: the checkout.
        only: numbers or names of units (`"01"`, `"L1-echo"`) to check and write; None or empty for the whole course.

    Returns:
        The files that changed, the removed ones among them.

    Raises:
        BuildError: with every mistake in the sources; or a built notebook holds edits that nobody adopted, which
            this build would overwrite.
    """
    root = Path(root)
    course = read_course(root)
    only = tuple(only or ())
    units = _chosen(course, only, root)
    editions = [edition for unit in units for edition in course.editions(unit)]
    if edited := [where for where, notebook in editions if _is_edited(root / where, notebook)]:
        raise BuildError(Problem(where, 1, _EDITED.format(where=where)) for where in edited)
    changed: list[Path] = []
    files = {where: to_bytes(notebook) for where, notebook in editions} | dict(course.glossaries())
    if _holds_the_kit(root):
        read = [unit.source for unit in units]
        noted = digests.notes(root, read, files, digests.noted(root)) if only else _notes(root, course, files)
        files |= {shipped_cells.PATH: shipped_cells.shipped_cells(course.all_editions()), digests.PATH: noted}
    for where, content in files.items():
        path = root / where
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            changed.append(path)
    if not only:
        current = {path for unit in course.units for path in _paths(unit.slug, unit.kind)}
        for where in sorted(set(_files(root)) - current):
            path = root / where
            if _was_built(path):
                path.unlink()
                changed.append(path)
                for folder in (path.parent, path.parent.parent):
                    if not any(folder.iterdir()):
                        folder.rmdir()
    return changed


def _holds_the_kit(root: Path) -> bool:
    return (root / shipped_cells.PATH).parent.is_dir()


def _notes(root: Path, course: Course, files: Mapping[str, bytes]) -> bytes:
    return digests.notes(root, [*(unit.source for unit in course.units), glossary.PATH], files)


def _chosen(course: Course, only: Iterable[str], root: Path) -> tuple[Unit, ...]:
    names = tuple(only)
    if not names:
        if course.problems:
            raise BuildError(course.problems)
        return course.units
    sources = {
        path.stem: f"{folder}/{path.name}" for folder in _SOURCES.values() for path in (root / folder).glob("*.md")
    }
    chosen: set[str] = set()
    for name in names:
        found = {slug for slug in sources if name in (slug, slug.partition("-")[0])}
        if not found:
            raise BuildError([Problem("course", 1, f'the course has no unit "{name}"')])
        chosen |= found
    files = {sources[slug] for slug in chosen} | {glossary.PATH}
    files |= {f"{_QUESTIONS}/{slug.partition('-')[0]}.yml" for slug in chosen}
    # Whether its neighbours are there is for the whole course to say: they may be somebody else's to write.
    if mistakes := [problem for problem in course.own_problems if problem.file in files]:
        raise BuildError(mistakes)
    return tuple(unit for unit in course.units if unit.slug in chosen)


def check(root: str | Path = ".") -> None:
    """Hold what was built against the sources, to the byte.

    Args:
        root: the checkout.

    Raises:
        BuildError: a source has a mistake; a built file is missing, differs, or has no source.
    """
    root = Path(root)
    course = read_course(root)
    problems = list(course.problems)
    if not problems:
        expected = dict(course.all_editions())
        if _holds_the_kit(root):
            files = {where: to_bytes(notebook) for where, notebook in expected.items()} | dict(course.glossaries())
            wanted = {
                shipped_cells.PATH: shipped_cells.shipped_cells(expected.items()),
                digests.PATH: _notes(root, course, files),
            }
            for where, content in wanted.items():
                if not (root / where).is_file() or (root / where).read_bytes() != content:
                    problems.append(Problem(where, 1, "differs from the course; run `wslab build`"))
        there = set(_files(root))
        for where, notebook in expected.items():
            content = to_bytes(notebook)
            if where not in there:
                problems.append(Problem(where, 1, "missing; run `wslab build`"))
            elif (actual := (root / where).read_bytes()) != content:
                edited = _is_edited(root / where, notebook)
                message = _EDITED.format(where=where) if edited else "differs from its source; run `wslab build`"
                problems.append(Problem(where, _first_difference(actual, content), message))
        for where, content in course.glossaries():
            if not (root / where).is_file() or (root / where).read_bytes() != content:
                problems.append(Problem(where, 1, f"differs from {glossary.PATH}; run `wslab build`"))
        for where in there - set(expected):
            problems.append(
                Problem(where, 1, "stray file: nothing under course/ builds it; delete it or write its source")
            )
    if problems:
        raise BuildError(problems)


def units(root: str | Path = ".", only: Iterable[str] = ()) -> tuple[Unit, ...]:
    """Every unit, in the order in which the course is taught.

    Args:
        root: the checkout.
        only: numbers or names of units (`"01"`, `"L1-echo"`); none for the whole course.

    Raises:
        BuildError: with every mistake in the sources; one of `only` is none of them.
    """
    return _chosen(read_course(Path(root)), only, Path(root))


def notebook(root: str | Path, name: str, language: str, *, notes: bool = False, solved: bool = False) -> NotebookNode:
    """One edition of one unit, not written anywhere: what the slides and the reading site are made from.

    Args:
        root: the checkout.
        name: the unit's number or name, `"01"` or `"01-server"`.
        language: the edition.
        notes: keep the instructor's cells, as speaker notes.
        solved: of a lab, the solution; of a notebook, its turns as the course writes them.

    Raises:
        BuildError: the unit has a mistake, or there is none of this name.
    """
    course = read_course(Path(root))
    (unit,) = _chosen(course, [name], Path(root))
    folder = FOLDERS[unit.kind][-1 if solved else 0]
    return make_notebook(unit, course.neighbours(unit), language, folder, notes=notes, solved=solved)


def _files(root: Path) -> Iterator[str]:
    """Everything in the folders of editions but what using them leaves there."""
    for folder in dict.fromkeys(folder for folders in FOLDERS.values() for folder in folders):
        for path in (root / folder).rglob("*"):
            where = path.relative_to(root)
            # export() writes a learner's app beside the notebook.
            if not _LEFT_BY_USE.intersection(where.parts) and not path.is_dir() and path.suffix != ".py":
                yield where.as_posix()


def _is_edited(path: Path, fresh: NotebookNode) -> bool:
    """Whether the notebook at `path` holds work that neither the source has nor an earlier build wrote."""
    there = _read_notebook(path)
    origin = None if there is None else Origin.of(there)
    if there is None or origin is None:
        return False
    return digest(there.cells) not in (origin.content, digest(fresh.cells))


def _was_built(path: Path) -> bool:
    """Whether a build wrote this file as it stands, and not somebody who copied or edited what it wrote."""
    there = _read_notebook(path)
    origin = None if there is None else Origin.of(there)
    if there is None or origin is None or origin.content != digest(there.cells):
        return False
    return path.stem == origin.unit and origin.language in path.parts and origin.folder in path.parts


def _read_notebook(path: Path) -> NotebookNode | None:
    if path.suffix != ".ipynb" or not path.is_file():
        return None
    try:
        notebook: NotebookNode = _read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError):
        return None
    return notebook


def _first_difference(actual: bytes, expected: bytes) -> int:
    ours, theirs = expected.split(b"\n"), actual.split(b"\n")
    return 1 + next(
        (index for index, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other),
        min(len(ours), len(theirs)) - 1,
    )
