"""What a notebook's outputs are where no kernel runs: on a slide and on a page of the reading site."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from wslab.authoring.publishing.executing import Outputs
from wslab.language import Text
from wslab.picture import stylesheet
from wslab.predictions.cards import NO_PREDICTION, RUN_TO_ANSWER, YOUR_PREDICTION

_IN_THE_NOTEBOOK = Text(en="You answer this in the notebook.", tr="Bunu not defterinde yanıtlarsınız.")
_PAGE = Text(
    en="In the notebook this cell shows the server’s page {path}, for you to try.",
    tr="Not defterinde bu hücre, sunucunun {path} sayfasını denemeniz için gösterir.",
)
_WIDGET = "application/vnd.jupyter.widget-view+json"
_LINK = re.compile(r"<a [^>]*>(.*?)</a>", re.DOTALL)
_SCRIPT = re.compile(r"<script>.*?</script>", re.DOTALL)
_HIDDEN = re.compile(r'<p class="wslab-unreachable" hidden>.*?</p>', re.DOTALL)
_PATH = re.compile(r'data-path="([^"]*)"')
_CELL_FILE = re.compile(r"ipykernel_\d+[/\\](\d+\.py)")
_NO_PATH = set(" \t\n\"';&<>([")  # what ends a path, read backwards


def filled(notebook: NotebookNode, shown: Outputs, root: Path, language: str) -> NotebookNode:
    """`notebook` with the outputs of its cells, as they are to be read without a kernel.

    Args:
        notebook: an edition without outputs; it is changed.
        shown: what its cells showed when they were run.
        root: the checkout, whose place on this machine is nobody's business.
        language: the edition.
    """
    number = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [still(output, root, language) for output in shown.get(cell.id, ())]
            number += 1
            cell.execution_count = number if shown else None
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = number
    return notebook


def still(output: NotebookNode, root: Path, language: str) -> NotebookNode:
    """One output as a page without a kernel shows it: no widget, no link to a server that is gone, no place on a disk.

    Args:
        output: as nbformat 4 holds it; it is not changed.
        root: the checkout.
        language: the edition that the output was made in.
    """
    made: NotebookNode = _mapped(output, lambda text: _without_places(text, root))
    data = made.get("data")
    if data is not None:
        data.pop(_WIDGET, None)
        html = data.get("text/html")
        if html is not None:
            data["text/html"] = _still_html("".join(html), language)
    return made


def _still_html(html: str, language: str) -> str:
    if html.startswith('<div class="wslab wslab-page"'):
        path = _PATH.search(html)
        shown = f"<code>{path[1] if path else '/'}</code>"
        return (
            f'<div class="wslab wslab-away" lang="{language}"><style>{stylesheet()}'
            ".wslab-away{border:1px dashed var(--quiet);border-radius:6px;padding:4px 16px}"
            f".wslab-away p{{margin:6px 0}}</style><p>{_PAGE.into(language).format(path=shown)}</p></div>"
        )
    if html.startswith('<div class="wslab wslab-server"'):
        return _LINK.sub(r"<code>\1</code>", _HIDDEN.sub("", _SCRIPT.sub("", html)))
    html = html.replace(
        f'<p class="wslab-quiet">{RUN_TO_ANSWER.into(language)}</p>',
        f'<p class="wslab-quiet">{_IN_THE_NOTEBOOK.into(language)}</p>',
    )
    nobody = f'<p><span class="wslab-name">{YOUR_PREDICTION.into(language)}:</span> {NO_PREDICTION.into(language)}</p>'
    return html.replace(nobody, "")


def _without_places(text: str, root: Path) -> str:
    for place, name in _places(root):
        text = text.replace(place, name)
    parts, end = [], 0
    for match in _CELL_FILE.finditer(text):
        start = match.start()
        while start > end and text[start - 1] not in _NO_PATH:
            start -= 1
        parts += [text[end:start], f"ipykernel/{match[1]}"]
        end = match.end()
    return "".join([*parts, text[end:]])


def _places(root: Path) -> Sequence[tuple[str, str]]:
    """Folders of this machine that a traceback names, the longest first, and what stands for each."""
    named = {
        sysconfig.get_path("purelib"): "…/site-packages",
        sysconfig.get_path("platlib"): "…/site-packages",
        sysconfig.get_path("stdlib"): "…/lib/python",
        str(root.resolve()): "…/websocket-lab",
        str(Path.home()): "~",
    }
    return sorted(named.items(), key=lambda item: -len(item[0]))


def _mapped(value: Any, change: Any) -> Any:
    """`value` with every text in it changed; a copy."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return type(value)({key: _mapped(inner, change) for key, inner in value.items()})
    if isinstance(value, list):
        return [_mapped(inner, change) for inner in value]
    return value
