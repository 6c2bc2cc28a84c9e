"""L3, codes and the door: who may come in, and what a connection is told when the server ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wslab.labs import causes, general
from wslab.labs.document import ECHO, answer_to_nothing, is_answer, wrong_text
from wslab.labs.failure import Failure, NoConnection, Waits
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, End, Refusal, Stage, quoted
from wslab.labs.verdict import Misconception, Raised
from wslab.language import Text, filled

texts = read_texts("L3")

TOKEN = "ihlamur"
INSIDE = f"/ws?token={TOKEN}"
WRONG_DOORS = (
    "/ws",
    "/ws?token=",
    "/ws?token=kahve",
    f"/ws?token={TOKEN}2",
    f"/ws?token={TOKEN[:3]}",
    f"/ws?token={TOKEN[3:]}",
    f"/ws?token={TOKEN.upper()}",
    f"/ws?token=%20{TOKEN}",
)
LONGEST_REASON = 123
"""Bytes: a control frame holds 125, and the code takes two (RFC 6455 §5.5, §5.5.1)."""


_IN_CLOSE = "between instances of 'int' and 'str'"
"""What `close()` raises where its first argument is a text."""

Errors = Callable[[Raised], Misconception | None]
"""The name for an exception that kept a close frame from being sent; None for the general one."""


async def _ended_with(
    stage: Stage, client: Client, said: str | bytes, code: int, named: Errors = lambda _: None
) -> End:
    """Send `said` and return the end of the connection that the server answers with.

    Raises:
        Failure: it did not end, ended without a close frame, or with another code.
    """
    await client.send(said)
    end = await client.ended()
    shown = quoted(said)
    if end is None:
        failure = await stage.silence(client, texts.wrong("stays-open"), code=code)
        seen = filled(texts.saw("after"), said=shown)
        raise (
            Failure(texts.wrong("stays-open"), seen, code=code)
            if failure.misconception is texts.wrong("stays-open")
            else failure
        )
    if end.code == 1006:
        fault, error = await stage.cause() or (texts.wrong("ends-without-a-close"), None)
        if error is not None and fault is not general.NOT_AWAITED:
            fault = named(error) or (texts.wrong("code-is-no-number") if _IN_CLOSE in error.text else fault)
        raise Failure(fault, texts.saw("ended"), said=shown, end=end, code=code, error=error)
    if end.code != code:
        raise Failure(texts.wrong("wrong-code"), texts.saw("ended"), said=shown, end=end, came=end.code, code=code)
    return end


async def _not_answered(client: Client, said: str) -> None:
    """Make sure that nothing is sent to a client between the message that ends its connection and the close.

    Raises:
        Failure: something was.
    """
    for message in filter(is_answer, client.messages):
        raise Failure(texts.wrong("answers-first"), texts.saw("answered"), said=quoted(said), came=message)


async def _spared(stage: Stage, *alike: str) -> None:
    """Make sure that messages which only look like one that ends the connection do not end it.

    Raises:
        Failure: one does, and any other message does not.
    """
    said = (stage.unique("Çay var mı?"), *alike)
    any_, *lost = await asyncio.gather(*(_lost(stage, one) for one in said))
    for one, gone in zip(alike, lost, strict=True):
        if gone and not any_:  # where any message does, it is `enter` that says so
            raise Failure(texts.wrong("too-eager"), texts.saw("ended-too"), said=quoted(one))


async def _lost(stage: Stage, said: str) -> bool:
    client = await stage.connect("L", INSIDE)
    await client.send(said)
    return await client.next() is None and not client.open


# The warm-up


async def warm_up(stage: Stage) -> Text:
    """The mended handler says goodbye with 1000."""
    alice = await stage.connect("A")
    end = await alice.ended()
    if end is None:
        raise await stage.silence(alice, texts.wrong("stays-open"), code=1000)
    if end.code == 1006:
        raise Failure(texts.wrong("forbidden-code"), texts.saw("goodbye"), end=end)
    if end.code != 1000:
        raise Failure(texts.wrong("wrong-code"), texts.saw("goodbye"), end=end, came=end.code, code=1000)
    return filled(texts.saw("goodbye"), end=end)


# Coming in


async def enter(stage: Stage) -> Text:
    """Whoever has the token comes in, and is answered, once for each message, as long as it stays."""
    alice = await _come_in(stage)
    for first in (True, False):
        text = stage.unique("Çay & 'simit' var mı, <b>hemen</b>?")
        await alice.send(text)
        came = await alice.next(is_answer)
        if came is None:
            once = texts.wrong("one-message-only")
            raise await stage.silence(
                alice,
                texts.wrong("no-echo-inside"),
                ended=texts.wrong("thrown-out") if first else once,
                closes=texts.wrong("closed-inside") if first else once,
            )
        if came.data == ECHO + text:
            continue
        if not first and came.data == alice.messages[0].data:
            raise Failure(texts.wrong("answers-twice"), expected=quoted(ECHO + text), came=came)
        raise wrong_text(came, ECHO, text, texts.wrong("wrong-echo"))
    nothing = await answer_to_nothing(stage, alice)
    await stage.pause()
    if nothing.data != ECHO:
        assert came is not None
        fault = texts.wrong("answers-twice") if nothing.data == came.data else general.EMPTY_MESSAGE
        raise Failure(fault, expected=quoted(ECHO), came=nothing)
    if extra := [message for message in alice.messages if is_answer(message)][3:]:
        raise Failure(texts.wrong("answers-twice"), texts.saw("extra"), came=extra[0])
    return filled(texts.saw("inside"), came=came)


async def _come_in(stage: Stage) -> Client:
    found = await stage.try_connect("A", INSIDE)
    if not isinstance(found, Refusal):
        return found
    failure = await stage.no_connection(found)
    if failure.misconception is general.REFUSED:
        failure = await _shut(stage, failure.observed)
    elif isinstance(failure.error, Raised) and _before_accept(failure.error):
        failure = NoConnection(texts.wrong("not-accepted"), failure.observed)
    raise failure


_OTHER_NAMES = ("tokn", "toke", "tok", "Token", "TOKEN", "t", "jeton", "parola", "password", "sifre", "key")
"""What the parameter may be called by mistake."""


async def _shut(stage: Stage, seen: Text) -> NoConnection:
    """Why the handler refuses who has the token: whom it lets in tells."""
    with stage.aside():
        if await stage.opens(WRONG_DOORS[0]) or await stage.opens("/ws?token=kahve"):
            return NoConnection(texts.wrong("turned-round"), seen)
        if await stage.opens("/ws?token=TOKEN"):
            return NoConnection(texts.wrong("token-in-quotes"), seen)
        for name in _OTHER_NAMES:
            if await stage.opens(f"/ws?{name}={TOKEN}"):
                return NoConnection(texts.wrong("another-parameter"), seen, name=name)
    return NoConnection(texts.wrong("shut-to-all"), seen)


def _before_accept(error: Raised) -> bool:
    """Whether it is what a handler meets that receives before it has accepted."""
    # The first thing that receive() gives is websocket.connect, which has neither a text nor bytes.
    return error.text in ("KeyError: 'text'", "KeyError: 'bytes'") or causes.is_out_of_turn(error)


# The door


async def refuse(stage: Stage) -> Text:
    """Whoever lacks the token gets 403 and no 101, and whoever has it comes in."""
    await stage.connect("A", INSIDE)
    for path in WRONG_DOORS:
        found = await stage.try_connect("?", path)
        if isinstance(found, Refusal):
            if found.status != 403:
                raise await _not_refused(stage, found)
            continue
        end = await found.ended(within=stage.deadlines.step)
        if end is None:
            raise Failure(texts.wrong("lets-anybody-in"), texts.saw("knocked"), path=path, status=101)
        raise Failure(texts.wrong("accepts-then-closes"), texts.saw("knocked"), path=path, status=101, end=end)
    return filled(texts.saw("refused"), count=len(WRONG_DOORS))


async def _not_refused(stage: Stage, found: Refusal) -> Failure:
    cause = await stage.cause()
    fault = texts.wrong("http-exception")
    if found.status is None:
        fault = texts.wrong("no-answer-at-the-door")
    elif found.status == 500:
        fault = texts.wrong("not-403") if cause is None or _before_accept(cause[1]) else cause[0]
    return Failure(
        fault,
        texts.saw("knocked"),
        path=found.path,
        status=found.status or "–",
        error=cause[1] if cause else None,
    )


# bye


async def bye(stage: Stage) -> Text:
    """`bye` is answered with a close frame that says 1000, and no other message is."""
    alice = await stage.connect("A", INSIDE)
    end = await _ended_with(stage, alice, "bye", 1000)
    await _not_answered(alice, "bye")
    await _spared(stage, "bye bye", "Bye", "bye ")
    return filled(texts.saw("ended"), said=quoted("bye"), end=end)


# kick


async def kick(stage: Stage) -> Text:
    """`kick …` is answered with 1008 and the reason that was given, and no other message is."""
    alice = await stage.connect("A", INSIDE)
    # With letters and words that strip(), replace() and split() would take away as well.
    reason = f"kick, iki  kez:\n{stage.unique('Kapı çalındı, özür dilenmedi')}, kick "
    end = await _ended_with(stage, alice, f"kick {reason}", 1008)
    if end.reason != reason:
        fault = texts.wrong("wrong-reason") if end.reason else texts.wrong("no-reason")
        raise Failure(fault, expected=quoted(reason), came=quoted(end.reason))
    await _not_answered(alice, reason)
    await _spared(stage, "Lütfen kick atma", "kicking", "kick", "Kick atma")
    bob = await stage.connect("B", INSIDE)
    without = await _ended_with(stage, bob, "kick ", 1008)
    if without.reason:
        raise Failure(texts.wrong("wrong-reason"), expected=quoted(""), came=quoted(without.reason))
    return filled(texts.saw("ended"), said=quoted("kick …"), end=end)


# A reason that is too long

PLAIN = "Neden uzun, sonu gelmez; okuyan da sonuna kadar okumaz. " * 3  # Turkish without a letter of two bytes
# One byte, then letters of two: byte 123 is the last of a letter, byte 124 too, so every cut is tried.
TURKISH = ("a" + "ş" * 100, "ğ" * 101)
JUST_FITS = PLAIN[:LONGEST_REASON]
ELLIPSIS = "…"


async def reason(stage: Stage) -> Text:
    """A reason over 123 bytes is shortened, so that the client is told 1008 and as much of it as fits."""
    said = (PLAIN, *TURKISH)
    ends = []
    for who, text in zip("ABC", said, strict=True):
        too_long = texts.wrong("reason-too-long") if text is PLAIN else texts.wrong("counts-letters")
        ends.append(await _long(stage, who, text, too_long))
    short = [_size(end.reason) for end in ends]
    for text, end, size in zip(said, ends, short, strict=True):
        following = text[len(end.reason.removesuffix(ELLIPSIS))]
        if size + _size(following) <= LONGEST_REASON:
            raise Failure(texts.wrong("cuts-too-much"), texts.saw("came-short"), long=_size(text), short=size)
    for who, text in (("D", JUST_FITS), ("E", JUST_FITS + ".")):
        end = await _long(stage, who, text, texts.wrong("reason-too-long"))
        if text is JUST_FITS and end.reason != text:
            came = _size(end.reason.removesuffix(ELLIPSIS))
            raise Failure(texts.wrong("cuts-too-much"), texts.saw("came-short"), long=_size(text), short=came)
    return filled(texts.saw("shortened"), long=_size(PLAIN), longer=_size(TURKISH[1]), short=short[0], shorter=short[2])


def _size(text: str) -> int:
    return len(text.encode())


async def _long(stage: Stage, who: str, text: str, too_long: Misconception) -> End:
    client = await stage.connect(who, INSIDE)

    def named(error: Raised) -> Misconception | None:
        if error.name == "UnicodeDecodeError":
            return texts.wrong("cuts-a-letter")
        return too_long if "control frame too long" in error.text else None

    end = await _ended_with(stage, client, f"kick {text}", 1008, named)
    if not end.reason:
        raise Failure(texts.wrong("no-reason"), texts.saw("ended"), said=quoted(f"kick {text}"), end=end)
    if not text.startswith(end.reason.removesuffix(ELLIPSIS)):
        raise Failure(texts.wrong("wrong-reason"), expected=quoted(text[:20]), came=quoted(end.reason))
    return end


# Binary

_BINARY = (b"\x00\xff\x10", "çay".encode(), b"")


async def binary(stage: Stage) -> Text:
    """Bytes are answered with 1003, whether or not they could be read as text, and none at all as well."""

    def named(error: Raised) -> Misconception | None:
        return texts.wrong("key-error") if error.text == "KeyError: 'text'" else None

    for who, data in zip("ABC", _BINARY, strict=True):
        client = await stage.connect(who, INSIDE)
        end = await _ended_with(stage, client, data, 1003, named)
    return filled(texts.saw("ended"), said=quoted(_BINARY[0]), end=end)


# The server lives on


async def alive(stage: Stage) -> Text:
    """Whoever stays is answered after others were ended or left, and no handler outlives its connection."""
    alice = await stage.connect("A", INSIDE)
    if not (await _answered(stage, alice) and await _answered(stage, alice)):
        raise Waits("enter", texts.wrong("answer-first"), texts.saw("unanswered"), who="A")
    for who, said, code in (("B", "kick kural dışı", 1008), ("C", "bye", 1000), ("D", b"\x00\xff", 1003)):
        client = await stage.connect(who, INSIDE)
        before = await _errors(stage)
        await client.send(said)
        end = await client.ended(within=stage.deadlines.step)
        errors = (await _errors(stage))[len(before) :]
        # An exception in the place of the right ending costs the check of that ending.
        if errors and end is not None and end.code == code:
            raise Failure(texts.wrong("goes-on-after-close"), texts.saw("raised"), error=errors[0])
    before = await _errors(stage)
    stranger = await stage.try_connect("?", WRONG_DOORS[2])
    errors = await _errors(stage)
    if late := list(filter(causes.is_out_of_turn, errors)):
        raise Failure(texts.wrong("goes-on-after-close"), texts.saw("raised"), error=late[0])
    # Any other answer than 403 costs the check of the refusal.
    refused = isinstance(stranger, Refusal) and stranger.status == 403
    if refused and (late := causes.exceptions(errors[len(before) :])):
        raise Failure(texts.wrong("raises-after-refusing"), texts.saw("raised"), error=late[0])
    before = errors
    for who, leave in (("E", Client.close), ("F", Client.reset)):
        await leave(await stage.connect(who, INSIDE))
    if errors := (await _errors(stage))[len(before) :]:
        raise Failure(texts.wrong("leaving-raises"), texts.saw("raised"), error=errors[0])
    if not await _answered(stage, alice):
        if alice.end is not None:
            raise Failure(
                texts.wrong("closes-everybody"), general.CONNECTION_ENDED, who="A", how=alice.end, end=alice.end
            )
        raise await stage.silence(alice, texts.wrong("no-echo-inside"))
    gina = await stage.connect("G", INSIDE)
    if not await _answered(stage, gina):
        raise await stage.silence(gina, texts.wrong("no-echo-inside"), ended=texts.wrong("thrown-out"))
    return filled(texts.saw("lives"), who="A")


async def _answered(stage: Stage, client: Client) -> bool:
    # Whatever the answer is: its wording is another check's.
    await client.send(stage.unique("Hâlâ burada mıyız?"))
    return await client.next() is not None


async def _errors(stage: Stage) -> list[Raised]:
    return [one for one in await stage.raised() if not one.warning]


LAB = Lab.of(
    texts,
    "L3-codes",
    Check.of(texts, "warmup", warm_up, points=0, app="porch"),
    Check.of(texts, "enter", enter, points=2),
    Check.of(texts, "refuse", refuse, points=2, needs="enter"),
    Check.of(texts, "bye", bye, points=2, needs="enter"),
    Check.of(texts, "kick", kick, points=2, needs="enter"),
    Check.of(texts, "reason", reason, points=2, needs="enter"),
    Check.of(texts, "binary", binary, points=2, needs="enter"),
    Check.of(texts, "alive", alive, points=2, needs="enter"),
)
