"""Each turn: its stub passes nothing, its solution passes, and the lines of its corpus become what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wslab.authoring.proof import turn_corpus
from wslab.authoring.proof.proof import prove
from wslab.authoring.proof.turn_corpus import BadLines, TurnCell
from wslab.labs import catalogue

ROOT = Path(__file__).parents[3]
TURNS = catalogue.turns()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("unit", [pytest.param(unit, marks=[] if unit == "01" else pytest.mark.slow) for unit in TURNS])
def test_the_lines_of_a_unit_become_what_they_say(unit: str) -> None:
    assert prove([unit], rounds=1, root=ROOT).complaints == ()


# In a process of its own: what mutants leave behind (coroutines that nobody awaits, threads) ends with it. Between the
# tests of a whole run a machine has too little left for so many judgements with a deadline each.
@pytest.mark.proof
@pytest.mark.parametrize("unit", TURNS)
def test_no_change_of_a_solution_passes_without_a_reason(unit: str) -> None:
    command = [sys.executable, "-m", "wslab", "check", "--mutants", unit]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert found.returncode == 0, found.stdout
    assert " 0 survive" in found.stdout


SOURCE = """\
def f():
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION


await check("05.turn-1", f)"""
CELL = TurnCell("turn-1", "x = 1", SOURCE)


def test_a_cell_with_other_lines() -> None:
    assert CELL.stub == "def f():\n    ...\n"
    assert CELL.solved == "def f():\n    return x\n"
    assert CELL.written("if x:\n    return 2") == "def f():\n    if x:\n        return 2\n"
    assert CELL.written("f = 1", whole=True) == "f = 1\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("turn-1:\n  rigth: []\n", 2, 'has no field "rigth"; did you mean "right"?'),
        ("turn-1:\n  wrong:\n    - code: x\n", 3, '"fails" is missing'),
        ("- x\n", 1, "is a mapping of names"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    (tmp_path / "turns").mkdir()
    (tmp_path / "turns" / "05.yml").write_text(text, encoding="utf-8")
    with pytest.raises(BadLines, match=rf"05\.yml:{line}: .*{says[:12]}") as caught:
        turn_corpus.corpus_of("05", tmp_path)
    assert says in str(caught.value)
