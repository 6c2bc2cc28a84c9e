"""Unit 12: what a broker sends goes to the clients of this process; one of several may tick; who the visitor behind
proxies is; a handler ends with its client and leaves nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

from wslab.labs.calling import call, called, fault
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import STOPS, Stage
from wslab.labs.turns.company import Guest
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled
from wslab.serving.watching import TaskSeen

texts = read_texts("12")

SAID = ["bir", "iki", "üç"]


async def _from_the_broker() -> AsyncIterator[dict[str, object]]:
    """What `pubsub.listen()` gives: the subscription first, then what was published, then the end."""
    yield {"type": "subscribe", "pattern": None, "channel": "room", "data": 1}
    for text in SAID:
        yield {"type": "message", "pattern": None, "channel": "room", "data": text}
    yield {"type": "unsubscribe", "pattern": None, "channel": "room", "data": 0}


async def passed_on(stage: Stage) -> Text:
    """Every text reaches every client that is there, in order, and nothing else does."""
    ada, deniz, bora, cem = (Guest(stage, name, dead=name == "Bora") for name in ("Ada", "Deniz", "Bora", "Cem"))
    clients = [ada, deniz, bora, cem]
    ada.then = lambda: clients.remove(ada) if ada.heard[-1] == SAID[1] and ada in clients else None
    try:
        await call(stage, _from_the_broker(), clients)
    except Failure as failure:
        if "once a close message has been sent" in failure.observed.into("en"):
            raise Failure(texts.wrong("stops-at-the-dead"), failure.observed) from None
        raise
    seen = filled(texts.saw("heard"), ada=ada.heard, deniz=deniz.heard, cem=cem.heard, refused=bora.refused)
    due = {ada: SAID[:2], deniz: SAID, cem: SAID}
    if not any(guest.heard for guest in due):
        raise await fault(stage, texts.wrong("passes-nothing-on"), seen)
    for guest, right in due.items():
        if any(text not in SAID for text in guest.heard):
            raise await fault(stage, texts.wrong("passes-on-more"), seen)
        if guest.heard != right:
            raise await fault(stage, texts.wrong("others-miss-it"), seen)
    return seen


LOCK, LEASE = "ticker", 1000


class Keys:
    """The keys of a broker, on a clock of its own, in milliseconds.

    Attributes:
        now: what the clock says.
    """

    def __init__(self) -> None:
        self.now = 0
        self._held: dict[str, tuple[str, float]] = {}

    def ends(self, key: str) -> float | None:
        """When a key expires, infinity where it never does; None where there is none."""
        _, end = self._held.get(key, ("", 0.0))
        return end if end > self.now else None

    async def set(self, key: str, value: object, *, nx: bool = False, px: int | None = None) -> bool | None:
        """What the learner's code calls, as are `get` and `pexpire`."""
        await asyncio.sleep(0)  # others have their turn before the broker answers
        if nx and self.ends(key) is not None:
            return None
        self._held[key] = str(value), float("inf") if px is None else self.now + px
        return True

    async def get(self, key: str) -> str | None:
        await asyncio.sleep(0)
        return self._held[key][0] if self.ends(key) is not None else None

    async def pexpire(self, key: str, milliseconds: int) -> bool:
        await asyncio.sleep(0)
        if self.ends(key) is None:
            return False
        self._held[key] = self._held[key][0], self.now + milliseconds
        return True


async def one_ticks(stage: Stage) -> Text:
    """Of two that ask at once one may tick; it may again, the other one only once the lock has ended."""

    async def asked(may_tick: Any, post: Keys, *names: str) -> list[bool]:
        async def ask(name: str) -> bool:
            made = may_tick(post, name, LEASE)
            return bool(await made if inspect.isawaitable(made) else made)

        return await asyncio.gather(*map(ask, names))

    called(stage).through = asked
    post = Keys()

    async def ask(*names: str) -> list[bool]:
        came: list[bool] = await call(stage, post, *names, plain=True)
        return came

    at_once = await ask("A", "B")
    seen = filled(texts.saw("asked-at-once"), a=at_once[0], b=at_once[1])
    if not any(at_once):
        raise await fault(stage, texts.wrong("nobody-ticks"), seen)
    if all(at_once):
        raise await fault(stage, texts.wrong("both-tick"), seen)
    first, other = ("A", "B") if at_once[0] else ("B", "A")
    if post.ends(LOCK) is None:
        raise await fault(stage, texts.wrong("no-lock"), seen)
    if post.ends(LOCK) == float("inf"):
        raise await fault(stage, texts.wrong("lock-for-ever"), seen)

    async def later(milliseconds: int, who: str, right: bool, wrong: Misconception) -> None:
        post.now += milliseconds
        (came,) = await ask(who)
        if came is not right:
            about = filled(texts.saw("asked-later"), who=who, came=came, now=post.now, first=first)
            raise await fault(stage, wrong, about)

    await later(600, first, True, texts.wrong("holder-may-not"))
    await later(600, other, False, texts.wrong("not-renewed"))
    await later(500, other, True, texts.wrong("strangers-renew"))
    await later(0, first, False, texts.wrong("takes-it-away"))
    return texts.saw("one-ticked")


OWN = {"127.0.0.1", "10.0.0.2"}
ADA, LIE = "203.0.113.7", "198.51.100.1"
VISITS = [
    (ADA, [], ADA),
    ("127.0.0.1", [ADA], ADA),
    ("127.0.0.1", [ADA, "10.0.0.2"], ADA),
    ("127.0.0.1", [LIE, ADA, "10.0.0.2"], ADA),
    (ADA, [LIE], ADA),
    ("127.0.0.1", ["10.0.0.2"], "10.0.0.2"),
]
"""The other end of the connection, the header, and who the visitor is."""


async def visitor_found(stage: Stage) -> Text:
    """From the right end, the first address that is none of one's own proxies."""
    for peer, forwarded, right in VISITS:
        came = await call(stage, peer, list(forwarded), set(OWN), plain=True)
        seen = filled(texts.saw("found"), peer=peer, forwarded=forwarded, came=repr(came), right=right)
        if came == right:
            continue
        if came == LIE and peer in OWN:
            raise await fault(stage, texts.wrong("believes-the-left-end"), seen)
        if came == LIE:
            raise await fault(stage, texts.wrong("believes-a-stranger"), seen)
        if right in OWN:
            raise await fault(stage, texts.wrong("nobody-left"), seen)
        if came in ("127.0.0.1", "10.0.0.2"):
            raise await fault(stage, texts.wrong("names-a-proxy"), seen)
        raise await fault(stage, texts.wrong("other-address"), seen)
    return seen


_judgements: set[object] = set()


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """A task that waits for a queue which nobody else holds would be collected with it, and not seen to be left."""
    mine = object()
    _judgements.add(mine)
    gc.disable()
    try:
        yield
    finally:
        _judgements.discard(mine)
        if not _judgements:  # another thread may judge as well
            gc.enable()


async def ends_with_the_server(stage: Stage) -> Text:
    """The news come, the handler stays, and a shutdown ends it and its task."""
    with _uncollected():
        return await _ending(stage)


async def _ending(stage: Stage) -> Text:
    unfinished: tuple[TaskSeen, ...] = ()
    # A machine that stood still is broken off once; a handler that waits for its queue, each time.
    for _ in range(STOPS):
        alice = await stage.connect("A")
        if await alice.next() is None:
            raise await stage.silence(alice, texts.wrong("no-news"), ended=texts.wrong("ends-at-once"))
        await alice.send("çay")
        await stage.pause()
        if alice.end is not None:
            raise Failure(texts.wrong("ends-at-once"), texts.saw("ended"), code=alice.end.code)
        before = len(stage.raised_so_far())
        unfinished = tuple(one for one in await stage.stop_server() if one.state != "thread")
        broken_off = stage.shutdown_broken_off(before)
        await stage.restart_server()
        if not broken_off:
            break
    else:
        raise Failure(texts.wrong("does-not-end"), texts.saw("broken-off"))
    if unfinished:
        raise Failure(texts.wrong("task-left"), texts.saw("left"), place=unfinished[0].place or "–")
    return texts.saw("ended-whole")


TURNS = Lab.of(
    texts,
    "12-more-than-one-process",
    Check.of(texts, "turn-1", passed_on, points=0, app="pass_on", calls=True),
    Check.of(texts, "turn-2", one_ticks, points=0, app="may_tick", calls=True),
    Check.of(texts, "turn-3", visitor_found, points=0, app="visitor", calls=True),
    Check.of(texts, "turn-4", ends_with_the_server, points=0, app="station"),
)
