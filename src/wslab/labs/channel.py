"""The channel to a learner's process: JSON objects, one a line, in both directions over a socket; orders and answers.

Messages from a submission's process are untrusted. The judge reads a bounded number of bytes and takes them as data;
no message adds a point. docs/sandbox.md names the checks in which a missing message saves one.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST_LINE = 1 << 20
_ANSWER, _UNRESPONSIVE = 3.0, 0.05  # seconds for an answer: usually, and once the other end has failed to answer


class Channel:
    """One end of the channel.

    Attributes:
        cut: whether the bound was exceeded; nothing is read from then on.
        unresponsive: whether the last order had no answer.
    """

    def __init__(self, sock: socket.socket, bound: int | None = None, longest: int | None = _LONGEST_LINE) -> None:
        """Take over `sock`.

        Args:
            sock: connected to the other end.
            bound: how many bytes to read in all; as many as come, if left out.
            longest: how many bytes a message may have; any number for None.
        """
        self._sock = sock
        self._left = bound
        self._longest = longest
        self._pending = b""
        self.cut = False
        self.unresponsive = False
        self._number = 0
        self._asking = threading.Lock()  # some orders are given from a thread of their own

    def send(self, message: Mapping[str, Any], within: float = 5.0) -> bool:
        """Send a message; return whether the other end took it in time.

        Args:
            message: what JSON can hold.
            within: seconds.
        """
        try:
            self._sock.settimeout(within)
            # ASCII, since an exception's text may hold a lone surrogate. The first newline ends whatever the learner's
            # code may have written to this socket.
            self._sock.sendall(b"\n" + json.dumps(message).encode("ascii") + b"\n")
        except OSError:
            return False
        return True

    def receive(self, within: float | None = None) -> dict[str, Any] | None:
        """The next message; lines that are no JSON object are skipped.

        Args:
            within: seconds; without a limit if left out.

        Returns:
            The message; None if none came in time.

        Raises:
            EOFError: none will ever come.
        """
        until = None if within is None else time.monotonic() + within
        for line in self._lines(until):
            with contextlib.suppress(ValueError, RecursionError):
                message = json.loads(line)
                if isinstance(message, dict):
                    return message
        return None

    def _lines(self, until: float | None) -> Iterator[bytes]:
        while True:
            line, newline, rest = self._pending.partition(b"\n")
            if newline:
                self._pending = rest
                yield line
                continue
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return
            if self.cut or (self._longest is not None and len(self._pending) > self._longest):
                self.cut = True
                self._pending = b""
                raise EOFError
            try:
                self._sock.settimeout(left)
                data = self._sock.recv(65536)
            except TimeoutError:
                return
            except OSError:
                raise EOFError from None
            if not data:
                raise EOFError
            if self._left is not None:
                self._left -= len(data)
                self.cut = self._left < 0
            self._pending += data

    def ask(self, what: str, within: float = 0.0, **more: Any) -> dict[str, Any] | None:
        """The answer to an order; None if none came in time.

        Args:
            what: the order.
            within: seconds; the usual ones if left out.
            more: what belongs to the order.
        """
        within = within or (_UNRESPONSIVE if self.unresponsive else _ANSWER)
        with self._asking, contextlib.suppress(EOFError):
            self._number += 1
            until = time.monotonic() + within
            if self.send({"do": what, "number": self._number, **more}, within):
                while (left := until - time.monotonic()) > 0:
                    answer = self.receive(left)
                    if answer is not None and answer.get("to") == self._number:
                        self.unresponsive = False
                        return answer
        self.unresponsive = True
        return None

    def ask_for_a_turn(self, within: float) -> None:
        """Wait until the other end's server has handled what has come so far, for so many seconds at most."""
        self.ask("turn", 0.0 if self.unresponsive else within + _ANSWER, seconds=within)

    def close(self) -> None:
        """Close this end."""
        self._sock.close()
