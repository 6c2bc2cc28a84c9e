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
from wslab.grading.magics import without_magics


def done(document: Document, lab: str = "L1") -> Assembled:
    return assemble(cells_of(document), kit_of(lab))


def sources(assembled: Assembled) -> list[str]:
    return [cell.source for cell in assembled.cells]


def said(assembled: Assembled) -> str:
    return "\n".join(map(str, assembled.remarks))


def index(document: Document, id: str) -> int:
    return next(place for place, cell in enumerate(document["cells"]) if cell["id"] == id)


@pytest.mark.parametrize("lab", ["L1", "L2", "L3", "L4", "L5", "L6"])
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
    document["cells"].append({**code("late = 2"), "id": "b"})
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


@pytest.mark.parametrize(
    ("source", "plain", "ignored"),
    [
        ("x = 7 % 4 != 2", "x = 7 % 4 != 2", ()),
        ("%matplotlib inline\nx = 1", "None\nx = 1", ("%matplotlib inline",)),
        ("!pip install x\nfiles = !ls\nx?", "None\nfiles = None\nNone", ("!pip install x", "!ls", "%pinfo x")),
        ("%%time\napp = 1", "\napp = 1", ("%%time",)),
        ("%%bash\nls", "", ("%%bash",)),
        ("%time app = f()", "app = f()", ("%time",)),
        ("s = '''\n%no\n!no\n'''", "s = '''\n%no\n!no\n'''", ()),
        ("def f(:\n%x", "def f(:\n%x", ()),
    ],
)
def test_what_only_ipython_knows_is_passed_over(source: str, plain: str, ignored: tuple[str, ...]) -> None:
    found, told = without_magics(source)
    assert found.rstrip() == plain.rstrip()
    assert told == ignored


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="%!?ab =\n'\"#(", max_size=40))
def test_no_cell_makes_the_assembly_stumble(source: str) -> None:
    document = paper()
    document["cells"].append({**code(source), "id": "any"})
    random.Random(source).shuffle(document["cells"])
    assert set(sources(done(document))) >= {cell.source for cell in kit_of() if cell.solution}
