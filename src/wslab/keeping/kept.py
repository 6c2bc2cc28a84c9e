"""A program beside the kernel, as the kernel sees it."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_END_DEADLINE = 5.0


def new_folder(name: str) -> Path:
    """Where a program's files will be; its path is short, as that of a Unix socket has to be. The keeper makes it."""
    return Path(tempfile.gettempdir(), f"wslab-{name}-{secrets.token_hex(4)}")


class Kept:
    """A program with a folder of its own. It ends with this kernel, whatever ends that, and the folder goes.

    Args:
        folder: as `new_folder` gave it.
        command: the program and its arguments. What it writes goes to `log` in the folder.
        files: what lies in the folder when it starts, by name.

    Attributes:
        folder: the same.
        pid: the program's process; None before it was started, and once it was ended.
    """

    def __init__(self, folder: Path, command: Sequence[str], files: Mapping[str, str] = {}) -> None:
        self.folder = folder
        self.pid: int | None = None
        self._keeper = subprocess.Popen(
            # -P: a learner's signal.py is no module of the keeper's.
            [
                *(sys.executable, "-P", "-m", "wslab.keeping.keeper"),
                *(str(os.getpid()), str(folder), json.dumps(dict(files)), *command),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # the ■ button interrupts the kernel's whole process group
        )
        atexit.register(self.stop)

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        if self.pid is None:
            return False
        try:
            os.kill(self.pid, 0)
        except OSError:  # there is none of this number, or it is somebody else's by now
            return False
        return True

    @property
    def said(self) -> str:
        """What it has written."""
        log = self.folder / "log"
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def start(self) -> None:
        """Start it, anew where it runs; `pid` is None where its keeper has ended."""
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self.pid = None
        with contextlib.suppress(OSError):  # the keeper has ended
            self._keeper.stdin.write("start\n")
            self._keeper.stdin.flush()
            said = self._keeper.stdout.readline()
            self.pid = int(said) if said else None

    def kill(self) -> None:
        """End the program at once; its folder stays."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.kill(self.pid, signal.SIGKILL)
            self.pid = None

    def stop(self) -> None:
        """End the program and its keeper; the folder goes."""
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        with contextlib.suppress(OSError):  # the keeper has ended, and something was still to be told to it
            self._keeper.stdin.close()
        try:
            self._keeper.wait(_END_DEADLINE)
        except subprocess.TimeoutExpired:
            self._keeper.kill()  # on Linux its program ends with it
            self._keeper.wait()
        self._keeper.stdout.close()
        self.pid = None
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.stop)
