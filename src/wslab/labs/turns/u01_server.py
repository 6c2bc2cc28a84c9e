"""Unit 01: a handler that accepts, stays, keeps a list and counts."""

from __future__ import annotations

from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage, quoted
from wslab.language import Text, filled

texts = read_texts("01")

GREETING = "Merhaba"


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


TURNS = Lab.of(
    texts,
    "01-server",
    Check.of(texts, "turn-1", greeting, points=0, app="door"),
)
