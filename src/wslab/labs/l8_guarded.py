"""L8, a guarded chat: who may come in, what they may say and how much of it, and for how long."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from wslab.labs import causes, general
from wslab.labs.calling import FunctionRaised, call, called
from wslab.labs.failure import Failure, NoConnection, Waits
from wslab.labs.guarded import FAULTS, LARGEST, LONGEST, ORIGINS, PATIENCE, RIGHT, guarded_chat, new_token, signature
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, End, Message, Refusal, Stage, quoted
from wslab.labs.venue import Served
from wslab.labs.verdict import Misconception, Raised
from wslab.language import Text, filled

texts = read_texts("L8")

MOST, WINDOW = 10, 0.4
"""How many messages a client may send within how many seconds."""

TOO_MANY = 40

LIFETIME = 0.6
"""Seconds for which a token is good that ends during a check."""

STRANGER = "https://kotu.example"
LOOKALIKES = (
    "http://sohbet.example",
    "https://sohbet.example.kotu.example",
    "https://kotusohbet.example",
    "https://sohbet.example:8443",
    "https://sohbet.exampl",
    "null",
)
"""Origins that share a part with one of the list; a page in a frame without an origin says `null`."""

_WHO = '{"type": "who"}'
_WORD = re.compile(r"[a-z_]{1,40}")
_SIGNS = re.compile(
    r"pydantic|Traceback|File \"|\.py\b|https?://|[a-z]Error\b|Exception|\b0x[0-9a-f]{6,}|input_value|validation error"
    r"|Expecting |line \d+ column|Input should|object has no|not supported between|coroutine"
)
"""What exceptions, their texts, addresses of objects and paths look like."""


def _hello(token: object) -> str:
    return json.dumps({"type": "hello", "token": token}, ensure_ascii=False)


def _say(text: object, **more: object) -> str:
    return json.dumps({"type": "say", "text": text, **more}, ensure_ascii=False)


def fields_of(message: Message) -> dict[str, Any]:
    """The object that a message is as JSON; an empty one where it is none."""
    try:
        found = json.loads(message.text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is(kind: str) -> Callable[[Message], bool]:
    return lambda message: fields_of(message).get("type") == kind


def _names(message: Message) -> list[object]:
    found = fields_of(message).get("names")
    return found if isinstance(found, list) else []


async def _show(
    stage: Stage, who: str, token: str, *, opened: Callable[[Stage, str], Awaitable[Client]] = Stage.connect
) -> Client:
    """A client that has come to the door and shown a token, and has an answer or none.

    A machine that stands still may keep it from showing the token in time: then it comes again.
    """
    for _ in range(3):
        begun = stage.clock()
        client = await opened(stage, who)
        await client.send(_hello(token))
        await stage.until(lambda: True if client.messages or not client.open else None)  # noqa: B023
        if client.messages or client.end is None or client.end.at - begun < PATIENCE:
            break
    return client


async def _come_in(stage: Stage, who: str, name: str, token: str = "") -> Client:
    """A client that has shown its token and was welcomed.

    Args:
        stage: the stage.
        who: what the record calls it.
        name: its name in the chat.
        token: its token; one that is good for a minute if left out.

    Raises:
        Waits: it was not welcomed, which is another check's business.
    """
    client = await _show(stage, who, token or new_token(name))
    if await client.next(_is("welcome")) is None:
        raise Waits("enter", texts.wrong("welcome-first"), texts.saw("not-welcomed"), who=who)
    return client


async def _listed(client: Client) -> list[object] | None:
    """The names that the server says are inside; None where it does not say."""
    await client.send(_WHO)
    came = await client.next(_is("here"))
    return None if came is None else _names(came)


async def _errors(stage: Stage) -> list[Raised]:
    return [one for one in await stage.raised() if not one.warning]


def _of_exception(error: Raised) -> Misconception | None:
    """What an exception means that ended a connection without a close frame, where this lab has a name for it."""
    if "comparing strings with non-ASCII" in error.text:
        return texts.wrong("digest-of-text")
    if "a bytes-like object is required" in error.text:
        return texts.wrong("digest-of-two-kinds")
    if error.text == "KeyError: 'text'":
        return texts.wrong("reads-bytes-as-text")
    if error.name == "TimeoutError":
        return texts.wrong("timeout-goes-on")
    return None


async def _shown_out(
    stage: Stage, client: Client, code: int, what: object, stays: Misconception, within: float | None = None
) -> End:
    """The end of a connection that the server has a reason to end.

    Args:
        stage: the stage.
        client: whose.
        code: with which code.
        what: what the client did.
        stays: the name for a connection that stays open.
        within: seconds to wait.

    Raises:
        Failure: it does not end, or in another way.
    """
    end = await client.ended(within)
    if end is None:
        raise await _stays(stage, client, code, what, stays)
    if end.code == 1006:
        fault, error = await stage.cause() or (texts.wrong("ends-without-the-code"), None)
        if error is not None:
            fault = _of_exception(error) or fault
        raise Failure(fault, texts.saw("ended"), what=what, end=end, code=code, error=error)
    if end.code != code:
        raise Failure(texts.wrong("not-that-code"), texts.saw("ended"), what=what, end=end, came=end.code, code=code)
    return end


async def _stays(stage: Stage, client: Client, code: int, what: object, stays: Misconception) -> Failure:
    failure = await stage.silence(client, stays, code=code)
    return Failure(stays, texts.saw("stays"), what=what, code=code) if failure.misconception is stays else failure


# The warm-up


async def warm_up(stage: Stage) -> Text:
    """Whoever names the origin itself comes in, and an origin that only begins with it does not."""
    await stage.connect("A", origin=ORIGINS[0])
    for origin in (LOOKALIKES[1], LOOKALIKES[3]):
        if not isinstance(await stage.try_connect("?", origin=origin), Refusal):
            raise Failure(texts.wrong("compares-a-part"), texts.saw("came-from"), origin=origin)
    return filled(texts.saw("kept-out"), count=2)


# Coming in


async def enter(stage: Stage) -> Text:
    """Whoever shows a token is welcomed by name, and listed."""
    ada, bora = [stage.unique(name) for name in ("Ada", "Bora")]
    alice = await _show(stage, "A", new_token(ada), opened=_program)
    welcome = await _expected(stage, alice, {"type": "welcome", "name": ada}, texts.wrong("nobody-welcomed"))
    await _come_in(stage, "B", bora)
    await alice.send(_WHO)
    came = await alice.next(_is("here"))
    if came is None:
        unasked = next((one for one in alice.messages[1:] if not _is("welcome")(one)), None)
        if unasked is not None:
            raise Failure(texts.wrong("wrong-answer"), expected=quoted('{"type": "here", …}'), came=unasked)
        raise await stage.silence(alice, texts.wrong("no-names-listed"), ended=texts.wrong("one-answer-only"))
    names = _names(came)
    if sorted(map(str, names)) != names or {ada, bora} - set(names):
        raise Failure(texts.wrong("wrong-list"), expected=quoted(json.dumps(sorted([ada, bora]))), came=came)
    return filled(texts.saw("welcomed"), welcome=welcome, here=came)


async def _program(stage: Stage, who: str) -> Client:
    """A client that sends no `Origin`.

    Raises:
        NoConnection: it gets no connection.
    """
    found = await stage.try_connect(who)
    if not isinstance(found, Refusal):
        return found
    failure = await stage.no_connection(found)
    if failure.misconception is general.REFUSED:
        with stage.aside():
            page = await stage.try_connect("?", origin=ORIGINS[0])
        if not isinstance(page, Refusal):
            raise NoConnection(texts.wrong("refuses-programs"), failure.observed)
    raise failure


async def _expected(stage: Stage, client: Client, wanted: dict[str, object], silent: Misconception) -> Message:
    """The next message of a client, which has to be an object with these fields.

    Raises:
        Failure: it does not come, or is another one.
    """
    came = await client.next()
    if came is None:
        end = client.end
        if end is not None and end.code == 3000:
            raise Failure(texts.wrong("refuses-the-right"), general.CONNECTION_ENDED, who=client.who, how=end)
        told = await stage.cause()
        named = _of_exception(told[1]) if told is not None else None
        if told is not None and named is not None:
            raise Failure(named, general.CONNECTION_ENDED, who=client.who, how=end or "–", error=told[1], code=3000)
        raise await stage.silence(client, silent, ended=silent)
    found = fields_of(came)
    expected = quoted(json.dumps(wanted, ensure_ascii=False))
    if not found:
        raise Failure(texts.wrong("no-json"), expected=expected, came=came)
    if isinstance(came.data, bytes):
        raise Failure(texts.wrong("json-in-bytes"), expected=expected, came=came)
    if any(found.get(key) != value for key, value in wanted.items()):
        raise Failure(texts.wrong("wrong-answer"), expected=expected, came=came)
    return came


# The origin


async def origin(stage: Stage) -> Text:
    """Pages of the list come in; a page of another origin gets 403 and no 101."""
    for known in ORIGINS:
        found = await stage.try_connect("A", origin=known)
        if isinstance(found, Refusal):
            failure = await stage.no_connection(found)
            if failure.misconception is general.REFUSED:
                failure = NoConnection(texts.wrong("refuses-known"), failure.observed, origin=known)
            raise failure
    for strange in (STRANGER, *LOOKALIKES):
        found = await stage.try_connect("?", origin=strange)
        if isinstance(found, Refusal):
            if found.status != 403:
                told = await stage.cause()
                fault = told[0] if told is not None else texts.wrong("another-status")
                status = found.status or "–"
                error = told[1] if told is not None else None
                raise Failure(fault, texts.saw("knocked"), origin=strange, status=status, error=error)
            continue
        if strange != STRANGER:
            raise Failure(texts.wrong("compares-a-part"), texts.saw("came-from"), origin=strange)
        end = await found.ended(within=stage.deadlines.step / 4)
        silent = end is None or end.code == 3000
        fault = texts.wrong("any-origin") if silent else texts.wrong("opens-first")
        raise Failure(fault, texts.saw("came-from"), origin=strange)
    return filled(texts.saw("kept-out"), count=1 + len(LOOKALIKES))


# The token


async def token(stage: Stage) -> Text:
    """Only a token that the server signed and whose time is not over brings somebody in; the others get 3000."""
    name, ends = stage.unique("Ada"), f"{time.time() + 60:.3f}"
    claims = f"{name}:{ends}"
    signed = signature(claims)
    longer = f"{name}:{time.time() + 600:.3f}"
    tried = (
        ("tahmin", texts.wrong("any-token")),
        ("", texts.wrong("any-token")),
        (f"{claims}:", texts.wrong("half-a-signature")),
        (f"{stage.unique('Bora')}:{ends}:{signed}", texts.wrong("claims-not-signed")),
        (f"{longer}:{signed}", texts.wrong("claims-not-signed")),
        (f"{claims}:{signed[:-1]}", texts.wrong("half-a-signature")),
        (f"{claims}:{signed}0", texts.wrong("half-a-signature")),
        (f"{claims}:{signed[:-1]}ı", texts.wrong("any-token")),
        (new_token(name, -1), texts.wrong("takes-expired")),
    )
    for shown, taken in tried:
        client = await stage.connect("?")
        await client.send(_hello(shown))
        what = quoted(_hello(shown))
        came = await client.next(_is("welcome"))
        if came is not None:
            raise Failure(taken, texts.saw("let-in"), what=what, came=came)
        await _shown_out(stage, client, 3000, what, texts.wrong("waits-on"))
    return filled(texts.saw("tokens-refused"), count=len(tried))


# The deadline at the door


async def patience(stage: Stage) -> Text:
    """Who shows no token in time gets 3000, and so does who begins with something else; who is inside may be silent."""
    alice = await _come_in(stage, "A", stage.unique("Ada"))
    begun = stage.clock()
    silent = await stage.connect("S")
    good = new_token(stage.unique("Ada"))
    for said in (_WHO, "{", '{"type": "hello"}', _hello(7), _say("Selam", token=good)):
        client = await stage.connect("?")
        await client.send(said)
        await _shown_out(stage, client, 3000, quoted(said), texts.wrong("waits-on"))
    still = filled(texts.saw("silence"), seconds=PATIENCE)
    stays = texts.wrong("waits-at-the-door")
    end = await _shown_out(stage, silent, 3000, still, stays, PATIENCE + stage.deadlines.step)
    if end.at - begun < PATIENCE * 0.95:
        seconds = end.at - begun
        raise Failure(texts.wrong("too-impatient"), texts.saw("ended-after"), seconds=seconds, end=end)
    if await _listed(alice) is None:
        raise await stage.silence(alice, ended=texts.wrong("deadline-goes-on"), closes=texts.wrong("deadline-goes-on"))
    return filled(texts.saw("out-of-patience"), seconds=PATIENCE)


# What is said


async def say(stage: Stage) -> Text:
    """What somebody says is told to everybody inside under the name of the token, and to nobody at the door."""
    ada, bora = [stage.unique(name) for name in ("Ada", "Bora")]
    alice = await _come_in(stage, "A", ada)
    bob = await _come_in(stage, "B", bora)
    waiting = await stage.connect("C")
    said: tuple[tuple[Client, str, str, dict[str, str]], ...] = (
        (alice, ada, stage.unique(' Çay mı, "ıhlamur" mu? {0}') + " ", {}),
        (bob, bora, stage.unique("Ihlamur ☕"), {"name": ada}),
    )
    for speaker, name, text, more in said:
        await speaker.send(_say(text, **more))
        wanted: dict[str, object] = {"type": "said", "name": name, "text": text}
        for listener in (bob, alice) if speaker is alice else (alice, bob):
            came = await listener.next(_is("said"))
            if came is None:
                raise await _not_told(stage, listener, speaker, wanted)
            found = fields_of(came)
            if more and found.get("name") == ada and found.get("text") == text:
                raise Failure(texts.wrong("name-from-the-message"), expected=quoted(json.dumps(wanted)), came=came)
            if any(found.get(key) != value for key, value in wanted.items()):
                shown = quoted(json.dumps(wanted, ensure_ascii=False))
                raise Failure(texts.wrong("said-differs"), expected=shown, came=came)
    await stage.pause()
    for listener in (alice, bob):
        extra = [one for one in listener.messages[1:] if fields_of(one).get("type") != "welcome"][2:]
        if extra:
            raise Failure(texts.wrong("says-too-much"), texts.saw("extra"), who=listener.who, came=extra[0])
    twin, text = await _come_in(stage, "D", bora), stage.unique("İki ekranda mı?")
    await alice.send(_say(text))
    for listener in (twin, bob):
        if await listener.next(lambda one: fields_of(one).get("text") == text) is None:
            raise Failure(texts.wrong("one-per-name"), texts.saw("not-heard"), who=listener.who)
    if waiting.messages:
        raise Failure(texts.wrong("heard-at-the-door"), texts.saw("overheard"), came=waiting.messages[0])
    return filled(texts.saw("told"), came=came)


async def _not_told(stage: Stage, listener: Client, speaker: Client, wanted: dict[str, object]) -> Failure:
    others = [one for one in listener.messages[1:] if not _is("welcome")(one) and not _is("said")(one)]
    if others:
        return Failure(
            texts.wrong("said-differs"), expected=quoted(json.dumps(wanted, ensure_ascii=False)), came=others[0]
        )
    silent = texts.wrong("not-told-to-the-speaker") if listener is speaker else texts.wrong("not-told")
    who = speaker if speaker.end is not None else listener
    return await stage.silence(who, silent, ended=texts.wrong("saying-ends"))


# Mistakes

MISTAKES = (
    ("{", "[1, 2]", "3", "null", '{"type": "dance"}', '{"type": ["say"]}'),
    ("", "{}", '{"type": "say"}', _say(5), _say(""), _say("a" * (LONGEST + 1)), _hello("tahmin")),
)
"""What fits none of the messages, for two clients, so that neither of them sends too many."""


async def mistakes(stage: Stage) -> Text:
    """Each mistake is answered with an error, and the connection goes on; what just fits is said."""
    for who, wrong in zip("AB", MISTAKES, strict=True):
        client = await _come_in(stage, who, stage.unique("Ada"))
        for said in wrong:
            await client.send(said)
            came = await client.next()
            if came is None:
                raise await _not_answered(stage, client, said)
            if fields_of(came).get("type") != "error":
                raise Failure(texts.wrong("takes-the-mistake"), texts.saw("answered"), what=quoted(said), came=came)
    client = await _come_in(stage, "C", stage.unique("Ada"))
    for text in ("ş" * LONGEST, "a"):
        await client.send(_say(text))
        came = await client.next()
        if came is not None and fields_of(came).get("type") == "error":
            raise Failure(texts.wrong("too-short"), texts.saw("answered"), what=quoted(_say(text)), came=came)
    if await _listed(client) is None:
        raise await stage.silence(client, texts.wrong("no-go-on"), ended=texts.wrong("no-go-on"))
    return filled(texts.saw("all-answered"), count=sum(map(len, MISTAKES)))


async def _not_answered(stage: Stage, client: Client, said: str) -> Failure:
    end = client.end
    if end is None:
        return await stage.silence(client, texts.wrong("mistake-unanswered"), what=quoted(said))
    told = await stage.cause()
    if told is not None and told[0] is general.NOT_AWAITED:
        return Failure(told[0], texts.saw("ended"), what=quoted(said), end=end, error=told[1])
    error = told[1] if told is not None else None
    fault = texts.wrong("mistake-raises") if error is not None else texts.wrong("mistake-ends")
    return Failure(fault, texts.saw("ended"), what=quoted(said), end=end, error=error)


# Size


async def size(stage: Stage) -> Text:
    """Bytes end with 1003, and a message of more than 2,000 bytes with 1009; one of just so many is a mistake."""
    client = await _come_in(stage, "A", stage.unique("Ada"))
    await client.send(_WHO.encode())
    await _shown_out(stage, client, 1003, quoted(_WHO.encode()), texts.wrong("takes-bytes"))
    padding = LARGEST - len(_say("").encode())
    fits = await _come_in(stage, "B", stage.unique("Bora"))
    await fits.send(_say("a" * padding))
    await fits.next()
    if fits.end is not None and fits.end.code == 1009:
        what = filled(texts.saw("so-large"), count=LARGEST)
        raise Failure(texts.wrong("too-small"), texts.saw("ended"), what=what, end=fits.end)
    for who, text, stays in (
        ("C", "a" * (padding + 1), texts.wrong("any-size")),
        ("D", "ş" * (LARGEST // 2), texts.wrong("counts-letters-for-bytes")),
    ):
        large = await _come_in(stage, who, stage.unique("Cem"))
        said = _say(text)
        await large.send(said)
        await large.next(within=stage.deadlines.step / 4)
        await _shown_out(stage, large, 1009, filled(texts.saw("so-large"), count=len(said.encode())), stays)
    return filled(texts.saw("bounded"), largest=LARGEST)


# Rate


async def rate(stage: Stage) -> Text:
    """Ten messages at once are answered, again and again; who sends more within the window gets 1008."""
    name = stage.unique("Ada")  # of both: it is each client that may send so many
    alice, bob = [await _come_in(stage, who, name) for who in "AB"]
    for client, refused in ((alice, texts.wrong("too-strict")), (bob, texts.wrong("one-budget"))):
        await _ten(stage, client, refused)
    again = stage.clock() + WINDOW * 1.1
    for who, said, free in (("C", _WHO, texts.wrong("no-limit")), ("D", "{", texts.wrong("mistakes-are-free"))):
        eager = await _come_in(stage, who, stage.unique("Can"))
        before, begun = len(eager.messages), stage.clock()
        await eager.send(said)
        if await eager.next() is None:  # what becomes of one mistake is another check's business
            continue
        await _too_many(stage, eager, said)
        end = await _shown_out(stage, eager, 1008, f"{TOO_MANY} × {said}", free)
        answers = len(eager.messages) - before
        if answers > MOST + (end.at - begun) / WINDOW * MOST:
            what = f"{TOO_MANY} × {said}"
            raise Failure(texts.wrong("too-lenient"), texts.saw("answers"), count=answers, what=what, most=MOST)
    await asyncio.sleep(max(0, again - stage.clock()))
    await _ten(stage, alice, texts.wrong("never-again"))
    return filled(texts.saw("limited"), most=MOST, many=TOO_MANY)


async def _too_many(stage: Stage, client: Client, said: str) -> None:
    """Send more messages than the server may answer, again where the machine stood still in between."""
    for _ in range(3):
        before, begun = len(client.messages), stage.clock()
        await client.send(*[said] * TOO_MANY)
        await stage.until(lambda: True if len(client.messages) - before >= TOO_MANY or not client.open else None)  # noqa: B023
        if not client.open or stage.clock() - begun < WINDOW * TOO_MANY / MOST / 2:
            return


async def _ten(stage: Stage, client: Client, refused: Misconception) -> None:
    before = len(client.messages)
    await client.send(*[_WHO] * MOST)
    await stage.until(lambda: True if len(client.messages) - before >= MOST or not client.open else None)
    await stage.pause()
    came = len(client.messages) - before
    if client.end is not None and client.end.code != 1006:
        what = f"{MOST} × {_WHO}"
        raise Failure(refused, texts.saw("answers-and-end"), what=what, count=came, end=client.end)
    if came < MOST:
        raise await stage.silence(client, refused, ended=refused)


# The end of a session


async def expiry(stage: Stage) -> Text:
    """A session ends with 3000 when its token does, be it silent or busy; another one goes on."""
    gina = await _come_in(stage, "G", stage.unique("Gül"))
    eda, filiz = [stage.unique(name) for name in ("Eda", "Filiz")]
    silent, silent_over = await _for_a_while(stage, "E", eda)
    busy, busy_over = await _for_a_while(stage, "F", filiz)
    late, looked_again = busy_over + stage.deadlines.step, False
    pace = max(LIFETIME, busy_over - stage.clock()) / 6  # a longer session has no more messages
    while busy.open and stage.clock() < late:
        await busy.send(_WHO)
        await asyncio.sleep(pace)
        if busy.open and stage.clock() > late and not looked_again:
            late, looked_again = stage.clock() + await stage.deadlines.extension(), True
    if busy.open:
        stays = texts.wrong("session-never-ends") if silent.open else texts.wrong("ends-if-they-are-silent")
        raise await _stays(stage, busy, 3000, texts.saw("over"), stays)
    for client, over in ((silent, silent_over), (busy, busy_over)):
        end = await _shown_out(stage, client, 3000, texts.saw("over"), texts.wrong("ends-if-they-talk"))
        if end.at < over - LIFETIME / 20:
            early = over - end.at
            raise Failure(texts.wrong("ends-too-early"), texts.saw("ended-before"), seconds=early, end=end)
    here = await _names_left(stage, gina, (eda, filiz))
    if here is None:
        raise await stage.silence(gina, ended=texts.wrong("ends-for-all"), closes=texts.wrong("ends-for-all"))
    left = [name for name in (eda, filiz) if name in here]
    if left and await _takes_off(stage, gina):
        raise Failure(texts.wrong("lists-the-gone"), texts.saw("listed"), names=", ".join(left))
    return filled(texts.saw("expired"), seconds=end.at - busy_over)


async def _takes_off(stage: Stage, watcher: Client) -> bool:
    """Whether a guest who leaves by itself is taken off the list: where none is, another check says so."""
    with stage.off_the_record():
        name = stage.unique("Hale")
        await (await _come_in(stage, "H", name)).close()
        return name not in (await _names_left(stage, watcher, (name,)) or ())


async def _for_a_while(stage: Stage, who: str, name: str) -> tuple[Client, float]:
    """A client whose token will soon be over, and when it will be, on the stage's clock.

    A machine that stands still may let the time pass at the door: then it comes again, with more time.

    Raises:
        Waits: it was not welcomed.
    """
    for times in (1, 2, 4):
        lifetime = LIFETIME * stage.deadlines.stretch * times
        over = stage.clock() + lifetime
        client = await _show(stage, who, new_token(name, lifetime))
        if await client.next(_is("welcome")) is not None:
            return client, over
    raise Waits("enter", texts.wrong("welcome-first"), texts.saw("not-welcomed"), who=who)


# Nothing of the inside


async def quiet(stage: Stage) -> Text:
    """What strangers are told holds one word for each mistake, and no exception, path, class or token."""
    ada = stage.unique("Ada")
    shown = new_token(ada)
    alice = await _come_in(stage, "A", ada, shown)
    told: list[tuple[str, str]] = []
    for said in ("{", '{"type": "dance"}', _say(5), _say("a" * (LONGEST + 1))):
        await alice.send(said)
        came = await alice.next()
        if came is None or fields_of(came).get("type") != "error":
            raise Waits("mistakes", texts.wrong("mistakes-first"), texts.saw("answered"), what=said, came=came or "–")
        fields = fields_of(came)
        _tell_nothing(said, came.text, quoted(came.data))
        if fields.keys() != {"type", "error"} or not _WORD.fullmatch(str(fields["error"])):
            raise Failure(texts.wrong("more-than-a-word"), texts.saw("answered"), what=quoted(said), came=came)
    await alice.send(_WHO, _say(stage.unique("Selam")))
    await alice.next(_is("said"))
    for message in alice.messages:
        if shown.rpartition(":")[2] in message.text:
            raise Failure(texts.wrong("tells-the-token"), texts.saw("told-a-token"), came=message)
    stranger = await stage.try_connect("?", origin=STRANGER)
    if isinstance(stranger, Refusal):
        told.append((STRANGER, stranger.body.decode(errors="replace")))
    for first in ("{", _hello("tahmin:1:ı"), _hello(5)):
        client = await stage.connect("?")
        await client.send(first)
        end = await client.ended()
        told += [(first, message.text) for message in client.messages]
        told.append((first, end.reason if end is not None else ""))
    for wrong in (b"\x00\xff", "a" * (LARGEST + 1)):
        await alice.send(wrong)
        await alice.ended()
    told.append(("…", alice.end.reason if alice.end is not None else ""))
    for said, answer in told:
        _tell_nothing(said, answer, quoted(answer))
    return filled(texts.saw("told-little"), came=came)


def _tell_nothing(said: str, answer: str, shown: str) -> None:
    found = _SIGNS.search(answer)
    if found is not None:
        sign = found[0]
        raise Failure(
            texts.wrong("tells-the-inside"), texts.saw("told-the-inside"), what=quoted(said), came=shown, sign=sign
        )


# Everybody else


async def alive(stage: Stage) -> Text:
    """After all that strangers and guests do wrong, the others talk on, and nobody is listed who has left."""
    ada, bora = [stage.unique(name) for name in ("Ada", "Bora")]
    alice = await _come_in(stage, "A", ada)
    bob = await _come_in(stage, "B", bora)
    troubled = [stage.unique(name) for name in ("Deniz", "Ece", "Fuat", "Gamze", "Hakan")]
    guests = [await _come_in(stage, name[0], name) for name in troubled]
    wrong: tuple[str | bytes, ...] = (b"\x00\xff", "a" * (LARGEST + 1))
    for guest, said in zip(guests, wrong, strict=False):
        await guest.send(said)
        await guest.ended(within=stage.deadlines.step / 2)
        await guest.close()
    stranger = await stage.connect("?")
    await stranger.send(_hello("tahmin"))
    await stranger.ended(within=stage.deadlines.step / 2)
    await stage.try_connect("?", origin=STRANGER)
    # An exception in the place of the right ending costs the check of that ending.
    before = await _errors(stage)
    if late := list(filter(causes.is_out_of_turn, before)):
        raise Failure(texts.wrong("goes-on-behind-the-close"), texts.saw("raised"), error=late[0])
    for leave in (Client.close, Client.reset, Client.fin):
        await leave(await stage.connect("?"))
    for guest, leave in zip(guests[2:], (Client.close, Client.reset, Client.fin), strict=True):
        await leave(guest)
    for speaker, listener in ((alice, bob), (bob, alice)):
        text = stage.unique("Kim kaldı?")
        await speaker.send(_say(text))
        if await listener.next(lambda one, text=text: fields_of(one).get("text") == text) is None:  # type: ignore[misc]
            raise await _lost(stage, listener, speaker)
    names = await _names_left(stage, bob, troubled)
    if names is None:
        raise await stage.silence(bob, texts.wrong("others-not-told"), ended=texts.wrong("others-ended"))
    if left := [name for name in troubled if name in names]:
        raise Failure(texts.wrong("lists-the-gone"), texts.saw("listed"), names=", ".join(left))
    if errors := (await _errors(stage))[len(before) :]:
        raise Failure(texts.wrong("raises-at-trouble"), texts.saw("raised"), error=errors[0])
    return texts.saw("undisturbed")


async def _names_left(stage: Stage, client: Client, gone: Sequence[str]) -> list[object] | None:
    """Who is listed, once none of those who are gone is; else who is after some looks."""
    for _ in range(4):
        names = await _listed(client)
        if names is None or not set(gone) & set(map(str, names)):
            return names
        await stage.pause()
    return names


async def _lost(stage: Stage, client: Client, speaker: Client) -> Failure:
    who = speaker if speaker.end is not None else client
    told = await stage.cause()
    if told is not None and causes.is_out_of_turn(told[1]):
        return Failure(texts.wrong("sends-to-the-gone"), texts.saw("raised"), error=told[1])
    return await stage.silence(who, texts.wrong("others-not-told"), ended=texts.wrong("others-ended"))


# The learner's tests

ENOUGH = 3
"""How many of the wrong servers the tests have to find together."""

_TEST_TIME = 3
"""Seconds that a test may take on a quiet machine; `visit()` waits for two where no answer comes."""


async def tests(stage: Stage) -> Text:
    """The tests pass with the right server, and together they find three of the wrong ones."""
    about = called(stage)
    given = about.given
    if not isinstance(given, list | tuple) or not given or not all(map(callable, given)):
        raise Failure(texts.wrong("no-tests"), texts.saw("came-for-tests"), came=repr(given)[:60])
    house = Served(guarded_chat())
    await house.start()
    found: set[str] = set()
    try:
        address = "ws://{}:{}".format(*house.address)
        for test in given:
            name = getattr(test, "__name__", "…")
            about.given = test
            error = await _fails(stage, f"{address}/{RIGHT}")
            if error is not None:
                raise Failure(texts.wrong("fails-at-the-right"), texts.saw("failed"), name=name, error=error)
            for fault, meaning in FAULTS.items():
                if await _fails(stage, f"{address}/{fault}") is not None:
                    found.add(fault)
                    stage.note("", "", filled(texts.saw("test-found"), name=name, fault=meaning))
    finally:
        about.given = given
        await house.stop()
    if len(found) < ENOUGH:
        seen = filled(texts.saw("found"), count=len(found), faults=len(FAULTS))
        raise Failure(texts.wrong("tests-find-too-little"), seen, enough=ENOUGH)
    return filled(texts.saw("found"), count=len(found), faults=len(FAULTS))


async def _fails(stage: Stage, url: str) -> object:
    """What a test raises against the server at `url`; None where it passes.

    Raises:
        Failure: it is no coroutine function, does not come to its end, or blocks the loop.
    """
    with stage.aside():
        try:
            await call(stage, url, within=_TEST_TIME * stage.deadlines.stretch + 1)
        except FunctionRaised as failure:
            return failure.error
    return None


LAB = Lab.of(
    texts,
    "L8-guarded",
    Check.of(texts, "warmup", warm_up, points=0, app="porch"),
    Check.of(texts, "enter", enter, points=2),
    Check.of(texts, "origin", origin, points=2, needs="enter"),
    Check.of(texts, "token", token, points=2, needs="enter"),
    Check.of(texts, "patience", patience, points=1, needs="enter"),
    Check.of(texts, "say", say, points=2, needs="enter"),
    Check.of(texts, "mistakes", mistakes, points=2, needs="enter"),
    Check.of(texts, "size", size, points=1, needs="enter"),
    Check.of(texts, "rate", rate, points=1, needs="enter"),
    Check.of(texts, "expiry", expiry, points=1, needs="enter"),
    Check.of(texts, "quiet", quiet, points=1, needs="enter"),
    Check.of(texts, "alive", alive, points=1, needs="enter"),
    Check.of(texts, "tests", tests, points=0, app="TESTS", calls=True, budget=30),
)
