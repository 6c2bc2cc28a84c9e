"""Where a task stands: down its chain of awaits to the learner's deepest line, and that line as text."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import itertools
import linecache
from collections.abc import Iterator
from pathlib import PurePath
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any, NamedTuple

from wslab.recording.trace import Place
from wslab.source import cell_label, is_user_code

_LONGEST = 90  # characters of an expression; more does not fit beside a lane
HANDLE_RUN_CODE = asyncio.Handle._run.__code__
"""The code under which a loop runs everything that it calls."""
_ASYNCHRONOUS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_PLUMBING = ("asyncio", "anyio")
# What stands between two coroutines without saying so: `anext(generator)`, `coroutine.__await__()`.
WRAPPERS = frozenset(
    {
        "async_generator_asend",
        "async_generator_athrow",
        "coroutine_wrapper",
        "anext_awaitable",
        "async_generator_wrapped",
    }
)


class Stand(NamedTuple):
    """A suspended place, raw: which code, and after which of its instructions."""

    code: CodeType
    lasti: int


def link(node: Any) -> tuple[CodeType | None, FrameType | None, Any]:
    """The code and frame of one link in a chain of awaits, and the next link; (None, None, None) at its end."""
    if isinstance(node, CoroutineType):
        return node.cr_code, node.cr_frame, node.cr_await
    if isinstance(node, GeneratorType):
        return node.gi_code, node.gi_frame, node.gi_yieldfrom
    if isinstance(node, AsyncGeneratorType):
        return node.ag_code, node.ag_frame, node.ag_await
    if type(node).__name__ in WRAPPERS:
        # These have no attribute that leads on, but the garbage collector knows whom they hold.
        for held in gc.get_referents(node):
            if isinstance(held, CoroutineType | GeneratorType | AsyncGeneratorType) or (
                type(held).__name__ in WRAPPERS
            ):
                return None, None, held
    return None, None, None


def chain(node: Any) -> Iterator[tuple[Any, CodeType, FrameType]]:
    """The links from `node` to the one that really waits, each with its code and suspended frame."""
    for _ in range(500):  # a chain is as deep as Python's own stack was, so this ends only what is no chain
        code, frame, deeper = link(node)
        if code is not None and frame is not None:
            yield node, code, frame
        if deeper is None:
            return
        node = deeper


class View(NamedTuple):
    """What one look down a chain of awaits shows.

    Attributes:
        stand: where the task waits: the learner's deepest line, else the deepest one of a library that says
            something (the caller of Starlette's thread pool, or what is last above asyncio's and AnyIO's plumbing).
        anchor: the learner's outermost coroutine, None where there is none.
        outermost: the code of the learner's outermost coroutine or generator, None where there is none.
    """

    stand: Stand | None
    anchor: CoroutineType[Any, Any, Any] | None
    outermost: CodeType | None


def look(coroutine: Any) -> View:
    """Where a suspended coroutine waits, and whose code it is in."""
    anchor: CoroutineType[Any, Any, Any] | None = None
    outermost: CodeType | None = None
    user: Stand | None = None
    library: Stand | None = None
    above: Stand | None = None
    for node, code, frame in chain(coroutine):
        stand = Stand(code, frame.f_lasti)
        if is_user_code(code.co_filename):
            user = stand
            outermost = outermost or code
            if anchor is None and isinstance(node, CoroutineType):
                anchor = node
        elif user is None:
            if code.co_name == "run_in_threadpool":
                library = above
                break
            if not is_plumbing(code.co_filename):
                library = stand
        above = stand
    return View(user or library, anchor, outermost)


@functools.lru_cache(maxsize=1024)
def is_plumbing(filename: str) -> bool:
    """Whether the code is asyncio's or AnyIO's own, which says nothing about where a task waits."""
    return any(package in PurePath(filename).parts for package in _PLUMBING)


def running_line(frame: FrameType | None) -> Stand | None:
    """The learner's deepest line in a running stack, or None; it ends at the loop, whose own caller runs nothing."""
    while frame is not None and frame.f_code is not HANDLE_RUN_CODE:
        if is_user_code(frame.f_code.co_filename):
            return Stand(frame.f_code, frame.f_lasti)
        frame = frame.f_back
    return None


def blocking_lines(frame: FrameType | None) -> tuple[Stand | None, Stand | None]:
    """In a running stack the learner's deepest line, and the line of the coroutine function that called it.

    The second is where an `await` is missing; in a callback, which no coroutine function called, it is the learner's
    outermost line.
    """
    deepest = running_line(frame)
    calling: Stand | None = None
    while frame is not None and frame.f_code is not HANDLE_RUN_CODE:
        if is_user_code(frame.f_code.co_filename):
            calling = Stand(frame.f_code, frame.f_lasti)
            if frame.f_code.co_flags & _ASYNCHRONOUS:
                break
        frame = frame.f_back
    return deepest, calling


def failed_at(error: BaseException, stand: Stand) -> bool:
    """Whether the learner's deepest line in the traceback of `error` is the line of `stand`."""
    user = None
    trace = error.__traceback__
    while trace is not None:
        if is_user_code(trace.tb_frame.f_code.co_filename):
            user = trace
        trace = trace.tb_next
    return user is not None and user.tb_frame.f_code is stand.code and user.tb_lineno == _lines(*stand)[0]


def _lines(code: CodeType, lasti: int) -> tuple[int, int, int | None, int | None]:
    """The first and last line of an instruction, and its columns in bytes (PEP 657)."""
    position = next(itertools.islice(code.co_positions(), lasti // 2, None), None)
    line, last, begin, end = position if position is not None else (None, None, None, None)
    if line is None:
        line = last = code.co_firstlineno
    return line, last or line, begin, end


def expression(code: CodeType, lasti: int) -> tuple[str, int]:
    """The source text of the instruction at `lasti`, and its line: `("await websocket.receive_text()", 25)`.

    `co_positions` (PEP 657) knows the exact columns. Where they show only part of a statement that says more
    (`async for`, `async with`, arithmetic), the whole line stands there instead.
    """
    line, last, begin, end = _lines(code, lasti)
    source = [linecache.getline(code.co_filename, number) for number in range(line, last + 1)]
    if not any(source):
        return f"{code.co_name}()", line
    text = ""
    if begin is not None and end is not None:
        lines = [row.encode() for row in source]  # columns count bytes
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][begin:]
        text = " ".join(b"".join(lines).decode(errors="replace").split())
    if not (text.startswith("await ") or text.endswith(")")) or _opens_block(source[0]):
        text = " ".join(source[0].split())
    return (text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"), line


def _opens_block(source: str) -> bool:
    return source.lstrip().startswith(("async for ", "async with "))


def describe(stand: Stand) -> Place:
    """The place as a reader calls it."""
    code, lasti = stand
    text, line = expression(code, lasti)
    user = is_user_code(code.co_filename)
    path = PurePath(code.co_filename)
    where = cell_label(code.co_filename) or (path.name if user else "/".join(path.parts[-2:]))
    return Place(text, where, line, code.co_qualname, user)
