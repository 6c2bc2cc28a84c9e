"""A room with a broker in several processes, and a crowd that grows: what a broadcast takes, what a socket costs."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from wslab.broker import broker
from wslab.errors import LabError
from wslab.language import Text
from wslab.load.clients import Crowd
from wslab.serving import serve

_OWN = 100  # files that the command itself may have open

_TOO_MANY = Text(
    en="{sockets} clients are too many here: each takes an open file, and this process may open {files}. `ulimit -n` "
    "raises that.",
    tr="{sockets} istemci burada fazla: her biri açık bir dosya ister, bu süreç ise {files} dosya açabilir. Bu sınırı "
    "`ulimit -n` yükseltir.",
)


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured with so many clients in so many processes.

    Attributes:
        processes: how many processes served.
        sockets: how many clients listened.
        last: seconds until the last of them had a message, the median of all messages.
        worst: the same, of the slowest message.
        cost: processor time of the server for a message to one client, in seconds.
        memory: what the processes have grown by for each client, in bytes.
    """

    processes: int
    sockets: int
    last: float
    worst: float
    cost: float
    memory: float

    @property
    def full(self) -> int:
        """With how many clients in each process its loop would be full at one message a second."""
        return round(1 / self.cost) if self.cost else 0


def with_room_for(sockets: int) -> None:
    """Let this process, and those that it starts, open as many files as so many clients need.

    Raises:
        LabError: they may not.
    """
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and sockets + _OWN > hard:
            raise LabError(_TOO_MANY, sockets=sockets, files=hard)
        if soft != resource.RLIM_INFINITY and sockets + _OWN > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (sockets + _OWN, hard))


async def measure(processes: int, sockets: Sequence[int], messages: int) -> AsyncIterator[Row]:
    """Serve the room, and give a row for each number of clients, the smallest first. Everything stays on loopback.

    Args:
        processes: in how many processes it is served.
        sockets: how many clients listen.
        messages: how many are said for each row, one after the other.
    """
    os.environ["BROKER"] = broker().url
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(Path(__file__).with_name("room.py"), folder)
        with contextlib.chdir(folder):
            # A ping would be counted as a part of a message.
            server = serve("room:app", processes=processes, ws_ping_interval=None)
        crowd = Crowd(server.host, server.port)
        try:
            workers = [psutil.Process(pid) for pid in server.pids]
            empty = sum(worker.memory_info().rss for worker in workers)
            for count in sorted(sockets):
                await crowd.grow(count)
                await crowd.broadcast()
                before = sum(sum(worker.cpu_times()[:2]) for worker in workers)
                took = [await crowd.broadcast() for _ in range(messages)]
                spent = sum(sum(worker.cpu_times()[:2]) for worker in workers) - before
                grown = sum(worker.memory_info().rss for worker in workers) - empty
                cost = spent / messages / count
                yield Row(processes, count, statistics.median(took), max(took), cost, grown / count)
        finally:
            crowd.leave()
            server.stop(force=True)
