"""A cell's lines that only IPython understands, taken out: `%magic`, `%%magic`, `!command`, `name?`."""

from __future__ import annotations

import ast
import re

_PYTHON_BELOW = re.compile(r"%%(time|capture)\b")
_PYTHON_BEHIND = re.compile(r"(?m)^(?P<indent>[ \t]*)%time[ \t]+(?=\S)")
_SUSPECT = re.compile(r"[%!?]|get_ipython|>>>|In \[")


def without_magics(source: str) -> tuple[str, tuple[str, ...]]:
    """The cell as plain Python, and what was passed over.

    What is Python in a magic stays: the cell below `%%time` and `%%capture`, the statement behind `%time`. Lines keep
    their numbers as long as no magic runs over several.

    Args:
        source: the cell.
    """
    if not _SUSPECT.search(source):
        return source, ()
    ignored: list[str] = []
    stripped = source.lstrip()
    if stripped.startswith("%%"):
        first, _, rest = stripped.partition("\n")
        if not _PYTHON_BELOW.match(first):
            return "", (first,)
        above = source[: len(source) - len(stripped)].count("\n")
        source, more = without_magics(rest)
        return "\n" * (above + 1) + source, (first, *more)
    source = _PYTHON_BEHIND.sub(lambda found: _note(found, ignored), source)
    try:
        from IPython.core.inputtransformer2 import TransformerManager  # a second to import, and few need it

        transformed = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
        if "get_ipython" not in transformed:
            return (source if not _prompts(source) else transformed), tuple(ignored)
        return _replaced(transformed, ignored), tuple(ignored)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # No Python either way: it runs as it is, and Python says what is wrong with it.
        return source, tuple(ignored)


def _note(found: re.Match[str], ignored: list[str]) -> str:
    ignored.append("%time")
    return found["indent"]


def _prompts(source: str) -> bool:
    return source.lstrip().startswith((">>>", "In ["))


def _replaced(source: str, ignored: list[str]) -> str:
    """The same with `None` in the place of every call of `get_ipython()`."""
    lines = [line.encode() for line in source.split("\n")]
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _is_magic(node)]
    for node in sorted(calls, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        begin, end = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        words = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        name = node.func.attr if isinstance(node.func, ast.Attribute) else "get_ipython"
        mark = {"run_line_magic": "%", "system": "!", "getoutput": "!"}.get(name, "")
        ignored.insert(0, mark + (" ".join(words) if words else name))
        tail = lines[end][node.end_col_offset or 0 :]
        lines[begin : end + 1] = [lines[begin][: node.col_offset] + b"None" + tail] + [b""] * (end - begin)
    return b"\n".join(lines).decode()


def _is_magic(node: ast.Call) -> bool:
    inner = node.func.value if isinstance(node.func, ast.Attribute) else None
    return isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "get_ipython"
