"""Which programs are alike after renaming, as data.

A program becomes a sequence of the nodes of its syntax tree, in which every name that it gives itself is one and the
same word; comments, layout and order of definitions have no say. Two programs are compared by the runs of `_RUN` nodes
that they share, and which the lab has not given them. That is the idea of MOSS (Schleimer, Wilkerson, Aiken:
“Winnowing”, 2003) and of compare50, without their thinning out: labs are short. compare50 itself can't be used: it
wants attrs below 21, and what JupyterLab stands on wants 22; and it is under the GPL.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_RUN = 12
_LEAST = 20  # runs of one's own, below which a program is too short to say anything
_ALIKE = 0.8
_SAME = 0.97
_MOST_PAIRS = 100
_MOST_TOKENS = 20_000

_WORD = re.compile(r"\w+|[^\w\s]")
_MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")
_MAGIC = re.compile(r"(?m)^[ \t]*[%!].*$")


@dataclass(frozen=True, slots=True)
class Program:
    """One program, ready to be compared.

    Attributes:
        owner: whose it is.
        code: as it was handed in.
        runs: its runs, and the lines (from 1) that each covers.
    """

    owner: str
    code: str
    runs: Mapping[int, tuple[int, int]]

    def lines(self, shared: Iterable[int]) -> frozenset[int]:
        """The lines that runs lie in."""
        found: set[int] = set()
        for run in shared:
            first, last = self.runs[run]
            found.update(range(first, last + 1))
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two programs that are alike.

    Attributes:
        one, other: the programs.
        likeness: shared runs to all of both, 0 to 1.
        shared: the runs.
        rare: how many of them nobody else in the class has.
    """

    one: Program
    other: Program
    likeness: float
    shared: frozenset[int]
    rare: int


@dataclass(frozen=True, slots=True)
class Alike:
    """What was found in one lab.

    Attributes:
        compared: how many programs were long enough.
        short: how many were not.
        published: who has the published solution, up to names.
        groups: other people whose programs are the same up to names, the largest group first.
        pairs: others that are alike, those with most rare runs first. Two who have the published solution are none.
        left_out: how many further pairs are not among them.
    """

    compared: int
    short: int
    published: tuple[str, ...]
    groups: tuple[tuple[Program, ...], ...]
    pairs: tuple[Pair, ...]
    left_out: int


def alike(programs: Mapping[str, str], given: str, solution: str) -> Alike:
    """Compare the programs of a lab.

    Args:
        programs: by whose they are.
        given: what the lab hands out; what it holds is nobody's.
        solution: the published one.
    """
    handed_out = _runs(given).keys()
    read = {owner: program(owner, unmarked(code), handed_out) for owner, code in sorted(programs.items())}
    long = [one for one in read.values() if len(one.runs) >= _LEAST]
    model = program("", solution, handed_out)
    how_many = Counter(run for one in long for run in one.runs)
    masks = _masks([*long, model])
    group_of: dict[str, list[Program]] = {}
    pairs = []
    published = {one.owner for one, mask in zip(long, masks, strict=False) if _holds(mask, masks[-1])}
    for (one, mine), (other, theirs) in itertools.combinations(zip(long, masks, strict=False), 2):
        if one.owner in published and other.owner in published:
            continue
        likeness = _likeness(mine, theirs)
        if likeness >= _SAME:
            both = group_of.get(one.owner, [one])
            others = group_of.get(other.owner, [other])
            if both is not others:
                both.extend(others)
                group_of |= {member.owner: both for member in both}
        elif likeness >= _ALIKE:
            shared = frozenset(one.runs.keys() & other.runs.keys())
            pairs.append(Pair(one, other, likeness, shared, sum(how_many[run] == 2 for run in shared)))
    groups = {id(group): tuple(group) for group in group_of.values()}.values()
    pairs.sort(key=lambda pair: (-pair.rare, -pair.likeness, pair.one.owner, pair.other.owner))
    return Alike(
        len(long),
        len(read) - len(long),
        tuple(sorted(published)),
        tuple(sorted(groups, key=lambda group: (-len(group), group[0].owner))),
        tuple(pairs[:_MOST_PAIRS]),
        max(0, len(pairs) - _MOST_PAIRS),
    )


def unmarked(code: str) -> str:
    """A program without the markers of solution regions, and without the stubs in them, which are comments."""
    kept: list[str] = []
    stub = False
    for line in code.split("\n"):
        word = line.strip()
        stub = word == "### STUB" or (stub and word.startswith("#") and word != "### END SOLUTION")
        if not stub and word not in _MARKERS:
            kept.append(line)
    return "\n".join(kept)


def program(owner: str, code: str, given: Iterable[int] = ()) -> Program:
    """A program with its runs, but those that were given."""
    left_out = set(given)
    return Program(owner, code, {run: lines for run, lines in _runs(code).items() if run not in left_out})


def _masks(programs: Sequence[Program]) -> list[int]:
    """For each program a number with a bit for each of its runs: a class has 45,000 pairs to compare."""
    places: dict[int, int] = {}
    return [sum(1 << places.setdefault(run, len(places)) for run in one.runs) for one in programs]


def _likeness(one: int, other: int) -> float:
    union = (one | other).bit_count()
    return (one & other).bit_count() / union if union else 0.0


def _holds(one: int, model: int) -> bool:
    return bool(model) and (one & model).bit_count() >= _SAME * model.bit_count()


def _runs(code: str) -> dict[int, tuple[int, int]]:
    tokens = list(itertools.islice(_tokens(code), _MOST_TOKENS))
    found: dict[int, tuple[int, int]] = {}
    for at in range(len(tokens) - _RUN + 1):
        part = tokens[at : at + _RUN]
        lines = [line for _, line in part]
        found.setdefault(hash(tuple(word for word, _ in part)), (min(lines), max(lines)))
    return found


def _tokens(code: str) -> Iterator[tuple[str, int]]:
    """The nodes of a program with their lines; its words where it is no Python."""
    bare = _MAGIC.sub("pass", code)
    try:
        tree = ast.parse(bare)
        yield from list(_nodes(tree, _own_names(tree), 1))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        for number, line in enumerate(bare.split("\n"), 1):
            yield from ((word, number) for word in _WORD.findall(line.partition("#")[0]))


def _own_names(tree: ast.AST) -> Mapping[str, frozenset[str]]:
    """The names that a program gives, and those that it gives to attributes and methods (under `"attr"`).

    They are kept apart: `websocket` may be a parameter, and `app.websocket` is FastAPI's all the same.
    """
    names: set[str] = set()
    attributes: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store()):
                attributes.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)):
                names.add(name)
        if isinstance(node, ast.ClassDef):
            attributes |= {one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {"": frozenset(names), "attr": frozenset(attributes)}


def _nodes(node: ast.AST, own: Mapping[str, frozenset[str]], line: int) -> Iterator[tuple[str, int]]:
    line = getattr(node, "lineno", line)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return  # a docstring, or a text in the place of a comment
    yield type(node).__name__, line
    for name, value in ast.iter_fields(node):
        if name in ("ctx", "type_comment", "kind"):
            continue
        for one in value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else (value,):
            if isinstance(one, ast.AST):
                yield from _nodes(one, own, line)
            elif one is not None:
                is_own = isinstance(one, str) and name != "value" and one in own.get(name, own[""])
                yield ("name" if is_own else repr(one)[:80]), line
