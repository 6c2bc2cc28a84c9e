"""The rooms of the kit know each other in one direction."""

from __future__ import annotations

import ast
from pathlib import Path

KIT = Path(__file__).parents[1] / "src" / "wslab"
GROUND = {"language", "errors", "source", "picture"}
MAY_USE = {
    "language": set[str](),
    "errors": {"language"},
    "source": set[str](),
    "picture": {"language"},
    "seed": set[str](),
    "gate": GROUND,
    "serving": GROUND | {"gate"},
    "recording": GROUND | {"serving"},
    "capture": GROUND | {"serving", "recording"},
    "learning": GROUND | {"serving"},
    "classroom": GROUND | {"gate", "serving", "recording", "learning"},
    "building": GROUND,
    "labs": GROUND | {"serving", "recording", "capture", "learning", "building"},
    "grading": GROUND | {"serving", "recording", "capture", "learning", "labs", "building"},
    "teaching": GROUND | {"learning", "building"},
    "publishing": GROUND | {"building", "learning"},
    "notebook": GROUND | {"serving"},
}


def rooms_used_by(path: Path) -> set[str]:
    used = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        used |= {name.split(".")[1] for name in names if name.startswith("wslab.")}
    return used & (set(MAY_USE) | {"cli"})


def test_imports_go_one_way() -> None:
    wrong = {}
    for path in sorted(KIT.rglob("*.py")):
        room = path.relative_to(KIT).parts[0].removesuffix(".py")
        if room not in ("cli", "__init__"):
            extra = rooms_used_by(path) - MAY_USE[room] - {room}
            if extra:
                wrong[str(path.relative_to(KIT))] = extra
    assert not wrong


def test_every_room_is_on_the_map() -> None:
    page = (KIT.parents[1] / "docs" / "maintaining.md").read_text(encoding="utf-8")
    rooms = {path.stem for path in KIT.iterdir() if path.is_dir() or path.suffix == ".py"} - {
        "__init__",
        "__pycache__",
        "py",
    }
    assert {room for room in rooms if f"`{room}`" not in page} <= {"py.typed"}
