"""One notebook or lab of the course, in every language at once: its front matter and its cells, checked."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from wslab.authoring.building.glossary import Term, departures, lone_items, semicolons
from wslab.authoring.building.grading_metadata import completed, metadata_mistakes
from wslab.authoring.building.problems import Note
from wslab.authoring.building.reading import Block, FrontMatter, Source
from wslab.language import LANGUAGES, Text
from wslab.notebooks import has_region, is_rendered, region_mistakes, turn_of

UnitKind = Literal["notebook", "lab"]

INSTRUCTOR = "instructor"
"""The tag of a cell that is for whoever gives the lesson, not for learners."""

SETUP = "setup"
"""The id of the cell that stands first in every unit."""

_EDITION = re.compile(r"""\buse\(\s*(["'])(\w+)\1\s*\)""")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PART = re.compile(r"(?P<part>[123])(\s+§(?P<sections>\S+))?")
_FRONT_KEYS = ("title", "minutes", "part", "prerequisites", "objectives", "key_points")
_CELL_KEYS = {
    "markdown": {"lang", "id", "tags", "slideshow", "nbgrader"},
    "code": {"id", "tags", "slideshow", "jupyter", "nbgrader"},
}
_SLIDES = ("slide", "subslide", "fragment", "skip", "notes", "-")
_DIRECTIVE = re.compile(r"\s*(`{3,}|~{3,}|:{3,})\{\w+")
_ROLE = re.compile(r"\{[a-z:]+\}\0")
_INLINE_CODE = re.compile(r"(`+)(?:(?!`).)+?\1(?!`)")
_FENCED = re.compile(r"^(`{3,}|~{3,})(?P<info>[^\n]*)\n(?P<text>.*?)^\1\s*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell in every language.

    Attributes:
        id: the same in every edition.
        kind: `"markdown"` or `"code"`.
        text: what it holds; code is the same in each language, but for the name of the edition.
        metadata: what goes into the built notebook, complete.
        instructor: whether it is left out of a learner's notebook.
        blocks: the indexes of the source's blocks that it was written in, in the order of the languages.
        own_id: whether the source gives the id; otherwise it follows from the text.
    """

    id: str
    kind: Literal["markdown", "code"]
    text: Text
    metadata: Mapping[str, Any]
    instructor: bool = False
    blocks: tuple[int, ...] = ()
    own_id: bool = False

    @property
    def grading(self) -> Mapping[str, Any]:
        """The cell's nbgrader metadata, empty for a cell that is not graded."""
        found: Mapping[str, Any] = self.metadata.get("nbgrader", {})
        return found


@dataclass(frozen=True, slots=True)
class Unit:
    """A notebook or a lab.

    Attributes:
        slug: its name: `"01-server"`, `"L1-echo"`.
        kind: `"notebook"` or `"lab"`.
        number: the first part of the name: `"01"`, `"L1"`.
        source: where it is written, from the root of the checkout, with `/`.
        title: without the number.
        minutes: how long it takes.
        part: the part of the document it teaches, None where it teaches none.
        sections: the sections of that part, as in `"4–6"`; empty for all of it.
        prerequisites: the numbers of the units that come before.
        objectives: what a learner can do afterwards.
        key_points: the summary.
        points: what a lab's graded cells are worth together; 0 for a notebook.
        cells: what stands between the first cell and the summary.
    """

    slug: str
    kind: UnitKind
    number: str
    source: str
    title: Text
    minutes: int
    part: int | None
    sections: str
    prerequisites: tuple[str, ...]
    objectives: tuple[Text, ...]
    key_points: tuple[Text, ...]
    points: float = 0
    cells: tuple[Cell, ...] = field(default=(), repr=False)

    def built(self, folder: str, language: str) -> str:
        """Where an edition stands, from the root: `labs/tr/L1-echo/L1-echo.ipynb`.

        Args:
            folder: `"notebooks"`, or for a lab `"labs"` or `"solutions"`.
            language: the edition.
        """
        return built_path(self.slug, self.kind, folder, language)


def built_path(slug: str, kind: UnitKind, folder: str, language: str) -> str:
    """Where an edition stands, from the root; a lab has a folder of its own, as nbgrader wants an assignment."""
    return f"{folder}/{language}/{slug}.ipynb" if kind == "notebook" else f"{folder}/{language}/{slug}/{slug}.ipynb"


def make_unit(slug: str, kind: UnitKind, path: str, source: Source, terms: Sequence[Term], note: Note) -> Unit | None:
    """Check a source and put its languages together.

    Args:
        slug: the name of the file without its ending.
        kind: what it is.
        path: where it is, from the root.
        source: what was read from it.
        terms: the glossary that its prose is held to.
        note: is told every mistake.

    Returns:
        The unit, or None where its front matter is not usable.
    """
    cells = tuple(_cells(source.blocks, kind, note))
    _check_ids(cells, source.blocks, note)
    _check_setup(cells, source.blocks, note)
    _check_turns(slug.partition("-")[0], cells, source.blocks, note)
    for block in source.blocks:
        if block.kind == "markdown" and block.metadata.get("lang") in LANGUAGES:
            for offset, message in departures(block.text, block.metadata["lang"], terms):
                note(block.text_line + offset, message)
            for offset, message in lone_items(block.text):
                note(block.text_line + offset, message)
    _check_semicolons(source.blocks, note)
    unit = _front(slug, kind, path, source.front, terms, note)
    if unit is None:
        return None
    points = sum(cell.grading.get("points", 0) for cell in cells)
    return replace(unit, points=points, cells=cells)


def _check_semicolons(blocks: Sequence[Block], note: Note) -> None:
    """A translation has at most as many semicolons as the English text."""
    first = 0
    for block in blocks:
        if block.kind == "markdown" and (language := block.metadata.get("lang")) in LANGUAGES:
            count = semicolons(block.text)
            if language == LANGUAGES[0]:
                first = count
            elif count > first:
                note(block.text_line, f"{count} semicolons, {first} in the {LANGUAGES[0]} text: make sentences of them")


# Front matter


def _front(slug: str, kind: UnitKind, path: str, front: FrontMatter, terms: Sequence[Term], note: Note) -> Unit | None:
    data = front.data.get("unit")
    if not isinstance(data, Mapping):
        note(1, 'missing front matter: the title, minutes and so on stand under one key, "unit:"')
        return None
    for key in data:
        if key not in _FRONT_KEYS:
            note(front.line("unit", str(key)), f'a unit has no "{key}"; it takes {", ".join(_FRONT_KEYS)}')
    missing = [key for key in _FRONT_KEYS if key not in data and key != "part"]
    for key in missing:
        note(front.line("unit"), f"missing front matter: {key}")

    title = _per_language(data.get("title"), ("unit", "title"), front, note) if "title" in data else None
    lists = {key: _lists(data[key], ("unit", key), front, note) for key in ("objectives", "key_points") if key in data}
    minutes = data.get("minutes", 1)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or minutes < 1:
        note(front.line("unit", "minutes"), "minutes is a whole number, 1 or more")
        minutes = None
    part = _PART.fullmatch(str(data.get("part", "1")))
    if part is None:
        note(front.line("unit", "part"), "part names a part of the document and its sections: 1 §4–6, or 2")
    given = data.get("prerequisites", [])
    # YAML reads 00 to 07 as numbers and 08, 09 and L1 as words.
    before = [f"{number:02d}" if isinstance(number, int) else str(number) for number in _as_list(given)]
    if not isinstance(given, list):
        note(front.line("unit", "prerequisites"), "prerequisites is a list of numbers of units: [01], [07, L1] or []")
    for language, line, text in _prose(data, front):
        for _, message in departures(text, language, terms):
            note(line, message)
    if missing or title is None or minutes is None or part is None or not all(lists.values()):
        return None
    return Unit(
        slug=slug,
        kind=kind,
        number=slug.partition("-")[0],
        source=path,
        title=Text(**title),
        minutes=minutes,
        part=int(part["part"]) if "part" in data else None,
        sections=part["sections"] or "",
        prerequisites=tuple(before),
        objectives=lists["objectives"] or (),
        key_points=lists["key_points"] or (),
    )


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _per_language(value: object, path: tuple[str, ...], front: FrontMatter, note: Note) -> dict[str, Any] | None:
    """`value` if it has something in every language and nothing else."""
    line, name = front.line(*path), path[-1]
    if not isinstance(value, Mapping):
        note(line, f"{name} has a value in each language: {', '.join(f'{code}: …' for code in LANGUAGES)}")
        return None
    good = True
    for language in value:
        if language not in LANGUAGES:
            note(front.line(*path, str(language)), _unknown_language(language))
            good = False
    for language in LANGUAGES:
        if not value.get(language):
            note(line, f'missing translation: {name} has no "{language}"')
            good = False
    return dict(value) if good else None


def _lists(value: object, path: tuple[str, ...], front: FrontMatter, note: Note) -> tuple[Text, ...] | None:
    lists = _per_language(value, path, front, note)
    if lists is None:
        return None
    for language, items in lists.items():
        if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
            line = front.line(*path, language)
            note(line, f'{path[-1]} in "{language}" is a list of sentences, each on a line that begins with "- " '
                 "(one that holds \": \" goes in quotes)")  # fmt: skip
            return None
    first = LANGUAGES[0]
    for language in LANGUAGES[1:]:
        if len(lists[language]) != len(lists[first]):
            note(
                front.line(*path, language),
                f'missing translation: {path[-1]} has {len(lists[first])} items in "{first}" '
                f'and {len(lists[language])} in "{language}"',
            )
            return None
    return tuple(
        Text(**{language: lists[language][index] for language in LANGUAGES}) for index in range(len(lists[first]))
    )


def _prose(data: Mapping[str, Any], front: FrontMatter) -> Iterator[tuple[str, int, str]]:
    """Every text of the front matter: its language, its line, itself."""
    for key in ("title", "objectives", "key_points"):
        values = data.get(key)
        for language, value in values.items() if isinstance(values, Mapping) else ():
            if language not in LANGUAGES:
                continue
            if isinstance(value, str):
                yield language, front.line("unit", key, language), value
            for index, item in enumerate(_as_list(value)):
                yield language, front.line("unit", key, language, index), str(item)


def _unknown_language(language: object) -> str:
    known = ", ".join(f'"{code}"' for code in LANGUAGES)
    return f'unknown language "{language}"; the editions are {known} (wslab.language.LANGUAGES)'


# Cells


def _cells(blocks: Sequence[Block], kind: UnitKind, note: Note) -> Iterator[Cell]:
    set_up = False
    for group in _groups(blocks, note):
        first = blocks[group[0]]
        for index in group:
            _check_block(blocks[index], kind, index == group[0], note)
        metadata = dict(first.metadata)
        for key in ("lang", "id"):
            metadata.pop(key, None)
        tags = [tag for tag in _as_list(metadata.pop("tags", [])) if tag != INSTRUCTOR]
        if tags:
            metadata["tags"] = tags
        grading = metadata.pop("nbgrader", None)
        if grading is not None and not any(metadata_mistakes(grading, first.kind)):
            metadata["nbgrader"] = completed(grading)
        turn = turn_of(first.text) if first.kind == "code" else None
        given = first.metadata.get("id") or metadata.get("nbgrader", {}).get("grade_id") or (turn and turn.name)
        text = _text([blocks[index] for index in group])
        setup = not set_up and first.kind == "code" and _EDITION.search(first.text) is not None
        set_up = set_up or setup
        yield Cell(
            id=str(given or (SETUP if setup else derived_id(first.kind, first.text))),
            kind=first.kind,
            text=text,
            metadata=metadata,
            instructor=INSTRUCTOR in _as_list(first.metadata.get("tags", [])),
            blocks=tuple(group),
            own_id=given is not None or setup,
        )


def derived_id(kind: str, text: str) -> str:
    """The id of a cell that was given none: it hangs on the cell's first language alone, on no other cell."""
    return hashlib.sha256(f"{kind}\n{text}".encode()).hexdigest()[:8]


def _text(group: Sequence[Block]) -> Text:
    first = group[0]
    if first.kind == "code":
        return Text(**{language: in_edition(first.text, language) for language in LANGUAGES})
    if "lang" not in first.metadata:
        return Text.of(first.text)
    return Text(**{LANGUAGES[0]: "", **{str(block.metadata.get("lang")): block.text for block in group}})


def in_edition(code: str, language: str) -> str:
    """`code` with the edition that it names changed to `language`."""
    return _EDITION.sub(f'use("{language}")', code)


def _groups(blocks: Sequence[Block], note: Note) -> Iterator[list[int]]:
    """The indexes of the blocks that are one cell: a code cell, or a Markdown cell in each of its languages."""
    open_group: list[int] = []
    for index, block in enumerate(blocks):
        language = block.metadata.get("lang") if block.kind == "markdown" else None
        spoken = {blocks[member].metadata.get("lang") for member in open_group}
        if language is None or language == LANGUAGES[0] or language in spoken:
            if open_group:
                yield from _closed(open_group, blocks, note)
            open_group = []
        if language is None:
            yield [index]
        else:
            open_group.append(index)
    if open_group:
        yield from _closed(open_group, blocks, note)


def _closed(group: list[int], blocks: Sequence[Block], note: Note) -> Iterator[list[int]]:
    spoken = [str(blocks[index].metadata["lang"]) for index in group]
    first = blocks[group[0]]
    if unknown := [index for index, language in zip(group, spoken, strict=True) if language not in LANGUAGES]:
        for index in unknown:
            note(blocks[index].line, _unknown_language(blocks[index].metadata.get("lang")))
    elif spoken[0] != LANGUAGES[0]:
        note(
            first.line,
            f'missing translation: no "{LANGUAGES[0]}" cell comes before this "{spoken[0]}" one; '
            f"the languages stand below each other in the order {', '.join(LANGUAGES)}",
        )
    elif missing := [language for language in LANGUAGES if language not in spoken]:
        wanted = " and ".join(f'+++ {{"lang": "{language}"}}' for language in missing)
        note(first.line, f"missing translation: write {wanted} right below this cell")
    elif spoken != list(LANGUAGES):
        note(first.line, f"the languages of this cell stand in the order {', '.join(spoken)}; "
             f"write them in the order {', '.join(LANGUAGES)}")  # fmt: skip
    _check_fences([blocks[index] for index in group], note)
    yield group


def _check_fences(editions: Sequence[Block], note: Note) -> None:
    """What a reader is to type or run stands in every language; only a fence of `text` may be translated."""
    first, *others = editions
    for block in others:
        if _fences(block) != _fences(first):
            here, there = block.metadata["lang"], first.metadata["lang"]
            note(
                block.line,
                f'the fenced blocks of "{here}" and "{there}" differ; write the same commands and code in both '
                "(what needs a translation goes into a ```text fence)",
            )


def _fences(block: Block) -> list[tuple[str, str]]:
    found = [(match["info"].strip(), match["text"]) for match in _FENCED.finditer(block.text)]
    return [(info, "" if info == "text" else text) for info, text in found]


def _check_block(block: Block, kind: UnitKind, first: bool, note: Note) -> None:
    metadata = block.metadata
    for key in metadata:
        if key == "lang" and block.kind == "code":
            note(block.line, "a code cell has no lang: it is the same in every edition")
        elif key not in _CELL_KEYS[block.kind]:
            allowed = ", ".join(sorted(_CELL_KEYS[block.kind]))
            note(block.line, f'a {block.kind} cell has no "{key}"; it takes {allowed}')
    if not first and (extra := sorted(set(metadata) - {"lang"})):
        note(block.line, f'{", ".join(extra)} is written once, on the "{LANGUAGES[0]}" cell above')
    if "id" in metadata and not (isinstance(metadata["id"], str) and _ID.fullmatch(metadata["id"])):
        note(block.line, f'the id "{metadata["id"]}" is not lowercase words joined by "-"')
    slideshow = metadata.get("slideshow", {})
    if not isinstance(slideshow, Mapping) or set(slideshow) - {"slide_type"} or (
        slideshow and slideshow.get("slide_type") not in _SLIDES
    ):  # fmt: skip
        note(block.line, f"slideshow is {{slide_type: …}} with one of {', '.join(_SLIDES)}")
    if block.kind == "markdown":
        _check_markdown(block, note)
    elif INSTRUCTOR in metadata.get("tags", []):
        note(block.line, "a note for the instructor is a Markdown cell; code is run by everybody")
    _check_grading(block, kind, note)


def _check_markdown(block: Block, note: Note) -> None:
    prose = _FENCED.sub("", block.text)
    if "lang" not in block.metadata and re.search(r"[^\W\d_]", prose):
        note(block.line, f'this prose has no language; write +++ {{"lang": "{LANGUAGES[0]}"}} above it')
    for number, line in enumerate(block.text.split("\n")):
        if found := _DIRECTIVE.match(line) or _ROLE.search(_INLINE_CODE.sub("\0", line)):
            shown = found[0].strip().replace("\0", "`")
            note(block.text_line + number, f'JupyterLab shows MyST\'s "{shown}…" as it stands; use plain Markdown')


def _check_grading(block: Block, kind: UnitKind, note: Note) -> None:
    grading = block.metadata.get("nbgrader")
    if grading is not None:
        if kind != "lab":
            note(block.line, "only a lab is graded; leave nbgrader out of a notebook")
        for mistake in metadata_mistakes(grading, block.kind):
            note(block.line, mistake)
    for offset, mistake in region_mistakes(block.text, block.kind):
        note(block.text_line + offset, mistake)
    if has_region(block.text) and block.metadata.get("lang", LANGUAGES[0]) == LANGUAGES[0]:
        line = block.text_line + next(number for number, text in enumerate(block.text.split("\n")) if has_region(text))
        if kind != "lab":
            if turn_of(block.text) is None:
                note(line, 'a solution region belongs in a lab, or in the cell of a turn: check("05.turn-1", …)')
        elif not (isinstance(grading, Mapping) and grading.get("solution")):
            note(line, "a solution region stands in a cell with nbgrader: {grade_id: …, solution: true}")


def _check_ids(cells: Iterable[Cell], blocks: Sequence[Block], note: Note) -> None:
    seen: dict[str, int] = {}
    for cell in cells:
        line = blocks[cell.blocks[0]].line
        if is_rendered(cell.id) or (cell.id in seen and cell.own_id):
            where = f"on line {seen[cell.id]}" if cell.id in seen else "rendered by the build"
            note(line, f'duplicate id "{cell.id}": the cell {where} has it already; give this one another')
        elif cell.id in seen:
            write = ":id: a-name-of-its-own" if cell.kind == "code" else '"id": "a-name-of-its-own"'
            note(
                line,
                f"duplicate id: this cell equals the one on line {seen[cell.id]}; write {write} in its metadata",
            )
        seen.setdefault(cell.id, line)


def _check_turns(number: str, cells: Iterable[Cell], blocks: Sequence[Block], note: Note) -> None:
    code = [cell for cell in cells if cell.kind == "code"]
    bound = {cell.id: _names_bound(cell.text.into(LANGUAGES[0])) for cell in code}
    wanted = 1
    for cell in code:
        text = cell.text.into(LANGUAGES[0])
        turn = turn_of(text)
        if turn is None:
            continue
        line = blocks[cell.blocks[0]].line
        expected = f"{number}.turn-{wanted}"
        wanted += 1
        if str(turn) != expected or cell.id != turn.name:
            note(line, f'the turns of a unit are numbered in its order, and their cells have no id: "{expected}" here')
        if text.count("### BEGIN SOLUTION") != 1:
            note(line, f"the cell of {turn} has one solution region")
        for other in code:
            if other is not cell and (shared := sorted(bound[cell.id] & bound[other.id])):
                note(line, f"{turn} gives {', '.join(shared)} a value, and so does another cell; take another name")


def _names_bound(code: str) -> set[str]:
    """The names that a cell's code gives a value at its top level, apart from what it imports."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a cell that begins with % or !
        return set()
    found: set[str] = set()
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            todo += ast.iter_child_nodes(node)
    return found


def _check_setup(cells: Sequence[Cell], blocks: Sequence[Block], note: Note) -> None:
    code = [cell for cell in cells if cell.kind == "code"]
    naming = [cell for cell in code if _EDITION.search(cell.text.into(LANGUAGES[0]))]
    wanted = f'use("{LANGUAGES[0]}")'
    if not naming:
        line = blocks[code[0].blocks[0]].line if code else 1
        note(line, f"no setup cell: the first code cell imports use and calls {wanted}, which each edition replaces")
        return
    for cell in naming:
        block = blocks[cell.blocks[0]]
        calls = list(_EDITION.finditer(block.text))
        line = block.text_line + block.text[: calls[0].start()].count("\n")
        if cell is not code[0]:
            note(line, f"{wanted} stands in the first code cell, and only there")
        elif len(calls) > 1 or calls[0][2] != LANGUAGES[0]:
            note(line, f"the setup cell calls {wanted} once; the build writes each edition's own code there")
