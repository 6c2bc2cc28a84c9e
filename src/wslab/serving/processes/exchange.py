"""The kernel's end of the lines: it listens on 127.0.0.1 for its server's processes, in a thread of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import secrets
import threading
from collections.abc import Callable
from typing import Any

from wslab.serving.processes.frames import HEADER, LONGEST, Message, Role, length, packed, unpacked

_HELLO_DEADLINE = 10.0
_LONGEST_HELLO = 512
"""Bytes of the first message, which any program of this machine may send: little is read of it without the secret."""


class Peer:
    """A process that has said hello.

    Attributes:
        pid: its number in the operating system.
        role: what it is.
    """

    def __init__(self, pid: int, role: Role, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.role = role
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._asked: dict[int, concurrent.futures.Future[Any]] = {}

    def tell(self, message: Message) -> None:
        """Say something to it; from any thread, and nothing happens where it is gone."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._writer.write, packed(message))

    def ask(self, what: str) -> concurrent.futures.Future[Any]:
        """Ask it something.

        Returns:
            What it answers; cancelled where it has ended before.
        """
        answer: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def send() -> None:
            if self._writer.is_closing():
                _cancel(answer)
                return
            number = next(self._numbers)
            self._asked[number] = answer
            self._writer.write(packed({"kind": "ask", "what": what, "number": number}))

        try:
            self._loop.call_soon_threadsafe(send)
        except RuntimeError:
            _cancel(answer)
        return answer

    def answered(self, message: Message) -> None:
        """It has answered."""
        if (answer := self._asked.pop(message["number"], None)) is not None and not answer.cancelled():
            answer.set_result(message["value"])

    def left(self) -> None:
        """It is gone."""
        self._writer.close()
        for answer in self._asked.values():
            _cancel(answer)
        self._asked.clear()


class Exchange:
    """Where processes connect.

    Attributes:
        port: on 127.0.0.1.
        secret: what each has to say first.
    """

    def __init__(
        self, came: Callable[[Peer], None], heard: Callable[[Peer, Message], None], went: Callable[[Peer], None]
    ) -> None:
        """Listen from now on.

        Args:
            came: is called, as are the others, in the exchange's own thread: a process has said hello.
            heard: it has said something.
            went: it has ended, or its connection has.
        """
        self.port = 0
        self.secret = secrets.token_hex(32)
        self._came, self._heard, self._went = came, heard, went
        self._listening = threading.Event()
        self._loop = asyncio.SelectorEventLoop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="wslab processes", daemon=True)
        self._thread.start()
        self._listening.wait()

    def close(self) -> None:
        """Listen no longer and close every line; from any thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._over.set)

    def _run(self) -> None:
        # A runner of our own, so that a patched asyncio.run has no say.
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        finally:
            self._listening.set()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._attend, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._over.wait()
        server.close()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer: Peer | None = None
        try:
            async with asyncio.timeout(_HELLO_DEADLINE):
                hello = await _read(reader, _LONGEST_HELLO)
            if not secrets.compare_digest(str(hello.get("secret")).encode(), self.secret.encode()):
                return
            peer = Peer(hello["pid"], hello["role"], writer)
            self._came(peer)
            while True:
                message = await _read(reader)
                if message["kind"] == "answer":
                    peer.answered(message)
                else:
                    self._heard(peer, message)
        except (OSError, EOFError, ValueError, KeyError, TimeoutError):
            pass
        except asyncio.CancelledError:  # the exchange is closed; Python 3.11.7 logs a cancelled one as an error
            pass
        finally:
            writer.close()
            if peer is not None:
                peer.left()
                self._went(peer)


def _cancel(answer: concurrent.futures.Future[Any]) -> None:
    answer.cancel()
    answer.set_running_or_notify_cancel()  # else `concurrent.futures.wait` goes on waiting for it


async def _read(reader: asyncio.StreamReader, longest: int = LONGEST) -> Message:
    return unpacked(await reader.readexactly(length(await reader.readexactly(HEADER.size), longest)))
