"""broker(): a real Valkey, started, killed, back again, and gone with its kernel."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import valkey
import valkey.asyncio
from tests.outliving import DEADLINE, hold_nothing_outlives, until

from wslab.broker import Broker, broker
from wslab.broker import server as room
from wslab.errors import LabError
from wslab.language import use_language

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no Valkey for Windows")


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where everything temporary goes; its path is short, as that of a Unix socket has to be."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    monkeypatch.delenv(room.ADDRESS, raising=False)
    with broker() as started:
        yield started


def test_it_answers_to_this_user_alone_and_writes_nothing(own: Broker) -> None:
    with valkey.from_url(own.url) as client:
        client.set("tea", "ready")
        assert client.get("tea") == b"ready"
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("appendonly") == {"appendonly": "no"}
        assert client.config_get("port") == {"port": "0"}
    socket = Path(own.url.removeprefix("unix://"))
    assert socket.stat().st_mode & 0o077 == 0
    assert socket.parent.stat().st_mode & 0o077 == 0
    assert own.software.startswith(("Valkey ", "Redis "))


async def test_two_clients_hear_what_one_publishes(own: Broker) -> None:
    client = valkey.asyncio.from_url(own.url)
    async with asyncio.timeout(DEADLINE), client, client.pubsub() as ada, client.pubsub() as bora:
        for one in (ada, bora):
            await one.subscribe("news")
            assert (await one.get_message(timeout=DEADLINE))["type"] == "subscribe"
        assert await client.publish("news", "tea") == 2
        for one in (ada, bora):
            assert (await one.get_message(timeout=DEADLINE))["data"] == b"tea"


def test_called_again_it_is_the_same_one(own: Broker) -> None:
    assert broker() is own


def test_called_again_after_a_crash_it_is_the_same_one_at_the_same_address(own: Broker) -> None:
    url = own.url
    own.kill()
    assert not own.running
    assert broker() is own
    assert (own.url, own.running) == (url, True)


def test_killed_and_back_at_the_same_address_empty(own: Broker) -> None:
    with valkey.from_url(own.url) as client:
        client.set("tea", "ready")
    own.kill()
    until(lambda: not own.running, "it still answers")
    assert own.software == "no answer"
    own.start()
    with valkey.from_url(own.url) as client:
        assert client.get("tea") is None


def test_stopped_it_leaves_nothing_and_the_next_one_is_new(own: Broker) -> None:
    process, folder = psutil.Process(own.pid), Path(own.url.removeprefix("unix://")).parent
    keeper = process.parent()
    assert keeper is not None
    own.stop()
    own.stop()
    assert not process.is_running()
    assert not keeper.is_running()
    assert not folder.exists()
    with broker() as other:
        assert other.running
        assert other.url != own.url


def test_an_interrupt_of_the_kernel_is_not_its(own: Broker) -> None:
    assert own.pid is not None
    assert os.getpgid(own.pid) != os.getpgid(0)


KERNEL = "import sys, wslab; broker = wslab.broker(); print(broker.pid, flush=True); sys.stdin.readline()"


@pytest.mark.parametrize("end", ["kills the kernel", "ends the kernel", "kills the keeper", "kills it at its start"])
def test_nothing_outlives_the_kernel(temporary: Path, end: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != room.ADDRESS}
    hold_nothing_outlives(end, KERNEL, temporary, environment)


def test_an_address_of_ones_own(own: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.ADDRESS, own.url)
    given = broker()
    assert given is not own
    assert given.running
    assert given.pid is None
    given.stop()
    assert own.running
    with pytest.raises(LabError, match="was not started here"):
        given.kill()
    with pytest.raises(LabError, match="was not started here"):
        given.start()


@pytest.mark.parametrize("language", ["en", "tr"])
def test_an_address_where_nobody_answers(monkeypatch: pytest.MonkeyPatch, temporary: Path, language: str) -> None:
    monkeypatch.setenv(room.ADDRESS, f"unix://{temporary}/nobody")
    said = {"en": "no broker answers there", "tr": "orada yanıt veren bir mesaj aracısı yok"}
    use_language(language)
    with pytest.raises(LabError, match=said[language]):
        broker()


@pytest.mark.parametrize("address", ["127.0.0.1:6379", "valkey://127.0.0.1:port", "http://127.0.0.1"])
def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(room.ADDRESS, address)
    with pytest.raises(LabError, match=f"WSLAB_BROKER is {re.escape(address)}, and no broker answers there: "):
        broker()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("valkey://ada:secret@127.0.0.1:1/0", "valkey://ada:…@127.0.0.1:1/0"),
        ("redis://:secret@localhost:1", "redis://:…@localhost:1"),
        ("unix:///tmp/nobody?password=secret&db=1", "unix:///tmp/nobody?password=…&db=1"),
    ],
)
def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch, address: str, shown: str) -> None:
    monkeypatch.setenv(room.ADDRESS, address)
    with pytest.raises(LabError) as raised:
        broker()
    assert f"WSLAB_BROKER is {shown}, and" in str(raised.value)
    assert "secret" not in str(raised.value) + repr(Broker(address))


def test_what_answers_in_a_folder_of_somebody_elses_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, temporary: Path, own: Broker
) -> None:
    """The keeper refuses a folder that is there already, and nobody asks the socket in it."""
    monkeypatch.setattr(room, "_own", None)
    monkeypatch.setattr("secrets.token_hex", lambda count: "0")
    folder = temporary / "wslab-broker-0"
    folder.mkdir()
    (folder / "socket").symlink_to(own.url.removeprefix("unix://"))
    with pytest.raises(LabError, match="did not start"):
        broker()


def test_a_keeper_that_has_ended(own: Broker) -> None:
    assert own._kept is not None
    own._kept._keeper.kill()
    own._kept._keeper.wait()
    own.kill()
    with pytest.raises(LabError, match="did not start"):
        own.start()
    own.stop()


@pytest.mark.parametrize("language", ["en", "tr"])
def test_where_there_is_none(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.delenv(room.ADDRESS, raising=False)
    monkeypatch.setattr(room, "program", lambda: None)
    said = {"en": "There is no broker on this machine", "tr": "Bu makinede bir mesaj aracısı yok"}
    use_language(language)
    with pytest.raises(LabError, match=said[language]):
        broker()


def test_a_program_on_the_path(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    ours = room.program()
    assert ours is not None
    (temporary / "redis-server").symlink_to(ours)
    monkeypatch.setenv("PATH", str(temporary))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert room.program() == str(temporary / "redis-server")


def test_one_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    monkeypatch.delenv(room.ADDRESS, raising=False)
    program = temporary / "valkey-server"
    program.write_text('#!/bin/sh\nwhile [ "$1" != --logfile ]; do shift; done\necho no room > "$2"\n')
    program.chmod(0o755)
    monkeypatch.setattr(room, "program", lambda: str(program))
    monkeypatch.setattr(room, "_START_DEADLINE", 1.0)
    with pytest.raises(LabError, match="no room"):
        broker()
    assert list(temporary.iterdir()) == [program]


def test_a_kernel_that_ends_before_the_keeper_can_tell_it_anything(temporary: Path) -> None:
    folder = temporary / "room"
    command = [sys.executable, "-m", "wslab.keeping.keeper", str(os.getpid()), str(folder), "{}", "sleep", "60"]
    keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert keeper.stdout is not None
    keeper.stdout.close()
    keeper.communicate(b"start\n", timeout=DEADLINE)
    assert keeper.returncode == 0
    assert not folder.exists()
