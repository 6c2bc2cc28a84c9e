"""Checks against a server: a verdict for each, whatever happens."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator
from dataclasses import replace

from wslab.labs import causes, general
from wslab.labs.deadlines import Deadlines, measured
from wslab.labs.failure import Failure, NoConnection, Waits
from wslab.labs.lab import Check, Lab
from wslab.labs.stage import Stage
from wslab.labs.venue import NotServed, Venue
from wslab.labs.verdict import NOTHING, Misconception, Outcome, Verdict
from wslab.language import Text, verbatim
from wslab.serving import ServerStartError

logger = logging.getLogger("wslab.labs")

_SOON = 5.0  # seconds: a check that took longer to fail is not repeated to find out more
_LEFT_OUT = Text(en="Nothing: it was not run.", tr="Hiçbir şey: çalıştırılmadı.")


async def judge(
    lab: Lab,
    check: Check,
    venue: Venue,
    deadlines: Deadlines,
    passed: Collection[str] = (),
    *,
    twice: bool = False,
) -> tuple[Verdict, Failure | None]:
    """Run one check against the server at `venue`, which runs.

    Nothing is raised because of the server or of the check: a hang ends at a deadline, a fault in the check itself
    is a verdict that says so.

    Args:
        lab: the check's lab.
        check: the check.
        venue: where the app is served.
        deadlines: from `wslab.labs.deadlines.measured()`, in this run.
        passed: the checks that have passed in this run; no card sends a learner to one of them.
        twice: whether a check that fails may be repeated, to see whether an `except` hides the cause.

    Returns:
        The verdict, and the failure behind it if there is one.
    """
    begun = time.perf_counter()
    budget = check.budget * deadlines.stretch
    failure: Failure | None = None
    observed = NOTHING
    with _stage(venue, check, deadlines) as stage:
        try:
            async with deadlines.budget(budget):
                observed = await check.run(stage)
        except Failure as found:
            failure = found
        except TimeoutError:
            failure = Failure(general.TOO_LONG, seconds=round(budget, 1))
        except NotServed as error:  # the check had it started again
            failure = Failure(error.misconception, error.observed, name=check.app, check=f"{lab.number}.{check.name}")
        except ServerStartError as error:
            failure = Failure(general.DOES_NOT_START, explained(error))
        except Exception as error:
            failure = Failure(general.STUMBLED, error=f"{type(error).__name__}: {error}")
            logger.debug("%s.%s stumbled", lab.number, check.name, exc_info=True)
        if failure is not None:
            failure = await _outranked(stage, check, failure, passed)
        await stage.clear(politely=failure is None or failure.misconception.id not in general.SERVER_UNRESPONSIVE)
    if twice and failure is not None and _may_be_hidden(failure, stage):
        failure = await _with_what_is_hidden(check, venue, deadlines, failure)
    verdict = replace(
        _passed(lab, check, observed) if failure is None else _failed(lab, check, failure),
        transcript=tuple(stage.lines),
        raised=stage.raised_so_far(),
        seconds=time.perf_counter() - begun,
    )
    return verdict, failure


async def _outranked(stage: Stage, check: Check, failure: Failure, passed: Collection[str]) -> Failure:
    """What a card says instead of `failure`, where the cell or the server tells more than the clients saw."""
    if isinstance(failure, NoConnection) and check.needs and check.needs not in passed:
        return Waits(check.needs, general.NEEDS_ANOTHER, failure.observed)
    if failure.waits_for and failure.waits_for not in passed:
        return failure
    if stage.cell_error:
        return Failure(general.CELL_HALF_RUN, failure.observed, error=stage.cell_error).earning(failure.earned)
    # Before a check says that the loop is held, it has read what was raised.
    if failure.error is not None or failure.misconception is general.BLOCKS:
        return failure
    raised = await stage.raised()
    told = causes.cause(raised) if failure.waits_for else causes.never_run(raised)
    if told is not None:
        return Failure(told[0], failure.observed, error=told[1]).earning(failure.earned)
    return Failure(general.UNFORESEEN, failure.observed) if failure.waits_for else failure


def _may_be_hidden(failure: Failure, stage: Stage) -> bool:
    """Whether an exception may be behind a failure that nobody heard of."""
    if failure.waits_for or failure.error is not None or failure.misconception.id in general.SERVER_UNRESPONSIVE:
        return False
    if failure.stops is not None or isinstance(failure, NoConnection):  # the first has looked by itself
        return False
    return stage.clock() < _SOON * stage.deadlines.stretch and not causes.exceptions(stage.raised_so_far())


async def _with_what_is_hidden(check: Check, venue: Venue, deadlines: Deadlines, failure: Failure) -> Failure:
    """The failure; or, where an `except` in the app hides a mistake, that mistake: seen while the check is repeated."""
    with _stage(venue, check, deadlines) as stage:
        stage.watch()
        with contextlib.suppress(Failure, TimeoutError, ServerStartError):
            async with deadlines.budget(check.budget * deadlines.stretch):
                await check.run(stage)
        hidden = causes.hidden((await stage.watched()).caught)
        await stage.clear()
    if hidden is None:
        return failure
    return Failure(general.HIDDEN, failure.observed, error=hidden).earning(failure.earned)


def _passed(lab: Lab, check: Check, observed: Text) -> Verdict:
    return Verdict(lab.number, check.name, check.title, check.points, check.points, Outcome.PASSED, observed=observed)


def _failed(lab: Lab, check: Check, failure: Failure, outcome: Outcome = Outcome.FAILED) -> Verdict:
    return Verdict(
        lab=lab.number,
        check=check.name,
        title=check.title,
        points=failure.earned,
        max=check.points,
        outcome=Outcome.BLOCKED if failure.waits_for else outcome,
        misconception=failure.misconception.id,
        observed=failure.observed,
        meaning=failure.meaning,
        next=failure.next,
        begun=failure.misconception.begun,
    )


@contextlib.contextmanager
def _stage(venue: Venue, check: Check, deadlines: Deadlines) -> Iterator[Stage]:
    """The stage of one check; whatever ends the check, also the ■ button, nothing of it stays behind."""
    venue.begin(check.name)
    stage = Stage(venue, deadlines)
    try:
        yield stage
    finally:
        for client in stage.clients:
            client.discard()
        venue.end()


async def judge_app(
    lab: Lab, checks: Iterable[Check], venue: Venue, *, give_up_after: float = math.inf
) -> AsyncGenerator[Verdict, None]:
    """Serve an app and give the verdicts of several checks on it, one after the other, one for each.

    A server that hangs or has died is started anew between two checks. Where the app does not start, the checks that
    are left have nothing to judge. The venue is left as it is: it may serve the app to another run.

    Args:
        lab: the checks' lab.
        checks: which ones, all about one app.
        venue: where the app is served.
        give_up_after: seconds after which the rest is left out where nothing has passed twice in a row. It is for a
            learner who waits; where points are given, every check is run.
    """
    left = list(checks)
    passed: list[bool] = []
    try:
        await venue.start()
        async with measured() as deadlines:
            begun = time.perf_counter()
            good: set[str] = set()  # the names of those that passed
            stopped: dict[str, Failure] = {}  # by a check's name, what those that need it say
            while left:
                check = left.pop(0)
                if check.needs in stopped:
                    stopped[check.name] = stopped[check.needs]
                    yield _failed(lab, check, stopped[check.needs])
                    continue
                hopeless = len(passed) > 1 and not any(passed[-2:])
                if hopeless and time.perf_counter() - begun > give_up_after:
                    yield not_run(lab, check, general.NOT_REACHED, _LEFT_OUT, check=f"{lab.number}.{check.name}")
                    continue
                await deadlines.renew()
                verdict, found = await judge(lab, check, venue, deadlines, good, twice=all(passed))
                passed.append(verdict.passed)
                if verdict.passed:
                    good.add(check.name)
                if found is not None and found.stops is not None:
                    stopped[check.name] = Waits(check.name, found.stops, found.observed)
                yield verdict
                # A server that hangs would fail the next check as well, and not every verdict says that it does.
                held = verdict.misconception == general.BLOCKS.id
                if held or not (verdict.passed or await Stage(venue, deadlines).alive()):
                    await venue.restart()
    except NotServed as error:
        for check in left:
            name = f"{lab.number}.{check.name}"
            yield not_run(lab, check, error.misconception, error.observed, name=check.app, check=name)
    except ServerStartError as error:
        for check in left:
            yield not_run(lab, check, general.DOES_NOT_START, explained(error))


def not_run(lab: Lab, check: Check, misconception: Misconception, observed: Text, /, **values: object) -> Verdict:
    """The verdict of a check that had nothing to judge."""
    return _failed(lab, check, Failure(misconception, observed, **values), Outcome.NOT_RUN)


def explained(error: Exception) -> Text:
    """An error's own sentence as an observation; it was written in the language in use."""
    return verbatim(str(error))
