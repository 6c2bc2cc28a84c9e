"""A command that runs beside the notebook as it would in a terminal, and ends with its block."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from wslab.errors import LabError
from wslab.language import Text

_START_DEADLINE = 30.0
_END_DEADLINE = 5.0
_ENDED = Text(
    en="The command ended before it listened on port {port}. What it said:\n{said}",
    tr="Komut, {port} numaralı bağlantı noktasını dinlemeye başlamadan bitti. Yazdıkları:\n{said}",
)
_SILENT = Text(
    en="The command runs, but after {seconds:.0f} s it does not listen on port {port}. What it said:\n{said}",
    tr="Komut çalışıyor, ama {seconds:.0f} saniye sonra hâlâ {port} numaralı bağlantı noktasını dinlemiyor. "
    "Yazdıkları:\n{said}",
)


class Terminal:
    """A running command.

    Attributes:
        port: the free port that stood in for `{port}`.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, file: Path) -> None:
        self._process = process
        self._file = file
        self._printed = ""
        self.port = port

    @property
    def url(self) -> str:
        """Where its HTTP server answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The same for a WebSocket."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """What it has printed, errors among it; after the end of the block, what it had printed by then."""
        if self._file.exists():
            self._printed = self._file.read_text(encoding="utf-8", errors="replace")
        return self._printed

    def _wait_until_it_listens(self) -> None:
        end = time.monotonic() + _START_DEADLINE
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise LabError(_ENDED, port=self.port, said=self.output)
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise LabError(_SILENT, seconds=_START_DEADLINE, port=self.port, said=self.output)

    def _end(self) -> None:
        try:
            children = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            children = []
        # The parent first: uvicorn's starts a child again that has ended.
        self._process.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.wait(_END_DEADLINE)
        psutil.wait_procs(children, _END_DEADLINE)
        self._printed = self.output


@contextmanager
def terminal(command: str, folder: str | Path | None = None) -> Iterator[Terminal]:
    """Run `command` in a process of its own, until the block ends.

    Args:
        command: what one would type, such as `"python -m uvicorn server:app --port {port}"`. `python` is the one that
            runs here, and a free port takes the place of `{port}`.
        folder: where it runs; the current folder if None.

    Yields:
        The running command, once it listens on its port; its processes are killed at the end of the block.

    Raises:
        LabError: it ended, or did not listen within 30 s; the message holds what it printed.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program, *arguments = shlex.split(command.replace("{port}", str(port)))
    with tempfile.TemporaryDirectory(prefix="wslab-", ignore_cleanup_errors=True) as kept:
        file = Path(kept) / "output.txt"
        with file.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable if program == "python" else program, *arguments],
                cwd=folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # On Windows uvicorn's reloader sends Ctrl+C to everybody at its console; this gives it one of its own.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        running = Terminal(process, port, file)
        try:
            running._wait_until_it_listens()
            yield running
        finally:
            running._end()
