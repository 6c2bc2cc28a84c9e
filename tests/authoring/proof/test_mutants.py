"""One-change programs, and what is said of those that keep every point."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from wslab.authoring.proof import survivors
from wslab.authoring.proof.corpus import solved_cells
from wslab.authoring.proof.mutating import Mutant, mutants
from wslab.authoring.proof.survivors import BadReasons, Score, Scores, Survivor, read_reasons
from wslab.labs import catalogue
from wslab.labs.lab import Lab

ROOT = Path(__file__).parents[3]

SOURCE = """
clients = []

async def endpoint(websocket):
    await websocket.accept()
    clients.append(websocket)
    try:
        while True:
            data = await websocket.receive_text()
            if data.startswith("kick "):
                await websocket.close(4000)
                return 1
            for client in list(clients):
                await client.send_text(f"Mesajınız: {data}")
    except ValueError:
        pass
    finally:
        clients.remove(websocket)
"""


@pytest.mark.parametrize(
    ("operator", "now"),
    [
        ("await dropped", "    websocket.accept()"),
        ("statement deleted", "    pass"),
        ("statement doubled", "    clients.append(websocket)\n    clients.append(websocket)"),
        ("statements swapped", "    clients.append(websocket)\n    await websocket.accept()"),
        ("loop runs once", "break"),
        ("copy dropped", "            for client in clients:"),
        ("finally lost", "        pass"),
        ("finally into else", "    else:"),
        ("finally behind the try", "    if True:\n        try:"),
        ("another exception class", "    except LookupError:"),
        ("sent as JSON", "send_json(f'Mesajınız: {data}')"),
        ("sent as bytes", "send_bytes(f'Mesajınız: {data}'.encode())"),
        ("text changed", "f'Mesajınız:x{data}'"),
        ("text cut", "f'esajınız: {data}'"),
        ("in for startswith", "if 'kick ' in data:"),
        ("number doubled", "await websocket.close(8000)"),
        ("NumberReplacer", "await websocket.close( 4001)"),
        ("AddNot", "if not data.startswith('kick '):"),
        ("return value lost", "                return"),
    ],
)
def test_every_operator_of_the_field(operator: str, now: str) -> None:
    found = [one for one in mutants(SOURCE) if one.operator == operator]
    assert any(now in one.now for one in found), [str(one) for one in found]


def test_each_mutant_is_another_program_that_compiles() -> None:
    found = mutants(SOURCE)
    meanings = {ast.dump(ast.parse(one.source)) for one in found}
    assert len(meanings) == len(found) > 40
    assert ast.dump(ast.parse(SOURCE)) not in meanings


def test_no_mutant_is_about_a_docstring() -> None:
    docstring = '"""What it does.\n\nright\n"""\n'
    told = [str(mutant) for mutant in mutants(SOURCE)]
    assert [str(mutant) for mutant in mutants(docstring + SOURCE)] == told
    assert mutants(f"def empty():\n    {docstring!r}\n") == mutants("def empty():\n    pass\n")


def test_a_mutant_names_its_lines() -> None:
    names = [str(one) for one in mutants(SOURCE)]
    assert "await dropped: await websocket.accept() → websocket.accept()" in names
    assert "copy dropped: for client in list(clients): → for client in clients:" in names


def test_reasons_are_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "equivalent.yml"
    assert read_reasons(path) == {}
    path.write_text("- change: 'a: b → c'\n  why: It means\n    the same.\n", encoding="utf-8")
    assert read_reasons(path) == {"a: b → c": "It means the same."}
    for text in ("- change: a\n", "- change: a\n  why: ''\n", "change: a\nwhy: b\nmore: c\n", "- x\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BadReasons, match=r"equivalent\.yml:1: "):
            read_reasons(path)


def test_a_score_says_what_survives() -> None:
    one = Mutant("await dropped", "await f()", "f()", "f()")
    listed = Survivor("solution", one, "It is the same.")
    assert Score("L1", 5, (listed,), (), 1.0).ok
    assert not Score("L1", 5, (Survivor("solution", one),), (), 1.0).ok
    assert not Score("L1", 5, (), ("gone: a → b",), 1.0).ok
    told = str(Score("L1", 5, (listed, Survivor("right_set", one)), (), 1.0))
    assert "5 mutants, 3 lose a point, 1 are listed as equivalent, 1 survive" in told
    assert "right_set: await dropped: await f() → f()" in told


def test_the_table_is_written_between_its_markers() -> None:
    page = f"# Labs\n{survivors.BEGIN}\nold\n| L1 | 4 | 4 | 0 | 0 |\n| L2 | 7 | 6 | 1 | 0 |\n{survivors.END}\n"
    written = Scores((Score("L1", 5, (), (), 1.0),)).written_into(page)
    assert "| L1 | 5 | 5 | 0 | 0 |\n| L2 | 7 | 6 | 1 | 0 |\n" in written
    assert "old" not in written


@pytest.mark.parametrize("lab", catalogue.labs().values(), ids=catalogue.labs())
def test_the_table_in_the_docs_counts_the_mutants_of_each_solution(lab: Lab) -> None:
    page = (ROOT / "docs/labs.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {lab.number} \| (\d+) \| (\d+) \| (\d+) \| 0 \|$", page, re.MULTILINE)
    assert row is not None, "wslab check --mutants --write docs/labs.md"
    count, lost, listed = map(int, row.groups())
    cells, at = solved_cells(lab, ROOT)
    assert (count, lost + listed) == (len(mutants(cells[at].solved)), count)
