"""Unit 08: to everybody who is there, whoever comes, leaves or has died meanwhile."""

from __future__ import annotations

from typing import Any

from wslab.labs.calling import FunctionRaised, call, fault
from wslab.labs.document import SERVER
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage, quoted
from wslab.labs.turns.company import Guest
from wslab.language import Text, filled

texts = read_texts("08")

BELL = f"{SERVER}zil"


def _heard(*guests: Guest) -> Text:
    told = ", ".join(f"{guest.name}: {len(guest.heard)}" for guest in guests)
    return filled(texts.saw("heard"), told=told)


async def rounds(stage: Stage) -> Text:
    """Three messages, with a pause after each."""
    ada = Guest(stage, "Ada")
    await call(stage, ada)
    seen = _heard(ada)
    if not ada.heard:
        raise await fault(stage, texts.wrong("tells-nobody"), seen)
    if ada.heard != [f"{SERVER}{number}" for number in (1, 2, 3)]:
        raise await fault(stage, texts.wrong("other-rounds"), texts.saw("came"), came=ada.heard)
    if min(later - earlier for earlier, later in zip(ada.at, ada.at[1:], strict=False)) < 0.03:
        raise await fault(stage, texts.wrong("no-pause"), seen)
    return seen


async def copied(stage: Stage) -> Text:
    """Each client hears it once, though the list changes while it is being told."""
    clients: list[Any] = []
    guests = [Guest(stage, name) for name in ("Ada", "Bora", "Cem")]
    clients += guests
    guests[0].then = lambda: clients.remove(guests[0])  # Ada leaves while she is being told
    await call(stage, clients, BELL)
    seen = _heard(*guests)
    if not any(guest.heard for guest in guests):
        raise await fault(stage, texts.wrong("tells-nobody"), seen)
    if not all(guest.heard for guest in guests):
        raise await fault(stage, texts.wrong("skips-somebody"), seen)
    if any(guest.heard != [BELL] for guest in guests):
        raise await fault(stage, texts.wrong("not-once"), seen)
    return seen


async def living(stage: Stage) -> Text:
    """A dead client is taken off, and those behind it hear all the same."""
    ada, dead, cem = Guest(stage, "Ada"), Guest(stage, "Bora", dead=True), Guest(stage, "Cem")
    clients = [ada, dead, cem]
    try:
        await call(stage, clients, BELL)
    except Failure as failure:
        if isinstance(failure, FunctionRaised) and dead.refused:
            raise Failure(texts.wrong("dies-with-it"), failure.observed) from None
        raise
    seen = _heard(ada, dead, cem)
    if not ada.heard:
        raise await fault(stage, texts.wrong("tells-nobody"), seen)
    if not cem.heard:
        raise await fault(stage, texts.wrong("skips-somebody"), seen)
    if ada.heard != [BELL] or cem.heard != [BELL]:
        raise await fault(stage, texts.wrong("not-once"), seen)
    if dead in clients:
        raise await fault(stage, texts.wrong("keeps-the-dead"), seen)
    if clients != [ada, cem]:
        raise await fault(stage, texts.wrong("loses-the-living"), seen)
    return seen


async def on_request(stage: Stage) -> Text:
    """An HTTP request makes the server speak, and its answer says how many were told."""
    ada, bora = await stage.connect("Ada"), await stage.connect("Bora")
    reply = await stage.request("POST", "/ring")
    if reply is None:
        raise await stage.silence(None)
    if reply.status != 200:
        found = await stage.cause()
        if found is not None:
            raise Failure(found[0], texts.saw("answered"), error=found[1], status=reply.status, body=reply.text[:60])
    for client in (ada, bora):
        came = await client.next()
        if came is None:
            raise await stage.silence(client, texts.wrong("nobody-hears"))
        if came.data != BELL:
            raise Failure(texts.wrong("other-text"), expected=quoted(BELL), came=came)
    await stage.pause()
    if len(ada.messages) != 1 or len(bora.messages) != 1:
        raise Failure(texts.wrong("not-once"), texts.saw("both-heard"))
    if reply.json != {"reached": 2}:
        raise Failure(texts.wrong("other-answer"), texts.saw("answered"), status=reply.status, body=reply.text[:60])
    return texts.saw("both-heard")


TURNS = Lab.of(
    texts,
    "08-server-speaks",
    Check.of(texts, "turn-1", rounds, points=0, app="ring_three", calls=True),
    Check.of(texts, "turn-2", copied, points=0, app="tell_everybody", calls=True),
    Check.of(texts, "turn-3", living, points=0, app="tell_living", calls=True),
    Check.of(texts, "turn-4", on_request, points=0, app="bell"),
)
