"""A learner's process as a new interpreter, where none is forked; and the end of its process tree.

Without namespaces the tree is found by descent and by a mark that each of its processes has in its environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict

import psutil  # type: ignore[import-untyped,unused-ignore]

from wslab.grading.isolation import bubblewrap
from wslab.grading.isolation.confinement import MARK, user_of
from wslab.grading.task import Limits

_LAST = 10.0  # seconds in which a namespace's processes end once they are killed
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR")


def environment(**more: str) -> dict[str, str]:
    """The variables that an interpreter needs to start. Nothing secret: /proc/self/environ keeps showing them."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | more


class Fresh:
    """A learner's process that is a new interpreter."""

    def __init__(self, process: subprocess.Popen[bytes], mark: str) -> None:
        self.process = process
        self.mark = mark
        self.first: psutil.Process | None = None  # of the PID namespace, once it is known
        self.too_much_memory = False

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        _end([self])
        _alive.drop(self)


def _end(trees: Sequence[Fresh]) -> None:
    """End process trees; return when no process of them is left. One pass over all processes serves every tree."""
    found_otherwise = []
    for tree in trees:
        if tree.first is None:
            found_otherwise.append(tree)
        else:  # the kernel ends the rest of its PID namespace
            with contextlib.suppress(psutil.Error):
                tree.first.kill()
    for _ in range(50 if found_otherwise else 0):
        found = _relatives(found_otherwise)
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if not found:
            break
        psutil.wait_procs(found, timeout=0.5)
    for tree in trees:
        if tree.first is not None:  # bubblewrap's own process may end before it, and it ends as the namespace's last
            with contextlib.suppress(psutil.Error):
                tree.first.wait(_LAST)
        tree.process.wait()


def _relatives(trees: Sequence[Fresh]) -> list[psutil.Process]:
    """Their descendants, and the orphans that carry a mark of theirs."""
    found: dict[int, psutil.Process] = {}
    for tree in trees:
        if tree.process.poll() is None:  # else its number may belong to another process by now
            with contextlib.suppress(psutil.Error):
                own = psutil.Process(tree.process.pid)
                found |= {one.pid: one for one in (own, *own.children(recursive=True))}
    marks = {tree.mark for tree in trees}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) in marks:
                found[process.pid] = process
    return [one for one in found.values() if _runs(one)]


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:  # it ended in between
        return False


class _Alive:
    """The new interpreters that run: they have no guardian that would end them when this process is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trees: set[Fresh] = set()
        self._over = False

    def start(self, make: Callable[[], Fresh]) -> Fresh:
        """What `make` starts, registered before `end()` can run.

        Raises:
            RuntimeError: all of them were ended.
        """
        with self._lock:
            if self._over:
                raise RuntimeError("no submission is started any more")
            tree = make()
            self._trees.add(tree)
            return tree

    def drop(self, tree: Fresh) -> None:
        """Forget a tree that has ended."""
        with self._lock:
            self._trees.discard(tree)

    def end(self) -> None:
        """End them all and refuse to start another: a grader's thread would try again after its process has ended."""
        with self._lock:
            self._over = True
            trees = list(self._trees)
        _end(trees)

    def forget(self) -> None:
        """In a forked child: they are the parent's."""
        self.__init__()  # type: ignore[misc]


_alive = _Alive()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alive.forget)


def end_all() -> None:
    """End the new interpreters, and start no other from then on.

    For a process that is about to end without waiting. A forked process is ended by its own guardian.
    """
    _alive.end()


def start(limits: Limits, sockets: Sequence[socket.socket], mode: str) -> Fresh:
    """Start a learner's process.

    Args:
        limits: what it may use up.
        sockets: its channel and its listeners.
        mode: how bubblewrap makes namespaces here, as `sandbox.namespace_mode()` says.

    Raises:
        OSError: it can't be started.
        RuntimeError: all were ended, by `end_all()`.
    """
    mark = secrets.token_hex(8)
    plan: dict[str, object] = {"limits": asdict(limits), "user": user_of(os.getpid()) if mode == "root" else None}
    windows = sys.platform == "win32"
    numbers = [one.fileno() for one in sockets]
    plan["shared" if windows else "sockets"] = [] if windows else numbers
    program = [sys.executable, "-I", "-m", "wslab.grading.isolation.child", json.dumps(plan)]

    def started(program: Sequence[str], *more: int) -> Fresh:
        process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE if windows else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(**{MARK: mark}),
            pass_fds=() if windows else (*numbers, *more),
            start_new_session=not windows,
        )
        return Fresh(process, mark)

    if mode:
        return _in_namespaces(limits, mode, lambda said, tells: started([*said, *program], tells))
    tree = _alive.start(lambda: started(program))
    if windows:
        assert tree.process.stdin is not None
        try:
            shared = [one.share(tree.process.pid).hex() for one in sockets]  # type: ignore[attr-defined,unused-ignore]
            tree.process.stdin.write(json.dumps(shared).encode() + b"\n")
            tree.process.stdin.flush()
        except BaseException:
            tree.kill()
            raise
    return tree


def _in_namespaces(limits: Limits, mode: str, started: Callable[[Sequence[str], int], Fresh]) -> Fresh:
    told, tells = os.pipe()
    try:
        try:
            said = bubblewrap.command(limits, own_user=mode == "own user", info=tells)
            tree = _alive.start(lambda: started(said, tells))
        finally:
            os.close(tells)
        try:
            with contextlib.suppress(psutil.NoSuchProcess):
                tree.first = psutil.Process(bubblewrap.first_process(told))
        except BaseException:
            tree.kill()
            raise
    finally:
        os.close(told)
    return tree
