"""What processes hold of the machine's memory, as /proc tells it. Linux only.

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
    """Bytes that processes hold: what each has in its memory, and what none has there though it is kept for them.

    Args:
        processes: their numbers; of those that are gone, and of what may not be looked at, nothing is counted.
        own_ipc: whether the IPC namespace of whoever asks is theirs alone, so that all shared memory and all messages
            in it are theirs.
        turn: the number of this look. A thread may have made itself a table of files of its own, but hardly any has:
            in each look one thread's is read beside the first's, the next one in the next.
    """
    total = 0
    files: dict[tuple[int, int], int] = {}
    for pid in processes:
        threads = _names(f"/proc/{pid}/task")
        # A first thread that has ended while others go on has no memory any more, though they have.
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
    """The open files that stand in no folder, and what they take: they live as long as somebody has them open.

    Those in a folder of the submission's are bounded by that folder's size.
    """
    with contextlib.suppress(OSError), os.scandir(f"{place}/fd") as descriptors:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                found = descriptor.stat()
                if found.st_nlink == 0 and stat.S_ISREG(found.st_mode):
                    yield (found.st_dev, found.st_ino), found.st_blocks * _BLOCK


def _in_ipc() -> int:
    """System V's shared memory and messages, which nobody needs to have open."""
    total = 0
    for name, columns in _OF_IPC:
        with contextlib.suppress(OSError, ValueError):
            head, *rows = Path(f"/proc/sysvipc/{name}").read_text().splitlines()
            places = [head.split().index(column) for column in columns]
            total += sum(int(row.split()[place]) for row in rows for place in places)
    return total
