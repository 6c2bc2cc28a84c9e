"""Typical mistakes of beginners, as changes of a lab's solution, and what the first card that fails says of each.

    receive-not-awaited:
      change: {"await websocket.receive_text()": "websocket.receive_text()"}
      first: echo not-awaited
      often: true

`change` is a mapping from a piece of the solution's cell to what stands in its place, wherever the piece occurs, or
`program` is a whole cell. `first` is the check that fails first and the misconception on its card. What is `often`
there belongs to `make test`, the rest to `make proof`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from wslab import yaml
from wslab.authoring.proof.corpus import MISTAKES, corpus_folder, handed_in, solved_cells
from wslab.grading import task
from wslab.grading.isolation.isolated import Isolated
from wslab.grading.task import Limits
from wslab.labs.judging import judge_app
from wslab.labs.lab import Lab
from wslab.labs.verdict import Verdict
from wslab.language import LANGUAGES

_AT_ONCE = 6
"""How many mistakes are judged at a time; most of the time their checks wait."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A program with a typical mistake.

    Attributes:
        name: what is wrong, in a few words.
        source: the whole cell.
        check: which check fails first.
        misconception: what its card has to say.
        often: whether it is judged by `make test` as well.
    """

    name: str
    source: str
    check: str
    misconception: str
    often: bool


class BadMistakes(ValueError):
    """A list of mistakes is damaged; the message has a line for each fault."""


def read_mistakes(lab: Lab, root: Path) -> list[Mistake]:
    """The typical mistakes of a lab; none where it has no list.

    Args:
        lab: the lab.
        root: the course's folder, with `solutions/` and `course/labs/corpus/`.

    Raises:
        BadMistakes: the list is damaged, or a piece that is to be changed is not in the solution.
    """
    path = corpus_folder(root) / lab.number / MISTAKES
    if not path.is_file():
        return []
    cells, at = solved_cells(lab, root)
    solution = cells[at].solved
    found: list[Mistake] = []
    problems: list[yaml.Problem] = []
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"))
        for _, name, held in yaml.entries(node, "the file") if node is not None else ():
            try:
                found.append(_mistake(name, held, solution))
            except yaml.Wrong as wrong:
                problems.append(wrong.problem(path, f"{name}: "))
    except yaml.Wrong as wrong:
        problems.append(wrong.problem(path))
    if problems:
        raise BadMistakes("\n".join(map(str, problems)))
    return found


def _mistake(name: str, node: yaml.Node, solution: str) -> Mistake:
    fields = yaml.Fields(node, f'the mistake "{name}"')
    change, program = fields.get("change"), fields.get("program")
    if (change is None) == (program is None):
        raise yaml.Wrong(node, "either `change` or `program`")
    source = yaml.raw(program) if program is not None else solution
    for key, was, now in yaml.entries(change, "change") if change is not None else ():
        if was not in source:
            raise yaml.Wrong(key, f"the solution has no {was!r}")
        source = source.replace(was, yaml.raw(now))
    first = fields.need("first")
    check, _, misconception = yaml.raw(first).partition(" ")
    if not misconception:
        raise yaml.Wrong(first, "`first` is the name of a check and the id of a misconception")
    often = fields.get("often")
    fields.finish()
    return Mistake(name, source, check, misconception, often is not None)


def departures(lab: Lab, root: Path, *, wanted: Callable[[Mistake], bool] = lambda mistake: True) -> list[str]:
    """Every mistake of a lab whose first card is another one than its list says, a line each.

    Args:
        lab: the lab.
        root: the course's folder.
        wanted: which of them to judge.

    Raises:
        BadMistakes: as for `read_mistakes()`.
    """
    mistakes = list(filter(wanted, read_mistakes(lab, root)))
    cells, at = solved_cells(lab, root)

    def first(mistake: Mistake) -> Verdict | None:
        return first_card(lab, handed_in(cells, at, mistake.source))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        cards = list(pool.map(first, mistakes))
    return [line for pair in zip(mistakes, cards, strict=True) for line in _departure(*pair)]


def _departure(mistake: Mistake, card: Verdict | None) -> Iterator[str]:
    wanted = f"{mistake.check} {mistake.misconception}"
    came = "everything passed" if card is None else f"{card.check} {card.misconception}"
    if came != wanted:
        yield f"{mistake.name}: expected {wanted}, came {came}"
    for language in LANGUAGES if card is not None else ():
        for text in (card.observed, card.meaning, card.next) if card is not None else ():
            if not text.into(language).strip():
                yield f"{mistake.name}: its card lacks a sentence in {language!r}"


def first_card(lab: Lab, cells: Sequence[task.Cell]) -> Verdict | None:
    """The verdict of the first check of a lab that does not pass, judged as `wslab grade` does; None where all pass."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(_first_card(lab, cells))


async def _first_card(lab: Lab, cells: Sequence[task.Cell]) -> Verdict | None:
    graded = [check for check in lab.checks if check.points]
    venue = Isolated(cells, "app", LANGUAGES[0], Limits(), None, processes=graded[0].processes)
    try:
        async with contextlib.aclosing(judge_app(lab, graded, venue)) as verdicts:
            async for verdict in verdicts:
                if not verdict.passed:
                    return verdict
    finally:
        venue.close()
    return None
