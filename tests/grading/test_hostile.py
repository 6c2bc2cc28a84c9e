"""Submissions that mean no good: none gains a point, and nothing of any survives."""

from __future__ import annotations

import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from wslab.grading import sandbox
from wslab.grading.grading import grade
from wslab.grading.task import Cell, Limits, Result, Task
from wslab.labs.submission import submissions

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the forked start is Linux's")]

RIGHT = next(one.source for one in submissions("L1") if one.expected.right)
WRONG = next(one.source for one in submissions("L1") if one.name == "dotted_i")
WORTH = 8

GAINS_NOTHING = {
    "patches the kit": "import wslab.labs.judging as j, wslab.labs.verdict as v\nj.judge = lambda *a: None\n"
    "v.earned = lambda *a: 999",
    "patches websockets": "import websockets\nwebsockets.connect = None\n"
    "import websockets.asyncio.client as c\nc.connect = None",
    "patches time": "import time\ntime.perf_counter = time.monotonic = lambda: 0.0",
    "prints a score": "print('10 of 10'); print('{\"points\": 10, \"passed\": true}')",
    "forges results": "import os, json\nfor n in range(3, 64):\n    try:\n"
    '        os.write(n, b\'{"to": 1, "verdicts": [10], "points": 10, "total": 1, "raised": 7}\\n\')\n'
    "    except OSError: pass",
    "huge and malformed": "import os\nfor n in range(3, 64):\n    try:\n        os.set_blocking(n, False)\n"
    "        os.write(n, b'[' * 100000)\n    except OSError: pass",
    "ignores signals": "import signal\nfor n in (2, 15, 14):\n    signal.signal(n, signal.SIG_IGN)",
}


def graded(source: str, limits: Limits | None = None) -> Result:
    return grade(Task("x", "L1", "en", (Cell("In[1]", WRONG), Cell("In[2]", source)), limits or Limits()))


@pytest.mark.parametrize("name", GAINS_NOTHING)
def test_no_point_is_gained(name: str) -> None:
    assert graded(GAINS_NOTHING[name]).score <= WORTH


def test_what_ends_the_process_loses_its_own_cell_alone() -> None:
    result = graded("import os; os._exit(0)")
    assert result.score == WORTH
    assert any("In[2]" in note.into("en") for note in result.notes)


def survivors(mark: str) -> list[int]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if mark in (process.info["cmdline"] or []):
            found.append(process.pid)
    return found


@pytest.mark.parametrize("start", ["forked", "fresh"])
def test_a_detached_child_does_not_survive(start: sandbox.Start) -> None:
    mark = f"wslab-left-behind-{start}"
    source = (
        "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', "
        f"{mark!r}], start_new_session=True)"
    )
    task = Task("x", "L1", "en", (Cell("In[1]", WRONG), Cell("In[2]", source)))
    assert grade(task, start=start).score == WORTH
    assert not survivors(mark)


def test_a_fork_bomb_is_bounded_and_ends() -> None:
    bomb = (
        "import os, time\nfor _ in range(200):\n    try:\n        if os.fork() == 0:\n            time.sleep(60)\n"
        "            os._exit(0)\n    except OSError: break"
    )
    assert graded(bomb, Limits(processes=32)).score <= WORTH


def test_full_memory_and_full_disk_harm_nobody_else() -> None:
    greedy = ["x = bytearray(2 << 30)", "open('/tmp/full', 'wb').write(bytes(200 << 20))", "print('x' * (64 << 20))"]
    with ThreadPoolExecutor(4) as pool:
        hostile = [pool.submit(graded, source) for source in greedy]
        honest = pool.submit(grade, Task("y", "L1", "en", (Cell("In[1]", RIGHT),)))
        assert honest.result().score == 10
        assert [one.result().score for one in hostile] == [WORTH] * 3


@pytest.mark.skipif(not sandbox.room(), reason="no namespaces here")
def test_nothing_of_the_machine_is_in_reach() -> None:
    reached = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def listen() -> None:
            try:
                listener.accept()[0].close()
                reached.set()
            except OSError:
                pass

        thread = threading.Thread(target=listen)
        thread.start()
        port = listener.getsockname()[1]
        source = (
            "import os, socket, glob, wslab\nseen = []\n"
            "try:\n"
            f"    socket.create_connection(('127.0.0.1', {port}), 1); seen.append('host')\nexcept OSError: pass\n"
            "kit = os.path.dirname(wslab.__file__)\n"
            "seen += glob.glob(kit + '/labs/submissions/**/*.py', recursive=True)\n"
            "seen += glob.glob(os.path.dirname(os.path.dirname(kit)) + '/solutions/*')\n"
            "seen += [p for p in os.listdir('/proc') if p.isdigit() and int(p) > 200]\n"
            "seen += glob.glob('/tmp/wslab-*')\n"
            "if seen: raise ValueError(seen)"
        )
        result = graded(source)
    thread.join(6)
    assert not reached.is_set()
    assert result.score == WORTH
    assert not result.notes
