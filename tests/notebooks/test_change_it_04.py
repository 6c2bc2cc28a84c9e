"""Every “Change it” of unit 04, carried out in a kernel, shows what the text promises."""

from __future__ import annotations

import re

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order
from tests.notebooks.new_cells import write

pytestmark = pytest.mark.notebook


def test_a_letter_of_the_guid(unit: Unit) -> None:
    right = unit.run("guid =").split()
    wrong = unit.run("guid =", ("258EAFA5", "258EAFA6")).split()
    assert (right[-1], wrong[-1]) == ("✓", "✗")
    assert len(wrong[0]) == len(right[0])
    assert wrong[0][-1] == right[0][-1] == "="
    assert sum(a == b for a, b in zip(wrong[0], right[0], strict=True)) < 12
    unit.run("guid =")


def test_a_new_masking_key(unit: Unit) -> None:
    first = write(unit, "hello.raw.hex(' ')")
    unit.run('predict("04.frames").outcome')
    unit.run("hello = wire.frames[0]")
    second = write(unit, "hello.raw.hex(' ')")
    assert first.split()[:2] == second.split()[:2] == ["'81", "87"]
    assert first.split()[2:6] != second.split()[2:6]


def test_a_name_of_one_s_own(unit: Unit) -> None:
    shown = unit.run("len(text.encode())", ('("Merhaba", ', '("Gökçe", "Ada", "Merhaba", '))
    assert "5 → 7" in shown
    assert "3 → 3" in shown


def test_without_compression(unit: Unit) -> None:
    shown = unit.run(
        'predict("04.deflate").outcome', ('{deflated.ws_url}/ws"', '{deflated.ws_url}/ws", compression=None')
    )
    assert re.search(r"7 → 7\s+7 → 7\s+800 → 800", shown)
    assert "short messages" not in shown
    unit.run('predict("04.deflate").outcome')


def test_a_mask_of_zeros(unit: Unit) -> None:
    shown = unit.run("mask = bytes.fromhex", ('bytes.fromhex("37fa213d")', "bytes(4)"))
    assert "Mesajınız: Merhaba" in shown
    assert "81 87 00 00 00 00 4d 65 72 68 61 62 61" in write(unit, "mended_wire.frames[0].raw.hex(' ')")


def test_a_cookie(unit: Unit) -> None:
    def sizes() -> tuple[int, int]:
        http, websocket = re.findall(r"(?:HTTP|WebSocket) +(\d+)", unit.run("per_poll = "))
        return int(http), int(websocket)

    poll, message = sizes()
    unit.run(
        'predict("04.persistent").outcome', ("httpx.AsyncClient()", 'httpx.AsyncClient(cookies={"session": "a" * 40})')
    )
    assert sizes() == (poll + 58, message)
    unit.run('predict("04.persistent").outcome')


def test_a_shorter_interval(unit: Unit) -> None:
    unit.run("watchful = serve", ("ws_ping_interval=0.5", "ws_ping_interval=0.2"))
    unit.run('predict("04.silent").outcome')
    gaps = write(
        unit,
        "ping, close = silent_wire.frames[:2]\n"
        "(ping.start - silent_wire.responses[0].end) / 1e9, (close.start - ping.start) / 1e9",
    )
    before, after = (float(number) for number in re.findall(r"[\d.]+", gaps))
    assert before < after
    assert after > 0.45


test_again_and_out_of_order = again_and_out_of_order
