"""L3, codes and the door: who may come in, and what a connection is told when the server ends it."""

from __future__ import annotations

from wslab.labs import general
from wslab.labs.document import ECHO, is_answer
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, End, Refusal, Stage, quoted
from wslab.labs.verdict import Misconception
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
)
LONGEST_REASON = 123
"""Bytes: a control frame holds 125, and the code takes two (RFC 6455 §5.5, §5.5.1)."""


async def _ended_with(stage: Stage, client: Client, said: str | bytes, code: int) -> End:
    """Send `said` and return the end of the connection that the server answers with.

    Raises:
        Failure: it did not end, ended without a close frame (`ENDS_WITHOUT_CLOSE`), or with another code.
    """
    await client.send(said)
    end = await client.ended()
    shown = quoted(said)
    if end is None:
        failure = await stage.silence(client, texts.wrong("stays-open"), code=code)
        seen = filled(texts.saw("after"), said=shown, seconds=stage.deadlines.step)
        raise (
            Failure(texts.wrong("stays-open"), seen, code=code)
            if failure.misconception is texts.wrong("stays-open")
            else failure
        )
    if end.code == 1006:
        raise Failure(texts.wrong("ends-without-a-close"), texts.saw("ended"), said=shown, end=end, code=code)
    if end.code != code:
        raise Failure(texts.wrong("wrong-code"), texts.saw("ended"), said=shown, end=end, came=end.code, code=code)
    return end


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
    """Whoever has the token comes in, and is answered."""
    alice = await stage.connect("A", INSIDE)
    text = stage.unique("Çay var mı?")
    await alice.send(text)
    came = await alice.next(is_answer)
    if came is None:
        raise await stage.silence(alice, texts.wrong("no-echo-inside"), ended=texts.wrong("thrown-out"))
    if came.data != ECHO + text:
        raise Failure(texts.wrong("wrong-echo"), expected=quoted(ECHO + text), came=came)
    return filled(texts.saw("inside"), came=came)


# The door


async def refuse(stage: Stage) -> Text:
    """Whoever lacks the token gets 403 and no 101, and whoever has it comes in."""
    await stage.connect("A", INSIDE)
    with_a_body = False
    for path in WRONG_DOORS:
        found = await stage.try_connect("?", path)
        if isinstance(found, Refusal):
            with_a_body = with_a_body or bool(found.body)
            if found.status is None:
                raise Failure(texts.wrong("no-answer-at-the-door"), texts.saw("knocked"), path=path, status="–")
            if found.status != 403:
                fault = texts.wrong("not-403") if found.status == 500 else texts.wrong("http-exception")
                raise Failure(fault, texts.saw("knocked"), path=path, status=found.status)
            continue
        end = await found.ended(within=stage.deadlines.step)
        if end is None:
            raise Failure(texts.wrong("lets-anybody-in"), texts.saw("knocked"), path=path, status=101)
        raise Failure(texts.wrong("accepts-then-closes"), texts.saw("knocked"), path=path, status=101, end=end)
    # A close before accept() becomes a 403 without a body (ASGI, WebSocket close), a response of one's own brings one.
    if with_a_body or any("without completing handshake" in one.text for one in await stage.raised()):
        raise Failure(texts.wrong("http-exception"), texts.saw("knocked"), path=path, status=403).earning(1)
    return filled(texts.saw("refused"), count=len(WRONG_DOORS))


# bye


async def bye(stage: Stage) -> Text:
    """`bye` is answered with a close frame that says 1000."""
    alice = await stage.connect("A", INSIDE)
    end = await _ended_with(stage, alice, "bye", 1000)
    return filled(texts.saw("ended"), said=quoted("bye"), end=end)


# kick


async def kick(stage: Stage) -> Text:
    """`kick …` is answered with 1008 and the reason that was given."""
    alice = await stage.connect("A", INSIDE)
    reason = stage.unique("Kapı çalındı, özür dilenmedi")
    end = await _ended_with(stage, alice, f"kick {reason}", 1008)
    if end.reason != reason:
        fault = texts.wrong("wrong-reason") if end.reason else texts.wrong("no-reason")
        raise Failure(fault, expected=quoted(reason), came=quoted(end.reason))
    return filled(texts.saw("ended"), said=quoted("kick …"), end=end)


# A reason that is too long

PLAIN = "Neden uzun, sonu gelmez; okuyan da sonuna kadar okumaz. " * 3  # Turkish without a letter of two bytes
# One byte, then letters of two: byte 123 is the last of a letter, byte 124 too, so every cut is tried.
TURKISH = ("a" + "ş" * 100, "ğ" * 101)


async def reason(stage: Stage) -> Text:
    """A reason over 123 bytes is shortened, so that the client is told 1008 and its beginning."""
    plain = await _long(stage, "A", PLAIN, texts.wrong("reason-too-long"))
    got = [
        await _long(stage, who, text, texts.wrong("counts-letters")) for who, text in zip("BC", TURKISH, strict=True)
    ]
    return filled(
        texts.saw("shortened"),
        long=_size(PLAIN),
        longer=_size(TURKISH[1]),
        short=_size(plain.reason),
        shorter=_size(got[1].reason),
    )


def _size(text: str) -> int:
    return len(text.encode())


async def _long(stage: Stage, who: str, text: str, fault: Misconception) -> End:
    client = await stage.connect(who, INSIDE)
    try:
        end = await _ended_with(stage, client, f"kick {text}", 1008)
    except Failure as failure:
        if failure.misconception is not texts.wrong("ends-without-a-close"):
            raise
        names = [one.name for one in await stage.raised() if not one.warning]
        if "UnicodeDecodeError" in names:
            raise Failure(texts.wrong("cuts-a-letter"), failure.observed) from None
        if "ProtocolError" in names:
            raise Failure(fault, failure.observed) from None
        raise
    if not end.reason:
        raise Failure(texts.wrong("no-reason"), texts.saw("ended"), said=quoted(f"kick {text}"), end=end)
    if not text.startswith(end.reason[:20]):
        raise Failure(texts.wrong("wrong-reason"), expected=quoted(text[:20]), came=quoted(end.reason))
    return end


# Binary

_BINARY = (b"\x00\xff\x10", "çay".encode())


async def binary(stage: Stage) -> Text:
    """Bytes are answered with 1003, whether or not they could be read as text."""
    for who, data in zip("AB", _BINARY, strict=True):
        client = await stage.connect(who, INSIDE)
        try:
            end = await _ended_with(stage, client, data, 1003)
        except Failure as failure:
            if failure.misconception is not texts.wrong("ends-without-a-close"):
                raise
            for one in await stage.raised():
                if one.name in ("KeyError", "TypeError", "AttributeError", "UnicodeDecodeError"):
                    raise Failure(texts.wrong("key-error"), failure.observed, error=one) from None
            raise
    return filled(texts.saw("ended"), said=quoted(_BINARY[0]), end=end)


# The server lives on

_AFTER_CLOSE = ('Need to call "accept" first', "once a close message has been sent", "after sending 'websocket.close'")
"""What Starlette and uvicorn say to a handler that receives or sends after its own close."""


async def alive(stage: Stage) -> Text:
    """Whoever stays is answered after others were ended, somebody new comes in, and no handler outlives its close."""
    alice = await stage.connect("A", INSIDE)
    for who, said in (("B", "kick kural dışı"), ("C", "bye"), ("D", b"\x00\xff")):
        client = await stage.connect(who, INSIDE)
        await client.send(said)
        await client.ended(within=stage.deadlines.step)
    await stage.try_connect("?", WRONG_DOORS[2])
    fred = await stage.connect("F", INSIDE)
    for client in (alice, fred):
        text = stage.unique("Hâlâ burada mıyız?")
        await client.send(text)
        came = await client.next(lambda message, text=text: text in message.text)  # type: ignore[misc]
        if came is None and client.end is not None:
            raise Failure(
                texts.wrong("closes-everybody"),
                general.CONNECTION_ENDED,
                who=client.who,
                how=client.end,
                end=client.end,
            )
        if came is None:
            raise await stage.silence(client, texts.wrong("no-echo-inside"))
    for one in await stage.raised():
        if any(sign in one.text for sign in _AFTER_CLOSE):
            raise Failure(texts.wrong("goes-on-after-close"), texts.saw("raised"), error=one)
    return filled(texts.saw("lives"), who="A")


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
