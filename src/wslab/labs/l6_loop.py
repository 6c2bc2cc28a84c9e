"""L6, keep the loop alive: heavy work and long answers beside clients who only want their echo."""

from __future__ import annotations

import asyncio
import itertools
import re
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wslab.labs import general
from wslab.labs.document import ECHO, SERVER, is_by_server, wrong_text
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, Message, Stage, quoted
from wslab.language import Text, filled

texts = read_texts("L6")

HEAVY = 60_000
"""How far a request goes that takes long on any machine: primes below this number, counted one by one."""

HEAVY_TOO = 45_000
LIGHT = 100
LINES = 400
"""How many lines a flood has; they take about as long as `HEAVY` to work out."""

SLOWEST_LINE = 1.5
"""Seconds to wait for one more line of a flood that has not come to its end."""

ENOUGH = 3
"""Echoes while somebody else is served. Where the loop is held there is one, the one that was on its way."""

LOOKS = 4
"""How often to look, at most. Where the loop is held, every look shows it; one look without is enough to pass.

As often two clients ask, until the second asks while the first one's work is under way."""

MOST = 0.75
"""The part of that time which one echo may take. Where the loop is held for the work alone, one takes nearly all."""

_RESULT = re.compile(r"(\d+) → (.+)")
_ARROW = re.compile(r"\s*(->|=>|=|:|→)\s*")
_NAMES_OF_RESULTS = re.compile(r"coroutine object|<Future|<Task")


def primes_below(limit: int) -> int:
    """How many primes there are below a number, by a sieve: what the given function finds the long way."""
    candidates = bytearray([1]) * max(limit, 2)
    candidates[:2] = b"\0\0"
    for number in range(2, int(limit**0.5) + 1):
        if candidates[number]:
            candidates[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return sum(candidates[:limit])


def result_of(limit: int) -> str:
    """The right answer to `work <limit>`."""
    return f"{limit} → {primes_below(limit)}"


def is_result(message: Message) -> bool:
    """Whether it looks like the answer to a `work`."""
    return _RESULT.fullmatch(message.text) is not None


def is_echo(message: Message) -> bool:
    """Whether it is the answer to a message that is no command."""
    return message.text.startswith(ECHO)


def _long(stage: Stage) -> float:
    # The work takes the same multiple of a trip on any machine, and more where the machine is busy.
    return min(8.0, 8 * stage.deadlines.step)


def _moment(stage: Stage) -> float:
    # What is worked out at once may still have to wait for a process that is just being started.
    return 2 * stage.deadlines.step


# The echoes of somebody else


@dataclass(frozen=True, slots=True)
class Beside:
    """What a bystander's echoes took while somebody else was served.

    Attributes:
        idle: the median before, in seconds.
        trips: those that came back meanwhile, in seconds.
        whole: how long the other one was served, in seconds.
    """

    idle: float
    trips: tuple[float, ...]
    whole: float

    @property
    def held_up(self) -> bool:
        """Whether the bystander had to wait until it was over."""
        return len(self.trips) < ENOUGH or max(self.trips) > MOST * self.whole

    @property
    def values(self) -> dict[str, object]:
        """What an observation says of it."""
        return {
            "count": len(self.trips),
            "idle": self.idle * 1000,
            "worst": max(self.trips, default=self.whole) * 1000,
            "whole": self.whole * 1000,
        }


async def _trip(stage: Stage, client: Client) -> float:
    """The seconds that one echo takes.

    Raises:
        Failure: it does not come.
    """
    text = stage.unique("Selam")
    begun = stage.clock()
    await client.send(text)
    came = await client.next(is_echo, within=_long(stage))
    if came is None:
        raise await stage.silence(client, texts.wrong("no-echo"))
    if came.text != ECHO + text:
        raise Failure(texts.wrong("no-echo"), expected=quoted(ECHO + text), came=came)
    return came.at - begun


async def _beside(stage: Stage, worker: Client, command: str, bystander: Client, finished: asyncio.Event) -> Beside:
    """Have one client ask for something long, and another one talk until it is done.

    Args:
        stage: the stage.
        worker: who asks.
        command: for what.
        bystander: who talks.
        finished: set by the caller once it was served, and never later.
    """
    idle = statistics.median([await _trip(stage, bystander) for _ in range(5)])
    begun = stage.clock()
    await worker.send(command)
    lines = len(stage.lines)
    trips: list[float] = []
    deadline = begun + _long(stage)
    while not finished.is_set() and worker.open and stage.clock() < deadline:
        took = await _trip(stage, bystander)
        if not finished.is_set():
            trips.append(took)
        # The first ones tell enough; the record is not to be filled by the rest.
        if len(trips) > ENOUGH:
            del stage.lines[lines:]
    return Beside(idle, tuple(trips), stage.clock() - begun)


async def _looked_at(
    look: Callable[[Stage, Client, Client], Awaitable[Beside]], stage: Stage, alice: Client, bob: Client
) -> Beside:
    """Look again where somebody was held up: the machine may have stood still just then, a busy one often."""
    for _ in range(LOOKS):
        seen = await look(stage, alice, bob)
        if not seen.held_up:
            break
    return seen


# The result


async def result(stage: Stage) -> Text:
    """`work 100` is answered with the number of primes below 100, and with nothing else."""
    alice = await stage.connect("A")
    await alice.send(f"work {LIGHT}")
    came = await alice.next(within=_moment(stage))
    if came is None:
        raise await stage.silence(alice, texts.wrong("work-unanswered"), ended=texts.wrong("work-unanswered"))
    if came.data != result_of(LIGHT):
        raise await _wrong_result(stage, alice, came)
    # One answer, and nothing else, beside an echo that has to come behind it; asked twice, since the first one may
    # have been remembered. A command counts only at the beginning of a message.
    text = stage.unique("Selam, work 5, flood 5")
    await alice.send(text, f"work {LIGHT + 1}")
    wanted = [ECHO + text, result_of(LIGHT + 1)]
    await stage.until(lambda: True if len(alice.messages) > len(wanted) or not alice.open else None, _long(stage))
    await stage.pause()
    got = alice.messages[1:]
    if result_of(LIGHT + 1) not in [one.text for one in got]:
        other = next(filter(is_result, got), None)
        if other is not None:
            raise Failure(texts.wrong("wrong-result"), expected=quoted(result_of(LIGHT + 1)), came=other)
        raise await stage.silence(alice, texts.wrong("answers-once"), ended=texts.wrong("answers-once"))
    for one in got:
        if one.text not in wanted or [other.text for other in got].count(one.text) > 1:
            raise Failure(texts.wrong("says-more"), expected=", ".join(map(quoted, wanted)), came=one)
    if ECHO + text not in [one.text for one in got]:
        raise Failure(texts.wrong("no-echo"), expected=quoted(ECHO + text), came=got[0])
    if not isinstance(next(one for one in got if one.text == ECHO + text).data, str):
        raise Failure(texts.wrong("no-echo"), expected=quoted(ECHO + text), came=got[0])
    for said in _NO_COMMANDS:
        await _hold_echoed(stage, alice, said)
    return filled(texts.saw("worked"), came=came)


_NO_COMMANDS = ("", " Selam ", "workers 5", "Flood 5")


async def _hold_echoed(stage: Stage, client: Client, said: str) -> None:
    """Make sure that a message which is no command is echoed as it came.

    Raises:
        Failure: it is not.
    """
    fault = texts.wrong("no-echo") if said else general.EMPTY_MESSAGE
    since = len(client.messages)
    await client.send(said)
    await stage.until(lambda: True if len(client.messages) > since or not client.open else None, _moment(stage))
    answer = next(iter(client.messages[since:]), None)
    if answer is None:
        raise await stage.silence(client, fault, ended=fault, closes=fault)
    if answer.data != ECHO + said:
        if is_result(answer) or is_by_server(answer):
            fault = texts.wrong("too-eager")
        raise Failure(fault, expected=quoted(ECHO + said), came=answer, said=quoted(said))


async def _wrong_result(stage: Stage, client: Client, came: Message) -> Failure:
    """What to raise where the first answer to `work` is another one."""
    right = result_of(LIGHT)
    # Each of these names what was never run more exactly than Python's own warning, so nothing outranks it.
    if "coroutine object" in came.text and "coroutine object to_thread" not in came.text:
        return Failure(texts.wrong("coroutine-for-result"), expected=quoted(right), came=came, error=came)
    if _NAMES_OF_RESULTS.search(came.text):
        return Failure(texts.wrong("to-thread-not-awaited"), expected=quoted(right), came=came, error=came)
    if came.text == ECHO + right:
        return Failure(texts.wrong("prefix-before-result"), expected=quoted(right), came=came)
    if is_echo(came):
        await stage.pause()
        more = any(one.text == right for one in client.messages)
        fault = texts.wrong("says-more") if more else texts.wrong("no-result")
        return Failure(fault, expected=quoted(right), came=came)
    if came.text != right and _ARROW.sub(" → ", came.text) == right:
        return Failure(texts.wrong("other-arrow"), expected=quoted(right), came=came)
    return wrong_text(came, "", right, texts.wrong("wrong-result"))


async def _needs_result(stage: Stage, client: Client) -> None:
    """Have `work` answered once, quickly.

    Raises:
        Waits: it is not answered rightly, which is another check's business.
    """
    lines = list(stage.lines)
    await client.send(f"work {LIGHT}")
    came = await client.next(within=_moment(stage))
    if came is None or came.text != result_of(LIGHT):
        raise Waits("result", texts.wrong("result-first"), expected=quoted(result_of(LIGHT)), came=came or "–")
    stage.lines = lines


async def _holds(stage: Stage, failure: Failure) -> Failure:
    """What to raise where somebody was held up: a sleep or a thread that was never awaited gave nobody a turn."""
    never = next((one for one in await stage.raised() if "was never awaited" in one.text), None)
    return failure if never is None else Failure(general.NOT_AWAITED, failure.observed, error=never)


# The work


async def work(stage: Stage) -> Text:
    """B's echoes go on while A's work is done."""
    alice, bob = [await stage.connect(who) for who in "AB"]
    await _needs_result(stage, alice)
    seen = await _looked_at(_beside_work, stage, alice, bob)
    if seen.held_up:
        raise await _holds(stage, Failure(texts.wrong("work-holds-the-loop"), texts.saw("held-up"), **seen.values))
    return filled(texts.saw("undisturbed"), **seen.values)


async def _beside_work(stage: Stage, alice: Client, bob: Client) -> Beside:
    finished = asyncio.Event()
    looked = asyncio.create_task(_wait_for_result(stage, alice, finished))
    try:
        seen = await _beside(stage, alice, f"work {HEAVY}", bob, finished)
        came = await looked
    finally:
        looked.cancel()
    if came is None:
        raise await stage.silence(alice)
    if came.text != result_of(HEAVY):
        raise Failure(texts.wrong("answers-differ"), expected=quoted(result_of(HEAVY)), came=came)
    return seen


async def _wait_for_result(stage: Stage, client: Client, finished: asyncio.Event) -> Message | None:
    came = await client.next(within=_long(stage))
    finished.set()
    return came


# The flood


async def flood(stage: Stage) -> Text:
    """B's echoes go on while A is sent hundreds of lines, and every line is right."""
    alice, bob = [await stage.connect(who) for who in "AB"]
    seen = await _looked_at(_beside_flood, stage, alice, bob)
    if seen.held_up:
        raise await _holds(stage, Failure(texts.wrong("flood-holds-the-loop"), texts.saw("held-up"), **seen.values))
    return filled(texts.saw("undisturbed"), **seen.values)


async def _beside_flood(stage: Stage, alice: Client, bob: Client) -> Beside:
    since = len(alice.messages)
    finished = asyncio.Event()
    looked = asyncio.create_task(_wait_for_lines(stage, alice, since, finished))
    try:
        seen = await _beside(stage, alice, f"flood {LINES}", bob, finished)
        await looked
    finally:
        looked.cancel()
    await stage.pause()
    lines = [message.text for message in alice.messages[since:] if is_by_server(message)]
    first = next(iter(alice.messages[since:]), None)
    if first is None:
        raise await stage.silence(alice, texts.wrong("no-flood"))
    if first.text.count(" → ") > 1:
        raise Failure(texts.wrong("flood-in-one-message"), expected=quoted(f"{SERVER}1 → 0"), came=first)
    if is_echo(first) and not lines:
        raise Failure(texts.wrong("no-flood"), expected=quoted(f"{SERVER}1 → 0"), came=first)
    if first.data != f"{SERVER}1 → 0":
        raise wrong_text(first, SERVER, "1 → 0", texts.wrong("flood-differs"), lines=LINES)
    wanted = [f"{SERVER}{number} → {primes_below(number)}" for number in range(1, LINES + 1)]
    if lines == wanted[: len(lines)] and len(lines) < LINES and alice.open:
        many = len(alice.messages)
        if await stage.until(lambda: True if len(alice.messages) > many else None, SLOWEST_LINE) is not None:
            raise Failure(texts.wrong("flood-too-slow"), texts.saw("lines-so-far"), count=len(lines), lines=LINES)
    if lines == wanted[: len(lines)] and len(lines) < LINES:
        seen_lines = filled(texts.saw("lines"), count=len(lines), lines=LINES, last=quoted(lines[-1]))
        if not alice.open:
            raise await stage.silence(alice, ended=texts.wrong("flood-incomplete"), lines=LINES)
        raise Failure(texts.wrong("flood-incomplete"), seen_lines, lines=LINES)
    if lines != wanted:
        pairs = itertools.zip_longest(wanted, lines, fillvalue="–")
        right, came = next((one, other) for one, other in pairs if one != other)
        raise Failure(texts.wrong("flood-differs"), expected=quoted(right), came=quoted(came), lines=LINES)
    return seen


async def _wait_for_lines(stage: Stage, client: Client, since: int, finished: asyncio.Event) -> None:
    def come(count: int) -> bool | None:
        messages = client.messages[since:]
        return True if len(messages) >= count or not client.open or any(map(is_echo, messages)) else None

    # A few lines may still be on their way to this end when the server has long gone on to the next client.
    await stage.until(lambda: come(LINES * 9 // 10), _long(stage))
    finished.set()
    await stage.until(lambda: come(LINES), _long(stage) / 4)


# Each to the one who asked


async def own(stage: Stage) -> Text:
    """Two clients work at the same time, and each gets its own answer."""
    alice, bob = [await stage.connect(who) for who in "AB"]
    await _needs_result(stage, alice)
    for more in range(LOOKS):  # other numbers each time: an app may keep its results
        if await _each_its_own(stage, {alice: HEAVY_TOO + more, bob: LIGHT + 1 + more}):
            break
    return texts.saw("each")


async def _each_its_own(stage: Stage, asked: dict[Client, int]) -> bool:
    """Whether the second client asked while the first one's work was under way.

    Args:
        stage: the stage.
        asked: how far the work of each of two clients goes, in the order in which they ask.

    Raises:
        Failure: one of them did not get its own answer.
    """
    first, second = asked
    since = {client: len(client.messages) for client in asked}
    await first.send(f"work {asked[first]}")
    await stage.turned()
    under_way = not any(map(is_result, first.messages[since[first] :]))
    await second.send(f"work {asked[second]}")

    def look() -> bool | None:
        return (
            True if sum(is_result(one) for client in asked for one in client.messages[since[client] :]) >= 2 else None
        )

    await stage.until(look, _long(stage))
    await stage.pause()
    got = {client: next(filter(is_result, client.messages[since[client] :]), None) for client in asked}
    for client, limit in asked.items():
        others = {result_of(other) for other in asked.values()} - {result_of(limit)}
        wrong = next((message for message in client.messages if message.text in others), None)
        if wrong is not None:
            raise Failure(
                texts.wrong("answers-the-wrong-client"),
                texts.saw("got"),
                who=client.who,
                asked=f"`work {limit}`",
                came=wrong,
            )
    for client, limit in asked.items():
        came = got[client]
        if came is None:
            failure = await stage.silence(client, texts.wrong("answers-the-wrong-client"), asked=f"`work {limit}`")
            missing = failure.misconception is texts.wrong("answers-the-wrong-client")
            raise (
                Failure(
                    texts.wrong("answers-the-wrong-client"),
                    texts.saw("never-came"),
                    who=client.who,
                    asked=f"`work {limit}`",
                )
                if missing
                else failure
            )
        if came.text != result_of(limit):
            raise Failure(texts.wrong("answers-differ"), expected=quoted(result_of(limit)), came=came)
        for extra in client.messages[since[client] :]:
            if extra is not came:
                raise Failure(texts.wrong("says-more"), expected=quoted(result_of(limit)), came=extra)
    return under_way


# The order


async def order(stage: Stage) -> Text:
    """What one client sends is answered in its order, heavy or not."""
    alice = await stage.connect("A")
    await _needs_result(stage, alice)
    since = len(alice.messages)
    text = stage.unique("Selam")
    wanted = [result_of(HEAVY_TOO), ECHO + text, result_of(LIGHT + 2), ECHO + text + "!"]
    await alice.send(f"work {HEAVY_TOO}")
    await alice.send(text, f"work {LIGHT + 2}", text + "!")

    def look() -> bool | None:
        return True if len(alice.messages) - since >= len(wanted) or not alice.open else None

    await stage.until(look, _long(stage))
    got = [message.text for message in alice.messages[since:]]
    if got == wanted:
        return filled(texts.saw("order"), came=", ".join(map(quoted, got)))
    extra = next((one for one in got if one not in wanted), None)
    if extra is None and sorted(set(got)) == sorted(wanted):
        raise Failure(texts.wrong("overtakes"), texts.saw("other-order"), came=", ".join(map(quoted, got)))
    if len(got) < len(wanted):
        raise await stage.silence(alice, texts.wrong("no-echo"))
    raise Failure(texts.wrong("answers-differ"), texts.saw("other-answers"), came=", ".join(map(quoted, got)))


# The warm-up


async def warm_up(stage: Stage) -> Text:
    """Who does not nap is answered first, though it asked second."""
    alice, bob = [await stage.connect(who) for who in "AB"]
    await alice.send("nap")
    await stage.pause()
    text = stage.unique("Selam")
    await bob.send(text)
    came = await bob.next(within=_long(stage))
    if came is None:
        raise await stage.silence(bob)
    woke = await alice.next(within=_long(stage))
    if woke is None or woke.text != "Günaydın":
        raise Failure(texts.wrong("no-nap"), expected=quoted("Günaydın"), came=woke or "–")
    if woke.at < came.at:
        raise Failure(texts.wrong("nap-holds-the-loop"), texts.saw("order-of-both"))
    return texts.saw("napped")


LAB = Lab.of(
    texts,
    "L6-loop",
    Check.of(texts, "warmup", warm_up, points=0, app="nap_room"),
    Check.of(texts, "result", result, points=2),
    Check.of(texts, "work", work, points=3, needs="result", budget=25.0),
    Check.of(texts, "flood", flood, points=3, needs="result", budget=25.0),
    Check.of(texts, "own", own, points=2, needs="result", budget=25.0),
    Check.of(texts, "order", order, points=2, needs="result", budget=25.0),
)
