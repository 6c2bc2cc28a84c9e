"""L9, two processes, one room: a chat whose processes share a broker, while one of them or the broker is killed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import cast

from wslab.labs import document, general
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import STOPS, Client, Message, Stage, quoted
from wslab.labs.venue import Processes
from wslab.labs.verdict import Raised
from wslab.language import Text, filled
from wslab.serving.watching import TaskSeen

texts = read_texts("L9")

PERIOD = 0.1
"""Seconds between two ticks, as the task asks for them."""

LEASE = 0.5
"""As the task has it: seconds after which a process that says nothing is forgotten."""

FORGOTTEN = 4 * LEASE
"""Seconds after which whoever is still counted, or still holds the broadcaster's place, is never forgotten."""

AWAY = 0.3
"""Seconds without a broker: three periods."""

BOTH = (0, 1)
IN_A_ROW = 20
"""Messages that each of four clients says at the same time."""

MANY = 6
"""Messages that are said while somebody comes back, and after that."""

MISSED = 150
"""Messages that are said while somebody is away: a stream may keep up to a hundred more than it is told to."""

TICKS, FEWER, SWITCHES = 12, 8, 4
"""Ticks that are looked at, and how often the process changes in them where there are two broadcasters, at least.

With two it changes with nearly each tick. With one it changes once where a machine stood still for longer than a lease.
"""

TURNS = 6
"""Ticks in which two broadcasters take turns `SWITCHES` times at least."""

SPARE = 6
"""Periods to wait for ticks, besides two for each of them: then they come too seldom."""

FAST, SLOW = 0.7, 1.4
"""Times the period: ticks that come more often or more seldom than that are too many or too few."""

HELD = 3
"""Ticks of the same process that show that it is not the one that was killed."""

TRIES = 40
"""How often something is said until it comes through again, once the broker is back."""

LOST = 3
"""Messages in a row that come to nobody before it is clear that nothing will: the first ones may be lost."""

_OWN_WORDS = {
    one.id: one
    for one in (
        texts.wrong("no-prefix"),
        texts.wrong("other-prefix"),
        texts.wrong("spaces-differ"),
        texts.wrong("no-count"),
        texts.wrong("blank-count"),
    )
}
"""What this lab says where the text for all labs does not fit."""

_TICK = re.compile(r"\S+ tick (\S+)")


def id_of(message: Message) -> str:
    """What stands in front of a message's first space; empty where nothing does."""
    head, space, _ = message.text.partition(" ")
    return head if space else ""


def said_in(message: Message) -> str:
    """What stands behind a message's first space."""
    return message.text.partition(" ")[2]


def ticks_by(message: Message) -> str:
    """The process that a tick names; empty where the message is no tick."""
    found = _TICK.fullmatch(message.text)
    return found[1] if found else ""


def switches(names: Sequence[str]) -> int:
    """How often a name is another one than the one before."""
    return sum(earlier != later for earlier, later in itertools.pairwise(names))


def often_at_once(gaps: Sequence[float]) -> bool:
    """Whether more than a third of the times between ticks are next to nothing."""
    return sum(gap < PERIOD / 4 for gap in gaps) > len(gaps) / 3


def _processes(stage: Stage) -> Processes:
    return cast(Processes, stage.venue)


def _has(client: Client, text: str) -> bool:
    return any(message.text.endswith(text) for message in client.messages)


def _carrier(client: Client, text: str) -> Message | None:
    """The message that brought a text to a client, though spaces or capitals may have changed."""

    def plain(text: str) -> str:
        return " ".join(text.split()).casefold()

    return next((message for message in client.messages if plain(text) in plain(message.text)), None)


def _in_own_words(failure: Failure) -> Failure:
    """The failure with what this lab says of it."""
    own = _OWN_WORDS.get(failure.misconception.id)
    return failure if own is None else Failure(own, failure.observed)


def _talk_of(client: Client) -> list[Message]:
    """What came to a client without the ticks, whatever form these have."""
    return [message for message in client.messages if not _is_like_a_tick(message)]


def _is_like_a_tick(message: Message) -> bool:
    return "tick" in message.text.casefold().split()[:2]


def _ids(client: Client, up_to: str = "") -> list[str]:
    """The ids of what came to a client, up to a text if one is given."""
    talk = _talk_of(client)
    ends = [place for place, message in enumerate(talk, 1) if message.text.endswith(up_to)]
    return [id_of(message) for message in (talk[: ends[-1]] if ends else talk)]


# Everybody


async def everybody(stage: Stage) -> Text:
    """What somebody says comes to everybody once, over processes."""
    try:
        return await _all_heard(stage)
    except Failure as failure:
        if isinstance(failure.error, Raised) and failure.error.name == "ConnectionError":
            raise Failure(texts.wrong("another-broker"), failure.observed, error=failure.error) from None
        if failure.misconception not in (texts.wrong("nobody-hears"), texts.wrong("ends-at-once")):
            raise
        found = await stage.with_a_dead_task(failure, _all_heard)
        raise found.stopping(texts.wrong("no-room-yet")) from None


async def _all_heard(stage: Stage) -> Text:
    clients = [await stage.connect(who, process=process) for who, process in zip("ABCD", (0, 1, 0, 1), strict=True)]
    await stage.pause()
    try:
        for speaker in clients[:2]:
            await _hold_heard(stage, speaker, clients)
    except Failure as failure:
        raise failure.stopping(texts.wrong("no-room-yet")) from None
    # Spaces around it are part of what was said.
    await _hold_heard(stage, clients[1], clients, f"  İyi {stage.unique('günler')}  ")
    said = {one.who: [stage.unique(one.who) for _ in range(IN_A_ROW)] for one in clients}
    await asyncio.gather(*(one.send(*said[one.who]) for one in clients))
    last = [words[-1] for words in said.values()]
    await stage.until(lambda: all(_has(one, text) for one in clients for text in last) or None)
    await stage.pause()
    for listener in clients:
        heard = [said_in(message) for message in _talk_of(listener)]
        for who, words in said.items():
            counts = Counter(text for text in heard if text in words)
            if any(count > 1 for count in counts.values()):
                raise Failure(texts.wrong("heard-twice"), texts.saw("times"), who=listener.who, speaker=who, times=2)
            if len(counts) < len(words):
                raise await stage.silence(listener, texts.wrong("loses-some"), ended=texts.wrong("ends-at-once"))
            if [text for text in heard if text in words] != words:
                raise Failure(texts.wrong("out-of-order"), texts.saw("shuffled"), who=listener.who, speaker=who)
    emma = await stage.connect("E")
    newest = await _hold_heard(stage, clients[0], [*clients, emma])
    earlier = [message for message in _talk_of(emma) if said_in(message) != newest]
    if len(earlier) > 1:  # the newest one alone comes where looking back includes it: what `resume` is about
        raise Failure(texts.wrong("hears-the-past"), texts.saw("past"), who=emma.who, count=len(earlier))
    return filled(texts.saw("all-heard"), count=len(clients) * IN_A_ROW)


async def _hold_heard(stage: Stage, speaker: Client, clients: Sequence[Client], text: str = "") -> str:
    """Have somebody say something, and make sure that it comes to everybody in the form that was agreed; return it.

    Raises:
        Failure: it does not.
    """
    text = text or stage.unique("Merhaba")
    await speaker.send(text)
    await stage.until(lambda: all(_carrier(one, text) or one.end is not None for one in clients) or None)
    for listener in clients:
        if _carrier(listener, text) is None:
            raise await _unheard(stage, speaker, listener, clients, text)
    _hold_the_form(clients, text)
    return text


async def _unheard(stage: Stage, speaker: Client, listener: Client, clients: Sequence[Client], text: str) -> Failure:
    """What to raise where a message has not come to everybody."""
    if listener.end is not None:
        return await stage.silence(listener, ended=texts.wrong("ends-at-once"))
    here, there = clients[::2], clients[1::2]
    if speaker in there:
        here, there = there, here
    own, others = ([one.who for one in group if _carrier(one, text)] for group in (here, there))
    if not own and not others:
        for message in (message for one in clients for message in one.messages[-1:] if not _is_like_a_tick(message)):
            return _otherwise(message, text)
    fault = texts.wrong("nobody-hears")
    if own or others:
        fault = texts.wrong("not-everybody")
    if not own and len(others) == len(there):
        fault = texts.wrong("only-the-others")
    elif not others and len(own) == len(here):
        fault = texts.wrong("one-process-only")
    elif len(own + others) == len(clients) - 1 and not _carrier(speaker, text):
        fault = texts.wrong("not-to-the-speaker")
    found = await stage.silence(listener, fault, speaker=speaker.who)
    if found.misconception is fault:
        hearers = ", ".join(sorted(own + others))
        seen = texts.saw("hearers") if hearers else texts.saw("no-hearers")
        found = Failure(fault, seen, speaker=speaker.who, hearers=hearers, who=listener.who)
    return found


def _hold_the_form(clients: Sequence[Client], text: str) -> None:
    """Make sure that a message is an id, a space and what was said, the same for everybody.

    Raises:
        Failure: it is not.
    """
    came = [message for one in clients if (message := _carrier(one, text))]
    for message in came:
        if not id_of(message)[-1:].isalnum() or said_in(message) != text or isinstance(message.data, bytes):
            raise _otherwise(message, text)
    ids = [id_of(message) for message in came]
    if len(set(ids)) > 1:
        other = next(place for place, one in enumerate(ids) if one != ids[0])
        seen = filled(texts.saw("two-ids"), first=ids[0], second=ids[other], who=clients[other].who)
        raise Failure(texts.wrong("ids-differ"), seen)


def _otherwise(message: Message, text: str) -> Failure:
    """What to raise where a message is not an id, a space and what was said."""
    head = id_of(message)
    numbered = head[-1:].isalnum() and said_in(message).split() == text.split()
    prefix = f"{head} " if numbered else "… "
    return _in_own_words(document.wrong_text(message, prefix, text, texts.wrong("other-message")))


async def _room(stage: Stage, *clients: Client) -> None:
    """Make sure that these hear the first of them.

    Raises:
        Waits: they do not.
    """
    with stage.off_the_record():
        await stage.pause()
        await _say(stage, clients[0], clients)


# The count


async def _count(stage: Stage, process: int, *, quietly: bool = False) -> int:
    """How many clients a process says are connected.

    Raises:
        Failure: it does not say so.
    """
    try:
        return await document.count(stage, quietly=quietly, process=process)
    except Failure as failure:
        raise _in_own_words(failure) from None


async def _miscounted(stage: Stage, wanted: int) -> list[int]:
    """What the processes count where one of them never comes to say `wanted`; empty where both do.

    Raises:
        Failure: there is no count.
    """
    begun, nap = stage.clock(), 0.01
    limit = FORGOTTEN * stage.deadlines.stretch
    looked_again = False
    while True:
        found = [await _count(stage, process, quietly=True) for process in BOTH]
        if all(count == wanted for count in found):
            break
        if stage.clock() - begun > limit:
            if looked_again:
                break
            looked_again = True
            limit += await stage.deadlines.extension()
        await asyncio.sleep(nap)
        nap = min(2 * nap, 0.1)
    for process in BOTH:
        await _count(stage, process)
    return [] if all(count == wanted for count in found) else found


async def _at_rest(stage: Stage) -> None:
    """Wait until nobody is counted: who was there in an earlier check may still be on the way out.

    Raises:
        Waits: somebody still is.
    """
    if found := await _miscounted(stage, 0):
        raise Waits("count", general.GHOSTS, texts.saw("counts"), connected=0, counts=_listed(found), count=found[0])


def _listed(counts: Sequence[int]) -> str:
    return ", ".join(map(str, counts))


async def count(stage: Stage) -> Text:
    """Each process says how many clients there are in both."""
    try:
        return await _counted(stage)
    except Failure as failure:
        found = await stage.with_a_dead_task(failure, _begun)
        raise found.stopping(texts.wrong("count-first")) from None


async def _begun(stage: Stage) -> None:
    """Start the processes anew, connect five clients, and wait for two periods."""
    await stage.restart_server()
    await _five(stage)
    await asyncio.sleep(2 * PERIOD)


async def _counted(stage: Stage) -> Text:
    if found := await _miscounted(stage, 0):
        raise Failure(texts.wrong("counted-at-rest"), texts.saw("counts"), connected=0, counts=_listed(found))
    clients = await _five(stage)
    if found := await _miscounted(stage, 5):
        fault = texts.wrong("counts-itself") if found == [2, 3] else texts.wrong("count-differs")
        raise Failure(fault, texts.saw("counts"), connected=5, counts=_listed(found))
    await clients[1].close()
    await clients[3].reset()
    if found := await _miscounted(stage, 3):
        fault = texts.wrong("count-stays") if max(found) > 3 else texts.wrong("count-differs")
        raise Failure(fault, texts.saw("counts"), connected=3, counts=_listed(found))
    return filled(texts.saw("counted"), most=5, left=3)


async def _five(stage: Stage) -> list[Client]:
    """Five clients, two of them at the first process."""
    return [await stage.connect(who, process=process) for who, process in zip("ABCDE", (0, 1, 1, 0, 1), strict=True)]


async def killed(stage: Stage) -> Text:
    """The count is right again after a process was killed."""
    await _at_rest(stage)
    await _five(stage)
    if found := await _miscounted(stage, 5):
        raise Waits("count", texts.wrong("count-first"), texts.saw("counts"), connected=5, counts=_listed(found))
    await _kill(stage, 1)
    if found := await _miscounted(stage, 2):
        fault = texts.wrong("counts-the-killed") if max(found) > 2 else texts.wrong("count-differs")
        raise Failure(fault, texts.saw("counts"), connected=2, counts=_listed(found))
    frank = await stage.connect("F", process=1)
    if found := await _miscounted(stage, 3):
        raise Failure(texts.wrong("count-differs"), texts.saw("counts"), connected=3, counts=_listed(found))
    await frank.close()
    return filled(texts.saw("counted-again"), before=5, left=2)


async def _kill(stage: Stage, process: int) -> None:
    """Kill a process, and start another one in its place."""
    async with _without(stage, process):
        pass


@contextlib.asynccontextmanager
async def _without(stage: Stage, process: int) -> AsyncIterator[None]:
    """Kill a process; start another one in its place at the end of the block, whatever came of it."""
    stage.note("", "", filled(texts.saw("kills"), process=process + 1))
    stage.killed.add(process)
    await _processes(stage).kill_process(process)
    await stage.forget_http()
    try:
        yield
    finally:
        await _processes(stage).start_process(process)
        stage.killed.discard(process)
        stage.note("", "", filled(texts.saw("starts"), process=process + 1))


# The broadcaster


async def ticks(stage: Stage) -> Text:
    """One process ticks, once a period, and everybody hears it."""
    await stage.restart_server()  # who ticked may have been killed in an earlier check
    alice, ben = await stage.connect("A"), await stage.connect("B", process=1)
    try:
        await _room(stage, alice, ben)
        names = await _ticks_of_one(stage, TICKS, alice, ben, in_time=True)
    except Failure as failure:
        found = await stage.with_a_dead_task(failure, _begun)
        raise found.stopping(texts.wrong("ticks-first")) from None
    return filled(texts.saw("ticked"), count=TICKS, name=names[-1])


async def _ticks_of_one(stage: Stage, count: int, *clients: Client, in_time: bool = False) -> list[str]:
    """The processes that the next ticks name, once these come from one process.

    Args:
        stage: the stage.
        count: how many ticks.
        clients: who has to hear them.
        in_time: whether they have to come once a period, too.

    Raises:
        Failure: they come from several, or do not come to everybody.
    """
    for last_look in (False, True):
        came, beat = await _ticks(stage, count, *clients)
        names = [ticks_by(tick) for tick in came]
        times = [tick.at for tick in came]
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)] or [beat * (2 * count + SPARE)]
        mean = statistics.fmean(gaps)
        seen = filled(texts.saw("pace"), typical=mean * 1000, period=PERIOD * 1000)
        # The median, since one tick that is held up on the way says nothing about the others.
        if in_time and statistics.median(gaps) > SLOW * beat:
            fault = Failure(texts.wrong("too-slow"), seen)
        elif switches(names) >= SWITCHES:
            fault = Failure(texts.wrong("two-broadcasters"), texts.saw("ticks"), names=", ".join(names))
        elif in_time and (mean < FAST * PERIOD or often_at_once(gaps)):
            fault = Failure(texts.wrong("too-fast"), seen)
        elif len(came) < count and not last_look:
            continue
        else:
            return names
    raise fault


async def _ticks(stage: Stage, count: int, *clients: Client) -> tuple[list[Message], float]:
    """The next ticks as the first of these clients hears them, and how long a period takes on this machine meanwhile.

    There are fewer where they come too seldom.

    Raises:
        Failure: they do not come to everybody.
    """
    begun = {one.who: len(one.messages) for one in clients}
    most = 2 * count + SPARE

    def came(client: Client) -> list[Message]:
        return _once(message for message in client.messages[begun[client.who] :] if ticks_by(message))

    with stage.off_the_record():
        async with _beating(stage, clients[0]) as beats:

            def look() -> bool | None:
                return all(len(came(one)) >= count for one in clients) or len(beats) >= most or None

            await stage.until(look, 3 * most * PERIOD * stage.deadlines.stretch)
    heard = min(count, max(len(came(one)) for one in clients))
    for one in clients:
        if len(came(one)) <= heard / 2:
            raise await _no_tick(stage, one, clients)
    return came(clients[0])[:count], max(PERIOD, statistics.median(beats or [PERIOD]))


def _once(messages: Iterable[Message]) -> list[Message]:
    """The messages, of several equal ones that came together the first: hearing twice is what `everybody` is about."""
    found: list[Message] = []
    for message in messages:
        if not found or message.data != found[-1].data or message.at - found[-1].at > PERIOD / 4:
            found.append(message)
    return found


@contextlib.asynccontextmanager
async def _beating(stage: Stage, client: Client) -> AsyncIterator[list[float]]:
    """While the block runs, sleep a period and go to the broker and back, as who ticks does; gives how long that took.

    On a busy machine all this takes longer, and so do ticks.
    """
    beats: list[float] = []

    async def beat() -> None:
        with contextlib.suppress(Failure):
            while True:
                begun = stage.clock()
                await asyncio.sleep(PERIOD)
                await _say(stage, client, (client,))
                beats.append(stage.clock() - begun)

    beating = asyncio.create_task(beat())
    try:
        yield beats
    finally:
        beating.cancel()
        await asyncio.wait({beating})


async def _no_tick(stage: Stage, client: Client, clients: Sequence[Client]) -> Failure:
    if any(ticks_by(message) for one in clients if one is not client for message in one.messages):
        return await stage.silence(client, texts.wrong("ticks-to-some"), who=client.who)
    other = next((message for message in client.messages if _is_like_a_tick(message)), None)
    if other is not None:
        return Failure(texts.wrong("tick-differs"), expected=quoted("… tick 4711"), came=other)
    return await stage.silence(client, texts.wrong("no-ticks"), who=client.who)


async def takeover(stage: Stage) -> Text:
    """When the process that ticks is killed, another one goes on."""
    clients = [await stage.connect(who, process=process) for who, process in zip("AB", BOTH, strict=True)]
    former = ""
    for process in BOTH:
        # Whoever is connected to the other process hears what comes after the kill.
        witness = clients[1 - process]
        # One that has come back in the first round may tick beside the one that went on.
        former = (await _ticks_of_one(stage, TURNS if process else 1, witness))[-1]
        async with _without(stage, process):
            since = len(witness.messages)

            def after(witness: Client = witness, since: int = since) -> list[str]:
                return [name for message in witness.messages[since:] if (name := ticks_by(message))]

            def look(former: str = former) -> bool | None:
                names = after()
                return any(name != former for name in names) or names.count(former) >= HELD or None

            with stage.off_the_record():
                await stage.until(look, FORGOTTEN * stage.deadlines.stretch)
            names = after()
            if any(name != former for name in names):
                # In time: where the lease is not renewed, a process gets the place each time that it expires.
                later = await _ticks_of_one(stage, FEWER, witness, in_time=True)
                return filled(texts.saw("taken-over"), former=former, name=later[-1])
            if names.count(former) < HELD:
                raise await stage.silence(witness, texts.wrong("nobody-takes-over"), who=witness.who)
        clients[process] = await stage.connect("CD"[process], process=process)
    raise Failure(texts.wrong("same-name-goes-on"), texts.saw("ticks"), names=former)


# Coming back


async def resume(stage: Stage) -> Text:
    """Who was connected to a killed process goes on at another one, without a gap or a double."""
    alice, ben, carl = (
        await stage.connect("A"),
        await stage.connect("B", process=1),
        await stage.connect("C", process=1),
    )
    await _room(stage, alice, ben, carl)
    for _ in range(3):
        await _say(stage, alice, (alice, ben, carl))
    lasts = {one.who: id_of(_talk_of(one)[-1]) for one in (ben, carl)}
    await _kill(stage, 1)
    words = [stage.unique("Haber") for _ in range(MISSED)]
    await alice.send(*words)
    await stage.until(lambda: _has(alice, words[-1]) or None, FORGOTTEN * stage.deadlines.stretch)
    for who, process in (("B", 0), ("C", 1)):
        await _say(stage, alice, (alice,))
        missed = _ids(alice)
        async with _talking(stage, alice):
            client = await _come_back(stage, who, lasts[who], process)
        newest = await _say(stage, alice, (alice,))
        with stage.off_the_record():
            await stage.until(lambda: _has(client, newest) or client.end is not None or None)  # noqa: B023
        await _hold_resumed(stage, client, alice, lasts[who], newest, missed)
    return filled(texts.saw("resumed"), missed=MISSED)


async def _come_back(stage: Stage, who: str, last: str, process: int) -> Client:
    """A client that brings the last number it has had.

    Raises:
        Failure: it gets no connection.
    """
    try:
        return await stage.connect(who, f"/ws?last={last}", process=process)
    except Failure as failure:
        if failure.misconception is general.REFUSED:
            raise Failure(texts.wrong("resume-refused"), failure.observed, last=last) from None
        raise


async def _say(stage: Stage, speaker: Client, listeners: Sequence[Client]) -> str:
    """Have somebody say something, and wait until it has come to each listener; return it.

    Raises:
        Waits: it does not.
    """
    text = stage.unique("Haber")
    await speaker.send(text)
    await stage.until(lambda: all(_has(one, text) or one.end is not None for one in listeners) or None)
    for one in listeners:
        if not _has(one, text):
            raise Waits("everybody", texts.wrong("no-room-yet"), texts.saw("lacks"), who=one.who)
    return text


@contextlib.asynccontextmanager
async def _talking(stage: Stage, speaker: Client) -> AsyncIterator[None]:
    """Somebody says one thing after the other while the block runs, and a few more."""
    over = asyncio.Event()

    async def talk() -> None:
        with stage.off_the_record():
            left = MANY
            while left:
                left -= over.is_set()
                await _say(stage, speaker, (speaker,))
                await asyncio.sleep(0.005)

    talking = asyncio.create_task(talk())
    try:
        yield
    finally:
        over.set()
        await talking


async def _hold_resumed(
    stage: Stage, client: Client, other: Client, last: str, newest: str, missed: Sequence[str]
) -> None:
    """Make sure that a client has every message behind its last one, once and in order.

    Args:
        stage: the stage.
        client: who came back.
        other: who was there all the time.
        last: the last number that the client had.
        newest: the last thing that was said.
        missed: the numbers of what had been said when the client came back.

    Raises:
        Failure: it has not, and what is wrong.
    """
    heard, told = (_ids(one, newest) for one in (client, other))
    if len(set(told)) < len(told):
        raise Waits(
            "everybody", texts.wrong("no-room-yet"), texts.saw("times"), who=other.who, speaker=other.who, times=2
        )
    wanted = told[told.index(last) + 1 :]
    if not heard or (client.end is not None and not _has(client, newest)):
        raise await stage.silence(client, texts.wrong("resume-silent"), ended=texts.wrong("resume-ends"))
    missing = [one for one in wanted if one not in heard]
    seen = filled(texts.saw("came-back"), who=client.who, last=last, got=len(heard), wanted=len(wanted))
    if last in heard:
        earlier = any(one in told[: told.index(last)] for one in heard)
        raise Failure(texts.wrong("ignores-last") if earlier else texts.wrong("repeats-the-last"), seen)
    if any(one not in wanted for one in heard):
        raise Failure(texts.wrong("ignores-last"), seen)
    if len(set(heard)) < len(heard):
        raise Failure(texts.wrong("resume-doubles"), seen)
    if missing:
        fault = texts.wrong("resume-gap")
        if heard == wanted[-len(heard) :] and len(missing) >= MANY:
            fault = texts.wrong("no-replay") if not set(heard) & set(missed) else texts.wrong("keeps-too-few")
        raise Failure(fault, seen)
    if heard != wanted:
        raise Failure(texts.wrong("live-before-missed"), seen)


# The broker


async def broker(stage: Stage) -> Text:
    """The broker goes and comes back: no connection is lost, who speaks is told, and everything goes on."""
    clients = await stage.connect("A"), await stage.connect("B", process=1)
    await _room(stage, *clients)
    counts = not await _miscounted(stage, 2)
    stage.note("", "", texts.saw("broker-killed"))
    await _processes(stage).kill_broker()
    before = {one.who: list(one.messages) for one in clients}
    told: dict[str, str] = {}
    try:
        for one in clients:
            text = stage.unique("Var mı")
            await one.send(text)
            await stage.until(lambda: _told(one, text) or one.end is not None or None)  # noqa: B023
            if one.end is not None:
                raise await stage.silence(one, ended=texts.wrong("broker-ends-connections"))
            if not _told(one, text):
                raise await _untold(stage, one, text)
            told[one.who] = text
        # Long enough for what the app does every `PERIOD` seconds to meet it.
        await asyncio.sleep(AWAY * stage.deadlines.stretch)
        await stage.turned()
        for one in clients:
            _hold_once(one, told[one.who], before[one.who])
    finally:
        await _processes(stage).start_broker()
        stage.note("", "", texts.saw("broker-back"))
    for one in clients:
        await _heard_again(stage, one, clients)
    if counts and (found := await _miscounted(stage, 2)):
        raise Failure(texts.wrong("forgotten-by-the-broker"), texts.saw("counts"), connected=2, counts=_listed(found))
    return texts.saw("broker-survived")


def _hold_once(client: Client, text: str, before: Sequence[Message]) -> None:
    """Make sure that nothing came to a client twice while there was no broker.

    Args:
        client: the client.
        text: what it has said meanwhile.
        before: what had come to it when the broker was killed.

    Raises:
        Failure: something did.
    """
    times = sum(message.data == f"failed {text}" for message in client.messages)
    if times > 1:
        raise Failure(texts.wrong("told-twice"), texts.saw("told"), who=client.who, times=times)
    former = {message.data for message in before}
    again = next((message for message in client.messages[len(before) :] if message.data in former), None)
    if again is not None:
        raise Failure(texts.wrong("repeats-the-old"), texts.saw("again"), who=client.who, came=again)


def _told(client: Client, text: str) -> bool:
    return any(message.data == f"failed {text}" for message in client.messages)


async def _untold(stage: Stage, client: Client, text: str) -> Failure:
    other = _carrier(client, text)
    if other is not None and isinstance(other.data, bytes):
        return document.wrong_text(other, "failed ", text, texts.wrong("told-otherwise"))
    if other is not None:
        return Failure(texts.wrong("told-otherwise"), expected=quoted(f"failed {text}"), came=other)
    return await stage.silence(client, texts.wrong("failure-untold"), who=client.who)


async def _heard_again(stage: Stage, speaker: Client, clients: Sequence[Client]) -> None:
    """Have somebody speak until it comes to everybody.

    Raises:
        Failure: it never does.
    """
    heard: list[str] = []
    lost = 0  # messages that came to nobody, one after the other
    with stage.off_the_record():
        for _ in range(TRIES):
            text = stage.unique("Yine")
            await speaker.send(text)

            def look(text: str = text) -> bool | None:
                if any(one.end is not None for one in clients) or _told(speaker, text):
                    return True
                return all(_has(one, text) for one in clients) or None

            await stage.until(look)
            heard = [one.who for one in clients if _has(one, text) and not _told(one, text)]
            if len(heard) == len(clients) or any(one.end is not None for one in clients):
                break
            lost = 0 if heard or _told(speaker, text) else lost + 1
            if lost == LOST:
                break
            await asyncio.sleep(0.05)
    gone = next((one for one in clients if one.end is not None), None)
    if gone is not None:
        raise await stage.silence(gone, ended=texts.wrong("broker-ends-connections"))
    if len(heard) < len(clients):
        lacks = next(one for one in clients if one.who not in heard)
        raise await stage.silence(lacks, texts.wrong("deaf-after-the-broker"), who=lacks.who)


# The end


async def ending(stage: Stage) -> Text:
    """A process that is to end does so in time; its clients are told, and the others go on."""
    took = 0.0
    unfinished: tuple[TaskSeen, ...] = ()
    alice = await stage.connect("A")
    # A machine that stood still is broken off once; an app that waits, each time.
    for _ in range(STOPS):
        ben = await stage.connect("B", process=1)
        await _room(stage, alice, ben)
        before, begun = len(stage.raised_so_far()), stage.clock()
        left = await _processes(stage).stop_process(1)
        took = stage.clock() - begun
        stage.note("", "", filled(texts.saw("stopped"), took=took))
        unfinished = tuple(one for one in left if one.state != "thread")
        broken_off = stage.shutdown_broken_off(before)
        await stage.forget_http()
        await _processes(stage).start_process(1)
        await ben.ended()
        if not broken_off:
            break
    else:
        raise Failure(texts.wrong("shutdown-waits"), texts.saw("broken-off"), took=took)
    if unfinished:
        one = unfinished[0]
        raise Failure(texts.wrong("left-running"), texts.saw("unfinished"), name=one.name, place=one.place or "–")
    if alice.end is not None:
        raise await stage.silence(alice, ended=texts.wrong("ends-the-others"))
    ben = await stage.connect("B", process=1)
    await _room(stage, alice, ben)
    return filled(texts.saw("ended"), took=took)


# The warm-up


async def warm_up(stage: Stage) -> Text:
    """The mended app gives each number once."""
    clients = [await stage.connect(who, process=process) for who, process in zip("AB", BOTH, strict=True)]
    given: list[str] = []
    for one in (*clients, *clients):
        await one.send("?")
        if (came := await one.next()) is None:
            raise await stage.silence(one)
        given.append(came.text)
    seen = filled(texts.saw("given"), numbers=", ".join(given))
    if len(set(given)) < len(given):
        raise Failure(texts.wrong("given-twice"), seen)
    return seen


LAB = Lab.of(
    texts,
    "L9-processes",
    Check.of(texts, "warmup", warm_up, points=0, app="machine", budget=20.0, processes=True),
    Check.of(texts, "everybody", everybody, points=3, budget=30.0, processes=True),
    Check.of(texts, "count", count, points=2, budget=30.0, processes=True),
    Check.of(texts, "killed", killed, points=2, needs="count", budget=30.0, processes=True),
    Check.of(texts, "ticks", ticks, points=2, needs="everybody", budget=30.0, processes=True),
    Check.of(texts, "takeover", takeover, points=2, needs="ticks", budget=40.0, processes=True),
    Check.of(texts, "resume", resume, points=2, needs="everybody", budget=30.0, processes=True),
    Check.of(texts, "broker", broker, points=2, needs="everybody", budget=40.0, processes=True),
    Check.of(texts, "ending", ending, points=1, needs="everybody", budget=30.0, processes=True),
)
