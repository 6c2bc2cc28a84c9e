"""The two fixed ports of the document, which a machine has once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock

_LOCK = FileLock(Path(tempfile.gettempdir()) / "wslab-tests-8000.lock", timeout=300)


@contextmanager
def document_ports() -> Iterator[None]:
    """8000 and 8001 are this test's alone, among all tests that run on this machine."""
    with _LOCK:
        yield


def ports_of(number: str) -> AbstractContextManager[None]:
    """What a run of this unit needs: 02 starts the document's own programs, at their own ports."""
    return document_ports() if number == "02" else nullcontext()
