"""What the server itself tells about a failure: which of the things it raised and warned is the cause.

The order of suspicion is the same for all labs: what never ran (a coroutine without `await`), then an exception with
its line, and only then what the clients saw.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wslab.labs import general
from wslab.labs.verdict import Misconception, Raised
from wslab.serving.observing import FROM_ELSEWHERE, NOT_GIVEN, NOT_REGISTERED

_BEFORE_ALL = (
    ("asyncio.run() cannot be called", general.RUN_IN_A_LOOP),
    ("'async for' requires", general.ASYNC_FOR),
    ("different event loop", general.ANOTHER_LOOP),
    ("different loop", general.ANOTHER_LOOP),
)
"""Parts of an exception's text, each with what it means; a coroutine that never ran is then its effect."""

_EXCEPTIONS = (
    ("can't be used in 'await' expression", general.AWAITS_NO_COROUTINE),
    ("object can't be awaited", general.AWAITS_NO_COROUTINE),  # Python 3.14
    ("a coroutine or an awaitable is required", general.AWAITS_NO_COROUTINE),  # wait_for() of Python 3.11
    ("object is not callable", general.CALLS_A_VALUE),
    ("'builtin_function_or_method' object", general.NOT_CALLED),
    ("'method' object", general.NOT_CALLED),
    ("'function' object", general.NOT_CALLED),
    ("a coroutine was expected", general.TASK_OF_NO_COROUTINE),
    ("cannot access local variable", general.LOCAL_NAME),
    ("NameError: ", general.UNKNOWN_NAME),
    ("has no attribute 'encode'", general.SENDS_NO_TEXT),
    ("a bytes-like object is required", general.SENDS_NO_TEXT),
    ("can only concatenate str", general.TEXT_AND_NUMBER),
    ("for +: 'int' and 'str'", general.TEXT_AND_NUMBER),
    ("cannot be interpreted as an integer", general.TEXT_AND_NUMBER),
    ("between instances of 'int' and 'str'", general.TEXT_AND_NUMBER),
    ("between instances of 'str' and 'int'", general.TEXT_AND_NUMBER),
    ("string indices must be integers", general.RAW_SEND),
    ("'coroutine' object has no attribute", general.COROUTINE_FOR_VALUE),
    ("AttributeError: ", general.NO_SUCH_ATTRIBUTE),
    ("but got 'websocket.accept'", general.ACCEPTS_TWICE),
    ("JSONDecodeError: ", general.EXPECTS_JSON),
    ("KeyError: 'bytes'", general.EXPECTS_BYTES),
    ("KeyError: ", general.NO_SUCH_KEY),
    ("invalid literal for int()", general.NO_NUMBER),
    ("positional argument", general.OTHER_ARGUMENTS),
    ("takes no arguments", general.OTHER_ARGUMENTS),
    ("got an unexpected keyword argument", general.OTHER_ARGUMENTS),
    ("got multiple values for argument", general.OTHER_ARGUMENTS),
    ("takes exactly one argument", general.OTHER_ARGUMENTS),
    ("status code", general.NO_SUCH_CODE),
)
"""Parts of an exception's text, each with what it says about the code; the first that fits counts."""

_OF_CLIENTS = (
    ("does not support the context manager protocol", general.WITH_WITHOUT_ASYNC),
    ("'connect' object has no attribute", general.NOT_OPENED),
    ("'ClientConnection' object has no attribute", general.SERVERS_NAME),
    ("sent 1000 (OK); then received 1000 (OK)", general.USED_AFTER_ITS_END),
    ("server rejected WebSocket connection: HTTP", general.CLIENT_REFUSED),
    ("isn't a valid URI", general.NO_ADDRESS),
)
"""Parts of an exception's text in a function that may be a client of `websockets`, each with what it means."""

_OF_ANY_FUNCTION = frozenset(
    {
        general.AWAITS_NO_COROUTINE,
        general.CALLS_A_VALUE,
        general.COROUTINE_FOR_VALUE,
        general.LOCAL_NAME,
        general.NO_SUCH_ATTRIBUTE,
        general.OTHER_ARGUMENTS,
        general.TEXT_AND_NUMBER,
        general.UNKNOWN_NAME,
    }
)
"""What is true of an exception in any function; the others of `_EXCEPTIONS` speak of a handler."""

_HOLDER = re.compile(r"'(dict|list|set)' object has no attribute '(\w+)'")
"""What Python says of a method that another kind of collection has."""

_MISTAKES = frozenset({"NameError", "UnboundLocalError", "AttributeError", "TypeError", "ImportError"})
"""What nobody catches on purpose; a ValueError or KeyError may be a program's way to ask."""

_SIGNS = ("invalid literal for int()", "asyncio.run() cannot be called")
"""Other exceptions that are mistakes, by their text."""

_OUT_OF_TURN = (
    'Need to call "accept" first',
    "once a close message has been sent",
    "after sending 'websocket.close'",
    "but got 'websocket.send'",
)
"""What Starlette and uvicorn say to a handler that receives or sends before its accept() or after the end."""


def is_never_awaited(one: Raised) -> bool:
    """Whether it is Python's remark on a coroutine that nobody ran."""
    return "was never awaited" in one.text


def is_out_of_turn(one: Raised) -> bool:
    """Whether a handler received or sent before it had accepted, or after its connection was over."""
    return any(sign in one.text for sign in _OUT_OF_TURN)


def is_of_a_task(one: Raised) -> bool:
    """Whether a task ended with this exception, and nobody awaited the task."""
    return one.text.startswith("Task exception was never")


def meaning_of(error: Raised) -> Misconception:
    """What an exception says about the code, as far as its text tells."""
    if holder := _HOLDER.search(error.text):
        if holder[1] == "dict" and hasattr(str, holder[2]):
            return general.WHOLE_MESSAGE
        if any(hasattr(kind, holder[2]) for kind in (dict, list, set)):
            return general.OTHER_METHOD
    for sign, misconception in (*_BEFORE_ALL, *_EXCEPTIONS):
        if sign in error.text:
            return misconception
    return general.TASK_RAISED if is_of_a_task(error) else general.HANDLER_RAISED


def meaning_in_a_function(error: Raised) -> Misconception:
    """What an exception that ended a function says about its code; `FUNCTION_RAISED` where its text tells no more."""
    for sign, misconception in _OF_CLIENTS:
        if sign in error.text:
            return misconception
    meaning = meaning_of(error)
    return meaning if meaning in _OF_ANY_FUNCTION else general.FUNCTION_RAISED


def exceptions(raised: Sequence[Raised]) -> list[Raised]:
    """The exceptions among what a server raised and warned."""
    # That the handshake was not completed is uvicorn's remark on what else went wrong.
    return [one for one in raised if not one.warning and "without completing handshake" not in one.text]


def never_run(raised: Sequence[Raised]) -> tuple[Misconception, Raised] | None:
    """A coroutine that never ran, or the exception that kept it from running; None where there is neither."""
    errors = exceptions(raised)
    for error in errors:
        if any(sign in error.text for sign, _ in _BEFORE_ALL):
            return meaning_of(error), error
    never = next(filter(is_never_awaited, raised), None)
    return (general.NOT_AWAITED, never) if never is not None else None


def cause(raised: Sequence[Raised]) -> tuple[Misconception, Raised] | None:
    """What the server tells by itself: what never ran, or else the first exception; None where it tells nothing."""
    if told := never_run(raised):
        return told
    errors = exceptions(raised)
    if not errors:
        return None
    error = next((one for one in errors if one.place), errors[0])
    return meaning_of(error), error


def mistake(raised: Sequence[Raised]) -> Raised | None:
    """The first exception in a line of the learner's that nobody raises or catches on purpose; None for none."""
    return next((one for one in exceptions(raised) if one.place and one.name in _MISTAKES), None)


def hidden(caught: Sequence[Raised]) -> Raised | None:
    """The first exception that must be a mistake, of those that an app's own code may have caught; None for none."""
    return next((one for one in caught if one.name in _MISTAKES or any(sign in one.text for sign in _SIGNS)), None)


def not_registered(raised: Sequence[Raised]) -> bool:
    """Whether the app has no WebSocket handler for the path that was asked for."""
    return any(one.text.startswith(NOT_REGISTERED) for one in raised)


def not_given(raised: Sequence[Raised]) -> str:
    """The parameters that FastAPI looked for in the address and did not find, `"a, b"`; empty for none."""
    return next((one.text.removeprefix(NOT_GIVEN) for one in raised if one.text.startswith(NOT_GIVEN)), "")


def sent_from_elsewhere(raised: Sequence[Raised]) -> Raised | None:
    """The remark on a message that was sent from another thread than the server's; None where none was."""
    return next((one for one in raised if one.text.startswith(FROM_ELSEWHERE)), None)
