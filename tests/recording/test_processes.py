"""Films of a server in processes of its own: one clock, every process, and what is left of one that was killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import websockets
from tests.recording.films import MS, chat, footage, notes
from tests.recording.test_perfetto import fields

from wslab.recording import Recording, RecordingError, record
from wslab.recording.assembly import assemble
from wslab.recording.camera import Camera
from wslab.recording.crew import _Reel
from wslab.recording.drawing import draw
from wslab.recording.sentences import summary
from wslab.recording.trace import Process
from wslab.serving import ProcessServer, serve

DEADLINE = 30.0

APP = """
import os
import time

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def answer(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        text = await websocket.receive_text()
        if text == "block":
            time.sleep(0.2)
        while text == "spin":
            pass
        await websocket.send_text(str(os.getpid()))
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessServer]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room.py").write_text(APP, encoding="utf-8")
    with serve("room:app", processes=2) as server:
        yield server


async def until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.02)


async def said(client: websockets.ClientConnection, text: str) -> int:
    await client.send(text)
    return int(await asyncio.wait_for(client.recv(), DEADLINE))


async def client_of_each(server: ProcessServer) -> dict[int, websockets.ClientConnection]:
    """One client for each process; those that came to one that had one already stay as well."""
    found: dict[int, websockets.ClientConnection] = {}
    end = time.monotonic() + DEADLINE
    while len(found) < server.processes:
        assert time.monotonic() < end, f"only {list(found)} took a connection"
        client = await websockets.connect(f"{server.ws_url}/ws?name=of-{len(found)}")
        found.setdefault(await said(client, "who"), client)
    return found


async def test_every_process_and_the_notebook_on_one_clock(server: ProcessServer) -> None:
    clients = await client_of_each(server)
    moments = {}
    async with record(server, here=True) as film:
        for pid, client in clients.items():
            sent = time.perf_counter_ns()
            assert await said(client, "who") == pid
            moments[pid] = sent - film.started_ns, time.perf_counter_ns() - film.started_ns
        await said(next(iter(clients.values())), "block")
    assert not film.dropped
    assert {one.pid for one in film.processes} == {*server.pids, os.getpid()}
    assert not any(one.killed for one in film.processes)
    assert film.trace.loops == (*(f"room:app · {one.pid}" for one in film.processes[:2]), "this notebook")
    for pid, (sent, received) in moments.items():
        steps = [step for step in film.steps if film.processes[film.lanes[step.lane].loop].pid == pid]
        answers = [step for step in steps if sent <= step.start <= received]
        assert len(answers) == 1
        assert answers[0].let_go is not None
        assert answers[0].let_go.code == "await websocket.receive_text()"
        assert answers[0].let_go.where == "room.py"
        assert film.lanes[answers[0].lane].kind == "connection"
    mine = {film.lanes[step.lane].name for step in film.steps if film.lanes[step.lane].loop == 2}
    assert any("test_every_process" in name for name in mine)
    blocked = next(block for block in film.blocks if film.processes[film.lanes[block.lane].loop].pid in server.pids)
    assert blocked.place is not None
    assert blocked.place.code == "time.sleep(0.2)"

    assert Recording.from_json(film.to_json()).trace == film.trace
    descriptors = [
        dict(fields(packet)).get(60) for _, packet in fields(film.to_perfetto()) if isinstance(packet, bytes)
    ]
    found = [dict(fields(one)).get(3) for one in descriptors if isinstance(one, bytes)]
    pids = {dict(fields(process))[1] for process in found if isinstance(process, bytes)}
    assert pids == {*server.pids, os.getpid()}
    # Of many lanes the text tells the busiest.
    assert f"(room:app · {film.processes[film.lanes[blocked.lane].loop].pid})" in str(film)
    assert f"room:app · {server.pids[0]}" in film._repr_html_()


async def test_a_killed_process_keeps_what_it_had_sent_and_its_successor_is_filmed(server: ProcessServer) -> None:
    clients = await client_of_each(server)
    killed, other = before = server.pids
    async with record(server) as film:
        await said(clients[killed], "who")

        def shipped() -> bool:
            so_far = film.so_far()
            return any(so_far.processes[so_far.lanes[step.lane].loop].pid == killed for step in so_far.steps)

        await until(shipped, "the step never arrived")
        os.kill(killed, signal.SIGKILL)
        new = (await server.log.arrival(lambda e: e.text == "answers" and e.process not in before, DEADLINE)).process
        clients |= {pid: client for pid, client in (await client_of_each(server)).items() if pid == new}
        await said(clients[new], "who")
        await said(clients[other], "who")
    processes = {one.pid: one for one in film.processes}
    assert set(processes) == {killed, other, new}
    assert [one.pid for one in film.processes if one.killed] == [killed]
    assert processes[killed].end < processes[new].start < processes[new].end
    loops = {one.pid: loop for loop, one in enumerate(film.processes)}
    for pid, ending in ((killed, "killed"), (other, ""), (new, "")):
        lanes = [lane for lane in film.lanes if lane.loop == loops[pid] and lane.kind == "connection"]
        assert lanes
        assert {lane.ending for lane in lanes} == {ending}
        assert all(processes[pid].start <= lane.start and lane.end <= processes[pid].end for lane in lanes)
        assert any(film.lanes[step.lane].loop == loops[pid] for step in film.steps)
    assert "its process ended" in str(film)


async def test_a_process_that_is_held_is_in_the_film(server: ProcessServer) -> None:
    clients = await client_of_each(server)
    pid, client = next(iter(clients.items()))
    async with record(server) as film:
        await client.send("spin")

        def seen() -> bool:
            return any((block.place and block.place.code == "pass") or block.seen for block in film.so_far().blocks)

        await until(seen, "the block never arrived")
    (held,) = [step for step in film.steps if step.open]
    assert film.processes[film.lanes[held.lane].loop].pid == pid
    assert held.end == film.trace.end
    server.stop(deadline=0.1, force=True)
    with pytest.raises(RecordingError, match="has been stopped"):
        record(server).start()


def test_the_recorder_that_looks_back_says_what_it_cannot_do(server: ProcessServer) -> None:
    with pytest.raises(RecordingError, match=r"with record\(server\) as film"):
        record.always_on(server)


async def test_what_arrives_in_parcels_is_what_the_tape_holds() -> None:
    """A camera and a film beside each other: any way of cutting into parcels gives the same film."""
    reel = _Reel(4711)
    loop = asyncio.get_running_loop()

    def arrives(parcel: dict[str, Any]) -> None:
        reel.add(json.loads(json.dumps(parcel)))

    async def worker(number: int) -> int:
        for turn in range(number):
            await asyncio.sleep(0)
            if turn % 3 == 0:
                camera._parcel(last=False)
            await asyncio.sleep(0.001)
        time.sleep(0.06)
        return number

    with record(loop) as film:
        camera = Camera(loop, arrives)
        await asyncio.gather(*(asyncio.create_task(worker(number), name=f"worker {number}") for number in range(2, 9)))
        lost = asyncio.create_task(worker(1), name="cancelled")
        await asyncio.sleep(0)
        lost.cancel()
        with pytest.raises(asyncio.CancelledError):
            await lost
        camera.finish()
    assert reel.over
    start, end = reel.began, film.started_ns + film.trace.end
    direct = film.trace
    sent = assemble([reel.cut("loop", start, end)], [reel.standing], stretch=(film.started_ns, end))

    def told(trace: Any) -> list[tuple[Any, ...]]:
        return [
            (trace.lanes[step.lane].name, step.start, step.end, step.resumed, step.let_go, step.ending)
            for step in trace.steps
            if trace.lanes[step.lane].name.startswith(("worker", "cancelled"))
        ]

    assert len(told(direct)) > 50
    assert told(sent) == told(direct)
    endings = {lane.name: lane.ending for lane in sent.lanes}
    assert endings["worker 8"] == "returned"
    assert endings["cancelled"] == "cancelled"

    def blocks(trace: Any) -> list[tuple[Any, ...]]:
        # On a busy machine the test's own lines hold the loop as well, and what comes after the camera's end is in one
        # film alone.
        seen = [block for block in trace.blocks if block.seen and block.place.function.endswith("worker")]
        return [(block.start, block.end, block.place, block.seen) for block in seen]

    assert blocks(direct)
    assert blocks(sent) == blocks(direct)


def test_footage_of_a_shorter_time_stays_in_it() -> None:
    early = footage([(10, 20, 7)], [notes(7, "a")], end=400 * MS, idle_since=20, process=1, over=True)
    late = footage([], [notes(8, "b", born=5, origin="before")], start=600 * MS, process=2)
    trace = assemble([early, late], stretch=(0, 1000 * MS))
    assert trace.end == 1000 * MS
    assert trace.processes == (Process(1, 0, 400 * MS, True), Process(2, 600 * MS, 1000 * MS))
    a, b = trace.lanes[:2]
    assert (a.end, a.ending) == (400 * MS, "killed")
    assert (b.start, b.end, b.ending) == (600 * MS, 1000 * MS, "")
    assert trace.idles[-1].end == 400 * MS
    assert "its process ended" in summary(trace)
    assert "wl-scaled wl-absent" in draw(trace).svg


def test_films_of_one_process_are_as_they_were() -> None:
    trace = chat()
    assert "wl-scaled wl-absent" not in draw(trace).svg
    old = json.loads(trace.to_json())
    del old["processes"]
    assert Recording.from_json(json.dumps(old)).trace == replace(trace, processes=())
