"""The way back: what was edited in a built notebook, carried into its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from wslab.authoring.building.definitions import unlinked
from wslab.authoring.building.editions import Course, read_course
from wslab.authoring.building.embedding import linked
from wslab.authoring.building.notebooks import make_notebook, to_bytes
from wslab.authoring.building.problems import BuildError, Problem
from wslab.authoring.building.reading import Source, read_source, write_block
from wslab.authoring.building.unit import INSTRUCTOR, Cell, Unit, derived_id, in_edition, make_unit
from wslab.language import LANGUAGES
from wslab.notebooks import Origin, digest, essence, has_region, is_rendered

_read_notebook: Any = nbformat.read  # it carries no types
_CARRIED = ("tags", "slideshow", "nbgrader")


@dataclass(slots=True)
class _Draft:
    """A source being rewritten: one entry a cell, each a list of blocks as they will stand in the file."""

    pieces: list[list[str]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)


def adopt(notebook_path: str | Path, root: str | Path = ".") -> list[str]:
    """Carry the edits of a built notebook back into its source.

    Code goes into the one shared cell, Markdown into the cell of the notebook's language; new, deleted and moved
    cells are followed. Tags, the slide type and nbgrader's metadata count as edits; outputs and what a front end keeps
    for itself do not. A changed cell keeps its id, which is written down where it would follow from the text. The
    notebook is marked as adopted.

    Args:
        notebook_path: the edited notebook, in its place or a copy of it.
        root: the checkout.

    Returns:
        A sentence for every edit that was carried over, and for every one that cannot be; none if nothing was edited.

    Raises:
        BuildError: this is no built notebook of the course, its source cannot be read or has changed since the notebook
            was built, or the edit is one that the source cannot hold. Nothing is written then.
    """
    root, path = Path(root), Path(notebook_path)
    edited = _read(path)
    origin = Origin.of(edited)
    if origin is None:
        raise _refusal(path, "this is no notebook that `wslab build` wrote")
    course = read_course(root)
    unit = next((unit for unit in course.units if unit.slug == origin.unit), None)
    if unit is None:
        raise BuildError(
            [problem for problem in course.problems if f"/{origin.unit}.md" in problem.file]
            or [Problem(path.name, 1, f'the course has no unit "{origin.unit}" any more')]
        )
    source = course.sources[unit.slug]
    before = _edition(course, unit, origin)
    if digest(edited.cells) == digest(before.cells):
        said = _rendered_edits(edited, before, unit, source)
        _mark_adopted(path, edited)
        return said
    if origin.content != digest(before.cells):
        raise _refusal(
            path,
            f"{unit.source} has changed since this notebook was built, so an edit cannot be told from older text; "
            f"move the notebook away, run `wslab build {unit.number}`, and make the edit in the new one",
        )
    draft = _rewritten(edited, before, unit, source, origin, path)
    text = _joined(source.head, draft.pieces)
    _prove(text, edited, unit, origin, course, path)
    (root / unit.source).write_text(text, "utf-8", newline="\n")
    _mark_adopted(path, edited)
    return draft.said + _rendered_edits(edited, before, unit, source)


def _read(path: Path) -> NotebookNode:
    try:
        notebook: NotebookNode = _read_notebook(path, as_version=4)
    except FileNotFoundError:
        raise _refusal(path, "there is no such file") from None
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise _refusal(path, f"this is no notebook: {str(error).splitlines()[0]}") from error
    return notebook


def _refusal(path: Path, message: str) -> BuildError:
    return BuildError([Problem(path.as_posix(), 1, message)])


def _edition(course: Course, unit: Unit, origin: Origin) -> NotebookNode:
    return make_notebook(unit, course.neighbours(unit), origin.language, origin.folder)


def _mark_adopted(path: Path, edited: NotebookNode) -> None:
    content = digest(edited.cells)
    if edited.metadata["wslab"]["content"] != content:
        edited.metadata["wslab"]["content"] = content
        path.write_bytes(to_bytes(edited))


def _rendered_edits(edited: NotebookNode, before: NotebookNode, unit: Unit, source: Source) -> list[str]:
    now = {cell.id: cell.source.strip() for cell in edited.cells}
    line = source.front.line("unit")
    return [
        f'{unit.source}:{line}: the "{cell.id}" cell is rendered from here; its edit was not carried over, make it here'
        for cell in before.cells
        if is_rendered(cell.id) and now.get(cell.id) != cell.source.strip()
    ]


def _rewritten(
    edited: NotebookNode, before: NotebookNode, unit: Unit, source: Source, origin: Origin, path: Path
) -> _Draft:
    """The source's cells in the order of the edited notebook, changed where it is."""
    by_id = {cell.id: cell for cell in unit.cells}
    built = {cell.id: cell for cell in before.cells}
    draft = _Draft(ids=set(by_id))
    followers = _instructor_followers(unit.cells)
    kept: list[str] = []

    def follow(anchor: str | None) -> None:
        for cell in followers.get(anchor, ()):
            draft.pieces.append([source.blocks[index].raw for index in cell.blocks])

    follow(None)
    for number, cell in enumerate(edited.cells, 1):
        if is_rendered(cell.id):
            continue
        if cell.id in by_id and cell.id not in kept and cell.cell_type == by_id[cell.id].kind:
            kept.append(cell.id)
            draft.pieces.append(_kept(cell, built[cell.id], by_id[cell.id], source, origin, unit, path, draft))
            follow(cell.id)
        elif essence(cell)[1]:
            if cell.cell_type == "raw":
                raise _refusal(
                    path, f"cell {number} is a raw cell, which a source cannot hold; make it Markdown or code"
                )
            draft.pieces.append(_new(cell, number, origin, unit, draft))
    for cell in unit.cells:
        if not cell.instructor and cell.id not in kept:
            line = source.blocks[cell.blocks[0]].line
            what = "in every language" if cell.kind == "markdown" and len(cell.blocks) > 1 else "in every edition"
            draft.said.append(f"{unit.source}:{line}: deleted this {cell.kind} cell, {what}")
            follow(cell.id)
    learners = [cell.id for cell in unit.cells if not cell.instructor and cell.id in kept]
    if kept != learners:
        draft.said.append(f"{unit.source}: moved cells into the notebook's order, in every edition")
    return draft


def _written(cell: NotebookNode) -> tuple[str, str, dict[str, Any]]:
    """What the source holds of a cell: its essence, without what the build puts in: links, pictures."""
    kind, text, metadata = essence(cell)
    return kind, linked(unlinked(text)) if kind == "markdown" else text, metadata


def _instructor_followers(cells: Sequence[Cell]) -> dict[str | None, list[Cell]]:
    """The cells that no learner sees, by the cell that they come after: there they stay."""
    followers: dict[str | None, list[Cell]] = {}
    anchor: str | None = None
    for cell in cells:
        if cell.instructor:
            followers.setdefault(anchor, []).append(cell)
        else:
            anchor = cell.id
    return followers


def _kept(
    cell: NotebookNode,
    built: NotebookNode,
    known: Cell,
    source: Source,
    origin: Origin,
    unit: Unit,
    path: Path,
    draft: _Draft,
) -> list[str]:
    blocks = [source.blocks[index] for index in known.blocks]
    raws = [block.raw for block in blocks]
    (_, text, metadata), (_, old_text, old_metadata) = _written(cell), _written(built)
    if text == old_text and metadata == old_metadata:
        return raws
    if origin.folder == "labs" and known.grading.get("solution") and text != old_text:
        there = unit.built("solutions", origin.language)
        raise _refusal(path, f'the cell "{cell.id}" is a stub, made from the solution; edit {there} and adopt that')
    if unit.kind == "notebook" and has_region(blocks[0].text) and text != old_text:
        where = f"{unit.source}:{blocks[0].line}"
        raise _refusal(path, f'the cell "{cell.id}" is a stub, made from the solution; edit {where}')
    spoken = [str(block.metadata.get("lang", origin.language)) for block in blocks]
    place = spoken.index(origin.language) if known.kind == "markdown" else 0
    texts = [block.text for block in blocks]
    if text != old_text:
        texts[place] = in_edition(text, LANGUAGES[0]) if known.kind == "code" else text
    given = [dict(block.metadata) for block in blocks]
    if metadata != old_metadata:
        given[0] = _with(given[0], metadata)
    if not known.own_id and derived_id(known.kind, texts[0]) != known.id:
        given[0]["id"] = known.id
    draft.said.append(f"{unit.source}:{blocks[place].line}: changed this {known.kind} cell")
    return [
        raw if new == block.text and now == dict(block.metadata) else write_block(known.kind, new, _ordered(now))
        for raw, new, now, block in zip(raws, texts, given, blocks, strict=True)
    ]


def _new(cell: NotebookNode, number: int, origin: Origin, unit: Unit, draft: _Draft) -> list[str]:
    kind, text, metadata = _written(cell)
    given: dict[str, Any] = _with({"lang": origin.language} if kind == "markdown" else {}, metadata)
    code = in_edition(text, LANGUAGES[0])
    if kind == "code" and "nbgrader" not in given:
        wanted = first = derived_id(kind, code)
        count = 1
        while wanted in draft.ids:
            count += 1
            wanted = f"{first}-{count}"
        draft.ids.add(wanted)
        if wanted != first:
            given["id"] = wanted
    also = "" if kind == "code" else "; the other languages are still to be written, next to it"
    draft.said.append(f"{unit.source}: added cell {number} ({kind}){also}")
    return [write_block("code" if kind == "code" else "markdown", code if kind == "code" else text, _ordered(given))]


def _with(given: dict[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A block's metadata with what was edited in the notebook, in the source's short form."""
    tags = [tag for tag in given.get("tags", []) if tag == INSTRUCTOR] + list(metadata.get("tags", []))
    kept = {key: value for key, value in given.items() if key not in _CARRIED}
    if tags:
        kept["tags"] = tags
    if "slideshow" in metadata:
        kept["slideshow"] = metadata["slideshow"]
    if "nbgrader" in metadata:
        full = metadata["nbgrader"]
        short = {key: True for key in ("grade", "solution", "task") if full.get(key)}
        if full.get("locked") and not full.get("grade"):
            short["locked"] = True
        points = {"points": full["points"]} if full.get("grade") and "points" in full else {}
        kept["nbgrader"] = {"grade_id": full.get("grade_id"), **short, **points}
    return kept


def _ordered(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata in the order in which people write it."""
    order = ("lang", "id", "nbgrader", "tags", "slideshow")
    return {key: metadata[key] for key in (*order, *metadata) if key in metadata}


def _joined(head: str, pieces: Sequence[Sequence[str]]) -> str:
    """A file from its blocks: a blank line after each, and `+++` wherever Markdown would run into Markdown."""
    text = head
    after_markdown = False
    for piece in (block for pieces_of_cell in pieces for block in pieces_of_cell):
        fence = piece.startswith(("```", "~~~"))
        code = fence and "{code-cell}" in piece.split("\n", 1)[0]
        block = piece if code or piece.startswith("+++") or not after_markdown else f"+++\n\n{piece}"
        text += block if block.endswith("\n\n") else block.rstrip("\n") + "\n\n"
        after_markdown = not code
    return text.rstrip("\n") + "\n"


def _prove(text: str, edited: NotebookNode, unit: Unit, origin: Origin, course: Course, path: Path) -> None:
    """Build the new source once, and refuse it unless it gives the notebook that was edited.

    Mistakes that a person mends in the source (a translation that is missing) are the next build's to tell.
    """
    problems: list[str] = []
    source = read_source(text, lambda _, message: problems.append(message))
    again = None if source is None else make_unit(unit.slug, unit.kind, unit.source, source, (), lambda _, __: None)
    if again is None or problems:
        raise _refusal(path, "; ".join(["this edit cannot be written in the source", *problems]))
    built = make_notebook(again, course.neighbours(unit), origin.language, origin.folder)
    wanted = [_written(cell) for cell in edited.cells if not is_rendered(cell.id) and essence(cell)[1]]
    given = [_written(cell) for cell in built.cells if not is_rendered(cell.id)]
    for number, (one, other) in enumerate(zip(wanted, given, strict=False), 1):
        if one != other:
            start = one[1].split("\n")[0][:60]
            raise _refusal(path, f'the source cannot hold the {one[0]} cell that begins "{start}" (number {number})')
    if len(wanted) != len(given):
        raise _refusal(path, "the source cannot hold this notebook's cells as they are; adopt fewer edits at a time")
