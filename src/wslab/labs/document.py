"""The document's chat protocol, as a client sees it: the three prefixes, and the count under `GET /`."""

from __future__ import annotations

import asyncio
import json
import time

from wslab.labs import causes, general
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, Message, Reply, Stage, quoted
from wslab.labs.verdict import Misconception, Raised
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


def wrong_text(came: Message, prefix: str, said: str, otherwise: Misconception, **values: object) -> Failure:
    """What to raise where a message came that is not `prefix` and what was said.

    Args:
        came: what came.
        prefix: what has to stand in front.
        said: what the client had sent.
        otherwise: the name for a difference of no known kind.
        values: fill in the `{names}` of that one.
    """
    fault = _difference(came, prefix, said) or otherwise
    return Failure(fault, expected=quoted(prefix + said), came=came, prefix=prefix, **values)


def _difference(came: Message, prefix: str, said: str) -> Misconception | None:
    text, expected = came.text, prefix + said
    if isinstance(came.data, bytes) and text == expected:
        return texts.wrong("bytes-instead-of-text")
    if text == said:
        return texts.wrong("no-prefix")
    if "{'type': 'websocket." in text:
        return texts.wrong("dictionary-for-text")
    if _is_json(text):
        return texts.wrong("json-instead-of-text")
    if said not in text and "{" in text and "}" in text:
        return texts.wrong("braces-not-filled-in")
    if text.replace("ı", "i") == expected.replace("ı", "i"):
        return texts.wrong("dotted-i")
    if text.split() == expected.split() or text.replace(" ", "") == expected.replace(" ", ""):
        return texts.wrong("spaces-differ")
    if text.endswith(said):
        return texts.wrong("other-prefix")
    passed_on = prefix in (ECHO, RELAY) and text.startswith(prefix)
    return texts.wrong("changes-the-message") if passed_on else None


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), str | dict | list)
    except ValueError:
        return False


async def answer_to_nothing(stage: Stage, client: Client) -> Message:
    """Send an empty message; return the answer.

    Raises:
        Failure: none comes.
    """
    await client.send("")
    if (came := await client.next(is_answer)) is None:
        empty = general.EMPTY_MESSAGE
        raise await stage.silence(client, empty, ended=empty, closes=empty)
    return came


async def count(stage: Stage, *, quietly: bool = False, process: int = 0) -> int:
    """How many clients the server says are connected.

    Args:
        stage: the stage.
        quietly: keeps the request out of the record.
        process: which of the app's processes is asked, where there are several.

    Raises:
        Failure: it does not say so.
    """
    reply = await stage.get("/", quietly=quietly, process=process)
    if reply is None:
        raise await stage.silence(None)
    found = reply.json.get("connected_clients") if isinstance(reply.json, dict) else None
    if reply.status != 200 or isinstance(found, bool) or not isinstance(found, int):
        raise await _no_count(stage, reply)
    return found


async def _no_count(stage: Stage, reply: Reply) -> Failure:
    told = causes.cause(await stage.raised()) if reply.status == 500 else None
    if told is not None:
        return Failure(told[0], texts.saw("count-came"), status=reply.status, body="", error=told[1])
    blank = reply.status == 200 and reply.body == b"null"
    fault = texts.wrong("blank-count") if blank else texts.wrong("no-count")
    return Failure(fault, texts.saw("count-came"), status=reply.status, body=reply.text[:80] or "–")


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


def besides(stage: Stage, connected: int, came: int, base: int) -> int:
    """How many are counted besides the check's clients, now that these are connected.

    On a busy machine a handler may notice late that its client has gone: those who were counted before the check's
    first client came may have left the list since. Only where nobody else can be connected.

    Args:
        stage: the stage.
        connected: how many clients of the check are connected.
        came: what the server says now.
        base: what it said before the first of them came.
    """
    gone = stage.alone and came != base and connected <= came < base + connected
    return came - connected if gone else base


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


async def miscounted(stage: Stage, misconception: Misconception, observed: Text) -> Failure:
    """What to raise where the count is wrong: an exception that must be a mistake comes first, with its line.

    So does a `remove()` of what the list does not hold.

    Args:
        stage: the stage.
        misconception: the name for the count where no such exception explains it.
        observed: what was seen.
    """
    raised = await stage.raised()
    in_vain = [one for one in raised if one.place and "x not in list" in one.text]
    error = causes.mistake(raised) or next(iter(in_vain), None)
    if error is not None:
        return Failure(causes.meaning_of(error), observed, error=error)
    return Failure(misconception, observed)


async def blame_ghosts(stage: Stage, failure: Failure, check: str) -> Failure:
    """What to raise in the place of `failure`: where the list holds clients that are gone, another check comes first.

    Args:
        stage: the stage; its clients leave.
        failure: what was found.
        check: the check that is about the list.
    """
    if failure.misconception.id in general.SERVER_UNRESPONSIVE or failure.waits_for:
        return failure
    if isinstance(failure.error, Raised) and not causes.is_out_of_turn(failure.error):
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
    while True:
        if now == wanted and (now := await count(stage)) == wanted:  # it may have moved on again since
            return now
        # A count that still moves is on its way, however busy the machine.
        if time.perf_counter() > min(last_change + limit, begun + 4 * limit):
            if looked_again:
                return await count(stage)
            looked_again = True
            last_change = time.perf_counter()
            limit = await stage.deadlines.extension()
        await asyncio.sleep(nap)
        nap = min(2 * nap, stage.deadlines.settle_time)
        before, now = now, await count(stage, quietly=True)
        if now != before:
            last_change = time.perf_counter()
