"""Unit 06: a close with code and reason, a fault that is told, a refusal with its status, an end that is one."""

from __future__ import annotations

from wslab.labs import general
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, End, Refusal, Stage, quoted
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled

texts = read_texts("06")


async def a_break(stage: Stage) -> Text:
    """The server closes with 4000 and `mola`."""
    ada = await stage.connect("Ada")
    end = await _ended(stage, ada, 4000, "mola")
    if found := await stage.cause():
        raise Failure(found[0], texts.saw("ended"), end=end, error=found[1])
    return filled(texts.saw("ended"), end=end)


async def told(stage: Stage) -> Text:
    """A number is answered; what is no number ends the connection with 1011, and the log has the exception."""
    ada = await stage.connect("Ada")
    await ada.send("7")
    came = await ada.next()
    if came is None:
        raise await stage.silence(ada, texts.wrong("no-number-back"), ended=texts.wrong("no-number-back"))
    if came.data != "8":
        raise Failure(texts.wrong("no-number-back"), expected=quoted("8"), came=came)
    end = await ada.ended()
    if end is None or end.code != 1000 or len(ada.messages) > 1 or await stage.raised():
        raise await _not_as_given(stage, ada, end)
    bora = await stage.connect("Bora")
    await bora.send("yedi")
    end = await bora.ended()
    raised = [one for one in await stage.raised() if not one.warning]
    if end is None:
        raise await stage.silence(bora, texts.wrong("stays-open"))
    if end.code == 1006:
        if never := [one for one in await stage.raised() if "was never awaited" in one.text]:
            raise Failure(general.NOT_AWAITED, texts.saw("ended"), end=end, error=never[0])
        raise Failure(texts.wrong("no-close-frame"), texts.saw("ended"), end=end)
    if end.code != 1011:
        raise Failure(texts.wrong("wrong-code"), texts.saw("ended"), end=end, code=1011, came=end.code)
    if end.reason:
        raise Failure(texts.wrong("tells-strangers"), texts.saw("ended"), end=end)
    if not any(one.name == "ValueError" for one in raised):
        raise Failure(texts.wrong("hides-the-fault"), texts.saw("ended"), end=end).stopping(
            texts.wrong("hides-the-fault")
        )
    return filled(texts.saw("ended"), end=end)


async def _not_as_given(stage: Stage, client: Client, end: End | None) -> Failure:
    """What to raise where the connection of a number did not end with 1000 after one reply."""
    if found := await stage.cause():
        return Failure(found[0], texts.saw("ended"), end=end or "…", error=found[1])
    return Failure(texts.wrong("no-number-back"), texts.saw("ended"), end=end or "…")


async def refused(stage: Stage) -> Text:
    """With a name the door is open; without one 401 comes before `accept()`."""
    ada = await stage.connect("Ada", "/ws?name=Ada")
    came = await ada.next()
    if came is None:
        raise await stage.silence(ada, texts.wrong("no-welcome"), ended=texts.wrong("no-welcome"))
    end = await ada.ended()
    if end is None or end.code != 1000 or [one.data for one in ada.messages] != ["Hoş geldiniz, Ada."]:
        raise Failure(texts.wrong("no-welcome"), texts.saw("welcomed"), came=came, end=end or "…")
    if cause := await stage.cause():
        raise Failure(cause[0], texts.saw("welcomed"), came=came, end=end, error=cause[1])
    found = await stage.try_connect("Bora")
    if not isinstance(found, Refusal):
        raise Failure(texts.wrong("lets-everybody-in"), texts.saw("came-in"))
    if found.status == 403:
        raise Failure(texts.wrong("plain-close"), texts.saw("status"), status=found.status)
    if found.status != 401:
        raise await stage.no_connection(found, texts.wrong("other-status"))
    return filled(texts.saw("welcome"), came=came)


async def the_bill(stage: Stage) -> Text:
    """An order is answered; `hesap` ends the connection with 1000, and nothing is raised."""
    ada = await stage.connect("Ada")
    for order in ("çay", "simit"):
        await ada.send(order)
        came = await ada.next()
        if came is None:
            raise await stage.silence(ada, texts.wrong("order-not-served"), ended=texts.wrong("order-not-served"))
        if came.data != f"Hazır: {order}":
            raise Failure(texts.wrong("order-not-served"), expected=quoted(f"Hazır: {order}"), came=came)
    await ada.send("hesap")
    end = await _ended(stage, ada, 1000, "afiyet olsun")
    if len(ada.messages) > 2:
        raise Failure(texts.wrong("serves-the-bill"), texts.saw("came-as-well"), came=ada.messages[2])
    if errors := [one for one in await stage.raised() if not one.warning]:
        raise Failure(texts.wrong("goes-on"), texts.saw("ended"), end=end, error=errors[-1])
    return filled(texts.saw("ended"), end=end)


async def _ended(stage: Stage, client: Client, code: int, reason: str) -> End:
    """The end that the server makes.

    Raises:
        Failure: it makes none, or another one.
    """
    end = await client.ended()
    if end is None:
        raise await stage.silence(client, texts.wrong("stays-open"))
    wrong: Misconception | None = None
    if end.code == 1006:
        kind, error = await stage.cause() or (texts.wrong("no-close-frame"), None)
        raise Failure(kind, texts.saw("ended"), end=end, error=error)
    if end.code != code:
        wrong = texts.wrong("wrong-code")
    elif end.reason != reason:
        wrong = texts.wrong("wrong-reason")
    if wrong is not None:
        raise Failure(wrong, texts.saw("ended"), end=end, code=code, came=end.code, reason=reason)
    return end


TURNS = Lab.of(
    texts,
    "06-close-codes",
    Check.of(texts, "turn-1", a_break, points=0, app="pausing"),
    Check.of(texts, "turn-2", told, points=0, app="counter"),
    Check.of(texts, "turn-3", refused, points=0, app="entrance"),
    Check.of(texts, "turn-4", the_bill, points=0, app="teahouse"),
)
