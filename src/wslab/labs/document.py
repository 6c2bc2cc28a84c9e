"""The document's chat protocol, as a client sees it: the three prefixes, and the count under `GET /`."""

from __future__ import annotations

import asyncio
import time

from wslab.labs import general
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Message, Reply, Stage
from wslab.language import Text, filled

texts = read_texts("general")

ECHO = "Mesajınız: "
RELAY = "Başka bir istemciden: "
SERVER = "SUNUCU: "


def is_relay(message: Message) -> bool:
    """Whether it is what another client said."""
    return message.text.startswith(RELAY)


def is_by_server(message: Message) -> bool:
    """Whether it is what the server said of its own accord."""
    return message.text.startswith(SERVER)


def is_answer(message: Message) -> bool:
    """Whether it is neither: the answer to a message of one's own, right or wrong."""
    return not is_relay(message) and not is_by_server(message)


async def count(stage: Stage, *, quietly: bool = False) -> int:
    """How many clients the server says are connected.

    Raises:
        Failure: it does not say so.
    """
    reply = await stage.get("/", quietly=quietly)
    if reply is None:
        raise await stage.silence(None)
    return _number(reply)


def _number(reply: Reply) -> int:
    found = reply.json.get("connected_clients") if isinstance(reply.json, dict) else None
    if reply.status == 200 and reply.body == b"null":
        raise Failure(texts.wrong("blank-count"), texts.saw("count-came"), status=reply.status, body="null")
    if reply.status != 200 or isinstance(found, bool) or not isinstance(found, int):
        raise Failure(
            texts.wrong("no-count"), texts.saw("count-came"), status=reply.status, body=reply.text[:80] or "–"
        )
    return found


async def settled_count(stage: Stage) -> int:
    """The count once it has stopped changing: clients of an earlier check may still be on their way out.

    Raises:
        Failure: there is no count.
    """
    last = await count(stage, quietly=True)
    for _ in range(10):
        await stage.pause()
        now = await count(stage, quietly=True)
        if now == last:
            break
        last = now
    if last and stage.alone:  # on a busy machine a handler may take longer to notice that its client is gone
        await count_becomes(stage, 0, stage.deadlines.step / 3)
    return await count(stage)


def hold_at_rest(stage: Stage, base: int) -> None:
    """Make sure that nobody was counted before the check's first client came.

    Only where nobody else can be connected: a learner's own server serves the same list, and may have clients.

    Raises:
        Failure: the count was another.
    """
    if base < 0 or (base and stage.alone):
        raise Failure(texts.wrong("count-at-rest"), counted(0, base, 0), base=f"{base:+d}").earning(1)


def counted(connected: int, came: int, base: int) -> Text:
    """What was observed of a count.

    Args:
        connected: how many clients of the check are connected.
        came: what the server says.
        base: what it said before the check's first client came.
    """
    return filled(
        texts.saw("counted-before") if base else texts.saw("counted"), connected=connected, came=came, base=base
    )


async def blame_ghosts(stage: Stage, failure: Failure, check: str) -> Failure:
    """What to raise in the place of `failure`: where the list holds clients that are gone, another check comes first.

    Args:
        stage: the stage; its clients leave.
        failure: what was found.
        check: the check that is about the list.
    """
    if failure.misconception.id in general.SERVER_UNRESPONSIVE or failure.waits_for:
        return failure
    await stage.dismiss()
    try:
        with stage.off_the_record():
            gone = await settled_count(stage)
    except Failure:
        return failure
    return Waits(check, general.GHOSTS, failure.observed, count=gone) if gone > 0 else failure


async def count_becomes(stage: Stage, wanted: int, within: float | None = None) -> int:
    """The count once it is `wanted`, or what it is when the deadline passes.

    Args:
        stage: the stage.
        wanted: the count to wait for.
        within: seconds; the stage's own deadline if left out.

    Raises:
        Failure: there is no count.
    """
    now, nap = await count(stage, quietly=True), 0.002
    begun = last_change = time.perf_counter()
    limit = stage.deadlines.step if within is None else within
    looked_again = False
    while now != wanted:
        # A count that still moves is on its way, however busy the machine.
        if time.perf_counter() > min(last_change + limit, begun + 4 * limit):
            if looked_again:
                break
            looked_again = True
            last_change = time.perf_counter()
            limit = await stage.deadlines.extension()
        await asyncio.sleep(nap)
        nap = min(2 * nap, stage.deadlines.settle_time)
        before, now = now, await count(stage, quietly=True)
        if now != before:
            last_change = time.perf_counter()
    return await count(stage)
