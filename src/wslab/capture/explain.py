"""`explain(frame)`: one frame's bytes as the bit table of RFC 6455 §5.2, filled in."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from websockets.frames import Opcode

from wslab import picture
from wslab.capture import palette
from wslab.capture.decoder import decode_frame
from wslab.capture.errors import CaptureError
from wslab.capture.rows import count_bytes, fields, hexadecimal, quote
from wslab.capture.steps import Frame, Message
from wslab.language import Text, current_language

SHOWN = 16
"""How many bytes of the payload the table shows."""

_ROW = 32  # bits in a row, as in the RFC


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a frame.

    Attributes:
        name: as the RFC has it; a payload byte is called by what it stands for.
        part: `head`, `length`, `key` or `load`: the colour it has in pictures.
        bits: its bits, most significant first.
        value: what they come to, short.
        meaning: what that says.
    """

    name: str
    part: str
    bits: str
    value: str
    meaning: str


FIN = (
    Text(en="more fragments of this message follow", tr="bu mesajın devamı var"),
    Text(en="the last (or only) fragment of its message", tr="mesajının son (ya da tek) parçası"),
)
RSV = Text(en="reserved for extensions: not used", tr="uzantılara ayrılmış: kullanılmıyor")
RSV_SET = Text(
    en="reserved for extensions: set, but none gave it a meaning",
    tr="uzantılara ayrılmış: 1, ama hiçbir uzantı anlam vermedi",
)
RSV_COMPRESSED = Text(en="the message is compressed (RFC 7692)", tr="mesaj sıkıştırılmış (RFC 7692)")
OPCODES: dict[int, Text] = {
    Opcode.CONT: Text(en="continues a fragmented message", tr="parçalanmış bir mesajın devamı"),
    Opcode.TEXT: Text(en="text, in UTF-8", tr="metin, UTF-8 ile"),
    Opcode.BINARY: Text(en="binary data", tr="ikili veri"),
    Opcode.CLOSE: Text(en="closes the connection", tr="bağlantıyı kapatır"),
    Opcode.PING: Text(en="asks: are you there?", tr="sorar: orada mısın?"),
    Opcode.PONG: Text(en="answers a ping", tr="ping'e yanıt verir"),
}
OPCODE_RESERVED = Text(en="reserved: nobody may send it", tr="ayrılmış: gönderilmemeli")
MASK = (
    Text(en="not masked: a server's frame", tr="maskesiz: sunucunun çerçevesi"),
    Text(en="masked: a client's frame, the key follows", tr="maskeli: istemcinin çerçevesi, anahtar geliyor"),
)
LENGTH = Text(en="{bytes} of payload", tr="yük {bytes}")
LENGTH_16 = Text(en="126: the length is in the next 16 bits", tr="126: uzunluk sonraki 16 bitte")
LENGTH_64 = Text(en="127: the length is in the next 64 bits", tr="127: uzunluk sonraki 64 bitte")
KEY = Text(en="each payload byte was XORed with one of these four", tr="her yük baytı bu dördünden biriyle XOR'landı")
UNMASKED = Text(
    en="byte on the wire ⊕ (XOR) byte of the key = byte of the payload",
    tr="hattaki bayt ⊕ (XOR) anahtarın baytı = yükün baytı",
)

PARTS: dict[str, Text] = {
    "head": Text(en="FIN, RSV, opcode, MASK, length", tr="FIN, RSV, işlem kodu, MASK, uzunluk"),
    "length": Text(en="longer length", tr="uzun uzunluk alanı"),
    "key": Text(en="masking key", tr="maske anahtarı"),
    "load": Text(en="payload", tr="yük"),
}
"""What the coloured bytes of a frame are."""

_LENGTH_BYTE = Text(en="payload length, byte {place} of {all}", tr="yük uzunluğunun {place}. baytı ({all} bayttan)")
_KEY_BYTE = Text(en="masking key, byte {place} of 4", tr="maske anahtarının {place}. baytı (4 bayttan)")
_LOAD_BYTE = Text(en="payload, byte {place} of {all}", tr="yükün {place}. baytı ({all} bayttan)")
_CODE = Text(en="code", tr="kod")
_TITLE = Text(en="{name} frame, bit by bit", tr="Bit bit {name} çerçevesi")
_FIELD = Text(en="Field", tr="Alan")
_BITS = Text(en="Bits", tr="Bitler")
_VALUE = Text(en="Value", tr="Değer")
_MEANING = Text(en="Meaning", tr="Anlamı")
_MORE = Text(en="The table leaves {bytes} out.", tr="Tabloda gösterilmeyen: {bytes}.")
_COMPRESSED = Text(
    en="The payload is compressed; inflated it is {content}.", tr="Yük sıkıştırılmış; açılınca {content}."
)
_CONTENT = Text(en="The payload is {content}.", tr="Yük: {content}.")
_NOT_A_FRAME = Text(
    en="explain() takes a frame of a capture, such as wire.frames[0], or the bytes of one; this is {what}.",
    tr="explain(), bir yakalamanın çerçevesini (örneğin wire.frames[0]) ya da çerçeve baytları ister; bu ise {what}.",
)
_NOT_WHOLE = Text(
    en="These {bytes} are no whole frame: a frame has a header of 2 to 14 bytes and the payload that it promises.",
    tr="Bu {bytes} tam bir çerçeve değil: çerçevede 2–14 baytlık bir başlık ve onun bildirdiği yük bulunur.",
)


def frame_fields(frame: Frame) -> Iterator[Field]:
    """The fields of a frame's header, in their order on the wire."""
    raw = frame.raw
    first, second = f"{raw[0]:08b}", f"{raw[1]:08b}"
    yield Field("FIN", "head", first[0], first[0], str(FIN[frame.fin]))
    for number in (1, 2, 3):
        bit = first[number]
        meaning = RSV if bit == "0" else RSV_COMPRESSED if number == 1 and frame.inflated is not None else RSV_SET
        yield Field(f"RSV{number}", "head", bit, bit, str(meaning))
    meaning = OPCODES.get(frame.opcode, OPCODE_RESERVED)
    yield Field("opcode", "head", first[4:], f"0x{frame.opcode:x} {frame.name.partition(' ')[0]}", str(meaning))
    yield Field("MASK", "head", second[0], second[0], str(MASK[frame.masked]))
    wide = frame.length_bits > 7
    size = count_bytes(frame.length)
    told = LENGTH.format(bytes=size)
    seven = str(LENGTH_16 if frame.length_bits == 16 else LENGTH_64) if wide else told
    yield Field("Payload len", "head", second[1:], str(int(second[1:], 2)), seven)
    if wide:
        length = raw[2 : 2 + frame.length_bits // 8]
        bits = "".join(f"{byte:08b}" for byte in length)
        yield Field("Extended payload length", "length", bits, str(frame.length), told)
    if frame.masked:
        bits = "".join(f"{byte:08b}" for byte in frame.key)
        yield Field("Masking-key", "key", bits, hexadecimal(frame.key), str(KEY))


def payload_fields(frame: Frame) -> Iterator[Field]:
    """The first bytes of the payload, each with what it stands for."""
    plain = frame.payload[: SHOWN + 3]  # as a letter may have four bytes
    as_text = frame.inflated is None and not frame.rsv1 and not frame.unreadable
    for number, wire in enumerate(frame.masked_payload[:SHOWN]):
        byte = plain[number]
        if frame.opcode == Opcode.CLOSE and number < 2:
            name = f"{_CODE} {number + 1}/2"
        else:
            name = letter(plain, number) if as_text else f"{byte:02x}"
        value = f"{wire:02x} ⊕ {frame.key[number % 4]:02x} = {byte:02x}" if frame.masked else f"{byte:02x}"
        yield Field(name, "load", f"{wire:08b}", value, str(UNMASKED) if frame.masked else "")


def hover_words() -> dict[str, Any]:
    """The words that the picture's script puts beside the bits of a byte."""
    return {
        "fin": [str(text) for text in FIN],
        "rsv": [str(RSV), str(RSV_SET), str(RSV_COMPRESSED)],
        "opcodes": {str(int(code)): [Opcode(code).name, str(text)] for code, text in OPCODES.items()},
        "opcode": str(OPCODE_RESERVED),
        "mask": [str(text) for text in MASK],
        "length": [LENGTH.format(bytes=count_bytes(0).replace("0", "{n}")), str(LENGTH_16), str(LENGTH_64)],
        "lengthByte": str(_LENGTH_BYTE),
        "keyByte": str(_KEY_BYTE),
        "loadByte": str(_LOAD_BYTE),
        "unmasked": str(UNMASKED),
        "code": str(_CODE),
        "parts": {part: str(text) for part, text in PARTS.items()},
    }


def letter(payload: bytes, place: int) -> str:
    """What a byte of text stands for: the letter, or the place in a letter of several bytes (`ğ 2/2`); else its hex."""
    start = place
    while start and payload[start] & 0xC0 == 0x80 and place - start < 3:
        start -= 1
    for size in range(1, 5):
        try:
            char = payload[start : start + size].decode()
        except UnicodeDecodeError:
            continue
        if len(char) == 1 and char.isprintable() and start + size > place:
            char = "␣" if char == " " else char
            return char if size == 1 else f"{char} {place - start + 1}/{size}"
        break
    return f"{payload[place]:02x}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A frame's bit table: shown in a notebook as a table, by `print()` as the drawing of RFC 6455 §5.2.

    Attributes:
        frame: the frame.
        fields: its header's fields, and one for each of the first bytes of the payload.
    """

    frame: Frame
    fields: tuple[Field, ...]

    def __str__(self) -> str:
        return "\n".join(_text(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return _html(self)

    @property
    def summary(self) -> str:
        """What the payload says, in one sentence, and how much of it the table leaves out."""
        told = _COMPRESSED if self.frame.inflated is not None else _CONTENT
        sentence = told.format(content=quote(self.frame) or count_bytes(0))
        left = self.frame.length - SHOWN
        return f"{sentence} {_MORE.format(bytes=count_bytes(left))}" if left > 0 else sentence


def explain(frame: Frame | Message | bytes) -> Explanation:
    """Lay the bytes of one frame out as the bit table of RFC 6455 §5.2.

    >>> print(explain(bytes.fromhex("81 05 48 65 6c 6c 6f")).fields[4].meaning)
    text, in UTF-8

    Args:
        frame: a frame of a capture; a message of one frame; or the bytes of a frame.

    Raises:
        CaptureError: it is none of these.
    """
    if isinstance(frame, Message):
        frame = frame.frames[0]
    if isinstance(frame, bytes | bytearray):
        decoded = decode_frame(bytes(frame))
        if decoded is None:
            raise CaptureError(_NOT_WHOLE, bytes=count_bytes(len(frame)))
        frame = decoded
    if not isinstance(frame, Frame):
        raise CaptureError(_NOT_A_FRAME, what=repr(frame))
    return Explanation(frame, (*frame_fields(frame), *payload_fields(frame)))


def _cells(fields_: Sequence[Field]) -> Iterator[list[tuple[Field, str, bool]]]:
    """The fields, cut into rows of 32 bits: field, its bits in this row, whether it began in this row."""
    row: list[tuple[Field, str, bool]] = []
    room = _ROW
    for one in fields_:
        bits, first = one.bits, True
        while bits:
            here, bits = bits[:room], bits[room:]
            row.append((one, here, first))
            first = False
            room -= len(here)
            if not room:
                yield row
                row, room = [], _ROW
    if row:
        yield row


def _text(explanation: Explanation) -> Iterator[str]:
    yield _TITLE.format(name=explanation.frame.name) + f": {fields(explanation.frame)}"
    yield " 0                   1                   2                   3"
    yield " " + " ".join(str(bit % 10) for bit in range(_ROW))
    for row in _cells(explanation.fields):
        edge = "+" + "+".join("-" * (2 * len(bits) - 1) for _, bits, _ in row) + "+"
        yield edge
        columns = [_column(field, bits, first) for field, bits, first in row]
        for line in range(max(len(column) for column in columns)):
            cells = []
            for (_, bits, _), column in zip(row, columns, strict=True):
                cells.append((column[line] if line < len(column) else "").center(2 * len(bits) - 1))
            yield "|" + "|".join(cells) + "|"
    yield edge
    yield explanation.summary


def _column(field: Field, bits: str, first: bool) -> list[str]:
    width = 2 * len(bits) - 1
    spaced = " ".join(bits)
    if not first:
        return ["…", spaced]
    if width == 1:
        return [bits, *field.name]
    return [spaced, *_wrap(field.name, width), *_wrap(field.value if field.value != field.name else "", width)]


def _wrap(words: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in words.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word[:width])
    return lines


_CSS = """
.wslab .bits{table-layout:fixed;width:100%;min-width:760px;
 font-family:'DejaVu Sans Mono',ui-monospace,Menlo,Consolas,monospace}
.wslab .bits caption{font:600 18px/1.4 system-ui,'DejaVu Sans',sans-serif;text-align:left;padding:0 0 8px;
 color:var(--ink)}
.wslab .bits code{background:none;padding:0;color:inherit}
.wslab.wslab .bits th{padding:0;text-align:center;border:0;font-weight:400;color:var(--quiet);background:none}
.wslab.wslab .bits td{text-align:center;padding:4px 0;border:2px solid var(--rule);vertical-align:top;overflow:hidden}
.wslab .bits .tall{display:block;line-height:1.05}
.wslab .bits b{display:block;font-size:15px}
.wslab .bits .value{display:block;font-weight:700}
.wslab.wslab .bits .part-head{background:var(--w-head-tint)}
.wslab.wslab .bits .part-length{background:var(--w-length-tint)}
.wslab.wslab .bits .part-key{background:var(--w-key-tint)}
.wslab.wslab .bits .part-load{background:var(--w-load-tint)}
.wslab .scroll{overflow-x:auto}
.wslab .summary{margin:8px 0}
"""


def _cell(field: Field, bits: str, first: bool) -> str:
    name = html.escape(field.name)
    if len(bits) == 1:
        # One bit is as narrow as one letter, so the name stands upright, as in the RFC.
        name = "".join(f'<span class="tall">{char}</span>' for char in field.name)
    value = html.escape(field.value) if first and len(bits) > 1 and field.value != field.name else ""
    shown = name if first else "…"
    return (
        f'<td colspan="{len(bits)}" class="part-{field.part}" title="{html.escape(field.meaning)}">'
        f'<b>{bits}</b>{shown}<span class="value">{value}</span></td>'
    )


def _html(explanation: Explanation) -> str:
    frame = explanation.frame
    title = _TITLE.format(name=frame.name)
    beginning = hexadecimal(frame.raw[: frame.header_size + SHOWN])
    if frame.length > SHOWN:
        beginning += " …"
    numbers = "".join(f'<th scope="col">{bit}</th>' for bit in range(_ROW))
    rows = "".join(f"<tr>{''.join(_cell(*cell) for cell in row)}</tr>" for row in _cells(explanation.fields))
    names = [str(text) for text in (_FIELD, _BITS, _VALUE, _MEANING)]
    listed = picture.table(names, [(one.name, one.bits, one.value, one.meaning) for one in explanation.fields])
    label = html.escape(title)
    return (
        f'<div class="wslab wslab-wire" lang="{current_language()}">'
        f"<style>{picture.stylesheet()}{palette.stylesheet()}{_CSS}</style>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f'<table class="bits"><caption>{label}: <code>{beginning}</code></caption>'
        f"<thead><tr>{numbers}</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="summary">{html.escape(explanation.summary)}</p>'
        f'<details class="wslab-facts"><summary>{picture.AS_TABLE}</summary>{listed}</details></div>'
    )
