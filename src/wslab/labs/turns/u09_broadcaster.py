"""Unit 09: a task that speaks of its own accord: its loop, its life, who is slow, and a queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from wslab.labs.calling import FunctionRaised, call, called, fault
from wslab.labs.document import SERVER
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage
from wslab.labs.turns.company import Acts, Guest
from wslab.language import Text, filled

texts = read_texts("09")

NEWS = f"{SERVER}merhaba"


async def broadcaster(stage: Stage) -> Text:
    """It goes on and on, and one dead client does not end it."""
    begun = stage.clock()
    ada = await stage.connect("Ada")
    if await ada.next() is None:
        raise await stage.silence(ada, texts.wrong("never-speaks"))
    if await ada.next() is None:
        raise await stage.silence(ada, texts.wrong("speaks-once"))
    bora = await stage.connect("Bora")
    if await bora.next() is None:
        raise await stage.silence(bora, texts.wrong("forgets-newcomers"))
    for client in (ada, bora):
        for message in client.messages:
            if message.data != NEWS:
                raise Failure(texts.wrong("other-news"), texts.saw("came"), who=client.who, came=message)
    # Not from one message to the next: what a busy machine holds up comes at once.
    if len(ada.messages) > 3 + (stage.clock() - begun) / 0.02:
        raise Failure(texts.wrong("no-pause"), texts.saw("spoke"))
    reply = await stage.request("POST", "/ghost")
    if reply is None:
        raise await stage.silence(None)
    # The first message from here on may have been sent before the ghost had its turn.
    moment = stage.clock()
    for _ in range(3):
        if await bora.next(lambda message: message.at > moment) is None:
            raise await stage.silence(bora, texts.wrong("ends-at-a-ghost"))
    return texts.saw("spoke")


def _living(stage: Stage, acts: Acts, seconds: float, error: Exception | None) -> Callable[[Any, Any], Any]:
    async def live(life: Any, shout: Any) -> None:
        async with life(shout):
            acts.noted.append("serving begins")
            await asyncio.sleep(seconds)
            acts.noted.append("serving ends")
            if error is not None:
                raise error

    return live


async def lifetime(stage: Stage) -> Text:
    """The task begins before the serving and has ended when the block is over, also after an exception."""
    for error in (None, LookupError("an exception in the block")):
        acts = Acts(stage)
        by_then: list[str] = []
        about = called(stage)
        about.at_return = lambda by_then=by_then, acts=acts: by_then.extend(acts.noted)
        about.through = _living(stage, acts, 0.05, error)
        try:
            await call(stage, acts.act("shout", seconds=5))
        except Failure as failure:
            if failure.misconception.id == "never-returns":
                raise Failure(texts.wrong("waits-for-the-task"), failure.observed) from None
            if not isinstance(failure, FunctionRaised):
                raise
            if "shout is cancelled" in acts.noted and error is None:
                raise Failure(texts.wrong("cancellation-escapes"), failure.observed) from None
            if error is None or "LookupError" not in failure.observed.into("en"):
                raise
        seen = filled(texts.saw("noted"), noted=", ".join(acts.noted) or "–")
        if "shout begins" not in acts.noted:
            raise await fault(stage, texts.wrong("never-begun"), seen)
        if "shout begins" not in acts.noted[: acts.noted.index("serving ends")]:
            raise await fault(stage, texts.wrong("never-begun"), seen)
        if acts.noted.count("shout is cancelled") < acts.noted.count("shout begins"):
            if error is not None:
                raise Failure(texts.wrong("no-finally"), seen)
            raise await fault(stage, texts.wrong("not-cancelled"), seen)
        if "shout is cancelled" not in by_then:
            raise Failure(texts.wrong("end-not-awaited"), seen)
    return seen


async def with_deadline(stage: Stage) -> Text:
    """Who does not take it in time is taken off, and the others do not wait for them."""
    ada, slow, cem = Guest(stage, "Ada"), Guest(stage, "Bora", slow=5), Guest(stage, "Cem")
    clients = [ada, slow, cem]
    try:
        await call(stage, clients, NEWS)
    except Failure as failure:
        if failure.misconception.id == "never-returns":
            raise Failure(texts.wrong("waits-for-the-slow"), failure.observed) from None
        raise
    told = ", ".join(f"{guest.name}: {len(guest.heard)}" for guest in (ada, slow, cem))
    seen = filled(texts.saw("heard"), told=told)
    if not ada.heard or not cem.heard:
        raise await fault(stage, texts.wrong("others-hear-nothing"), seen)
    if ada.heard != [NEWS] or cem.heard != [NEWS]:
        raise await fault(stage, texts.wrong("told-twice"), seen)
    if slow in clients:
        raise await fault(stage, texts.wrong("keeps-the-slow"), seen)
    if clients != [ada, cem]:
        raise await fault(stage, texts.wrong("loses-others"), seen)
    return seen


async def writer(stage: Stage) -> Text:
    """What is in the queue is sent in order, until `None` comes."""
    heard: list[str] = []

    async def send(text: str) -> None:
        await asyncio.sleep(0)
        heard.append(text)

    async def with_queue(write: Any, send: Any) -> Any:
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        for text in ("bir", "iki", "üç", None, "dört"):
            queue.put_nowait(text)
        return await write(queue, send)

    called(stage).through = with_queue
    try:
        await call(stage, send)
    except Failure as failure:
        if failure.misconception.id == "never-returns" and "bir" in heard:
            raise Failure(texts.wrong("does-not-end"), texts.saw("sent"), sent=heard) from None
        raise
    seen = filled(texts.saw("sent"), sent=heard)
    if not heard:
        raise await fault(stage, texts.wrong("sends-nothing"), seen)
    if heard[:3] != ["bir", "iki", "üç"]:
        raise await fault(stage, texts.wrong("not-all-sent"), seen)
    if len(heard) > 3:
        raise await fault(stage, texts.wrong("sends-too-much"), seen)
    return seen


TURNS = Lab.of(
    texts,
    "09-broadcaster",
    Check.of(texts, "turn-1", broadcaster, points=0, app="radio"),
    Check.of(texts, "turn-2", lifetime, points=0, app="shouting", calls=True),
    Check.of(texts, "turn-3", with_deadline, points=0, app="tell_in_time", calls=True),
    Check.of(texts, "turn-4", writer, points=0, app="write_out", calls=True),
)
