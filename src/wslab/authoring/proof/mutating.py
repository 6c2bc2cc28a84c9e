"""One-change programs of a right program, for judging the checks that judge it.

The method is mutation analysis of an autograder: B. Clegg, P. McMinn and G. Fraser, "An Empirical Study to Determine
if Mutants Can Effectively Simulate Students' Programming Mistakes to Increase Tutors' Confidence in Autograding",
SIGCSE 2021. The general operators are cosmic-ray's; those of asyncio and WebSockets are here.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cosmic_ray.mutating import mutate_code  # type: ignore[import-untyped]
from cosmic_ray.plugins import get_operator  # type: ignore[import-untyped]

_GENERAL = (
    "AddNot",
    "NumberReplacer",
    "RemoveDecorator",
    "ReplaceAndWithOr",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Mod_FloorDiv",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBreakWithContinue",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceContinueWithBreak",
    "ReplaceFalseWithTrue",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceUnaryOperator_Delete_Not",
    "ZeroIterationForLoop",
)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_MADE = ("FastAPI", "dict", "list", "set")
_COPIES = ("list", "tuple", "set", "sorted")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program that differs from a right one in one place.

    Attributes:
        operator: what was changed, in a word or two: `"await dropped"`.
        was: the changed lines of the right program.
        now: the lines in their place.
        source: the whole program.
    """

    operator: str
    was: str
    now: str
    source: str

    def __str__(self) -> str:
        return f"{self.operator}: {_one_line(self.was)} → {_one_line(self.now)}"


def _one_line(lines: str) -> str:
    told = [line.strip() for line in lines.splitlines() if line.strip()]
    if len(told) > 4:
        told = [*told[:2], "…", *told[-2:]]
    return " ⏎ ".join(told) or "∅"


def mutants(source: str) -> list[Mutant]:
    """The mutants of a program, each once; none that means the same to Python.

    Args:
        source: the right program.
    """
    plain = _plain(source)
    seen = {ast.dump(ast.parse(plain))}
    found = []
    for operator, changed in (*_of_the_field(plain), *_general(plain)):
        try:
            tree = ast.parse(changed)
            compile(changed, "mutant", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except (SyntaxError, ValueError):
            continue
        meaning = ast.dump(tree)
        if meaning not in seen:
            seen.add(meaning)
            found.append(Mutant(operator, *_difference(plain, changed), changed))
    return found


def _plain(source: str) -> str:
    """The program as Python writes it, so that every change is one of lines and not of layout, without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _difference(before: str, after: str) -> tuple[str, str]:
    """The lines from the first that differs to the last; with the line above where lines only came or went."""
    old, new = before.splitlines(), after.splitlines()
    head = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    most = min(len(old), len(new)) - head
    tail = next((at for at in range(most) if old[-1 - at] != new[-1 - at]), most)
    if head and (head == len(old) - tail or head == len(new) - tail):
        head -= 1
    return "\n".join(old[head : len(old) - tail]), "\n".join(new[head : len(new) - tail])


def _general(source: str) -> Iterator[tuple[str, str]]:
    for name in _GENERAL:
        operator = get_operator(f"core/{name}")()
        occurrence = 0
        while (changed := mutate_code(source, operator, occurrence)) is not None:
            yield name, changed
            occurrence += 1


# The operators of the field

Change = Callable[[Any], ast.AST | None]
"""Changes a node in its place, or returns what comes into its place."""

Ways = Iterator[tuple[str, Change]]


def _of_the_field(source: str) -> Iterator[tuple[str, str]]:
    for place, node in enumerate(ast.walk(ast.parse(source))):
        for turn, (operator, _) in enumerate(_ways(node)):
            tree = ast.parse(source)
            target = next(itertools.islice(ast.walk(tree), place, None))
            _, change = next(itertools.islice(_ways(target), turn, None))
            other = change(target)
            if other is not None:
                tree = _Replacer(target, other).visit(tree)
            yield operator, ast.unparse(ast.fix_missing_locations(tree))


class _Replacer(ast.NodeTransformer):
    def __init__(self, node: ast.AST, other: ast.AST) -> None:
        self._node = node
        self._other = other

    def visit(self, node: ast.AST) -> Any:
        return self._other if node is self._node else self.generic_visit(node)


def _ways(node: ast.AST) -> Ways:
    yield from _ways_of_expressions(node)
    yield from _ways_of_statements(node)
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield from _ways_of_a_block(field, block)


def _set(field: str, what: Callable[[Any], object]) -> Change:
    def change(node: ast.AST) -> None:
        setattr(node, field, what(node))

    return change


def _ways_of_expressions(node: ast.AST) -> Ways:
    match node:
        case ast.Await():
            yield "await dropped", lambda it: it.value
        case ast.Call(func=ast.Name(id=name), args=[_]) if name in _COPIES:
            yield "copy dropped", lambda it: it.args[0]
        case ast.Call(func=ast.Attribute(attr="send_text"), args=[_]):
            yield "sent as JSON", _renamed("send_json")
            yield "sent as bytes", _renamed("send_bytes", encode=True)
        case ast.Call(func=ast.Attribute(attr="create_task" | "to_thread")):
            yield "call for its task", lambda it: it.args[0]
        case ast.Call(func=ast.Attribute(attr="lstrip" | "strip" | "removeprefix" as name)):
            other = "lstrip" if name == "removeprefix" else "removeprefix"
            yield "another way to strip", _renamed(other)
        case ast.Call(func=ast.Attribute(attr="startswith"), args=[_]):
            yield "in for startswith", _contains
        case ast.Constant(value=str(text)) if text:
            yield "text changed", _set("value", lambda it: f"{it.value[:-1]}x")
            if len(text) > 1:
                yield "text cut", _set("value", lambda it: it.value[1:])
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            yield "number doubled", _set("value", lambda it: it.value * 2)
        case ast.Subscript(slice=ast.Slice()):
            yield "slice dropped", lambda it: it.value
        case ast.comprehension(ifs=[_, *_]):
            yield "filter dropped", _set("ifs", lambda it: [])


def _renamed(name: str, *, encode: bool = False) -> Change:
    def change(node: Any) -> None:
        node.func.attr = name
        if encode:
            node.args = [ast.Call(ast.Attribute(node.args[0], "encode"), [], [])]

    return change


def _contains(node: Any) -> ast.AST:
    return ast.Compare(node.args[0], [ast.In()], [node.func.value])


def _ways_of_statements(node: ast.AST) -> Ways:
    match node:
        case ast.While() | ast.For() | ast.AsyncFor():
            yield "loop runs once", _set("body", lambda it: [*it.body, ast.Break()])
        case ast.Return(value=ast.expr()):
            yield "return value lost", _set("value", lambda it: None)
        case ast.ExceptHandler(type=ast.expr()):
            yield "another exception class", _set("type", lambda it: ast.Name("LookupError"))
            yield "every exception", _set("type", lambda it: ast.Name("Exception"))
        case ast.Try(finalbody=[_, *_], handlers=handlers):
            if handlers:
                yield "finally lost", _set("finalbody", lambda it: [])
            yield "finally into else", _moved("orelse")
            yield "finally behind the try", _behind


def _moved(field: str) -> Change:
    def change(node: Any) -> None:
        setattr(node, field, [*getattr(node, field), *node.finalbody])
        node.finalbody = []
        if not node.handlers:
            node.handlers = [ast.ExceptHandler(ast.Name("LookupError"), None, [ast.Raise()])]

    return change


def _behind(node: Any) -> ast.AST:
    behind = node.finalbody
    if not node.handlers:
        return ast.If(ast.Constant(True), [*node.body, *behind], [])
    return ast.If(ast.Constant(True), [ast.Try(node.body, node.handlers, node.orelse, []), *behind], [])


def _ways_of_a_block(field: str, block: Sequence[object]) -> Ways:
    for at, statement in enumerate(block):
        if not isinstance(statement, ast.stmt):
            continue
        if not isinstance(statement, ast.Pass | ast.Import | ast.ImportFrom):
            yield "statement deleted", _in_block(field, at, lambda one: [ast.Pass()])
        if (
            isinstance(statement, ast.Expr | ast.Assign | ast.AugAssign | ast.For | ast.If)
            and not _is_plain(statement)
            and not _leaves(statement)
        ):
            yield "statement doubled", _in_block(field, at, lambda one: [one, copy.deepcopy(one)])
        pair = [one for one in block[at : at + 2] if isinstance(one, ast.stmt)]
        if len(pair) == 2 and not any(isinstance(one, _DEFINITIONS) for one in pair) and not all(map(_is_plain, pair)):
            yield "statements swapped", _swapped(field, at)
        if isinstance(statement, ast.With | ast.AsyncWith):
            yield "with dropped", _in_block(field, at, lambda one: one.body)


def _leaves(statement: ast.stmt) -> bool:
    """Whether it is an `if` whose branch leaves the block: a second one behind it is never entered."""
    return isinstance(statement, ast.If) and isinstance(
        statement.body[-1], ast.Return | ast.Raise | ast.Break | ast.Continue
    )


def _is_plain(statement: ast.stmt) -> bool:
    """Whether it only gives a name a value that is written there, or a new object: `app = FastAPI()`."""
    if not isinstance(statement, ast.Assign):
        return False
    calls = [node for node in ast.walk(statement.value) if isinstance(node, ast.Call)]
    made = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in _MADE]
    return calls == made and not any(isinstance(node, ast.Await) for node in ast.walk(statement.value))


def _in_block(field: str, at: int, change: Callable[[Any], list[ast.stmt]]) -> Change:
    def changed(node: ast.AST) -> None:
        block = getattr(node, field)
        block[at : at + 1] = change(block[at])

    return changed


def _swapped(field: str, at: int) -> Change:
    def changed(node: ast.AST) -> None:
        block = getattr(node, field)
        block[at], block[at + 1] = block[at + 1], block[at]

    return changed
