"""Namespaces for one submission, made by bubblewrap: no network, no other processes, next to no files.

bubblewrap makes the mounts and the namespaces and keeps them open. A forked process joins them in a few milliseconds,
where a new interpreter takes a second to start. Sources: bwrap(1), setns(2), ioctl_ns(2), pid_namespaces(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from wslab.grading.task import Limits

_NS_GET_USERNS = 0xB701
_NAMESPACES = ("mnt", "pid", "net", "ipc", "uts")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_NOBODY = 65534

_KIT = Path(__file__).parents[2]
_ETC = Path(__file__).with_name("etc")


def command(limits: Limits, *, own_user: bool, info: int | None = None) -> list[str]:
    """The command line up to the program that is to run inside.

    Args:
        limits: how much may be written.
        own_user: whether a user namespace is made, which anybody may where the kernel allows it; without one, root
            makes the namespaces and the process that enters has to become another user.
        info: a file descriptor on which bubblewrap tells the PID namespace's first process.
    """
    said = ["bwrap", "--die-with-parent", "--new-session", "--clearenv"]
    said += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if own_user:
        said += [
            "--unshare-user",
            "--uid",
            str(_NOBODY),
            "--gid",
            str(_NOBODY),
            "--disable-userns",
            "--cap-drop",
            "ALL",
        ]
    for path in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(path):
            said += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            said += ["--ro-bind", path, path]
    said += ["--perms", "0755", "--dir", "/etc"]
    for path in ("/etc/ld.so.cache", "/etc/localtime"):
        said += ["--ro-bind-try", path, path]
    for name in ("hosts", "nsswitch.conf"):  # without them `localhost` has no address
        said += ["--ro-bind", str(_ETC / name), f"/etc/{name}"]
    for path in _python():
        for parent in reversed(Path(path).parents[:-1]):
            said += ["--perms", "0755", "--dir", str(parent)]
        said += ["--ro-bind", path, path]
    said += ["--proc", "/proc", "--size", "65536", "--tmpfs", "/dev"]
    for path in _DEVICES:
        said += ["--dev-bind", path, path]
    for path in ("/dev/shm", "/tmp"):  # multiprocessing keeps its semaphores in /dev/shm
        said += ["--perms", "1777", "--size", str(limits.files), "--tmpfs", path]
    said += ["--remount-ro", "/dev"]
    said += ["--remount-ro", "/", "--chdir", "/tmp"]
    if info is not None:
        said += ["--info-fd", str(info)]
    return [*said, "--"]


def _python() -> Iterator[str]:
    """The folders of this interpreter, its packages and the kit, outermost first, none of them in /usr."""
    wanted = {Path(path).resolve() for path in (sys.prefix, sys.base_prefix, *_sources())}
    wanted |= {Path(sys.prefix), Path(sys.base_prefix), _KIT}
    shown: list[Path] = [Path("/usr")]
    for path in sorted(wanted):
        if not any(path.is_relative_to(one) for one in shown):
            shown.append(path)
            yield str(path)


def _sources() -> Iterator[str]:
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        yield sysconfig.get_path(name)


def first_process(told: int) -> int:
    """The number of the PID namespace's first process, as bubblewrap tells it, in one piece or in several.

    Args:
        told: the other end of what `command()` was given as `info`.

    Raises:
        OSError: bubblewrap ended and told nothing.
    """
    said = b""
    while b"}" not in said:
        part = os.read(told, 4096)
        if not part:
            raise OSError("bubblewrap makes no namespaces here")
        said += part
    return int(json.loads(said)["child-pid"])


class Namespaces:
    """Namespaces that are kept open by one process of bubblewrap's.

    Attributes:
        first: the PID namespace's first process; when it ends the kernel ends every other process of the namespace.
    """

    def __init__(self, limits: Limits, *, own_user: bool) -> None:
        """Have bubblewrap make them.

        Raises:
            OSError: it cannot be made here.
        """
        told, tells = os.pipe()
        self._own_user = own_user
        try:
            self._bubblewrap = subprocess.Popen(
                [*command(limits, own_user=own_user, info=tells), "cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=[tells],
            )
        except OSError:
            os.close(told)
            raise
        finally:
            os.close(tells)
        try:
            # The process that keeps them open answers when everything is in place.
            if not self._echo():
                raise OSError("bubblewrap makes no namespaces here")
            self.first = first_process(told)
        except BaseException:
            self._bubblewrap.kill()
            self._bubblewrap.wait()
            raise
        finally:
            os.close(told)

    def _echo(self) -> bool:
        assert self._bubblewrap.stdin is not None
        assert self._bubblewrap.stdout is not None
        try:
            self._bubblewrap.stdin.write(b".")
            self._bubblewrap.stdin.flush()
        except BrokenPipeError:
            return False
        return self._bubblewrap.stdout.read(1) == b"."

    def enter(self) -> None:
        """Join this process to them; its children get the PID namespace, it itself stays in its own: setns(2).

        Raises:
            OSError: the kernel refuses.
        """
        import fcntl

        opened = {
            name: os.open(f"/proc/{self.first}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
            for name in (*_NAMESPACES, *(("user",) if self._own_user else ()))
        }
        joined = [opened[name] for name in _NAMESPACES]
        if self._own_user:
            # The namespaces belong to a user namespace that lies between this one and the innermost.
            joined.insert(0, fcntl.ioctl(opened["mnt"], _NS_GET_USERNS))
            joined.append(opened["user"])
        libc = ctypes.CDLL(None, use_errno=True)
        for number in joined:
            if libc.setns(number, 0):
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code))
        for number in {*joined, *opened.values()}:
            os.close(number)
        os.chdir("/tmp")

    def end(self) -> None:
        """End every process in them.

        The first process does not end before every other one has been waited for by its parent: pid_namespaces(7).
        """
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)

    def close(self) -> None:
        """Return when there is no process in them any more."""
        self._bubblewrap.wait()


def present() -> bool:
    """Whether bubblewrap is installed."""
    return sys.platform == "linux" and shutil.which("bwrap") is not None
