"""Submissions that mean no good: none gains a point, and nothing of any survives."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from wslab.authoring.proof.corpus import submissions
from wslab.grading.grading import grade
from wslab.grading.isolation import sandbox
from wslab.grading.isolation.isolated import Isolated
from wslab.grading.isolation.memory import held
from wslab.grading.task import Cell, Limits, Result, Task
from wslab.labs import stage
from wslab.labs.channel import Channel
from wslab.labs.deadlines import measured

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
    "more than is read": "import os\nfor n in range(3, 64):\n    try:\n        os.write(n, b'[' * (2 << 20))\n"
    "    except OSError: pass",
    "ignores signals": "import signal\nfor n in (2, 15, 14):\n    signal.signal(n, signal.SIG_IGN)",
}


def graded(source: str, limits: Limits | None = None) -> Result:
    return grade(Task("x", "L1", "en", (Cell("In[1]", WRONG), Cell("In[2]", source)), limits or Limits()))


@pytest.mark.parametrize("name", GAINS_NOTHING)
def test_no_point_is_gained(name: str) -> None:
    assert graded(GAINS_NOTHING[name]).score <= WORTH


def test_a_message_is_read_whatever_was_written_in_front_of_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"[" * 1000)
        Channel(theirs).send({"served": True})
        assert Channel(ours).receive(1) == {"served": True}


def test_what_ends_the_process_loses_its_own_cell_alone() -> None:
    result = graded("import os; os._exit(0)")
    assert result.score == WORTH
    assert any("In[2]" in note.into("en") for note in result.notes)


def own_name(*words: str) -> str:
    """A process name of this test alone, also where the tests run several times at once; Linux keeps 15 bytes."""
    return hashlib.sha256(repr((words, os.getpid())).encode()).hexdigest()[:15]


def named(name: str) -> list[int]:
    """The processes that carry a name which they took themselves and gave to all that they forked."""
    alive = (one for one in psutil.process_iter(["name", "status"]) if one.info["status"] != psutil.STATUS_ZOMBIE)
    return [one.pid for one in alive if one.info["name"] == name]


@pytest.fixture(params=["namespaces", "plain"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With bubblewrap's namespaces, and as on a machine that has none."""
    if request.param == "plain":
        monkeypatch.setattr(sandbox, "namespace_mode", lambda: "")
    elif not sandbox.namespace_mode():
        pytest.skip("no namespaces here")
    return str(request.param)


@pytest.fixture
def at_the_end(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[sandbox.Confined], None]], None]:
    """Have something looked at when a learner's process is about to be ended."""

    def look_at(look: Callable[[sandbox.Confined], None]) -> None:
        kill = sandbox.Confined.kill

        def look_and_kill(process: sandbox.Confined) -> None:
            look(process)
            kill(process)

        monkeypatch.setattr(sandbox.Confined, "kill", look_and_kill)

    return look_at


Look = Callable[[Callable[[sandbox.Confined], None]], None]

DETACH = """
import ctypes, os, time
told, tells = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, {name!r}.encode(), 0, 0, 0)
        {does}
        os.write(tells, b".")
        time.sleep(60)
    os._exit(0)
os.read(told, 1)
"""
"""A cell whose grandchild has left its parents, its group and its session, and has a name of its own."""


@pytest.mark.parametrize("start", ["forked", "fresh"])
def test_a_detached_child_does_not_survive(place: str, start: sandbox.Start, at_the_end: Look) -> None:
    name = own_name("left", place, start)
    before: list[int] = []
    at_the_end(lambda _: before.extend(named(name)))
    cell = Cell("In[2]", DETACH.format(name=name, does=""))
    assert grade(Task("x", "L1", "en", (Cell("In[1]", WRONG), cell)), start=start).score == WORTH
    assert len(before) == 1
    assert not named(name)


BOMB = """
import ctypes, os, time
ctypes.CDLL(None).prctl(15, {name!r}.encode(), 0, 0, 0)
children = []
for _ in range(100):
    try:
        children.append(os.fork())
    except OSError:
        break
    if not children[-1]:
        time.sleep(60)
        os._exit(0)
for child in children[:{spared}]:
    os.kill(child, 9)
    os.waitpid(child, 0)
"""
"""The bomb spares a few, so that its own app can be served, or none."""


def test_a_fork_bomb_is_bounded_and_nothing_of_it_survives(place: str, at_the_end: Look) -> None:
    name = own_name("bomb", place)
    before: list[int] = []
    at_the_end(lambda _: before.append(len(named(name))))
    # All of these processes share what is counted as the memory of each.
    assert graded(BOMB.format(name=name, spared=8), Limits(processes=32, memory=8 << 30)).score <= WORTH
    # Root without namespaces has no limit on processes: the kernel knows none for that user.
    assert 10 < max(before) <= (32 if place == "namespaces" else 101)
    assert not named(name)


def test_another_students_result_is_unharmed() -> None:
    noise = "import time\nuntil = time.monotonic() + 1\nwhile time.monotonic() < until: print('x' * 65536)"
    bomb = BOMB.format(name="noisy", spared=0)
    cells = tuple(Cell(f"In[{n}]", source) for n, source in enumerate((WRONG, bomb, noise), 1))
    with ThreadPoolExecutor(3) as pool:
        noisy = pool.submit(grade, Task("x", "L1", "en", cells, Limits(memory=8 << 30)))
        greedy = pool.submit(graded, "x = []\nwhile True: x.append(b'x' * (64 << 20))")
        # The bomb has gone off, and the noise goes on for a second.
        while not noisy.done() and len(named("noisy")) < 30:
            time.sleep(0.01)
        assert not noisy.done()
        honest = pool.submit(grade, Task("y", "L1", "en", (Cell("In[1]", RIGHT),)))
        assert honest.result().score == 10
        assert noisy.result().score <= WORTH
        assert greedy.result().score <= WORTH
    assert not named("noisy")


NEIGHBOUR = (
    RIGHT
    + """
import threading, uvicorn
def answer_for_others():
    socks = []
    for n in range(3, 64):
        try:
            sock = socket.socket(fileno=os.dup(n))
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN): socks.append(sock)
        except OSError: pass
    threading.Thread(target=uvicorn.Server(uvicorn.Config(app, log_level="critical")).run, args=(socks,)).start()
import socket
"""
)
"""A right server, and a function that serves it from wherever the submission's own listeners are."""

ACCOMPLICE = """
import os, socket
from fastapi import FastAPI
app = FastAPI()
elsewhere = socket.create_server(("127.0.0.1", 0))
for n in range(3, 64):
    try:
        sock = socket.socket(fileno=os.dup(n))
        if n != elsewhere.fileno() and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            os.dup2(elsewhere.fileno(), n)
    except OSError: pass
"""
"""Makes room for another one's server: it serves nothing, and its own listeners are gone."""


def test_who_listens_since_an_earlier_run_answers_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The weakest place there is: no namespaces, and ports that are given out again, to several at once.
    monkeypatch.setattr(sandbox, "namespace_mode", lambda: "")
    ports: list[int] = []

    def same_ports() -> sandbox.ListeningSockets:
        doors = sandbox.ListeningSockets()
        for number in range(sandbox.STARTS):
            port = ports[number] if len(ports) == sandbox.STARTS else 0
            sock = socket.create_server(("127.0.0.1", port), reuse_port=True)
            doors.listeners.append(sock)
            doors.addresses.append(sock.getsockname()[:2])
        ports[:] = [int(address[1]) for address in doors.addresses]
        return doors

    monkeypatch.setattr(sandbox.ListeningSockets, "make", same_ports)
    began = tmp_path / "began"
    does = f"answer_for_others(); open({str(began)!r}, 'w').close()"
    left = Cell("In[2]", DETACH.format(name="neighbour", does=does))
    grade(Task("x", "L1", "en", (Cell("In[1]", NEIGHBOUR), left, Cell("In[3]", "del app"))))
    assert began.exists()
    assert grade(Task("y", "L1", "en", (Cell("In[1]", ACCOMPLICE),))).score == 0
    assert not named("neighbour")


@pytest.mark.skipif(not sandbox.namespace_mode(), reason="no namespaces here")
def test_the_judge_cannot_be_looked_into() -> None:
    judge = os.getpid()
    source = f"""
import ctypes, os
seen = []
libc = ctypes.CDLL(None)
for pid in {{{judge}, os.getppid()}}:
    for kind in ('mem', 'maps', 'environ'):
        try:
            with open(f'/proc/{{pid}}/{{kind}}', 'rb') as file:
                if kind == 'mem' or file.read(1): seen.append((pid, kind))
        except OSError: pass
    try: seen += [(pid, os.readlink(f'/proc/{{pid}}/fd/{{n}}')) for n in os.listdir(f'/proc/{{pid}}/fd')]
    except OSError: pass
if libc.ptrace(0x4206, {judge}, 0, 0) == 0: seen.append('ptrace')
for n in range(3, 64):
    try: target = os.readlink(f'/proc/self/fd/{{n}}')
    except OSError: continue
    if not target.startswith(('socket:', 'anon_inode:', '/dev/null', '/proc')): seen.append((n, target))
if seen: raise ValueError(seen)
"""
    result = graded(source)
    assert result.score == WORTH
    assert not result.notes, str(result.notes[0])


@pytest.mark.skipif(not sandbox.namespace_mode(), reason="no namespaces here")
def test_the_judges_socket_cannot_be_replaced(at_the_end: Look) -> None:
    stand: list[bool] = []

    def look(process: sandbox.Confined) -> None:
        stand.extend(stat.S_ISSOCK(os.lstat(str(where)).st_mode) for where in process.addresses)

    at_the_end(look)
    # A listening socket knows what it was bound to; here nothing stands there.
    source = """
import os, socket
done, asked = [], 0
for n in range(3, 64):
    try: sock = socket.socket(fileno=os.dup(n))
    except OSError: continue
    where = sock.getsockname() if sock.family == socket.AF_UNIX else ''
    if not where: continue
    asked += 1
    if os.path.lexists(os.path.dirname(where)): done.append(where)
    try:
        os.unlink(where)
        os.symlink('/tmp/mine', where)
        done.append(where)
    except OSError: pass
if done or not asked: raise ValueError(done)
"""
    result = graded(source)
    assert result.score == WORTH
    assert not result.notes, str(result.notes[0])
    assert stand
    assert all(stand)


ENDLESS = """
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
app = FastAPI()
@app.get("/")
async def root():
    async def for_ever():
        while True: yield b"x" * 65536
    return StreamingResponse(for_ever())
@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    while True: await websocket.send_text("x" * {size})
"""


def test_a_server_that_answers_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_MOST_MESSAGES", 500)
    monkeypatch.setattr(stage, "_MOST_BYTES", 1 << 20)

    async def met(size: int) -> int:
        venue = Isolated((Cell("In[1]", ENDLESS.format(size=size)),), "app", "en", Limits(), None)
        try:
            await venue.start()
            async with measured() as deadlines:
                met = stage.Stage(venue, deadlines)
                if not size:
                    with pytest.raises(ConnectionError, match="the answer has no end"):
                        await met._exchange("GET", "/", within=20)
                    return 0
                client = await met.connect()
                assert await client.ended(within=20)
                return len(client.messages)
        finally:
            venue.close()

    assert asyncio.run(met(1)) == 500
    assert asyncio.run(met(60_000)) == (1 << 20) // 60_000
    assert asyncio.run(met(0)) == 0


@pytest.mark.parametrize("start", ["forked", "fresh"])
def test_the_graders_environment_is_not_to_be_read(
    place: str, start: sandbox.Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSLAB_TEST_SECRET", "kept-to-oneself")
    sandbox._forker.close()  # the next one is started in this environment
    source = (
        "import glob, os\nseen = str(os.environ)\n"
        f"for path in glob.glob('/proc/{'[0-9]*' if place == 'namespaces' else 'self'}/environ'):\n    try:\n"
        "        with open(path) as file: seen += file.read()\n    except OSError: pass\n"
        "if 'kept-to-oneself' in seen: raise ValueError('seen')"
    )
    venue = Isolated((Cell("In[1]", "app = lambda *_: None"), Cell("In[2]", source)), "app", "en", Limits(), start)
    try:
        asyncio.run(venue.start())
        assert not venue.notes, str(venue.notes[0])
    finally:
        venue.close()
        sandbox._forker.close()


def test_full_memory_and_full_disk_harm_nobody_else() -> None:
    greedy = ["x = bytearray(2 << 30)", "open('/tmp/full', 'wb').write(bytes(200 << 20))", "print('x' * (64 << 20))"]
    with ThreadPoolExecutor(4) as pool:
        hostile = [pool.submit(graded, source) for source in greedy]
        honest = pool.submit(grade, Task("y", "L1", "en", (Cell("In[1]", RIGHT),)))
        assert honest.result().score == 10
        assert [one.result().score for one in hostile] == [WORTH] * 3


HOARDS = {
    "files": """
import os, signal
kept = []
for _ in range(4):
    kept.append(os.memfd_create("x"))
    os.posix_fallocate(kept[-1], 0, 60 << 20)
signal.pause()
""",
    "another thread's files": """
import ctypes, os, signal, threading
def hoard():
    ctypes.CDLL(None).unshare(0x400)
    kept = []
    for _ in range(4):
        kept.append(os.memfd_create("x"))
        os.posix_fallocate(kept[-1], 0, 60 << 20)
    threading.Event().wait()
threading.Thread(target=hoard, daemon=True).start()
signal.pause()
""",
    "segments": """
import ctypes, signal
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
for _ in range(4):
    where = ctypes.c_void_p(libc.shmat(libc.shmget(0, 60 << 20, 0o1600), None, 0))
    ctypes.memset(where, 1, 60 << 20)
    libc.shmdt(where)
signal.pause()
""",
    "messages": """
import ctypes, signal
libc = ctypes.CDLL(None)
message = ctypes.create_string_buffer(8192 + ctypes.sizeof(ctypes.c_long))
message[0] = 1
for _ in range(14_000):
    queue = libc.msgget(0, 0o1600)
    for _ in range(2): libc.msgsnd(queue, message, 8192, 0o4000)
signal.pause()
""",
}
"""What holds 240 MB at most of which no process has any in its own memory, and then waits for a signal."""


@pytest.mark.parametrize("hoard", HOARDS)
def test_memory_that_is_in_no_process_counts(place: str, hoard: str) -> None:
    if place == "plain" and "files" not in hoard:
        pytest.skip("it would outlive the test: there is no namespace that ends")
    result = graded(HOARDS[hoard], Limits(memory=200 << 20))
    assert result.score == WORTH
    assert "took more than 200 MB of memory" in " ".join(note.into("en") for note in result.notes)


def test_a_file_without_a_name_counts_once_and_only_while_it_is_open() -> None:
    descriptor = os.memfd_create("x")
    os.posix_fallocate(descriptor, 0, 8 << 20)
    both = [descriptor, os.dup(descriptor)]
    with_it = held([os.getpid()], own_ipc=False, turn=0)
    for one in both:
        os.close(one)
    without = held([os.getpid()], own_ipc=False, turn=0)
    assert abs(with_it - without - (8 << 20)) < 4 << 20
    assert held([2**22 + 1], own_ipc=False, turn=0) == 0  # nobody has this number


@pytest.mark.skipif(not sandbox.namespace_mode(), reason="no namespaces here")
def test_nothing_of_the_machine_is_in_reach() -> None:
    visitors: list[tuple[str, int]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)

        def listen() -> None:
            sock, where = listener.accept()
            sock.close()
            visitors.append(where)

        thread = threading.Thread(target=listen)
        thread.start()
        port = listener.getsockname()[1]
        source = (
            "import os, socket, glob, wslab\nseen = []\n"
            "try:\n"
            f"    socket.create_connection(('127.0.0.1', {port}), 1); seen.append('host')\nexcept OSError: pass\n"
            "kit = os.path.dirname(wslab.__file__)\n"
            "above = os.path.dirname(os.path.dirname(kit))\n"
            "seen += [one for one in ('solutions', 'course') if os.path.exists(os.path.join(above, one))]\n"
            "seen += [p for p in os.listdir('/proc') if p.isdigit() and int(p) > 200]\n"
            "seen += glob.glob('/tmp/wslab-*')\n"
            "if seen: raise ValueError(seen)"
        )
        result = graded(source)
        # A visit of the test's own ends the wait; who was there before is found first.
        with socket.create_connection(("127.0.0.1", port)) as own:
            thread.join(6)
            assert visitors == [own.getsockname()]
    assert result.score == WORTH
    assert not result.notes
