"""The cells of the turns, and the lines that learners may write in them, each known to be right or wrong.

A unit's lines stand in `course/labs/corpus/turns/NN.yml`:

    turn-1:
      right:
        - |-
          await websocket.accept()
      wrong:
        - fails: never-awaited
          code: |-
            websocket.accept()
      equivalent:
        - change: "number doubled: wait(1) → wait(2)"
          why: Any wait will do.

Each entry is what stands in place of `...`; under `cell` instead of `code`, the whole cell.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wslab import yaml
from wslab.authoring.building import units
from wslab.language import LANGUAGES
from wslab.notebooks import cleared, turn_of, without_markers

FOLDER = "turns"
"""In the folder of the corpora."""

_REGION = re.compile(r"^(?P<indent>[ \t]*)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)
_EDITION = re.compile(r"^use\(.*\)$", re.MULTILINE)


class BadLines(ValueError):
    """A unit's file of lines is wrong; the message names file and line."""


@dataclass(frozen=True, slots=True)
class TurnCell:
    """The cell of a turn.

    Attributes:
        name: `"turn-2"`.
        setup: the code of the unit's setup cell, on which alone it stands.
        source: the cell's code, with the markers of its solution region.
    """

    name: str
    setup: str
    source: str

    @property
    def stub(self) -> str:
        """The program that a learner finds."""
        return self._program(cleared(self.source, "code"))

    @property
    def solved(self) -> str:
        """The program with the course's own lines."""
        return self._program(without_markers(self.source))

    def written(self, lines: str, *, whole: bool = False) -> str:
        """The program with these lines in place of `...`, or with this cell."""
        if whole:
            return self._program(lines)
        cell, count = _REGION.subn(lambda found: textwrap.indent(lines, found["indent"]), self.source, count=1)
        assert count == 1
        return self._program(cell)

    def _program(self, cell: str) -> str:
        # What stands in a cell before it asks: the check itself is the proof's to run.
        return "\n".join(line for line in cell.split("\n") if not turn_of(line)).strip("\n") + "\n"


@dataclass(frozen=True, slots=True)
class Lines:
    """What a learner may write in a turn.

    Attributes:
        code: the lines in place of `...`, or a whole cell.
        fails: the misconception that they fail at; empty where they are right.
        whole: whether it is a whole cell.
    """

    code: str
    fails: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class TurnCorpus:
    """What is known about the lines of one turn.

    Attributes:
        lines: right ones and wrong ones.
        equivalent: the mutants of the solution that may pass, each with the reason why.
    """

    lines: tuple[Lines, ...] = ()
    equivalent: Mapping[str, str] = field(default_factory=dict)


def turn_cells(root: Path) -> dict[str, tuple[TurnCell, ...]]:
    """The cells of the turns in the course's sources, by unit.

    Args:
        root: the course's folder.

    Raises:
        BuildError: a source has a mistake.
    """
    found: dict[str, tuple[TurnCell, ...]] = {}
    for unit in units(root):
        code = [cell.text.into(LANGUAGES[0]) for cell in unit.cells if cell.kind == "code"]
        asking = [(turn, text) for text in code if (turn := turn_of(text)) is not None]
        if asking:
            setup = _EDITION.sub("", code[0])
            found[unit.number] = tuple(TurnCell(turn.name, setup, text) for turn, text in asking)
    return found


def corpus_of(unit: str, folder: Path) -> dict[str, TurnCorpus]:
    """The lines of a unit's turns, by turn; none where there is no file.

    Args:
        unit: its number.
        folder: the folder of the corpora.

    Raises:
        BadLines: the file is wrong.
    """
    path = folder / FOLDER / f"{unit}.yml"
    if not path.is_file():
        return {}
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"))
        if root is None:
            return {}
        return {name: _corpus(name, node) for _, name, node in yaml.entries(root, path.name)}
    except yaml.Wrong as wrong:
        raise BadLines(str(wrong.problem(path))) from None


def _corpus(name: str, node: yaml.Node) -> TurnCorpus:
    fields = yaml.Fields(node, f'"{name}"')
    lines = [Lines(yaml.raw(one)) for one in _items(fields, "right") if isinstance(one, yaml.ScalarNode)]
    lines += [_whole(one) for one in _items(fields, "right") if not isinstance(one, yaml.ScalarNode)]
    lines += [_wrong(one) for one in _items(fields, "wrong")]
    reasons = dict(_reason(one) for one in _items(fields, "equivalent"))
    fields.finish()
    return TurnCorpus(tuple(lines), reasons)


def _items(fields: yaml.Fields, name: str) -> list[yaml.Node]:
    node = fields.get(name)
    return [] if node is None else yaml.items(node, name)


def _whole(node: yaml.Node) -> Lines:
    fields = yaml.Fields(node, "a right cell")
    lines = Lines(yaml.raw(fields.need("cell")), whole=True)
    fields.finish()
    return lines


def _wrong(node: yaml.Node) -> Lines:
    fields = yaml.Fields(node, "an entry of wrong")
    fails, cell = yaml.raw(fields.need("fails")), fields.get("cell")
    lines = Lines(yaml.raw(fields.need("code") if cell is None else cell), fails, cell is not None)
    fields.finish()
    return lines


def _reason(node: yaml.Node) -> tuple[str, str]:
    fields = yaml.Fields(node, "an entry of equivalent")
    reason = yaml.raw(fields.need("change")), " ".join(yaml.raw(fields.need("why")).split())
    fields.finish()
    return reason
