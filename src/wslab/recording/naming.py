"""What a lane is called: what its author called the task, else who is on the other end, else its function."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator, Mapping
from types import CodeType, CoroutineType, FrameType, FunctionType, MethodType
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import parse_qs

from wslab.errors import exception_paths
from wslab.language import shortened
from wslab.recording.places import chain, is_plumbing
from wslab.source import cell_label, is_user_code

_AUTOMATIC = re.compile(r"Task-\d+|None")  # Python 3.13.0 calls an eager task "None"
_LONGEST = 28  # characters of what a client calls itself
_LONGEST_ERROR = 200  # characters of an exception's message
_MOST_LEAVES = 3
_CALLED = ("name", "user", "username", "nick", "nickname", "client", "id", "user_id", "client_id")
# Where a callable keeps the function that it calls: `functools.wraps`, `functools.partial`, Litestar.
_HOLDS_FUNCTION = ("__wrapped__", "func", "fn", "_fn")


def task_names(task: Any, coroutine: Any) -> tuple[str, str]:
    """The name that the learner gave the task ("" where it has an automatic one), and its function's name.

    AnyIO names a task after the path of its function, `package.module.Class.function`; that says what the function is
    called, where the task's own coroutine is AnyIO's.
    """
    qualname = str(getattr(coroutine, "__qualname__", type(coroutine).__name__))
    try:
        name = str(task.get_name())
    except Exception:  # a task class of somebody else's
        return "", qualname
    if _AUTOMATIC.fullmatch(name):
        return "", qualname
    if "." in name and name.partition(".")[0] in sys.modules and " " not in name:
        return "", name.rpartition("<locals>.")[2].rpartition(".")[2]
    return name, qualname


class Served(NamedTuple):
    """An ASGI scope that was found in a task, and what the task has to do with it.

    Attributes:
        scope: the scope (ASGI specification, "Connection Scope").
        own: whether the server made this task to serve the scope. A task that the application started, such as one
            around `websocket.send_text()`, is not the connection's own.
        helper: whether the task only runs a method of an object that holds the scope, such as a WebSocket.
    """

    scope: Mapping[str, Any]
    own: bool
    helper: bool


def _task_chain(coroutine: Any) -> Iterator[tuple[Any, CodeType, FrameType]]:
    """The chain of awaits of a task. Before the first step of an AnyIO task it begins with the task's own coroutine,
    which AnyIO's wrapper does not await yet but holds already."""
    frame = getattr(coroutine, "cr_frame", None)
    if frame is not None and coroutine.cr_await is None and is_plumbing(frame.f_code.co_filename):
        values = frame.f_locals
        inner = getattr(values.get("self"), "_coro", values.get("coro"))
        coroutine = inner if isinstance(inner, CoroutineType) else coroutine
    return chain(coroutine)


def _arguments(code: CodeType) -> frozenset[str]:
    return frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _is_servers(code: CodeType) -> bool:
    """Whether this is the function in which a server calls the application: uvicorn's, or Hypercorn's."""
    return code.co_name == "run_asgi" or {"app", "scope"} <= _arguments(code)


def served_by(coroutine: Any) -> Served | None:
    """The ASGI scope that a task works for, None where no library's frame above the learner's code holds one.

    Only frames of libraries are read: reading a frame's locals makes Python keep a copy of them, which could prolong
    the life of a learner's objects.
    """
    outermost = True
    for _, code, frame in _task_chain(coroutine):
        if is_user_code(code.co_filename):
            return None
        own, outermost = outermost and _is_servers(code), False
        names = code.co_varnames + code.co_freevars
        if "scope" not in names and "self" not in names:
            continue
        values = frame.f_locals
        if _is_scope(scope := values.get("scope")):
            return Served(scope, own, False)
        if _is_scope(scope := getattr(values.get("self"), "scope", None)):
            return Served(scope, own, not own)
    return None


def _is_scope(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and "type" in value


def routed_scope(coroutine: Any) -> Mapping[str, Any] | None:
    """The scope in which a router has entered the learner's endpoint; None while there is none.

    It is not the server's own scope where a middleware handed on a copy: `await self.app({**scope}, receive, send)`.
    """
    found = None
    for _, code, frame in chain(coroutine):
        if not is_user_code(code.co_filename) and "scope" in _arguments(code):
            scope = frame.f_locals.get("scope")
            if _is_scope(scope) and endpoint_of(scope) is not None:
                found = scope
    return found


def _endpoint_forms(endpoint: Any) -> Iterator[Any]:
    """An endpoint and what it was made of, outermost first: decorators, `functools.partial`, Litestar's handlers."""
    for _ in range(32):
        yield endpoint
        inner = next((held for name in _HOLDS_FUNCTION if callable(held := getattr(endpoint, name, None))), None)
        if inner is None:
            return
        endpoint = inner


def endpoint_codes(endpoint: Any) -> set[CodeType]:
    """The code of the functions that an endpoint consists of: its own, its decorators', a class's methods."""
    codes = set()
    for form in _endpoint_forms(endpoint):
        bodies = [form]
        if not isinstance(form, FunctionType | MethodType):
            kinds = (form if isinstance(form, type) else type(form)).__mro__
            bodies += [body for kind in kinds for body in vars(kind).values()]
        for body in bodies:
            code = getattr(body, "__code__", None)
            if isinstance(code, CodeType):
                codes.add(code)
    return codes


def endpoint_of(scope: Mapping[str, Any]) -> Any:
    """The learner's function, class or object that answers; None where it is not known yet or not the learner's.

    Starlette enters it into the scope as `endpoint`, Litestar as `route_handler`.
    """
    endpoint = scope.get("endpoint", scope.get("route_handler"))
    users = any(is_user_code(code.co_filename) for code in endpoint_codes(endpoint))
    return endpoint if users else None


def endpoint_name(endpoint: Any) -> str:
    """What an endpoint is called: its function, its class, or the class of an object that is called."""
    *_, innermost = _endpoint_forms(endpoint)
    return function_name(getattr(innermost, "__qualname__", None) or type(innermost).__qualname__, "")


def helper_name(scope: Mapping[str, Any], method: str) -> str:
    """`send_text → Ada`: a task that does nothing but run this method of a connection."""
    who = caller_of(scope)
    arrow = "←" if method.startswith(("receive", "iter")) else "→"
    return f"{method} {arrow} {who}" if who else method


def _short(text: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return shortened(text, _LONGEST)


def caller_of(scope: Mapping[str, Any]) -> str:
    """What tells this connection from the others: who joined the class, `?name=`, the path parameters, or the port."""
    nickname = getattr(scope.get("user"), "nickname", None)
    if isinstance(nickname, str) and nickname:
        return _short(nickname)
    query = parse_qs(bytes(scope.get("query_string") or b"").decode("latin-1"))
    for key in _CALLED:
        if query.get(key):
            return _short(query[key][0])
    if scope.get("path_params"):
        return _short("/".join(str(value) for value in scope["path_params"].values()))
    client = scope.get("client")
    return f"port {client[1]}" if client else ""


def client_of(scope: Mapping[str, Any]) -> tuple[str, int] | None:
    """The client's address and port, None where the scope does not hold both."""
    client = scope.get("client")
    if isinstance(client, tuple | list) and len(client) == 2 and client[0] and isinstance(client[1], int):
        return str(client[0]), client[1]
    return None


def scope_name(scope: Mapping[str, Any], function: str) -> str:
    """`websocket_endpoint · Ada`, `root · GET /`."""
    kind = scope.get("type")
    if kind == "http":
        what = f"{scope.get('method', '')} {_short(str(scope.get('path', '')))}"
    elif kind == "websocket":
        what = caller_of(scope)
    else:
        what = "" if function else str(kind)
    return " · ".join(part for part in (function, what) if part)


def error_name(error: BaseException) -> str:
    """`ValueError: empty room`; an exception group is named by the exceptions that it was made of."""
    leaves = list(dict.fromkeys(_leaf_names(error)))
    return "; ".join(leaves[:_MOST_LEAVES]) + ("; …" if len(leaves) > _MOST_LEAVES else "")


def _leaf_names(error: BaseException) -> Iterator[str]:
    for path in exception_paths(error):
        leaf = path[-1]
        try:
            text = str(leaf)
        except Exception:  # an exception class of somebody else's
            text = "?"
        name = type(leaf).__name__
        yield f"{name}: {text[:_LONGEST_ERROR]}" if text else name


def function_name(qualname: str, filename: str) -> str:
    """A function as a reader calls it; the body of a notebook cell is the cell."""
    if qualname.startswith("<"):
        return cell_label(filename) or filename.replace("\\", "/").rpartition("/")[2]
    return qualname.rpartition("<locals>.")[2].removesuffix(".__call__")


def callback_code(callback: Any) -> Any:
    """The code object that a loop's callback will run, None for one written in C."""
    while isinstance(callback, functools.partial):
        callback = callback.func
    code = getattr(callback, "__code__", None)
    if code is None:  # an object with a __call__ of its own
        code = getattr(getattr(type(callback), "__call__", None), "__code__", None)  # noqa: B004
    return code
