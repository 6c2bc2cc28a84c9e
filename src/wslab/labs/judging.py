"""One check against one server: the verdict, whatever happens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable

from wslab.labs import general
from wslab.labs.failure import Failure, NoConnection, Waits
from wslab.labs.lab import Check, Lab
from wslab.labs.patience import Patience
from wslab.labs.stage import Stage
from wslab.labs.venue import Venue
from wslab.labs.verdict import NOTHING, Misconception, Outcome, Verdict
from wslab.language import Text, verbatim

logger = logging.getLogger("wslab.labs")


async def judge(lab: Lab, check: Check, venue: Venue, patience: Patience) -> Verdict:
    """Run one check against the server at `venue`, which runs.

    Nothing is raised because of the server or of the check: a hang ends at a deadline, a fault in the check itself
    is a verdict that says so.

    Args:
        lab: the check's lab.
        check: the check.
        venue: where the app is served.
        patience: from `wslab.labs.patience.measured()`, in this run.
    """
    begun = time.perf_counter()
    budget = check.budget * patience.stretch
    venue.begin(check.name)
    stage = Stage(venue, patience)
    failure: Failure | None = None
    observed = NOTHING
    try:
        async with asyncio.timeout(budget):
            observed = await check.run(stage)
    except Failure as found:
        failure = found
    except TimeoutError:
        failure = Failure(general.TOO_LONG, seconds=round(budget, 1))
    except Exception as error:
        failure = Failure(general.STUMBLED, error=f"{type(error).__name__}: {error}")
        logger.debug("%s.%s stumbled", lab.number, check.name, exc_info=True)
    except BaseException:  # the ■ button: nothing is said any more, but nothing stays behind either
        for client in stage.clients:
            client.discard()
        venue.end()
        raise
    polite = failure is None or failure.misconception.id not in general.NOBODY_HOME
    await stage.clear(politely=polite)
    venue.end()
    outcome = Outcome.PASSED if failure is None else Outcome.FAILED
    if isinstance(failure, NoConnection) and check.needs:
        failure = Waits(check.needs, general.NEEDS_ANOTHER, failure.observed)
    if failure is not None and failure.waits_for:
        outcome = Outcome.BLOCKED
    return Verdict(
        lab=lab.number,
        check=check.name,
        title=check.title,
        points=check.points if failure is None else failure.earned,
        max=check.points,
        outcome=outcome,
        misconception=failure.misconception.id if failure is not None else "",
        observed=failure.observed if failure is not None else observed,
        meaning=failure.meaning if failure is not None else NOTHING,
        next=failure.next if failure is not None else NOTHING,
        transcript=tuple(stage.lines),
        raised=stage.raised_so_far(),
        seconds=time.perf_counter() - begun,
        begun=failure is None or failure.misconception.begun,
    )


async def judge_all(lab: Lab, checks: Iterable[Check], venue: Venue, patience: Patience) -> AsyncIterator[Verdict]:
    """The verdicts of several checks, one after the other; a server that hangs or has died is started anew between.

    Args:
        lab: the checks' lab.
        checks: which ones.
        venue: where the app is served.
        patience: as for `judge`.

    Raises:
        ServerStartError: the app does not start again.
    """
    for check in checks:
        verdict = await judge(lab, check, venue, patience)
        yield verdict
        await keep_serving(venue, verdict, patience)


async def keep_serving(venue: Venue, verdict: Verdict, patience: Patience) -> None:
    """Have the app served anew where a check has left it hanging or dead, whatever name its verdict gave that.

    Args:
        venue: where the app is served.
        verdict: of the check that ran last.
        patience: as for `judge`.

    Raises:
        ServerStartError: the app does not start again.
    """
    if not verdict.passed and not await Stage(venue, patience).alive():
        await venue.restart()


def not_run(lab: Lab, check: Check, misconception: Misconception, observed: Text, /, **values: object) -> Verdict:
    """The verdict of a check that had nothing to judge."""
    failure = Failure(misconception, observed, **values)
    return Verdict(
        lab=lab.number,
        check=check.name,
        title=check.title,
        points=0.0,
        max=check.points,
        outcome=Outcome.NOT_RUN,
        misconception=misconception.id,
        observed=failure.observed,
        meaning=failure.meaning,
        next=failure.next,
        begun=misconception.begun,
    )


def explained(error: Exception) -> Text:
    """An error's own sentence as an observation; it was written in the language in use."""
    return verbatim(str(error))
