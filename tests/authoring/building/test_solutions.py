"""Solution regions and what comes in their place."""

from __future__ import annotations

import pytest

from wslab.notebooks import cleared, region_mistakes

SOLVED = """\
async def endpoint(websocket):
    ### BEGIN SOLUTION
    await websocket.accept()
    ### END SOLUTION
    try:
        ### BEGIN SOLUTION
        while True:
            await relay(websocket)
        ### STUB
        # while True:
        #     relay(websocket)
        #
        # pass
        ### END SOLUTION
    finally:
        clients.remove(websocket)"""

STUB = """\
async def endpoint(websocket):
    ...
    try:
        while True:
            relay(websocket)

        pass
    finally:
        clients.remove(websocket)"""


def test_a_region_becomes_a_blank_or_its_own_stub() -> None:
    assert cleared(SOLVED, "code") == STUB


def test_the_solved_cell_runs_as_it_stands() -> None:
    compile(SOLVED, "cell", "exec")
    compile(STUB, "cell", "exec")


@pytest.mark.parametrize("kind", ["code", "markdown"])
def test_a_cell_without_a_region_goes_whole(kind: str) -> None:
    assert cleared("x = 1\ny = 2", kind) == "..."


def test_a_written_answer() -> None:
    text = "**Why?**\n\n<!-- BEGIN SOLUTION -->\nBecause.\n\nReally.\n<!-- END SOLUTION -->\n\nGo on."
    assert cleared(text, "markdown") == "**Why?**\n\n...\n\nGo on."


def test_balanced_regions_have_no_mistake() -> None:
    assert list(region_mistakes(SOLVED, "code")) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("### BEGIN SOLUTION\nx = 1", [0]),
        ("x = 1\n### END SOLUTION", [1]),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", [1]),
        ("# BEGIN SOLUTION\nx = 1\n# END SOLUTION", [0, 2]),
        ("### STUB\n# x", [0]),
        ("### BEGIN SOLUTION\n### STUB\n### STUB\n### END SOLUTION", [2]),
        ("### BEGIN SOLUTION\n### STUB\nx = 1\n### END SOLUTION", [2]),
        ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n### END SOLUTION", [3]),
    ],
)
def test_mistakes_are_named_with_their_line(text: str, lines: list[int]) -> None:
    assert [line for line, _ in region_mistakes(text, "code")] == lines
