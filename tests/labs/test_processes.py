"""An app served by two processes that share a broker: each can be killed, and nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from tests.outliving import until

from wslab.labs import catalogue, checking, general
from wslab.labs.deadlines import Deadlines
from wslab.labs.processes import foreman, venue
from wslab.labs.processes.venue import Foreman, Program, ServedByProcesses
from wslab.labs.stage import Client, Stage
from wslab.labs.venue import NotServed
from wslab.serving import ServerStartError

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

DEADLINE = 30.0

APP = """
import os
from fastapi import FastAPI, WebSocket
import valkey.asyncio as valkey

app = FastAPI()
post = valkey.from_url(os.environ["BROKER"], decode_responses=True)

@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            await websocket.send_text(f"{os.getpid()} {await post.incr('count')}")
        except valkey.ConnectionError:
            await websocket.send_text("no broker")
        if text == "raise":
            raise ValueError(text)
"""


def served(source: str = APP) -> ServedByProcesses:
    return ServedByProcesses(object(), Program("In[7]", source, "app"))


@pytest.fixture
async def room() -> AsyncIterator[ServedByProcesses]:
    found = served()
    await found.start()
    yield found
    found.close()


@pytest.fixture
async def stage(room: ServedByProcesses, deadlines: Deadlines) -> AsyncIterator[Stage]:
    found = Stage(room, deadlines)
    yield found
    await found.clear(politely=False)


async def asked(client: Client, text: str = "?") -> list[str]:
    await client.send(text)
    came = await client.next(within=DEADLINE)
    assert came is not None
    return came.text.split()


async def test_each_address_is_a_process_and_both_have_one_broker(stage: Stage) -> None:
    alice, ben = await stage.connect("A"), await stage.connect("B", process=1)
    (first, one), (second, two) = await asked(alice), await asked(ben)
    assert first != second
    assert (one, two) == ("1", "2")


async def test_a_killed_process_takes_its_clients_along_and_another_one_comes(
    room: ServedByProcesses, stage: Stage
) -> None:
    alice, ben = await stage.connect("A"), await stage.connect("B", process=1)
    former = (await asked(ben))[0]
    await room.kill_process(1)
    end = await ben.ended(DEADLINE)
    assert end is not None
    assert end.code == 1006
    assert not psutil.pid_exists(int(former))
    waiting = asyncio.create_task(stage.connect("C", process=1))
    await room.start_process(1)
    carl = await waiting
    assert (await asked(carl))[0] != former
    assert alice.end is None


async def test_a_broker_that_was_killed_is_back_at_its_address_and_empty(room: ServedByProcesses, stage: Stage) -> None:
    alice = await stage.connect("A")
    assert (await asked(alice))[1] == "1"
    await room.kill_broker()
    assert await asked(alice) == ["no", "broker"]
    await room.start_broker()
    assert (await asked(alice))[1] == "1"


async def test_a_process_that_is_stopped_says_1012(room: ServedByProcesses, stage: Stage) -> None:
    alice, ben = await stage.connect("A"), await stage.connect("B", process=1)
    assert await room.stop_process(1) == ()
    end = await ben.ended(DEADLINE)
    assert end is not None
    assert end.code == 1012
    assert alice.end is None


async def test_what_a_process_raised_is_heard_also_when_it_is_killed_after_that(
    room: ServedByProcesses, stage: Stage
) -> None:
    ben = await stage.connect("B", process=1)
    await asked(ben, "raise")
    await ben.ended(DEADLINE)
    await room.kill_process(1)
    (raised,) = stage.raised_so_far()
    assert (raised.text, raised.place) == ("ValueError: raise", "In[7] line 18")


async def test_after_the_end_no_process_is_left_and_it_starts_again(deadlines: Deadlines) -> None:
    found = served()
    for _ in range(2):
        await found.start()
        stage = Stage(found, deadlines)
        clients = [await stage.connect(process=number) for number in (0, 1)]
        pids = [int((await asked(client))[0]) for client in clients]
        await stage.clear(politely=False)
        found.close()
        assert not any(map(psutil.pid_exists, pids))
        assert not found.running


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import fastapi\nfastapi.nothing", "AttributeError"),
        ("app = FastAPI()", "In[7] line 1"),
        ("app =", "In[7] line 1"),
        ("import fastapi", "`app`"),
        ("def app(): pass", "app"),
        ("import os\nos._exit(3)", "ended"),
    ],
)
async def test_a_cell_that_makes_no_app_of_its_own_is_told(source: str, says: str) -> None:
    found = served(source)
    with pytest.raises(ServerStartError) as raised:
        await found.start()
    assert says in str(raised.value)
    assert not found.running


async def test_without_a_broker_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = venue.socket.socketpair()
    with theirs:
        theirs.sendall(b'{"error": "none"}\n')
        found = ServedByProcesses(object(), Program("In[7]", APP, "app"), Foreman(ours))
        with pytest.raises(NotServed) as raised:
            await found.start()
        assert (raised.value.misconception, raised.value.observed) == (general.NO_BROKER, venue._NO_BROKER)
        ours.close()


def test_a_foreman_finds_no_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(foreman.broker, "program", lambda: None)
    ours, theirs = venue.socket.socketpair()
    with ours, theirs:
        ours.sendall(b'{"do": "start broker"}\n')
        ours.shutdown(venue.socket.SHUT_WR)
        foreman.Foreman(theirs, (), str(tmp_path / "broker")).run()
        assert ours.recv(100) == b'{"error": "none"}\n'


async def test_where_there_is_no_fork_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.fork")
    with pytest.raises(NotServed, match="WSL"):
        await served().start()


def test_no_transcript_is_promised() -> None:
    (name, *_) = [check.name for check in catalogue.labs()["L9"].checks]
    with pytest.raises(checking.LabError, match="several processes"):
        checking.transcript(f"L9.{name}")


KERNEL = """
import asyncio, os, sys, time
from wslab.labs.processes.venue import Program, ServedByProcesses, _own

async def main():
    found = ServedByProcesses(object(), Program("In[1]", sys.stdin.read(), "app"))
    await found.start()
    print(_own._process.pid, _own._folder, flush=True)
    time.sleep(600)

asyncio.run(main())
"""


def test_with_the_kernel_everything_ends(tmp_path: Path) -> None:
    kernel = subprocess.Popen(
        [sys.executable, "-c", KERNEL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert kernel.stdin is not None
    assert kernel.stdout is not None
    with kernel.stdin:
        kernel.stdin.write(APP)
    said = kernel.stdout.readline().split()
    its_foreman = psutil.Process(int(said[0]))
    children = its_foreman.children(recursive=True)
    assert len(children) == 3, children  # two processes and the broker
    os.kill(kernel.pid, signal.SIGKILL)
    kernel.wait()
    kernel.stdout.close()
    for process in (its_foreman, *children):
        ended = lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE  # noqa: B023, E731
        until(ended, str(process), DEADLINE)
    until(lambda: not Path(said[1]).exists(), said[1])
