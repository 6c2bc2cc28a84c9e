"""A function of the learner's, judged as an app is: on a loop of its own, with deadlines, exceptions with their line.

A turn about asyncio is about a function or a value, not about a server. It is served as an app whose one request calls
it, so that the engine which judges apps judges it as well.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wslab.labs import general
from wslab.labs.causes import meaning_in_a_function
from wslab.labs.failure import Failure
from wslab.labs.stage import Stage
from wslab.labs.venue import Served
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled, shortened
from wslab.source import is_user_code

_PATH = "/call"
_LONGEST = 80
_TICK = 0.002  # seconds
_RETURNED = Text(en="{name}() returned {value} after {ms} ms", tr="{name}(), {ms} ms sonra {value} döndürdü")
_STILL_RUNS = Text(en="{name}() has not come to its end", tr="{name}() sona ermedi")
_RAISED = Text(en="`{name}()` raised {error}", tr="`{name}()` istisna fırlattı: {error}")
_RAISED_BY = Text(en="your code: {error}", tr="kodunuz: {error}")
_GAVE = Text(en="`{name}()` gave {came} at once.", tr="`{name}()` hemen {came} verdi.")
_GAVE_COROUTINE = Text(
    en="Your function returned a coroutine of `{name}()`.", tr="Fonksiyonunuz bir `{name}()` eşyordamı döndürdü."
)
_CAME = Text(en="`check()` got {came}.", tr="`check()` fonksiyonuna {came} verildi.")


class FunctionRaised(Failure):
    """The learner's function raised; its misconception says what that means, as far as the exception tells."""


class Called:
    """An ASGI app around what a turn was given.

    Attributes:
        given: the function or the value.
        value: what the last call returned.
        seconds: how long it took, in seconds.
        awaited: whether the call had to be awaited.
        returned_coroutine: the name of the coroutine that it returned; empty where it returned something else.
        turns: how many turns another task of the loop got meanwhile, one every two milliseconds at most.
        through: what calls the function, with it and the arguments; None where it is called plainly.
        at_return: called at the moment when the function returns or raises.
        left: how many tasks of the learner's code were still running when it returned.
    """

    def __init__(self, given: Any) -> None:
        self.given = given
        self.args: tuple[Any, ...] = ()
        self.value: Any = None
        self.seconds = 0.0
        self.awaited = False
        self.returned_coroutine = ""
        self.turns = 0
        self.through: Callable[..., Awaitable[Any]] | None = None
        self.at_return: Callable[[], None] | None = None
        self.left = 0
        self._app = Starlette(routes=[Route(_PATH, self._call, methods=["POST"])])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _call(self, request: Request) -> Response:
        loop = asyncio.get_running_loop()
        before, begun = asyncio.all_tasks(), loop.time()
        self.turns, ticking = 0, loop.create_task(self._tick())
        made = self.given(*self.args) if self.through is None else self.through(self.given, *self.args)
        self.awaited, self.returned_coroutine = inspect.isawaitable(made), ""
        try:
            self.value = await made if self.awaited else made
            several = self.value if isinstance(self.value, list | tuple) else [self.value]
            for one in several:
                if inspect.iscoroutine(one):  # here its warning is the server's
                    self.returned_coroutine = one.__name__
                    one.close()
        finally:
            self.seconds = loop.time() - begun
            ticking.cancel()
            left = {task for task in asyncio.all_tasks() - before if _is_learners(task)}
            self.left = len(left)
            if self.at_return is not None:
                self.at_return()
            for task in left:
                task.cancel()
        return Response()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self.turns += 1


def _is_learners(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and is_user_code(code.co_filename)


def _short(value: Any) -> str:
    return shortened(repr(value), _LONGEST)


def called(stage: Stage) -> Called:
    """What a turn was given, and how its last call went."""
    venue = stage.venue
    assert isinstance(venue, Served)
    assert isinstance(venue.app, Called)
    return venue.app


async def call(stage: Stage, *args: Any, within: float | None = None, plain: bool = False) -> Any:
    """Call the learner's function on the server's loop; return what it returns.

    Args:
        stage: the stage of a check with `calls=True`.
        args: what the function is called with.
        within: seconds it may take; the stage's own deadline if left out.
        plain: whether a function that need not be awaited will do.

    Raises:
        FunctionRaised: it raised.
        Failure: it is no function, it did not come to its end, it is no coroutine function.
    """
    about = called(stage)
    given = about.given
    if inspect.iscoroutine(given):
        given.close()
        raise Failure(general.CALLED_ALREADY, _CAME, came=_short(given), name=given.__name__)
    if not callable(given):
        raise Failure(general.NO_FUNCTION, _CAME, came=_short(given))
    stage.raised_by = _RAISED_BY
    about.args, about.value, about.left = args, None, 0
    name = getattr(given, "__name__", "…")
    unanswered = filled(_STILL_RUNS, name=name)
    reply = await stage.request("POST", _PATH, quietly=True, within=within, unanswered=unanswered)
    # The answer is sent before tasks that the call has cancelled get their turn of the loop.
    await stage.turned()
    if reply is None:
        raise await stage.silence(None, general.NEVER_RETURNS, name=name)
    if reply.status != 200:
        errors = [one for one in await stage.raised(disconnects=True) if not one.warning]
        if not errors:
            raise FunctionRaised(general.FUNCTION_RAISED, _RAISED, name=name, error=reply.status)
        raise FunctionRaised(meaning_in_a_function(errors[-1]), _RAISED, name=name, error=errors[-1])
    if about.returned_coroutine:
        raise Failure(general.RETURNS_COROUTINE, _GAVE_COROUTINE, name=about.returned_coroutine)
    if not about.awaited and not plain:
        raise Failure(general.NO_COROUTINE_FUNCTION, _GAVE, name=name, came=_short(about.value))
    stage.note("", "", filled(_RETURNED, name=name, value=_short(about.value), ms=round(about.seconds * 1000)))
    return about.value


async def fault(stage: Stage, misconception: Misconception, observed: Text | None = None, **values: object) -> Failure:
    """What to raise where a call came to a wrong result: a coroutine that was never awaited comes first.

    Args:
        stage: the stage.
        misconception: the name for the result where nothing else explains it.
        observed: what was seen.
        values: fill in the `{names}` of all sentences.
    """
    found = await stage.cause()
    if found is not None:
        kind, error = found
        kind = kind if kind is general.NOT_AWAITED else meaning_in_a_function(error)
        return Failure(kind, observed, error=error, **values)
    return Failure(misconception, observed, **values)
