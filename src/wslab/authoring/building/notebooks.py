"""A unit in one language as a notebook: what JupyterLab opens, to the byte."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode

from wslab.authoring.building.definitions import Links
from wslab.authoring.building.embedding import embedded
from wslab.authoring.building.glossary import Term
from wslab.authoring.building.minutes import counted
from wslab.authoring.building.unit import Cell, Unit
from wslab.language import LANGUAGES, Text
from wslab.notebooks import (
    NEXT,
    ONE_WAY,
    SUMMARY,
    TITLE,
    Origin,
    cleared,
    digest,
    has_region,
    locked,
    region,
    without_markers,
)

LANGUAGE_NAMES: Mapping[str, str] = {"en": "English", "tr": "Türkçe"}
"""What each language calls itself."""

_MINUTES = Text(en="{minutes} minutes", tr="{minutes} dakika")
_OPTIONAL = Text(en=", and {minutes} for what is optional", tr=", isteğe bağlı bölümler için {minutes} dakika daha")
_POINTS = Text(en="{points:g} points", tr="{points:g} puan")
_PART = Text(en="part {part} of [the document]({document})", tr="[belgenin]({document}) {part}. kısmı")
_BEYOND = Text(en="beyond [the document]({document})", tr="[belgenin]({document}) ötesi")
_DOCUMENT = Text(en="docs/document.en.md", tr="docs/document.tr.md")
_FIRST = Text(en="First: {links}", tr="Önce: {links}")
_OBJECTIVES = {
    "notebook": Text(en="After this notebook you can", tr="Bu not defterinin sonunda"),
    "lab": Text(en="After this lab you can", tr="Bu alıştırmanın sonunda"),
}
_SUMMARY = Text(en="Key points", tr="Özet")
_NEXT = Text(en="Next: {link}", tr="Sırada: {link}")
_ONE_WAY = Text(en="One way to write it", tr="Bir yazım yolu")

_v4: Any = nbformat.v4  # its functions carry no types
_from_dict: Any = nbformat.from_dict
_writes: Any = nbformat.writes

_KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What stands around a unit: the units it builds on, the one that comes next, the glossary's terms, the kit.

    Attributes:
        version: of the kit that the notebooks are built for; empty where that isn't known.
        pictures: the drawings that it may show, by name.
    """

    before: Sequence[Unit] = ()
    after: Unit | None = None
    terms: Sequence[Term] = ()
    version: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def make_notebook(
    unit: Unit, around: Neighbours, language: str, folder: str, *, notes: bool = False, solved: bool = False
) -> NotebookNode:
    """An edition of a unit, without outputs.

    Args:
        unit: the notebook or lab.
        around: the units it links to.
        language: the edition.
        folder: `"notebooks"`, `"labs"` (solution regions become stubs, given cells are locked) or `"solutions"`.
        notes: keep the cells for the instructor, as speaker notes of the slides.
        solved: of a notebook, with its turns as the course writes them.
    """
    here = unit.built(folder, language)
    cells = [_title(unit, around, language, here, folder)]
    links = Links(around.terms, language, here)
    for cell in unit.cells:
        if notes or not cell.instructor:
            built = _cell(cell, language, folder, solved=solved)
            if built.cell_type == "markdown" and not (cell.instructor or cell.grading):
                built.source = embedded(links.into(built.source), around.pictures)
            cells.append(built)
            if folder == "notebooks" and has_region(cell.text.into(language)):
                cells.append(_one_way(cell, language))
    cells += _ending(unit, around, language, here)
    origin = Origin(unit.slug, language, folder, digest(cells), around.version)
    notebook: NotebookNode = _v4.new_notebook(
        cells=cells, metadata={**_KERNEL, "wslab": asdict(origin)}, nbformat_minor=5
    )
    return notebook


def to_bytes(notebook: NotebookNode) -> bytes:
    """The file: UTF-8, `\\n` line ends, keys in order, a line end at the end, as JupyterLab itself saves it."""
    text: str = _writes(notebook, version=nbformat.NO_CONVERT)
    return (text.rstrip("\n") + "\n").encode()


def _cell(cell: Cell, language: str, folder: str, *, solved: bool) -> NotebookNode:
    text = cell.text.into(language)
    metadata: dict[str, Any] = dict(cell.metadata)
    grading = cell.grading
    stubs = folder == "labs"
    if stubs and grading.get("solution"):
        text = cleared(text, cell.kind)
    elif folder == "notebooks" and has_region(text):
        text = without_markers(text) if solved else cleared(text, cell.kind)
    if stubs and grading:
        metadata.update(locked(grading))
    if cell.instructor:
        metadata["slideshow"] = {"slide_type": "notes"}
    if cell.kind == "markdown":
        return _node("markdown", cell.id, text, metadata)
    return _node("code", cell.id, text, metadata, execution_count=None, outputs=[])


def _one_way(cell: Cell, language: str) -> NotebookNode:
    code = region(cell.text.into(language))
    text = f"<details><summary>{_ONE_WAY.into(language)}</summary>\n\n```python\n{code}\n```\n\n</details>"
    return _rendered(f"{cell.id}{ONE_WAY}", text, "skip")


def _node(kind: str, cell_id: str, text: str, metadata: Mapping[str, Any], **more: Any) -> NotebookNode:
    # nbformat's own functions validate each cell, which takes long; here the notebook is validated as a whole.
    cell: NotebookNode = _from_dict(
        {"id": cell_id, "cell_type": kind, "metadata": dict(metadata), "source": text, **more}
    )
    return cell


def _title(unit: Unit, around: Neighbours, language: str, here: str, folder: str) -> NotebookNode:
    facts = [_MINUTES.into(language).format(minutes=unit.minutes)]
    if optional := counted(unit, optional=True).rounded:
        facts[0] += _OPTIONAL.into(language).format(minutes=optional)
    if unit.points:
        facts.append(_POINTS.into(language).format(points=unit.points))
    document = _relative(_DOCUMENT.into(language), here)
    if unit.part is not None:
        part = _PART.into(language).format(part=unit.part, document=document)
        facts.append(f"{part}, §{unit.sections}" if unit.sections else part)
    elif around.before:
        facts.append(_BEYOND.into(language).format(document=document))
    if around.before:
        links = ", ".join(_link(other, language, here) for other in around.before)
        facts.append(_FIRST.into(language).format(links=links))
    for other_language in LANGUAGES:
        if other_language != language:
            there = _relative(unit.built(folder, other_language), here)
            facts.append(f"[{LANGUAGE_NAMES.get(other_language, other_language)}]({there})")
    objectives = "\n".join(f"- {objective.into(language)}" for objective in unit.objectives)
    after = f"**{_OBJECTIVES[unit.kind].into(language)}**"
    text = "\n\n".join([f"# {name(unit, language)}", " | ".join(facts), after, objectives])
    return _rendered(TITLE, text, "slide")


def _ending(unit: Unit, around: Neighbours, language: str, here: str) -> list[NotebookNode]:
    points = "\n".join(f"- {point.into(language)}" for point in unit.key_points)
    cells = [_rendered(SUMMARY, f"## {_SUMMARY.into(language)}\n\n{points}", "slide")]
    if around.after is not None:
        link = _link(around.after, language, here)
        cells.append(_rendered(NEXT, _NEXT.into(language).format(link=link), "skip"))
    return cells


def _rendered(cell_id: str, text: str, slide_type: str) -> NotebookNode:
    return _node("markdown", cell_id, text, {"slideshow": {"slide_type": slide_type}})


def name(unit: Unit, language: str) -> str:
    """What the course calls a unit: `01 · server.py, step by step`."""
    return f"{unit.number} · {unit.title.into(language)}"


def _link(other: Unit, language: str, here: str) -> str:
    there = other.built("notebooks" if other.kind == "notebook" else "labs", language)
    return f"[{name(other, language)}]({_relative(there, here)})"


def _relative(there: str, here: str) -> str:
    return posixpath.relpath(there, posixpath.dirname(here))
