"""A TCP server under a test's thumb, to stand behind a capture."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wslab.capture import LiveCapture, capture
from wslab.capture.steps import Step

T = TypeVar("T")

DEADLINE = 20.0


@dataclass
class Bench:
    """A listener, a capture in front of it, and the sockets that came about."""

    listener: socket.socket
    wire: LiveCapture
    sockets: list[socket.socket] = field(default_factory=list)

    def connect(self, *, receive_buffer: int | None = None) -> tuple[socket.socket, socket.socket]:
        """A client's socket, and the server's for the connection that the capture opened for it."""
        client = socket.socket()
        client.settimeout(DEADLINE)
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect(("127.0.0.1", self.wire.port))
        server, _ = self.listener.accept()
        server.settimeout(DEADLINE)
        self.sockets += [client, server]
        return client, server

    def kinds(self, count: int) -> list[tuple[str, str]]:
        """Kind and sender of each step, once there are `count`."""
        return [(step.kind, step.direction.sender) for step in wait_for_steps(self.wire, count)]


def wait_for_steps(wire: LiveCapture, count: int) -> tuple[Step, ...]:
    """The steps, once there are `count` of them; what is there when they do not come."""
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: len(wire.steps) >= count)
    return wire.steps


def wait_until(ready: Callable[[], bool], deadline: float = DEADLINE) -> None:
    """Look again and again; for what another thread brings about without telling."""
    end = time.monotonic() + deadline
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.002)


@contextlib.contextmanager
def bench(**limits: int) -> Iterator[Bench]:
    """Open all of it, and close it again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        with capture(f"http://127.0.0.1:{listener.getsockname()[1]}", **limits) as wire:
            opened = Bench(listener, wire)
            try:
                yield opened
            finally:
                for sock in opened.sockets:
                    sock.close()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop in a thread of its own; the main thread may hold a browser's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result(120)


def receive_all(sock: socket.socket) -> bytes:
    """Everything up to the FIN."""
    received = bytearray()
    while data := sock.recv(65_536):
        received += data
    return bytes(received)


def reset(sock: socket.socket) -> None:
    """Close with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
