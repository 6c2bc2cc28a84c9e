"""Tests read a cell's outputs the same however the kernel has cut them."""

from __future__ import annotations

import nbformat
import pytest
from nbformat import NotebookNode
from tests.outputs import printed, shown


def stream(text: str, name: str = "stdout") -> NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=text)


def result(text: str) -> NotebookNode:
    return nbformat.v4.new_output("execute_result", {"text/plain": text})


@pytest.mark.parametrize(
    "cut",
    [
        ["200 a\n200 b\n"],
        ["200 a\n", "200 b\n"],
        ["200 a", "\n200 b\n"],
        ["200 a\n2", "00", " b\n"],
    ],
)
def test_however_it_was_cut(cut: list[str]) -> None:
    cell = nbformat.v4.new_code_cell(outputs=[*map(stream, cut), result("'end'")])
    assert shown(cell).splitlines() == ["200 a", "200 b", "", "'end'"]
    assert printed(cell) == "200 a\n200 b\n"


def test_two_streams_cut_into_each_other() -> None:
    outputs = [stream("on"), stream("wo", "stderr"), stream("e\n"), stream("rry\n", "stderr")]
    cell = nbformat.v4.new_code_cell(outputs=outputs)
    assert shown(cell) == "one\n\nworry\n"
    assert printed(cell, "stderr") == "worry\n"
