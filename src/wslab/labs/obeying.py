"""What a process that serves an app does when the judge asks: the orders that every such process knows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from wslab.labs.venue import Venue
from wslab.labs.verdict import Raised
from wslab.serving.watching import TaskSeen
from wslab.source import named

_MOST_AT_ONCE = 200
LONGEST = 2000
"""Characters of a text that goes to the judge."""


def obey(runner: asyncio.Runner, venue: Venue, order: Mapping[str, Any]) -> dict[str, Any]:
    """Do what an order says; return the answer.

    Args:
        runner: in whose loop to do it.
        venue: what serves the app.
        order: as `Channel.ask()` gives it.
    """
    match order["do"]:
        case "raised":
            everything = venue.raised((0, -1))
            new = everything[max(order["after"], len(everything) - _MOST_AT_ONCE) :]
            return {"total": len(everything), "raised": _told(new)}
        case "blocking line":
            return {"line": named(venue.blocking_line())}
        case "turn":
            runner.run(venue.turned(order["seconds"]))
        case "watch":
            venue.watch()
        case "watched":
            seen = venue.watched()
            return {"caught": _told(seen.caught[:_MOST_AT_ONCE]), "tasks": told_tasks(seen.tasks)}
        case "stop":
            return {"tasks": told_tasks(runner.run(venue.stop()))}
    return {}


def _told(raised: Sequence[Raised]) -> list[list[str | bool]]:
    return [[one.name, named(one.text)[:LONGEST], named(one.place), one.warning] for one in raised]


def told_tasks(tasks: Sequence[TaskSeen]) -> list[list[str]]:
    """What JSON can hold of them."""
    return [[one.name, one.state, named(one.place), one.text[:LONGEST]] for one in tasks[:_MOST_AT_ONCE]]
