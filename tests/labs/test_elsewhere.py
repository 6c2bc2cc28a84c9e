"""The same checks judge an app that another process serves, on a Unix socket: nothing of them is in that process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wslab.authoring.proof.corpus import Submission, corpus_folder, submissions
from wslab.labs import catalogue
from wslab.labs.judging import judge_app
from wslab.labs.venue import Address, Mark, Watched
from wslab.labs.verdict import Outcome, Raised
from wslab.serving import ServerStartError
from wslab.serving.watching import TaskSeen

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets here"),
]

SERVE = """
import json, logging, runpy, sys, uvicorn

class ToParent(logging.Handler):
    def emit(self, record):
        error = record.exc_info[1] if record.exc_info else None
        text = f"{type(error).__name__}: {error}" if error else record.getMessage()
        print(json.dumps(["error", type(error).__name__ if error else "", text]), flush=True)

logging.getLogger("uvicorn.error").addHandler(ToParent())
app = runpy.run_path(sys.argv[1])["app"]
uvicorn.run(app, uds=sys.argv[2], log_config=None, log_level="warning", access_log=False)
"""


class Elsewhere:
    """A venue in another process; what it raised comes over a pipe."""

    alone = True
    cell_error = ""

    def __init__(self, program: Path, path: str) -> None:
        self.address: Address = path
        self._program = program
        self._process: subprocess.Popen[str] | None = None
        self._raised: list[Raised] = []

    async def start(self) -> None:
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-c", SERVE, str(self._program), str(self.address)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self._reader = asyncio.create_task(asyncio.to_thread(self._read, self._process))
        for _ in range(400):
            # The path is there a moment before anybody listens at it.
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.address))
                return
            await asyncio.sleep(0.05)
        raise ServerStartError("it did not start")

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError):  # the app's own prints
                _, name, text = json.loads(line)
                self._raised.append(Raised(name, text))

    def begin(self, check: str) -> None:
        pass

    def end(self) -> None:
        pass

    def mark(self) -> Mark:
        return 0, len(self._raised)

    def raised(self, since: Mark) -> tuple[Raised, ...]:
        return tuple(self._raised[since[1] :])

    async def turned(self, within: float) -> None:
        """Nothing: a pause is all that this venue waits."""

    def blocking_line(self) -> str:
        return ""

    def watch(self) -> None:
        pass

    def watched(self) -> Watched:
        return Watched()

    async def stop(self) -> tuple[TaskSeen, ...]:
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            await self._reader
            with contextlib.suppress(FileNotFoundError):
                os.unlink(str(self.address))
        return ()

    async def restart(self) -> None:
        await self.stop()
        await self.start()


@pytest.fixture
async def venues() -> AsyncIterator[list[Elsewhere]]:
    started: list[Elsewhere] = []
    yield started
    for venue in started:
        await venue.stop()


PROGRAMS = [
    # Every lab's programs are judged over a Unix socket by `wslab grade` (tests/grading/test_same_points.py).
    pytest.param(number, one, marks=[] if number == "L1" else pytest.mark.proof)
    for number in ("L1", "L2")
    for one in submissions(number)
    if one.name != "bare_pass"
]


@pytest.mark.parametrize(("number", "one"), PROGRAMS, ids=lambda value: getattr(value, "name", value))
async def test_the_same_verdicts_over_a_unix_socket(number: str, one: Submission, venues: list[Elsewhere]) -> None:
    lab = catalogue.labs()[number]
    with tempfile.TemporaryDirectory() as folder:  # a short path: a Unix socket's may have 104 bytes
        venue = Elsewhere(corpus_folder() / number / f"{one.name}.py", f"{folder}/s")
        venues.append(venue)
        graded = [check for check in lab.checks if check.points]
        found = {
            verdict.check: {Outcome.FAILED: verdict.misconception, Outcome.BLOCKED: "…"}.get(verdict.outcome, "")
            async for verdict in judge_app(lab, graded, venue)
        }
        await venue.stop()
    # What is known of un-awaited coroutines is this process's affair; a grader's side channel carries it as well.
    expected = {check.name: one.expected.fails.get(check.name, "") for check in graded}
    expected |= dict.fromkeys(one.expected.waits, "…")
    if one.name == "no_await_on_accept":
        expected["accept"] = "used-before-accept"
    assert found == expected
