"""What an output becomes where no kernel runs, and where links lead; without a kernel."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path
from typing import Any

import nbformat
import pytest

from wslab import serve
from wslab.authoring.publishing.executing import fingerprint
from wslab.authoring.publishing.showing import still
from wslab.authoring.publishing.site import anchored, under_one_title
from wslab.language import LANGUAGES, use_language
from wslab.links import relinked
from wslab.predictions import predict

ROOT = Path(__file__).parents[3]
v4: Any = nbformat.v4


def shown(**data: object) -> str:
    output = v4.new_output("execute_result", data={key.replace("_", "/"): value for key, value in data.items()})
    return str(still(output, ROOT, "en")["data"]["text/html"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_prediction_asks_and_is_answered_by_what_happened(language: str) -> None:
    use_language(language)
    asked, answered = predict("05.called"), predict("05.called").outcome(0)
    output = v4.new_output("execute_result", data={"text/html": asked._repr_mimebundle_()["text/html"]})
    card = still(output, ROOT, language)["data"]["text/html"]
    assert {"en": "You answer this in the notebook.", "tr": "Bunu not defterinde yanıtlarsınız."}[language] in card
    assert card.count("<li>") == 3
    output = v4.new_output("execute_result", data={"text/html": answered._repr_html_()})
    card = still(output, ROOT, language)["data"]["text/html"]
    assert card.count('class="wslab-name"') == 1
    assert {"en": "What happened:", "tr": "Gerçekleşen:"}[language] in card


def test_a_widget_is_left_out() -> None:
    data = {"text/html": "<p>question</p>", "application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    assert list(still(v4.new_output("display_data", data=data), ROOT, "en")["data"]) == ["text/html"]


def test_a_server_that_is_gone_has_no_link_and_its_page_is_a_sentence() -> None:
    from fastapi import FastAPI

    with serve(FastAPI()) as server:
        card, page = server._repr_html_(), server.page("/chat")._repr_html_()
        url = server.url
    for html in (shown(text_html=card), shown(text_html=page)):
        assert not re.search(r"<script|<iframe|href=|src=", html)
    assert f"<code>{url}/</code>" in shown(text_html=card)
    assert "the server’s page <code>/chat</code>" in shown(text_html=page)


def test_no_output_names_a_place_on_this_machine() -> None:
    library = sysconfig.get_path("purelib")
    text = (
        f'File "{library}/uvicorn/a.py"\n{ROOT}/src\n/a/ipykernel_94/17.py:5: RuntimeWarning\n(C:\\T\\ipykernel_9\\1.py'
    )
    said = still(v4.new_output("stream", name="stdout", text=text), ROOT, "en")["text"]
    assert said == (
        'File "…/site-packages/uvicorn/a.py"\n…/websocket-lab/src\nipykernel/17.py:5: RuntimeWarning\n(ipykernel/1.py'
    )


def test_links_lead_to_what_is_published_and_others_are_words() -> None:
    text = "[one](02-a.ipynb#x), [two](../../docs/b.md), [three](https://a.example), `[four](02-a.ipynb)`"
    text += ", [`f[0]`](02-a.ipynb)"
    leads = {"notebooks/en/02-a.ipynb": "02-a.html"}.get
    assert relinked(text, "notebooks/en/01-b.ipynb", leads) == (
        "[one](02-a.html#x), two, [three](https://a.example), `[four](02-a.ipynb)`, [`f[0]`](02-a.html)"
    )


def test_prose_runs_nothing_again_and_code_does() -> None:
    def notebook(prose: str, code: str) -> Any:
        return v4.new_notebook(cells=[v4.new_markdown_cell(prose), v4.new_code_cell(code, id="c")])

    assert fingerprint(notebook("a", "1")) == fingerprint(notebook("b", "1"))
    assert fingerprint(notebook("a", "1")) != fingerprint(notebook("a", "2"))


def test_every_cell_has_an_anchor_of_its_id() -> None:
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# A", id="m"), v4.new_code_cell("1", id="c")])
    found = re.findall(r'id="(cell-\w+)"', "".join(cell.source for cell in anchored(notebook).cells))
    assert found == ["cell-m", "cell-c"]


def test_a_text_of_several_parts_gets_one_title() -> None:
    assert under_one_title("# A\n## B\n# C\n```\n# no\n```\n") == "# A\n### B\n## C\n```\n# no\n```\n"
    assert under_one_title("# A\n## B\n") == "# A\n## B\n"
