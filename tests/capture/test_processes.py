"""A server in several processes on the wire: which of them answered each connection."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
import websockets

from wslab.capture import Capture, capture
from wslab.language import use_language
from wslab.recording import record
from wslab.serving import serve

DEADLINE = 30.0

APP = """
import os
from fastapi import FastAPI, WebSocket

app = FastAPI()

@app.websocket("/ws")
async def answer(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        await websocket.receive_text()
        await websocket.send_text(str(os.getpid()))
"""


async def test_each_connection_has_the_process_that_answered_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room.py").write_text(APP, encoding="utf-8")
    said: dict[int, int] = {}
    with serve("room:app", processes=2) as server:
        async with record(server) as film, capture(server) as wire:
            end = time.monotonic() + DEADLINE
            while len(set(said.values())) < 2:
                assert time.monotonic() < end, f"of {server.pids} only {said} took a connection"
                async with websockets.connect(f"{wire.ws_url}/ws") as client:
                    await client.send("who")
                    said[len(said) + 1] = int(await asyncio.wait_for(client.recv(), DEADLINE))
        assert {one.number: one.process for one in wire.connections} == said
    assert {one.number: one.process for one in wire.connections} == said  # also when its processes are gone

    text = str(wire.connection(1))
    assert f"answered by process {said[1]}" in text
    use_language("tr")
    assert f"{said[1]} numaralı süreç yanıtladı" in str(wire.connection(1))
    use_language("en")
    kept = Capture.from_json(wire.to_json())
    assert kept.connections == wire.connections
    data = json.loads(wire.to_json())
    for connection in data["connections"]:
        del connection["process"]  # as in a file of an earlier version
    assert all(one.process == 0 for one in Capture.from_json(json.dumps(data)).connections)

    # The film knows whom each of its connections serves, and so do the frames that woke its steps.
    lanes = {lane.client: film.processes[lane.loop].pid for lane in film.lanes if lane.kind == "connection"}
    assert [lanes[one.via] for one in wire.connections] == [one.process for one in wire.connections]
    woken = [signal for signal in (wire + film).signals if signal.inward and signal.step]
    assert {film.processes[film.lanes[signal.lane].loop].pid for signal in woken} == set(said.values())
