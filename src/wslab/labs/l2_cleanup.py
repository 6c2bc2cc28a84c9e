"""L2, cleaning up: however a connection ends, the list of clients is right afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from wslab.labs import causes, general
from wslab.labs.document import (
    ECHO,
    RELAY,
    besides,
    count_becomes,
    counted,
    hold_at_rest,
    settled_count,
    wrong_text,
)
from wslab.labs.document import count as count_of
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, Message, Stage, quoted
from wslab.labs.verdict import Misconception, Raised
from wslab.language import Text, filled

texts = read_texts("L2")

MANY, EARLY = 30, 3


Leaving = Callable[[Client], Awaitable[None]]
"""A way to leave: `Client.close`, `Client.fin`…"""

KINDS: dict[str, Leaving] = {
    "normal": Client.close,
    "no-code": Client.close_without_code,
    "fin": Client.fin,
    "reset": Client.reset,
}
"""How a client can leave, by the name of the check that is about it."""


async def _come_and_go(stage: Stage, who: str, leave: Leaving, base: int, within: float | None = None) -> int:
    """How many are counted too many after a client came and left.

    Raises:
        Failure: the count does not rise, or falls too low.
    """
    client = await stage.connect(who)
    came = await count_becomes(stage, base + 1, within)
    base = await _all_in(stage, 1, came, base)
    await leave(client)
    came = await count_becomes(stage, base, within)
    if came < base:
        raise Failure(texts.wrong("removes-too-many"), counted(0, came, base))
    return came - base


async def _all_in(stage: Stage, connected: int, came: int, base: int) -> int:
    """Make sure that just those who are connected are counted; return how many are besides: `document.besides()`.

    Raises:
        Failure: fewer or more are.
    """
    base = besides(stage, connected, came, base)
    seen = counted(connected, came, base)
    if came < base + connected:
        if told := await stage.cause():
            raise Failure(told[0], seen, error=told[1])
        raise Failure(texts.wrong("not-in-the-list"), seen)
    if came > base + connected:
        raise Failure(texts.wrong("in-the-list-twice"), seen)
    return base


async def _what_stopped_it(stage: Stage) -> tuple[Misconception, Raised] | None:
    """The exception that kept a handler from taking its connection off; None where it raised none of its own."""
    for one in await stage.raised(disconnects=True):
        # The receive tells the code with which the client left; a send or a close to who is gone has none to tell.
        if one.name == "WebSocketDisconnect" and "(" not in one.text:
            return texts.wrong("talks-before-removal"), one
    return await stage.cause()


def _ending(kind: str) -> Callable[[Stage], Awaitable[Text]]:
    async def ended(stage: Stage) -> Text:
        base = await settled_count(stage)
        left = await _come_and_go(stage, "A", KINDS[kind], base)
        if left:
            seen = counted(0, base + left, base)
            if told := await _what_stopped_it(stage):
                raise Failure(told[0], seen, error=told[1])
            with stage.off_the_record():
                fault = (
                    texts.wrong("ghost")
                    if kind == "normal" or await _come_and_go(stage, "B", Client.close, base + left, _short(stage))
                    else texts.wrong("only-on-1000")
                )
            raise Failure(fault, seen)
        if kind == "normal":
            hold_at_rest(stage, await count_of(stage, quietly=True))
        return filled(texts.saw("clean"), base=base, more=base + 1)

    return ended


def _short(stage: Stage) -> float:
    # For a second look, after the deadline was spent on the first.
    return stage.deadlines.step / 3


# An exception in the handler

UNKNOWN = "/?"
"""A message on which the given `reply_to()` raises."""


async def exception(stage: Stage) -> Text:
    """A message that makes the handler raise leaves nobody in the list, whether or not the connection survives it."""
    base = await settled_count(stage)
    await stage.connect("O")  # who stays is counted, whatever becomes of the others
    base = await _all_in(stage, 1, await count_becomes(stage, base + 1), base) + 1
    left: dict[str, int] = {}
    for who, message in (("A", UNKNOWN), ("B", b"\x00\xff")):

        async def provoke(client: Client, message: str | bytes = message) -> None:
            await client.send(message)
            # Comes back where the handler survived; otherwise the connection ends, and nothing is waited for.
            question = stage.unique("?")
            await client.send(question)
            survived = await client.next(lambda came: question in came.text) is not None
            if survived and client.open:
                there = base + sum(left.values()) + 1
                came = await count_becomes(stage, there)
                if came < there:
                    raise Failure(texts.wrong("removed-while-there"), counted(2, came, base - 1))
            if client.open:
                await client.close()
            else:
                await client.ended()

        left[who] = await _come_and_go(stage, who, provoke, base + sum(left.values()))
    if not any(left.values()):
        return texts.saw("survived-both")
    seen = filled(texts.saw("after-both"), text=left["A"], binary=left["B"])
    if not all(left.values()):
        raise Failure(texts.wrong("outside-finally"), seen)
    with stage.off_the_record():
        ghost = await _come_and_go(stage, "C", Client.close, base + sum(left.values()), _short(stage))
    raise Failure(texts.wrong("ghost") if ghost else texts.wrong("only-on-disconnect"), seen)


# Thirty at once


async def interleaved(stage: Stage) -> Text:
    """Thirty clients that leave at once, in every way there is, leave nobody behind."""
    base = await settled_count(stage)
    # They come one by one; it is the leaving together that is judged.
    clients = [await stage.connect(str(number)) for number in range(1, MANY + 1)]
    came = await count_becomes(stage, base + MANY)
    base = await _all_in(stage, MANY, came, base)
    ways = list(KINDS.values())
    leaving = [ways[number % len(ways)](client) for number, client in enumerate(clients)]
    await asyncio.gather(*leaving, *(stage.leave_early() for _ in range(EARLY)))
    await stage.pause()  # who left before the answer may be taken in after the others have gone
    came = await count_becomes(stage, base)
    if came == base:
        return filled(texts.saw("all-gone"), many=MANY, base=base, more=base + MANY)
    seen = counted(0, came, base)
    if came < base:
        raise Failure(texts.wrong("removes-too-many"), seen)
    await _each_alone(stage, came, seen)
    raise Failure(texts.wrong("lost-update"), seen, count=came - base, many=MANY)


async def _each_alone(stage: Stage, base: int, seen: Text) -> None:
    """Try each way to leave with one client.

    Raises:
        Waits: one of them leaves a ghost, so its own check comes first.
    """
    with stage.off_the_record():
        for kind, leave in KINDS.items():
            if await _come_and_go(stage, "?", leave, base, _short(stage)):
                raise Waits(kind, texts.wrong("one-kind-first"), seen)


# The others


async def others(stage: Stage) -> Text:
    """Two of five leave; the three others go on as if nothing had happened, and so does the server."""
    base = await settled_count(stage)
    alice, bob, carol, dave, eve = [await stage.connect(who) for who in "ABCDE"]
    base = await _all_in(stage, 5, await count_becomes(stage, base + 5), base)
    for client, kind, left in ((bob, "normal", 4), (dave, "reset", 3)):
        await KINDS[kind](client)
        came = await count_becomes(stage, base + left)
        if came > base + left:
            raise Waits(kind, texts.wrong("one-kind-first"), counted(left, came, base))
        if came < base + left:
            raise Failure(texts.wrong("removes-too-many"), counted(left, came, base))
    staying = (alice, carol, eve)
    wanted: dict[str, list[str]] = {client.who: [] for client in staying}
    for sender in (alice, eve):
        text = stage.unique("Kim kaldı?")
        before = {client: len(client.messages) for client in staying}
        await sender.send(text)
        for client in staying:
            wanted[client.who].append((ECHO if client is sender else RELAY) + text)
            if await client.next(lambda message, text=text: text in message.text) is None:  # type: ignore[misc]
                raise await _missed(stage, client, sender, text, client.messages[before[client] :], base)
    await stage.pause()
    for client in staying:
        for message in client.messages:
            count = sum(other.text == message.text for other in client.messages)
            if count > 1:
                raise Failure(
                    texts.wrong("hears-twice"), texts.saw("twice"), who=client.who, message=message, count=count
                )
            if message.data not in wanted[client.who]:
                expected = ", ".join(map(quoted, wanted[client.who]))
                raise Failure(
                    texts.wrong("given-changed"), texts.saw("came"), who=client.who, expected=expected, came=message
                )
    errors = [one for one in await stage.raised() if not one.warning]
    if errors:
        raise Failure(_fault_of(errors[0]), texts.saw("raised"), error=errors[0])
    return texts.saw("undisturbed")


def _fault_of(error: Raised) -> Misconception:
    if error.name in ("ValueError", "KeyError", "IndexError"):
        return texts.wrong("double-removal")
    return texts.wrong("cleanup-raises") if causes.is_out_of_turn(error) else causes.meaning_of(error)


async def _missed(
    stage: Stage, client: Client, sender: Client, text: str, came: Sequence[Message], base: int
) -> Failure:
    """What to raise where a client who stayed did not get `text` from `sender`, but at most what `came`."""
    prefix = ECHO if client is sender else RELAY
    seen = filled(texts.saw("missed"), who=client.who, message=quoted(prefix + text))
    if told := await stage.cause():
        return Failure(told[0], seen, error=told[1])
    if came:
        return wrong_text(came[0], prefix, text, texts.wrong("given-changed"))
    wrong_one = texts.wrong("removes-the-wrong-one")
    if sender.end is not None:
        return await stage.silence(sender, ended=general.ENDED if await _ends_by_itself(stage) else wrong_one)
    failure = await stage.silence(client, wrong_one)
    if failure.misconception is not wrong_one:
        return failure
    fewer = await count_of(stage, quietly=True) < base + 3
    return Failure(texts.wrong("removed-while-there") if fewer else wrong_one, seen)


async def _ends_by_itself(stage: Stage) -> bool:
    """Whether a handler ends when it has told somebody else, though nobody has left."""
    with stage.aside():
        await stage.dismiss()
        await settled_count(stage)
        frank, grace = [await stage.connect(who) for who in "FG"]
        await frank.send(stage.unique("Kim kaldı?"))
        await grace.next()
        return await frank.ended() is not None


# The warm-up


async def warm_up(stage: Stage) -> Text:
    """Who is connected is counted, who has left is not."""
    base = await settled_count(stage)
    client = await stage.connect("A")
    came = await count_becomes(stage, base + 1)
    if came < base + 1:
        raise Failure(texts.wrong("removed-too-early"), counted(1, came, base))
    await client.close()
    came = await count_becomes(stage, base)
    if came != base:
        raise Failure(texts.wrong("ghost"), counted(0, came, base))
    return filled(texts.saw("clean"), base=base, more=base + 1)


LAB = Lab.of(
    texts,
    "L2-cleanup",
    Check.of(texts, "warmup", warm_up, points=0, app="room"),
    Check.of(texts, "normal", _ending("normal"), points=2),
    Check.of(texts, "no-code", _ending("no-code"), points=2),
    Check.of(texts, "fin", _ending("fin"), points=2),
    Check.of(texts, "reset", _ending("reset"), points=2),
    Check.of(texts, "others", others, points=2),
    Check.of(texts, "interleaved", interleaved, points=2),
    Check.of(texts, "exception", exception, points=2),
)
