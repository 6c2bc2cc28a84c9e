"""Limits that the learner's process sets for itself before the learner's code runs, and its change to another user.

Sources: getrlimit(2), prctl(2), capget(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

from wslab.grading.task import Limits

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 4, 38, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_M_ARENA_MAX = -8
_OPEN_FILES = 1024
MARK = "WSLAB_SUBMISSION"
"""The environment variable that marks each process of a submission where there is no PID namespace."""

_KEPT = (MARK, "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "TEMP", "TMP")  # without these Windows opens no socket


_USERS, _HOW_MANY = 60_000, 5_000


def user_of(number: int) -> int:
    """The user and group of a submission that root starts: a number without an account.

    Args:
        number: the submission's; submissions that run at the same time get different users.
    """
    return _USERS + number % _HOW_MANY


def confine(limits: Limits, user: int | None) -> tuple[str, ...]:
    """Limit this process and all that it will start; it cannot be undone.

    Args:
        limits: what it may use up.
        user: the number of the user and group to change to, which takes root; None for no change.

    Returns:
        The names of the limits that are set.
    """
    home = "/tmp" if os.path.isdir("/tmp") else os.environ.get("TEMP", "")
    path = os.pathsep.join((os.path.dirname(sys.executable), "/usr/bin", "/bin"))
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(dict.fromkeys(("USER", "LOGNAME", "USERNAME"), "student"))
    os.environ.update(kept, HOME=home, USERPROFILE=home, PATH=path, LANG="C.UTF-8", MPLBACKEND="agg")
    if sys.platform == "win32":
        return ()
    with contextlib.suppress(OSError):
        os.setsid()
    if sys.platform == "linux":
        # Each thread's own malloc arena reserves address space that stays unused.
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
    done = _limit(limits)
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if sys.platform == "linux":
        _give_up_rights()
    os.umask(0o077)
    return done


def _limit(limits: Limits) -> tuple[str, ...]:
    import resource

    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": int(limits.seconds) + 1,
        "RLIMIT_FSIZE": limits.files,
        "RLIMIT_NOFILE": _OPEN_FILES,
        "RLIMIT_NPROC": limits.processes,
        # On Linux: writable memory of its own, which address space that was only reserved is not.
        "RLIMIT_DATA": limits.memory,
        "RLIMIT_AS": 4 * limits.memory,
    }
    done = []
    for name, value in wanted.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        most = resource.getrlimit(number)[1]
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(number, (value, value))
            done.append(name)
    return tuple(done)


def _give_up_rights() -> None:
    class Header(ctypes.Structure):
        _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]

    class Data(ctypes.Structure):
        _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]

    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    libc.capset(ctypes.byref(Header(_CAPABILITY_VERSION_3, 0)), (Data * 2)())
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # After a change of user a process may not read its own /proc/self; this gives it back.
    libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
