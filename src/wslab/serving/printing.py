"""What a server prints goes into its log; everybody else's prints go where they always go.

The streams stay the objects that they are; only their methods `write` and `flush` are covered. So whoever took
`sys.stderr` long before (loguru does, when it is imported) is covered as well.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from wslab.serving.exceptions import place_of_caller
from wslab.serving.ownership import Owner, current_owner
from wslab.serving.switching import Switch

_LONGEST_LINE = 10_000


class _Lines:
    """What servers write on one stream, made into lines."""

    def __init__(self) -> None:
        self._begun: dict[int, tuple[Owner, str, str]] = {}  # by thread: whose, where it began, and the text so far

    def add(self, owner: Owner, text: str) -> None:
        """Put the whole lines into the owner's log, and keep what has no end yet."""
        thread = threading.get_ident()
        where, start = place_of_caller(), ""
        begun = self._begun.get(thread)
        if begun is not None and begun[0] == owner:
            where, start = begun[1] or where, begun[2]
            del self._begun[thread]
        elif begun is not None:  # somebody else's half line: it ends where the other one begins
            self.end()
        *lines, rest = (start + text).split("\n")
        for line in lines:
            owner.log.add("print", line[:_LONGEST_LINE], connection=owner.connection, place=where)
        if rest:
            self._begun[thread] = (owner, where, rest[:_LONGEST_LINE])

    def end(self, thread: int | None = None) -> None:
        """Put the line that a thread (this one, if none is given) has begun into its owner's log, if there is one."""
        begun = self._begun.pop(thread or threading.get_ident(), None)
        if begun is not None:
            owner, where, text = begun
            owner.log.add("print", text, connection=owner.connection, place=where)

    def end_all(self) -> None:
        """The same for every thread."""
        for thread in list(self._begun):
            self.end(thread)


_lines: weakref.WeakKeyDictionary[Any, _Lines] = weakref.WeakKeyDictionary()


def _write(owner: Owner, stream: Any, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not (args and isinstance(args[0], str)):
        return original(*args, **kwargs)  # raises what it always raises
    if not owner.muted:
        _lines[stream].add(owner, args[0])
    return len(args[0])


def _flush(_owner: Owner, stream: Any, _original: Callable[..., Any]) -> None:
    _lines[stream].end()


_METHODS: dict[str, Callable[..., Any]] = {"write": _write, "flush": _flush}


class _OnTheStream:
    """A method of one stream whose class is written in C and takes no attribute: a terminal's, a file's, a StringIO."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream = weakref.ref(stream)
        self._name = name
        self._method: Callable[..., Any] | None = None
        self._before: Any = None

    def put(self) -> None:
        stream = self._stream()
        before = vars(stream).get(self._name)
        if before is not None and before is self._method:
            return
        original, ours = getattr(stream, self._name), _METHODS[self._name]

        def method(*args: Any, **kwargs: Any) -> Any:
            owner = current_owner()
            found = self._stream()
            if owner is None or found not in _lines:
                return original(*args, **kwargs)
            return ours(owner, found, original, *args, **kwargs)

        self._before, self._method = before, functools.update_wrapper(method, original)
        setattr(stream, self._name, method)

    def remove(self) -> None:
        stream = self._stream()
        if stream is None or vars(stream).get(self._name) is not self._method:
            return
        delattr(stream, self._name)
        if self._before is not None:
            setattr(stream, self._name, self._before)


_on_classes: dict[type, list[Switch]] = {}
_on_streams: weakref.WeakKeyDictionary[Any, list[_OnTheStream]] = weakref.WeakKeyDictionary()

# References to the streams that were covered last, and the methods of these that have to be looked at again. Before
# there are any, `object()` is no stream.
_Latest = tuple[Callable[[], Any], Callable[[], Any], list[_OnTheStream]]
_NONE_YET: _Latest = (object, object, [])
_latest = _NONE_YET


def _cover(stream: Any) -> None:
    kind = type(stream)
    if stream not in _lines:
        vars(stream)  # a TypeError where it takes no attributes
        _lines[stream] = _Lines()
        if kind not in _on_classes:
            switches = [Switch(kind, name, method, _lines.__contains__) for name, method in _METHODS.items()]
            try:
                for switch in switches:
                    switch.put()
                _on_classes[kind] = switches
            except TypeError:
                _on_streams[stream] = [_OnTheStream(stream, name) for name in _METHODS]
    for method in _on_streams.get(stream, []):
        method.put()


def cover() -> None:
    """Cover the streams that `print` uses now; a cell may have redirected them since the last call."""
    global _latest
    out, err, methods = _latest
    if out() is sys.stdout and err() is sys.stderr:  # as nearly always, and this is asked at each message
        for method in methods:
            method.put()
        return
    _latest = _NONE_YET
    for stream in (sys.stdout, sys.stderr):
        # A stream of somebody's own make may have no attributes; then it is left as it is.
        with contextlib.suppress(TypeError, AttributeError):
            _cover(stream)
    with contextlib.suppress(TypeError):  # one that nothing can refer to weakly is looked up each time
        methods = [method for stream in (sys.stdout, sys.stderr) for method in _on_streams.get(stream, [])]
        _latest = (weakref.ref(sys.stdout), weakref.ref(sys.stderr), methods)


def uncover() -> None:
    """Every stream is again as it was."""
    global _latest
    _latest = _NONE_YET
    for lines in list(_lines.values()):
        lines.end_all()
    for switches in _on_classes.values():
        for switch in switches:
            switch.remove()
    for methods in _on_streams.values():
        for method in methods:
            method.remove()
    _on_classes.clear()
    _on_streams.clear()
    _lines.clear()


def end_lines() -> None:
    """Put what the running thread has begun to print, and not ended with a line break, into its owner's log."""
    for lines in list(_lines.values()):
        lines.end()
