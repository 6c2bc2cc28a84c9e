"""The rooms of the kit know each other in one direction, and no module imports itself by way of others."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

KIT = Path(__file__).parents[1] / "src" / "wslab"
NAME = re.compile(r"`(\w+)`")
GROUND = {"language", "errors", "yaml", "source", "picture", "jupyter", "notebooks", "course_folder", "asgi", "cells"}
GROUND |= {"shipped", "course_update", "links", "own_course", "parent_process", "keeping"}
LEARNER = GROUND | {"seed", "gate", "serving", "recording", "capture", "progress", "predictions", "doctor", "labs"}
MAY_USE: Mapping[str, set[str]] = {
    "language": set(),
    "errors": {"language"},
    "yaml": {"language"},
    "source": set(),
    "picture": {"language"},
    "jupyter": {"source"},
    "notebooks": set(),
    "asgi": set(),
    "parent_process": set(),
    "keeping": {"parent_process"},
    "cells": {"source", "notebooks"},
    "course_folder": {"language"},
    "links": set(),
    "own_course": set(),
    "shipped": {"language", "errors", "notebooks"},
    "course_update": {"language", "errors", "notebooks"},
    # What a learner runs
    "seed": set(),
    "gate": GROUND,
    "serving": GROUND | {"gate"},
    "edition": GROUND | {"serving"},
    "puzzle": GROUND | {"serving"},
    "export": GROUND,
    "audience": GROUND | {"serving"},
    "broker": GROUND,
    "proxy": GROUND,
    "pages": GROUND | {"serving"},
    "recording": GROUND | {"serving"},
    "capture": GROUND | {"serving", "recording"},
    "progress": GROUND,
    "predictions": GROUND | {"progress"},
    "doctor": GROUND | {"serving", "progress"},
    "labs": GROUND | {"serving", "recording", "capture", "progress", "predictions", "broker"},
    "classroom": GROUND | {"gate", "serving", "recording", "progress", "predictions"},
    "launcher": GROUND,
    "jupyterlab": set(),
    "load": GROUND | {"serving", "broker"},
    # What an instructor runs
    "grading": LEARNER | {""},  # "": the public names themselves
    "release": GROUND | {"labs"},
    "watch": GROUND | {"progress", "grading"},
    # What an author runs
    "authoring": LEARNER | {"grading"},
}


def name_of(path: Path) -> str:
    parts = path.relative_to(KIT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(KIT.rglob("*.py")) if "__pycache__" not in path.parts}


def imports(path: Path) -> Iterator[str]:
    """The modules of the kit that a module imports anywhere: at its top, in a function, for the type checker."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "wslab")
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            if node.module and node.module.partition(".")[0] == "wslab":
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield inner if inner in MODULES else node.module


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_imports_go_one_way() -> None:
    wrong = {
        f"{module} imports {used}"
        for module, path in MODULES.items()
        if room_of(module) not in ("", "cli", "__main__")
        for used in imports(path)
        if room_of(used) not in MAY_USE[room_of(module)] | {room_of(module)}
    }
    assert not wrong


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Also not within a room, not by an import inside a function, and not by a bare `import wslab`."""
    graph = {module: set(imports(path)) - {module} for module, path in MODULES.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_the_table_of_the_house_has_every_room_and_what_it_may_use() -> None:
    page = (KIT.parents[1] / "docs" / "maintaining.md").read_text(encoding="utf-8")
    table = {
        room: set(NAME.findall(uses))
        for names, uses in re.findall(r"^\| (`.+?) \| .* \|(.*) \|$", page.partition("## Where is")[0], re.MULTILINE)
        for room in NAME.findall(names)
    }
    rooms = {room_of(module) for module in MODULES} - {"", "__main__"}
    assert rooms == MAY_USE.keys() | {"cli"} == table.keys()
    assert {room: table[room] for room in MAY_USE} == {room: MAY_USE[room] - GROUND - {""} for room in MAY_USE}


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        ("import wslab", "uvicorn fastapi IPython yaml rich"),
        ("import wslab.doctor", "uvicorn fastapi yaml"),
        ("from wslab.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass", "uvicorn fastapi yaml nbformat"),
        ("import wslab; wslab.serve", "jupytext nbformat yaml sphinx nbconvert"),
    ],
)
def test_what_is_not_used_is_not_loaded(program: str, absent: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules, sep='\\n', file=sys.stderr)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not set(absent.split()) & set(said.stderr.split("\n"))


def test_public_names_are_those_of_the_type_checker() -> None:
    tree = ast.parse((KIT / "__init__.py").read_text(encoding="utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    names = {alias.name for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    import wslab

    assert names == set(wslab.__all__)
    for name in names:
        assert callable(getattr(wslab, name)), name
