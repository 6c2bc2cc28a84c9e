"""The lines between the kernel and its server's processes: who may speak on them, and what is said."""

from __future__ import annotations

import concurrent.futures
import contextlib
import gc
import queue
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from wslab.serving.processes.exchange import Exchange, Peer
from wslab.serving.processes.frames import HEADER, Message, packed
from wslab.serving.processes.line import Line
from wslab.serving.processes.naming import Named
from wslab.serving.processes.process_server import ProcessServer, _Run

DEADLINE = 10.0


@pytest.fixture
def came() -> queue.Queue[Peer]:
    """The processes that have said hello."""
    return queue.Queue()


@pytest.fixture
def exchange(came: queue.Queue[Peer]) -> Iterator[Exchange]:
    exchange = Exchange(came.put, lambda peer, message: None, lambda peer: None)
    yield exchange
    exchange.close()


@pytest.mark.parametrize(
    "said",
    [
        packed({"kind": "hello", "secret": "0" * 64, "role": "worker", "pid": 1}),
        packed({"kind": "hello", "secret": "şifre", "role": "worker", "pid": 1}),
        packed({"kind": "hello", "role": "worker", "pid": 1}),
        packed({"kind": "hello", "secret": "x" * 600, "role": "worker", "pid": 1}),
        HEADER.pack(1 << 20),
        HEADER.pack(2) + b"[]",
        HEADER.pack(2) + b"\xff\xff",
    ],
    ids=["wrong", "not ASCII", "none", "too long", "says that it is long", "no message", "no text"],
)
def test_a_stranger_is_hung_up_on(
    exchange: Exchange, came: queue.Queue[Peer], caplog: pytest.LogCaptureFixture, said: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", exchange.port), DEADLINE) as stranger:
        stranger.sendall(said)
        with contextlib.suppress(ConnectionResetError):  # what was not read is thrown away with the connection
            assert stranger.recv(1) == b""
    line = Line(exchange.port, exchange.secret, "worker")
    assert came.get(timeout=DEADLINE).role == "worker"
    line._sock.close()
    assert came.empty()
    gc.collect()  # asyncio tells of a task that raised at its end
    assert not caplog.records


def test_what_a_process_is_asked_as_it_ends_is_answered_at_once(exchange: Exchange, came: queue.Queue[Peer]) -> None:
    line = Line(exchange.port, exchange.secret, "worker")
    peer = came.get(timeout=DEADLINE)
    asked = peer.ask("open")
    line._sock.close()
    done, _ = concurrent.futures.wait([asked, peer.ask("open")], DEADLINE)
    assert len(done) == 2
    assert all(answer.cancelled() for answer in done)


def test_closing_with_open_lines_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    came: queue.Queue[Peer] = queue.Queue()
    went: queue.Queue[Peer] = queue.Queue()
    exchange = Exchange(came.put, lambda peer, message: None, went.put)
    line = Line(exchange.port, exchange.secret, "worker")
    peer = came.get(timeout=DEADLINE)
    exchange.close()
    assert went.get(timeout=DEADLINE) is peer
    with pytest.raises(EOFError):
        line.read()
    line._sock.close()
    exchange._thread.join(DEADLINE)
    assert not caplog.records


def test_rows_alone_are_dropped_where_the_kernel_does_not_keep_up(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: queue.Queue[str] = queue.Queue()
    exchange = Exchange(lambda peer: None, lambda peer, message: heard.put(message["kind"]), lambda peer: None)
    monkeypatch.setattr("wslab.serving.processes.line._MOST_WAITING", 1)
    line = Line(exchange.port, exchange.secret, "worker")
    for kind in ("row", "row", "ready", "row", "noted"):
        line.say({"kind": kind})
    line.attend(lambda message: None, lambda: None)
    assert [heard.get(timeout=DEADLINE) for _ in range(3)] == ["row", "ready", "noted"]
    exchange.close()


class Told:
    """A worker of which only what it is told is of interest."""

    role = "worker"

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.kinds: list[str] = []

    def tell(self, message: Message) -> None:
        self.kinds.append(message["kind"])


def test_a_process_that_comes_while_an_instrument_ends_does_not_begin_with_it(tmp_path: Path) -> None:
    named = Named("chat:app", tmp_path, tmp_path / "chat.py")
    server = ProcessServer(named, 2, "127.0.0.1", 0, None, {})
    with socket.socket() as sock:
        run = server._run = _Run(sock)
        before, during, late = (Told(pid) for pid in (1, 2, 3))
        server._came(run, before)  # type: ignore[arg-type]
        attachment = server.attach("wslab.recording.camera:Camera", lambda pid, data: None, lambda pid: None)
        server._came(run, during)  # type: ignore[arg-type]
        server.detach(attachment)
        server._came(run, late)  # type: ignore[arg-type]
    assert [one.kinds for one in (before, during, late)] == [["begin", "finish"], ["begin", "finish"], []]
