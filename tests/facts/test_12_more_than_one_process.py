"""What notebook 12 teaches about several processes and a broker; the apps are those of its cells."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import valkey.asyncio as valkey
import websockets
from fastapi import FastAPI, WebSocket

from wslab import proxy
from wslab.authoring.building import notebook
from wslab.broker import Broker, broker
from wslab.broker.server import ADDRESS
from wslab.capture import capture
from wslab.capture.steps import Request
from wslab.proxy import Nginx, nginx
from wslab.serving import ProcessServer, Server, serve

ROOT = Path(__file__).parents[2]
DEADLINE = 20
WRITES = "%%writefile "

Rooms = list[list[websockets.ClientConnection]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no Valkey for Windows")
needs_nginx = pytest.mark.skipif(proxy._program() is None, reason="there is no nginx on this machine")

UPGRADE = {
    "version": "proxy_http_version 1.1;",
    "upgrade": "proxy_set_header Upgrade $http_upgrade;",
    "connection": "proxy_set_header Connection upgrade;",
}
ALL = "".join(UPGRADE.values())


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


async def visitors(server: ProcessServer, each: int = 3, *, counts: bool = True) -> Rooms:
    rooms: dict[int, list[websockets.ClientConnection]] = {process: [] for process in server.pids}
    async with asyncio.timeout(3 * DEADLINE):
        while any(len(clients) < each for clients in rooms.values()):
            client = await websockets.connect(f"{server.ws_url}/ws")
            told = json.loads(await client.recv())
            clients = rooms[told["process"]]
            if len(clients) < each:
                clients.append(client)
                assert not counts or told["count"] == len(clients)  # of this process's own
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


async def test_a_silent_subscription_ends_unless_it_may_be_silent(post: Broker) -> None:
    usual = valkey.from_url(post.url).connection_pool.make_connection()
    assert usual.socket_timeout == 5
    async with valkey.from_url(post.url, socket_timeout=1) as client, client.pubsub() as pubsub:
        await pubsub.subscribe("news")
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(valkey.TimeoutError):
                async for _ in pubsub.listen():
                    pass
    assert not issubclass(valkey.TimeoutError, valkey.ConnectionError)
    async with valkey.from_url(post.url, socket_timeout=None) as client:
        assert client.connection_pool.make_connection().socket_timeout is None


async def counted(client: valkey.Valkey) -> tuple[int, int]:
    keys = await client.keys("here:*")
    leased = await client.mget(keys) if keys else []
    return int(await client.get("counter") or 0), sum(int(count) for count in leased if count)


async def until_counted(client: valkey.Valkey, right: Callable[[int, int], bool]) -> tuple[int, int]:
    async with asyncio.timeout(3 * DEADLINE):
        while not right(*(found := await counted(client))):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
    return found


async def test_a_counter_keeps_who_was_killed_and_a_leased_key_does_not(post: Broker) -> None:
    with serve("room_counted:app", processes=2) as server:
        async with valkey.from_url(post.url) as client:
            rooms = await visitors(server)
            await until_counted(client, lambda counter, leased: counter == leased == 6)
            os.kill(next(iter(server.pids)), signal.SIGKILL)
            counter, _ = await until_counted(client, lambda _, leased: leased == 3)
            assert counter == 6
            assert sum(len(clients) for clients in rooms) == 6


async def test_a_lock_that_expired_stops_nobody_and_a_stream_refuses_a_smaller_number(post: Broker) -> None:
    async with asyncio.timeout(DEADLINE), valkey.from_url(post.url, decode_responses=True) as client:
        assert await client.set("ticker", "A", nx=True, px=60_000)
        assert await client.set("ticker", "B", nx=True, px=60_000) is None
        await client.pexpire("ticker", 1)
        while not await client.set("ticker", "B", nx=True, px=60_000):  # noqa: ASYNC110 - the broker's clock ends it
            await asyncio.sleep(0.02)
        await client.xadd("ticks", {"by": "B"}, id="2-*")
        with pytest.raises(valkey.ResponseError, match="equal or smaller"):
            await client.xadd("ticks", {"by": "A"}, id="1-*")
        assert [fields["by"] for _, fields in await client.xrange("ticks")] == ["B"]


@pytest.mark.parametrize(("file", "orders"), [("room_hasty", 2), ("room_joined", 1)])
async def test_what_goes_past_the_broker_has_another_order(post: Broker, file: str, orders: int) -> None:
    assert post.pid is not None
    with serve(f"{file}:app", processes=2) as server:
        (ada,), (bora,) = await visitors(server, 1)
        os.kill(post.pid, signal.SIGSTOP)
        try:
            await ada.send("çay")
            await bora.send("kahve")
            came: list[list[str | bytes]] = [[], []]
            if file == "room_hasty":
                came = [[await asyncio.wait_for(client.recv(), DEADLINE)] for client in (ada, bora)]
                assert came == [["çay"], ["kahve"]]
        finally:
            os.kill(post.pid, signal.SIGCONT)
        for texts, client in zip(came, (ada, bora), strict=True):
            while len(texts) < 2:
                texts.append(await asyncio.wait_for(client.recv(), DEADLINE))
        assert len({tuple(texts) for texts in came}) == orders
        assert [sorted(map(str, texts)) for texts in came] == [["kahve", "çay"]] * 2


async def test_clients_of_a_killed_process_are_accepted_and_resumed_by_the_one_that_is_left(post: Broker) -> None:
    with serve("room_lasting:app", processes=2) as server:
        near, far = await visitors(server, counts=False)
        stays, lost = server.pids
        await near[0].send("bir")
        async with asyncio.timeout(2 * DEADLINE):
            said = [str(await client.recv()) for client in near + far]
            last, _ = said[0].split()
            os.kill(lost, signal.SIGKILL)
            await asyncio.gather(*(client.wait_closed() for client in far))
            assert {client.close_code for client in far} == {1006}
            await near[0].send("iki")
            back = [await websockets.connect(f"{server.ws_url}/ws?last={last}") for _ in far]
            for client in back:
                assert json.loads(await client.recv())["process"] == stays
                assert str(await client.recv()).split()[1:] == ["iki"]
        assert await until(lambda: len(server.pids) == 2, 3 * DEADLINE)
        assert {one.process for one in server.connections} == {stays}


def mirror() -> FastAPI:
    """The app of section 6, which also says what it gets."""
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        assert websocket.client is not None
        await websocket.send_text(websocket.client.host)
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    return app


@pytest.fixture
def inner() -> Iterator[Server]:
    with serve(mirror()) as server:
        yield server


async def handshake(url: str, **options: Any) -> int | str:
    """The status that a client gets, or where it is 101, the address that the app tells it."""
    try:
        async with asyncio.timeout(DEADLINE), websockets.connect(url, **options) as client:
            return str(await client.recv())
    except websockets.InvalidStatus as refusal:
        return refusal.response.status_code


@needs_nginx
@pytest.mark.parametrize(
    ("without", "status"), [("", "127.0.0.1"), ("upgrade", 404), ("connection", 404), ("version", "127.0.0.1")]
)
async def test_nginx_asks_for_an_upgrade_only_if_two_lines_say_so(inner: Server, without: str, status: object) -> None:
    lines = "".join(line for name, line in UPGRADE.items() if name != without)
    with nginx(f"proxy_pass {inner.url};{lines}") as front:
        assert await handshake(f"{front.ws_url}/ws") == status


@needs_nginx
async def test_without_lines_nginx_asks_for_a_page_and_the_handler_does_not_run(inner: Server) -> None:
    with capture(inner) as wire, nginx(f"proxy_pass {wire.url};") as front:
        assert await handshake(f"{front.ws_url}/ws") == 404
    (request,) = (step for step in wire.steps if isinstance(step, Request))
    names = {name.lower(): value for name, value in request.headers}
    assert (request.method, request.target) == ("GET", "/ws")
    assert "upgrade" not in names
    assert names.get("connection", "") != "upgrade"
    assert not inner.log.errors


@needs_nginx
async def test_nginx_ends_a_silent_connection_without_a_close_frame(inner: Server) -> None:
    with nginx(f"proxy_pass {inner.url};{ALL}proxy_read_timeout 1s;") as front:
        async with asyncio.timeout(DEADLINE), websockets.connect(f"{front.ws_url}/ws") as client:
            await client.recv()
            await client.wait_closed()
        assert client.close_code == 1006


def test_uvicorn_pings_more_often_than_nginx_looks() -> None:
    assert uvicorn.Config("").ws_ping_interval == 20  # nginx's proxy_read_timeout is 60 seconds


@needs_nginx
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of this machine")
async def test_whose_address_the_app_sees(inner: Server) -> None:
    phone: dict[str, Any] = {"local_addr": ("127.0.0.2", 0)}
    claim: dict[str, Any] = {"additional_headers": {"X-Forwarded-For": "203.0.113.7"}}
    set_, added = "X-Forwarded-For $remote_addr", "X-Forwarded-For $proxy_add_x_forwarded_for"
    with nginx(f"proxy_pass {inner.url};{ALL}") as front:
        assert await handshake(f"{front.ws_url}/ws", **phone) == "127.0.0.1"
    for header in (set_, added):
        with nginx(f"proxy_pass {inner.url};{ALL}proxy_set_header {header};") as front:
            assert await handshake(f"{front.ws_url}/ws", **phone) == "127.0.0.2"
            assert await handshake(f"{front.ws_url}/ws", **phone, **claim) == "127.0.0.2"
    straight = f"{inner.ws_url}/ws"
    assert await handshake(straight, **phone, **claim) == "127.0.0.2"
    assert await handshake(straight, **claim) == "203.0.113.7"


def test_whom_uvicorn_trusts() -> None:
    assert uvicorn.Config("").forwarded_allow_ips == "127.0.0.1,::1"


def named(name: str) -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(name)
        async for _ in websocket.iter_text():
            pass

    return app


@pytest.fixture
def both() -> Iterator[list[Server]]:
    """The servers A and B of section 6."""
    with serve(named("A")) as a, serve(named("B")) as b:
        yield [a, b]


def sharing(servers: list[Server], rule: str = "", *, parameters: str = "") -> contextlib.AbstractContextManager[Nginx]:
    addresses = "".join(f"server {server.host}:{server.port} {parameters};" for server in servers)
    return nginx(f"proxy_pass http://servers;{ALL}", rule + addresses)


async def reached(front: Nginx, count: int, query: str = "", **options: Any) -> str:
    """Which servers answer so many connections, one after the other."""
    return "".join([str(await handshake(f"{front.ws_url}/ws{query}", **options)) for _ in range(count)])


@needs_nginx
@pytest.mark.parametrize(("rule", "servers"), [("", "BAB"), ("least_conn;", "BBB")])
async def test_without_a_line_servers_take_turns(both: list[Server], rule: str, servers: str) -> None:
    with sharing(both, rule) as front:
        async with asyncio.timeout(DEADLINE), websockets.connect(f"{front.ws_url}/ws") as first:
            assert await first.recv() == "A"
            assert await reached(front, 3) == servers


@needs_nginx
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of this machine")
async def test_ip_hash_keeps_a_network_together_and_everybody_behind_another_proxy(both: list[Server]) -> None:
    async def places(front: Nginx, addresses: list[str]) -> list[str]:
        return [await reached(front, 2, local_addr=(address, 0)) for address in addresses]

    network = [f"127.0.0.{number}" for number in range(2, 12)]
    networks = [f"127.0.{number}.2" for number in range(1, 11)]
    with sharing(both, "ip_hash;") as front, nginx(f"proxy_pass {front.url};{ALL}") as outer:
        assert set(await places(front, network)) in ({"AA"}, {"BB"})
        assert set(await places(front, networks)) == {"AA", "BB"}
        assert set(await places(outer, networks)) in ({"AA"}, {"BB"})


@needs_nginx
@pytest.mark.parametrize("what", ["room", "cookie"])
async def test_hash_knows_a_client_by_what_it_brings(both: list[Server], what: str) -> None:
    async def places(front: Nginx, text: str) -> str:
        if what == "room":
            return await reached(front, 3, f"?room={text}")
        return await reached(front, 3, additional_headers={"Cookie": f"visitor={text}"})

    rule = {"room": "hash $arg_room consistent;", "cookie": "hash $cookie_visitor consistent;"}[what]
    with sharing(both, rule) as front:
        assert {await places(front, str(number)) for number in range(40)} == {"AAA", "BBB"}
        assert await reached(front, 4, "?hall=1") in ("ABAB", "BABA")  # nothing brought, so they take turns


@needs_nginx
async def test_consistent_moves_only_what_a_new_server_takes(both: list[Server]) -> None:
    async def places(servers: list[Server], rule: str) -> list[str]:
        with sharing(servers, rule) as front:
            return [await reached(front, 1, f"?room={number}") for number in range(60)]

    async def moved(rule: str, third: Server) -> list[str]:
        """Where those rooms go that a third server takes away from theirs."""
        before, after = await places(both, rule), await places([*both, third], rule)
        return [new for old, new in zip(before, after, strict=True) if old != new]

    with serve(named("C")) as c:
        kept = await moved("hash $arg_room consistent;", c)
        plain = await moved("hash $arg_room;", c)
    assert set(kept) == {"C"}
    assert {"A", "B", "C"} == set(plain)
    assert len(plain) > 30


@needs_nginx
async def test_a_server_that_failed_is_left_out_for_a_while_even_if_it_is_back(both: list[Server]) -> None:
    a, b = both
    for parameters, then in (("fail_timeout=1h", {"A"}), ("max_fails=0", {"A", "B"})):
        with sharing(both, "hash $arg_room consistent;", parameters=parameters) as front:
            rooms = {await reached(front, 1, query): query for query in (f"?room={number}" for number in range(40))}
            assert set(rooms) == {"A", "B"}
            b.stop()
            assert await reached(front, 1, rooms["B"]) == "A"
            b.start()
            assert {await reached(front, 1, query) for query in rooms.values()} == then
            a.stop()
            b.stop()
            assert await handshake(f"{front.ws_url}/ws{rooms['B']}") == 502
            a.start()
            b.start()
            back = 502 if then == {"A"} else "B"
            assert await handshake(f"{front.ws_url}/ws{rooms['B']}") == back


@needs_nginx
async def test_a_while_is_ten_seconds(both: list[Server]) -> None:
    loop = asyncio.get_running_loop()
    with sharing(both) as front:
        url = f"{front.ws_url}/ws"
        for server in both:
            server.stop()
        failed = loop.time()
        assert await handshake(url) == 502
        for server in both:
            server.start()
        async with asyncio.timeout(3 * DEADLINE):
            while await handshake(url) == 502:  # noqa: ASYNC110 - nginx's clock ends it
                await asyncio.sleep(0.2)
        assert loop.time() - failed > 9  # nginx counts whole seconds


async def until(look: Callable[[], object], seconds: float = DEADLINE) -> bool:
    """Whether it came to be so in time."""
    for _ in range(round(seconds / 0.02)):
        if look():
            break
        await asyncio.sleep(0.02)
    return bool(look())


async def farewell(server: ProcessServer, path: str, signal_: signal.Signals = signal.SIGTERM) -> list[object]:
    """What a client still gets once the supervisor has a signal, and the close code."""
    heard: list[object] = []
    async with asyncio.timeout(2 * DEADLINE), websockets.connect(f"{server.ws_url}{path}") as client:
        await client.recv()
        os.kill(server.supervisor, signal_)
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in client:
                heard.append(text)
        return [*heard, client.close_code]


async def test_the_lifespan_ends_after_the_last_handler() -> None:
    with serve("room_closing:app", processes=1, timeout_graceful_shutdown=None) as server:
        assert await farewell(server, "/ws") == [1012]
        assert await until(lambda: not server.pids)
        assert "clients at the end: 0" in [entry.text for entry in server.log]


async def test_a_handler_that_never_receives_holds_up_the_shutdown(capsys: pytest.CaptureFixture[str]) -> None:
    with serve("room_closing:app", processes=1, timeout_graceful_shutdown=None) as server:
        assert await farewell(server, "/feed") == [1012]
        assert not await until(lambda: not server.pids, 1)
        server.stop(1)
        assert "clients at the end: 0" not in [entry.text for entry in server.log]
    assert "did not stop" in capsys.readouterr().out


async def test_a_limit_cancels_it_and_the_lifespan_ends() -> None:
    with serve("room_closing:app", processes=1, timeout_graceful_shutdown=1) as server:
        assert await farewell(server, "/feed") == [1012]
        assert await until(lambda: not server.pids)
        said = [entry.text for entry in server.log]
        assert any(text.startswith("Cancel 1 running task(s)") for text in said)
        assert "clients at the end: 0" in said
        if proxy._program() is not None:
            with nginx(f"proxy_pass {server.url};{ALL}") as front:
                assert await handshake(f"{front.ws_url}/ws") == 502


def test_uvicorn_has_no_limit_of_its_own() -> None:
    assert uvicorn.Config("").timeout_graceful_shutdown is None


async def test_sighup_starts_the_next_process_before_the_last_one_ends() -> None:
    with serve("room_closing:app", processes=1) as server:
        (first,) = server.pids
        assert await farewell(server, "/ws", signal.SIGHUP) == [1012]
        assert await handshake(f"{server.ws_url}/ws") == "Merhaba"
        assert await until(lambda: first not in server.pids)
        ready, ended = "starts", "Terminated child process"
        said = [text for text in (entry.text for entry in server.log) if text.startswith((ready, ended))]
        assert [text.startswith(ready) for text in said] == [True, True, False]


async def test_a_process_without_a_file_left_takes_nobody_in_until_somebody_leaves() -> None:
    with serve("room_few:app", processes=1) as server:
        inside: list[websockets.ClientConnection] = []
        url = f"{server.ws_url}/ws"
        async with asyncio.timeout(3 * DEADLINE):
            while "Too many open files" not in "".join(entry.text for entry in server.log.errors):
                with contextlib.suppress(TimeoutError):
                    inside.append(await websockets.connect(url, open_timeout=3))
        assert len(inside) < 64
        with pytest.raises(TimeoutError):
            await websockets.connect(url, open_timeout=3)
        await inside[0].send("çay")
        assert await asyncio.wait_for(inside[0].recv(), DEADLINE) == "çay"
        for client in inside[:3]:
            await client.close()
        async with asyncio.timeout(DEADLINE), websockets.connect(url, open_timeout=DEADLINE) as late:
            await late.send("kahve")
            assert await late.recv() == "kahve"
