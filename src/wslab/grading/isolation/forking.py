"""A preloaded process of one thread that forks: a learner's process that starts in milliseconds. Linux only.

For each submission it forks a guardian, which forks the learner's process, in namespaces of bubblewrap's where it can
make them. The guardian watches memory and ends the process tree, on request or when the grader is gone. It reports
when no process of the tree is left.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import psutil  # type: ignore[import-untyped,unused-ignore]

from wslab.grading.isolation.bubblewrap import Namespaces
from wslab.grading.isolation.child import main as serve
from wslab.grading.isolation.child import preload
from wslab.grading.isolation.confinement import confine, user_of
from wslab.grading.isolation.memory import held
from wslab.grading.task import Limits

ENDED, MEMORY, GONE, FAILED = b"e", b"m", b"g", b"f"
"""A guardian's messages: the learner's process has ended, took too much memory, nothing is left, the start failed."""

_PR_SET_CHILD_SUBREAPER = 36
_MEMORY_PERIOD = 0.2  # seconds between two measurements of the memory
_SWEEPS = 2000


def main(requests: socket.socket) -> None:
    """Fork for each request, until the grader closes its end.

    Args:
        requests: a Unix socket of type SOCK_SEQPACKET; each message carries a start's data and its sockets.
    """
    _preload()
    # One thread: what a fork copies is whole. With SIGCHLD ignored the kernel reaps the guardians.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    number = os.getpid()
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, 65536, 64)
        if not message:
            return
        number += 1
        if os.fork() == 0:
            requests.close()
            _guard(json.loads(message), descriptors, user_of(number))
        for descriptor in descriptors:
            os.close(descriptor)


def _preload() -> None:
    preload()
    gc.collect()
    gc.freeze()
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"{threads} threads, and a fork copies one")


def _guard(plan: dict[str, object], descriptors: Sequence[int], user: int) -> None:
    """Start one submission, wait for its end, clean up, and end this process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    life = socket.socket(fileno=descriptors[0])
    namespaces: Namespaces | None = None
    learner = 0
    try:
        limits = Limits(**plan["limits"])  # type: ignore[arg-type]
        mode = plan["namespaces"]
        if mode:
            namespaces = Namespaces(limits, own_user=mode == "own user")
            namespaces.enter()
        else:
            # As a subreaper this process becomes the parent of orphans.
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        learner = os.fork()
        if learner == 0:
            _become(limits, user if mode == "root" else None, descriptors[1:])
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        _watch(life, learner, limits, in_namespaces=namespaces is not None)
    except BaseException:
        with contextlib.suppress(OSError):
            life.send(FAILED)
    finally:
        if namespaces is not None:
            namespaces.end()
            _reap(learner)
            namespaces.close()
        else:
            _sweep()
        with contextlib.suppress(OSError):
            life.send(GONE)
        os._exit(0)


def _become(limits: Limits, user: int | None, descriptors: Sequence[int]) -> None:
    """Become the learner's process: close every other file, set limits, give up privileges, serve."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        null = os.open(os.devnull, os.O_RDWR)
        kept = {null, *descriptors}
        for number in (int(name) for name in os.listdir("/proc/self/fd")):
            if number > 2 and number not in kept:
                with contextlib.suppress(OSError):
                    os.close(number)
        for number in range(3):
            os.dup2(null, number)
        confine(limits, user)
        first, *others = [socket.socket(fileno=number) for number in descriptors]
        serve(first, others)
    finally:
        os._exit(1)


def _watch(life: socket.socket, learner: int, limits: Limits, *, in_namespaces: bool) -> None:
    """Return when the learner's process has ended or taken too much memory, or when the grader asks for its end."""
    poll = select.poll()
    poll.register(life, select.POLLIN)
    pidfd = os.pidfd_open(learner)
    poll.register(pidfd, select.POLLIN)
    own = os.getpid()
    for turn in itertools.count():
        ready = [number for number, _ in poll.poll(_MEMORY_PERIOD * 1000)]
        if life.fileno() in ready:
            return
        if pidfd in ready:
            _reap(learner)
            with contextlib.suppress(OSError):
                life.send(ENDED)
            return
        processes = _in_sight() if in_namespaces else _descendants(own)
        if held(processes, own_ipc=in_namespaces, turn=turn) > limits.memory:
            life.send(MEMORY)
            return


def _reap(pid: int) -> None:
    if pid:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _in_sight() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _descendants(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
                yield int(child)
                yield from _descendants(int(child))


def _sweep() -> None:
    """End every descendant, orphans and other process groups included; wait until none is left."""
    for _ in range(_SWEEPS):
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                process.kill()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def request(mode: str, limits: Limits) -> bytes:
    """The data of a start.

    Args:
        mode: how bubblewrap makes namespaces here, as `sandbox.namespace_mode()` says.
        limits: what the submission may use up.
    """
    return json.dumps({"namespaces": mode, "limits": asdict(limits)}).encode()


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
