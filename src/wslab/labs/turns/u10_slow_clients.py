"""Unit 10: full queues, an eviction, what to drop, coming back, catching up, a silent line, and a pong in time."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from wslab.labs.calling import call, fault
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage, quoted
from wslab.labs.turns.company import Acts, Guest, ends, falls_silent, host
from wslab.language import Text, filled

texts = read_texts("10")

NEWS = "haber"
ROOM = 3
"""Players of the game, and places in its queue."""
MOVES: tuple[tuple[list[tuple[str, int]], str, int], ...] = (
    ([], "Ada", 1),
    ([("Ada", 1)], "Bora", 1),
    ([("Ada", 1), ("Bora", 1), ("Cem", 1)], "Cem", 2),
    ([("Ada", 1), ("Bora", 1), ("Cem", 2)], "Ada", 2),
)
"""What the queue of the game holds, who moves, and where to."""
BEATS = 13
"""What is said on the line before it falls silent, each a tenth of the patience after the one before."""
LAST = "son"
GREETINGS = {1: ["bir", "iki"], 2: ["üç"], 3: [LAST]}
"""What the server says on each visit; it closes after that, with 1013 until it has said the last word."""
HISTORIES: tuple[tuple[range, int, list[object]], ...] = (
    (range(1, 6), 3, [4, 5]),
    (range(1, 6), 5, []),
    (range(1, 4), 0, [1, 2, 3]),
    (range(6, 11), 5, [6, 7, 8, 9, 10]),
    (range(6, 11), 4, [{"missed": 1}, 6, 7, 8, 9, 10]),
    (range(6, 11), 3, [{"missed": 2}, 6, 7, 8, 9, 10]),
    (range(0), 0, []),
)
"""What a buffer of five holds, the number that the client has, and what it is sent."""


def _in(queue: asyncio.Queue[str]) -> list[str]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def offered(stage: Stage) -> Text:
    """Each queue with room has the text once, the full one is named and left alone."""
    ada, bora, cem = (asyncio.Queue[str](maxsize=1) for _ in range(3))
    bora.put_nowait("önceki")
    try:
        came = await call(stage, [ada, bora, cem], NEWS, plain=True)
    except Failure as failure:
        if failure.misconception.id == "never-returns":
            raise Failure(texts.wrong("waits-for-the-full"), failure.observed) from None
        if "QueueFull" in failure.observed.into("en"):
            raise Failure(texts.wrong("stops-at-the-full"), failure.observed) from None
        raise
    held = {"Ada": _in(ada), "Bora": _in(bora), "Cem": _in(cem)}
    seen = filled(texts.saw("queues"), held=", ".join(f"{who}: {texts_}" for who, texts_ in held.items()))
    if held["Ada"] != [NEWS] or held["Cem"] != [NEWS]:
        raise await fault(stage, texts.wrong("others-miss-it"), seen)
    if held["Bora"] != ["önceki"]:
        raise await fault(stage, texts.wrong("changes-the-full"), seen)
    if not isinstance(came, list) or len(came) != 1 or came[0] is not bora:
        raise await fault(stage, texts.wrong("names-another"), seen)
    return seen


async def evicted(stage: Stage) -> Text:
    """A client that answers is closed; one that does not is aborted after the deadline."""
    ada, bora = Guest(stage, "Ada"), Guest(stage, "Bora", slow=5)
    aborted: list[Guest] = []
    for guest in (ada, bora):
        try:
            await call(stage, guest, aborted.append)
        except Failure as failure:
            if failure.misconception.id == "never-returns":
                raise Failure(texts.wrong("waits-for-the-deaf"), failure.observed) from None
            if "TimeoutError" in failure.observed.into("en"):
                raise Failure(texts.wrong("deadline-escapes"), failure.observed) from None
            raise
        if not guest.closes:
            raise await fault(stage, texts.wrong("no-goodbye"), texts.saw("aborted"), who=_names(aborted))
        if guest.closes != [1013]:
            raise await fault(stage, texts.wrong("other-goodbye"), texts.saw("closed"), who=guest, codes=guest.closes)
    if ada in aborted:
        raise Failure(texts.wrong("aborts-everybody"), texts.saw("aborted"), who=_names(aborted))
    if aborted != [bora]:
        raise Failure(texts.wrong("never-aborts"), texts.saw("aborted"), who=_names(aborted))
    return filled(texts.saw("aborted"), who=_names(aborted))


def _names(guests: list[Guest]) -> str:
    return ", ".join(guest.name for guest in guests) or "–"


async def moved(stage: Stage) -> Text:
    """The newest position of each player, and nobody else's is touched."""
    for held, player, position in MOVES:
        queue = asyncio.Queue[tuple[str, int]](maxsize=ROOM)
        for one in held:
            queue.put_nowait(one)
        await call(stage, queue, player, position, plain=True)
        came = [queue.get_nowait() for _ in range(queue.qsize())]
        others = [one for one in held if one[0] != player]
        seen = filled(texts.saw("moved"), held=held, player=player, position=position, came=came)
        own = [one for one in came if isinstance(one, tuple) and one[:1] == (player,)]
        if (player, position) not in own:
            raise await fault(stage, texts.wrong("newest-not-there"), seen)
        if len(own) > 1:
            raise await fault(stage, texts.wrong("keeps-the-old"), seen)
        left = [one for one in came if one not in own]
        if sorted(left) != sorted(others):
            raise await fault(stage, texts.wrong("touches-others"), seen)
        if left != others:
            raise await fault(stage, texts.wrong("other-order"), seen)
    return texts.saw("all-moved")


async def returning(stage: Stage) -> Text:
    """Three visits with a pause between them, until the last word has come."""
    acts = Acts(stage)

    def greeting(number: int) -> list[str]:
        return GREETINGS.get(number, [])

    def code(number: int) -> int:
        return 1000 if LAST in greeting(number) else 1013

    async with host(stage, lambda visit, message: (), greeting, closes=code) as here:
        try:
            came = await call(stage, here.url, acts.act("pause", seconds=0.01))
        except Failure as failure:
            if "ConnectionClosed" in failure.observed.into("en"):
                raise Failure(texts.wrong("end-escapes"), failure.observed) from None
            if failure.misconception.id == "never-returns" and len(here.visits) > len(GREETINGS):
                raise Failure(texts.wrong("does-not-stop"), failure.observed) from None
            raise
        visits, pauses = len(here.visits), acts.noted.count("pause begins")
    seen = filled(texts.saw("visits"), visits=visits, pauses=pauses, came=came)
    if not visits:
        raise await fault(stage, texts.wrong("never-connects"), seen)
    if visits < len(GREETINGS):
        raise await fault(stage, texts.wrong("does-not-return"), seen)
    if visits > len(GREETINGS):
        raise await fault(stage, texts.wrong("does-not-stop"), seen)
    if pauses not in (visits - 1, visits):
        raise await fault(stage, texts.wrong("no-pause"), seen)
    if came != [text for greeting in GREETINGS.values() for text in greeting]:
        raise await fault(stage, texts.wrong("other-messages"), seen)
    return seen


async def caught_up(stage: Stage) -> Text:
    """What is newer, and in front of it how many are lost."""
    for numbers, last, right in HISTORIES:
        came = await call(stage, deque(numbers, maxlen=5), last, plain=True)
        if came == right:
            continue
        seen = filled(texts.saw("caught-up"), history=list(numbers), last=last, came=came, right=right)
        if not isinstance(came, list):
            wrong = texts.wrong("no-list")
        elif [one for one in came if isinstance(one, int)] != [one for one in right if isinstance(one, int)]:
            wrong = texts.wrong("other-numbers")
        elif len(came) < len(right):
            wrong = texts.wrong("gap-not-told")
        elif len(came) > len(right):
            wrong = texts.wrong("no-gap-told")
        else:
            wrong = texts.wrong("other-gap")
        raise await fault(stage, wrong, seen)
    return texts.saw("all-caught-up")


async def silent(stage: Stage) -> Text:
    """Everything that was said has come, and the silence is noticed, after the patience and not before."""
    patience = 0.25 * stage.deadlines.stretch
    beats = [str(number) for number in range(1, BEATS + 1)]
    while True:
        async with falls_silent(stage, beats, patience / 10) as line:
            try:
                came = await call(stage, line.url, patience, within=5 * patience)
            except Failure as failure:
                if "TimeoutError" in failure.observed.into("en"):
                    raise Failure(texts.wrong("silence-escapes"), failure.observed) from None
                if failure.misconception.id != "never-returns":
                    raise
                said_goodbye = await line.end(stage) == 1000
                wrong = texts.wrong("waits-for-the-goodbye") if said_goodbye else texts.wrong("waits-for-ever")
                raise Failure(wrong, failure.observed) from None
            code = await line.end(stage)
        if line.longest_pause < patience / 2:  # else the machine stood still, and it was right to give up
            break
    seen = filled(texts.saw("line"), said=", ".join(beats), came=came)
    if isinstance(came, list) and came == beats[: len(came)] and len(came) < BEATS:
        raise await fault(stage, texts.wrong("gives-up-early"), seen)
    if came != beats:
        raise await fault(stage, texts.wrong("other-messages"), seen)
    if code is None:
        raise Failure(texts.wrong("stays-open"), texts.saw("open"), heard="–")
    return seen


async def thought(stage: Stage) -> Text:
    """The answer comes over the connection, whose pings had their pongs meanwhile."""
    asked: list[str] = []
    stretch = stage.deadlines.stretch

    def think(question: str) -> str:
        asked.append(question)
        time.sleep(0.4 * stretch)
        return f"{question} 42"

    pings = 0.05 * stretch, 0.2 * stretch
    async with host(stage, lambda visit, message: (), ["6 × 7 ="], pings=pings) as here:
        problem: Failure | None = None
        try:
            await call(stage, here.url, think)
        except Failure as failure:
            problem = failure
        if not here.visits:
            raise problem or await fault(stage, texts.wrong("never-connects"), texts.saw("nobody-came"))
        visit = here.visits[0]
        over = await ends(stage, visit)
        heard = ", ".join(map(quoted, visit.heard)) or "–"
        if not over:
            raise problem or Failure(texts.wrong("stays-open"), texts.saw("open"), heard=heard)
        seen = filled(texts.saw("ended"), code=visit.sent or visit.code, heard=heard)
        if visit.sent == 1011:
            raise Failure(texts.wrong("no-pong"), seen)
        if problem is not None:
            raise problem
        if len(asked) != 1:
            raise await fault(stage, texts.wrong("thinks-once"), seen, count=len(asked))
        if visit.heard != ["6 × 7 = 42"]:
            raise await fault(stage, texts.wrong("other-answer"), seen)
    return seen


TURNS = Lab.of(
    texts,
    "10-slow-clients",
    Check.of(texts, "turn-1", offered, points=0, app="offer", calls=True),
    Check.of(texts, "turn-2", evicted, points=0, app="evict", calls=True),
    Check.of(texts, "turn-3", moved, points=0, app="move", calls=True),
    Check.of(texts, "turn-4", returning, points=0, app="listen_on", calls=True),
    Check.of(texts, "turn-5", caught_up, points=0, app="catch_up", calls=True),
    Check.of(texts, "turn-6", silent, points=0, app="listen_until_silent", calls=True),
    Check.of(texts, "turn-7", thought, points=0, app="answer_question", calls=True),
)
