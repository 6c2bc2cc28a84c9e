"""nginx(): a real nginx for the length of a block, gone with it and with its kernel."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.outliving import DEADLINE, hold_nothing_outlives

from wslab import proxy
from wslab.errors import LabError, NotInstalled
from wslab.language import use_language
from wslab.proxy import nginx

ANSWERS = "return 204;"

needs_nginx = pytest.mark.skipif(proxy._program() is None, reason="there is no nginx on this machine")


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where everything temporary goes."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
        return int(answer.status)


@needs_nginx
def test_it_answers_on_loopback_alone_and_leaves_nothing(temporary: Path) -> None:
    with nginx(ANSWERS) as front:
        assert status(front.url) == 204
        process = psutil.Process(front.pid)
        heard = {one.laddr.ip for one in process.net_connections() if one.status == psutil.CONN_LISTEN}
        assert heard == {"127.0.0.1"}
        assert front.ws_url == front.url.replace("http", "ws")
        assert "nginx" in repr(front)
        (folder,) = temporary.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
        assert os.getpgid(process.pid) != os.getpgid(0)  # an interrupt of the kernel is not its
    assert not process.is_running()
    assert not list(temporary.iterdir())


@needs_nginx
def test_two_at_once() -> None:
    with nginx(ANSWERS) as one, nginx("return 205;") as other:
        assert (status(one.url), status(other.url)) == (204, 205)


@needs_nginx
def test_several_servers_behind_one() -> None:
    with nginx("return 204;") as one, nginx("return 205;") as other:
        servers = "".join(f"server {inner.url.removeprefix('http://')};\n" for inner in (one, other))
        with nginx("proxy_pass http://servers;", servers) as front:
            assert [status(front.url) for _ in range(4)] == [204, 205, 204, 205]


@needs_nginx
def test_its_log_says_what_it_could_not_reach() -> None:
    with nginx("proxy_pass http://127.0.0.1:1;") as front:
        with pytest.raises(urllib.error.HTTPError, match="502"):
            status(front.url)
        assert "Connection refused" in front.log


@needs_nginx
@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize(
    ("lines", "upstream", "reason"),
    [
        ("proxy_pas http://127.0.0.1:1;", "", 'unknown directive "proxy_pas"'),
        ("proxy_read_timeout soon;", "", '"proxy_read_timeout" directive invalid value'),
        ("proxy_pass http://127.0.0.1:1", "", 'unexpected "}"'),
        (ANSWERS, "ip_hush;", 'unknown directive "ip_hush"'),
        (ANSWERS, "ip_hash;", "no servers are inside upstream"),
        (ANSWERS, "server 127.0.0.1:1", 'unexpected "}"'),
    ],
)
def test_lines_that_it_does_not_understand(
    temporary: Path, language: str, lines: str, upstream: str, reason: str
) -> None:
    use_language(language)
    said = {"en": "nginx did not start with these lines", "tr": "nginx bu satırlarla başlamadı"}
    with pytest.raises(LabError) as raised, nginx(lines, upstream):
        pass
    assert str(raised.value) == f"{said[language]}: {reason}"
    assert not list(temporary.iterdir())


@needs_nginx
def test_a_port_that_somebody_has_taken_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    free = proxy._free_port
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], free()])
        monkeypatch.setattr(proxy, "_free_port", lambda: next(ports))
        with nginx(ANSWERS) as front:
            assert status(front.url) == 204


@needs_nginx
@pytest.mark.parametrize("end", ["kills the kernel", "ends the kernel", "kills it at its start"])
def test_nothing_outlives_the_kernel(temporary: Path, end: str) -> None:
    program = f"""import sys, wslab
with wslab.nginx({ANSWERS!r}) as front:
    print(front.pid, flush=True)
    sys.stdin.readline()
"""
    hold_nothing_outlives(end, program, temporary)


@pytest.mark.parametrize("language", ["en", "tr"])
def test_where_there_is_none(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setattr(proxy, "_program", lambda: None)
    use_language(language)
    said = {"en": "nginx is not on this machine", "tr": "Bu makinede nginx yok"}
    with pytest.raises(NotInstalled, match=said[language]) as raised, nginx(ANSWERS):
        pass
    assert repr(raised.value) == str(raised.value)


def test_a_program_in_a_folder_that_is_not_on_the_path(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    if sys.platform == "win32":
        assert proxy._program() is None
        return
    program = temporary / "nginx"
    program.touch(0o755)
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(proxy, "_FOLDERS", (str(temporary),))
    assert proxy._program() == str(program)
