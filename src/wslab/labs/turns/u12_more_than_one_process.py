"""Unit 12: what a broker sends goes to the clients of this process; who the visitor behind
proxies is; a handler ends with its client and leaves nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

from wslab.labs.calling import call, fault
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage
from wslab.labs.turns.company import Guest
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


_BROKEN_OFF = "timeout graceful shutdown exceeded"  # uvicorn's words for a handler that it has cancelled
_STOPS = 2


async def ends_with_the_server(stage: Stage) -> Text:
    """The news come, the handler stays, and a shutdown ends it and its task."""
    unfinished: tuple[TaskSeen, ...] = ()
    # A machine that stood still is broken off once; a handler that waits for its queue, each time.
    for _ in range(_STOPS):
        alice = await stage.connect("A")
        if await alice.next() is None:
            raise await stage.silence(alice, texts.wrong("no-news"), ended=texts.wrong("ends-at-once"))
        await alice.send("çay")
        await stage.pause()
        if alice.end is not None:
            raise Failure(texts.wrong("ends-at-once"), texts.saw("ended"), code=alice.end.code)
        before = len(stage.raised_so_far())
        unfinished = tuple(one for one in await stage.stop_server() if one.state != "thread")
        broken_off = any(_BROKEN_OFF in one.text for one in stage.raised_so_far()[before:])
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
    Check.of(texts, "turn-2", visitor_found, points=0, app="visitor", calls=True),
    Check.of(texts, "turn-3", ends_with_the_server, points=0, app="station"),
)
