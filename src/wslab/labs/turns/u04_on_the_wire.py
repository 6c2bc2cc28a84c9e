"""Unit 04: a frame, its mask, the ways to write a length, and what a close frame carries, byte by byte."""

from __future__ import annotations

from wslab.labs.calling import call, fault
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage
from wslab.labs.verdict import Misconception
from wslab.language import Text

texts = read_texts("04")

MESSAGES = ("Merhaba", "Çay var mı?", "", "ğ" * 60)
KEYS = {
    b"Merhaba": bytes.fromhex("37fa213d"),
    "Çay hazır.".encode(): bytes.fromhex("01020408"),
    b"": bytes.fromhex("ffffffff"),
}
SIZES = {0: 2, 7: 2, 125: 2, 126: 4, 127: 4, 65_535: 4, 65_536: 10, 1_000_000: 10}
"""By the payload's length, the bytes of a server's header (RFC 6455 §5.2)."""
ENDS = ((1000, ""), (1001, "gidiyorum"), (4000, "çay molası"))


async def frame(stage: Stage) -> Text:
    """A text frame of a server: `81`, the number of bytes, the bytes."""
    for text in MESSAGES:
        data = text.encode()
        right = bytes([0x81, len(data)]) + data
        came = await call(stage, text, plain=True)
        if came != right:
            raise await fault(stage, _frame_fault(came, text), expected=_hex(right), came=_hex(came))
    return texts.saw("frames")


def _frame_fault(came: object, text: str) -> Misconception:
    data = text.encode()
    if not isinstance(came, bytes):
        return texts.wrong("no-bytes")
    if came == data:
        return texts.wrong("no-header")
    if came[:1] != b"\x81":
        return texts.wrong("other-first-byte")
    return texts.wrong("counts-characters") if came[1:2] == bytes([len(text)]) else texts.wrong("other-frame")


async def mask(stage: Stage) -> Text:
    """Each byte changed by one of the key's four, in turn."""
    for data, key in KEYS.items():
        right = bytes(byte ^ key[place % 4] for place, byte in enumerate(data))
        came = await call(stage, data, key, plain=True)
        if came == right:
            continue
        if not isinstance(came, bytes):
            wrong = texts.wrong("no-bytes")
        elif came == data:
            wrong = texts.wrong("leaves-it")
        elif came == bytes(byte ^ key[0] for byte in data):
            wrong = texts.wrong("one-byte-of-the-key")
        else:
            wrong = texts.wrong("other-length") if len(came) != len(data) else texts.wrong("other-mask")
        raise await fault(stage, wrong, expected=_hex(right), came=_hex(came))
    return texts.saw("masked")


async def size(stage: Stage) -> Text:
    """2, 4 or 10 bytes, as the length is written in one byte, in two more or in eight more."""
    found = {length: await call(stage, length, plain=True) for length in SIZES}
    for length, right in SIZES.items():
        came = found[length]
        if came == right:
            continue
        if not isinstance(came, int):
            wrong = texts.wrong("no-number")
        elif came == right + 4:
            wrong = texts.wrong("with-the-key")
        elif all(found[one] == SIZES[one] for one in (7, 1_000_000)):
            wrong = texts.wrong("wrong-limit")
        else:
            wrong = texts.wrong("other-size")
        raise await fault(stage, wrong, texts.saw("for-length"), length=length, came=repr(came)[:40], right=right)
    return texts.saw("sizes")


async def close(stage: Stage) -> Text:
    """Two bytes for the code, the greater part first, then the reason's bytes."""
    for code, reason in ENDS:
        right = code.to_bytes(2, "big") + reason.encode()
        came = await call(stage, code, reason, plain=True)
        if came == right:
            continue
        if not isinstance(came, bytes):
            wrong = texts.wrong("no-bytes")
        elif came[:2] == code.to_bytes(2, "little"):
            wrong = texts.wrong("small-part-first")
        elif came.startswith(str(code).encode()):
            wrong = texts.wrong("digits")
        else:
            wrong = texts.wrong("without-the-reason") if came == right[:2] else texts.wrong("other-payload")
        raise await fault(stage, wrong, expected=_hex(right), came=_hex(came))
    return texts.saw("ends")


def _hex(value: object) -> str:
    shown = value.hex(" ") or "b''" if isinstance(value, bytes) else repr(value)
    return f"`{shown if len(shown) <= 60 else shown[:57] + '…'}`"


TURNS = Lab.of(
    texts,
    "04-on-the-wire",
    Check.of(texts, "turn-1", mask, points=0, app="with_mask", calls=True),
    Check.of(texts, "turn-2", frame, points=0, app="text_frame", calls=True),
    Check.of(texts, "turn-3", size, points=0, app="header_size", calls=True),
    Check.of(texts, "turn-4", close, points=0, app="close_payload", calls=True),
)
