"""Programs that a kernel keeps beside it end with it, whatever ends the kernel."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

DEADLINE = 20.0


def until(look: Callable[[], object], said: str, within: float = DEADLINE) -> None:
    """Wait for something of another process, which sends no event; at most so many seconds."""
    end = time.monotonic() + within
    while not look():
        assert time.monotonic() < end, said
        time.sleep(0.02)


def hold_nothing_outlives(end: str, program: str, temporary: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Run a kernel, end it, and make sure that its program, the program's keeper and every file are gone.

    Args:
        end: what the test does: `"kills the kernel"`, `"ends the kernel"`, `"kills the keeper"`, or `"kills it at its
            start"`, it being the kernel.
        program: what the kernel runs: it starts the other program, prints its number, and reads a line.
        temporary: where everything temporary goes; empty.
        environment: the kernel's.
    """
    kernel = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environment, "TMPDIR": str(temporary)},
        text=True,
    )
    try:
        assert kernel.stdout is not None
        if end == "kills it at its start":
            until(lambda: list(temporary.iterdir()), "it never began")
            family = psutil.Process(kernel.pid).children(recursive=True)
        else:
            server = psutil.Process(int(kernel.stdout.readline()))
            keeper = server.parent()
            assert keeper is not None
            family = [server, keeper]
        if end == "ends the kernel":
            kernel.communicate("\n", timeout=DEADLINE)
        elif end == "kills the keeper":
            if sys.platform != "linux":
                pytest.skip("only Linux ends a process with its parent")
            family[1].kill()
        else:
            kernel.kill()
        until(lambda: not any(map(_lives, family)), f"these are left: {family}")
        if end != "kills the keeper":
            until(lambda: not list(temporary.iterdir()), f"this is left: {list(temporary.iterdir())}")
    finally:
        kernel.kill()
        kernel.communicate(timeout=DEADLINE)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
