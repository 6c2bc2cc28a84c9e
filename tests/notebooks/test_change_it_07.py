"""What the “Change it” tasks of unit 07 show when they are carried out literally."""

from __future__ import annotations

import ast

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order
from tests.notebooks.new_cells import write

pytestmark = pytest.mark.notebook


def test_cem_leaves_without_a_word(unit: Unit) -> None:
    unit.run("async def visit(", ('(cem, "Cem"), ', ""))
    unit.run('predict("07.order").outcome')
    assert ast.literal_eval(write(unit, "print(printed)")) == [
        "Ada bekliyor",
        "Bora bekliyor",
        "Cem bekliyor",
        "Ada aldı",
        "Bora aldı",
    ]
    assert write(unit, "print(len(film.steps_of('Cem')))").strip() == "2"
    assert "WebSocketDisconnect" in write(unit, "print(film.lane('endpoint · Cem').error)")
    unit.run("async def visit(")


def test_a_short_block_changes_no_order(unit: Unit) -> None:
    unit.run("kitchen = serve(app)", ("time.sleep(0.5)", "time.sleep(0.04)"))
    unit.run("blocking, answers =")
    assert ast.literal_eval(write(unit, "print(answers)"))[0] == "Mesajınız: time.sleep"
    unit.run("kitchen = serve(app)")


def test_letting_go_once_before_a_calculation(unit: Unit) -> None:
    unit.run(
        "async def count_primes_async(",
        ("    return count_primes(seconds)", "    await asyncio.sleep(0)\n    return count_primes(seconds)"),
    )
    unit.run("wrapped, answers =")
    assert ast.literal_eval(write(unit, "print(answers)"))[0] == "Mesajınız: async def"
    places = ast.literal_eval(write(unit, "print([step.let_go.code for step in wrapped.steps_of('Ada')])"))
    assert places == ["await asyncio.sleep(0)", "await websocket.receive_text()"]
    unit.run("async def count_primes_async(")


@pytest.mark.parametrize(("condition", "bars"), [("number % 1000 == 999", 11), ("True", 10_001)])
def test_gaps_far_apart_and_close_together(unit: Unit, condition: str, bars: int) -> None:
    unit.run("polite = serve(app)", ("number % 100 == 99", condition))
    unit.run("mended, sent =")
    sent, hers, his = ast.literal_eval(
        write(unit, "print((sent, len(mended.steps_of('Ada')), len(mended.steps_of('Bora'))))")
    )
    assert (0 < sent < 10_000, hers, his) == (True, bars, 1)
    unit.run("polite = serve(app)")


test_again_and_out_of_order = again_and_out_of_order
