"""What the “Change it” tasks of unit 10 show when they are carried out literally."""

from __future__ import annotations

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order
from tests.notebooks.new_cells import write

pytestmark = pytest.mark.notebook


def test_buffers_as_the_system_makes_them(unit: Unit) -> None:
    def amounts() -> tuple[int, int]:
        unit.run("with record(basin) as film:")
        waiting, taken = unit.run("waiting = held[0].buffered").split("\n")[:2]
        return int(waiting.split()[-1]), int(taken.split()[-1])

    small = amounts()
    unit.run("basin = serve(", ("serve(one_hall, send_buffer=4096)", "serve(one_hall)"))
    large = amounts()
    assert large[1] > 10 * small[1]
    assert large[0] < 2 * small[0]
    unit.run("basin = serve(")
    amounts()


def test_queues_without_a_bound(unit: Unit) -> None:
    bounded = int(write(unit, 'print(outcomes["into queues"].queued)'))
    unit.run("def post_office(", ("asyncio.Queue(maxsize=5)", "asyncio.Queue()"))
    shown = write(
        unit,
        'endless = Outcomes({"without a bound": await trial(into_queues, post_office())})["without a bound"]\n'
        "print(endless.queued, endless.missed)",
    )
    unbounded, missed = shown.split()
    assert int(unbounded) > bounded
    assert float(missed) == 0
    unit.run("def post_office(")


def test_two_messages_may_wait(unit: Unit) -> None:
    unit.run("def drop_newest(", ("while not queue.empty():", "if queue.qsize() > 1:"))
    unit.run("rules = (")
    unit.run("tasted = dict(")
    numbers = [int(number) for number in write(unit, "print(*tasted['latest_only'])").split()]
    assert numbers[-2:] == [29, 30]
    unit.run("def drop_newest(")


def test_more_jitter(unit: Unit) -> None:
    before = len(write(unit, "print(*came_spread)").split())
    unit.run("def with_jitter(", ("2 * delay", "8 * delay"))
    unit.run("async def herd(")
    unit.run("at_once, came_at_once =")
    assert len(write(unit, "print(*came_spread)").split()) > before
    unit.run("def with_jitter(")


def test_nothing_is_skipped_and_a_buffer_that_is_large_enough(unit: Unit) -> None:
    assert "'double'" in unit.run("async def resume_whole(", ("return found[-1] if found else last", "return 0"))
    assert "'none'" in unit.run("async def resume_whole(")
    assert "missed" in unit.run("history = deque(maxlen=8)")
    assert "missed" not in unit.run("history = deque(maxlen=8)", ("deque(maxlen=8)", "deque(maxlen=30)"))
    unit.run("history = deque(maxlen=8)")


def test_nobody_pings(unit: Unit) -> None:
    unit.run("watched = serve(", ("ws_ping_interval=0.3, ws_ping_timeout=0.3", "ws_ping_interval=None"))
    unit.run("who = await cut_off(")
    assert write(unit, "print(who)").strip() == "[]"
    unit.run("watched = serve(")


test_again_and_out_of_order = again_and_out_of_order
