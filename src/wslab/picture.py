"""What every picture of the kit shares: colours, themes, and one self-contained HTML output with a fallback.

A picture is an SVG image with alternative text (it shows in an untrusted notebook, in exported HTML without
scripts, and to a screen reader), the same facts as a table, and a script that turns the image into something
to step through. Nothing is loaded from anywhere.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from wslab.language import Text, current_language

# Okabe & Ito, "Color Universal Design" (2008): told apart by every common kind of colour vision.
BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"

AS_TABLE = Text(en="The same as a table", tr="Aynısı tablo olarak")

_CSS = """
.wslab{--ink:#1b1f24;--quiet:#57606a;--paper:#ffffff;--panel:#f6f8fa;--rule:#d0d7de;--focus:#0550ae;
 color:var(--ink);background:var(--paper);font:16px/1.4 system-ui,'DejaVu Sans',sans-serif;color-scheme:light}
.wslab *{box-sizing:border-box}
.wslab code,.wslab .mono{font-family:'DejaVu Sans Mono',ui-monospace,Menlo,Consolas,monospace}
.wslab button{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--quiet);border-radius:6px;
 padding:4px 12px;cursor:pointer}
.wslab :focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.wslab table{border-collapse:collapse;font-size:14px;color:var(--ink)}
.wslab.wslab th,.wslab.wslab td{border:1px solid var(--rule);padding:2px 8px;text-align:left;vertical-align:top}
.wslab summary{cursor:pointer;color:var(--ink);padding:4px 0}
.wslab img{max-width:100%;height:auto}
"""
_DARK = (
    """--ink:#e6edf3;--quiet:#9aa4af;--paper:#111418;--panel:#1c2128;--rule:#3d444d;--focus:#79c0ff;color-scheme:dark"""
)

_CODE = re.compile(r"`([^`]+)`")
STRONG = re.compile(r"(?<![\w*`])\*\*(?=\w)([^*`\n]*?\w)\*\*(?![\w*`])")
"""Emphasis of a whole word or phrase; the stars of 2**3 and **words are none."""

_numbers = itertools.count(1)


def markup(template: str, /, *values: object, **named: object) -> Markup:
    """HTML from a template in the syntax of `str.format`; every value is escaped unless it is `Markup` already.

    A `Text` appears in the reader's language. The template itself is trusted: never build it from data.

    >>> markup("<p>{} of {}</p>", "<b>", markup("<b>{}</b>", "&"))
    Markup('<p>&lt;b&gt; of <b>&amp;</b></p>')
    """
    return Markup(template).format(*values, **named)


def joined(parts: Iterable[object], between: str = "") -> Markup:
    """Pieces of HTML one after the other, `between` them text or `Markup`; what is not `Markup` is escaped."""
    return escape(between).join(part if isinstance(part, str) else str(part) for part in parts)


def sentence_html(text: object) -> Markup:
    """A sentence as HTML: everything escaped, `` `code` `` as code, `**words**` as strong."""
    escaped = str(escape(str(text)))
    return Markup(STRONG.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escaped)))


def stylesheet() -> str:
    """The rules that every picture and card shares; JupyterLab's dark theme and a dark system both count."""
    return (
        _CSS
        + f'[data-jp-theme-light="false"] .wslab{{{_DARK}}}\n'
        + f"@media (prefers-color-scheme:dark){{body:not([data-jp-theme-light]) .wslab{{{_DARK}}}}}\n"
    )


def new_id() -> str:
    """An element id that no other output of this or another kernel has."""
    return f"wslab-{os.getpid():x}-{next(_numbers)}-{os.urandom(3).hex()}"


def image(svg: str, alt: str) -> Markup:
    """`svg` as an `<img>` that also shows where scripts and inline SVG are stripped."""
    encoded = base64.b64encode(svg.encode()).decode("ascii")
    return markup('<img alt="{}" src="data:image/svg+xml;base64,{}">', alt, encoded)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of `table()` that is more than its content.

    Attributes:
        content: what stands in it, escaped unless it is `Markup`.
        kind: its CSS classes.
        head: whether it is the heading of its row.
    """

    content: object
    kind: str = ""
    head: bool = False


def _cell(cell: object, scope: str = "") -> Markup:
    if not isinstance(cell, Cell):
        cell = Cell(cell)
    scope = scope or ("row" if cell.head else "")
    name = "th" if scope else "td"
    attributes = (f' scope="{scope}"' if scope else "") + (f' class="{escape(cell.kind)}"' if cell.kind else "")
    # Not markup(): the table of a recording has thousands of cells, and this is three times as fast.
    return Markup(f"<{name}{attributes}>{escape(cell.content)}</{name}>")


def _row(cells: Iterable[object]) -> Markup:
    return markup("<tr>{}</tr>", joined(map(_cell, cells)))


def table(
    head: Iterable[object], rows: Iterable[Iterable[object]], caption: object = "", foot: Iterable[object] = ()
) -> Markup:
    """An HTML table; every cell, and the caption, is escaped unless it is `Markup`.

    Args:
        head: the names of the columns.
        rows: the cells of each row; a `Cell` where one is a heading or has a class.
        caption: "" for none.
        foot: a last row that sums up; empty for none.
    """
    feet = list(foot)
    return markup(
        "<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table>",
        caption=markup("<caption>{}</caption>", caption) if str(caption) else "",
        head=joined(_cell(name, "col") for name in head),
        body=joined(map(_row, rows)),
        foot=markup("<tfoot>{}</tfoot>", _row(feet)) if feet else "",
    )


def script_json(data: object) -> str:
    """`data` as JSON that can stand inside a `<script>` element: it holds no `</`, `<!--` or line separator."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return (
        text.replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )


def figure(*, fallback: str, facts: str, data: object, script: str, css: str = "", label: str = "") -> str:
    """One output: the fallback image, the facts as a table, and a script that takes the image's place.

    Args:
        fallback: what stands there until (or unless) the script runs, usually `image(…)`.
        facts: an HTML table with what the picture says.
        data: what the script needs, as JSON.
        script: the source of a JavaScript function expression `(root, data) => …`; `root` is the empty
            `<div class="wslab-live">` that is shown in place of the fallback. It must not throw on a second run.
        css: rules of this kind of picture, each selector starting with `.wslab`.
        label: the accessible name of the whole figure.
    """
    key = new_id()
    return (
        f'<div class="wslab" id="{key}" role="group" lang="{current_language()}" aria-label="{escape(label)}">'
        f"<style>{stylesheet()}{css}</style>"
        f'<div class="wslab-fallback">{fallback}</div>'
        f'<div class="wslab-live" hidden></div>'
        f'<details class="wslab-facts"><summary>{AS_TABLE}</summary>{facts}</details>'
        f"<script>(()=>{{const box=document.getElementById('{key}');if(!box)return;"
        "const live=box.querySelector('.wslab-live');live.replaceChildren();"
        f"({script})(live,{script_json(data)});"
        "box.querySelector('.wslab-fallback').hidden=true;live.hidden=false;})();</script></div>"
    )
