"""From raw integers to dataclasses: what is known by construction, by hand."""

from __future__ import annotations

import pytest
from tests.recording.films import MS, STAND, footage, notes, sample

from wslab.recording import Recording, Trace
from wslab.recording.assembly import assemble
from wslab.recording.footage import Sample
from wslab.recording.places import Stand
from wslab.recording.trace import Mark


def test_steps_are_numbered_in_the_order_in_which_they_began() -> None:
    trace = assemble([footage([(30 * MS, 31 * MS, 7), (10 * MS, 11 * MS, 8)], [notes(7, "a"), notes(8, "b")])])
    assert [(step.number, trace.lanes[step.lane].name, step.start) for step in trace.steps] == [
        (1, "b", 10 * MS),
        (2, "a", 30 * MS),
    ]


def test_a_step_resumes_where_its_lane_let_go() -> None:
    trace = assemble([footage([(10, 20, 7), (30, 40, 7)], [notes(7, "a")])])
    first, second = trace.steps
    assert first.resumed is None
    assert second.resumed is first.let_go
    assert first.let_go is not None
    assert first.let_go.function == "waits_here"


def test_where_a_lane_stood_when_the_film_began() -> None:
    trace = assemble([footage([(10, 20, 7)], [notes(7, "a", born=-5)])], [{7: 1}])
    assert trace.lanes[0].waiting is not None
    assert trace.steps[0].resumed == trace.lanes[0].waiting


def test_connections_come_before_other_tasks_and_requests_after() -> None:
    lanes = [
        notes(2, "broadcaster"),
        notes(3, "root · GET /", serves="http"),
        notes(4, "tick", kind="callback"),
        notes(5, "ws · Ada", serves="websocket"),
    ]
    trace = assemble([footage([(10 * n, 10 * n + 5, n) for n in (2, 3, 4, 5)], lanes)])
    assert [(lane.name, lane.kind) for lane in trace.lanes] == [
        ("ws · Ada", "connection"),
        ("broadcaster", "task"),
        ("root · GET /", "request"),
        ("tick", "callback"),
        ("uvicorn + asyncio", "internal"),
    ]
    assert [lane.number for lane in trace.lanes] == [0, 1, 2, 3, 4]


def test_lanes_of_one_name_at_one_time_are_told_apart_and_later_ones_share_it() -> None:
    lanes = [
        notes(2, "get", born=10, ended=40, ending="returned"),
        notes(3, "get", born=20, ended=30, ending="returned"),
        notes(4, "get", born=50),
    ]
    trace = assemble([footage([(n * 10, n * 10 + 1, n) for n in (2, 3, 4)], lanes)])
    assert [lane.name for lane in trace.lanes[:3]] == ["get", "get #2", "get"]


def test_library_code_is_folded_and_tasks_that_were_over_before_are_left_out() -> None:
    lanes = [notes(2, "lifespan", user=False), notes(3, "old", born=-50, ended=-10, ending="returned")]
    trace = assemble([footage([(10, 20, 0), (30, 40, 2)], lanes)])
    assert [lane.kind for lane in trace.lanes] == ["internal"]
    assert trace.steps == ()
    assert [(one.start, one.end) for one in trace.internals] == [(10, 20), (30, 40)]


def test_a_block_is_a_stretch_over_the_threshold_with_the_line_that_was_seen_most() -> None:
    trace = assemble(
        [
            footage(
                [(10 * MS, 70 * MS, 7), (100 * MS, 149 * MS, 7), (200 * MS, 260 * MS, 0)],
                [notes(7, "a")],
                samples=(sample(60 * MS), sample(68 * MS)),
            )
        ]
    )
    assert [(block.lane, block.step, block.end - block.start, block.seen) for block in trace.blocks] == [
        (0, 1, 60 * MS, 2),
        (1, 0, 60 * MS, 0),
    ]
    assert trace.blocks[0].place is not None
    assert trace.blocks[1].place is None


def test_time_that_a_loop_spent_inside_a_step_is_not_the_steps_own() -> None:
    trace = assemble(
        [
            footage(
                [(20 * MS, 30 * MS, 8), (10 * MS, 200 * MS, 7)],  # the inner one is written first
                [notes(7, "outer"), notes(8, "inner")],
                idles=[(40 * MS, 140 * MS)],
            )
        ]
    )
    outer, inner = trace.steps
    assert (inner.inside, outer.inside) == (1, 0)
    assert outer.own == (10 + 10 + 60) * MS
    assert inner.own == 10 * MS
    assert [(block.start, block.end) for block in trace.blocks] == [(140 * MS, 200 * MS)]


def test_what_was_still_going_on_when_the_film_ended() -> None:
    trace = assemble(
        [footage([(10 * MS, 20 * MS, 7)], [notes(7, "a")], running=(900 * MS, 7), end=1000 * MS, idle_since=0)]
    )
    assert (trace.steps[-1].open, trace.steps[-1].end, trace.steps[-1].let_go) == (True, 1000 * MS, None)
    assert trace.blocks[-1].step == 2
    idle = assemble([footage([(10, 20, 7)], [notes(7, "a")], idle_since=500 * MS)]).idles[-1]
    assert (idle.start, idle.end) == (500 * MS, 1000 * MS)


def test_a_step_that_began_before_the_film_is_cut() -> None:
    trace = assemble([footage([(5, 20, 7), (1, 3, 7)], [notes(7, "a", born=1)], start=10, end=100)])
    assert [(step.start, step.end) for step in trace.steps] == [(0, 10)]


def test_a_part_of_a_film_knows_where_its_lanes_stood() -> None:
    trace = assemble([footage([(5, 8, 7), (20, 30, 7)], [notes(7, "a", born=1)], start=10, end=100)])
    assert [step.start for step in trace.steps] == [10]
    assert trace.steps[0].resumed is not None
    assert trace.lanes[0].waiting == trace.steps[0].resumed


def test_a_block_that_began_before_the_film_has_its_line() -> None:
    raw = footage([(5, 90 * MS, 7)], [notes(7, "a", born=1)], start=10, samples=(sample(60 * MS),))
    assert assemble([raw]).blocks[0].place is not None


def test_lateness_and_marks() -> None:
    trace = assemble([footage([], [notes(7, "a")], lates=((7, -5, 40), (9, 10, 60)))], marks=[(30, "now")])
    assert [(late.lane, late.start, late.end) for late in trace.lates] == [(0, 0, 40), (1, 10, 60)]
    assert trace.marks == (Mark(30, "now"),)
    assert trace.marks[0].end == 30


def test_two_loops_on_one_clock() -> None:
    trace = assemble(
        [footage([(10, 20, 7), (50, 60, 7)], [notes(7, "a")]), footage([(30, 40, 7)], [notes(7, "b")], loop="this")]
    )
    assert trace.loops == ("server", "this")
    assert [trace.lanes[step.lane].name for step in trace.steps] == ["a", "b", "a"]
    assert [lane.loop for lane in trace.lanes] == [0, 1, 0, 1]


def test_json_gives_the_same_film_back() -> None:
    from tests.recording.films import chat

    film = Recording.of(chat())
    text = film.to_json()
    assert Recording.from_json(text).trace == film.trace
    assert "boş oda" in text
    assert text.count("await websocket.receive_text()") == 1  # each place is written once


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no JSON"),
        ("[]", "no recording"),
        ('{"wslab": "recording", "format": 99}', "format 99"),
        ('{"wslab": "recording", "format": 1}', "damaged"),
    ],
)
def test_json_that_is_no_film_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Trace.from_json(text)


def test_a_block_knows_the_line_that_called_what_blocked() -> None:
    calling = Stand(footage.__code__, 0)
    seen = tuple(Sample(at * MS, STAND, calling) for at in (30, 40))
    (block,) = assemble([footage([(10 * MS, 90 * MS, 7)], [notes(7, "a")], samples=seen)]).blocks
    assert block.place is not None
    assert block.calling is not None
    assert (block.place.function, block.calling.function, block.seen) == ("waits_here", "footage", 2)
