"""What notebook 12 teaches about several processes and a broker; the apps are those of its cells."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import valkey.asyncio as valkey
import websockets

from wslab.authoring.building import notebook
from wslab.broker import Broker, broker
from wslab.broker.server import ADDRESS
from wslab.serving import ProcessServer, serve

ROOT = Path(__file__).parents[2]
DEADLINE = 20
WRITES = "%%writefile "

Rooms = list[list[websockets.ClientConnection]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no Valkey for Windows")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the notebook's cells write, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for cell in notebook(ROOT, "12", "en").cells:
        if cell.source.startswith(WRITES):
            name, _, code = cell.source.removeprefix(WRITES).partition("\n")
            Path(name).write_text(code, "utf-8")


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    monkeypatch.delenv(ADDRESS, raising=False)
    with broker() as started:
        monkeypatch.setenv("BROKER", started.url)
        yield started


async def visitors(server: ProcessServer, each: int = 3) -> Rooms:
    rooms: dict[int, list[websockets.ClientConnection]] = {process: [] for process in server.pids}
    async with asyncio.timeout(3 * DEADLINE):
        while any(len(clients) < each for clients in rooms.values()):
            client = await websockets.connect(f"{server.ws_url}/ws")
            told = json.loads(await client.recv())
            clients = rooms[told["process"]]
            if len(clients) < each:
                clients.append(client)
                assert told["count"] == len(clients)  # of this process's own
            else:
                await client.close()
    return list(rooms.values())


async def hearers(rooms: Rooms, seconds: float) -> list[int]:
    """How many of each process hear what the first client of the first one says."""
    await rooms[0][0].send("Merhaba")

    async def hears(client: websockets.ClientConnection) -> bool:
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(client.recv(), seconds) == "Merhaba"
        return False

    return [sum(await asyncio.gather(*map(hears, clients))) for clients in rooms]


async def test_each_process_has_a_list_of_its_own() -> None:
    with serve("room_alone:app", processes=2) as server:
        assert await hearers(await visitors(server), 2) == [3, 0]


async def test_with_a_broker_everybody_hears_it_once(post: Broker) -> None:
    with serve("room_joined:app", processes=2) as server:
        rooms = await visitors(server)
        assert await hearers(rooms, DEADLINE) == [3, 3]
        for clients in rooms:
            for client in clients:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.recv(), 0.1)


async def test_a_channel_keeps_nothing_and_a_stream_does(post: Broker) -> None:
    async with asyncio.timeout(DEADLINE), valkey.from_url(post.url) as client, client.pubsub() as pubsub:
        assert await client.publish("news", "1") == 0
        await pubsub.subscribe("news")
        assert await client.publish("news", "2") == 1
        said = [await pubsub.get_message(timeout=DEADLINE) for _ in range(2)]
        assert [message["data"] for message in said] == [1, b"2"]
        last = await client.xadd("story", {"text": "1"})
        await client.xadd("story", {"text": "2"})
        ((_, entries),) = await client.xread({"story": last})
        assert [fields[b"text"] for _, fields in entries] == [b"2"]


async def test_a_subscription_ends_with_the_broker_and_nobody_says_so(post: Broker) -> None:
    with serve("room_joined:app", processes=2) as server:
        rooms = await visitors(server)
        post.kill()
        post.start()
        assert await hearers(rooms, 2) == [0, 0]
        assert not server.log.errors
