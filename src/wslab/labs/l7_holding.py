"""L7, a broadcast that holds: numbered messages to everybody, and a client that does not read holds up nobody."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from wslab.labs import document, general
from wslab.labs.document import settled_count
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import STOPS, Client, Message, Reply, Stage, quoted
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled
from wslab.serving.watching import TaskSeen

texts = read_texts("L7")

QUEUE, HISTORY, DEADLINE = 32, 100, 0.3
"""As the task has them: messages that may wait for a client, messages that are kept, seconds until nothing is left."""

ROOM = 4096
"""Bytes that the operating system is asked to keep for a client that does not read."""

LARGE = 64 << 10
"""Characters of a large message: as many as the write buffer's high-water mark, so that one send fills it."""

WINDOW = 8
"""Messages that are on their way at once: far fewer than a queue takes, whatever the machine is busy with."""

MOST = 20 << 20
"""Characters that are published for a client that does not read, before it counts as never let go."""

LATE = 0.4
"""Seconds: a window that takes longer, and ten times as long as without the deaf client, was held up."""

HERD = 40

FEW, MANY = 5, 60
"""Messages that are missed by who comes back: some, and more than a queue takes."""

GAP = 7
"""Messages that nobody can give any more."""

_NUMBERED = re.compile(r"(\d+) (.*)", re.DOTALL)
_NUMBER = re.compile(r"(\d+) ")
_MISSED = re.compile(r"missed\s+(\d+)")


def number_of(message: Message) -> int | None:
    """The number in front of a message; None where there is none."""
    found = _NUMBER.match(message.text[:24])
    return int(found[1]) if found else None


def missed_by(message: Message) -> int | None:
    """How many messages it says are gone; None where it says no such thing."""
    found = _MISSED.fullmatch(message.text)
    return int(found[1]) if found else None


def numbers_of(client: Client, since: int = 0) -> list[int]:
    """The numbers that came to a client, from its message number `since` on."""
    return [number for message in client.messages[since:] if (number := number_of(message)) is not None]


def _has(client: Client, newest: int) -> bool:
    """Whether the last message that came to a client is that number."""
    return bool(client.messages) and number_of(client.messages[-1]) == newest


def fault_in(numbers: Sequence[int]) -> str:
    """What is wrong with numbers that should each be one above the one before: `"double"`, `"order"` or `"gap"`."""
    if len(set(numbers)) < len(numbers):
        return "double"
    if any(later < earlier for earlier, later in itertools.pairwise(numbers)):
        return "order"
    return "gap" if numbers and numbers[-1] - numbers[0] >= len(numbers) else ""


def shown(numbers: Sequence[int]) -> str:
    """Numbers with neighbours drawn together: `3–7, 9`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    told = [str(first) if first == last else f"{first}–{last}" for first, last in runs]
    return ", ".join(told[:6]) + (" …" if len(told) > 6 else "") or "–"


def _faulty(client: Client, numbers: Sequence[int]) -> Failure | None:
    """What to raise where numbers are not each one above the one before."""
    names = {"double": texts.wrong("double"), "order": texts.wrong("out-of-order"), "gap": texts.wrong("gap")}
    fault = names.get(fault_in(numbers))
    return None if fault is None else Failure(fault, texts.saw("numbers"), who=client.who, numbers=shown(numbers))


# Publishing


@dataclass(frozen=True, slots=True)
class _Window:
    """What became of a few messages.

    Attributes:
        took: seconds until everybody had them.
        lacks: who did not get them all; None where everybody did.
    """

    took: float
    lacks: Client | None


async def _say(stage: Stage, speaker: Client, listeners: Sequence[Client], said: Sequence[str]) -> _Window:
    """Have somebody say something, and wait until it has come to each listener."""
    begun = stage.clock()
    wanted = {listener.who: len(listener.messages) + len(said) for listener in listeners}

    def behind() -> Client | None:
        return next((one for one in listeners if len(one.messages) < wanted[one.who]), None)

    def look() -> bool | None:
        return True if behind() is None or any(one.end is not None for one in listeners) else None

    if await speaker.send(*said):
        await stage.until(look)
    return _Window(stage.clock() - begun, behind())


async def _say_many(stage: Stage, speaker: Client, listeners: Sequence[Client], count: int, size: int = 0) -> None:
    """Have somebody say `count` things, a window at a time.

    Raises:
        Waits: they do not come to everybody.
    """
    left = count
    with stage.off_the_record():
        while left:
            said = _words(stage, min(left, WINDOW), size)
            window = await _say(stage, speaker, listeners, said)
            if window.lacks is not None:
                raise Waits("numbers", texts.wrong("no-numbers-yet"), texts.saw("lacks"), who=window.lacks.who)
            left -= len(said)
    stage.note(speaker.who, "→", filled(texts.saw("said-many"), count=count, size=max(1, size >> 10)))


def _words(stage: Stage, count: int, size: int = 0) -> list[str]:
    return [stage.unique("Haber").ljust(size, ".") for _ in range(count)]


@dataclass(frozen=True, slots=True)
class _Flood:
    """What became of many large messages, while somebody does not read.

    Attributes:
        said: how many there were.
        gone: whether the server counted one client fewer before they were over.
        windows: what became of them, a few at a time.
    """

    said: int
    gone: bool
    windows: list[_Window]

    @property
    def lacks(self) -> Client | None:
        """Who did not get a message; None where everybody got all of them."""
        return self.windows[-1].lacks if self.windows else None

    def late(self, idle: float) -> list[float]:
        """How long the windows took that were held up, in seconds.

        Args:
            idle: how long one takes where everybody reads.
        """
        return [one.took for one in self.windows if one.took > LATE and one.took > 10 * idle]


async def _flood(
    stage: Stage,
    speaker: Client,
    listeners: Sequence[Client],
    connected: int,
    *,
    slow: Client | None = None,
    idle: float | None = None,
) -> _Flood:
    """Publish large messages until a client is let go, or everybody has waited long enough for that.

    Args:
        stage: the stage.
        speaker: says them.
        listeners: read all of them; the next ones are said when they have these.
        connected: how many clients there are before.
        slow: pauses for a window and catches up in the next.
        idle: seconds that a window takes where everybody reads; where it is known, two that are late are enough.
    """
    windows: list[_Window] = []
    gone = False
    with stage.off_the_record():
        while not gone and len(windows) * WINDOW * LARGE < MOST:
            catches_up = slow is not None and len(windows) % 2
            if slow is not None:
                if catches_up:
                    slow.resume_reading()
                else:
                    slow.pause_reading()
            before = len(slow.messages) if slow is not None else 0
            windows.append(await _say(stage, speaker, listeners, _words(stage, WINDOW, LARGE)))
            if windows[-1].lacks is None and catches_up:
                assert slow is not None
                windows.append(await _caught_up(stage, slow, before + 2 * WINDOW, windows.pop().took))
            flood = _Flood(0, gone, windows)
            if flood.lacks is not None or (idle is not None and len(flood.late(idle)) > 1):
                break
            now = await _connected(stage)
            gone = now is not None and now < connected
    if slow is not None:
        slow.resume_reading()
    said = len(windows) * WINDOW
    stage.note(speaker.who, "→", filled(texts.saw("said-many"), count=said, size=LARGE >> 10))
    return _Flood(said, gone, windows)


async def _caught_up(stage: Stage, slow: Client, wanted: int, took: float) -> _Window:
    """Wait for a client that had paused."""
    await stage.until(lambda: len(slow.messages) >= wanted or slow.end is not None or None)
    return _Window(took, slow if len(slow.messages) < wanted else None)


def _number(reply: Reply | None, name: str) -> int | None:
    """A number that the server says about itself; None where it says none."""
    found = reply.json.get(name) if reply is not None and isinstance(reply.json, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


async def _connected(stage: Stage) -> int | None:
    return _number(await stage.get("/", quietly=True), "connected_clients")


async def _at_rest(stage: Stage) -> int:
    """How many are counted before the check's clients come; 0 where the server does not say.

    Raises:
        Waits: clients of before are still counted, so that the count does not tell who is let go.
    """
    try:
        base = await settled_count(stage)
    except Failure:
        return 0
    if base and stage.alone:
        raise Waits("gone", general.GHOSTS, texts.saw("counted-at-rest"), count=base)
    return base


async def _falls_to(stage: Stage, name: str, most: int, within: float) -> int:
    """What the server says of itself, once that is `most` or less or the time is over.

    Raises:
        Failure: it says no such thing.
    """
    begun, nap, unanswered = stage.clock(), 0.005, 0
    while True:
        reply = await stage.get("/", quietly=True)
        if reply is None:  # a machine that stands still is asked again
            unanswered += 1
            if unanswered == 3:
                raise await stage.silence(None)
            continue
        now = _number(reply, name)
        if now is None:
            raise Failure(texts.wrong("no-state"), texts.saw("state"), name=name)
        if now <= most or stage.clock() - begun > within:
            return now
        await asyncio.sleep(nap)
        nap = min(2 * nap, 0.05)


async def _deaf(stage: Stage, who: str = "D", path: str = "/ws") -> Client:
    """A client that is connected and reads nothing."""
    client = await stage.connect(who, path, room=ROOM)
    _goes_deaf(stage, client)
    return client


def _goes_deaf(stage: Stage, client: Client) -> None:
    client.pause_reading()
    stage.note(client.who, "", texts.saw("reads-nothing"))


def _waits_for_the_deaf(flood: _Flood) -> Waits:
    assert flood.lacks is not None
    return Waits("deaf", texts.wrong("deaf-first"), texts.saw("lacks"), who=flood.lacks.who)


# The numbers


async def numbers(stage: Stage) -> Text:
    """Everybody hears everything with its number, in one order."""
    try:
        seen = await _numbered(stage)
    except Failure as failure:
        found = failure
        if failure.misconception in (
            texts.wrong("nobody-hears"),
            texts.wrong("only-to-the-speaker"),
            texts.wrong("ends-at-once"),
            texts.wrong("evicts-readers"),
            texts.wrong("loses-some"),
        ):
            found = await stage.with_a_dead_task(failure, _numbered)
        raise found.stopping(texts.wrong("no-numbers-yet")) from None
    await _hold_as_said(stage)
    return seen


async def _hold_as_said(stage: Stage) -> None:
    """Make sure that an empty message is told as well, and spaces as they came.

    Raises:
        Failure: it is not.
    """
    speaker, listener = stage.clients[:2]
    word, empty = stage.unique("Haber"), general.EMPTY_MESSAGE
    await speaker.send("", f" {word} ")
    came = await listener.next(lambda message: word in message.text)
    if came is None:
        raise await stage.silence(speaker, empty, ended=empty, closes=empty)
    before = f"{_number_in(came, f' {word} ') - 1} "
    if not any(message.text == before for message in listener.messages):
        raise Failure(empty, texts.saw("lacks"), who=listener.who)


async def _numbered(stage: Stage) -> Text:
    alice, ben = await stage.connect("A"), await stage.connect("B")
    last: int | None = None
    for speaker in (alice, ben, alice):
        text = stage.unique("Haber")
        await speaker.send(text)
        found: list[int] = []
        for listener in (alice, ben):
            came = await listener.next()
            if came is None:
                raise await _unheard(stage, speaker, listener)
            found.append(_number_in(came, text))
        if found[0] < 1:
            raise Failure(texts.wrong("not-from-1"), texts.saw("numbers"), who="A", numbers=found[0])
        if found[0] != found[1]:
            seen = filled(texts.saw("two-numbers"), first=found[0], second=found[1])
            raise Failure(texts.wrong("number-for-each"), seen)
        if last is not None and found[0] != last + 1:
            heard = shown(numbers_of(alice))
            raise Failure(texts.wrong("not-counting"), texts.saw("numbers"), who="A", numbers=heard)
        last = found[0]
    since = len(alice.messages)
    said = {one.who: [stage.unique(one.who) for _ in range(WINDOW // 2)] for one in (alice, ben)}
    await asyncio.gather(alice.send(*said["A"]), ben.send(*said["B"]))

    def look() -> bool | None:
        return all(len(one.messages) >= since + WINDOW for one in (alice, ben)) or None

    await stage.until(look)
    for listener in (alice, ben):
        if len(listener.messages) < since + WINDOW:
            raise await stage.silence(listener, texts.wrong("loses-some"), ended=texts.wrong("evicts-readers"))
        if failure := _faulty(listener, numbers_of(listener)):
            raise failure
        heard_texts = [message.text.partition(" ")[2] for message in listener.messages[since:]]
        for who, words in said.items():
            if [text for text in heard_texts if text in words] != words:
                raise Failure(texts.wrong("speaker-out-of-order"), texts.saw("shuffled"), who=listener.who, speaker=who)
    if [one.data for one in alice.messages] != [one.data for one in ben.messages]:
        raise Failure(texts.wrong("number-for-each"), texts.saw("not-the-same"))
    carl = await stage.connect("C")
    if (await _say(stage, alice, (alice, carl), _words(stage, 1))).lacks is not None:
        raise await stage.silence(carl, texts.wrong("loses-some"), ended=texts.wrong("evicts-readers"))
    if old := [number for number in numbers_of(carl) if number <= numbers_of(ben)[0] + 2]:
        raise Failure(texts.wrong("replays-unasked"), texts.saw("numbers"), who="C", numbers=shown(old))
    return filled(texts.saw("numbered"), numbers=shown(numbers_of(alice)))


def _number_in(came: Message, said: str) -> int:
    """The number of a message that was said.

    Raises:
        Failure: it is not the number and what was said.
    """
    found = _NUMBERED.fullmatch(came.text)
    if found is None or found[2] != said or isinstance(came.data, bytes):
        prefix = f"{found[1]} " if found is not None else "1 "
        raise document.wrong_text(came, prefix, said, texts.wrong("other-message"))
    return int(found[1])


async def _unheard(stage: Stage, speaker: Client, listener: Client) -> Failure:
    """What to raise where somebody did not hear what was said."""
    if listener.end is None and any(one.messages for one in stage.clients):
        named = texts.wrong("not-to-the-speaker") if speaker is listener else texts.wrong("only-to-the-speaker")
    else:
        named = texts.wrong("nobody-hears")
    return await stage.silence(listener, named, ended=texts.wrong("ends-at-once"))


# Somebody is deaf


async def deaf(stage: Stage) -> Text:
    """Who reads is served as before, while one reads nothing and one pauses."""
    try:
        return await _beside_the_deaf(stage)
    except Failure as failure:
        if failure.misconception is not texts.wrong("evicts-readers"):
            raise
        found = await stage.with_a_dead_task(failure, _beside_the_deaf)
        raise found.stopping(texts.wrong("deaf-first")) from None


async def _beside_the_deaf(stage: Stage) -> Text:
    try:
        connected = await _at_rest(stage) + 4
    except Waits:
        connected = 0  # then nobody is seen to be let go, and all that there is to say is said
    alice = await stage.connect("A")
    with stage.off_the_record():
        idle = [await _say(stage, alice, (alice,), _words(stage, WINDOW, LARGE)) for _ in range(3)]
    if idle[-1].lacks is not None:
        raise await _unserved(stage, idle[-1].lacks, texts.wrong("loses-some"))
    await _deaf(stage)
    ben, sara = await stage.connect("B"), await stage.connect("S", room=ROOM)
    normal = max(one.took for one in idle)
    flood = await _flood(stage, alice, (alice, ben), connected, slow=sara, idle=normal)
    if len(late := flood.late(normal)) > 1:
        failure = Failure(
            texts.wrong("late-for-all"), texts.saw("late"), count=WINDOW, late=max(late), idle=normal * 1000
        )
        raise failure.stopping(texts.wrong("deaf-first"))
    if flood.lacks is not None:
        named = texts.wrong("slow-loses") if flood.lacks is sara else texts.wrong("waits-for-the-deaf")
        raise await _unserved(stage, flood.lacks, named)
    for reader in (alice, ben, sara):
        if (fault := _faulty(reader, numbers_of(reader))) is not None:
            raise fault
    worst = max(one.took for one in flood.windows)
    return filled(texts.saw("served"), count=flood.said, window=WINDOW, idle=normal * 1000, worst=worst * 1000)


async def _unserved(stage: Stage, reader: Client, named: Misconception) -> Failure:
    """What to raise where somebody who reads lacks a message."""
    failure = _faulty(reader, numbers_of(reader))
    if failure is None:
        ended = texts.wrong("evicts-the-slow") if reader.who == "S" else texts.wrong("evicts-readers")
        failure = await stage.silence(reader, named, ended=ended, closes=ended)
    return failure.stopping(texts.wrong("deaf-first"))


# The deaf one goes


async def gone(stage: Stage) -> Text:
    """Of a client that does not read nothing is left: no entry, no task, no byte."""
    base = await settled_count(stage)
    if base and stage.alone:
        raise Failure(texts.wrong("left-counted"), texts.saw("counted-at-rest"), count=base)
    alice = await stage.connect("A")
    tasks = await _settled_tasks(stage)
    dora = await stage.connect("D", room=ROOM)
    # Once it has heard something, the server has begun to send to it: what is said from now on gets into its buffer.
    await _say(stage, alice, (alice, dora), _words(stage, 1))
    _goes_deaf(stage, dora)
    flood = await _flood(stage, alice, (alice,), base + 2)
    if flood.lacks is not None:
        raise _waits_for_the_deaf(flood)
    patience = DEADLINE + stage.deadlines.step
    counted = 0 if flood.gone else await _falls_to(stage, "connected_clients", base + 1, patience)
    fell = stage.clock()
    if counted > base + 1:
        seen = filled(texts.saw("still-counted"), count=counted, said=flood.said, size=LARGE >> 10)
        raise Failure(texts.wrong("never-evicted"), seen)
    left = await _falls_to(stage, "tasks", tasks, patience)
    if left > tasks:
        raise Failure(texts.wrong("task-left"), texts.saw("tasks"), before=tasks, now=left)
    await asyncio.sleep(max(0.0, DEADLINE - (stage.clock() - fell)) + stage.deadlines.settle_time)
    await _wakes(stage, dora)
    if dora.end is None:
        raise Failure(texts.wrong("connection-kept"), texts.saw("still-open"), got=len(dora.messages))
    if not dora.cut_off:
        raise Failure(texts.wrong("buffer-kept"), texts.saw("whole"), got=len(dora.messages), code=dora.end)
    return filled(texts.saw("gone"), said=flood.said, got=len(dora.messages), tasks=left)


async def _settled_tasks(stage: Stage) -> int:
    """How many tasks there are, once that has stopped changing.

    Raises:
        Failure: the server does not say so.
    """
    last = await _falls_to(stage, "tasks", 0, 0)
    for _ in range(5):
        await stage.pause()
        now = await _falls_to(stage, "tasks", 0, 0)
        if now == last:
            break
        last = now
    return last


async def _wakes(stage: Stage, client: Client, newest: int | None = None) -> None:
    """Have a client read again, until its connection ends, the newest message is there, or nothing more comes."""
    with stage.off_the_record():
        client.resume_reading()

        def look() -> bool | None:
            return client.end is not None or (newest is not None and _has(client, newest)) or None

        await stage.until(look)
    stage.note(client.who, "", filled(texts.saw("woke"), got=len(client.messages)))


# Who falls behind


async def behind(stage: Stage) -> Text:
    """What waits for a client is bounded, and nothing of it is dropped in the middle."""
    base = await _at_rest(stage)
    alice = await stage.connect("A")
    readers = (alice,)
    dora = await _deaf(stage)
    flood = await _flood(stage, alice, readers, base + 2)
    if flood.lacks is not None:
        raise _waits_for_the_deaf(flood)
    await _hold_whole(stage, alice, readers, dora, flood.said)
    if not flood.gone:
        # It was not let go, and has all the same no more than it could have: it was on its way out.
        await dora.reset()
    # What the way to a client takes, is known now. The next one gets as much and a queue more, at once.
    room = len(dora.messages)
    erik = await _deaf(stage, "E")
    said = room + QUEUE + 3 * WINDOW
    await _say_many(stage, alice, readers, said, LARGE)
    await _hold_whole(stage, alice, readers, erik, said)
    return filled(texts.saw("bounded"), said=said, got=len(erik.messages))


async def _hold_whole(stage: Stage, speaker: Client, readers: Sequence[Client], sleeper: Client, said: int) -> None:
    """Make sure that a client that wakes up has a part of what was said, and that part without a gap.

    Raises:
        Failure: it has everything, or a gap.
    """
    newest = numbers_of(speaker)[-1]
    await _wakes(stage, sleeper, newest)
    if sleeper.end is None and numbers_of(sleeper)[-1:] != [newest]:
        # Nothing more comes, and it is still connected: what is said now shows whether something is left out.
        await _say_many(stage, speaker, readers, 1)
        await _wakes(stage, sleeper, numbers_of(speaker)[-1])
    heard = numbers_of(sleeper)
    if failure := _faulty(sleeper, heard):
        if failure.misconception is texts.wrong("gap"):
            raise Failure(texts.wrong("drops"), texts.saw("numbers"), who=sleeper.who, numbers=shown(heard))
        raise failure
    if heard[-1:] == [newest]:
        raise Failure(texts.wrong("unbounded"), texts.saw("has-all"), said=said, size=LARGE >> 10)


# Who comes back


async def resume(stage: Stage) -> Text:
    """Who says the last number that it saw gets all that came since, once and in order, while others speak."""
    alice = await stage.connect("A")
    await _say_many(stage, alice, (alice,), MANY + FEW)
    newest = numbers_of(alice)[-1]
    back, found = [], []
    for who, missed in (("B", FEW), ("C", MANY)):
        last = newest - missed
        async with _talking(stage, alice, 2 * WINDOW):
            client = await stage.connect(who, f"/ws?last={last}")
        newest = numbers_of(alice)[-1]
        try:
            await _hold_resumed(stage, client, last, newest)
            _hold_the_same(client, alice)
        except Failure as failure:
            raise failure.stopping(texts.wrong("resume-first")) from None
        back.append(client)
        found.append(shown(numbers_of(client)))
    dora = await stage.connect("D", "/ws?last=0")
    with stage.off_the_record():
        await stage.until(lambda: _has(dora, newest) or dora.end is not None or None)
    if not dora.messages and dora.end is None:  # what it gets, where it gets something, is another check's business
        seen = filled(texts.saw("came-back"), who="D", last=0, newest=newest, numbers="–")
        raise Failure(texts.wrong("zero-for-none"), seen, who="D")
    await _hold_kept(stage, (alice, *back, dora), newest)
    return filled(texts.saw("resumed"), first=found[0], second=found[1])


async def _hold_kept(stage: Stage, everybody: Sequence[Client], newest: int) -> None:
    """Make sure that history and numbers go on when the last client has left.

    Raises:
        Failure: they do not.
    """
    for client in everybody:
        await client.close()
    with contextlib.suppress(Failure):  # the count is another check's business
        await settled_count(stage)
    last = newest - FEW
    emre = await stage.connect("E", f"/ws?last={last}")
    with stage.off_the_record():
        await stage.until(lambda: _has(emre, newest) or emre.end is not None or None)
        await _say(stage, emre, (emre,), _words(stage, 1))
    if (heard := numbers_of(emre)) != list(range(last + 1, newest + 2)):
        seen = filled(texts.saw("alone"), newest=newest, last=last, numbers=shown(heard))
        raise Failure(texts.wrong("empty-room"), seen)


@contextlib.asynccontextmanager
async def _talking(stage: Stage, speaker: Client, most: int) -> AsyncIterator[None]:
    """Somebody sends one message after the other while the block opens connections, and `WINDOW` more afterwards.

    On a busy machine opening takes long: without those that follow, all messages might have been sent before the
    server looks at what the new client has missed.

    Args:
        stage: the stage.
        speaker: who speaks.
        most: how many messages while the block runs.
    """
    opened = asyncio.Event()

    async def talk() -> None:
        with stage.off_the_record():
            for number in range(most + WINDOW):
                if number == most:
                    await opened.wait()
                await _say(stage, speaker, (speaker,), _words(stage, 1))
                if not opened.is_set():
                    await asyncio.sleep(0.002)

    talking = asyncio.create_task(talk())
    try:
        yield
    finally:
        opened.set()
        await talking


async def _hold_resumed(stage: Stage, client: Client, last: int, newest: int) -> None:
    """Make sure that a client has every number above its last one, once and in order.

    Raises:
        Failure: it has not, and what is wrong.
    """
    with stage.off_the_record():
        await stage.until(lambda: _has(client, newest) or client.end is not None or None)
    heard = numbers_of(client)
    if not heard or (client.end is not None and newest not in heard):
        raise await stage.silence(client, texts.wrong("resume-silent"), ended=texts.wrong("resume-ends"))
    seen = filled(texts.saw("came-back"), who=client.who, last=last, newest=newest, numbers=shown(heard))
    if any(map(missed_by, client.messages)):
        raise Failure(texts.wrong("missed-without-a-gap"), seen)
    if heard[0] < last:
        raise Failure(texts.wrong("ignores-last"), seen)
    if last in heard:
        raise Failure(texts.wrong("repeats-the-last"), seen)
    fault = fault_in([last, *heard])
    if fault == "double":
        raise Failure(texts.wrong("resume-doubles"), seen)
    if fault == "order":
        raise Failure(texts.wrong("live-before-missed"), seen)
    if heard[0] > last + 1 and not fault_in(heard):
        raise Failure(texts.wrong("no-replay") if heard[0] > newest - 3 * WINDOW else texts.wrong("resume-gap"), seen)
    if fault == "gap" or newest not in heard:
        raise Failure(texts.wrong("resume-gap"), seen)


def _hold_the_same(client: Client, other: Client) -> None:
    """Make sure that a message is the same, whether it came at once or later.

    Raises:
        Failure: it is not.
    """
    told = {number_of(message): message.text for message in other.messages}
    for message in client.messages:
        text = told[number_of(message)]
        if message.data != text:
            number, _, said = text.partition(" ")
            raise document.wrong_text(message, f"{number} ", said, texts.wrong("other-message"))


# A gap that cannot be filled


async def missed(stage: Stage) -> Text:
    """Who was away for too long is told how much is gone."""
    alice = await stage.connect("A")
    await _say_many(stage, alice, (alice,), HISTORY + 2 * GAP)
    newest = numbers_of(alice)[-1]
    heard = await _told_of(stage, "B", newest, GAP)
    await _told_of(stage, "D", newest, 1)
    carl = await stage.connect("C", f"/ws?last={newest - HISTORY}")
    await _to_the_newest(stage, carl, newest)
    if missed_by(carl.messages[0]) is not None:
        got = shown(numbers_of(carl))
        seen = filled(texts.saw("came-back"), who="C", last=newest - HISTORY, newest=newest, numbers=got)
        raise Failure(texts.wrong("missed-without-a-gap"), seen)
    return filled(texts.saw("told"), last=newest - HISTORY - GAP, missed=GAP, numbers=shown(heard))


async def _told_of(stage: Stage, who: str, newest: int, gap: int) -> list[int]:
    """The numbers that came to a client that had been away for too long, once it was told so.

    Args:
        stage: the stage.
        who: the client.
        newest: the newest number.
        gap: how many messages are gone that it asks for.

    Raises:
        Failure: it was not told first, or not right.
    """
    last = newest - HISTORY - gap
    client = await stage.connect(who, f"/ws?last={last}")
    await _to_the_newest(stage, client, newest)
    heard, first = numbers_of(client), client.messages[0]
    seen = filled(texts.saw("came-back"), who=who, last=last, newest=newest, numbers=shown(heard))
    if heard[:1] == [last + 1]:
        raise Failure(texts.wrong("keeps-everything"), seen, history=HISTORY)
    told = missed_by(first)
    if told is None:
        late = any(map(missed_by, client.messages))
        if not late and missed_by_other(first):
            raise Failure(texts.wrong("missed-differs"), expected=quoted(f"missed {gap}"), came=first)
        raise Failure(texts.wrong("missed-too-late") if late else texts.wrong("gap-untold"), seen)
    if failure := _faulty(client, heard):
        raise failure
    if not heard or told != heard[0] - last - 1:
        raise Failure(texts.wrong("missed-differs"), expected=quoted(f"missed {gap}"), came=first)
    if told != gap:
        raise Failure(texts.wrong("keeps-fewer"), seen)
    return heard


def missed_by_other(message: Message) -> bool:
    """Whether a message without a number has one somewhere: it may mean to say how many are gone."""
    return number_of(message) is None and any(letter.isdigit() for letter in message.text)


async def _to_the_newest(stage: Stage, client: Client, newest: int) -> None:
    with stage.off_the_record():
        await stage.until(lambda: _has(client, newest) or client.end is not None or None)
    if not client.messages:
        named = Waits("resume", texts.wrong("resume-first"), texts.saw("lacks"), who=client.who)
        raise named if client.end is None else await stage.silence(client, texts.wrong("resume-silent"))


# All at once


async def herd(stage: Stage) -> Text:
    """Many come back at the same moment, one of them deaf, and each gets what it missed."""
    alice = await stage.connect("A")
    await _say_many(stage, alice, (alice,), HISTORY, LARGE)
    newest = numbers_of(alice)[-1]
    await _deaf(stage, path=f"/ws?last={newest - HISTORY}")
    await _say_many(stage, alice, (alice,), WINDOW)
    begun = stage.clock()
    with stage.off_the_record():
        async with _talking(stage, alice, WINDOW):
            paths = [f"/ws?last={newest + number % WINDOW}" for number in range(HERD)]
            crowd = await asyncio.gather(*(stage.connect(f"H{number}", path) for number, path in enumerate(paths, 1)))
        last = numbers_of(alice)[-1]

        def look() -> bool | None:
            return all(one.end is not None or _has(one, last) for one in crowd) or None

        await stage.until(look)
    took = stage.clock() - begun
    stage.note("H", "", filled(texts.saw("herd"), count=HERD))
    for number, client in enumerate(crowd):
        heard = numbers_of(client)
        if heard != list(range(newest + number % WINDOW + 1, last + 1)):
            if not heard and client.end is None:
                raise await stage.silence(client, texts.wrong("herd-waits"), count=HERD)
            seen = filled(texts.saw("numbers"), who=client.who, numbers=shown(heard))
            raise Failure(texts.wrong("herd-differs"), seen, newest=last)
    return filled(texts.saw("all-back"), count=HERD, took=took)


# The end


async def shutdown(stage: Stage) -> Text:
    """The app ends in time, although somebody does not read."""
    took = 0.0
    unfinished: tuple[TaskSeen, ...] = ()
    # A machine that stood still is broken off once; a server that waits for a client, each time.
    for attempt in range(STOPS):
        # A handler that was broken off may have left its entry behind.
        base = await _at_rest(stage) if not attempt else await _connected(stage) or 0
        alice = await stage.connect("A")
        dora = await _deaf(stage)
        flood = await _flood(stage, alice, (alice,), base + 2)
        if flood.lacks is not None:
            raise _waits_for_the_deaf(flood)
        if flood.gone:  # what the way to her takes is known now; the next one stays below a full queue
            await _wakes(stage, dora)
            await _deaf(stage, "E")
            await _say_many(stage, alice, (alice,), len(dora.messages) + QUEUE // 2, LARGE)
        before, begun = len(stage.raised_so_far()), stage.clock()
        unfinished = tuple(one for one in await stage.stop_server() if one.state == "waits")
        took = stage.clock() - begun
        stage.note("", "", filled(texts.saw("stopped"), took=took))
        broken_off = stage.shutdown_broken_off(before)
        await stage.restart_server()
        if not broken_off:
            break
    else:
        raise Failure(texts.wrong("shutdown-waits"), texts.saw("broken-off"), took=took)
    if unfinished:
        left = unfinished[0]
        raise Failure(texts.wrong("left-running"), texts.saw("unfinished"), name=left.name, place=left.place or "–")
    ben = await stage.connect("B")
    if (await _say(stage, ben, (ben,), _words(stage, 1))).lacks is not None:
        raise await stage.silence(ben, texts.wrong("no-second-start"))
    return filled(texts.saw("ended"), took=took)


# The warm-up


async def warm_up(stage: Stage) -> Text:
    """Who comes back to the mended app gets all numbers."""
    first = await _published(stage)
    await _published(stage)
    ben = await stage.connect("B", f"/ws?last={first}")
    newest = await _published(stage)
    await stage.until(lambda: any(message.text == str(newest) for message in ben.messages) or None)
    heard = [message.text for message in ben.messages]
    if not heard:
        raise await stage.silence(ben, texts.wrong("gap-between"))
    seen = filled(texts.saw("came-back"), who="B", last=first, newest=newest, numbers=", ".join(heard))
    if heard != [str(number) for number in range(first + 1, newest + 1)]:
        raise Failure(texts.wrong("gap-between"), seen)
    return seen


async def _published(stage: Stage) -> int:
    """The number of what was published by an HTTP request.

    Raises:
        Failure: there is none.
    """
    reply = await stage.request("POST", "/news")
    if reply is None or not isinstance(reply.json, int):
        raise await stage.silence(None)
    return int(reply.json)


LAB = Lab.of(
    texts,
    "L7-holding",
    Check.of(texts, "warmup", warm_up, points=0, app="desk"),
    Check.of(texts, "numbers", numbers, points=2),
    Check.of(texts, "deaf", deaf, points=3, needs="numbers", budget=20.0),
    Check.of(texts, "gone", gone, points=3, needs="deaf", budget=20.0),
    Check.of(texts, "behind", behind, points=2, needs="deaf", budget=20.0),
    Check.of(texts, "resume", resume, points=2, needs="numbers", budget=15.0),
    Check.of(texts, "missed", missed, points=1, needs="resume", budget=15.0),
    Check.of(texts, "herd", herd, points=1, needs="resume", budget=20.0),
    Check.of(texts, "shutdown", shutdown, points=2, needs="deaf", budget=20.0),
)
