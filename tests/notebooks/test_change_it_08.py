"""What the “Change it” tasks of unit 08 show when they are carried out literally."""

from __future__ import annotations

import ast

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order
from tests.notebooks.new_cells import write

pytestmark = pytest.mark.notebook


def test_the_cells_show_what_the_text_says(unit: Unit) -> None:
    """The drift, the live list, silence against a killed app, and a send from another thread."""
    gaps = ast.literal_eval(unit.run("times = ["))
    assert all(gap > 0.5 for gap in gaps)
    assert ast.literal_eval(unit.run("async def walk(")) == (["Ada", "Cem"], ["Ada", "Bora", "Cem"])
    assert ast.literal_eval(unit.run("async def send_twenty(")) == ("20 of 20", 1, 0, "handler.end")
    assert unit.run("asyncio.to_thread(asyncio.run, hers").strip() == "SUNUCU: Merhaba!"


def test_the_answer_comes_before_the_first_time(unit: Unit) -> None:
    unit.run("with capture(tower)", ("        heard = [", '        await client.send("Merhaba")\n        heard = ['))
    heard, sent = ast.literal_eval(write(unit, "print((heard, len(sent)))"))
    assert (heard[0], sent) == ("Mesajınız: Merhaba", 1)
    unit.run("with capture(tower)")


def test_headlines_for_ever(unit: Unit) -> None:
    unit.run("async def send_headlines(", ("headlines[number]", "headlines[number % len(headlines)]"))
    unit.run("watched = serve(")
    unit.run("heard = await listen(watched)")
    assert write(unit, "print(sum(text.startswith('SUNUCU') for text in heard), len(watched.log.errors))") == "10 0\n"
    write(unit, "watched.stop()")
    assert write(unit, "print(len(watched.log.errors))") == "0\n"
    unit.run("async def send_headlines(")


def test_a_message_waits_for_a_sleeper(unit: Unit) -> None:
    shown = unit.run(
        "reply = await announce(plaza",
        (
            "    bora.transport.abort()",
            "    bora.transport.resume_reading()\n    print(await asyncio.wait_for(bora.recv(), 1))",
        ),
    )
    assert "Bora TimeoutError\nÇay hazır.\n" in shown


test_again_and_out_of_order = again_and_out_of_order
