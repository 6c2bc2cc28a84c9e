"""The bit table of RFC 6455 §5.2, filled in."""

from __future__ import annotations

import html
import re

import pytest
from tests.capture.conversations import HANDSHAKE, Talk, frame

from wslab.capture import Capture, CaptureError, explain
from wslab.language import LANGUAGES, use_language

HELLO = bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")  # RFC 6455 §5.7


def test_the_masked_hello_of_the_rfc() -> None:
    fields = explain(HELLO).fields
    assert [(one.name, one.bits, one.value) for one in fields[:8]] == [
        ("FIN", "1", "1"),
        ("RSV1", "0", "0"),
        ("RSV2", "0", "0"),
        ("RSV3", "0", "0"),
        ("opcode", "0001", "0x1 TEXT"),
        ("MASK", "1", "1"),
        ("Payload len", "0000101", "5"),
        ("Masking-key", "00110111111110100010000100111101", "37 fa 21 3d"),
    ]
    assert [(one.name, one.value) for one in fields[8:]] == [
        ("H", "7f ⊕ 37 = 48"),
        ("e", "9f ⊕ fa = 65"),
        ("l", "4d ⊕ 21 = 6c"),
        ("l", "51 ⊕ 3d = 6c"),
        ("o", "58 ⊕ 37 = 6f"),
    ]


def test_the_drawing_of_the_rfc() -> None:
    lines = str(explain(HELLO)).splitlines()
    assert lines[2] == " 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1"
    assert lines[3] == "+-+-+-+-+-------+-+-------------+-------------------------------+"
    assert lines[4] == "|1|0|0|0|0 0 0 1|1|0 0 0 0 1 0 1|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|"
    assert len({len(line) for line in lines[3:9]}) == 1
    assert lines[-1] == "The payload is “Hello”."


@pytest.mark.parametrize(
    "raw",
    [
        frame(2, bytes(200)),
        frame(2, bytes(70_000), key=None),
        frame(9),
        frame(8, b"\x03\xe8" + "güle güle".encode(), key=None),
        frame(3, b"?", rsv=5),
        frame(1, "Mesajınız: ğ €".encode()),
        frame(1, b"\xff\xfe\x80\x80\x80"),
    ],
)
def test_the_bits_in_the_table_are_the_bits_on_the_wire(raw: bytes) -> None:
    explanation = explain(raw)
    shown = "".join(one.bits for one in explanation.fields)
    assert shown == "".join(f"{byte:08b}" for byte in raw)[: len(shown)]
    header = explanation.frame.header_size
    assert len(shown) == 8 * (header + min(16, len(raw) - header))
    # In the picture as well, cut into rows of 32.
    cells = re.findall(r'<td colspan="(\d+)"[^>]*><b>([01]+)</b>', explanation._repr_html_())
    assert "".join(bits for _, bits in cells) == shown
    assert all(int(width) == len(bits) for width, bits in cells)


def test_letters_of_several_bytes() -> None:
    names = [one.name for one in explain(frame(1, "ğ €x".encode(), key=None)).fields[7:]]
    assert names == ["ğ 1/2", "ğ 2/2", "␣", "€ 1/3", "€ 2/3", "€ 3/3", "x"]


def test_a_close_frame_and_a_compressed_one() -> None:
    names = [one.name for one in explain(frame(8, b"\x03\xe8ok", key=None)).fields[7:]]
    assert names == ["code 1/2", "code 2/2", "o", "k"]
    talk = Talk(compress=True)
    talk.does("server", lambda peer: peer.send_text(b"x" * 100))
    explanation = explain(Capture.from_bytes(talk.segments).frames[0])
    assert explanation.fields[1].meaning == "the message is compressed (RFC 7692)"
    assert "inflated it is “xxx" in str(explanation)
    assert all(one.name == one.value for one in explanation.fields[7:])


def test_a_message_stands_for_its_first_frame() -> None:
    wire = Capture.from_bytes([*HANDSHAKE, ("client", HELLO)])
    assert explain(wire.messages[0]).frame is wire.messages[0].frames[0]


@pytest.mark.parametrize("wrong", [b"", b"\x81", HELLO[:-1], HELLO + b"x", HELLO * 2])
def test_bytes_that_are_no_frame(wrong: bytes) -> None:
    with pytest.raises(CaptureError, match="no whole frame"):
        explain(wrong)


def test_what_is_no_frame_at_all() -> None:
    with pytest.raises(CaptureError, match=r"wire\.frames\[0\]"):
        explain("81 85")  # type: ignore[arg-type]


def test_every_edition_says_it_in_its_language() -> None:
    said = set()
    for language in LANGUAGES:
        use_language(language)
        shown = explain(HELLO)._repr_html_()
        assert f'lang="{language}"' in shown
        said.add(html.unescape(re.sub("<[^>]*>", " ", shown)))
        assert "{" not in str(explain(HELLO))
    assert len(said) == len(LANGUAGES)
