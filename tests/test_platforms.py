"""What differs between systems, simulated on the one at hand: fork, spawned processes, sockets, event loops."""

from __future__ import annotations

import asyncio
import errno
import importlib
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wslab.serving import ServerStartError, binding

environment = importlib.import_module("wslab.doctor")  # `wslab.doctor` is the function

ROOT = Path(__file__).parent.parent

ASK = """
import sys, urllib.request
from wslab import serve
from wslab.seed import server as seed

server = serve(seed.app)
assert type(server.loop).__name__ != "ProactorEventLoop"
print(urllib.request.urlopen(f"{server.url}/", timeout=10).status)
server.stop()
"""


def ask(before: str) -> str:
    """What a Python says in which `before` has run, and then a server was started, asked and stopped."""
    result = subprocess.run(
        [sys.executable, "-c", before + ASK], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.slow
def test_without_fork_and_what_belongs_to_it() -> None:
    names = ["fork", "forkpty", "register_at_fork", "geteuid", "getuid", "killpg", "setsid"]
    assert ask(f"import os\nfor name in {names}:\n    if hasattr(os, name): delattr(os, name)\n") == "200"


@pytest.mark.slow
def test_a_default_loop_without_a_selector_is_not_asked_for() -> None:
    before = """
import asyncio

class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        raise AssertionError("the server asked for the system's default loop")

asyncio.set_event_loop_policy(Policy())
"""
    silent = "import warnings\nwarnings.simplefilter('ignore')\n"  # policies are on their way out from Python 3.14 on
    assert ask(silent + before) == "200"


@pytest.mark.slow
def test_in_a_process_that_was_spawned(tmp_path: Path) -> None:
    # A child that finds the program by its file, as the start method on Windows and macOS does.
    program = """
import multiprocessing

def child(results):
    import urllib.request
    from wslab import serve
    from wslab.seed import server as seed
    with serve(seed.app) as server:
        results.put(urllib.request.urlopen(f"{server.url}/", timeout=10).status)

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    results = multiprocessing.Queue()
    process = multiprocessing.Process(target=child, args=(results,))
    process.start()
    print(results.get(timeout=50))
    process.join(20)
    print(process.exitcode)
"""
    path = tmp_path / "spawning.py"
    path.write_text(program, encoding="utf-8")
    result = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=90, check=False)
    assert result.stdout.split() == ["200", "0"], result.stderr


class Recorded(socket.socket):
    """A socket that keeps which options were set, and knows Windows' one."""

    options: list[int]

    def setsockopt(self, level: int, name: int, value: Any, *rest: Any) -> None:
        Recorded.options.append(name)
        if name != EXCLUSIVE:
            super().setsockopt(level, name, value, *rest)


EXCLUSIVE = -5  # its value on Windows: ~SO_REUSEADDR


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """binding.py believes that it runs on Windows."""
    Recorded.options = []
    there = SimpleNamespace(**vars(socket) | {"socket": Recorded, "SO_EXCLUSIVEADDRUSE": EXCLUSIVE})
    monkeypatch.setattr(binding, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(binding, "socket", there)


@pytest.mark.usefixtures("windows")
def test_on_windows_a_port_is_exclusive_and_never_shared() -> None:
    with binding.bind("127.0.0.1", 0) as sock:
        assert Recorded.options == [EXCLUSIVE]
        with pytest.raises(ServerStartError, match=str(sock.getsockname()[1])):
            binding.bind("127.0.0.1", sock.getsockname()[1])


@pytest.mark.usefixtures("windows")
def test_on_windows_access_denied_means_that_the_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(sock: socket.socket, address: Any) -> None:
        raise OSError(errno.EACCES, "An attempt was made to access a socket in a way forbidden by its access rules")

    monkeypatch.setattr(Recorded, "bind", refuse)
    with pytest.raises(ServerStartError) as caught:
        binding.bind("127.0.0.1", 8000)
    assert str(caught.value) == str(ServerStartError(binding._BUSY, port=8000))


class ProactorLike(asyncio.BaseEventLoop):
    """A loop with neither a selector nor anything else of a SelectorEventLoop."""


def test_the_doctor_notes_a_loop_without_a_selector() -> None:
    loop = ProactorLike()
    try:
        finding = environment.event_loop(loop)
    finally:
        loop.close()
    assert finding.state is environment.State.NOTE
    assert "ProactorLike" in str(finding)


def test_windows_says_the_reader_s_language_where_no_variable_does(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    from wslab import language

    language.use_language(None)
    monkeypatch.setattr(sys, "platform", "win32")
    for variable in ("WSLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    for number, expected in ((0x041F, "tr"), (0x0409, "en"), (0x0407, "en"), (0xFFFF, "en")):
        kernel32 = SimpleNamespace(GetUserDefaultUILanguage=lambda number=number: number)
        monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel32), raising=False)
        language._of_windows.cache_clear()
        assert language.current_language() == expected
    monkeypatch.undo()
    language._of_windows.cache_clear()
