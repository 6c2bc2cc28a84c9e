"""The cell of a turn: a stub for the learner, the solution folded below it, and what its source must hold to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.authoring.building.small_course import NOTEBOOK, Edit

from wslab.authoring.building import BuildError, adopt, build, notebook
from wslab.notebooks import digest, region, turn_of

TURN = """\
```{code-cell} ipython3
door = FastAPI()


@door.websocket("/ws")
async def greet(websocket: WebSocket):
    ### BEGIN SOLUTION
    await websocket.accept()
    if True:
        await websocket.send_text("Merhaba")
    ### END SOLUTION


await check("01.turn-1", door)
```

"""
BEFORE = "```{code-cell} ipython3\nserver = serve(app)\n"


@pytest.fixture
def with_turn(edit: Edit) -> Edit:
    edit(NOTEBOOK, BEFORE, TURN + BEFORE)
    return edit


def source(cell: dict[str, object]) -> str:
    return "".join(cell["source"])  # type: ignore[arg-type]


@pytest.mark.parametrize(("language", "folded"), [("en", "One way to write it"), ("tr", "Bir yazım yolu")])
def test_a_stub_and_the_solution_folded_below_it(root: Path, with_turn: Edit, language: str, folded: str) -> None:
    build(root)
    cells = json.loads((root / f"notebooks/{language}/01-server.ipynb").read_text("utf-8"))["cells"]
    place = [cell["id"] for cell in cells].index("turn-1")
    stub, below = source(cells[place]), source(cells[place + 1])
    assert "async def greet(websocket: WebSocket):\n    ...\n\n\nawait check(" in stub
    assert "SOLUTION" not in stub + below
    assert f"<summary>{folded}</summary>" in below
    assert '```python\nawait websocket.accept()\nif True:\n    await websocket.send_text("Merhaba")\n```' in below
    solved = {cell.id: cell for cell in notebook(root, "01", language, solved=True).cells}
    assert (
        '    await websocket.accept()\n    if True:\n        await websocket.send_text("Merhaba")'
        in solved["turn-1"].source
    )


def test_a_filled_in_turn_is_refused_where_it_would_become_the_stub(root: Path, with_turn: Edit) -> None:
    build(root)
    path = root / "notebooks/en/01-server.ipynb"
    edited = json.loads(path.read_text("utf-8"))
    before = digest(edited["cells"])
    next(cell for cell in edited["cells"] if cell["id"] == "turn-1-one-way")["source"] = "gone"
    assert digest(edited["cells"]) == before
    next(cell for cell in edited["cells"] if cell["id"] == "turn-1")["source"] = "door = 1"
    path.write_text(json.dumps(edited), "utf-8")
    with pytest.raises(
        BuildError, match=r'"turn-1" is a stub, made from the solution; edit course/notebooks/01-server\.md'
    ):
        adopt(path, root)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("01.turn-1", "01.turn-2", 'numbered in its order, and their cells have no id: "01.turn-1" here'),
        ("01.turn-1", "02.turn-1", '"01.turn-1" here'),
        ("    ### BEGIN SOLUTION\n", "", "the cell of 01.turn-1 has one solution region"),
        ("door", "app", "01.turn-1 gives app a value, and so does another cell"),
        ("def greet", "def websocket_endpoint", "gives websocket_endpoint a value"),
    ],
)
def test_what_the_source_of_a_turn_must_hold_to(root: Path, with_turn: Edit, old: str, new: str, says: str) -> None:
    path = root / NOTEBOOK
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(BuildError) as caught:
        build(root)
    assert says in str(caught.value)


def test_what_a_cell_says_of_itself() -> None:
    assert str(turn_of('await check( "05.turn-12", app)')) == "05.turn-12"
    assert turn_of('await check("L1.echo", app)') is None
    assert (
        region("def f():\n    ### BEGIN SOLUTION\n    a\n        b\n    ### STUB\n    # c\n    ### END SOLUTION")
        == "a\n    b"
    )
    assert region("x = 1") == ""
