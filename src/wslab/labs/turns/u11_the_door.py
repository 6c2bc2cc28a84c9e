"""Unit 11: an origin, a first word, one dependency for two routes, mistakes, a bound on the rate, a thread, a test."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from wslab.labs.calling import FunctionRaised, call, called, fault
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Refusal, Stage, quoted
from wslab.labs.turns.company import Guest, Visit, host
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled

texts = read_texts("11")

WELCOME = "Hoş geldiniz"
FRIENDS = ("https://sohbet.example", "http://localhost:8888")
STRANGERS = ("https://kotu.example", "https://sohbet.example.kotu.example", "http://sohbet.example")
CODE = 3000
INVITED = {"lale": "Ada", "karanfil": "Bora"}
UNINVITED = ("", "?invitation=papatya")
RIGHT = {'{"type": "order", "what": "çay"}': "order", '{"type": "bill", "table": 4}': "bill"}
WRONG = ('{"type": "order", "wh', '{"type": "dance"}', '{"type": "bill", "table": "dört"}', "[1, 2]")
MOMENTS = (
    *((moment / 10, True) for moment in range(5)),
    (0.5, False),
    (0.9, False),
    (1.05, True),
    (1.06, False),
    (1.15, True),
    (4.0, True),
    (4.1, True),
)
"""Seconds, and whether a message may come then: at most five within a second."""

ANSWERS = {"right": "Mesajınız: ", "silent": "", "wrong": "Mesajiniz: "}
"""What three servers put in front of a message; the second one does not answer."""


async def origins(stage: Stage) -> Text:
    """Two origins come in, programs as well, and no page of another origin."""
    for origin in FRIENDS:
        found = await stage.try_connect("Ada", origin=origin)
        if isinstance(found, Refusal):
            broken = found.status is None or found.status >= 500
            raise await stage.no_connection(found, None if broken else texts.wrong("shut-to-friends"))
        if await found.next() is None:
            wrong = texts.wrong("no-welcome")
            raise await stage.silence(found, wrong, ended=wrong, closes=wrong)
    for origin in STRANGERS:
        found = await stage.try_connect("Bora", origin=origin)
        seen = filled(texts.saw("from"), origin=origin)
        if isinstance(found, Refusal):
            if found.status is None or found.status >= 500:
                raise await stage.no_connection(found, texts.wrong("no-refusal"))
            continue
        if await found.next() is None:
            raise Failure(texts.wrong("opens-first"), seen)
        similar = origin.startswith(FRIENDS[0]) or origin.partition(":")[2] == FRIENDS[0].partition(":")[2]
        raise Failure(texts.wrong("compares-a-part") if similar else texts.wrong("lets-everybody-in"), seen)
    found = await stage.try_connect("Cem")
    if isinstance(found, Refusal):
        raise await stage.no_connection(found, texts.wrong("shut-to-programs"))
    return texts.saw("sorted")


async def first_word(stage: Stage) -> Text:
    """The right word opens, a wrong one ends with 3000, and so does silence, after a while."""
    ada = await stage.connect("Ada")
    await ada.send("gizli")
    if await ada.next() is None:
        wrong = texts.wrong("turns-ada-away")
        raise await stage.silence(ada, wrong, ended=wrong, closes=wrong)
    bora = await stage.connect("Bora")
    await bora.send("tahmin")
    end = await bora.ended()
    if end is None or end.code != CODE:
        wrong = texts.wrong("lets-guesses-in")
        raise await stage.silence(bora, wrong, ended=wrong, closes=wrong)
    # Cem connects last: an exception at his deadline would be taken for the cause of the others' failures.
    silent = await stage.connect("Cem")
    end = await silent.ended()
    if end is None:
        raise await stage.silence(silent, texts.wrong("waits-for-ever"))
    if end.code == 1006:
        found = await stage.cause()
        if found is not None and "TimeoutError" in found[1].text:
            raise Failure(texts.wrong("deadline-escapes"), texts.saw("ended"), end=end, error=found[1])
        raise await stage.silence(silent)
    return filled(texts.saw("asked"), end=end)


async def invited(stage: Stage) -> Text:
    """One dependency gives the name of a guest over HTTP and over a WebSocket, and refuses the others with 401."""
    for invitation, name in INVITED.items():
        query = f"?invitation={invitation}"
        reply = await stage.get(f"/name{query}")
        seen = filled(texts.saw("over-http"), query=query, status="–" if reply is None else reply.status)
        if reply is None or reply.status != 200:
            raise await _refused_wrongly(stage, texts.wrong("websocket-only"), seen)
        if reply.json != name:
            raise Failure(texts.wrong("other-name"), texts.saw("named"), query=query, came=reply.text)
        found = await stage.try_connect(name, f"/ws{query}")
        if isinstance(found, Refusal):
            seen = filled(texts.saw("over-websocket"), query=query, status=found.status or "–")
            raise await _refused_wrongly(stage, texts.wrong("http-only"), seen)
        came = await found.next()
        if came is None or came.data != f"Merhaba {name}":
            raise Failure(texts.wrong("other-name"), texts.saw("named"), query=query, came=came or "–")
    for query in UNINVITED:
        reply = await stage.get(f"/name{query}")
        seen = filled(texts.saw("over-http"), query=query or "–", status="–" if reply is None else reply.status)
        if reply is None or reply.status != 401:
            raise await _let_in_or_lost(stage, reply is not None and reply.ok, seen)
        found = await stage.try_connect("Cem", f"/ws{query}")
        status = found.status if isinstance(found, Refusal) else 101
        if status != 401:
            seen = filled(texts.saw("over-websocket"), query=query or "–", status=status or "–")
            raise await _let_in_or_lost(stage, status == 101, seen)
    return texts.saw("both-ways")


async def _refused_wrongly(stage: Stage, one_way: Misconception, seen: Text) -> Failure:
    """A guest was refused: because the dependency asks for what this kind of route does not have, or by its lines."""
    cause = await stage.cause()
    if cause is None:
        return Failure(texts.wrong("turns-guests-away"), seen)
    kind, error = cause
    if "missing 1 required positional argument" in error.text:
        return Failure(one_way, seen, error=error)
    return Failure(kind, seen, error=error)


async def _let_in_or_lost(stage: Stage, let_in: bool, seen: Text) -> Failure:
    if let_in:
        return Failure(texts.wrong("lets-strangers-in"), seen)
    cause = await stage.cause()
    if cause is not None:
        return Failure(cause[0], seen, error=cause[1])
    return Failure(texts.wrong("other-refusal"), seen)


async def typed(stage: Stage) -> Text:
    """What is right is accepted by its type, what is wrong is answered, over the same connection."""
    ada = await stage.connect("Ada")
    for text in (*RIGHT, *WRONG, *RIGHT):
        right = {"type": "accepted", "message": RIGHT[text]} if text in RIGHT else {"type": "error"}
        await ada.send(text)
        came = await ada.next()
        if came is None:
            if text in RIGHT:
                raise await stage.silence(ada, texts.wrong("right-unanswered"), ended=texts.wrong("right-unanswered"))
            if ada.end is not None:
                raise Failure(texts.wrong("ends-at-a-mistake"), texts.saw("last"), sent=quoted(text), came=ada.end)
            raise await stage.silence(ada, texts.wrong("mistake-unanswered"))
        answer = _json(came.text)
        if answer == right:
            continue
        seen = filled(texts.saw("last"), sent=quoted(text), came=came)
        if text in RIGHT:
            raise Failure(texts.wrong("other-answer"), seen)
        if isinstance(answer, dict) and answer.get("type") == "error":
            raise Failure(texts.wrong("says-more"), seen)
        raise Failure(texts.wrong("mistake-accepted"), seen)
    return texts.saw("all-answered")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


async def at_most_five(stage: Stage) -> Text:
    """Five messages within a second, and each one that is let through makes room after a second."""
    moments: deque[float] = deque()
    for number, (now, right) in enumerate(MOMENTS):
        came = await call(stage, moments, now, plain=True)
        if came is right:
            continue
        seen = filled(texts.saw("at"), now=now, came=came, right=right, number=number + 1)
        if came is not True and came is not False:
            wrong = texts.wrong("no-truth")
        elif came:
            wrong = texts.wrong("too-many")
        elif number < 5:
            wrong = texts.wrong("too-few")
        else:
            wrong = texts.wrong("counts-the-refused") if len(moments) > 5 else texts.wrong("forgets-nothing")
        raise await fault(stage, wrong, seen)
    return texts.saw("counted")


async def from_a_thread(stage: Stage) -> Text:
    """A thread has the server's loop send, and waits until it is done."""
    ada = Guest(stage, "Ada", slow=0.05)
    server: list[asyncio.AbstractEventLoop] = []
    by_then: list[str] = []

    async def in_a_thread(tell: Any, client: Guest, text: str) -> Any:
        loop = asyncio.get_running_loop()
        server.append(loop)
        return await asyncio.to_thread(tell, loop, client, text)

    about = called(stage)
    about.through, about.at_return = in_a_thread, lambda: by_then.extend(ada.heard)
    await call(stage, ada, "haber")
    await stage.until(lambda: ada.heard or None, stage.deadlines.settle_time)
    seen = filled(texts.saw("heard"), heard=ada.heard)
    if not ada.heard and by_then == []:
        raise await fault(stage, texts.wrong("sends-nothing"), seen)
    if ada.loops != server * len(ada.loops):
        raise await fault(stage, texts.wrong("loop-of-its-own"), seen)
    if ada.heard != ["haber"]:
        raise await fault(stage, texts.wrong("other-text"), seen)
    if by_then != ["haber"]:
        raise await fault(stage, texts.wrong("does-not-wait"), seen)
    return seen


async def worth(stage: Stage) -> Text:
    """The test passes for the right server, and fails for one that answers wrongly and for one that is silent."""
    passed: dict[str, bool] = {}
    for name in ANSWERS:
        async with host(stage, _answering(ANSWERS[name])) as here:
            try:
                await call(stage, here.url)
                passed[name] = True
            except Failure as failure:
                if failure.misconception.id == "never-returns" and name == "silent":
                    raise Failure(texts.wrong("test-hangs"), failure.observed) from None
                if not isinstance(failure, FunctionRaised):
                    raise
                if name == "right" and "AssertionError" in failure.observed.into("en"):
                    raise Failure(texts.wrong("fails-the-right"), failure.observed) from None
                if name == "right":
                    raise await fault(stage, failure.misconception, failure.observed) from None
                passed[name] = False
            said = [one for visit in here.visits for one in visit.heard]
        if not said:
            raise Failure(texts.wrong("says-nothing"), texts.saw("tested"))
    if passed["wrong"]:
        raise Failure(texts.wrong("passes-the-wrong"), texts.saw("tested"))
    if passed["silent"]:
        raise Failure(texts.wrong("passes-the-silent"), texts.saw("tested"))
    return texts.saw("found")


def _answering(prefix: str) -> Callable[[Visit, str | bytes], list[str]]:
    return lambda visit, message: [f"{prefix}{message!s}"] if prefix else []


TURNS = Lab.of(
    texts,
    "11-the-door",
    Check.of(texts, "turn-1", origins, points=0, app="gatehouse"),
    Check.of(texts, "turn-2", first_word, points=0, app="anteroom"),
    Check.of(texts, "turn-3", invited, points=0, app="cloakroom"),
    Check.of(texts, "turn-4", typed, points=0, app="tearoom"),
    Check.of(texts, "turn-5", at_most_five, points=0, app="may_speak", calls=True),
    Check.of(texts, "turn-6", from_a_thread, points=0, app="tell_from_thread", calls=True),
    Check.of(texts, "turn-7", worth, points=0, app="test_reply", calls=True),
)
