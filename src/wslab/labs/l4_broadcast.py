"""L4, the server speaks: one HTTP request, one message for everybody who is there, and an honest count."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence

from wslab.labs import causes, general
from wslab.labs.document import ECHO, SERVER, is_by_server, wrong_text
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, Message, Reply, Stage, quoted
from wslab.language import Text, filled

texts = read_texts("L4")

PATH = "/broadcast"
REPORT = "/rapor"
"""A message over which the given `reply_to()` takes so long that its handler does not notice its client leaving."""

_NOT_FOUND = {"detail": "Not Found"}
"""FastAPI's own 404; another one is the app's."""


def _door() -> str:
    return f"/ws?name=konuk-{secrets.token_hex(4)}"


async def _guests(stage: Stage, names: str) -> list[Client]:
    return [await stage.connect(who, _door()) for who in names]


async def _post(stage: Stage, text: str, pause: float = 0.0) -> Reply | None:
    params = {"message": text} | ({"pause": f"{pause:.3f}"} if pause else {})
    # With a pause it takes as long as there are clients, those included whom the server should have forgotten.
    return await stage.request("POST", PATH, params=params, within=_LONGEST * pause if pause else None)


async def _announce(stage: Stage, text: str, *, pause: float = 0.0) -> Reply:
    """Have the server send `text` to everybody.

    Raises:
        Failure: the request was not accepted.
    """
    return await _accepted(stage, await _post(stage, text, pause))


async def _accepted(stage: Stage, reply: Reply | None) -> Reply:
    if reply is None:
        raise await stage.silence(None)
    if _no_route(reply):
        raise Failure(texts.wrong("no-route"), texts.saw("replied"), status=reply.status, body=reply.text[:80])
    if not reply.ok:
        seen = filled(texts.saw("replied"), status=reply.status, body=reply.text[:80])
        raised = await stage.raised()
        told = causes.cause(raised)
        if told is not None and told[0] is not general.HANDLER_RAISED:
            raise Failure(told[0], seen, error=told[1])
        errors = causes.exceptions(raised)
        raise Failure(texts.wrong("raises"), seen, error=errors[-1] if errors else reply.status)
    return reply


def _sent(reply: Reply) -> int:
    """The number in a reply.

    Raises:
        Failure: there is none.
    """
    found = reply.json.get("sent") if isinstance(reply.json, dict) else None
    if isinstance(found, bool) or not isinstance(found, int):
        blank = reply.body == b"null"
        raise Failure(
            texts.wrong("nothing-yet") if blank else texts.wrong("no-number"),
            texts.saw("replied"),
            status=reply.status,
            body=reply.text[:80] or "–",
        )
    return found


async def _hear(stage: Stage, clients: Sequence[Client], text: str, *, twice: bool = False) -> dict[str, list[Message]]:
    """What each client heard of `text`, once all have heard it or the deadline has passed.

    Args:
        stage: the stage.
        clients: who is to hear it.
        text: what.
        twice: whether it matters that somebody hears it more than once, which takes a moment longer.
    """

    def look() -> bool | None:
        return all(any(text in one.text for one in client.messages) for client in clients) or None

    await stage.until(look)
    if twice:
        await stage.pause()
    return {client.who: [one for one in client.messages if text in one.text] for client in clients}


def _who_heard(text: str, got: dict[str, list[Message]]) -> Text:
    return filled(
        texts.saw("who-heard"),
        message=quoted(text),
        heard=_times(got),
    )


# Each once


async def each(stage: Stage) -> Text:
    """Everybody who is connected gets the message behind `SUNUCU: `, once, and is answered as before."""
    clients = await _guests(stage, "ABC")
    text = stage.unique("Çay hazır")
    reply = await _announce(stage, text)
    got = await _hear(stage, clients, text, twice=True)
    if not all(got.values()):
        failure = await _unheard(stage, clients, text, reply, got)
        raise failure if any(got.values()) else failure.stopping(texts.wrong("each-first"))
    if any(len(all_) > 1 for all_ in got.values()):
        raise Failure(texts.wrong("hears-twice"), _who_heard(text, got))
    for (message,) in got.values():
        if message.data != SERVER + text:
            raise wrong_text(message, SERVER, text, texts.wrong("wrong-text"))
    for word in ("Bir çay daha", "Bir de su"):
        await _answered_alone(stage, clients, stage.unique(word))
    return filled(texts.saw("heard-all"), message=quoted(SERVER + text), names=", ".join(got))


async def _answered_alone(stage: Stage, clients: Sequence[Client], said: str) -> None:
    """Make sure that the first client is answered as the given handler does it, and nobody else.

    Raises:
        Failure: it is not.
    """
    await clients[0].send(said)
    if await clients[0].next(lambda message: said in message.text) is None:
        raise await stage.silence(clients[0])
    await stage.pause()
    answers = [one for client in clients for one in client.messages if said in one.text]
    if len(answers) > 1 or any(message.data != ECHO + said for message in answers):
        raise Failure(texts.wrong("given-changed"), expected=quoted(ECHO + said), came=", ".join(map(str, answers)))


async def _unheard(
    stage: Stage, clients: Sequence[Client], text: str, reply: Reply, got: Mapping[str, Sequence[Message]]
) -> Failure:
    """What to raise where somebody who is connected did not hear, the nearest cause first."""
    seen = filled(texts.saw("heard"), heard=_times(got), status=reply.status, body=reply.text[:80])
    if cause := await stage.cause():
        return Failure(cause[0], seen, error=cause[1])
    if gone := next((client for client in clients if client.end is not None), None):
        return Failure(general.ENDED, seen, who=gone.who)
    said = [message for client in clients for message in client.messages]
    if not any(got.values()) and said:
        # Something was sent to everybody, without the message in it.
        return wrong_text(said[0], SERVER, text, texts.wrong("other-message"))
    first, *others, last = got.values()
    if any(got.values()):
        if first and not last and not any(others):
            return Failure(texts.wrong("only-the-first"), seen)
        if last and not first and not any(others):
            return Failure(texts.wrong("only-the-last"), seen)
        return Failure(texts.wrong("not-heard"), seen)
    if reply.body == b"null":
        return Failure(texts.wrong("nothing-yet"), seen)
    # Once more, and looked at from within.
    stage.watch()
    await _post(stage, stage.unique("Duyan var mı?"))
    if caught := (await stage.watched()).caught:
        return Failure(general.HIDDEN, seen, error=caught[0])
    sent = reply.json.get("sent") if isinstance(reply.json, dict) else None
    return Failure(texts.wrong("sent-to-nobody") if sent == 0 else texts.wrong("not-sent"), seen)


def _times(got: Mapping[str, Sequence[Message]]) -> str:
    return ", ".join(f"{who} {len(all_)}×" for who, all_ in got.items())


def _first_each(text: str, got: dict[str, list[Message]]) -> Waits:
    """What to raise where not even those who stay hear a message."""
    return Waits("each", texts.wrong("each-first"), _who_heard(text, got))


# The warm-up


async def warm_up(stage: Stage) -> Text:
    """Everybody hears the mended server."""
    clients = await _guests(stage, "ABC")
    text = stage.unique("Çay hazır")
    await _announce(stage, text)
    got = await _hear(stage, clients, text)
    if not all(got.values()):
        raise Failure(
            texts.wrong("only-the-first") if any(got.values()) else texts.wrong("not-heard"), _who_heard(text, got)
        )
    return filled(texts.saw("heard-all"), message=quoted(text), names=", ".join(got))


# Nobody there


def _no_route(reply: Reply) -> bool:
    """Whether nothing takes the request there: a redirect (`/broadcast/`) leads elsewhere, and is not followed."""
    return reply.status in (404, 405, 422) or 300 <= reply.status < 400


async def none(stage: Stage) -> Text:
    """With nobody there the answer is accepted, and 0."""
    text = stage.unique("Kimse var mı?")
    tries = 10  # clients of an earlier check may still be on their way out
    while True:
        reply = await _post(stage, text)
        missing = reply is not None and _no_route(reply) and (reply.status != 404 or reply.json == _NOT_FOUND)
        if reply is not None and not reply.ok and not missing:
            errors = [one for one in await stage.raised() if not one.warning]
            raise Failure(
                texts.wrong("nobody-raises") if errors else texts.wrong("nobody-is-an-error"),
                texts.saw("replied"),
                status=reply.status,
                body=reply.text[:80],
                error=errors[-1] if errors else "",
            )
        reply = await _accepted(stage, reply)
        if reply.body == b"null":
            raise await _returned_nothing(stage, reply)
        sent = _sent(reply)
        if sent < 0:
            raise Failure(general.UNFORESEEN, texts.saw("replied"), status=reply.status, body=reply.text)
        if sent == 0:
            return filled(texts.saw("nobody"), status=reply.status, body=reply.text)
        tries -= 1
        if not tries:
            fault = texts.wrong("count-goes-on") if await _goes_on(stage) else texts.wrong("ghosts-counted")
            raise Failure(fault, texts.saw("replied"), status=reply.status, body=reply.text, sent=sent)
        await stage.pause()


async def _returned_nothing(stage: Stage, reply: Reply) -> Failure:
    """What to raise where nobody is there and the function returned nothing: with a guest, does it do more?"""
    with stage.off_the_record():
        guest = await stage.connect("A", _door())
        text = stage.unique("Biri geldi")
        again = await _post(stage, text)
        heard = (await _hear(stage, [guest], text))["A"]
    fault = texts.wrong("nothing-yet")
    if heard:
        fault = (
            texts.wrong("no-number") if again is None or again.body == b"null" else texts.wrong("return-in-the-loop")
        )
    return Failure(fault, texts.saw("replied"), status=reply.status, body=reply.text)


async def _goes_on(stage: Stage) -> bool:
    """Whether the number grows with each message."""
    with stage.off_the_record():
        await stage.connect("A", _door())
        replies = [await _post(stage, stage.unique("Sayalım")) for _ in range(2)]
    first, second = (_sent(reply) if reply is not None and reply.ok else 0 for reply in replies)
    return second > first


# Coming back


async def reconnect(stage: Stage) -> Text:
    """A guest that comes back under its name hears each message once, on the new connection."""
    door = _door()
    old = await stage.connect("A", door)
    new = await stage.connect("A′", door)
    other = await stage.connect("B", _door())
    text = stage.unique("Yine mi geldiniz?")
    await _announce(stage, text)
    got = await _hear(stage, (new,), text, twice=True) | {"A": [one for one in old.messages if text in one.text]}
    if got["A"] and got["A′"]:
        raise Failure(texts.wrong("duplicates-after-reconnect"), _who_heard(text, got))
    if len(got["A′"]) > 1:
        raise Failure(texts.wrong("duplicates-after-reconnect"), _who_heard(text, got))
    if not got["A′"]:
        if not got["A"]:
            raise _first_each(text, got)
        raise Failure(texts.wrong("talks-to-the-old-one"), _who_heard(text, got))
    reached = any(text in message.text for message in other.messages)  # where not, another check says so
    if old.open:
        await old.close()
    # The goodbye is answered by the protocol, before the handler has tidied up; an echo behind it comes after that.
    await stage.pause()
    await _echo(stage, new)
    text = stage.unique("Hâlâ burada mısınız?")
    await _announce(stage, text)
    got = await _hear(stage, (new, other), text)
    if not got["A′"] and new.end is not None:
        raise await stage.silence(new)
    if not got["B"] and reached:
        raise Failure(texts.wrong("removes-others"), _who_heard(text, got))
    if not got["A′"]:
        raise Failure(texts.wrong("forgotten-after-reconnect"), _who_heard(text, got))
    await new.close()
    if errors := [one for one in await stage.raised() if not one.warning]:
        raise Failure(texts.wrong("leaving-raises"), texts.saw("raised"), error=errors[0])
    return texts.saw("came-back")


# Meanwhile

TURNS = 0.005
"""Seconds after each guest, where two broadcasts take turns."""

_ATTEMPTS = 3
_LONGEST = 25  # pauses
_REPORT_TAKES = 5.0  # seconds


def _shown(duration: float) -> Text:
    return filled(texts.saw("milliseconds"), ms=1000 * duration)


async def meanwhile(stage: Stage) -> Text:
    """A broadcast that takes its time holds up nobody, and who leaves during it costs nobody the message."""
    await _come_and_go(stage)
    guests = await _guests(stage, "ABC")
    pause = max(0.2, 2 * stage.deadlines.settle_time)
    idle, _ = await _echo(stage, guests[-1])
    faults: list[Failure | None] = []
    for attempt in range(_ATTEMPTS):  # one hiccup of the machine is not a fault; that would be there each time
        begun, ended = stage.clock(), list[float]()
        sleeping = asyncio.create_task(_own_pause(pause, len(guests)))
        async with _broadcasting(stage, guests, pause) as (posted, first, text):
            posted.add_done_callback(lambda _, ended=ended: ended.append(stage.clock()))  # type: ignore[misc]
            stays = [client for client in guests if client is not first]
            took, answered = await _echo(stage, stays[-1])
            await first.close()
            reply = await posted
        longest = await sleeping
        got = await _hear(stage, stays, text)
        if not all(got.values()) or (reply is not None and reply.status == 500):
            raise await _left_out(stage, text, pause, got)
        await _accepted(stage, reply)
        heard = sorted(next(one.at for one in client.messages if text in one.text) for client in guests)
        wrong = _pauses(begun, ended[0] - begun, (pause, longest), heard)
        faults.append(wrong)
        told = next(one.at for one in stays[-1].messages if text in one.text)
        # A loop that is held reads nothing until all have the message; this order shows however late this end looks.
        if wrong is None and answered < told and took < 1.5 * longest:
            return filled(texts.saw("meanwhile"), total=_shown(ended[0] - begun), took=_shown(took))
        if wrong is not None and wrong.misconception is texts.wrong("no-pause"):
            cause = await stage.cause()
            if cause is not None and cause[0] is general.NOT_AWAITED:
                raise Failure(cause[0], wrong.observed, error=cause[1])
            raise wrong
        if wrong is not None and wrong.misconception is texts.wrong("ghosts-in-the-list"):
            if attempt:
                raise wrong
            # Whoever asked for the report in an earlier check is in the list until it is ready.
            await asyncio.sleep(_REPORT_TAKES)
        guests = [*stays, *await _guests(stage, "DEF"[attempt])]
    # Pauses that were right once are right; only then was it the answer that came late each time.
    if None not in faults and faults[-1] is not None:
        raise faults[-1]
    raise Failure(
        texts.wrong("time-sleep"), texts.saw("held-up"), idle=_shown(idle), took=_shown(took), count=_ATTEMPTS
    )


async def _own_pause(pause: float, count: int) -> float:
    """How long a pause of that many seconds takes on this machine now: the longest of so many in a row."""
    longest = pause
    for _ in range(count):
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(pause)
        longest = max(longest, asyncio.get_running_loop().time() - begun)
    return longest


async def _left_out(stage: Stage, text: str, pause: float, got: dict[str, list[Message]]) -> Failure:
    """What to raise where not everybody heard a slow broadcast during which one left: do they if nobody leaves?"""
    with stage.off_the_record():
        await stage.dismiss()
        guests = await _guests(stage, "GHI")
        for wait in (0.0, pause):
            again = stage.unique("Ağır ağır")
            reply = await _accepted(stage, await _post(stage, again, wait))
            quiet = await _hear(stage, guests, again)
            if not all(quiet.values()):
                seen = filled(texts.saw("heard"), heard=_times(quiet), status=reply.status, body=reply.text[:80])
                return Failure(texts.wrong("not-heard-slowly"), seen) if wait else _first_each(again, quiet)
    return Failure(texts.wrong("walks-the-live-list"), _who_heard(text, got))


async def _come_and_go(stage: Stage) -> None:
    """Three guests that leave: with a goodbye, without, and after bytes, over which the given handler raises."""
    for client, leave in zip(await _guests(stage, "XYZ"), (Client.close, Client.reset, Client.close), strict=True):
        if client.who == "Z":
            await client.send(b"\x00\xff")
            await stage.pause()
        await leave(client)
    await stage.pause()


def _pauses(begun: float, total: float, pause: tuple[float, float], heard: Sequence[float]) -> Failure | None:
    """What is wrong with the pauses of a broadcast that began at `begun` and took `total` seconds, if anything.

    Args:
        begun: seconds since the check began.
        total: seconds.
        pause: seconds, as asked for and as long as this machine took for one at most.
        heard: when each guest heard it, the earliest first.
    """
    guests, spread = len(heard), heard[-1] - heard[0]
    shortest, longest = pause
    values = {"pause": _shown(shortest), "took": _shown(total), "count": guests}
    if total < shortest:
        return Failure(texts.wrong("no-pause"), texts.saw("too-quick"), **values)
    # Between three guests there are two pauses; half a pause is for what the machine adds.
    if spread < (guests - 1.5) * shortest:
        return Failure(texts.wrong("one-pause-for-all"), texts.saw("too-quick"), **values)
    if spread > (guests - 0.5) * longest:
        return Failure(texts.wrong("pauses-too-long"), texts.saw("too-quick"), **values)
    if total > (guests + 0.7) * longest:
        return Failure(texts.wrong("ghosts-in-the-list"), texts.saw("too-quick"), **values)
    if heard[0] - begun > 0.7 * shortest:
        return Failure(texts.wrong("pauses-first"), texts.saw("too-quick"), **values)
    return None


@contextlib.asynccontextmanager
async def _broadcasting(
    stage: Stage, clients: Sequence[Client], pause: float
) -> AsyncIterator[tuple[asyncio.Task[Reply | None], Client, str]]:
    """A broadcast that has reached its first client and goes on: the request, that client, the message.

    Raises:
        Failure: it reached nobody.
    """
    text = stage.unique("Ağır ağır")
    posted = asyncio.create_task(_post(stage, text, pause))
    posted.add_done_callback(lambda _: stage.notify_waiters())

    def look() -> Client | None:
        return next((one for one in clients if any(text in message.text for message in one.messages)), None)

    try:
        # Until somebody has heard, or the request is done: those whom the server should have forgotten come first in
        # its list, and each of them takes a pause.
        await stage.until(lambda: look() or posted.done() or None, _LONGEST * pause)
        first = await stage.until(look, stage.deadlines.settle_time)
        if first is None:
            reply = await _accepted(stage, await posted)
            got: dict[str, list[Message]] = {client.who: [] for client in clients}
            if reply.body == b"null":
                raise Failure(texts.wrong("nothing-yet"), _who_heard(text, got))
            raise await _left_out(stage, text, pause, got)
        yield posted, first, text
    finally:
        if not posted.done():
            posted.cancel()
            await asyncio.wait({posted}, timeout=stage.deadlines.settle_time)


async def _echo(stage: Stage, client: Client) -> tuple[float, float]:
    """How long an answer to this client takes, in seconds, and when it came.

    Raises:
        Failure: none comes.
    """
    text = stage.unique("?")
    begun = stage.clock()
    await client.send(text)
    came = await client.next(lambda message: text in message.text and not is_by_server(message))
    if came is None:
        raise await stage.silence(client)
    return came.at - begun, came.at


# One of them dead


async def _dies_at_work(stage: Stage, client: Client) -> None:
    # The handler is busy with the report, so nobody takes the connection off the list.
    await client.send(REPORT)
    await stage.turned()
    await client.reset()
    await stage.pause()


async def count(stage: Stage) -> Text:
    """The number in the reply is that of the clients it could be sent to."""
    alice, bob, carol = await _guests(stage, "ABC")
    # All alive first: a number of failures may happen to be that of the living.
    await _counted(stage, (alice, bob, carol))
    await _two_at_once(stage, (alice, bob, carol))
    # The first in the list, so that a loop which ends at the dead one reaches nobody, whoever else may still be in it.
    await _dies_at_work(stage, alice)
    return filled(texts.saw("counted"), body=(await _counted(stage, (bob, carol))).text)


async def _two_at_once(stage: Stage, guests: Sequence[Client]) -> None:
    """Make sure that two broadcasts at the same time do not share their message or their number.

    Raises:
        Failure: they do.
    """
    said = [stage.unique(word) for word in ("Çay hazır", "Simit hazır")]
    # Each lets go of the loop after each guest, so that the two take turns.
    asked = [stage.request("POST", PATH, params={"message": text, "pause": f"{TURNS:.3f}"}) for text in said]
    replies = [reply for reply in await asyncio.gather(*asked) if reply is not None and reply.ok]
    if len(replies) < len(said):
        return  # the check of the pause says so
    for text, reply in zip(said, replies, strict=True):
        got = await _hear(stage, guests, text)
        if not all(got.values()) or _sent(reply) != len(guests):
            raise Failure(texts.wrong("shares-a-name"), _two_heard(said, replies, guests))


def _two_heard(said: Sequence[str], replies: Sequence[Reply], guests: Sequence[Client]) -> Text:
    first, second = (
        _times({client.who: [one for one in client.messages if text in one.text] for client in guests}) for text in said
    )
    return filled(
        texts.saw("two-at-once"), first=first, second=second, reply=replies[0].text[:80], other=replies[1].text[:80]
    )


async def _counted(stage: Stage, guests: Sequence[Client]) -> Reply:
    """The reply to a message, where its number is that of these guests, who are all who live."""
    text = stage.unique("Kaç kişiyiz?")
    reply = await _post(stage, text)
    if reply is not None and reply.status == 500:
        raise Waits("dead", texts.wrong("dead-first"), texts.saw("replied"), status=reply.status, body=reply.text[:80])
    reply = await _accepted(stage, reply)
    got = await _hear(stage, guests, text)
    if not all(got.values()):
        raise Waits("dead", texts.wrong("dead-first"), _who_heard(text, got))
    if reply.body == b"null":
        raise Failure(texts.wrong("no-number"), texts.saw("replied"), status=reply.status, body=reply.text)
    sent, there = _sent(reply), len(got)
    if sent > there:
        raise Failure(
            texts.wrong("count-goes-on-with-guests") if await _goes_on(stage) else texts.wrong("counts-the-list"),
            texts.saw("replied"),
            status=reply.status,
            body=reply.text,
            sent=sent,
            there=there,
        )
    if sent < there:
        raise Failure(
            texts.wrong("counts-too-few"),
            texts.saw("replied"),
            status=reply.status,
            body=reply.text,
            sent=sent,
            there=there,
        )
    return reply


async def dead(stage: Stage) -> Text:
    """Those behind a dead client in the list hear the message, the first time and the second."""
    alice, bob, carol = await _guests(stage, "ABC")
    text = stage.unique("Herkes burada mı?")
    reply = await _post(stage, text)
    if reply is None or _no_route(reply):
        await _accepted(stage, reply)
    got = await _hear(stage, (alice, bob, carol), text)
    if not all(got.values()):
        raise _first_each(text, got)
    await _dies_at_work(stage, alice)
    for time in (1, 2):
        text = stage.unique("Herkes iyi mi?")
        reply = await _post(stage, text)
        if reply is None or _no_route(reply):
            await _accepted(stage, reply)
        assert reply is not None
        got = await _hear(stage, (bob, carol), text)
        if all(got.values()) and reply.ok:
            continue
        raise Failure(
            texts.wrong("stops-at-the-dead") if time == 1 else texts.wrong("only-the-first-time"), _who_heard(text, got)
        )
    return filled(texts.saw("dead"), names="B, C")


LAB = Lab.of(
    texts,
    "L4-server-speaks",
    Check.of(texts, "warmup", warm_up, points=0, app="hall"),
    Check.of(texts, "each", each, points=2),
    Check.of(texts, "none", none, points=2),
    Check.of(texts, "reconnect", reconnect, points=2, needs="each"),
    Check.of(texts, "meanwhile", meanwhile, points=2, needs="each", budget=20.0),
    Check.of(texts, "dead", dead, points=2, needs="each"),
    Check.of(texts, "count", count, points=2, needs="each"),
)
