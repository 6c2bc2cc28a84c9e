"""Unit 03: an address beside the page, a message as an item of a list, the codes and reasons of a page."""

from __future__ import annotations

from html.parser import HTMLParser

from wslab.labs.calling import call, fault
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage
from wslab.labs.verdict import Misconception
from wslab.language import Text

texts = read_texts("03")

ADDRESSES = {
    "http://127.0.0.1:53211/chat": "ws://127.0.0.1:53211/ws",
    "https://jupyter.example/user/ada/proxy/53211/chat": "wss://jupyter.example/user/ada/proxy/53211/ws",
    "https://http.example/sohbet/": "wss://http.example/sohbet/ws",
}
MESSAGES = ("Merhaba", '<img src="x:" onerror="report()">', "1 < 2 && 3 > 2", "a &amp; b")
CODES = {
    1000: True,
    999: False,
    1001: False,
    1008: False,
    2999: False,
    3000: True,
    4000: True,
    4999: True,
    5000: False,
}
LONGEST = 123
"""Bytes that a reason may have: a close frame holds 125, and the code takes two (RFC 6455 §5.5)."""
REASONS = {
    "mola": "mola",
    "i" * 123: "i" * 123,
    "ı" * 100: "ı" * 61,
    "a" + "ı" * 100: "a" + "ı" * 61,
    "€" * 50: "€" * 41,
}


async def address(stage: Stage) -> Text:
    """The WebSocket's address stands beside the page's, with the scheme that belongs to it."""
    for page, right in ADDRESSES.items():
        came = await call(stage, page, plain=True)
        if came != right:
            raise await fault(stage, _address_fault(came, page), expected=f"`{right}`", came=_short(came))
    return texts.saw("beside")


def _address_fault(came: object, page: str) -> Misconception:
    if not isinstance(came, str):
        return texts.wrong("no-text")
    if came.startswith("http"):
        return texts.wrong("still-http")
    if came.endswith(f"{page.rpartition('/')[2]}/ws") and not page.endswith("/"):
        return texts.wrong("inside-the-page")
    return texts.wrong("from-the-top") if came.count("/") == 3 else texts.wrong("other-address")


class _Item(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.text += data


async def item(stage: Stage) -> Text:
    """An item of a list, in which a browser reads the message as it was sent."""
    for message in MESSAGES:
        came = await call(stage, message, plain=True)
        if not isinstance(came, str):
            raise await fault(stage, texts.wrong("no-text"), expected=f"`<li>{message}</li>`", came=_short(came))
        read = _Item()
        read.feed(came)
        read.close()
        if read.tags == ["li", "/li"] and read.text == message:
            continue
        if read.tags[:1] != ["li"] or read.tags[-1:] != ["/li"]:
            wrong = texts.wrong("no-item")
        else:
            wrong = texts.wrong("read-as-html") if len(read.tags) > 2 else texts.wrong("other-text")
        raise await fault(stage, wrong, texts.saw("read"), message=message, came=_short(came), text=_short(read.text))
    return texts.saw("as-text")


async def codes(stage: Stage) -> Text:
    """`True` for each code that a page may close with, `False` for every other one."""
    for code, right in CODES.items():
        came = await call(stage, code, plain=True)
        if came is not True and came is not False:
            raise await fault(stage, texts.wrong("no-truth"), texts.saw("for-code"), code=code, came=_short(came))
        if came is not right:
            wrong = texts.wrong("lets-it-pass") if came else texts.wrong("forbids-it")
            raise await fault(stage, wrong, texts.saw("for-code"), code=code, came=came)
    return texts.saw("codes")


async def reason(stage: Stage) -> Text:
    """As many whole letters from the beginning as fit into 123 bytes."""
    for given, right in REASONS.items():
        came = await call(stage, given, plain=True)
        if came == right:
            continue
        if not isinstance(came, str):
            wrong = texts.wrong("no-text")
        elif "\N{REPLACEMENT CHARACTER}" in came:
            wrong = texts.wrong("half-a-letter")
        elif len(came.encode()) > LONGEST:
            wrong = texts.wrong("longer-than-fits")
        else:
            wrong = texts.wrong("other-reason")
        size = len(came.encode()) if isinstance(came, str) else _short(came)
        raise await fault(stage, wrong, texts.saw("bytes"), given=_short(given), size=size, right=len(right.encode()))
    return texts.saw("reasons")


def _short(value: object) -> str:
    shown = repr(value)
    return f"`{shown if len(shown) <= 60 else shown[:57] + '…'}`"


TURNS = Lab.of(
    texts,
    "03-browser-page",
    Check.of(texts, "turn-1", address, points=0, app="websocket_address", calls=True),
    Check.of(texts, "turn-2", item, points=0, app="list_item", calls=True),
    Check.of(texts, "turn-3", codes, points=0, app="page_may_send", calls=True),
    Check.of(texts, "turn-4", reason, points=0, app="short_reason", calls=True),
)
