"""L1, echo and count: the document's first server, judged by what its clients receive."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

from wslab.labs import causes, general
from wslab.labs.document import (
    ECHO,
    RELAY,
    answer_to_nothing,
    besides,
    blame_ghosts,
    count_becomes,
    counted,
    hold_at_rest,
    is_answer,
    is_by_server,
    is_relay,
    miscounted,
    settled_count,
    wrong_text,
)
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Client, Message, Refusal, Stage, quoted
from wslab.language import Text, filled

texts = read_texts("L1")

MESSAGES = 50
EARLY_LEAVERS = 3

# Accepting


async def accept(stage: Stage) -> Text:
    """The handshake is answered with 101."""
    await _open(stage, "A")
    return texts.saw("opened")


async def _open(stage: Stage, who: str) -> None:
    found = await stage.try_connect(who)
    if isinstance(found, Refusal):
        raised = await stage.raised()
        if any("accept' was never awaited" in one.text for one in raised):
            raise await stage.no_connection(found, texts.wrong("accept-not-awaited"))
        raise await stage.no_connection(found)


# The warm-up

GREETING = "Merhaba"


async def warm_up(stage: Stage) -> Text:
    """The mended handler opens the connection and greets."""
    await _open(stage, "A")
    client = stage.clients[0]
    came = await client.next()
    if came is None:
        raise await stage.silence(client, ended=general.ENDED)
    if came.data != GREETING:
        raise Failure(texts.wrong("wrong-greeting"), expected=quoted(GREETING), came=came)
    return filled(texts.saw("greeted"), came=came)


# The echo

SENT = 'İğne iplik, çay & ıhlamur;\nşişede 2  üzüm < 3 "nar" 🫖'


async def echo(stage: Stage) -> Text:
    """One message with Turkish letters comes back behind the prefix, exactly."""
    alice = await stage.connect("A")
    text = f"  {stage.unique(SENT)} "
    expected = ECHO + text
    await alice.send(text)
    came = await alice.next(is_answer)
    if came is None:
        raise await stage.silence(alice, texts.wrong("no-echo"), ended=texts.wrong("ends-at-once"))
    if came.data != expected:
        raise wrong_text(came, ECHO, text, general.UNFORESEEN)
    return filled(texts.saw("echoed"), came=came)


# The order


async def order(stage: Stage) -> Text:
    """Fifty messages that are sent without waiting are answered in their order."""
    try:
        return await _order(stage)
    except Failure as failure:
        raise await blame_ghosts(stage, failure, "count") from None


async def _order(stage: Stage) -> Text:
    alice = await stage.connect("A")
    mark = stage.unique("·")
    sent = [f"{number:02d} {mark}" for number in range(1, MESSAGES + 1)]
    await alice.send(*sent)
    numbers: list[int] = []
    while len(numbers) < MESSAGES:
        came = await alice.next(is_answer)
        if came is None:
            break
        numbers += [number for number, text in enumerate(sent, 1) if text in came.text]
        if not numbers and len(alice.messages) >= MESSAGES:
            break
    if not numbers:
        if answers := [message for message in alice.messages if is_answer(message)]:
            raise Waits(
                "echo", texts.wrong("no-message-in-the-answer"), expected=quoted(ECHO + sent[0]), came=answers[0]
            )
        if alice.end is not None and await _answers_one(stage):
            raise await stage.silence(alice, ended=texts.wrong("returns-after-one"))
        raise await stage.silence(alice, texts.wrong("no-echo"), ended=texts.wrong("ends-at-once"))
    await stage.pause()
    late = [message for message in alice.messages if is_answer(message)][len(numbers) :]
    numbers += [number for message in late for number, text in enumerate(sent, 1) if text in message.text]
    wanted = list(range(1, MESSAGES + 1))
    if numbers == wanted:
        await answer_to_nothing(stage, alice)  # whatever its wording
        return filled(texts.saw("in-order"), count=MESSAGES)
    shown = filled(texts.saw("numbers"), numbers=_shortened(numbers))
    if len(set(numbers)) < len(numbers):
        again = texts.wrong("answers-twice") if len(set(numbers)) > 1 else texts.wrong("never-receives-again")
        raise Failure(again, shown)
    if sorted(numbers) == wanted:
        raise Failure(texts.wrong("out-of-order"), shown)
    if len(numbers) == 1 and alice.end is not None:
        raise await stage.silence(alice, ended=texts.wrong("returns-after-one"))
    raise await stage.silence(alice, texts.wrong("loses-some"), sent=MESSAGES, count=len(numbers))


async def _answers_one(stage: Stage) -> bool:
    # A server that closes on unread messages may take its own last answer down with it (RFC 9293 §3.10.7.4).
    bob = await stage.connect("B")
    await bob.send(text := stage.unique("·"))
    return await bob.next(lambda message: text in message.text) is not None


def _shortened(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:12])) + (" …" if len(numbers) > 12 else "")


# The count


async def count(stage: Stage) -> Text:
    """`GET /` counts those who are connected: 0 → 2 → 1 → 0."""
    base = await settled_count(stage)
    alice, bob = [await stage.connect(who) for who in "AB"]
    came = await count_becomes(stage, base + 2)
    base = besides(stage, 2, came, base)
    if came != base + 2:
        fault = texts.wrong("never-counts") if came == base else texts.wrong("counts-late")
        fault = texts.wrong("one-for-both") if came == base + 1 else fault
        fault = texts.wrong("counts-each-twice") if came >= base + 4 else fault
        raise await miscounted(stage, fault, counted(2, came, base))
    for client, left in ((alice, 1), (bob, 0)):
        await client.close()
        came = await count_becomes(stage, base + left)
        if came > base + left:
            raise (await miscounted(stage, texts.wrong("never-removes"), counted(left, came, base))).earning(1)
        if came < base + left:
            raise Failure(texts.wrong("removes-too-many"), counted(left, came, base)).earning(1)
    for _ in range(EARLY_LEAVERS):
        await stage.leave_early()
    await stage.connect("C")
    came = await count_becomes(stage, base + 1)
    if came != base + 1:
        raise Failure(texts.wrong("counts-before-accept"), counted(1, came, base)).earning(1)
    hold_at_rest(stage, base)
    if errors := [one for one in await stage.raised() if not one.warning]:
        removal = errors[0].name in ("ValueError", "KeyError", "IndexError")
        fault = texts.wrong("cleanup-raises") if removal else causes.meaning_of(errors[0])
        raise Failure(fault, texts.saw("raised"), error=errors[0]).earning(1)
    return filled(texts.saw("counted"), base=base, one=base + 1, two=base + 2)


# The relay


_BY_GHOSTS = (
    texts.wrong("no-relay"),
    texts.wrong("relays-to-some"),
    texts.wrong("ends-while-relaying"),
    texts.wrong("returns-after-one"),
)
"""What a connection that is gone and still in the list can bring about: the send to it ends the handler."""


async def relay(stage: Stage) -> Text:
    """A message reaches each other client once, and its sender not at all."""
    try:
        return await _relay(stage)
    except Failure as failure:
        if failure.error is None and failure.misconception not in _BY_GHOSTS:
            raise
        blamed = await blame_ghosts(stage, failure, "count")
        if blamed.misconception is texts.wrong("returns-after-one"):
            blamed = Waits("order", texts.wrong("returns-after-one"), failure.observed)
        raise blamed from None


async def _relay(stage: Stage) -> Text:
    clients = [await stage.connect(who) for who in "ABC"]
    for speaker in clients:
        heard = await _relayed(stage, speaker, [client for client in clients if client is not speaker])
    return filled(texts.saw("relayed"), came=heard)


async def _relayed(stage: Stage, speaker: Client, others: Sequence[Client]) -> Message:
    """One of the others' messages, where each of them was told once and exactly what the speaker said."""
    text = f" {stage.unique('Çay hazır')} "
    before = {client: len(client.messages) for client in (speaker, *others)}
    await speaker.send(text)
    # Who got what is read off the lists below; these only wait until it is there.
    waits = [other.next(lambda message: not is_by_server(message)) for other in others]
    answered, *came = await asyncio.gather(speaker.next(is_answer), *waits)
    if answered is not None or any(came):
        await stage.pause()  # the same may come twice

    def got(client: Client) -> list[Message]:
        return [message for message in client.messages[before[client] :] if not is_by_server(message)]

    heard = [got(other) for other in others]
    counts = ", ".join(f"{other.who}: {len(messages)}" for other, messages in zip(others, heard, strict=True))
    seen = filled(texts.saw("who-got"), speaker=speaker.who, sent=quoted(text), counts=counts)
    if any(client.end is not None for client in (speaker, *others)):
        raise await _ended(stage, speaker, answered, seen)
    if to_self := [message for message in got(speaker) if is_relay(message)]:
        seen = filled(texts.saw("to-self"), speaker=speaker.who, sent=quoted(text), came=to_self[0])
        fault = texts.wrong("relays-to-self") if any(heard) else texts.wrong("relays-to-self-alone")
        raise Failure(fault, seen)
    if not any(heard):
        if answered is None:
            raise await stage.silence(speaker, texts.wrong("no-echo"))
        raise Failure(texts.wrong("no-relay"), seen)
    if not all(heard):
        raise Failure(texts.wrong("relays-to-some"), seen)
    for message in itertools.chain(*heard):
        if message.data != RELAY + text:
            if message.text == ECHO + text:
                raise Failure(texts.wrong("same-text-to-all"), expected=quoted(RELAY + text), came=message)
            raise wrong_text(message, RELAY, text, texts.wrong("wrong-relay-text"))
    if any(len(messages) > 1 for messages in heard):
        raise Failure(texts.wrong("relays-twice"), seen)
    if len(got(speaker)) > 1:
        seen = filled(texts.saw("answers"), speaker=speaker.who, sent=quoted(text), count=len(got(speaker)))
        raise Failure(texts.wrong("answers-twice"), seen)
    return heard[0][0]


async def _ended(stage: Stage, speaker: Client, answered: Message | None, seen: Text) -> Failure:
    """What to raise where a connection ended when one client's message was told to the others."""
    if told := await stage.cause():
        return Failure(told[0], seen, error=told[1])
    if answered is None:
        return await stage.silence(speaker, texts.wrong("no-echo"), ended=texts.wrong("ends-at-once"))
    if await _answers_two(stage):
        return Failure(texts.wrong("ends-while-relaying"), seen, speaker=speaker.who)
    return Failure(texts.wrong("returns-after-one"), seen)


async def _answers_two(stage: Stage) -> bool:
    """Whether a client alone is answered more than once."""
    with stage.aside():
        await stage.dismiss()
        dave = await stage.connect("D")
        for _ in range(2):
            await dave.send(stage.unique("·"))
            if await dave.next(is_answer) is None:
                return False
    return True


LAB = Lab.of(
    texts,
    "L1-echo",
    Check.of(texts, "warmup", warm_up, points=0, app="door"),
    Check.of(texts, "accept", accept, points=2),
    Check.of(texts, "echo", echo, points=2, needs="accept"),
    Check.of(texts, "order", order, points=2, needs="accept"),
    Check.of(texts, "count", count, points=2, needs="accept"),
    Check.of(texts, "relay", relay, points=2, needs="accept"),
)
