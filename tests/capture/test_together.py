"""`film + wire`: which frame woke which step, and which step sent it."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import operator
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from tests.capture.conversations import HANDSHAKE, frame
from tests.recording.films import MS, RECEIVE, chat
from websockets.asyncio.client import connect

from wslab.capture import Capture, Passed, Together, capture
from wslab.capture.together import signals
from wslab.capture.transcript import Contents
from wslab.language import use_language
from wslab.recording import Lane, Place, Recording, Step, Trace, compare, record
from wslab.recording.drawing import draw
from wslab.serving import serve

BEGAN = 5_000_000_000
"""`perf_counter_ns` of the films here; their captures began 10 ms later."""
WIRE_BEGAN = BEGAN + 10 * MS
ADA, BOB, TICKER = range(3)
NAP = Place("await asyncio.sleep(1)", "server.py", 15, "broadcaster")
DEADLINE = 20.0


def film_of(*moments: tuple[int, int, Place | None], end: int = 1000) -> Trace:
    """Steps of one millisecond as (lane, start in ms, resumed from), in order."""
    lanes = (
        Lane(ADA, "endpoint · Ada", "connection", 0, 0, end * MS, client=("127.0.0.1", 4001)),
        Lane(BOB, "endpoint · Bob", "connection", 0, 0, end * MS, client=("127.0.0.1", 4002)),
        Lane(TICKER, "ticker", "task", 0, 0, end * MS),
        Lane(3, "uvicorn + asyncio", "internal", 0, 0, end * MS),
    )
    steps = tuple(
        Step(number, lane, at * MS, (at + 1) * MS, resumed, RECEIVE, own=MS)
        for number, (lane, at, resumed) in enumerate(moments, 1)
    )
    return dataclasses.replace(
        chat(),
        title="",
        end=end * MS,
        lanes=lanes,
        steps=steps,
        internals=(),
        idles=(),
        blocks=(),
        lates=(),
        marks=(),
        unawaited=(),
    )


def wire_of(*passed: tuple[int, str, bytes, float], via: Sequence[int | None] = (4001, 4002)) -> Contents:
    """Frames as (connection, sender, bytes, ms since the film began), after each connection's handshake."""
    ports = dict(enumerate(via, 1))
    began = [Passed(sender, data, 0, number) for number in ports for sender, data in HANDSHAKE]
    rest = [Passed(sender, data, int(at * MS) - 10 * MS, number) for number, sender, data, at in passed]
    contents = Capture.from_bytes([*began, *rest])._read()
    connections = tuple(
        dataclasses.replace(one, via=("127.0.0.1", port) if (port := ports[one.number]) else None)
        for one in contents.connections
    )
    return contents._replace(connections=connections)


def sent(text: str) -> bytes:
    return frame(1, text.encode())


def answer(text: str) -> bytes:
    return frame(1, text.encode(), key=None)


def found(trace: Trace, wire: Contents) -> list[tuple[str, int, int]]:
    """Each frame as (text, lane, step)."""
    return [(one.text, one.lane, one.step) for one in signals(trace, BEGAN, wire, WIRE_BEGAN)[0]]


def test_a_frame_wakes_the_next_step_of_its_own_task() -> None:
    trace = film_of((ADA, 100, RECEIVE), (BOB, 101, RECEIVE), (ADA, 300, RECEIVE), (BOB, 301, RECEIVE))
    wire = wire_of((1, "client", sent("a"), 99), (2, "client", sent("b"), 99.5), (2, "client", sent("c"), 200))
    assert found(trace, wire) == [("TEXT “a”", ADA, 1), ("TEXT “b”", BOB, 2), ("TEXT “c”", BOB, 4)]


def test_several_frames_may_wake_one_step() -> None:
    trace = film_of((ADA, 100, RECEIVE))
    wire = wire_of((1, "client", sent("a"), 40), (1, "client", sent("b"), 60))
    assert found(trace, wire) == [("TEXT “a”", ADA, 1), ("TEXT “b”", ADA, 1)]


def test_times_are_shifted_onto_the_films_clock() -> None:
    (signal,), notes = signals(film_of((ADA, 100, RECEIVE)), BEGAN, wire_of((1, "client", sent("a"), 99)), WIRE_BEGAN)
    assert (signal.at, notes) == (99 * MS, ())


def test_a_frame_does_not_wake_a_task_that_waits_for_something_else() -> None:
    assert found(film_of((ADA, 100, NAP)), wire_of((1, "client", sent("a"), 50))) == [("TEXT “a”", ADA, 0)]
    assert found(film_of((ADA, 100, None)), wire_of((1, "client", sent("a"), 50))) == [("TEXT “a”", ADA, 0)]
    assert found(film_of((ADA, 10, RECEIVE)), wire_of((1, "client", sent("a"), 50))) == [("TEXT “a”", ADA, 0)]


def test_a_fragment_wakes_nobody_before_its_message_is_whole() -> None:
    trace = film_of((ADA, 100, RECEIVE), (ADA, 200, RECEIVE))
    begin, end = frame(1, b"par", fin=False), frame(0, b"ts")
    assert [step for _, _, step in found(trace, wire_of((1, "client", begin, 50), (1, "client", end, 150)))] == [2, 2]


def test_an_answer_was_sent_by_the_step_before_it() -> None:
    trace = film_of((ADA, 100, RECEIVE), (ADA, 300, RECEIVE))
    assert found(trace, wire_of((1, "server", answer("a"), 100.5), (1, "server", answer("b"), 301.2))) == [
        ("TEXT “a”", ADA, 1),
        ("TEXT “b”", ADA, 2),
    ]


def test_who_sends_to_all_sends_on_the_connections_of_others() -> None:
    trace = film_of((BOB, 20, RECEIVE), (ADA, 100, RECEIVE), (TICKER, 300, NAP))
    wire = wire_of((2, "server", answer("from Ada"), 101), (2, "server", answer("tick"), 301))
    assert found(trace, wire) == [("TEXT “from Ada”", BOB, 2), ("TEXT “tick”", BOB, 3)]
    assert all(signal.sure for signal in signals(trace, BEGAN, wire, WIRE_BEGAN)[0])


def test_of_several_steps_so_near_none_is_sure() -> None:
    trace = film_of((ADA, 100, RECEIVE), (BOB, 101, RECEIVE))
    (signal,), _ = signals(trace, BEGAN, wire_of((1, "server", answer("a"), 102.5)), WIRE_BEGAN)
    assert (signal.step, signal.sure) == (1, False)  # nothing tells that this program sends to others
    svg = draw(trace, frames=[signal]).svg
    assert "sent by this step or one near it" in svg
    assert "or by another step: several ran within 5 ms" in svg


def test_what_the_capture_saw_between_two_steps_tells_which_one_it_was() -> None:
    trace = film_of((ADA, 100, RECEIVE), (ADA, 102, RECEIVE))
    wire = wire_of((1, "client", sent("b"), 101.5), (1, "server", answer("b"), 102.5))
    assert [(one.step, one.sure) for one in signals(trace, BEGAN, wire, WIRE_BEGAN)[0]] == [(2, True), (2, True)]


def test_frames_that_were_taken_at_once_are_dealt_out_in_turn_where_tasks_send_to_each_other() -> None:
    trace = film_of((ADA, 50, RECEIVE), (ADA, 100, RECEIVE), (BOB, 101, RECEIVE))
    wire = wire_of((2, "server", answer("tells"), 51), (1, "server", answer("a") + answer("b"), 102.5))
    assert found(trace, wire) == [("TEXT “tells”", BOB, 1), ("TEXT “a”", ADA, 2), ("TEXT “b”", ADA, 3)]


def test_pings_pongs_and_the_answer_to_a_close_are_the_librarys() -> None:
    trace = film_of((ADA, 100, RECEIVE), (ADA, 200, RECEIVE))
    wire = wire_of(
        (1, "client", frame(9, b"hi"), 50),
        (1, "server", frame(10, b"hi", key=None), 50.2),
        (1, "client", frame(8, b"\x03\xe8"), 150),
        (1, "server", frame(8, b"\x03\xe8", key=None), 200.5),
    )
    assert found(trace, wire) == [
        ("PING “hi”", ADA, 0),
        ("PONG “hi”", ADA, 0),
        ("CLOSE 1000", ADA, 2),
        ("CLOSE 1000", ADA, 0),
    ]


def test_a_close_that_the_server_begins_is_its_tasks_unless_it_comes_out_of_the_blue() -> None:
    trace = film_of((ADA, 100, RECEIVE), (TICKER, 101, NAP))
    close = frame(8, b"\x03\xe8", key=None)
    assert found(trace, wire_of((1, "server", close, 102))) == [("CLOSE 1000", ADA, 1)]
    assert found(trace, wire_of((1, "server", close, 900))) == [("CLOSE 1000", ADA, 0)]


def test_what_has_no_task_or_passed_at_another_time_is_counted() -> None:
    trace = film_of((ADA, 100, RECEIVE))
    wire = wire_of(
        (1, "client", sent("a"), 99),
        (1, "client", sent("late"), 1001),
        (2, "client", sent("b"), 99),
        (3, "client", sent("c"), 99),
        (3, "client", sent("d"), 99),
        via=(4001, 4999, None),
    )
    there, notes = signals(trace, BEGAN, wire, WIRE_BEGAN)
    assert [one.text for one in there] == ["TEXT “a”"]
    assert re.search("3 frames of 2 connections", notes[0])
    assert re.search("1 frame that passed before", notes[1])


def test_a_recorded_capture_has_no_connection_to_a_film() -> None:
    wire = Capture.from_bytes([*HANDSHAKE, ("client", sent("a"))])
    both = Recording.of(film_of((ADA, 100, RECEIVE)), BEGAN) + wire
    assert both.signals == ()
    assert "1 frame of 1 connection" in both.notes[0]
    assert both.notes[0] in str(both)
    assert both.notes[0] in both._repr_html_()


def test_a_port_that_was_used_again_is_the_one_that_lived_then() -> None:
    trace = film_of((ADA, 100, RECEIVE), (BOB, 600, RECEIVE))
    lanes = (
        dataclasses.replace(trace.lanes[ADA], end=400 * MS),
        dataclasses.replace(trace.lanes[BOB], start=500 * MS, client=("127.0.0.1", 4001)),
        *trace.lanes[2:],
    )
    wire = wire_of((1, "client", sent("a"), 99), (1, "client", sent("b"), 599))
    assert found(dataclasses.replace(trace, lanes=lanes), wire) == [("TEXT “a”", ADA, 1), ("TEXT “b”", BOB, 2)]


def scene() -> Together:
    """A film and a capture made by hand: a blocking step, a frame that waits for it, an answer, one sent to another."""
    trace = film_of(
        (ADA, 100, RECEIVE), (ADA, 400, RECEIVE), (BOB, 700, RECEIVE), (ADA, 900, RECEIVE), (BOB, 950, RECEIVE)
    )
    contents = wire_of(
        (1, "client", sent("selam"), 99.8),
        (1, "server", answer("Mesajınız: selam"), 100.9),
        (2, "server", answer("Başkası: selam"), 101),
        (1, "client", frame(9, b""), 250),
        (2, "client", sent("<b>`bekler`</b>"), 500),
        (1, "client", frame(8, b"\x03\xe8"), 899),
    )
    return Together(trace, BEGAN, contents, WIRE_BEGAN)


def test_the_same_in_words() -> None:
    told = str(scene())
    assert told.startswith("5 steps of your code in 1.00 s")
    assert "▼ TEXT “selam” (5 bytes, 11 bytes on the wire): passed at 0.100 s and woke step 1 (endpoint · Ada)" in told
    assert "TEXT “Başkası: selam” (16 bytes, 18 bytes on the wire) to endpoint · Bob: sent by step 1" in told
    assert "woke step 3 (endpoint · Bob) 200 ms later" in told
    assert "PING (0 bytes, 6 bytes on the wire): arrived at 0.250 s for endpoint · Ada; it woke no step there" in told
    use_language("tr")
    turkish = str(scene())
    assert "200 ms sonra 3. adımı uyandırdı (endpoint · Bob)" in turkish
    assert not re.search(r"\b(woke|sent|passed|kablo\w*)\b", turkish)


def test_the_static_picture_and_the_table_say_it_too() -> None:
    html = scene()._repr_html_()
    svg = base64.b64decode(re.findall(r"svg\+xml;base64,([^\"]+)", html)[0]).decode()
    for text in ("TEXT “selam”", "woke step 1", "frame arrived and woke this step", "&lt;b&gt;`bekler`&lt;/b&gt;"):
        assert text in svg
    table = html[html.index("<caption>The frames on the wire") :]
    assert "<td>endpoint · Bob</td><td>to the client</td><td>TEXT “Başkası: selam” (16 bytes" in table
    assert "<td>sent by step 1 (endpoint · Ada)</td>" in table
    assert "<td>woke no step</td>" in table
    assert "<b>`bekler`" not in html


def test_a_steps_sentence_names_its_frames() -> None:
    html = scene()._repr_html_()
    assert " Woken by TEXT “selam”. It sent TEXT “Mesajınız: selam”, TEXT “Başkası: selam” → Bob." in html


def test_without_frames_a_picture_is_as_before() -> None:
    trace = chat()
    svg = draw(trace).svg
    assert draw(trace, frames=()).svg == svg
    assert not re.search("wl-arrow|wl-beside|wl-signal|wl-way", svg)
    assert "wl-arrow" not in compare(Recording.of(trace), Recording.of(trace))._repr_html_().partition("<script>")[0]


def test_labels_touch_neither_each_other_nor_an_arrow() -> None:
    many = wire_of(*((1, "client", sent(f"mesaj {number}"), 20 * number + 19) for number in range(40)))
    trace = film_of(*((ADA, 20 * number + 20, RECEIVE) for number in range(40)))
    svg = draw(trace, frames=signals(trace, BEGAN, many, WIRE_BEGAN)[0]).svg
    taken = []
    for low, high, x in re.findall(
        r'wl-signal"[^>]*data-low="([-\d]+)" data-high="([-\d]+)"[^>]*translate\(([\d.]+)', svg
    ):
        taken.append((float(x) + int(low), float(x) + int(high)))
    assert len(taken) == 40
    labels = re.findall(r'wl-beside"[^>]*data-wide="([\d.]+)" x="([\d.]+)"[^>]*text-anchor="(\w+)">', svg)
    assert labels
    for wide, x, anchor in labels:
        low = float(x) - (float(wide) if anchor == "end" else 0)
        span = (low, low + float(wide))
        assert all(span[1] <= other[0] + 0.11 or span[0] >= other[1] - 0.11 for other in taken)
        taken.append(span)


def test_only_a_film_can_be_added() -> None:
    wire = Capture.from_bytes([*HANDSHAKE])
    film = Recording.of(chat())
    for left, right in ((wire, 1), (1, wire), (wire, wire), (film, 1), (film, film)):
        with pytest.raises(TypeError, match="unsupported operand"):
            operator.add(left, right)
    assert isinstance(wire + film, Together)


def test_both_keep_what_connects_them_as_json() -> None:
    film = Recording.of(film_of((ADA, 100, RECEIVE)), BEGAN)
    wire = Capture(wire_of((1, "client", sent("a"), 99)), started_ns=WIRE_BEGAN)
    back = Recording.from_json(film.to_json()) + Capture.from_json(wire.to_json())
    assert str(back) == str(film + wire)
    assert [one.step for one in back.signals] == [1]


def test_files_from_before_there_was_such_a_connection_still_load() -> None:
    film = json.loads(Recording.of(film_of((ADA, 100, RECEIVE)), BEGAN).to_json())
    del film["started_ns"]
    for lane in film["lanes"]:
        del lane[-1]
    wire = json.loads(Capture(wire_of((1, "client", sent("a"), 99)), started_ns=WIRE_BEGAN).to_json())
    for connection in wire["connections"]:
        del connection["via"]
    both = Recording.from_json(json.dumps(film)) + Capture.from_json(json.dumps(wire))
    assert both.signals == ()
    assert "does not say when it began" in both.notes[0]


def chat_app() -> FastAPI:
    app = FastAPI()
    clients: list[WebSocket] = []

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        clients.append(websocket)
        try:
            while True:
                text = await websocket.receive_text()
                await websocket.send_text(f"Mesajınız: {text}")
        except WebSocketDisconnect:
            clients.remove(websocket)

    return app


async def talk(url: str) -> None:
    async with asyncio.timeout(DEADLINE):
        async with connect(url + "/ws?name=Ada") as ada, connect(url + "/ws?name=Bob") as bob:
            for client, text in ((ada, "ada 1"), (bob, "bob 1"), (bob, "bob 2"), (ada, "ada 2")):
                await client.send(text)
                assert await client.recv() == f"Mesajınız: {text}"


def test_a_real_film_and_a_real_wire() -> None:
    with serve(chat_app()) as server, record(server) as film, capture(server) as wire:
        asyncio.run(talk(wire.ws_url))
    both = film + wire
    assert both.notes == ()
    texts = [one for one in both.signals if one.inward and one.text.startswith("TEXT")]
    assert [one.text for one in texts] == ["TEXT “ada 1”", "TEXT “bob 1”", "TEXT “bob 2”", "TEXT “ada 2”"]
    for one in texts:
        step = film.steps[one.step - 1]
        assert step.lane == one.lane
        assert film.lanes[step.lane].name == f"endpoint · {one.text[6:9].title()}"
        assert step.resumed is not None
        assert step.resumed.code == "await websocket.receive_text()"
        assert step.start >= one.at
    assert len({one.step for one in texts}) == 4
    # The client says its next word only when it has the answer, so step and answer come one after the other.
    answers = [one for one in both.signals if not one.inward and one.text.startswith("TEXT")]
    for word, reply in zip(texts, answers, strict=True):
        assert reply.text == f"TEXT “Mesajınız: {word.text[6:]}"
        assert reply.step in range(1, word.step + 1) if not reply.sure else reply.step == word.step
    assert {connection.via for connection in wire.connections} == {
        lane.client for lane in film.lanes if lane.kind == "connection"
    }


@pytest.fixture
def page(browser: Any, tmp_path: Any) -> Iterator[Any]:
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 920, "height": 800})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    file = tmp_path / "together.html"
    file.write_text(f'<!doctype html><meta charset="utf-8"><main>{scene()._repr_html_()}</main>', encoding="utf-8")
    page.goto(file.as_uri())
    yield page
    page.close()
    assert complaints == []


def arrows_and_bars(page: Any) -> tuple[list[float], dict[str, list[float]]]:
    """Where the arrows of frames that woke a step point at, in order; and where each row's bars begin."""
    tips = page.eval_on_selector_all(
        ".wslab-live .wl-signal:has(.wl-arrow-in)",
        "all => all.map(e => +/\\(([-\\d.]+)/.exec(e.getAttribute('transform'))[1])",
    )
    bars = page.eval_on_selector_all(
        ".wslab-live g.wl-step", "all => all.map(g => [g.dataset.row, [...g.children].map(e => +e.getAttribute('x'))])"
    )
    return tips, dict(bars)


@pytest.mark.browser
def test_the_arrows_stay_with_their_steps(page: Any) -> None:
    tips, bars = arrows_and_bars(page)

    def expected(bars: dict[str, list[float]]) -> list[float]:
        return [bars["0"][0], bars["0"][2], bars["1"][0]]

    assert tips == pytest.approx(expected(bars), abs=0.15)
    page.get_by_role("button", name="show order").click()
    in_order, bars = arrows_and_bars(page)
    assert in_order == pytest.approx(expected(bars), abs=0.15)
    assert in_order != pytest.approx(tips, abs=5)
    page.get_by_role("button", name="show time").click()
    page.get_by_role("button", name="next step").click()
    for _ in range(3):
        page.get_by_role("button", name="zoom in", exact=True).click()
    zoomed, bars = arrows_and_bars(page)
    assert zoomed == pytest.approx(expected(bars), abs=0.15)
    assert zoomed[1] - zoomed[0] > 4 * (tips[1] - tips[0])
    assert "Woken by TEXT “selam”." in page.locator(".wslab-say").inner_text()


@pytest.mark.browser
def test_the_script_hides_labels_that_would_touch_and_shows_them_where_there_is_room(page: Any) -> None:
    shown = "all => all.filter(e => e.getAttribute('visibility') !== 'hidden').map(e => e.textContent)"
    assert "TEXT “selam”" not in page.eval_on_selector_all(".wslab-live .wl-beside", shown)
    page.get_by_role("button", name="next step").click()
    for _ in range(4):
        page.get_by_role("button", name="zoom in", exact=True).click()
    assert "TEXT “selam”" in page.eval_on_selector_all(".wslab-live .wl-beside", shown)
    boxes = page.eval_on_selector_all(
        ".wslab-live .wl-beside",
        "all => all.filter(e => e.getAttribute('visibility') !== 'hidden')"
        ".map(e => e.getBoundingClientRect().toJSON())",
    )
    assert len(boxes) > 1
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            apart = one["right"] <= other["left"] or other["right"] <= one["left"]
            assert apart or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]
