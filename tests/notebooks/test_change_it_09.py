"""What the “Change it” tasks of unit 09 show when they are carried out literally."""

from __future__ import annotations

import ast
import itertools

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order
from tests.notebooks.new_cells import write
from tests.outputs import printed

pytestmark = pytest.mark.notebook

BROADCASTER = "program.send_random_messages()"


def test_the_evicted_connection_stays_until_it_is_hung_up(unit: Unit) -> None:
    shown = [printed(cell).strip() for cell in unit.client.nb.cells if "\nawait nap(robust)" in cell.source]
    assert shown == ["handlers: 1, TCP connections: 1", "handlers: 0, TCP connections: 0"]


def test_each_process_counts_its_own_clients(unit: Unit) -> None:
    clients, counts = ast.literal_eval(unit.run("async def two_workers("))
    assert len(counts) == 2
    assert sum(counts) == clients


def test_bora_speaks(unit: Unit) -> None:
    said = '            await bora.send("Selam")\n            await asyncio.wait_for(bora.recv(), 5)\n'
    unit.run("async def evening(", ("            film.stop()", f"{said}            film.stop()"))
    unit.run("film = await evening(station)")
    assert write(unit, "print(len(film.steps_of('Bora')), len(film.steps_of('Ada')))") == "2 2\n"
    unit.run("async def evening(")


@pytest.mark.parametrize(
    ("coroutine", "printed"),
    [
        ("asyncio.sleep(3600)", "broadcaster: cancelled"),
        ("asyncio.wait_for(asyncio.Event().wait(), 0.01)", "broadcaster: TimeoutError()"),
    ],
)
def test_how_a_task_ended(unit: Unit, coroutine: str, printed: str) -> None:
    unit.run("async def looked_after(", (BROADCASTER, coroutine))
    assert unit.run("careful = serve(").startswith(printed)
    unit.run("async def looked_after(")


def test_a_sleeper_and_the_ping_timeout_and_compression(unit: Unit) -> None:
    def heard() -> int:
        unit.run("frozen, heard =")
        return int(write(unit, "print(heard)"))

    unit.run("loud = serve(", ("serve(speech.app)", "serve(speech.app, ws_ping_interval=1, ws_ping_timeout=0.5)"))
    assert heard() == 0
    unit.run("loud = serve(", ("[secrets.token_hex(250_000)]", '["x" * 500_000]'))
    assert heard() == 0
    unit.run("async def listen(", ('"Ada", compression=None', '"Ada"'), ('"Bora", compression=None', '"Bora"'))
    assert heard() > 5
    unit.run("loud = serve(")
    unit.run("async def listen(")


def test_a_sleeper_whose_oldest_messages_are_dropped(unit: Unit) -> None:
    unit.run(
        "async def broadcast(",
        ("writers.pop(queue).cancel()", "queue.get_nowait()"),
        ('print(f"{writer.get_name()}: evicted")', 'queue.put_nowait(f"{number} {news}")'),
    )
    unit.run("robust = serve(")
    shown = write(unit, "numbers, code = await nap(robust)\nprint(numbers)").splitlines()[-1]
    gaps = [later - earlier for earlier, later in itertools.pairwise(ast.literal_eval(shown))]
    assert [gap > 1 for gap in gaps].count(True) >= 1
    assert gaps[0] == 1
    assert gaps[-1] == 1


test_again_and_out_of_order = again_and_out_of_order
