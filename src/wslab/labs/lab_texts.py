"""What a lab says, in every language: the files `texts/*.yml`. Their format stands in docs/checks.md.

The text of a lab is data; its module is the checks, which name misconceptions and observations by id:

    texts = read_texts("L1")
    raise Failure(texts.wrong("no-echo"), texts.saw("silent"), who="A")
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from wslab import own_course, yaml
from wslab.labs.verdict import NOTHING, Misconception
from wslab.language import Text

FOLDER = Path(__file__).parent / "texts"
"""Where the files are: `L1.yml` holds what lab L1 says, `05.yml` what the turns of unit 05 say, `general.yml` what any
check may say."""

GENERAL = "general"

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_T = TypeVar("_T")


class BadTexts(Exception):
    """A file of texts is wrong, or an id is not in it; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One rung: a sentence or two, and for the last rung a skeleton.

    Attributes:
        says: what the learner reads.
        code: lines of code below it; no language, so hardly a word in it.
    """

    says: Text
    code: str = ""


@dataclass(frozen=True, slots=True)
class CheckTexts:
    """What is written about one check.

    Attributes:
        title: what it is about.
        hints: its rungs; none for a turn.
        wrong: the ids of the misconceptions that it names.
    """

    title: Text
    hints: tuple[Hint, ...]
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """What a file says.

    Attributes:
        path: the file.
        title: the lab's title, without its number; empty in `general.yml` and for the turns of a unit.
        checks: what is written about each check, by its name.
        misconceptions: by id.
        observations: what a check saw, with `{names}` to be filled in, by id.
        lines: the line of each check, misconception and observation in the file.
    """

    path: Path
    title: Text
    checks: Mapping[str, CheckTexts]
    misconceptions: Mapping[str, Misconception]
    observations: Mapping[str, Text]
    lines: Mapping[tuple[str, str], int]

    def wrong(self, id: str) -> Misconception:
        """The misconception of that id.

        Raises:
            BadTexts: there is none.
        """
        return self._of("misconceptions", self.misconceptions, id)

    def saw(self, id: str) -> Text:
        """The observation of that id.

        Raises:
            BadTexts: there is none.
        """
        return self._of("observations", self.observations, id)

    def check(self, name: str) -> CheckTexts:
        """What is written about the check of that name.

        Raises:
            BadTexts: nothing is.
        """
        return self._of("checks", self.checks, name)

    def listed(self, name: str) -> tuple[Misconception, ...]:
        """The misconceptions that the check of that name lists, those of `general.yml` among them.

        Raises:
            BadTexts: one of them is in neither file.
        """
        return tuple(self._listed(id, self.lines["checks", name]) for id in self.check(name).wrong)

    def _listed(self, id: str, line: int) -> Misconception:
        found = self.misconceptions.get(id) or read_texts(GENERAL).misconceptions.get(id)
        if found is None:
            known = self.misconceptions.keys() | read_texts(GENERAL).misconceptions.keys()
            raise BadTexts(f'{self.path}:{line}: there is no misconception "{id}"{yaml.suggest(id, sorted(known))}')
        return found

    def _of(self, part: str, held: Mapping[str, _T], id: str) -> _T:
        if id not in held:
            raise BadTexts(f'{self.path}: "{part}" has no "{id}"{yaml.suggest(id, held)}')
        return held[id]


def read_texts(name: str) -> Texts:
    """What `texts/<name>.yml` says, of the kit or of an instructor's own course.

    Raises:
        BadTexts: there is no such file, or it is wrong.
    """
    path = FOLDER / f"{name}.yml"
    own = own_course.find("texts", path.name) if not path.is_file() else None
    return _read(own or path, own is not None)


@functools.cache
def _read(path: Path, in_one_language: bool) -> Texts:
    return read(path, in_one_language=in_one_language)


def read(path: Path, *, in_one_language: bool = False) -> Texts:
    """What a file says.

    Args:
        path: the file.
        in_one_language: whether a text may stand in one language alone.

    Raises:
        BadTexts: there is none, or it is wrong; the message has a line for each mistake.
    """
    try:
        source = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BadTexts(f"{path}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise BadTexts(f"{path}:1: this file is not UTF-8; save it as UTF-8") from error
    reader = _Reader(path)
    try:
        root = yaml.compose(source)
        if root is None:
            raise yaml.Wrong(1, "this file is empty")
        if in_one_language:
            yaml.in_every_language(root)
        texts = reader.texts(root)
    except yaml.Wrong as wrong:
        reader.problems.append(wrong.problem(path))
    if reader.problems:
        raise BadTexts("\n".join(map(str, reader.problems)))
    return texts


class _Reader:
    """Reads one file; a broken entry leaves the others alone, so that every mistake is told at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[yaml.Problem] = []
        self.lines: dict[tuple[str, str], int] = {}

    def texts(self, root: yaml.Node) -> Texts:
        fields = yaml.Fields(root, "the file")
        general = self.path.stem == GENERAL
        title = NOTHING if general or self.path.stem.isdigit() else yaml.text(fields.need("title"), "title")
        texts = Texts(
            self.path,
            title,
            self._part(fields, "checks", _check) if not general else {},
            self._part(fields, "misconceptions", _misconception),
            self._part(fields, "observations", lambda id, node: yaml.text(node, id)),
            self.lines,
        )
        fields.finish()
        return texts

    def _part(self, fields: yaml.Fields, part: str, read: Callable[[str, yaml.Node], _T]) -> dict[str, _T]:
        found: dict[str, _T] = {}
        node = fields.get(part)
        for key, id, held in () if node is None else yaml.entries(node, f'"{part}"'):
            try:
                if id in found:
                    raise yaml.Wrong(key, f'"{id}" stands twice in "{part}"')
                if not _ID.fullmatch(id):
                    raise yaml.Wrong(key, f"{id!r} is no id: lowercase English words joined by -")
                self.lines[part, id] = yaml.line(key)
                found[id] = read(id, held)
            except yaml.Wrong as wrong:
                self.problems.append(wrong.problem(self.path, f"{id}: "))
        return found


def _check(name: str, node: yaml.Node) -> CheckTexts:
    fields = yaml.Fields(node, f'the check "{name}"')
    given = fields.get("hints")
    hints = () if given is None else tuple(_hint(held) for held in yaml.items(given, "hints"))
    wrong = tuple(yaml.raw(held) for held in yaml.items(fields.need("wrong"), "wrong"))
    texts = CheckTexts(yaml.text(fields.need("title"), "title"), hints, wrong)
    fields.finish()
    return texts


def _hint(node: yaml.Node) -> Hint:
    fields = yaml.Fields(node, "a hint")
    code = fields.get("code")
    hint = Hint(yaml.text(fields.need("says"), "says"), "" if code is None else yaml.raw(code))
    fields.finish()
    return hint


def _misconception(id: str, node: yaml.Node) -> Misconception:
    fields = yaml.Fields(node, f'the misconception "{id}"')
    begun = fields.get("begun")
    if begun is not None and yaml.value(begun) is not False:
        raise yaml.Wrong(begun, '"begun" is false where nothing has been written yet, and left out otherwise')
    misconception = Misconception(
        id, yaml.text(fields.need("meaning"), "meaning"), yaml.text(fields.need("next"), "next"), begun is None
    )
    fields.finish()
    return misconception
