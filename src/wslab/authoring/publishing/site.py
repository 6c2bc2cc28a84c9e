"""The reading site: both editions as static pages, with what their cells showed, a search and a switch of language."""

from __future__ import annotations

import io
import json
import posixpath
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from wslab.authoring import building
from wslab.authoring.building import Unit
from wslab.authoring.building.notebooks import LANGUAGE_NAMES, name
from wslab.authoring.publishing import api
from wslab.authoring.publishing.executing import PublishingError, outputs
from wslab.authoring.publishing.linking import relink_notebook
from wslab.authoring.publishing.showing import filled
from wslab.language import LANGUAGES, Text
from wslab.links import relinked

FOLDER = "build/site"
"""Where the site goes, from the root of the checkout: `index.html`, and a folder for each language."""

_WORK = "build/site-work"
_HERE = Path(str(resources.files("wslab.authoring.publishing"))) / "sphinx"
_FOLDERS = {"notebook": "notebooks", "lab": "labs"}

_TITLE = "WebSocket Lab"
_COURSE = Text(en="The course", tr="Kurs")
_FOR_TEACHERS = Text(en="For instructors", tr="Eğitmenler için")
_SEARCH = Text(en="Search the course …", tr="Kursta ara …")
_INTRODUCTION = Text(
    en="FastAPI WebSockets and asyncio, taught by real things that happen: a real server, real clients, every byte "
    "between them, and a film of the event loop. These pages are for reading, and show what the notebooks’ cells "
    "showed when they were run. The pictures work here too: step through them, zoom in, unfold a frame. To run and "
    "change a cell, to answer the predictions and to have the labs checked, open the notebooks in JupyterLab: "
    "`make lab`.",
    tr="FastAPI WebSocket'leri ve asyncio, gerçekten olan şeylerle: gerçek bir sunucu, gerçek istemciler, "
    "aralarındaki her bayt ve olay döngüsünün kaydı. Bu sayfalar okumak içindir; not defterlerinin hücreleri "
    "çalıştırıldığında ne gösterdiyse burada o var. Resimler burada da çalışır: adım adım gezin, yakınlaştırın, bir "
    "çerçeveyi açın. Hücreleri çalıştırıp değiştirmek, tahminleri yanıtlamak ve alıştırmalarınızı denetletmek için not "
    "defterlerini JupyterLab'de açın: `make lab`.",
)
_MAP = Text(en="The map of the course", tr="Kursun haritası")
_HEAD = (Text(en="unit", tr="birim"), Text(en="minutes", tr="dakika"), Text(en="first", tr="önce"))
_TOTAL = Text(
    en="{count} units, {hours} h {minutes} min in all. A lab has no solutions here: writing them is the point.",
    tr="Toplam {count} birim, {hours} sa {minutes} dk. Alıştırmaların çözümleri burada yok: onları siz yazacaksınız.",
)
_CHOOSE = Text(en="Read in English", tr="Türkçe okuyun")
_FAULTY = Text(
    en="The site was not built, since pages of it are faulty:\n{warnings}",
    tr="Site oluşturulmadı, sayfalarında hata var:\n{warnings}",
)
_IN_THE_NOTEBOOK = Text(en="Unfold this cell in the notebook.", tr="Bu hücreyi not defterinde açın.")
_TO_LOOK_UP = Text(en="To look up", tr="Başvuru")
_API = "docs/api"
# Pages of docs/ by the part of the site that they are in; `docs/document.tr.md`, and without an ending in English if
# there is no `document.en.md`.
_DOCS: Mapping[Text, Sequence[str]] = {
    _TO_LOOK_UP: ("glossary", "document", "scale", "api"),
    _FOR_TEACHERS: ("instructor-guide",),
}

_OUTCOME = re.compile(r"\.outcome\(")
_FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)

_write: Any = nbformat.write  # they carry no types
_markdown_cell: Any = nbformat.v4.new_markdown_cell


@dataclass(frozen=True, slots=True)
class _Edition:
    """One language of the site: what is on it, by its name on the site, without an ending, and whom it is for."""

    language: str
    units: Mapping[str, Unit]
    docs: Mapping[str, str]
    students: bool = False

    @property
    def pages(self) -> frozenset[str]:
        return frozenset({"index", "search", _API, *self.units, *self.docs})

    def leads(self, others: Sequence[_Edition], here: str) -> Any:
        """Where a path of the checkout is found, for a link on the page `here`."""

        def lead(path: str) -> str | None:
            for page, unit in self.units.items():
                if path in (unit.built(_FOLDERS[unit.kind], self.language), f"labs/{self.language}/{unit.slug}"):
                    return posixpath.relpath(f"{page}.ipynb", posixpath.dirname(here))
            for page, source in self.docs.items():
                if path == source:
                    return posixpath.relpath(f"{page}.md", posixpath.dirname(here))
            for other in others:
                for page, unit in other.units.items():
                    if path == unit.built(_FOLDERS[unit.kind], other.language):
                        return f"wslab:{other.language}/{page}.html"
                for page, source in other.docs.items():
                    if path == source:
                        return f"wslab:{other.language}/{page}.html"
            return None

        return lead


def site(
    root: str | Path = ".", only: Iterable[str] = (), languages: Sequence[str] = LANGUAGES, *, students: bool = False
) -> Path:
    """Write the reading site into `build/site`; it works from the file system, and asks no address for anything.

    Args:
        root: the checkout.
        only: numbers or names of units (`"05"`, `"L1"`) that are on it; none for the whole course.
        languages: the editions.
        students: leave out the instructor's guide, the outputs of cells that answer a prediction, folded answers and
            folded cells.

    Returns:
        Its first page.

    Raises:
        BuildError: a source of the course has a mistake.
        PublishingError: a notebook cannot be run, or a page is faulty: a link that leads nowhere, for one.
    """
    root = Path(root).resolve()
    units = building.units(root, only)
    editions = [_edition(root, units, language, students) for language in languages]
    target = root / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    for edition in editions:
        work = root / _WORK / edition.language
        shutil.rmtree(work, ignore_errors=True)
        _write_sources(root, edition, [other for other in editions if other is not edition], work / "source")
        _build(edition, editions, work, target / edition.language)
    first = target / "index.html"
    first.write_text(_first_page(languages), encoding="utf-8", newline="\n")
    (target / ".nojekyll").touch()  # GitHub's pages would leave out folders that begin with _
    return first


def _edition(root: Path, units: Sequence[Unit], language: str, students: bool) -> _Edition:
    endings = [f".{language}", *([""] if language == LANGUAGES[0] else [])]
    docs = {}
    parts = [docs for title, docs in _DOCS.items() if not (students and title is _FOR_TEACHERS)]
    for page in (f"docs/{doc}" for part in parts for doc in part):
        there = (f"{page}{ending}.md" for ending in endings)
        if (source := next((path for path in there if (root / path).is_file()), None)) is not None:
            docs[page] = source
    return _Edition(language, {f"{_FOLDERS[unit.kind]}/{unit.slug}": unit for unit in units}, docs, students)


# What Sphinx reads


def _write_sources(root: Path, edition: _Edition, others: Sequence[_Edition], folder: Path) -> None:
    language = edition.language
    for page, unit in edition.units.items():
        notebook = building.notebook(root, unit.slug, language)
        if unit.kind == "notebook":
            filled(notebook, outputs(root, unit, language), root, language)
        if edition.students:
            without_answers(notebook, language)
        relink_notebook(notebook, unit.built(_FOLDERS[unit.kind], language), edition.leads(others, page))
        path = folder / f"{page}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(anchored(notebook), path)
    for page, source in edition.docs.items():
        text = under_one_title((root / source).read_text(encoding="utf-8"))
        text = relinked(text, source, edition.leads(others, page))
        path = folder / f"{page}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    (folder / f"{_API}.md").write_text(api.page(language), encoding="utf-8", newline="\n")
    (folder / "index.md").write_text(_course_map(edition), encoding="utf-8", newline="\n")


def anchored(notebook: NotebookNode) -> NotebookNode:
    """`notebook` with an anchor before each cell, `cell-` and its id: the same in every edition."""
    cells = []
    for cell in notebook.cells:
        anchor = f'<span class="cell-anchor" id="cell-{cell.id}"></span>'
        if cell.cell_type == "markdown":
            cell.source = f"{anchor}\n\n{cell.source}"
        else:
            cells.append(_markdown_cell(anchor, id=f"a-{cell.id}"))
        # What JupyterLab or nbgrader reads there is nothing to a page.
        cell.metadata = {}
        cells.append(cell)
    notebook.cells = cells
    return notebook


def without_answers(notebook: NotebookNode, language: str) -> NotebookNode:
    """`notebook` without what answers a question: outputs of cells that measure a prediction, and folded answers.

    A page folds nothing, so a cell that the notebook keeps folded is left out with its output.
    """
    for cell in notebook.cells:
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.source = f"# {_IN_THE_NOTEBOOK.into(language)}"
            cell.outputs = []
        elif cell.cell_type == "code" and _OUTCOME.search(cell.source):
            cell.outputs = []
        elif cell.cell_type == "markdown":
            cell.source = _FOLDED.sub("", cell.source)
    return notebook


def under_one_title(text: str) -> str:
    """Markdown whose first heading is its title: where others are as high, all that follow it are one level lower."""
    fenced, titles, heads = False, 0, []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and re.match(r"#{1,5} ", line):
            titles += line.startswith("# ")
            heads.append(number)
    if titles > 1:
        for number in heads[1:]:
            lines[number] = f"#{lines[number]}"
    return "\n".join(lines)


def _course_map(edition: _Edition) -> str:
    """The first page: every unit with its minutes and what comes before it, and the tree that the side bar shows."""
    language = edition.language
    by_number = {unit.number: page for page, unit in edition.units.items()}
    heads = [head.into(language) for head in _HEAD]
    rows = []
    for page, unit in edition.units.items():
        before = [
            f"[{number}]({by_number[number]}.ipynb)" if number in by_number else number for number in unit.prerequisites
        ]
        rows.append(f"| [{name(unit, language)}]({page}.ipynb) | {unit.minutes} | {', '.join(before)} |")
    minutes = sum(unit.minutes for unit in edition.units.values())
    total = _TOTAL.into(language).format(count=len(edition.units), hours=minutes // 60, minutes=minutes % 60)
    parts = [
        f"# {_TITLE}",
        _INTRODUCTION.into(language),
        f"## {_MAP.into(language)}",
        f"| {heads[0]} | {heads[1]} | {heads[2]} |\n| --- | ---: | --- |\n" + "\n".join(rows),
        total,
        _tree(edition.units, _COURSE.into(language)),
    ]
    for title, docs in _DOCS.items():
        pages = [page for page in (f"docs/{doc}" for doc in docs) if page in edition.pages]
        if pages:
            links = "\n".join(f"- [](/{page}.md)" for page in pages)
            parts += [f"## {title.into(language)}", links, _tree(pages, title.into(language))]
    return "\n\n".join(parts) + "\n"


def _tree(pages: Iterable[str], caption: str) -> str:
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```"


# What Sphinx writes


def _build(edition: _Edition, editions: Sequence[_Edition], work: Path, target: Path) -> None:
    from sphinx import locale
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = io.StringIO()
    locale.translators.clear()  # they would go on to speak the language of the build before
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            srcdir=work / "source",
            confdir=None,
            outdir=target,
            doctreedir=work / "doctrees",
            buildername="html",
            confoverrides=_configuration(edition, editions, work),
            status=None,
            warning=warnings,
            freshenv=True,
        )
        app.build()
    if said := warnings.getvalue().strip():
        raise PublishingError(_FAULTY, warnings=said)
    for left in ("objects.inv", ".buildinfo", "_static/webpack-macros.html"):
        (target / left).unlink(missing_ok=True)
    for folder in (target / "_sources", target.parent / "jupyter_execute"):  # copies that myst-nb keeps
        shutil.rmtree(folder, ignore_errors=True)


def _configuration(edition: _Edition, editions: Sequence[_Edition], work: Path) -> dict[str, Any]:
    language = edition.language
    others = [
        {"code": other.language, "name": LANGUAGE_NAMES.get(other.language, other.language), "pages": other.pages}
        for other in editions
        if other is not edition
    ]
    return {
        "project": _TITLE,
        "language": language,
        **api.CONFIGURATION,
        "extensions": ["myst_nb", *api.EXTENSIONS],
        "locale_dirs": [str(_catalogue(work, language))],
        "nb_execution_mode": "off",
        "nb_ipywidgets_js": {},
        "nb_merge_streams": True,
        "myst_url_schemes": {"http": None, "https": None, "mailto": None, "wslab": "../../{{path}}"},
        "myst_heading_anchors": 4,
        # An edition is a text of its own: where a heading is too deep for what stands above it is no fault of a link.
        "suppress_warnings": ["myst.header"],
        "html_theme": "pydata_sphinx_theme",
        "html_title": _TITLE,
        "templates_path": [str(_HERE / "templates")],
        "html_static_path": [str(_HERE / "static")],
        "html_css_files": ["wslab-site.css"],
        "html_js_files": ["wslab-site.js"],
        "html_sidebars": {"**": ["units.html"]},
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_use_index": False,
        "html_permalinks": False,
        "html_context": {
            "default_mode": "auto",
            "wslab_other_languages": others,
            "wslab_words": {"course": _COURSE.into(language)},
        },
        "html_theme_options": {
            "navbar_center": [],
            "navbar_end": ["language-switch", "theme-switcher"],
            "navbar_persistent": ["site-search"],
            "footer_start": [],
            "footer_end": [],
            "secondary_sidebar_items": ["page-toc"],
            "search_bar_text": _SEARCH.into(language),
            "show_toc_level": 2,
        },
    }


def _catalogue(work: Path, language: str) -> Path:
    """The words of the theme and the search in a language that lacks them, compiled; a folder as gettext wants it."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    source = _HERE / "locale" / language / "sphinx.po"
    folder = work / "locale"
    if source.is_file():
        compiled = folder / language / "LC_MESSAGES" / "sphinx.mo"
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as words, compiled.open("wb") as file:
            write_mo(file, read_po(words, locale=language))
        shutil.copy(source.with_suffix(".js"), compiled.parent)
    return folder


def _first_page(languages: Sequence[str]) -> str:
    """The page above both languages: it asks, and the browser's own language has the focus."""
    links = "\n".join(
        f'<p><a href="{language}/index.html" lang="{language}" hreflang="{language}">{_CHOOSE.into(language)}</a></p>'
        for language in languages
    )
    return f"""<!doctype html>
<html lang="{languages[0]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_TITLE}</title>
<style>
body{{font:20px/1.5 system-ui,'DejaVu Sans',sans-serif;margin:12vh auto;max-width:28em;padding:0 1em}}
:root{{color-scheme:light dark}}
a{{font-weight:600}}
</style>
</head>
<body>
<main>
<h1>{_TITLE}</h1>
{links}
</main>
<script>
const own = {json.dumps(list(languages))}.find((language) => navigator.language.startsWith(language));
if (own) document.querySelector(`a[hreflang="${{own}}"]`).focus();
</script>
</body>
</html>
"""
