"""L5, the broadcaster: a numbered tick to everybody in every period, beside the echo."""

from __future__ import annotations

import asyncio
import itertools
import re
import statistics
from collections.abc import Iterator, Sequence

from wslab.labs import causes, general
from wslab.labs.document import ECHO, SERVER, is_answer, is_by_server, wrong_text
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, Message, Stage
from wslab.labs.venue import Watched
from wslab.labs.verdict import Misconception, Raised
from wslab.language import Text, filled

texts = read_texts("L5")

PERIOD = 0.2
"""Seconds between two ticks, as the task asks for them."""

CLIENTS = 6
TICKS = 3
COUNTED = 3
ECHOES = 8
"""As many in one period, so that whatever holds the server for a part of it meets some of them."""

ROUNDS = 8
"""How many periods in a row must hold up answers: a machine that others keep busy does so now and then."""

BETWEEN, AWAKE = 0.002, 5
"""Seconds between two trips of the machine while an answer is waited for, and how many show that it was awake."""

MUCH, MANY = "y" * (256 << 10), 80
"""What a client that does not read asks to be echoed: more than the buffers on the way take."""

FULL = 3
"""Ticks to wait until the broadcaster waits for a client that does not read. One that waits for nobody goes on."""

SLOW = 1.5
"""Times the period, as this machine sleeps it: ticks that come later than that are too slow."""

DOWN = 6
"""Periods without a server, in which nobody may count."""

STARTS = 4
"""How often the app is started to be there for its first tick."""

SLOWEST_STOP = 1.2
"""Seconds. An app that never ends is broken off later than that; one that ends takes a tenth of it."""

RARE = 6
"""Times the period: ticks that come more seldom than that are as good as none."""

SLOWEST = 12
"""Periods to wait for the first tick of a broadcaster that may be too slow."""

_MS = PERIOD * 1000
_TICK = re.compile(re.escape(SERVER) + r"\s*(\d+)\s*")


def number_of(message: Message) -> int | None:
    """The number of a tick; None for any other message."""
    found = _TICK.fullmatch(message.text)
    return int(found[1]) if found else None


def is_tick(message: Message) -> bool:
    """Whether it is a numbered tick."""
    return number_of(message) is not None


def ticks_of(client: Client, since: int = 0) -> list[int]:
    """The numbers of the ticks that came to a client, from its message number `since` on."""
    return [number for message in client.messages[since:] if (number := number_of(message)) is not None]


async def _hears(stage: Stage, client: Client, count: int, within: float | None = None) -> bool:
    """Whether `count` more ticks come to a client, each within `within` seconds."""
    for _ in range(count):
        if await client.next(is_tick, within=within or _patient(stage)) is None:
            return False
    return True


async def _go_on(stage: Stage, count: int, *clients: Client) -> bool:
    """Whether `count` ticks come to each client from now on."""
    since = [len(client.messages) for client in clients]
    for wanted in range(1, count + 1):

        def look(wanted: int = wanted) -> bool | None:
            heard = (len(ticks_of(client, begun)) for client, begun in zip(clients, since, strict=True))
            return min(heard) >= wanted or None

        if await stage.until(look, _patient(stage)) is None:
            return False
    return True


def _patient(stage: Stage) -> float:
    return 3 * PERIOD + stage.deadlines.step


async def _held(stage: Stage) -> bool:
    """Whether the server's loop stands still. Started anew it would again, which takes longer than to say so."""
    return await stage.alive() is False


async def _afresh(stage: Stage) -> None:
    await stage.dismiss()
    await stage.stop_server()
    await stage.restart_server()


async def _with_ticks(stage: Stage, names: str = "A") -> list[Client]:
    """Clients, the first of whom hears the ticks.

    What an earlier check did to the broadcaster is not this one's business, so a silent app is served anew.

    Raises:
        Waits: no tick comes to the first client of a fresh app either.
    """
    clients = [await stage.connect(who) for who in names]
    # Not long: to start anew costs nothing but time.
    if await _hears(stage, clients[0], 1, within=3 * PERIOD):
        return clients
    if not await _held(stage):
        await _afresh(stage)
        clients = [await stage.connect(who) for who in names]
        if await _hears(stage, clients[0], 1):
            return clients
    if any(map(ticks_of, clients)):
        raise Waits("late", texts.wrong("late-ones-first"), filled(texts.saw("a-kept-silent"), who=names[-1]))
    raise Waits("ticks", texts.wrong("no-ticks-yet"), filled(texts.saw("silent"), who=names[0]))


# The ticks


async def ticks(stage: Stage) -> Text:
    """A client that says nothing hears numbered ticks."""
    alice = await stage.connect("A")
    if not await _hears(stage, alice, 1, within=3 * PERIOD):
        alice = await _second_look(stage, alice)
    await _hears(stage, alice, TICKS - 1)
    numbers = ticks_of(alice)
    if len(numbers) < TICKS and not await _hears(stage, alice, 1, within=SLOWEST * PERIOD):
        raise await stage.silence(alice, texts.wrong("stops-ticking"), last=numbers[-1])
    gap = statistics.median(later.at - earlier.at for earlier, later in _pairs(alice))
    if gap > RARE * PERIOD and gap > RARE * await _own_period():
        raise _too_slow(gap).stopping(texts.wrong("no-ticks-yet"))
    first = next(filter(is_tick, alice.messages))
    if isinstance(first.data, bytes):
        raise _no_such_tick(first)
    # A number that comes twice is another check's business, and so is the first one after a start.
    if len(set(numbers)) < 2:
        raise Failure(texts.wrong("always-the-same"), texts.saw("numbers"), who="A", numbers=_shown(numbers))
    if any(later - earlier not in (0, 1) for earlier, later in itertools.pairwise(numbers)):
        raise Failure(texts.wrong("not-counting"), texts.saw("numbers"), who="A", numbers=_shown(numbers))
    return filled(texts.saw("ticked"), numbers=_shown(numbers))


async def _second_look(stage: Stage, alice: Client) -> Client:
    """The first client of a fresh app, which has heard a tick: an earlier run may have left the app silent.

    Raises:
        Failure: it has not, and why.
    """
    if alice.messages or alice.end is not None or await _held(stage):
        raise (await _no_tick(stage, alice, Watched())).stopping(texts.wrong("no-ticks-yet"))
    await stage.dismiss()
    await stage.stop_server()
    stage.watch()
    await stage.restart_server()
    alice = await stage.connect("A")
    heard = await _hears(stage, alice, 1)
    seen = await stage.watched()
    if not heard:
        raise (await _no_tick(stage, alice, seen)).stopping(texts.wrong("no-ticks-yet"))
    return alice


async def _no_tick(stage: Stage, alice: Client, seen: Watched) -> Failure:
    """What to raise where no tick came, the nearest cause first.

    Args:
        stage: the stage.
        alice: who heard none.
        seen: what the app did meanwhile.
    """
    if alice.messages:
        return _no_such_tick(alice.messages[0])
    failure = await stage.silence(alice, texts.wrong("never-ticks"))
    if failure.misconception is general.NOT_AWAITED:
        return await _not_run(stage, failure)
    if failure.misconception is not texts.wrong("never-ticks"):
        return failure
    silent = filled(texts.saw("silent"), who="A")
    if dead := next((one for one in seen.tasks if one.state == "raised"), None):
        return _raised(Raised(dead.text.partition(":")[0], dead.text, dead.place), silent, dead.name)
    if seen.caught:
        return Failure(general.HIDDEN, silent, error=seen.caught[0])
    own = seen.tasks[-1] if seen.tasks else None
    waits = own is not None and own.state == "waits"
    if waits and await _hears(stage, alice, 1, within=SLOWEST * PERIOD):
        return _too_slow(alice.messages[-1].at)
    if await _ticks_when_asked(stage, alice):
        return Failure(texts.wrong("ticks-only-on-traffic"), silent)
    if own is not None and waits:
        return Failure(texts.wrong("reaches-nobody"), silent, name=own.name, place=own.place or "–")
    if own is not None:
        over = texts.wrong("cancelled-at-once") if own.state == "cancelled" else texts.wrong("over-at-once")
        return Failure(over, silent, name=own.name)
    return await _none_made(stage, silent)


async def _ticks_when_asked(stage: Stage, alice: Client) -> bool:
    """Whether each of two messages is followed by a tick: one might come by itself at that moment."""
    for _ in range(2):
        await alice.send(stage.unique("Ses ver"))
        if await alice.next(is_by_server, within=stage.deadlines.step) is None:
            return False
    return True


async def _none_made(stage: Stage, silent: Text) -> Failure:
    """What to raise where the app made no task: does it make one when it ends, or raise then?"""
    with stage.off_the_record():
        await stage.dismiss()
        stage.watch()
        await stage.stop_server()
        late = (await stage.watched()).tasks
        await stage.restart_server()
    if errors := [one for one in await stage.raised() if not one.warning]:
        return _raised(_first_cause(errors), silent, late[0].name if late else "lifespan")
    if late:
        return Failure(texts.wrong("made-at-the-end"), silent, name=late[0].name)
    return Failure(texts.wrong("never-ticks"), silent)


def _too_slow(seconds: float) -> Failure:
    """What to raise where a tick takes so many seconds."""
    return Failure(texts.wrong("too-slow"), texts.saw("slow"), typical=seconds * 1000, period=_MS)


def _no_such_tick(came: Message) -> Failure:
    """What to raise where a message came by itself that is no tick as agreed."""
    number = re.search(r"\d+", came.text)
    return wrong_text(came, SERVER, number[0] if number else "1", texts.wrong("other-tick"))


def _raised(error: Raised, silent: Text, name: str) -> Failure:
    """What to raise where an exception ended a function before a tick could come: its kind, where its text tells."""
    kind = causes.meaning_of(error)
    known = kind not in (general.HANDLER_RAISED, general.TASK_RAISED)
    return Failure(kind if known else texts.wrong("broadcaster-raised"), silent, error=error, name=name)


async def _not_run(stage: Stage, failure: Failure) -> Failure:
    """A coroutine that nobody ran: one of the learner's own wants a task, any other one `await`."""
    never = next(one for one in await stage.raised() if "was never awaited" in one.text)
    own = re.search(r"coroutine '(\w+)'", never.text)
    if own is None or own[1] in ("sleep", "to_thread"):
        return failure
    return Failure(texts.wrong("no-task"), texts.saw("silent"), who="A", error=never, name=own[1])


def _first_cause(errors: Sequence[Raised]) -> Raised:
    """What made the rest fail: the framework's own remark on it has no line of the learner's."""
    return next((one for one in errors if one.place), errors[0])


def _shown(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:12])) + (" …" if len(numbers) > 12 else "")


# The echo


async def echo(stage: Stage) -> Text:
    """Answers come at once, whatever the broadcaster does."""
    alice = await stage.connect("A")
    found = await _delayed(stage, alice)
    # In a period without a tick nothing shows that the two don't wait for each other.
    if not ticks_of(alice) and not await _hears(stage, alice, 1, within=3 * PERIOD):
        (alice,) = await _with_ticks(stage)
        found = await _delayed(stage, alice)
    if isinstance(found, Failure):
        raise found
    await _hold_alone(stage, alice)
    return found


async def _hold_alone(stage: Stage, alice: Client) -> None:
    """Make sure that an answer goes to who asked, and to nobody else.

    Raises:
        Failure: somebody else got it.
    """
    bob = await stage.connect("B")
    for _ in range(2):  # what else the first one brought about is there when the second one is answered
        await alice.send(stage.unique("Selam"))
        await alice.next(is_answer)
    if overheard := next(filter(is_answer, bob.messages), None):
        raise Failure(texts.wrong("echo-to-all"), texts.saw("overheard"), who=bob.who, came=overheard)


async def _delayed(stage: Stage, alice: Client) -> Text | Failure:
    """What was seen of the answers through a period, or what to raise where each of some periods held them up."""
    for _ in range(ROUNDS):
        took, trips = await _answers_in_a_period(stage, alice)
        if not any(one > PERIOD / 4 and len(beside) >= AWAKE for one, beside in zip(took, trips, strict=True)):
            return filled(texts.saw("answered"), count=ECHOES, typical=statistics.median(took) * 1000, period=_MS)
    return Failure(
        texts.wrong("echo-waits-for-tick"),
        texts.saw("delayed"),
        count=ECHOES,
        slowest=max(took) * 1000,
        period=_MS,
        trip=max(max(beside) for beside in trips) * 1000,
    )


async def _answers_in_a_period(stage: Stage, alice: Client) -> tuple[list[float], list[list[float]]]:
    """How long answers take that are asked for all through a period, and the trips of this machine beside each."""
    took: list[float] = []
    trips: list[list[float]] = []
    for _ in range(ECHOES):
        text = stage.unique("Selam")
        begun = stage.clock()
        await alice.send(text)
        coming = asyncio.ensure_future(alice.next(is_answer, within=_patient(stage)))
        trips.append([])
        try:
            while not trips[-1] or not coming.done():
                trips[-1].append(await stage.deadlines.trip())
                await asyncio.wait({coming}, timeout=BETWEEN)
            came = coming.result()
        finally:
            coming.cancel()
        if came is None:
            raise await stage.silence(alice, texts.wrong("no-echo"))
        if came.data != ECHO + text:
            raise wrong_text(came, ECHO, text, texts.wrong("echo-differs"))
        took.append(came.at - begun)
        await asyncio.sleep(max(0.0, PERIOD / ECHOES - took[-1]))
    return took, trips


# Who comes late


async def late(stage: Stage) -> Text:
    """Who comes in the middle hears the next tick, and nobody is forgotten."""
    (alice,) = await _with_ticks(stage)
    since = len(alice.messages)
    newcomers = [await stage.connect(who) for who in "BC"]
    await _go_on(stage, 1, *newcomers)
    silent = [client for client in newcomers if not ticks_of(client)]
    last = newcomers[-1]
    newest = ticks_of(last)[0] if last not in silent else 0

    def kept() -> bool | None:
        # A tick that was on its way when the newcomers came says nothing.
        return any(number >= newest for number in ticks_of(alice, since)) or None

    forgotten = await stage.until(kept, PERIOD) is None
    if forgotten and len(silent) < len(newcomers):
        raise await _left_out(stage, alice, texts.wrong("newcomer-replaces"), texts.saw("a-kept-silent"), last)
    if silent:
        fault = texts.wrong("stops-for-all") if forgotten else texts.wrong("not-for-late-ones")
        raise await _left_out(stage, silent[0], fault, texts.saw("silent"), silent[0])
    return filled(texts.saw("late"), first=ticks_of(newcomers[0])[0], second=newest)


async def _left_out(stage: Stage, client: Client, fault: Misconception, seen: Text, who: Client) -> Failure:
    """What to raise where a client hears no tick while others may: `fault`, unless the server itself tells why."""
    failure = await stage.silence(client, fault, who=who.who)
    if failure.misconception is fault:
        failure = Failure(fault, seen, who=who.who)
    return failure.stopping(texts.wrong("late-ones-first"))


# One tick a period


async def one(stage: Stage) -> Text:
    """Six clients hear one tick a period, and all the same."""
    await (await stage.connect("X")).close()  # what comes and goes leaves nothing behind that ticks
    await stage.pause()
    (alice,) = await _with_ticks(stage)
    mark = len(alice.messages)
    others = [await stage.connect(who) for who in "BCDEFG"[: CLIENTS - 1]]
    typical: float | None = None
    for within in (COUNTED, COUNTED * SLOW, COUNTED * SLOWEST):
        # Another look: ticks that were held up on the way arrive together, or late.
        since = len(alice.messages)
        typical = await _interval(stage, alice, within * PERIOD)
        steady = typical is not None and PERIOD / 2 <= typical <= SLOW * PERIOD
        if steady or not ticks_of(alice, since):
            break
    for client in (alice, *others):
        if not ticks_of(client) or typical is None:
            raise Waits("late", texts.wrong("late-ones-first"), texts.saw("silent"), who=client.who)
    assert typical is not None
    if typical < PERIOD / 2:
        alone = await _alone(stage)
        raise Failure(
            texts.wrong("too-fast") if alone else texts.wrong("task-per-connection"),
            texts.saw("fast"),
            typical=typical * 1000,
            period=_MS,
        )
    if typical > SLOW * PERIOD and typical > SLOW * await _own_period():
        raise _too_slow(typical)
    for client in (alice, *others):
        # Whether the number is another one in the next period is another check's business.
        if any(_at_once(earlier, later) for earlier, later in _pairs(client)):
            numbers = _shown(ticks_of(client))
            raise Failure(texts.wrong("hears-twice"), texts.saw("numbers"), who=client.who, numbers=numbers)
    ours = ticks_of(alice, mark)
    if _skips(ours):
        raise Failure(texts.wrong("counts-clients"), texts.saw("numbers"), who="A", numbers=_shown(ours))
    last = others[-1]
    theirs = [message for message in last.messages if is_tick(message)]
    if sum(not _same_time(message, alice) for message in theirs) > len(theirs) / 2:
        raise Failure(
            texts.wrong("clock-for-each"),
            texts.saw("own-count"),
            who=last.who,
            ours=_shown(ours),
            theirs=_shown(ticks_of(last)),
        )
    return filled(texts.saw("steady"), clients=CLIENTS, typical=typical * 1000, period=_MS)


def _pairs(client: Client, since: int = 0) -> Iterator[tuple[Message, Message]]:
    """Each two ticks in a row that came to a client."""
    return itertools.pairwise(filter(is_tick, client.messages[since:]))


def _at_once(earlier: Message, later: Message) -> bool:
    """Whether two ticks have the same number and came at the same time."""
    return earlier.text == later.text and later.at - earlier.at < PERIOD / 4


def _same_time(tick: Message, client: Client) -> bool:
    """Whether a client heard the same number when this tick came."""
    return any(one.text == tick.text and abs(one.at - tick.at) < PERIOD / 2 for one in client.messages)


def _skips(numbers: Sequence[int]) -> bool:
    """Whether nearly every number is more than one above the one before."""
    steps = [later - earlier for earlier, later in itertools.pairwise(numbers)]
    return bool(steps) and statistics.median(steps) > 1


async def _own_period() -> float:
    """How long a sleep of one period takes on this machine now, in seconds: the median, as of the ticks."""
    taken = []
    for _ in range(3):
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(PERIOD)
        taken.append(asyncio.get_running_loop().time() - begun)
    return statistics.median(taken)


async def _interval(stage: Stage, client: Client, within: float = COUNTED * PERIOD) -> float | None:
    """The median of the times between `COUNTED` ticks, in seconds; None where they do not come.

    The median, since one tick that is held up on the way says nothing about the others.
    """
    since = len(client.messages)

    def look() -> list[float] | None:
        return found if len(found := _times(client, since)) >= COUNTED else None

    found = await stage.until(look, within + _patient(stage))
    if found is None:
        return None
    return statistics.median(later - earlier for earlier, later in itertools.pairwise(found))


def _times(client: Client, since: int) -> list[float]:
    """When ticks came, in seconds since the check began; of two of the same number at once, the first time."""
    again = [later for earlier, later in _pairs(client, since) if _at_once(earlier, later)]
    ticks = filter(is_tick, client.messages[since:])
    return [tick.at for tick in ticks if not any(tick is later for later in again)]


async def _alone(stage: Stage) -> bool:
    """Whether the ticks are too fast also for the first client of a fresh app."""
    with stage.off_the_record():
        await _afresh(stage)
        typical = await _interval(stage, await stage.connect("A"))
    return typical is not None and typical < PERIOD / 2


# Who leaves


async def survive(stage: Stage) -> Text:
    """Clients leave in every way, and who stays hears every tick."""
    ways = {"B": Client.close, "C": Client.fin, "D": Client.reset, "E": Client.reset}
    alice, *others = await _with_ticks(stage, "ABCDEFGHI")
    first = ticks_of(alice)[0]
    guests, last = others[: len(ways)], others[-1]
    if await stage.until(lambda: ticks_of(last) or None, _patient(stage)) is None:
        raise Waits("late", texts.wrong("late-ones-first"), texts.saw("a-kept-silent"), who=last.who)
    for guest, leave in zip(guests, ways.values(), strict=True):
        await leave(guest)
    await _leave_during_a_tick(stage, alice, others[len(ways) :], gone=guests)
    for client in (alice, last):
        numbers = ticks_of(client)
        # Where the clients are counted, not the ticks, no two hear the same number, and each hears gaps.
        if _skips(numbers) and not set(numbers) & set(ticks_of(last if client is alice else alice)):
            raise Waits("one", texts.wrong("one-first"), texts.saw("numbers"), who=client.who, numbers=_shown(numbers))
        if numbers == sorted(set(numbers)) and set(range(numbers[0], numbers[-1])) - set(numbers):
            raise Failure(texts.wrong("misses-a-tick"), texts.saw("numbers"), who=client.who, numbers=_shown(numbers))
    return filled(texts.saw("survived"), first=first, last=ticks_of(alice)[-1])


async def _died(stage: Stage, alice: Client, *gone: Client) -> Failure:
    """What to raise where the ticks end after a client has left."""
    raised = [error for error in await stage.raised() if not error.warning]
    failure = await stage.silence(alice, texts.wrong("dies-with-a-client"))
    if failure.misconception is general.BLOCKS:
        return failure
    how = f": {raised[-1]}" if raised else ""
    return Failure(
        texts.wrong("dies-with-a-client"),
        texts.saw("died"),
        who=", ".join(client.who for client in gone),
        last=ticks_of(alice)[-1],
        how=how,
    )


async def _leave_during_a_tick(
    stage: Stage, alice: Client, clients: Sequence[Client], *, gone: Sequence[Client]
) -> None:
    """Have clients leave while the broadcaster is in the middle of a tick.

    The middle of a tick takes a millisecond. A client that asks for much and reads nothing makes it last: its buffers
    are full, and a broadcaster that sends to one after the other waits for it. One in front of it in the list leaves,
    and one behind it. Then it reads on, and the tick goes on to those behind.

    Args:
        stage: the stage.
        alice: the first in the list; she stays.
        clients: one that leaves, one that does not read, one that leaves, one that stays: as they stand in the list.
        gone: who has left before.

    Raises:
        Failure: that ended the ticks.
    """
    before, hung, behind, last = clients
    hung.pause_reading()
    asking = asyncio.create_task(hung.send(*[MUCH] * MANY))
    try:
        await _stuck(stage, (alice, before, last))
        await before.close()
        await behind.reset()
        await stage.pause()
        hung.resume_reading()
        on = await _go_on(stage, 2, alice, last)
    finally:
        asking.cancel()
        await asyncio.wait({asking})
    # What it read says nothing about the ticks, and would fill the record.
    stage.lines = [line for line in stage.lines if line.who != hung.who or line.arrow != "←"]
    if not on:
        raise await _died(stage, alice, *gone, before, behind)


def _newest(client: Client) -> int:
    return ticks_of(client)[-1] if ticks_of(client) else 0


async def _stuck(stage: Stage, clients: Sequence[Client]) -> None:
    """Wait until the broadcaster waits for a client that does not read. One that waits for nobody goes on."""
    for _ in range(FULL):
        newest = max(map(_newest, clients))

        def come(newest: int = newest) -> bool | None:
            return any(_newest(client) > newest for client in clients) or None

        if await stage.until(come, 2 * PERIOD) is None:
            return  # it waits before it comes to any of these
        await stage.pause()
        if len(set(map(_newest, clients))) > 1:
            return  # it has come to some of them


# The end


async def shutdown(stage: Stage) -> Text:
    """The app ends by itself when it is shut down, and starts again."""
    took = 0.0
    # A machine that stood still is slow once; an app that never ends is slow again. And the handler of a client that
    # left in an earlier check may be raised at the end of the first run, which says nothing about the app's own end.
    for _ in range(2):
        (alice,) = await _with_ticks(stage)
        before = set(stage.raised_so_far())
        begun = stage.clock()
        unfinished = await stage.stop_server()
        took = stage.clock() - begun
        errors = [one for one in await stage.raised(disconnects=True) if one not in before and _is_fault(one.name)]
        if took < SLOWEST_STOP and not any(map(causes.is_out_of_turn, errors)):
            break
        await stage.restart_server()
        if took > 2 * SLOWEST_STOP:
            break
    if thread := next((one for one in unfinished if one.state == "thread"), None):
        where = thread.place or "–"
        raise Failure(texts.wrong("thread-left-running"), texts.saw("thread"), name=thread.name, place=where)
    if took >= SLOWEST_STOP:
        raise Failure(texts.wrong("never-ends"), texts.saw("endless"), took=took)
    end = await alice.ended()
    heard = ticks_of(alice)[-1]
    again_since = stage.clock()
    await stage.restart_server()
    if errors:
        # The framework's own remark that the end failed comes behind what made it fail.
        error = next((one for one in errors if one.name.endswith("Error")), errors[-1])
        cancelled = any(one.name == "CancelledError" for one in errors)
        raise Failure(
            texts.wrong("ends-with-an-error") if cancelled else texts.wrong("end-raises"),
            texts.saw("raised-at-end"),
            error=str(error).rstrip("."),
        )
    if unfinished:
        left = unfinished[0]
        names = {"name": left.name, "place": left.place or "–"}
        if left.state == "timer":
            raise Failure(texts.wrong("timer-left"), texts.saw("timer"), **names)
        raise Failure(texts.wrong("left-running"), texts.saw("unfinished"), **names)
    bob = await stage.connect("B")
    there = stage.clock()
    if not await _hears(stage, bob, 1):
        failure = await stage.silence(bob, texts.wrong("no-second-start"))
        again = failure.misconception is texts.wrong("no-second-start")
        raise Failure(texts.wrong("no-second-start"), texts.saw("silent"), who="B") if again else failure
    number = ticks_of(bob)[0]
    # From 1 again, a period or so after the start.
    since = bob.messages[-1].at - again_since
    if number > since / PERIOD + 2 and number > since / await _own_pace(stage, bob) + 2:
        if number > heard:
            await _hold_ended(stage, bob)
        raise Failure(texts.wrong("starts-elsewhere"), texts.saw("numbers"), who="B", numbers=_shown([number]))
    await _hold_no_0(stage, bob, there - again_since)
    if foreign := causes.sent_from_elsewhere(stage.raised_so_far()):
        raise Failure(texts.wrong("another-thread"), texts.saw("from-elsewhere"), place=foreign.place or "–")
    return filled(texts.saw("ended"), code=end.code if end is not None else "–", took=took)


async def _hold_no_0(stage: Stage, bob: Client, after: float) -> None:
    """Make sure that the first tick after a start is none with the number 0.

    Who connects later than a period after the start may have missed that tick, and then the app is started once more.

    Args:
        stage: the stage.
        bob: who connected first after a start.
        after: seconds after it.

    Raises:
        Failure: it is.
    """
    for _ in range(STARTS):
        if 0 in ticks_of(bob):
            raise Failure(texts.wrong("starts-elsewhere"), texts.saw("numbers"), who="B", numbers=_shown(ticks_of(bob)))
        if after < PERIOD:
            return
        await stage.dismiss()
        await stage.stop_server()
        begun = stage.clock()
        await stage.restart_server()
        bob = await stage.connect("B")
        after = stage.clock() - begun
        await _hears(stage, bob, 1)


async def _own_pace(stage: Stage, client: Client) -> float:
    """Seconds between two ticks, at most the period: that they come too often is another check's business."""
    return min(PERIOD, await _interval(stage, client) or PERIOD)


async def _hold_ended(stage: Stage, bob: Client) -> None:
    """Make sure that nobody counts while no server runs.

    Raises:
        Failure: the task goes on without its server.
    """
    last, begun = ticks_of(bob)[-1], stage.clock()
    await stage.stop_server()
    stopped = stage.clock()
    await asyncio.sleep(DOWN * PERIOD)
    again = stage.clock()
    await stage.restart_server()
    carol = await stage.connect("C")
    if not await _hears(stage, carol, 1):
        raise await stage.silence(carol, texts.wrong("no-second-start"))
    number = ticks_of(carol)[0]
    served = (stopped - begun) + (carol.messages[-1].at - again)
    if number > last + served / PERIOD + DOWN / 2:
        raise Failure(texts.wrong("outlives-the-server"), texts.saw("counted-on"), last=last, first=number)


def _is_fault(name: str) -> bool:
    # A send to a client that leaves at that moment is nobody's fault.
    return name not in ("WebSocketDisconnect", "ClientDisconnected")


# The warm-up


async def warm_up(stage: Stage) -> Text:
    """The mended clock ticks."""
    client = await stage.connect("A")
    came = await client.next(is_by_server)
    if came is None:
        raise await stage.silence(client, texts.wrong("starts-at-the-end"))
    return filled(texts.saw("came"), came=came)


LAB = Lab.of(
    texts,
    "L5-broadcaster",
    Check.of(texts, "warmup", warm_up, points=0, app="clock"),
    Check.of(texts, "ticks", ticks, points=3, budget=20.0),
    Check.of(texts, "echo", echo, points=2, needs="ticks", budget=20.0),
    Check.of(texts, "late", late, points=2, needs="ticks", budget=20.0),
    Check.of(texts, "one", one, points=3, needs="late", budget=20.0),
    Check.of(texts, "survive", survive, points=3, needs="late", budget=25.0),
    Check.of(texts, "shutdown", shutdown, points=3, needs="ticks", budget=25.0),
)
