"""Programs that are alike after renaming are found, others are not, and nobody is accused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.grading.intake.drops import dropped, graded
from tests.grading.papers import ROOT, as_bytes, kit_of, paper

from wslab.grading.reports.alike_page import alike_html
from wslab.grading.similarity import alike, unmarked
from wslab.notebooks import cleared

SOLUTION = "\n\n".join(cell.solved for cell in kit_of() if cell.solution)
GIVEN = "\n\n".join(cleared(cell.source, "code") for cell in kit_of() if cell.solution)

OTHER_WAY = """
from collections import OrderedDict
app = FastAPI()
people = OrderedDict()
numbers = iter(range(10**9))

@app.get("/")
def how_many():
    return dict(connected_clients=len(people.keys()))

async def tell_everybody(text, but):
    for key, socket in tuple(people.items()):
        if key == but:
            continue
        await socket.send_text("Başka bir istemciden: " + text)

@app.websocket("/ws")
async def talk(socket: WebSocket):
    await socket.accept()
    mine = next(numbers)
    people[mine] = socket
    try:
        async for text in socket.iter_text():
            await socket.send_text("Mesajınız: " + text)
            await tell_everybody(text, but=mine)
    finally:
        people.pop(mine, None)
"""


def renamed(code: str) -> str:
    """The same with other names, other comments and another layout."""
    for old, new in (("connected_clients = []", "odadakiler = []"), ("websocket:", "soket:"), ("data", "gelen")):
        code = code.replace(old, new)
    code = code.replace("connected_clients.", "odadakiler.").replace("(connected_clients)", "(odadakiler)")
    code = code.replace("await websocket.", "await soket.").replace("(websocket)", "(soket)")
    code = code.replace("is not websocket", "is not soket")
    return "# benim programım\n" + code.replace("\n\n\n", "\n").replace("try:", "try:  # dene")


def test_renamed_programs_are_the_same_and_another_way_is_not() -> None:
    found = alike({"a": OTHER_WAY, "b": renamed(SOLUTION), "c": SOLUTION}, GIVEN, SOLUTION)
    assert found.published == ("b", "c")
    assert (found.groups, found.pairs) == ((), ())
    assert renamed(SOLUTION) != SOLUTION
    found = alike({"a": OTHER_WAY, "b": renamed(SOLUTION), "c": SOLUTION}, GIVEN, "")
    assert [[one.owner for one in group] for group in found.groups] == [["b", "c"]]


def test_a_class_with_the_published_solution_is_one_list_and_no_pairs() -> None:
    """As published, renamed, as the solution's own file has it, with more in it: with each other they are no pairs."""
    more = SOLUTION + '\n\n@app.get("/{who}")\nasync def hello(who: str, times: int = 1):\n    return [who] * times\n'
    as_filed = "\n\n".join(cell.source for cell in kit_of() if cell.solution)
    assert "### BEGIN SOLUTION" in as_filed
    work = {"a": SOLUTION, "b": renamed(SOLUTION), "c": as_filed, "d": more, "e": OTHER_WAY, "f": renamed(OTHER_WAY)}
    found = alike(work, GIVEN, SOLUTION)
    assert found.published == ("a", "b", "c", "d")
    assert [[one.owner for one in group] for group in found.groups] == [["e", "f"]]
    assert found.pairs == ()


def test_markers_of_solution_regions_neither_count_nor_show() -> None:
    marked = OTHER_WAY.replace(
        "app = FastAPI()\n", "### BEGIN SOLUTION\napp = FastAPI()\n### STUB\n# app = ...\n### END SOLUTION\n"
    )
    found = alike({"a": OTHER_WAY, "b": marked}, GIVEN, SOLUTION)
    ((one, other),) = found.groups
    assert one.code == other.code == OTHER_WAY
    assert unmarked("# mine\n### STUB\n# x\ny = 1\n# z") == "# mine\ny = 1\n# z"
    assert len(unmarked("### STUB\n" * 200_000)) == 0


def test_two_that_differ_in_a_line_are_a_pair_and_what_only_they_have_is_counted() -> None:
    unusual = OTHER_WAY.replace("    finally:", "    except RuntimeError:\n        print(mine)\n    finally:")
    two = {"a": OTHER_WAY, "b": renamed(unusual)}
    crowd = {f"s{number}": SOLUTION for number in range(5)}
    found = alike(two | crowd, GIVEN, "")
    (pair,) = found.pairs
    assert {pair.one.owner, pair.other.owner} == {"a", "b"}
    assert 0.8 <= pair.likeness < 0.97
    assert pair.rare > 50
    assert pair.one.lines(pair.shared)
    assert [len(group) for group in found.groups] == [5]


def test_what_the_lab_hands_out_makes_nobody_alike() -> None:
    found = alike({"a": GIVEN, "b": GIVEN, "c": ""}, GIVEN, SOLUTION)
    assert (found.compared, found.short, found.groups, found.pairs) == (0, 3, (), ())


@pytest.mark.parametrize(
    "code",
    [
        SOLUTION.replace("while True:", "while True"),
        "%%time\n" + SOLUTION,
        SOLUTION + "\n!ls",
        "x = " + "(" * 5000 + ")" * 5000 + SOLUTION,
        "\0" + SOLUTION,
        "x = " + "-" * 100_000 + "1\n",
        "x = " + ".".join(["a"] * 20_000),
    ],
    ids=["broken", "cell-magic", "shell", "deep", "nul", "minus", "dots"],
)
def test_what_is_no_python_is_compared_by_its_words(code: str) -> None:
    found = alike({"a": code, "b": code, "c": OTHER_WAY}, GIVEN, "")
    assert [[one.owner for one in group] for group in found.groups] in ([["a", "b"]], [])
    assert found.compared + found.short == 3


def test_the_page_shows_both_sides_and_says_what_it_is_not(tmp_path: Path) -> None:
    def handed(code: str) -> bytes:
        document = paper("L1", folder="labs")
        for cell in document["cells"]:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if grade_id in ("server", "door"):
                cell["source"] = code if grade_id == "server" else ""
        return as_bytes(document)

    hostile = OTHER_WAY + "\n# </pre><script>alert(1)</script>"
    work = {"ayse/L1.ipynb": handed(OTHER_WAY), "bora/L1.ipynb": handed(hostile), "can/L1.ipynb": handed(SOLUTION)}
    batch = graded(dropped(tmp_path / "in", **work), tmp_path / "out")
    page = alike_html(batch, ROOT)
    assert "2 people: ayse, bora" in page
    assert page.count("<pre>") == 2
    assert "<script" not in page
    assert "says nothing of how it came about" in page
    assert "attempts: can" in page
    # A later run has the programs of this one, though nothing was handed in again.
    (tmp_path / "in/can/L1.ipynb").unlink()
    assert alike_html(graded(tmp_path / "in", tmp_path / "out"), ROOT) == page
