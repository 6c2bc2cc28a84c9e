"""The process between the kernel and its broker: the broker ends with the kernel, and its folder goes.

Each line of its standard input has the broker started, anew where it runs; the end of the input ends both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading

from wslab import parent_process


class _Keeper:
    def __init__(self, folder: str, command: list[str]) -> None:
        os.mkdir(folder, 0o700)
        self._folder = folder
        self._command = command
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._kill()
        # The thread that starts it is this process's main one, so Linux kills it when this process ends in any way.
        first = parent_process.kill_with_parent if sys.platform == "linux" else None
        self._server = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=first
        )
        print(self._server.pid, flush=True)

    def end(self) -> None:
        self._kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def end_with(self, kernel: int) -> None:
        # A process that the kernel has forked holds the input open when the kernel is gone.
        parent_process.wait_for_its_end(kernel)
        self.end()
        os._exit(0)


def main() -> None:
    """Keep a broker until the input or the kernel ends."""
    kernel, folder, *command = sys.argv[1:]
    keeper = _Keeper(folder, command)
    threading.Thread(target=keeper.end_with, args=(int(kernel),), daemon=True).start()
    try:
        for _ in sys.stdin:
            keeper.start()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the kernel ended meanwhile: there is nobody to tell
    finally:
        keeper.end()


if __name__ == "__main__":
    main()
