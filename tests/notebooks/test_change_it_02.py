"""Every “Change it” of unit 02, carried out in a kernel, shows what the text promises."""

from __future__ import annotations

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order

pytestmark = pytest.mark.notebook

WAY_OUT = 'predict("02.leave").outcome'


def test_code_and_reason_of_ones_own_arrive(unit: Unit) -> None:
    last = "    await asyncio.wait_for(client.recv(), 2)\n"
    shown = unit.run(WAY_OUT, (last, last + '    await client.close(1001, "gidiyorum")\n'))
    assert "1001 gidiyorum" in shown


def test_a_block_that_reaches_its_end_says_1000(unit: Unit) -> None:
    shown = unit.run(
        'predict("02.fault").outcome',
        ('client.send("Merhaba")', 'client.send("42")'),
        (
            "int(await asyncio.wait_for(client.recv(), 2))",
            "int((await asyncio.wait_for(client.recv(), 2)).split()[-1])",
        ),
    )
    assert "1000" in shown


def test_a_connection_without_a_name_stays_open(unit: Unit) -> None:
    opening = "client = await websockets.connect("
    unit.run(opening)
    for _ in range(2):
        unit.run(opening, ("chat.restart()\n", ""))
    # One more than the text promises: here the shipped cell has run once more, to begin afresh.
    assert unit.run("chat.open_websockets").strip() == "3"


def test_a_reply_taken_before_leaves_nothing_for_the_second_receive(unit: Unit) -> None:
    send, first_try = '    await client.send("Hâlâ buradayım")\n', "    try:\n        async with asyncio.timeout(0.3):"
    shown = unit.run('predict("02.deadline").outcome', (send, ""), (first_try, send + first_try))
    assert "TimeoutError" in shown


def test_after_two_messages_of_bora_the_reply_is_the_third(unit: Unit) -> None:
    bora = '    await bora.send("Selam")\n'
    second = "    print(await asyncio.wait_for(ada.recv(), 2))\n"
    shown = unit.run('predict("02.next").outcome', (bora, bora * 2), (second, second * 2))
    assert shown.splitlines()[:2] == ["Başka bir istemciden: Selam", "Mesajınız: Saat kaç?"]


def test_percent_and_hash_arrive(unit: Unit) -> None:
    shown = unit.run('"a%2Fb"):', ('"a%2Fb"):', '"a%2Fb", "100%25", "a%23b"):'))
    last = shown.splitlines()[-2:]
    assert [line[:3] for line in last] == ["200", "200"]
    assert "100%" in last[0]
    assert "a#b" in last[1]


def test_who_asks_oneself_is_refused(unit: Unit) -> None:
    unit.run("better = serve(app)")
    shown = unit.run(
        "for target in (chat, noisy, silent)",
        ("for target in (chat, noisy, silent)", "for target in (chat, noisy, silent, better)"),
    )
    statuses = [line[:3] for line in shown.splitlines() if line]
    assert statuses == ["200", "200", "504", "502", "502"]
    assert "127.0.0.1" not in shown


test_again_and_out_of_order = again_and_out_of_order
