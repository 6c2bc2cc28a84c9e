"""Whether a cell gives a value to a variable of the notebook, in whatever form; nothing of the cell is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_SUSPECT = re.compile(r"(?m)^\s*[%!]|=\s*[%!]|get_ipython|^\s*(>>>|In \[)")
_RUNS_ITS_CODE = frozenset({"time", "capture", "prun"})
_DEEPEST = 5


def binds(source: str, name: str) -> bool:
    """Whether a cell binds, rebinds or deletes the variable `name` at its own level: `app = …`, `del app`.

    Counted is every form of the language (assignment in a block, annotation, unpacking, walrus, `for`, `with`,
    `match`, `except`, `import`, `def`, `class`, `global` in a function), `globals()["app"] = …`, `__main__.app = …`,
    `get_ipython().push({"app": …})` and the like, `exec("app = …")`, and code that a magic runs: `%time app = …`. Not
    counted is `app = ...`, as the labs have it.

    Args:
        source: the cell, with magics.
        name: the variable.
    """
    return _binds(source, name, 0)


def may_bind(source: str, name: str) -> bool:
    """As `binds()`; also true where only a run would tell: `from chat import *`, `%run chat.py`, `exec(text)`."""
    tree = _tree(source)
    return binds(source, name) or (tree is not None and any(map(_hides_its_names, ast.walk(tree))))


def _binds(source: str, name: str, depth: int) -> bool:
    tree = _tree(source)
    if tree is None or depth > _DEEPEST:
        return False
    if name in set(_bound(tree.body, own=True)):
        return True
    return any(_binds(code, name, depth + 1) for node in ast.walk(tree) for code in _code_in(node))


def _tree(source: str) -> ast.Module | None:
    try:
        if _SUSPECT.search(source):
            from IPython.core.inputtransformer2 import TransformerManager  # takes long to import, and few need it

            source = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _bound(nodes: list[ast.stmt], *, own: bool) -> Iterator[str]:
    """The names that statements bind, own ones or (in a function) those that it declares global."""
    pending: list[ast.AST] = list(nodes)
    declared: set[str] = set()
    found: set[str] = set()
    while pending:
        node = pending.pop()
        match node:
            case ast.Assign(value=ast.Constant(value=value)) if value is ...:
                continue
            case ast.AnnAssign(value=None):
                continue
            case ast.AnnAssign(value=ast.Constant(value=value)) if value is ...:
                continue
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
                yield from _bound(node.body, own=False)
                pending += node.decorator_list
                continue
            case ast.Lambda():
                continue
            case ast.comprehension():  # its target is its own; a walrus in it binds outside
                pending += [node.iter, *node.ifs]
                continue
            case ast.Global():
                declared.update(node.names)
            case ast.Name(ctx=ast.Store() | ast.Del()):
                found.add(node.id)
            case ast.alias():
                found.add((node.asname or node.name).partition(".")[0])
            case ast.ExceptHandler(name=str(caught)):
                found.add(caught)
            case ast.MatchAs(name=str(caught)) | ast.MatchStar(name=str(caught)) | ast.MatchMapping(rest=str(caught)):
                found.add(caught)
            case ast.Subscript(
                value=ast.Call(func=ast.Name(id="globals" | "vars" | "locals")),
                slice=ast.Constant(value=str(key)),
                ctx=ast.Store() | ast.Del(),
            ):
                yield key
            case ast.Subscript(
                value=ast.Attribute(attr="user_ns" | "__dict__"), slice=ast.Constant(value=str(key)), ctx=ast.Store()
            ):
                yield key
            case ast.Attribute(value=ast.Name(id="__main__"), attr=attribute, ctx=ast.Store() | ast.Del()):
                yield attribute
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str(attribute)), _]):
                yield attribute
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="globals")), attr="update")):
                yield from (keyword.arg for keyword in node.keywords if keyword.arg)
                yield from _keys(node.args)
            case ast.Call(func=ast.Attribute(attr="push")):
                yield from _keys(node.args)
        pending += ast.iter_child_nodes(node)
    yield from found if own else found & declared


def _keys(arguments: list[ast.expr]) -> Iterator[str]:
    """The keys of a dictionary that is given to a call."""
    for argument in arguments:
        for key in argument.keys if isinstance(argument, ast.Dict) else ():
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


def _code_in(node: ast.AST) -> Iterator[str]:
    """The code that a call runs in the notebook's own namespace."""
    match node:
        case ast.Call(func=ast.Name(id="exec"), args=[ast.Constant(value=str(code)), *_]):
            yield code
        case ast.Call(func=ast.Attribute(attr="run_cell" | "ex"), args=[ast.Constant(value=str(code)), *_]):
            yield code
        case ast.Call(
            func=ast.Attribute(attr="run_line_magic" | "run_cell_magic"), args=[ast.Constant(value=magic), *rest]
        ):
            if magic in _RUNS_ITS_CODE and rest and isinstance(rest[-1], ast.Constant):
                yield str(rest[-1].value)


def _hides_its_names(node: ast.AST) -> bool:
    match node:
        case ast.ImportFrom(names=[ast.alias(name="*")]):
            return True
        case ast.Call(func=ast.Name(id="exec"), args=[code, *_]):
            return not isinstance(code, ast.Constant)
        case ast.Call(
            func=ast.Attribute(attr="run_line_magic"), args=[ast.Constant(value="run" | "load" | "loadpy"), *_]
        ):
            return True
    return False
