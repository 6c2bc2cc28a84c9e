"""Whatever a learner does with the check cells, the same cells run."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.grading.papers import Document, cells_of, code, kit_of, paper

from wslab.grading.assembly import Assembled, assemble
from wslab.grading.bindings import binds


def done(document: Document, lab: str = "L1") -> Assembled:
    return assemble(cells_of(document), kit_of(lab))


def sources(assembled: Assembled) -> list[str]:
    return [cell.source for cell in assembled.cells]


def said(assembled: Assembled) -> str:
    return "\n".join(map(str, assembled.remarks))


def index(document: Document, id: str) -> int:
    return next(place for place, cell in enumerate(document["cells"]) if cell["id"] == id)


@pytest.mark.parametrize("lab", ["L1", "L2", "L3", "L4", "L5", "L6", "L7"])
def test_of_an_untouched_lab_its_own_cells_run_and_nothing_is_said(lab: str) -> None:
    assembled = done(paper(lab), lab)
    kit = kit_of(lab)
    wanted = [cell.source for cell in kit if cell.grade_id and not cell.graded]
    assert sources(assembled)[1:] == wanted
    assert assembled.cells[0].name == "In[1]"
    assert not assembled.remarks
    assert not any("check(" in source for source in sources(assembled)[1:])


def locked(cell: dict[str, Any]) -> bool:
    return bool(cell["metadata"].get("nbgrader", {}).get("locked"))


@st.composite
def tampered(draw: st.DrawFn) -> Document:
    """L2 with its checks and given cells edited, deleted, doubled, moved, and new ones invented."""
    document = paper("L2")
    cells = document["cells"]
    for _ in range(draw(st.integers(1, 6))):
        places = [place for place, cell in enumerate(cells) if locked(cell)]
        action = draw(st.sampled_from(["edit", "delete", "double", "move", "invent", "points", "markdown"]))
        if action == "invent" or not places:
            new = code(
                "app = None", draw(st.sampled_from(["check-all-points", "x"])), grade=True, points=99, locked=True
            )
            cells.insert(draw(st.integers(0, len(cells))), {**new, "id": f"new{draw(st.integers(0, 99))}"})
            continue
        place = draw(st.sampled_from(places))
        if action == "edit":
            cells[place]["source"] = draw(
                st.sampled_from(["app = 1", "", "import os; os._exit(0)", "%magic", "print(10"])
            )
        elif action == "points":
            cells[place]["metadata"]["nbgrader"]["points"] = 1000
        elif action == "markdown":
            cells[place]["cell_type"] = "markdown"
        elif action == "delete":
            del cells[place]
        else:
            cell = copy.deepcopy(cells[place]) if action == "double" else cells.pop(place)
            cells.insert(draw(st.integers(0, len(cells))), cell)
    return document


def of_the_lab(document: Document) -> list[tuple[str, str]]:
    """The cells that count, in their order; one may stand above or below a text."""
    cells = document["cells"]
    counted = [
        cell for cell in cells if locked(cell) or (cell["cell_type"] == "code" and "nbgrader" in cell["metadata"])
    ]
    return [(cell["cell_type"], cell["source"]) for cell in counted]


@settings(max_examples=80, deadline=None)
@given(tampered())
def test_tampering_with_check_cells_changes_nothing_and_is_reported(document: Document) -> None:
    assembled = done(document, "L2")
    assert sources(assembled) == sources(done(paper("L2"), "L2"))
    assert assembled.remarks or of_the_lab(document) == of_the_lab(paper("L2"))


def test_each_kind_of_tampering_is_named() -> None:
    document = paper("L2")
    cells = document["cells"]
    cells[index(document, "check-fin")]["source"] = "1"
    del cells[index(document, "check-normal")]
    cells.append(copy.deepcopy(cells[index(document, "check-reset")]))
    cells.insert(0, cells.pop(index(document, "check-others")))
    cells.append({**code("100", "check-mine", grade=True, points=100), "id": "mine"})
    cells.append({**code("100", "check-text", grade=True, points=100), "id": "text", "cell_type": "markdown"})
    told = said(done(document, "L2"))
    for part in (
        "Edited, though they belong to the lab; the lab's own were taken: `check-fin`",
        "Missing, and put back from the lab: `check-normal`",
        "`check-reset`",
        "another order",
        "no checks of this lab; they were left out: `check-mine`, `check-text`",
    ):
        assert part in told


def test_the_learners_cells_keep_their_order_and_their_numbers() -> None:
    document = paper()
    document["cells"].insert(index(document, "server"), {**code("early = 1"), "id": "a"})
    document["cells"].insert(index(document, "check-relay"), {**code("late = 2"), "id": "b"})
    assembled = done(document)
    names = {cell.source: cell.name for cell in assembled.cells}
    assert names["early = 1"] == "In[4]"
    assert sources(assembled)[-1] == "late = 2"
    assert not assembled.remarks


def test_a_solution_cell_that_was_split_doubled_lost_or_made_text() -> None:
    document = paper()
    place = index(document, "server")
    cell = document["cells"][place]
    whole = "".join(cell["source"])
    head, tail = whole[: whole.index("@app.websocket")], whole[whole.index("@app.websocket") :]
    document["cells"][place : place + 1] = [
        {**cell, "source": head},
        {**copy.deepcopy(cell), "id": "x", "source": tail},
    ]
    assembled = done(document)
    assert [head, tail] == sources(assembled)[-2:]
    assert "more than once, and run" in said(assembled)

    lost = paper()
    del lost["cells"][index(lost, "server")]
    assert "The cell to be written in is gone: `server`" in said(done(lost))

    text = paper()
    text["cells"][index(text, "server")]["cell_type"] = "markdown"
    assert whole in sources(done(text))
    assert "run as code: `server`" in said(done(text))


def test_without_nbgraders_metadata_the_notebooks_own_ids_serve() -> None:
    document = paper("L2")
    for cell in document["cells"]:
        cell["metadata"] = {}
    assert sources(done(document, "L2")) == sources(done(paper("L2"), "L2"))


def test_another_app_behind_the_checks_is_not_the_one_that_is_judged() -> None:
    document = paper()
    document["cells"].append({**code("app = None"), "id": "z"})
    assembled = done(document)
    assert "app = None" not in sources(assembled)
    assert "makes another `app`" in said(assembled)
    stub = paper(folder="labs")
    stub["cells"].append({**code("app = FastAPI()"), "id": "z"})
    assert "app = FastAPI()" in sources(done(stub)), "the whole solution may stand at the end"


FORMS = [
    "app = None",
    "app: object = None",
    "app, clients = FastAPI(), []",
    "(app, *rest) = [1, 2]",
    "app += 1",
    "if True:\n    app = FastAPI()",
    "with open('x') as app:\n    pass",
    "for app in [1]:\n    pass",
    "async with x as (a, app):\n    pass",
    "try:\n    pass\nexcept OSError as app:\n    pass",
    "match 1:\n    case app:\n        pass",
    "print(app := 1)",
    "[app := x for x in range(3)]",
    "import chat as app",
    "from chat import app",
    "import app.sub",
    "async def app(scope, receive, send):\n    pass",
    "class app:\n    pass",
    "del app",
    "def make():\n    global app\n    app = 1\nmake()",
    "globals()['app'] = 1",
    "globals().update(app=1)",
    "exec('app = 1')",
    "globals().update({'app': 1})",
    "import __main__\n__main__.app = 1",
    "import sys\nsetattr(sys.modules['__main__'], 'app', 1)",
    "get_ipython().user_ns['app'] = 1",
    "get_ipython().push({'app': 1})",
    "get_ipython().run_cell('app = 1')",
    "other = app = 1",
    "async with x as app:\n    pass",
    "while True:\n    app = 1\n    break",
    "%time app = FastAPI()",
    "%%time\napp = FastAPI()",
    "app = %time FastAPI()",
    "app = !ls",
]


@pytest.mark.parametrize("source", FORMS)
def test_a_cell_makes_another_app_in_any_form(source: str) -> None:
    document = paper()
    document["cells"].append({**code(source), "id": "z"})
    assembled = done(document)
    assert source not in sources(assembled)
    assert "In[12] makes another `app`" in said(assembled), said(assembled)


@pytest.mark.parametrize(
    "source",
    [
        "app = ...",
        "app: object",
        "def f():\n    app = 1",
        "[app for app in range(3)]",
        "print(app)",
        "app.state = 1",
        "%%writefile chat.py\napp = 1",
        "lambda app: 1",
        "x = {'app': 1}",
        "def f(:",
    ],
)
def test_what_leaves_the_app_alone_makes_no_other(source: str) -> None:
    assert not binds(source, "app")


def below_the_last_check(source: str) -> Assembled:
    document = paper()
    document["cells"].insert(index(document, "check-relay") + 1, {**code(source), "id": "z"})
    return done(document)


def test_what_stands_directly_below_the_last_check_is_not_run() -> None:
    assembled = below_the_last_check("connected_clients.append(1)")
    assert "connected_clients.append(1)" not in sources(assembled)
    assert not assembled.remarks
    assert "changes `app` below the last check" in said(
        below_the_last_check("@app.get('/more')\nasync def more(): ...")
    )


def test_a_copy_of_the_cell_that_is_written_in_is_an_experiment_below_the_checks() -> None:
    document = paper()
    copied = copy.deepcopy(document["cells"][index(document, "server")])
    document["cells"].append({**copied, "id": "copied", "source": "app = FastAPI()"})
    assembled = done(document)
    assert "app = FastAPI()" not in sources(assembled)
    assert "makes another `app`" in said(assembled)
    assert "more than once" not in said(assembled)


def test_without_any_names_the_checks_are_known_by_what_they_ask() -> None:
    document = paper()
    for cell in document["cells"]:
        cell["metadata"] = {}
        del cell["id"]
    assert sources(done(document)) == sources(done(paper()))
    assert not done(document).remarks
    document["cells"].append(code("app = None"))
    assembled = done(document)
    assert "app = None" not in sources(assembled)
    assert "makes another `app`" in said(assembled)


@pytest.mark.parametrize("source", ["from chat import *", "%run chat.py", "exec(text)"])
def test_where_only_a_run_would_tell_the_app_above_counts(source: str) -> None:
    document = paper(folder="labs")
    document["cells"][index(document, "server")]["source"] = source
    document["cells"].append({**code("app = FastAPI()"), "id": "z"})
    assert "app = FastAPI()" not in sources(done(document))


@pytest.mark.parametrize("source", ["from chat import *", "%run chat.py", "exec(text)"])
def test_what_may_make_another_app_below_the_checks_is_told(source: str) -> None:
    assembled = below_the_last_check(source)
    assert source not in sources(assembled)
    assert "In[10] stands below the checks and may make another `app`" in said(assembled), said(assembled)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="%!?ab =\n'\"#(", max_size=40))
def test_no_cell_makes_the_assembly_stumble(source: str) -> None:
    document = paper()
    document["cells"].append({**code(source), "id": "any"})
    random.Random(source).shuffle(document["cells"])
    assert set(sources(done(document))) >= {cell.source for cell in kit_of() if cell.solution}
