"""The memory that processes take up, from /proc. Linux only.

Sources: proc(5), memfd_create(2), ipc_namespaces(7).
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

_BLOCK = 512  # bytes, whatever the file system's own blocks are: stat(2)
_OF_IPC = (("shm", ("rss", "swap")), ("msg", ("cbytes",)))


def held(processes: Iterable[int], *, own_ipc: bool, turn: int) -> int:
    """Bytes that processes take up: resident memory, unlinked files that they have open, and System V's shared memory.

    Args:
        processes: their numbers; a process that is gone or may not be read counts as nothing.
        own_ipc: whether the caller's IPC namespace belongs to these processes alone, so that its shared memory and
            messages are counted.
        turn: the number of this call. In rare cases a thread has a file table of its own (`unshare(CLONE_FILES)`), so
            each call reads the first thread's table and that of one other thread, a different one each time.
    """
    total = 0
    files: dict[tuple[int, int], int] = {}
    for pid in processes:
        threads = _names(f"/proc/{pid}/task")
        # A first thread that has ended shows no memory, though the others go on.
        total += next(filter(None, (_resident(f"/proc/{pid}/task/{one}") for one in threads)), 0)
        files.update(_without_a_name(f"/proc/{pid}"))
        if len(threads) > 1:
            files.update(_without_a_name(f"/proc/{pid}/task/{threads[turn % len(threads)]}"))
    return total + sum(files.values()) + (_in_ipc() if own_ipc else 0)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _resident(place: str) -> int:
    try:
        fields = Path(f"{place}/statm").read_text().split()
    except OSError:
        return 0
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def _without_a_name(place: str) -> Iterator[tuple[tuple[int, int], int]]:
    """The unlinked files that a process has open, and their size: they exist as long as they are open.

    Files in the submission's temporary folder are bounded by that folder's size.
    """
    with contextlib.suppress(OSError), os.scandir(f"{place}/fd") as descriptors:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                found = descriptor.stat()
                if found.st_nlink == 0 and stat.S_ISREG(found.st_mode):
                    yield (found.st_dev, found.st_ino), found.st_blocks * _BLOCK


def _in_ipc() -> int:
    """System V's shared memory and messages, which exist without a process that has them open."""
    total = 0
    for name, columns in _OF_IPC:
        with contextlib.suppress(OSError, ValueError):
            head, *rows = Path(f"/proc/sysvipc/{name}").read_text().splitlines()
            places = [head.split().index(column) for column in columns]
            total += sum(int(row.split()[place]) for row in rows for place in places)
    return total
