"""Unit 10: nobody waits for a full queue, an eviction that ends, coming back, catching up, and a pong in time."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from wslab.labs.calling import call, fault
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage, quoted
from wslab.labs.turns.company import Acts, Guest, ends, host
from wslab.language import Text, filled

texts = read_texts("10")

NEWS = "haber"
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
        if not asked:
            raise await fault(stage, texts.wrong("never-thinks"), seen)
        if visit.heard != ["6 × 7 = 42"]:
            raise await fault(stage, texts.wrong("other-answer"), seen)
    return seen


TURNS = Lab.of(
    texts,
    "10-slow-clients",
    Check.of(texts, "turn-1", offered, points=0, app="offer", calls=True),
    Check.of(texts, "turn-2", evicted, points=0, app="evict", calls=True),
    Check.of(texts, "turn-3", returning, points=0, app="listen_on", calls=True),
    Check.of(texts, "turn-4", caught_up, points=0, app="catch_up", calls=True),
    Check.of(texts, "turn-5", thought, points=0, app="answer_question", calls=True),
)
