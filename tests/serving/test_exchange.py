"""The lines between the kernel and its server's processes: who does not know the secret is told nothing."""

from __future__ import annotations

import concurrent.futures
import contextlib
import queue
import socket
from collections.abc import Iterator

import pytest

from wslab.serving.processes.exchange import Exchange, Peer
from wslab.serving.processes.frames import HEADER, packed
from wslab.serving.processes.line import Line

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
    exchange: Exchange, came: queue.Queue[Peer], capfd: pytest.CaptureFixture[str], said: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", exchange.port), DEADLINE) as stranger:
        stranger.sendall(said)
        with contextlib.suppress(ConnectionResetError):  # what was not read is thrown away with the connection
            assert stranger.recv(1) == b""
    line = Line(exchange.port, exchange.secret, "worker")
    assert came.get(timeout=DEADLINE).role == "worker"
    line._sock.close()
    assert came.empty()
    assert capfd.readouterr() == ("", "")


def test_what_a_process_is_asked_as_it_ends_is_answered_at_once(exchange: Exchange, came: queue.Queue[Peer]) -> None:
    line = Line(exchange.port, exchange.secret, "worker")
    peer = came.get(timeout=DEADLINE)
    asked = peer.ask("open")
    line._sock.close()
    done, _ = concurrent.futures.wait([asked, peer.ask("open")], DEADLINE)
    assert len(done) == 2
    assert all(answer.cancelled() for answer in done)
