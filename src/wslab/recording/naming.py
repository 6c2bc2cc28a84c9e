"""What a lane is called: what its author called the task, else who is on the other end, else its function."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from wslab.recording.places import chain
from wslab.source import cell_label, is_user_code

_AUTOMATIC = re.compile(r"Task-\d+|None")  # Python 3.13.0 calls an eager task "None"
_LONGEST = 28  # characters of what a client calls itself
_CALLED = ("name", "user", "username", "nick", "client", "id")


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


def scope_in(coroutine: Any) -> Mapping[str, Any] | None:
    """The ASGI scope that a task serves, if a library's frame in its chain of awaits holds one.

    Only library frames are looked at: reading a frame's locals makes Python keep a copy of them, which could
    prolong the life of a learner's objects.
    """
    for _, code, frame in chain(coroutine):
        if is_user_code(code.co_filename):
            return None
        names = code.co_varnames + code.co_freevars
        if "scope" not in names and "self" not in names:
            continue
        values = frame.f_locals
        for holder in (values.get("scope"), getattr(values.get("self"), "scope", None)):
            if isinstance(holder, Mapping) and "type" in holder:
                return holder
    return None


def endpoint_of(scope: Mapping[str, Any]) -> Any:
    """The learner's function or class that answers, None where it is not known yet or not the learner's."""
    endpoint = scope.get("endpoint")
    while isinstance(endpoint, functools.partial):
        endpoint = endpoint.func
    endpoint = getattr(endpoint, "__wrapped__", endpoint)
    bodies = [endpoint, *vars(endpoint).values()] if isinstance(endpoint, type) else [endpoint]
    for body in bodies:
        code = getattr(body, "__code__", None)
        if code is not None and is_user_code(code.co_filename):
            return endpoint
    return None


def _short(text: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def caller_of(scope: Mapping[str, Any]) -> str:
    """What tells this connection from the others: who joined the class, `?name=`, a path parameter, or the port."""
    nickname = getattr(scope.get("user"), "nickname", None)
    if isinstance(nickname, str) and nickname:
        return _short(nickname)
    query = parse_qs(bytes(scope.get("query_string") or b"").decode("latin-1"))
    for key in _CALLED:
        if query.get(key):
            return _short(query[key][0])
    for value in (scope.get("path_params") or {}).values():
        return _short(str(value))
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
