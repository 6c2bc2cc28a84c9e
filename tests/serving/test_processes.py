"""serve("chat:app", processes=2): a file in processes of its own, under uvicorn's supervisor."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from wslab.language import use_language
from wslab.serving import ProcessServer, ServerStartError, WrongApp, serve, servers
from wslab.serving.binding import bind
from wslab.serving.log import Entry

DEADLINE = 30.0
"""Seconds for what takes one or two on an idle machine."""

CHAT = """
import os
import re

from fastapi import FastAPI, WebSocket

print("imported")
app = FastAPI()


@app.get("/")
async def version() -> str:
    return "first"


@app.websocket("/ws")
async def answer(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        print("heard", text)
        if text == "raise":
            raise ValueError("kaput")
        if text == "hold":
            re.match(r"(a+)+$", "a" * 40 + "b")  # years, and no other thread of this process runs meanwhile
        while text == "spin":
            pass
        await websocket.send_text(str(os.getpid()))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The notebook's folder, in which the learner has written a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chat.py").write_text(CHAT, encoding="utf-8")
    return tmp_path


@contextlib.contextmanager
def clients(server: ProcessServer, least: int = 2) -> Iterator[dict[int, ClientConnection]]:
    """One client for each of the server's processes, by the process's number."""
    found: dict[int, ClientConnection] = {}
    with contextlib.ExitStack() as stack:
        end = time.monotonic() + DEADLINE
        while len(found) < least:
            assert time.monotonic() < end, f"of {server.pids} only {list(found)} took a connection"
            client = stack.enter_context(connect(f"{server.ws_url}/ws"))
            client.send("who")
            found.setdefault(int(client.recv(DEADLINE)), client)
        yield found


def gone(pid: int) -> bool:
    """Whether this process has ended."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def until(true: Callable[[], object], what: str) -> None:
    """Wait for what no log tells."""
    end = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def answers_of(server: ProcessServer, *known: int) -> Callable[[Entry], bool]:
    """Whether an entry says that another process than those answers."""
    return lambda entry: entry.text == "answers" and entry.process not in known


def test_two_processes_at_one_port(folder: Path) -> None:
    with serve("chat:app", processes=2) as server:
        assert server in servers()
        assert server.host == "127.0.0.1"
        assert httpx.get(server.url).json() == "first"
        assert len(set(server.pids)) == server.processes == 2
        assert not {server.supervisor, os.getpid()} & set(server.pids)
        with clients(server) as found:
            assert set(found) == set(server.pids)
            count = server.open_websockets
            assert count >= 2
            assert {one.process for one in server.connections} == set(found)
            assert len(server.connections) == count
            assert "process" in repr(server.connections)
            assert f"WebSockets: {count} · processes: 2" in repr(server)

            for pid, client in found.items():
                client.send(f"to {pid}")
                client.recv(DEADLINE)
                said = server.log.wait_for(f"heard to {pid}", DEADLINE)
                assert (said.process, said.kind) == (pid, "print")
                assert re.fullmatch(r"chat\.py:\d+", said.place)
                assert re.fullmatch(r"#\d+ /ws", said.connection)
            raising, client = next(iter(found.items()))
            client.send("raise")
            error = server.log.wait_for("ValueError: kaput", DEADLINE)
            assert (error.process, error.kind) == (raising, "error")
            assert 'raise ValueError("kaput")' in error.detail
            assert "Traceback" in error.traceback
        assert {entry.process for entry in server.log.prints if entry.text == "imported"} == set(server.pids)
        assert [entry.time_ns for entry in server.log.events] == sorted(entry.time_ns for entry in server.log.events)
        for shown in (repr(server.log), server.log._repr_html_()):
            assert all(str(pid) in shown for pid in server.pids)
        assert not (folder / "__pycache__").exists()


def test_a_process_that_is_killed_is_replaced_and_its_clients_are_cut_off() -> None:
    with serve("chat:app", processes=2) as server:
        killed, other = before = server.pids
        with clients(server) as found:
            os.kill(killed, signal.SIGKILL)
            with pytest.raises(ConnectionClosed):
                found[killed].recv(DEADLINE)
            assert server.log.wait_for("The process has ended.", DEADLINE).process == killed
            new = server.log.wait_for(answers_of(server, *before), DEADLINE).process
            assert set(server.pids) == {other, new}
            found[other].send("still here?")
            assert found[other].recv(DEADLINE) == str(other)
            assert any(f"[{killed}] died" in entry.text for entry in server.log)  # uvicorn's own words


def test_restart_imports_the_file_as_it_is_now_and_stop_leaves_nothing(folder: Path) -> None:
    server = serve("chat:app", processes=2)
    port, former = server.port, (server.supervisor, *server.pids)
    with clients(server) as found:
        (folder / "chat.py").write_text(CHAT.replace('"first"', '"other"'), encoding="utf-8")
        server.restart()
        for client in found.values():
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(DEADLINE)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
    assert all(map(gone, former))
    assert server.port == port
    assert httpx.get(server.url).json() == "other"
    assert not any(entry.process in former for entry in server.log)

    (folder / "chat.py").write_text("def\n", encoding="utf-8")
    with pytest.raises(ServerStartError, match=r"cannot read chat\.py, line 1"):
        server.restart()
    assert httpx.get(server.url).json() == "other"

    last = (server.supervisor, *server.pids)
    server.stop()
    server.stop()
    assert not server.running
    assert server not in servers()
    assert server.pids == ()
    assert all(map(gone, last))
    bind("127.0.0.1", port).close()


async def test_a_context_of_either_kind_and_a_name(folder: Path) -> None:
    (folder / "pages").mkdir()
    (folder / "pages" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "pages" / "room.py").write_text(CHAT, encoding="utf-8")
    async with serve("pages.room:app", processes=1, name="room", send_buffer=4096) as server:
        async with httpx.AsyncClient() as client:
            assert (await client.get(server.url)).json() == "first"
        assert "<Server room http" in repr(server)
    assert "stopped" in repr(server)


def test_a_handler_that_never_ends_is_killed_at_the_deadline(capsys: pytest.CaptureFixture[str]) -> None:
    server = serve("chat:app", processes=1)
    (pid,) = server.pids
    with connect(f"{server.ws_url}/ws") as client:
        client.send("spin")
        server.log.wait_for("heard spin", DEADLINE)
        server.stop(deadline=1.0)
    assert gone(pid)
    said = r"within 1 s: chat\.py:\d+ holds the event loop\. Its processes were killed"
    assert re.search(said, capsys.readouterr().out)
    bind("127.0.0.1", server.port).close()


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize(
    ("app", "options", "error", "said"),
    [
        ("chat:app", {"processes": 0}, WrongApp, "1 to 32|1 ile 32"),
        ("chat:app", {"processes": True}, WrongApp, "1 to 32|1 ile 32"),
        (print, {"processes": 2}, WrongApp, "%%writefile chat.py"),
        ("chat", {"processes": 2}, WrongApp, r'serve\("chat:app", processes=2\)'),
        ("chat.py:app", {"processes": 2}, WrongApp, r'serve\("chat:app", processes=2\)'),
        ("apps/chat.py", {"processes": 2}, WrongApp, r'serve\("chat:app", processes=2\)'),
        ("chat:app", {"processes": 2, "token": True}, ServerStartError, "token=True"),
        ("chat:app", {"processes": 2, "host": "0.0.0.0"}, ServerStartError, "token=True"),
        ("chat:app", {"processes": 2, "reload": True}, WrongApp, r"server\.restart\(\)"),
        ("chat:app", {"processes": 2, "workers": 3}, WrongApp, "processes=3"),
        ("chat:app", {"processes": 2, "uds": "x"}, WrongApp, "timeout_graceful_shutdown"),
        ("chat:app", {"processes": 2, "headers": {"a", "b"}}, ServerStartError, "headers="),
        ("room:app", {"processes": 2}, ServerStartError, "%%writefile room.py"),
        ("typo:app", {"processes": 2}, ServerStartError, "typo.py, line 2|typo.py dosyasının 2. satırı"),
        ("awaits:app", {"processes": 2}, ServerStartError, "async def"),
        ("chat:app", {}, WrongApp, r"serve\('chat:app', processes=2\)"),
        (print, {"workers": 2}, WrongApp, r'serve\("chat:app", processes=2\)'),
    ],
)
def test_what_is_refused_before_a_process_starts(
    folder: Path, language: str, app: object, options: dict[str, object], error: type[Exception], said: str
) -> None:
    use_language(language)
    (folder / "typo.py").write_text("x = 1\ndef f(:\n", encoding="utf-8")
    (folder / "awaits.py").write_text("import asyncio\nawait asyncio.sleep(1)\n", encoding="utf-8")
    with pytest.raises(error, match=said):
        serve(app, **options)  # type: ignore[call-overload]


def test_a_port_that_another_program_holds_is_named() -> None:
    program = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        with pytest.raises(ServerStartError, match=f"Port {port} is taken by another program"):
            serve("chat:app", processes=2, port=port)
        other.communicate("\n", timeout=10)


LIFESPAN = """
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def lifespan(app):
    {line}
    yield

app = FastAPI(lifespan=lifespan)
"""


@pytest.mark.parametrize(
    ("language", "source", "said"),
    [
        ("en", "import nothing_here\n", r"Importing bad\.py raised.* named 'nothing_here' \(bad\.py:1\)"),
        ("tr", "application = __import__('fastapi').FastAPI()\n", "içindeki uygulamanın adı `application`"),
        ("en", "import uvicorn\nuvicorn.run(print)\n", r"starts a server itself .*\(bad\.py:2\)"),
        ("tr", "app = 1\n", r"serve\(\), app = FastAPI\(\) gibi"),
        ("en", "import os\nos.write(1, b'so long\\n')\nos._exit(7)\n", "ended while it started.*\nso long"),
        (
            "tr",
            "import ctypes\nctypes.string_at(0)\n",
            r"başlarken sona erdi.*(Segmentation fault|violation) \(bad\.py:2",
        ),
        ("en", LIFESPAN.format(line="raise ValueError('no database')"), r"no database \(bad\.py:7\)"),
    ],
    ids=["raises", "no such name", "runs a server", "no app", "exits", "crashes", "lifespan raises"],
)
def test_a_file_with_which_no_process_starts(folder: Path, language: str, source: str, said: str) -> None:
    use_language(language)
    (folder / "bad.py").write_text(source, encoding="utf-8")
    with pytest.raises(ServerStartError, match=re.compile(said, re.DOTALL)):
        serve("bad:app", processes=1)
    assert servers() == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("while True:\n    pass\n", r"Importing slow\.py had not finished after 4 s \(slow\.py:[12]\)"),
        (LIFESPAN.format(line="\n    while True: pass"), r"slow\.py:8 holds the event loop"),
        (LIFESPAN.format(line="import asyncio; await asyncio.Event().wait()"), "had not finished starting"),
    ],
    ids=["imports for ever", "holds the loop", "awaits for ever"],
)
def test_a_start_that_never_ends(folder: Path, source: str, said: str) -> None:
    from wslab.serving.processes.naming import named

    (folder / "slow.py").write_text(source, encoding="utf-8")
    server = ProcessServer(named("slow:app", 1, "127.0.0.1", False, {}), 1, "127.0.0.1", 0, None, {})
    with pytest.raises(ServerStartError, match=said):
        server.start(deadline=4.0)
    assert not server.running
    bind("127.0.0.1", server.port).close()


KERNEL = """
import sys
from wslab import serve

server = serve("chat:app", processes=2)
print(server.port, server.supervisor, *server.pids, flush=True)
sys.stdin.readline()
server.stop(deadline=20)
print("stopped", flush=True)
"""


class Kernel:
    """A program that serves, and all the processes that come of it, whoever is their parent."""

    def __init__(self, folder: Path) -> None:
        self.mark = secrets.token_hex(8)
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-c", KERNEL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "WSLAB_TEST_MARK": self.mark, "TMPDIR": str(self.temporary)},
            text=True,
        )

    def family(self) -> list[psutil.Process]:
        """Those that carry its mark and run."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("WSLAB_TEST_MARK") == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def await_processes(self, least: int) -> None:
        """Until so many processes run, itself, the supervisor and multiprocessing's own helper among them."""
        until(lambda: len(self.family()) >= least, f"{least} processes never ran")

    def await_start(self) -> list[int]:
        """Until it serves; its port, its supervisor and its workers."""
        assert self.process.stdout is not None
        return [int(number) for number in self.process.stdout.readline().split()]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=DEADLINE)

    def leaves_nothing(self) -> None:
        until(lambda: not self.family(), f"these are left: {self.family()}")
        assert list(self.temporary.iterdir()) == []


@pytest.fixture
def kernel(folder: Path) -> Iterator[Kernel]:
    kernel = Kernel(folder)
    yield kernel
    for process in kernel.family():
        process.kill()
    kernel.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="a process's environment can't be read there")
@pytest.mark.parametrize("moment", [2, 3, 5, "serves", "holds", "stops"])
def test_nothing_outlives_a_kernel_that_is_killed(kernel: Kernel, moment: int | str) -> None:
    port = 0
    if isinstance(moment, int):
        kernel.await_processes(moment)
    else:
        port, *_ = kernel.await_start()
        with connect(f"ws://127.0.0.1:{port}/ws") as client:
            client.send({"serves": "who", "holds": "hold", "stops": "spin"}[moment])
            if moment == "serves":
                client.recv(DEADLINE)
            if moment == "stops":
                assert kernel.process.stdin is not None
                kernel.process.stdin.write("\n")
                kernel.process.stdin.flush()
            kernel.kill()
    kernel.kill()
    kernel.leaves_nothing()
    if port:
        bind("127.0.0.1", port).close()


@pytest.mark.skipif(sys.platform == "win32", reason="a process's environment can't be read there")
@pytest.mark.parametrize("message", ["who", "hold"])
def test_the_workers_end_with_their_supervisor(kernel: Kernel, message: str) -> None:
    port, supervisor, *_ = kernel.await_start()
    with connect(f"ws://127.0.0.1:{port}/ws") as client:
        client.send(message)
        os.kill(supervisor, signal.SIGKILL)
        until(lambda: len(kernel.family()) == 1, f"these are left: {kernel.family()}")
    bind("127.0.0.1", port).close()
    kernel.process.communicate("\n", timeout=DEADLINE)
    kernel.leaves_nothing()


def test_a_server_without_its_supervisor_says_so() -> None:
    server = serve("chat:app", processes=1)
    os.kill(server.supervisor, signal.SIGKILL)
    server.log.wait_for("uvicorn's supervisor has ended", DEADLINE)
    assert not server.running
    assert server not in servers()
    server.restart()
    assert httpx.get(server.url).json() == "first"


def test_no_thread_and_no_socket_is_left() -> None:
    threads, before = set(threading.enumerate()), psutil.Process().net_connections("inet")
    with serve("chat:app", processes=1):
        assert len(psutil.Process().net_connections("inet")) > len(before)
    until(lambda: not set(threading.enumerate()) - threads, "a thread is left")
    until(lambda: len(psutil.Process().net_connections("inet")) == len(before), "a socket is left")
