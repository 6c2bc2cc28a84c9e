"""A small course in a folder of its own: two notebooks and a lab, in both languages, held to the real glossary."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from tests.authoring.building.small_course import Edit

HERE = Path(__file__).parent
GLOSSARY = HERE.parents[2] / "course" / "glossary.yml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a checkout that holds nothing but the small course; its terms have no definitions."""
    root = tmp_path / "checkout"
    shutil.copytree(HERE / "course", root / "course")
    terms = yaml.safe_load(GLOSSARY.read_text("utf-8"))
    bare = [{key: value for key, value in term.items() if key != "definition"} for term in terms]
    (root / "course" / "glossary.yml").write_text(yaml.safe_dump(bare, allow_unicode=True), "utf-8")
    return root


@pytest.fixture
def edit(root: Path) -> Edit:
    """Replaces one passage of a source; returns the line on which `at` then stands (where the new passage does)."""

    def edit(file: str, old: str, new: str, at: str | None = None) -> int:
        path = root / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        text = text.replace(old, new)
        path.write_text(text, "utf-8", newline="\n")
        marker = new if at is None else at
        assert text.count(marker) >= 1, f"{marker!r} is not in {file}"
        return text[: text.index(marker)].count("\n") + 1

    return edit
