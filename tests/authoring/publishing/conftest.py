"""A course whose notebook 04 and lab L1 are published."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from wslab.authoring.publishing import site, slides

ROOT = Path(__file__).parents[3]
UNIT = "04"
LAB = "L1"


def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, with a build/ of its own."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("course", "notebooks", "labs", "solutions", "docs"):
        shutil.copytree(ROOT / name, root / name)
    return root


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course from which both are made: what was run for one is there for the other."""
    return checkout(tmp_path_factory)


@pytest.fixture(scope="session")
def decks(published: Path) -> Path:
    """The folder that holds the deck of notebook 04 in each language."""
    assert [path.name for path in slides(published, [UNIT])] == ["04-on-the-wire.html"] * 2
    return published / "build/slides"


@pytest.fixture(scope="session")
def reading_site(published: Path) -> Path:
    """The folder of a site with notebook 04 and lab L1."""
    return site(published, [UNIT, LAB]).parent
