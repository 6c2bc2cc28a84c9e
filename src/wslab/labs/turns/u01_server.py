"""Unit 01: a handler that accepts, stays, tells the others, and keeps a list that is right."""

from __future__ import annotations

from wslab.labs import general
from wslab.labs.document import count_becomes, counted, miscounted, settled_count
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, Stage, quoted
from wslab.language import Text, filled

texts = read_texts("01")

GREETING = "Merhaba"
NEWS = "Biri geldi"


async def greeting(stage: Stage) -> Text:
    """The connection opens, and `Merhaba` comes at once."""
    ada = await stage.connect("Ada")
    came = await ada.next()
    if came is None:
        raise await stage.silence(ada, texts.wrong("says-nothing"), ended=texts.wrong("says-nothing"))
    if came.data != GREETING:
        raise Failure(texts.wrong("other-greeting"), expected=quoted(GREETING), came=came)
    await stage.pause()
    if len(ada.messages) > 1:
        raise Failure(texts.wrong("says-it-twice"), texts.saw("came-as-well"), came=ada.messages[1])
    return filled(texts.saw("greeted"), came=came)


async def lengths(stage: Stage) -> Text:
    """Each message is answered with its number of characters."""
    ada = await stage.connect("Ada")
    for number, text in enumerate(("çay", "", "iki sözcük")):
        await ada.send(text)
        came = await ada.next()
        if came is None:
            ends = texts.wrong("answers-once") if number else texts.wrong("ends-at-once")
            raise await stage.silence(ada, texts.wrong("answers-nothing"), ended=ends)
        if came.text != str(len(text)):
            raise Failure(texts.wrong("other-answer"), expected=quoted(str(len(text))), came=came)
        if came.data != came.text:
            raise Failure(texts.wrong("bytes-for-text"), expected=quoted(str(len(text))), came=came)
    await stage.pause()
    if len(ada.messages) > 3:
        raise Failure(texts.wrong("says-it-twice"), texts.saw("answers-came"), count=len(ada.messages))
    return texts.saw("measured")


async def arrival(stage: Stage) -> Text:
    """Those who are there are told of a newcomer; the newcomer is not."""
    ada, bora = await stage.connect("Ada"), await stage.connect("Bora")
    if await ada.next() is None:
        if bora.messages:
            raise _tells(bora)
        raise await stage.silence(ada, texts.wrong("tells-nobody"))
    cem = await stage.connect("Cem")
    await ada.next()
    if await bora.next() is None:
        raise await stage.silence(bora, texts.wrong("tells-one"))
    await stage.pause()
    if cem.messages:
        raise _tells(cem)
    told = {"Ada": ada.messages, "Bora": bora.messages}
    for who, messages in told.items():
        for message in messages:
            if message.data != NEWS:
                raise Failure(texts.wrong("other-news"), expected=quoted(NEWS), came=message)
        wanted = 2 if who == "Ada" else 1
        if len(messages) != wanted:
            raise Failure(
                texts.wrong("tells-too-often"), texts.saw("told"), who=who, count=len(messages), wanted=wanted
            )
    return texts.saw("news-spread")


def _tells(newcomer: Client) -> Failure:
    return Failure(
        texts.wrong("tells-the-newcomer"), texts.saw("newcomer-got"), who=newcomer.who, came=newcomer.messages[0]
    )


async def guests(stage: Stage) -> Text:
    """The list has who is there: two, one, none, however they leave."""
    base = await settled_count(stage)
    ada, bora = await stage.connect("Ada"), await stage.connect("Bora")
    came = await count_becomes(stage, base + 2)
    if came != base + 2:
        kind = texts.wrong("never-listed") if came == base else texts.wrong("listed-too-often")
        raise await miscounted(stage, kind, counted(2, came, base))
    await ada.send("Merhaba")
    await ada.send("Merhaba")
    await stage.pause()
    if ada.end is not None:
        raise await stage.silence(ada, ended=texts.wrong("leaves-after-one"))
    await ada.close()
    came = await count_becomes(stage, base + 1)
    if came != base + 1:
        kind = texts.wrong("never-taken-off") if came > base + 1 else texts.wrong("takes-off-others")
        raise await miscounted(stage, kind, counted(1, came, base))
    await bora.reset()
    came = await count_becomes(stage, base)
    if came != base:
        raise await miscounted(stage, texts.wrong("never-taken-off"), counted(0, came, base))
    if errors := [one for one in await stage.raised() if not one.warning]:
        raise Failure(general.HANDLER_RAISED, texts.saw("list-right"), error=errors[0])
    return texts.saw("list-right")


TURNS = Lab.of(
    texts,
    "01-server",
    Check.of(texts, "turn-1", greeting, points=0, app="door"),
    Check.of(texts, "turn-2", lengths, points=0, app="measure"),
    Check.of(texts, "turn-3", arrival, points=0, app="porch"),
    Check.of(texts, "turn-4", guests, points=0, app="hall"),
)
