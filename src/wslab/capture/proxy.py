"""A transparent TCP proxy in a thread of its own: what one end sends, the other gets, byte for byte, FIN for FIN.

It runs on plain sockets and `selectors` instead of asyncio. So it is not among the things that a learner changes or
films: a patched event loop does not reach it, and a hook on asyncio's callbacks does not see it. And it can pass on
what asyncio's transports blur: a FIN in one direction only, a RST, the last bytes of an end that has stopped reading.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from wslab.capture.steps import Cut, Direction, Refused, Reset
from wslab.capture.transcript import Address, Transcript
from wslab.serving.binding import reset_when_closed

logger = logging.getLogger("wslab.capture")

_CHUNK = 256 * 1024
_BACKLOG = 512
_IDLE = 0.005  # seconds without a word after which there is time to decode
_QUIET = 0.05  # seconds without a word after which open connections are taken to be idle
_NO_DESCRIPTORS = 0.2  # seconds to wait before accepting again when the process has no descriptors left
_IN_PROGRESS = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK))

_STOP, _TURN = b"s", b"t"  # what wakes the thread

Target = tuple[socket.AddressFamily, Any]


class _End:
    """The proxy's socket towards one end of a connection.

    Attributes:
        sends: which way the bytes go that this end sends.
        open: whether the TCP connection stands.
        ended: whether this end has sent its FIN.
        told: whether the other end's FIN has been passed on to this one.
        pending: bytes that this end has no room for yet; until it has, the other one is not read.
    """

    __slots__ = ("ended", "link", "open", "other", "pending", "sends", "sock", "told")

    def __init__(self, sock: socket.socket, sends: Direction, *, is_open: bool) -> None:
        sock.setblocking(False)
        with contextlib.suppress(OSError):  # macOS: EINVAL where the peer is gone already; what follows will see that
            # Without it Nagle's algorithm would hold small frames back, which the two ends have switched off as well.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The two ends have buffers of their own; ours are to add little to what fits on the way.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _CHUNK)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _CHUNK)
        self.sock = sock
        self.sends = sends
        self.open = is_open
        self.ended = False
        self.told = False
        self.pending: memoryview | bytes = b""
        self.link: _Link
        self.other: _End


class _Link:
    """One client's connection and the one to the server that was opened for it."""

    __slots__ = ("client", "closed", "number", "server", "untried")

    def __init__(self, number: int, client: _End, server: _End, untried: list[Target]) -> None:
        self.number = number
        self.client = client
        self.server = server
        self.untried = untried
        self.closed = False
        client.link = server.link = self
        client.other, server.other = server, client

    @property
    def ending(self) -> bool:
        """Whether one end has sent its FIN and the other one has not: it may be about to."""
        return self.client.ended != self.server.ended


class Proxy:
    """Listens on 127.0.0.1 and passes on to `targets`, writing down what passes.

    Args:
        targets: the addresses of the server, tried in turn for each connection.
        transcript: what takes it down.
        clock: nanoseconds since the capture began.
    """

    def __init__(self, targets: Sequence[Target], transcript: Transcript, clock: Callable[[], int]) -> None:
        self._targets = list(targets)
        self._transcript = transcript
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self._wake, self._waker = socket.socketpair()
        self._buffer = memoryview(bytearray(_CHUNK))
        self._links: dict[int, _Link] = {}
        self._opened = 0
        self._accept_again: float | None = None
        self._deadline: float | None = None
        self._grace = 0.0
        self._turns: list[concurrent.futures.Future[None]] = []
        self._turning = threading.Lock()
        self._over = False  # nothing is passed on any more
        self._thread = threading.Thread(target=self._run, name="wslab-capture", daemon=True)
        self.port: int = self._listener.getsockname()[1]

    def start(self) -> None:
        """Begin; the listener takes clients from now on."""
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake, selectors.EVENT_READ, self._woken)
        self._thread.start()

    def stop(self, grace: float = 1.0) -> bool:
        """Take no more clients, let what is being said pass, end what is still open.

        Args:
            grace: for how many seconds to wait, at most, while something still passes.

        Returns:
            Whether the thread is gone.
        """
        self._grace = grace
        with contextlib.suppress(OSError):  # stopped before
            self._waker.send(_STOP)
        self._thread.join(grace + 5)
        return not self._thread.is_alive()

    def turned(self) -> concurrent.futures.Future[None]:
        """A future that is done once everything has been passed on that had arrived when this was called."""
        turn: concurrent.futures.Future[None] = concurrent.futures.Future()
        with self._turning:
            if self._over:
                turn.set_result(None)
                return turn
            self._turns.append(turn)
        with contextlib.suppress(OSError):  # it has ended meanwhile
            self._waker.send(_TURN)
        return turn

    def _run(self) -> None:
        try:
            while self._deadline is None or (self._links and time.monotonic() < self._deadline):
                turns = list(self._turns)
                events = self._selector.select(0 if turns else self._timeout())
                idle = not events and not turns and not any(link.ending for link in self._links.values())
                if idle and self._deadline is not None:
                    break
                while not events and not turns and self._transcript.behind:
                    self._transcript.catch_up()
                    events = self._selector.select(0)
                for key, mask in events:
                    key.data(mask)
                for turn in turns:
                    self._turns.remove(turn)
                    turn.set_result(None)
                if self._accept_again is not None and time.monotonic() >= self._accept_again:
                    self._accept_again = None
                    self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        except Exception:
            logger.exception("The capture failed; its connections end here.")
        finally:
            for link in list(self._links.values()):
                self._transcript.ended(link.number, self._clock(), Direction.TO_SERVER, Cut)
                self._close(link)
            self._selector.close()
            for sock in (self._listener, self._wake, self._waker):
                sock.close()
            with self._turning:
                self._over = True
            for turn in self._turns:
                turn.set_result(None)

    def _timeout(self) -> float | None:
        if self._deadline is not None:
            return _QUIET
        if self._transcript.behind:
            return _IDLE
        return None if self._accept_again is None else _NO_DESCRIPTORS

    def _woken(self, mask: int) -> None:
        if _STOP not in self._wake.recv(_CHUNK):
            return
        self._deadline = time.monotonic() + self._grace
        if self._accept_again is None:
            self._selector.unregister(self._listener)
        self._accept_again = None
        self._listener.close()

    # Opening.

    def _accept(self, mask: int) -> None:
        try:
            sock, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            logger.warning("The capture cannot take another client: %s", error)
            self._selector.unregister(self._listener)
            self._accept_again = time.monotonic() + _NO_DESCRIPTORS
            return
        self._opened += 1
        number = self._opened
        server_address: Address = self._targets[0][1][:2]
        self._transcript.opened(number, self._clock(), address[:2], server_address)
        untried = list(self._targets)
        client = _End(sock, Direction.TO_SERVER, is_open=True)
        try:
            server = self._connect(untried)
        except OSError as error:
            self._transcript.ended(number, self._clock(), Direction.TO_CLIENT, Refused, _why(error.errno))
            _abort(sock)
            return
        self._links[number] = link = _Link(number, client, server, untried)
        self._selector.register(server.sock, selectors.EVENT_WRITE, self._handler(server))
        self._watch(link.client)

    def _connect(self, untried: list[Target]) -> _End:
        """Begin to connect to the next target.

        Raises:
            OSError: there is no next one, or none could be begun with.
        """
        failure = OSError(errno.ECONNREFUSED, "")
        while untried:
            family, address = untried.pop(0)
            sock = socket.socket(family, socket.SOCK_STREAM)
            end = _End(sock, Direction.TO_CLIENT, is_open=False)
            code = sock.connect_ex(address)
            if code in _IN_PROGRESS:
                return end
            sock.close()
            failure = OSError(code, "")
        raise failure

    def _connected(self, server: _End) -> None:
        code = server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        link = server.link
        if not code:
            server.open = True
            with contextlib.suppress(OSError):  # it was reset just now; the capture goes on without the address
                self._transcript.reached(link.number, self._clock(), server.sock.getsockname()[:2])
            self._watch(server)
            self._watch(link.client)
            return
        if code == errno.ECONNRESET:  # not refused: it was accepted, and dropped before this thread looked
            server.open = True
            self._was_reset(server)
            return
        self._selector.unregister(server.sock)
        server.sock.close()
        try:
            next_server = self._connect(link.untried)
        except OSError:
            del self._links[link.number]
            link.closed = True
            self._transcript.ended(link.number, self._clock(), Direction.TO_CLIENT, Refused, _why(code))
            _abort(link.client.sock)
            return
        self._links[link.number] = _Link(link.number, link.client, next_server, link.untried)
        self._selector.register(next_server.sock, selectors.EVENT_WRITE, self._handler(next_server))

    # Passing on.

    def _handler(self, end: _End) -> Callable[[int], None]:
        def handle(mask: int) -> None:
            link = end.link
            try:
                if mask & selectors.EVENT_WRITE and not link.closed:
                    if end.open:
                        self._flush(end)
                    else:
                        self._connected(end)
                if mask & selectors.EVENT_READ and not link.closed:
                    self._read(end)
            except Exception:
                logger.exception("The capture failed on connection %d, which ends here.", link.number)
                self._transcript.ended(link.number, self._clock(), Direction.TO_SERVER, Cut)
                self._close(link)

        return handle

    def _watch(self, end: _End) -> None:
        """Ask to be told what matters about this end now."""
        wanted = 0
        if end.open and not end.ended and end.other.open and not end.other.pending:
            wanted |= selectors.EVENT_READ
        if end.pending or not end.open:
            wanted |= selectors.EVENT_WRITE
        known = self._selector.get_map().get(end.sock)
        if known is None:
            if wanted:
                self._selector.register(end.sock, wanted, self._handler(end))
        elif not wanted:
            self._selector.unregister(end.sock)
        elif known.events != wanted:
            self._selector.modify(end.sock, wanted, known.data)

    def _read(self, end: _End) -> None:
        try:
            size = end.sock.recv_into(self._buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._reset(end)
            return
        # Taken down before it is passed on: whoever has received it will find it in the capture.
        if size:
            data = bytes(self._buffer[:size])
            self._transcript.passed(end.link.number, self._clock(), end.sends, data)
            self._send(end.other, data)
        else:
            self._transcript.ended(end.link.number, self._clock(), end.sends)
            end.ended = True
            self._watch(end)
            if not end.other.pending:
                self._tell(end.other)

    def _send(self, end: _End, data: memoryview | bytes) -> None:
        try:
            sent = end.sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._was_reset(end)
            return
        had, end.pending = bool(end.pending), memoryview(data)[sent:] if sent < len(data) else b""
        if end.pending or had:
            self._watch(end)
            self._watch(end.other)

    def _flush(self, end: _End) -> None:
        if end.pending:
            self._send(end, end.pending)
        if not end.link.closed and not end.pending and end.other.ended and not end.told:
            self._tell(end)

    def _tell(self, end: _End) -> None:
        """Pass the other end's FIN on."""
        end.told = True
        try:
            end.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._was_reset(end)
            return
        if end.ended and end.other.told:
            self._close(end.link)

    # Ending.

    def _was_reset(self, end: _End) -> None:
        """`end` takes no more bytes: it was reset. What it had said before still counts."""
        link = end.link
        while not end.ended:
            try:
                data = end.sock.recv(_CHUNK)
            except OSError:
                break
            if not data:
                break
            self._transcript.passed(link.number, self._clock(), end.sends, data)
            try:
                end.other.sock.send(data)
            except OSError:
                break
        self._reset(end)

    def _reset(self, end: _End) -> None:
        link = end.link
        self._transcript.ended(link.number, self._clock(), end.sends, Reset)
        if end.other.pending:
            with contextlib.suppress(OSError):  # a RST overtakes what has not been sent
                end.other.sock.send(end.other.pending)
        self._forget(link)
        end.sock.close()
        _abort(end.other.sock)

    def _close(self, link: _Link) -> None:
        self._forget(link)
        for end in (link.client, link.server):
            with contextlib.suppress(OSError):  # it was shut before, or never open
                end.sock.shutdown(socket.SHUT_WR)
            end.sock.close()

    def _forget(self, link: _Link) -> None:
        link.closed = True
        self._links.pop(link.number, None)
        for end in (link.client, link.server):
            if end.sock.fileno() >= 0 and end.sock in self._selector.get_map():
                self._selector.unregister(end.sock)


def _abort(sock: socket.socket) -> None:
    """Close with a RST."""
    with contextlib.suppress(OSError):  # it is gone already
        reset_when_closed(sock)
    sock.close()


def _why(code: int | None) -> str:
    return os.strerror(code) if code else ""
