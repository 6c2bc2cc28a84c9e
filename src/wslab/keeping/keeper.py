"""The process between the kernel and a program of its: the program ends with the kernel, and its folder goes.

Each line of its standard input has the program started, anew where it runs; the end of the input ends both.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from wslab import parent_process


class _Keeper:
    def __init__(self, folder: Path, files: dict[str, str], command: list[str]) -> None:
        folder.mkdir(0o700)
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        self._folder = folder
        self._command = command
        self._program: subprocess.Popen[bytes] | None = None
        # Two threads may end it, while it is just being started; a folder in which it writes could not be removed.
        self._one_at_a_time = threading.Lock()
        self._ended = False

    def start(self) -> None:
        with self._one_at_a_time:
            if not self._ended:
                self._start()

    def _start(self) -> None:
        self._kill()
        # The thread that starts it is this process's main one, so Linux kills it when this process ends in any way.
        first = parent_process.kill_with_parent if sys.platform == "linux" else None
        with (self._folder / "log").open("ab") as log:
            self._program = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=first
            )
        # One that has ended by itself has no number any more, so the kernel sees that it has.
        threading.Thread(target=self._program.wait, daemon=True).start()
        print(self._program.pid, flush=True)

    def end(self) -> None:
        with self._one_at_a_time:
            self._ended = True
            self._kill()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _kill(self) -> None:
        if self._program is not None:
            self._program.kill()
            self._program.wait()

    def end_with(self, kernel: int) -> None:
        # A process that the kernel has forked holds the input open when the kernel is gone.
        parent_process.wait_for_its_end(kernel)
        self.end()
        os._exit(0)


def main() -> None:
    """Keep a program until the input or the kernel ends."""
    kernel, folder, files, *command = sys.argv[1:]
    keeper = _Keeper(Path(folder), json.loads(files), command)
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
