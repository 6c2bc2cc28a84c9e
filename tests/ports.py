"""Ports for tests: the two of the document, which a machine has once, and free ones that stay free."""

from __future__ import annotations

import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock

_LOCK = FileLock(Path(tempfile.gettempdir()) / "wslab-tests-8000.lock", timeout=300)


# The system gives these to nobody who asks for any port (Linux: ip_local_port_range begins at 32768; elsewhere 49152).
_NEVER_GIVEN = range(20_000, 32_000)


def free_port() -> int:
    """A port for a server that starts later, or for nobody to listen at.

    One that the system chose could be given to another test's server until then.
    """
    while True:
        port = random.choice(_NEVER_GIVEN)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def document_ports() -> Iterator[None]:
    """8000 and 8001 are this test's alone, among all tests that run on this machine."""
    with _LOCK:
        yield


def ports_of(number: str) -> AbstractContextManager[None]:
    """What a run of this unit needs: 02 starts the document's own programs, at their own ports."""
    return document_ports() if number == "02" else nullcontext()
