"""Where the course treats what a class has misunderstood: a unit and its section."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wslab import yaml
from wslab.language import current_language

FILE = Path(__file__).with_suffix(".yml")
"""For each misconception `05 §3`."""

_PLACE = re.compile(r"(\d\d) §(\d+)")
_SECTION = re.compile(r"## (\d+)\. (.+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A section of a unit.

    Attributes:
        unit: the unit's number, `"05"`.
        section: the section's number in it.
    """

    unit: str
    section: int

    def title(self, root: Path) -> str:
        """The section's title in the current language; empty where the unit is not here."""
        return titles(root, self.unit, current_language()).get(self.section, "")


@functools.cache
def places() -> Mapping[str, Place]:
    """Where each misconception is treated, by its id.

    Raises:
        ValueError: the file is wrong.
    """
    root = yaml.compose(FILE.read_text(encoding="utf-8"))
    found = {}
    for _, id, node in () if root is None else yaml.entries(root, FILE.name):
        place = _PLACE.fullmatch(yaml.raw(node))
        if place is None:
            raise ValueError(f"{FILE}:{yaml.line(node)}: {id}: write a unit and a section, such as 05 §3")
        found[id] = Place(place[1], int(place[2]))
    return found


@functools.lru_cache(maxsize=64)
def titles(root: Path, unit: str, language: str) -> Mapping[int, str]:
    """The numbered sections of a unit's built notebook.

    Args:
        root: the course's folder.
        unit: the unit's number.
        language: the edition.
    """
    for path in (root / "notebooks" / language).glob(f"{unit}-*.ipynb"):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            firsts = ("".join(cell["source"]).split("\n")[0] for cell in cells if cell["cell_type"] == "markdown")
            return {int(found[1]): found[2] for first in firsts if (found := _SECTION.fullmatch(first.strip()))}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return {}
