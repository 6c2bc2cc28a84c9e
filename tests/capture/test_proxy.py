"""The proxy adds, drops and reorders no byte; a FIN stays a FIN, a RST a RST; and it never stands in the way."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import random
import socket
import threading
import time
from types import SimpleNamespace

import psutil
import pytest
from tests.capture.conversations import frame, request, switching
from tests.capture.wires import DEADLINE, bench, receive_all, reset, run, wait_until
from tests.ports import free_port
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from wslab.capture import capture
from wslab.capture.errors import CaptureError
from wslab.capture.frames import FrameReader
from wslab.capture.steps import Refused
from wslab.capture.transcript import Transcript


def test_bytes_pass_unchanged_both_ways_at_once() -> None:
    noise = random.Random(1)
    sent = {"client": noise.randbytes(3_000_000), "server": noise.randbytes(3_000_000)}
    received: dict[str, bytes] = {}
    with bench() as wires:
        client, server = wires.connect()

        def talk(name: str, own: socket.socket) -> None:
            reader = threading.Thread(target=lambda: received.update({name: receive_all(own)}))
            reader.start()
            own.sendall(sent[name])
            own.shutdown(socket.SHUT_WR)
            reader.join(DEADLINE)

        threads = [threading.Thread(target=talk, args=pair) for pair in (("client", client), ("server", server))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
        assert received["server"] == sent["client"]
        assert received["client"] == sent["server"]
        (connection,) = wires.wire.connections
        assert (connection.sent, connection.received) == (3_000_000, 3_000_000)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_bytes_that_come_in_pieces_are_decoded_all_the_same(size: int) -> None:
    said = request() + frame(1, b"Merhaba") * 3
    with bench() as wires:
        client, server = wires.connect()
        for start in range(0, len(said), size):
            client.sendall(said[start : start + size])
        received = b""
        while len(received) < len(said):
            received += server.recv(65_536)
        assert received == said
        server.sendall(switching())
        assert client.recv(65_536) == switching()
        assert [one.text for one in wires.wire.frames] == ["Merhaba"] * 3


def test_a_fin_closes_one_direction_only() -> None:
    with bench() as wires:
        client, server = wires.connect()
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        assert receive_all(server) == b"GET / HTTP/1.0\r\n\r\n"
        server.sendall(b"HTTP/1.0 200 OK\r\n\r\nafter the FIN")
        server.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b"HTTP/1.0 200 OK\r\n\r\nafter the FIN"
        assert wires.kinds(4) == [
            ("request", "client"),
            ("fin", "client"),
            ("response", "server"),
            ("fin", "server"),
        ]


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_rst_passes_as_a_rst(who: str) -> None:
    with bench() as wires:
        ends = dict(zip(("client", "server"), wires.connect(), strict=True))
        other = ends["server" if who == "client" else "client"]
        ends["client"].sendall(b"x")
        ends["server"].recv(1)
        reset(ends[who])
        with pytest.raises(ConnectionResetError):
            other.recv(1)
        assert wires.kinds(2)[-1] == ("reset", who)


def test_a_turn_is_over_once_all_that_came_before_has_been_passed_on() -> None:
    with bench() as wires:
        ends = [wires.connect() for _ in range(20)]
        for client, server in ends:
            client.sendall(b"x")
            server.setblocking(False)
            wires.wire.turned().result(DEADLINE)
            assert server.recv(1) == b"x"
    assert wires.wire.turned().result(DEADLINE) is None


@pytest.mark.parametrize("who", ["client", "server"])
def test_what_was_said_before_a_rst_is_in_the_capture(who: str) -> None:
    with bench() as wires:
        ends = dict(zip(("client", "server"), wires.connect(), strict=True))
        ends[who].sendall(b"x" * 1000)
        reset(ends[who])
        assert wires.kinds(2)[-1] == ("reset", who)
        (connection,) = wires.wire.connections
        assert connection.sent + connection.received == 1000


def test_a_peer_that_writes_to_an_end_that_is_gone_gets_a_rst() -> None:
    with bench() as wires:
        client, server = wires.connect()
        client.sendall(b"unread")
        wait_until(lambda: wires.wire.connections[0].sent == 6)
        server.close()  # with unread bytes: the system answers them with a RST

        def go_on_writing() -> None:
            while True:
                client.sendall(b"more")

        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            go_on_writing()
        assert ("reset", "server") in wires.kinds(1)


def test_nothing_listens_behind() -> None:
    port = free_port()
    with capture(f"ws://127.0.0.1:{port}") as wire:
        with socket.create_connection(("127.0.0.1", wire.port)) as client:
            client.settimeout(DEADLINE)
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        (step,) = wire.steps
        assert isinstance(step, Refused)
        assert step.why == os.strerror(errno.ECONNREFUSED)


def test_the_second_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` is often ::1 first, where a server on 127.0.0.1 does not listen."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = probe.getsockname()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (nobody, listener.getsockname())
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        with capture("ws://localhost:8000") as wire, socket.socket() as client:
            client.connect(("127.0.0.1", wire.port))
            client.sendall(b"hello")
            server, _ = listener.accept()
            with server:
                server.settimeout(DEADLINE)
                assert server.recv(5) == b"hello"


def fill(sock: socket.socket) -> int:
    """Send until nothing more goes out for a while; how many bytes did."""
    sock.settimeout(0.3)
    total = 0
    try:
        while True:
            total += sock.send(bytes(65_536))
    except TimeoutError:
        return total


def test_a_client_that_stops_reading_stalls_the_server_as_it_would_without() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        straight = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with straight, accepted:
            direct = fill(accepted)
    with bench() as wires:
        client, server = wires.connect()
        through = fill(server)
        # The capture's own buffers are small beside those of the two ends.
        assert through < direct * 2 + 1_000_000
        received = 0
        while received < through:
            received += len(client.recv(1 << 20))
        server.settimeout(DEADLINE)
        server.sendall(b"flows again")
        assert client.recv(100) == b"flows again"


def test_a_stalled_connection_does_not_stall_the_others() -> None:
    with bench() as wires:
        _, stalled = wires.connect()
        fill(stalled)
        client, server = wires.connect()
        for _ in range(50):
            client.sendall(b"ping")
            assert server.recv(4) == b"ping"
            server.sendall(b"pong")
            assert client.recv(4) == b"pong"


def test_options_that_a_socket_refuses_cost_nobody_the_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS refuses them with EINVAL where the peer is gone before the proxy has looked."""

    def refuses(sock: socket.socket, *option: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    with bench() as wires:
        monkeypatch.setattr(socket.socket, "setsockopt", refuses)
        client, server = wires.connect()
        monkeypatch.undo()
        client.sendall(b"ping")
        assert server.recv(4) == b"ping"
        wires.connect()


def test_leaving_with_everything_open_takes_bounded_time() -> None:
    with bench() as wires:
        for _ in range(30):
            wires.connect()
        _, stalled = wires.connect()
        fill(stalled)
        client, server = wires.connect()
        before = time.monotonic()
        wires.wire.stop()
        assert time.monotonic() - before < 5
        assert receive_all(client) == receive_all(server) == b""
        cut = [step for step in wires.wire.steps if step.kind == "cut"]
        assert sorted(step.connection for step in cut) == list(range(1, 33))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", wires.wire.port))


def test_leaving_while_somebody_talks_without_end_takes_bounded_time() -> None:
    with bench() as wires:
        client, server = wires.connect()
        going = True

        def flood() -> None:
            while going:
                try:
                    client.sendall(bytes(1000))
                except OSError:
                    return

        def drain() -> None:
            try:
                receive_all(server)
            except OSError:
                return

        threads = [threading.Thread(target=flood), threading.Thread(target=drain)]
        for thread in threads:
            thread.start()
        before = time.monotonic()
        wires.wire.stop(grace=0.2)
        assert time.monotonic() - before < 5
        going = False
        for thread in threads:
            thread.join(DEADLINE)
        assert not any(thread.is_alive() for thread in threads)


def test_what_is_still_on_its_way_is_waited_for() -> None:
    """A client that has closed and left the block expects its FIN in the capture, and the server's."""
    with bench() as wires:
        client, server = wires.connect()
        client.sendall(request())
        client.close()
        server.recv(65_536)
        server.close()
        wires.wire.stop()
        assert [step.kind for step in wires.wire.steps] == ["request", "fin", "fin"]


def test_who_has_said_goodbye_is_answered_before_the_capture_ends() -> None:
    """A server's loop that is busy needs longer for its FIN than a connection is silent that has nothing to say."""
    with bench() as wires:
        client, server = wires.connect()
        client.sendall(request())
        client.close()
        server.recv(65_536)
        answer = threading.Timer(0.3, server.close)
        answer.start()
        wires.wire.stop(grace=DEADLINE)
        answer.join()
        assert [step.kind for step in wires.wire.steps] == ["request", "fin", "fin"]


def test_two_hundred_connections_at_once() -> None:
    with bench() as wires:
        pairs = [wires.connect() for _ in range(200)]
        for number, (client, _) in enumerate(pairs):
            client.sendall(b"%4d" % number)
        seen = sorted(int(server.recv(4)) for _, server in pairs)
        assert seen == list(range(200))
        assert len(wires.wire.connections) == 200


def test_nothing_is_left_behind() -> None:
    process = psutil.Process()
    with bench() as wires:
        wires.connect()
    descriptors = process.num_fds() if hasattr(process, "num_fds") else 0
    threads = threading.active_count()
    for _ in range(20):
        with bench() as wires:
            client, _ = wires.connect()
            client.sendall(b"x")
    assert threading.active_count() == threads
    if descriptors:
        assert process.num_fds() == descriptors


def test_memory_is_bounded_and_what_went_is_counted() -> None:
    size, rounds = 100_000, 200
    with bench(max_steps=50, max_bytes=1_000_000) as wires:
        client, server = wires.connect()
        client.sendall(request())
        server.recv(65_536)
        server.sendall(switching())
        client.recv(65_536)
        reader = threading.Thread(target=receive_all, args=(server,))
        reader.start()
        said = frame(2, bytes(size))
        for _ in range(rounds):
            client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        reader.join(DEADLINE)
        wait_until(lambda: wires.wire.steps[-1].kind == "fin")
        steps, dropped = wires.wire.steps, wires.wire.dropped
        assert len(steps) <= 50
        assert sum(len(step.raw) for step in steps) <= 1_000_000
        assert len(steps) + dropped.steps == rounds + 3
        (connection,) = wires.wire.connections
        held = sum(len(step.raw) for step in steps)
        assert connection.sent + connection.received == held + dropped.bytes
        assert connection.websocket


def test_undecoded_events_do_not_pile_up() -> None:
    """Nobody reads the capture and there is no pause; the proxy then decodes as it goes."""
    with bench(max_bytes=100_000) as wires:
        client, server = wires.connect()
        reader = threading.Thread(target=receive_all, args=(server,))
        reader.start()
        waiting = []
        for _ in range(40):
            client.sendall(bytes(1_000_000))
            # A copy at one moment: the proxy's thread goes on adding.
            waiting.append(
                sum(len(event.data) for event in wires.wire._transcript._events.copy() if hasattr(event, "data"))
            )
        client.shutdown(socket.SHUT_WR)
        reader.join(DEADLINE)
        assert max(waiting) < 12_000_000
        assert wires.wire.connections[0].sent == 40_000_000


@pytest.mark.parametrize(("room", "name"), [(FrameReader, "_content"), (Transcript, "_add")])
def test_a_fault_in_the_capture_does_not_touch_the_bytes(
    room: type, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a fault of the kit")

    with caplog.at_level(logging.ERROR, "wslab.capture"), bench() as wires:
        client, server = wires.connect()
        monkeypatch.setattr(room, name, fails)
        client.sendall(request())
        assert server.recv(65_536) == request()
        server.sendall(switching())
        assert client.recv(65_536) == switching()
        client.sendall(frame(1, b"Merhaba"))
        assert server.recv(65_536) == frame(1, b"Merhaba")
        assert not wires.wire.frames
        client.close()
        assert server.recv(1) == b""
    assert "a fault of the kit" in caplog.text


def test_no_descriptors_left_for_another_client(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    accept = socket.socket.accept
    refused = []

    def scarce(self: socket.socket) -> object:
        if threading.current_thread().name == "wslab-capture" and len(refused) < 2:
            refused.append(self)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", scarce)
    with caplog.at_level(logging.WARNING, "wslab.capture"), bench() as wires:
        client, server = wires.connect()
        client.sendall(b"x")
        assert server.recv(1) == b"x"
    assert len(refused) == 2
    assert "cannot take another client" in caplog.text


# Beginning and ending.


async def echo(websocket: ServerConnection) -> None:
    async for message in websocket:
        await websocket.send(f"Mesajınız: {message}")


def test_both_kinds_of_with_work_where_the_client_lives_on_the_same_loop() -> None:
    run(both_kinds_of_with())


async def both_kinds_of_with() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        behind = SimpleNamespace(host="127.0.0.1", port=port)
        async with capture(behind) as wire, connect(wire.ws_url) as websocket:
            await websocket.send("Merhaba")
            assert await asyncio.wait_for(websocket.recv(), DEADLINE) == "Mesajınız: Merhaba"
        assert [step.kind for step in wire.steps[-2:]] == ["fin", "fin"]
        assert [message.text for message in wire.messages] == ["Merhaba", "Mesajınız: Merhaba"]
        with capture(behind) as plain:
            async with connect(plain.ws_url) as websocket:
                await websocket.send("a")
                await asyncio.wait_for(websocket.recv(), DEADLINE)
        assert plain.closing.clean


def test_the_addresses_to_connect_to() -> None:
    with capture("ws://localhost:8000/ws?name=Ada") as wire:
        assert wire.ws_url == f"ws://127.0.0.1:{wire.port}/ws?name=Ada"
        assert wire.url == f"http://127.0.0.1:{wire.port}/ws?name=Ada"
    with capture(SimpleNamespace(host="127.0.0.1", port=8000)) as wire:
        assert wire.ws_url == f"ws://127.0.0.1:{wire.port}"
    with capture("127.0.0.1:8000") as wire:
        assert wire.url == f"http://127.0.0.1:{wire.port}"


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (object(), "needs a server from serve()"),
        (8000, "needs a server from serve()"),
        ("wss://localhost:8000", "encrypted"),
        ("https://localhost", "encrypted"),
        ("ftp://localhost", "no address"),
        ("ws://localhost:port", "no address"),
        ("", "no address"),
    ],
)
def test_what_cannot_be_captured_is_told(server: object, words: str) -> None:
    with pytest.raises(CaptureError, match=words):
        capture(server)  # type: ignore[arg-type]


def test_a_host_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(CaptureError, match="no host 'nowhere'"), capture("ws://nowhere:8000"):
        pass


def test_without_a_with_block_there_is_no_address() -> None:
    with pytest.raises(CaptureError, match="with capture"):
        capture("ws://127.0.0.1:8000").ws_url  # noqa: B018


def test_a_capture_is_used_once() -> None:
    with capture("ws://127.0.0.1:8000") as wire:
        pass
    with pytest.raises(CaptureError, match="once"), wire:
        pass
    wire.stop()  # to stop it again does no harm
