"""The modules of the room know each other in one direction, also where an import stands in a function."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import wslab.recording

ROOM = Path(wslab.recording.__file__).parent
NAME = "wslab.recording"


def used_by(path: Path) -> set[str]:
    """The modules of the room that one of them imports, also inside functions and for type checkers alone."""
    used = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{name}" for name in names]
        for name in names:
            if name.startswith(NAME):
                module = name.removeprefix(NAME).strip(".").partition(".")[0]
                used.add(module if (ROOM / f"{module}.py").exists() else "__init__")
            elif name == "wslab":
                used.add("wslab")
    return used


def test_no_circle_of_imports() -> None:
    graph = {path.stem: used_by(path) for path in ROOM.glob("*.py")}
    assert len(graph) > 10
    assert "wslab" not in set().union(*graph.values())  # the kit's front page imports this room
    assert list(TopologicalSorter(graph).static_order())[-1] == "__init__"
