"""What a built notebook is, without nbformat."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from wslab.notebooks import Origin, lab_of, to_bytes

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "course").glob("*/*.md"))
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*/*.ipynb"))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_the_lab_of_a_solution_is_the_lab_that_is_handed_out(path: Path) -> None:
    handed_out = ROOT / "labs" / path.relative_to(ROOT / "solutions")
    solution = json.loads(path.read_bytes())
    assert to_bytes(lab_of(solution)) == handed_out.read_bytes()
    assert solution == json.loads(path.read_bytes())


def test_only_what_a_build_wrote_has_an_origin() -> None:
    path = SOLUTIONS[0]
    origin = Origin.of(nbformat.read(path, as_version=4))  # type: ignore[no-untyped-call]
    assert origin is not None
    assert (origin.unit, origin.language, origin.folder) == (path.stem, path.parts[-3], "solutions")
    with pytest.raises(ValueError, match="no built solution"):
        lab_of({"metadata": {}, "cells": []})


def _receives_without_a_deadline(code: str) -> Iterator[str]:
    tree = ast.parse(code)
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Await) and re.fullmatch(r"await [\w.]+\.recv\(\)", ast.unparse(node))):
            continue
        around: ast.AST = node
        while around in parents and not isinstance(around, ast.AsyncFunctionDef):
            around = parents[around]
            if isinstance(around, ast.AsyncWith) and "asyncio.timeout(" in ast.unparse(around.items[0]):
                break
        else:
            yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_receive_has_a_deadline(path: Path) -> None:
    """In the course's cells, in the answers to its turns and in the solutions of its labs."""
    cells = re.findall(r"^```\{code-cell\} ipython3\n(.*?)^```$", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert cells
    for cell in cells:
        code = re.sub(r"\A---\n.*?^---$", "", cell, flags=re.DOTALL | re.MULTILINE)
        code = re.sub(r"^[:%!].*$", "", code, flags=re.MULTILINE)
        assert not list(_receives_without_a_deadline(code)), cell


def test_a_receive_without_a_deadline_is_found() -> None:
    assert list(_receives_without_a_deadline("async def f(c):\n    x = await c.recv()")) == ["line 2: await c.recv()"]
    assert not list(_receives_without_a_deadline("await asyncio.wait_for(c.recv(), 5)"))
    assert not list(_receives_without_a_deadline("async with asyncio.timeout(5):\n    await c.recv()"))
