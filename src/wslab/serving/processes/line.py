"""A process's connection to the kernel: what it says goes out by one thread, what it is told comes in by another."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
from collections.abc import Callable

from wslab.serving.processes.frames import HEADER, Message, Role, length, packed, unpacked

_CONNECT_DEADLINE = 10.0
_MOST_WAITING = 50_000
"""Messages that wait for a kernel that is busy. Rows of the log that come on top are dropped, and nothing else is."""
_MOST_AT_ONCE = 256


class Line:
    """One process's end.

    Its threads never hold up the event loop: what is said waits in a queue.
    """

    def __init__(self, port: int, secret: str, role: Role) -> None:
        """Connect and say who this is.

        Raises:
            OSError: the kernel is gone.
        """
        self._sock = socket.create_connection(("127.0.0.1", port), _CONNECT_DEADLINE)
        self._sock.settimeout(None)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.sendall(packed({"kind": "hello", "secret": secret, "role": role, "pid": os.getpid()}))
        self._waiting: queue.SimpleQueue[Message | threading.Event] = queue.SimpleQueue()
        if hasattr(os, "register_at_fork"):  # else a forked child would keep the line open when this process has ended
            os.register_at_fork(after_in_child=self._sock.close)

    def read(self) -> Message:
        """The next thing that this process is told; blocks.

        Raises:
            EOFError: the kernel is gone.
        """
        try:
            return unpacked(self._exactly(length(self._exactly(HEADER.size))))
        except (OSError, ValueError) as error:
            raise EOFError from error

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._sock.recv(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def attend(self, told: Callable[[Message], None], lost: Callable[[], None]) -> None:
        """Start the two threads.

        Args:
            told: is called with each message, in a thread of its own.
            lost: is called once the kernel is gone.
        """

        def listen() -> None:
            with contextlib.suppress(EOFError):
                while True:
                    told(self.read())
            lost()

        threading.Thread(target=listen, name="wslab line in", daemon=True).start()
        threading.Thread(target=self._send_for_ever, name="wslab line out", daemon=True).start()

    def say(self, message: Message) -> None:
        """Tell the kernel; from any thread, and never waits."""
        if message["kind"] != "row" or self._waiting.qsize() < _MOST_WAITING:
            self._waiting.put(message)

    def flush(self, deadline: float = 1.0) -> None:
        """Wait until what was said is on its way, for `deadline` seconds at most."""
        done = threading.Event()
        self._waiting.put(done)
        done.wait(deadline)

    def _send_for_ever(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._send([self._waiting.get()])

    def _send(self, batch: list[Message | threading.Event]) -> None:
        with contextlib.suppress(queue.Empty):
            while len(batch) < _MOST_AT_ONCE:
                batch.append(self._waiting.get_nowait())
        self._sock.sendall(b"".join(packed(one) for one in batch if not isinstance(one, threading.Event)))
        for one in batch:
            if isinstance(one, threading.Event):
                one.set()
