"""A lesson as pages: the run sheet of a plan, and one deck of the sections that the plan shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from wslab.authoring import building
from wslab.authoring.publishing.decks import deck_of_parts
from wslab.authoring.teaching import Plan, part_of
from wslab.language import Text
from wslab.picture import markup, stylesheet

FOLDER = "build/lessons"
"""Where a lesson's pages go, from the root of the checkout."""

_SLIDES = Text(en="The slides of these sections", tr="Bu bölümlerin slaytları")

_CSS = """
body{margin:0}
main.wslab{max-width:46rem;margin:0 auto;padding:16px;font-size:17px}
main h1{font-size:1.6rem}
main h2{font-size:1.35rem;border-bottom:2px solid var(--rule)}
main h3{font-size:1.15rem;margin:1.6rem 0 .4rem;padding:4px 10px;background:var(--panel);border-left:6px solid #0072B2}
main h4{font-size:1.05rem;margin:1rem 0 .3rem}
main a{color:var(--focus)}
main li{margin:.2rem 0}
@media print{main h3{break-after:avoid}main h4{break-after:avoid}}
"""


def lesson(root: Path, plan: Plan, sheet: str, language: str) -> Iterator[Path]:
    """Write a plan's run sheet and its deck into `build/lessons`; each file works alone and offline.

    Args:
        root: the checkout.
        plan: the plan.
        sheet: its run sheet as Markdown.
        language: of both.

    Returns:
        The files, each as soon as it is written.

    Raises:
        BuildError: a source of the course has a mistake.
        PublishingError: a notebook cannot be run.
    """
    folder = root / FOLDER / language
    folder.mkdir(parents=True, exist_ok=True)
    items = [item for session in plan.sessions for item in session.items if not item.home and item.unit is not None]
    parts = [part_of(item.unit, item.sections) for item in items if item.unit and item.unit.kind == "notebook"]
    slides = folder / f"{plan.name}-slides.html"
    page = folder / f"{plan.name}.html"
    page.write_text(run_sheet_page(sheet, plan, language, slides.name if parts else ""), "utf-8", newline="\n")
    yield page
    if parts:
        linked = [unit for unit in building.units(root) if unit.kind == "notebook"]
        deck = deck_of_parts(root, plan.title.into(language), parts, language, linked)
        slides.write_text(deck, "utf-8", newline="\n")
        yield slides


def run_sheet_page(sheet: str, plan: Plan, language: str, slides: str) -> Markup:
    """A run sheet as a page that can be printed.

    Args:
        sheet: the run sheet as Markdown.
        plan: the plan.
        language: of the page.
        slides: the address of its deck, "" if it has none.
    """
    from markdown_it import MarkdownIt

    link = markup('<p><a href="{}">{}</a></p>', slides, _SLIDES.into(language)) if slides else ""
    return markup(
        '<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
        '<link rel="icon" href="data:,"><style>{style}</style></head>'
        '<body><main class="wslab">{link}{body}</main></body></html>\n',
        language=language,
        title=plan.title.into(language).replace("`", ""),
        style=Markup(stylesheet() + _CSS),
        link=link,
        # Raw HTML in Markdown is escaped.
        body=Markup(MarkdownIt("commonmark", {"html": False}).render(sheet)),
    )
