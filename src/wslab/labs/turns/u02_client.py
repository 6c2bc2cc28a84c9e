"""Unit 02: a client that asks, leaves with a code, does not wait for ever, and knows its own answers."""

from __future__ import annotations

from wslab.labs.calling import FunctionRaised, call, fault
from wslab.labs.document import ECHO, RELAY
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage
from wslab.labs.turns.company import Host, Visit, ends, host
from wslab.labs.verdict import Raised
from wslab.language import Text, filled

texts = read_texts("02")

CODE, REASON = 4001, "gidiyorum"
SILENCE = "sessizlik"
WORDS = ("bir", "iki", "üç")
PAUSE = 0.05


def _answers(visit: Visit, message: str | bytes) -> list[str]:
    return [f"{ECHO}{message if isinstance(message, str) else message.decode(errors='replace')}"]


def _nothing(visit: Visit, message: str | bytes) -> list[str]:
    return []


async def _only(stage: Stage, here: Host) -> Visit:
    if not here.visits:
        raise await fault(stage, texts.wrong("never-connects"), texts.saw("no-visit"))
    return here.visits[0]


async def question(stage: Stage) -> Text:
    """It says `Merhaba` and returns what came back."""
    async with host(stage, _answers, pause=PAUSE) as here:
        value = await call(stage, here.url)
        visit = await _only(stage, here)
        seen = filled(texts.saw("returned"), value=repr(value), heard=visit.heard)
        if not visit.heard:
            raise await fault(stage, texts.wrong("sends-nothing"), seen)
        if visit.heard != ["Merhaba"]:
            raise await fault(stage, texts.wrong("sends-another"), seen)
        if value != ECHO + "Merhaba":
            raise await fault(stage, texts.wrong("returns-another"), seen)
        if not await ends(stage, visit):
            raise await fault(stage, texts.wrong("stays-open"), seen)
    return seen


async def goodbye(stage: Stage) -> Text:
    """It leaves with a code and a reason of its own."""
    async with host(stage, _answers) as here:
        await call(stage, here.url)
        visit = await _only(stage, here)
        if not await ends(stage, visit):
            raise await fault(stage, texts.wrong("stays-open"), texts.saw("no-visit-ended"))
    seen = filled(texts.saw("left"), code=visit.code, reason=visit.reason)
    no_number = [one for one in await stage.raised() if one.name == "TypeError" and "'int' and 'str'" in one.text]
    if no_number:
        raise Failure(texts.wrong("code-is-no-number"), seen, error=no_number[0])
    if visit.code != CODE:
        raise await fault(stage, texts.wrong("another-code"), seen, code=visit.code)
    if visit.reason != REASON:
        raise await fault(stage, texts.wrong("another-reason"), seen)
    return seen


async def patience(stage: Stage) -> Text:
    """It returns the message where one comes, and says so where none comes."""
    async with host(stage, _nothing, greeting=["SUNUCU: çay hazır"]) as here:
        value = await call(stage, here.url)
        await _only(stage, here)
        if value != "SUNUCU: çay hazır":
            raise await fault(stage, texts.wrong("loses-the-message"), texts.saw("came-but"), value=repr(value))
    async with host(stage, _nothing) as here:
        try:
            value = await call(stage, here.url)
        except FunctionRaised as failure:
            if not isinstance(failure.error, Raised) or failure.error.name != "TimeoutError":
                raise
            raise Failure(texts.wrong("lets-it-out"), texts.saw("nothing-sent"), error=failure.error) from None
        except Failure as failure:
            if failure.misconception.id != "never-returns":
                raise
            raise Failure(texts.wrong("waits-for-ever"), texts.saw("nothing-sent")) from None
        if value != SILENCE:
            raise await fault(stage, texts.wrong("says-something-else"), texts.saw("silent-but"), value=repr(value))
        if not await ends(stage, here.visits[0]):
            raise await fault(stage, texts.wrong("stays-open"), texts.saw("no-visit-ended"))
    return texts.saw("both-ways")


async def three(stage: Stage) -> Text:
    """Three replies, though somebody else speaks in between."""

    def answers(visit: Visit, message: str | bytes) -> list[str]:
        relayed = f"{RELAY}{ECHO}araya giren"
        return [*[relayed] * len(visit.heard), *_answers(visit, message)]

    async with host(stage, answers) as here:
        try:
            value = await call(stage, here.url)
        except Failure as failure:
            answered = here.visits and len(here.visits[0].heard) == len(WORDS)
            if failure.misconception.id != "never-returns" or not answered:
                raise
            raise Failure(texts.wrong("reads-on"), failure.observed) from None
        await _only(stage, here)
    wanted = [ECHO + word for word in WORDS]
    seen = filled(texts.saw("replies"), value=repr(value))
    if not isinstance(value, list):
        raise await fault(stage, texts.wrong("no-list"), seen)
    if any(RELAY in str(one) for one in value):
        raise await fault(stage, texts.wrong("takes-another-message"), seen)
    if value != wanted:
        raise await fault(stage, texts.wrong("replies-missing"), seen)
    return seen


TURNS = Lab.of(
    texts,
    "02-client",
    Check.of(texts, "turn-1", question, points=0, app="say_hello", calls=True),
    Check.of(texts, "turn-2", goodbye, points=0, app="say_goodbye", calls=True),
    Check.of(texts, "turn-3", patience, points=0, app="listen", calls=True),
    Check.of(texts, "turn-4", three, points=0, app="three_replies", calls=True),
)
