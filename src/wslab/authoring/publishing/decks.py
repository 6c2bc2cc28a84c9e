"""Slides: a self-contained reveal.js page for each notebook and language, made from an executed edition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from wslab.authoring import building
from wslab.authoring.building import Unit
from wslab.authoring.building.notebooks import name
from wslab.authoring.publishing.executing import outputs
from wslab.authoring.publishing.linking import relink_notebook
from wslab.authoring.publishing.showing import filled
from wslab.language import LANGUAGES, Text

FOLDER = "build/slides"
"""Where the decks go, from the root of the checkout."""

_WORDS = {
    "more": Text(en="… {count} more lines in the notebook", tr="… {count} satır daha not defterinde"),
    "next": Text(en="Next slide", tr="Sonraki slayt"),
    "previous": Text(en="Previous slide", tr="Önceki slayt"),
}


def slides(root: str | Path = ".", only: Iterable[str] = (), languages: Sequence[str] = LANGUAGES) -> Iterator[Path]:
    """Write the decks, one after the other, into `build/slides`; each file works alone, from anywhere, offline.

    Args:
        root: the checkout.
        only: numbers or names of notebooks (`"05"`); none for all.
        languages: the editions.

    Returns:
        The files, each as soon as it is written.

    Raises:
        BuildError: a source of the course has a mistake, or there is no such unit.
        PublishingError: a notebook cannot be run.
    """
    root = Path(root)
    linked = [unit for unit in building.units(root) if unit.kind == "notebook"]
    for unit in building.units(root, only):
        for language in languages if unit.kind == "notebook" else ():
            path = root / FOLDER / language / f"{unit.slug}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(deck(root, unit, language, linked), encoding="utf-8", newline="\n")
            yield path


def deck(root: Path, unit: Unit, language: str, units: Sequence[Unit]) -> str:
    """A notebook as slides with the instructor's notes: the HTML of the whole file.

    Args:
        root: the checkout.
        unit: the notebook.
        language: the edition.
        units: every notebook that has a deck, for the links between them.
    """
    return _exported(_shown(root, unit, language, units), _plain(name(unit, language)), language)


def deck_of_parts(root: Path, title: str, parts: Sequence[Unit], language: str, units: Sequence[Unit]) -> str:
    """Parts of notebooks, one after the other, as one deck: the HTML of the whole file.

    Args:
        root: the checkout.
        title: of the deck.
        parts: notebooks with only those cells that are shown.
        language: the edition.
        units: every notebook that has a deck, for the links.
    """
    cells: list[NotebookNode] = []
    for number, part in enumerate(parts):
        ids = {cell.id for cell in part.cells}
        shown = _shown(root, part, language, units)
        heading, *rest = shown.cells
        mine = [heading, *(cell for cell in rest if cell.id in ids)]
        for cell in mine:
            cell.id = f"{number}-{cell.id}"[:64]  # two notebooks may use the same id
        for cell in mine[:2]:  # the title, and the first cell of what is shown
            cell.metadata.setdefault("slideshow", {})["slide_type"] = "slide"
        cells += mine
    shown.cells = cells
    return _exported(shown, _plain(title), language)


def _shown(root: Path, unit: Unit, language: str, units: Sequence[Unit]) -> NotebookNode:
    """A notebook with the instructor's notes, its outputs, and links that lead to decks."""
    notebook = building.notebook(root, unit.slug, language, notes=True)
    filled(notebook, outputs(root, unit, language), root, language)
    decks = {other.built("notebooks", spoken): (other, spoken) for other in units for spoken in LANGUAGES}

    def leads(path: str) -> str | None:
        if path not in decks:
            return None
        other, spoken = decks[path]
        return f"{other.slug}.html" if spoken == language else f"../{spoken}/{other.slug}.html"

    relink_notebook(notebook, unit.built("notebooks", language), leads)
    return notebook


def _exported(notebook: NotebookNode, title: str, language: str) -> str:
    from nbconvert import exporters

    make: Any = exporters.SlidesExporter  # it carries no types
    exporter = make(
        template_name="wslab-slides",
        extra_template_basedirs=[str(_HERE / "templates")],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    words = {key: text.into(language) for key, text in _WORDS.items()} | {"title": title}
    parts = {
        "language": language,
        "title": title,
        "styles": "\n".join([_text("reveal", "reveal.css"), _pygments(), _text("deck.css")]),
        "scripts": [
            _script(_text("reveal", "reveal.js")),
            _script(_text("reveal", "notes.js")),
            _script(f"({_text('deck.js')})({json.dumps(words, ensure_ascii=False)})"),
        ],
    }
    html, _ = exporter.from_notebook_node(notebook, {"deck": parts})
    return str(html)


_HERE = Path(str(resources.files("wslab.authoring.publishing")))


def _text(*names: str) -> str:
    return _HERE.joinpath(*names).read_text(encoding="utf-8")


def _script(source: str) -> str:
    """A script that can stand inside a `<script>` element."""
    return re.sub(r"</(?=script)", r"<\\/", source, flags=re.IGNORECASE)


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")


def _pygments() -> str:
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    return str(HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".deck-page .highlight"))
