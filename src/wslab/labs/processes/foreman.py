"""The process that forks the processes of an app under judgement, and starts and kills their broker.

It has one thread and has imported what an app needs, so a fork of it is whole and serves within milliseconds. None of
the learner's code runs in it. It obeys whoever holds the other end of its socket, one order after the other, and ends
with it. Linux and macOS: Windows has no fork.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wslab import parent_process
from wslab.broker import server as broker
from wslab.labs.processes import worker

_BROKER_DEADLINE = 10.0
_LOOKS = 0.002
_PRELOADED = (
    "fastapi.applications",
    "fastapi.responses",
    "fastapi.websockets",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "valkey.asyncio",
    "websockets.asyncio.server",
)


def preload() -> None:
    """Import what nearly every app with a broker does."""
    for name in _PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


class Foreman:
    """The foreman's own end."""

    def __init__(self, control: socket.socket, listeners: Sequence[socket.socket], folder: str) -> None:
        """Nothing is started yet.

        Args:
            control: orders come from there, a line of JSON each, and each is answered by a line.
            listeners: a socket that listens for each process.
            folder: for the broker's socket; it goes with the foreman.
        """
        self._control = control
        self._listeners = listeners
        self._folder = folder
        self._broker: subprocess.Popen[bytes] | None = None
        self._workers: dict[int, int] = {}

    def run(self) -> None:
        """Obey until there is nobody who gives orders."""
        try:
            while (order := self._receive()) is not None:
                self._control.sendall(json.dumps(self._obey(*order)).encode() + b"\n")
        finally:
            self._clear()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _receive(self) -> tuple[dict[str, Any], list[int]] | None:
        line, descriptors = b"", []
        while not line.endswith(b"\n"):
            data, came, _, _ = socket.recv_fds(self._control, 65536, 1)
            if not data:
                return None
            line += data
            descriptors += came
        return json.loads(line), descriptors

    def _obey(self, order: Mapping[str, Any], descriptors: list[int]) -> dict[str, Any]:
        match order["do"]:
            case "start broker":
                return self._start_broker()
            case "kill broker":
                self._kill_broker()
            case "start":
                return self._start(order, descriptors[0])
            case "kill":
                self._kill(order["process"])
            case "clear":
                self._clear()
        return {}

    # The broker

    def _start_broker(self) -> dict[str, Any]:
        self._kill_broker()
        program = broker.program()
        if program is None:
            return {"error": "none"}
        first = parent_process.kill_with_parent if sys.platform == "linux" else None
        null = subprocess.DEVNULL
        command = broker.command(program, Path(self._folder))
        self._broker = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, preexec_fn=first)
        until = time.monotonic() + _BROKER_DEADLINE
        while time.monotonic() < until and self._broker.poll() is None:
            if self._broker_answers():
                return {"url": f"unix://{self._folder}/socket"}
            time.sleep(_LOOKS)
        self._kill_broker()
        return {"error": "not started"}

    def _broker_answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client, contextlib.suppress(OSError):
            client.settimeout(1.0)
            client.connect(f"{self._folder}/socket")
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False

    def _kill_broker(self) -> None:
        if self._broker is not None:
            self._broker.kill()
            self._broker.wait()
            self._broker = None

    # The processes of the app

    def _start(self, order: Mapping[str, Any], channel: int) -> dict[str, Any]:
        number = order["process"]
        self._kill(number)
        own = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                self._control.close()
                for place, listener in enumerate(self._listeners):
                    if place != number:
                        listener.close()
                worker.main(channel, self._listeners[number], order, own)
            finally:
                os._exit(1)
        os.close(channel)
        self._workers[number] = pid
        return {"pid": pid}

    def _kill(self, number: int) -> None:
        if pid := self._workers.pop(number, 0):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _clear(self) -> None:
        for number in tuple(self._workers):
            self._kill(number)
        self._kill_broker()


def serve(control: socket.socket, listeners: Sequence[socket.socket], folder: str) -> None:
    """Be the foreman of the process that has forked this one. Never returns.

    Args:
        control: as for `Foreman`.
        listeners: as for `Foreman`.
        folder: in which one for the broker is made.
    """
    try:
        if sys.platform == "linux":
            parent_process.kill_with_parent()
        Foreman(control, listeners, tempfile.mkdtemp(prefix=".wslab-", dir=folder)).run()
    finally:
        os._exit(0)


def main() -> None:
    """Be the foreman of the process that has started this one."""
    plan = json.loads(sys.argv[1])
    control = socket.socket(fileno=plan["control"])
    listeners = [socket.socket(fileno=number) for number in plan["listeners"]]
    preload()
    control.sendall(b"{}\n")
    Foreman(control, listeners, plan["folder"]).run()


if __name__ == "__main__":
    main()
