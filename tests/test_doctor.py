"""doctor(): each check finds what it looks for, and says what to do in one line."""

from __future__ import annotations

import asyncio
import importlib
import io
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from rich.console import Console
from tests.ports import free_port as unused_port

from wslab.doctor import (
    Finding,
    Jupyter,
    Report,
    State,
    browser_reach,
    doctor,
    event_loop,
    free_port,
    handshake,
    is_remote,
    nested_loops,
    packages,
    proxies,
    python_version,
    writable_folder,
)
from wslab.language import LANGUAGES, Text, use_language
from wslab.serving import serve

environment = importlib.import_module("wslab.doctor")  # `wslab.doctor` is the function


def test_a_healthy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment, "running_jupyters", lambda: ())
    before = threading.active_count()
    report = doctor()
    assert [finding for finding in report if finding.state is State.PROBLEM] == []
    assert report.exit_status == 0
    assert "said “Mesajınız: Merhaba” over a WebSocket" in repr(report)
    assert threading.active_count() <= before
    assert not Path(environment.home()).exists()


def test_one_line_each_in_both_languages() -> None:
    report = Report(
        [
            Finding(Text(en="Port", tr="Kapı"), State.OK, Text(en="free", tr="boş")),
            Finding(
                Text(en="Folder", tr="Klasör"),
                State.PROBLEM,
                Text(en="[red]full[/red]", tr="dolu"),
                Text(en="empty it", tr="boşaltın"),
            ),
        ]
    )
    assert repr(report).splitlines() == [
        "[  OK ] Port: free",
        "[  DO ] Folder: [red]full[/red] → empty it",
        "1 to mend before you start; the lines above say how.",
    ]
    assert report.exit_status == 1
    out = io.StringIO()
    Console(file=out, width=20).print(report, soft_wrap=True)
    assert out.getvalue().splitlines() == repr(report).splitlines()
    use_language("tr")
    assert "[YAPIN] Klasör: dolu → boşaltın" in repr(report)
    assert "dolu → <strong>boşaltın</strong>" in report._repr_html_()


def test_a_check_that_fails_by_itself_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Finding:
        raise ValueError("two\nlines")

    monkeypatch.setattr(environment, "event_loop", broken)
    monkeypatch.setattr(environment, "running_jupyters", lambda: ())
    report = doctor()
    (finding,) = [finding for finding in report.problems if str(finding.name) == "Event loop"]
    assert (
        str(finding) == "[  DO ] Event loop: ValueError: two lines → this check itself failed; please report this line"
    )
    assert any("Merhaba" in str(finding) for finding in report)


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ((3, 11, 0), State.OK),
        ((3, 14, 2), State.OK),
        ((3, 10, 9), State.PROBLEM),
        ((3, 15, 0), State.PROBLEM),
    ],
)
def test_python_versions(version: tuple[int, ...], state: State) -> None:
    finding = python_version(version)
    assert finding.state is state
    assert (finding.do is None) == (state is State.OK)


def test_packages_by_their_pins() -> None:
    have = {"fastapi": "0.165.3", "uvicorn": "0.60", "rich": "15.0.0"}
    wanted = ["fastapi<0.166,>=0.165", "uvicorn<0.55,>=0.54", "websockets>=17.4", "rich", 'pytest; extra == "dev"']
    found = list(packages(wanted, have.get))
    assert [finding.state for finding in found] == [State.PROBLEM, State.PROBLEM]
    assert "uvicorn is 0.60, the course needs <0.55,>=0.54" in str(found[0])
    assert f'run: {environment._python()} -m pip install "uvicorn<0.55,>=0.54"' in str(found[0])
    assert "websockets is missing" in str(found[1])
    (fine,) = packages(["rich", 'colorama; sys_platform == "nowhere"'], have.get)
    assert str(fine) == "[  OK ] Packages: 1 packages, each in the range that the course was written for"


def test_the_packages_of_this_course_are_read_from_its_metadata() -> None:
    (finding,) = packages()
    assert finding.state is State.OK
    assert int(str(finding.says).split()[0]) >= 15


def test_nest_asyncio() -> None:
    def old(main: object, *, debug: bool = False) -> None: ...

    def new(main: object, *, debug: bool = False, loop_factory: object = None) -> None: ...

    assert nested_loops(asyncio.run, (3, 13)).state is State.OK
    assert nested_loops(old, (3, 11)).state is State.OK
    assert nested_loops(old, (3, 12)).state is State.PROBLEM
    assert "nest_asyncio2" in str(nested_loops(old, (3, 12)))
    assert "uvicorn.run()" in str(nested_loops(old, (3, 13)))
    assert nested_loops(old, (3, 14)).state is State.PROBLEM
    assert "asyncio.timeout()" in str(nested_loops(old, (3, 14)))
    assert "nest_asyncio2" in str(nested_loops(old, (3, 14)))
    assert nested_loops(new, (3, 14)).state is State.OK


@pytest.mark.slow
def test_nest_asyncio_itself_in_a_process_of_its_own() -> None:
    import subprocess

    script = (
        "import asyncio, sys, nest_asyncio{suffix} as nest\n"
        "asyncio.set_event_loop(asyncio.new_event_loop()); nest.apply()\n"
        "from wslab.doctor import nested_loops\nprint(nested_loops().state.name)"
    )
    trap = "PROBLEM" if sys.version_info >= (3, 12) else "OK"
    for suffix, state in (("", trap), ("2", "OK")):
        done = subprocess.run(
            [sys.executable, "-c", script.format(suffix=suffix)], capture_output=True, text=True, check=False
        )
        assert done.stdout.split() == [state], done.stderr


def test_event_loops() -> None:
    assert event_loop().state is State.OK or sys.platform == "win32"

    class Loop(asyncio.AbstractEventLoop):
        pass

    Loop.__module__ = "uvloop"
    assert "record(…, here=True) can't film" in str(event_loop(Loop()))
    Loop.__module__ = "asyncio.windows_events"
    finding = event_loop(Loop())
    assert finding.state is State.NOTE
    assert "idle" in str(finding)


def test_a_proxy_that_would_catch_this_machine() -> None:
    def never(host: str) -> bool:
        return False

    assert proxies({}, never).state is State.OK
    assert proxies({"no": "localhost", "ftp": "http://proxy:3128"}, never).state is State.OK
    caught = proxies({"http": "http://ada:secret@proxy:3128"}, never)
    assert caught.state is State.PROBLEM
    assert "http://proxy:3128 would also get the connections to 127.0.0.1, localhost" in str(caught)
    assert "secret" not in str(caught)
    assert "NO_PROXY=127.0.0.1,localhost" in str(caught)
    half = proxies({"https": "http://proxy:3128"}, lambda host: host == "127.0.0.1")
    assert half.state is State.PROBLEM
    assert "connections to localhost, which" in str(half)
    assert proxies({"http": "http://proxy:3128"}, lambda host: True).state is State.OK


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the system's own proxy settings count there too")
def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert proxies().state is State.PROBLEM
    with serve(environment._echo) as server:
        assert handshake(server, deadline=2).state is State.PROBLEM
        monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
        assert proxies().state is State.OK
        assert handshake(server).state is State.OK


def test_ports() -> None:
    port = unused_port()
    with socket.create_server(("127.0.0.1", port)):
        finding = free_port([port])
        assert finding.state is State.NOTE
        assert f"but {port} of the document is in use" in str(finding)
    assert free_port([port]).state is State.OK


def test_no_port_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(environment.socket, "socket", refuse)
    finding = free_port()
    assert finding.state is State.PROBLEM
    assert "Operation not permitted" in str(finding)


def test_a_server_that_does_not_start_or_answer() -> None:
    assert "the server did not start: ImportError: no uvicorn" in str(handshake(ImportError("no uvicorn")))

    with _SilentServer() as server:
        finding = handshake(server, deadline=0.3)  # type: ignore[arg-type]
    assert finding.state is State.PROBLEM
    assert "TimeoutError" in str(finding)


class _SilentServer:
    """Something that takes connections and never says a word."""

    def __enter__(self) -> _SilentServer:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.ws_url = f"ws://127.0.0.1:{self._socket.getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_the_progress_folder(tmp_path: Path) -> None:
    assert writable_folder(tmp_path / "a" / "b").state is State.OK
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("")
    finding = writable_folder(tmp_path / "file")
    assert finding.state is State.PROBLEM
    assert "WSLAB_HOME" in str(finding)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


# The way to the browser

HUB = {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}
HERE = Jupyter("http://127.0.0.1:8888/", "t", 11)
OTHER = Jupyter("http://127.0.0.1:8889/base/", "t", 12)


class Running:
    port = 4711


def reach(environ: dict[str, str], jupyters: tuple[Jupyter, ...], answer: str = "") -> Finding:
    asked: list[Jupyter] = []

    def through(jupyter: Jupyter, port: int) -> str:
        assert port == 4711
        asked.append(jupyter)
        return answer

    return browser_reach(Running(), environ, jupyters, through)  # type: ignore[arg-type]


def test_no_jupyter_yet() -> None:
    assert "no JupyterLab is running yet" in str(reach({}, ()))


def test_jupyterlab_on_this_machine() -> None:
    assert "else through /proxy/…, which answers" in str(reach({}, (HERE,)))
    without = reach({}, (HERE,), "HTTP 404")
    assert without.state is State.OK
    assert "straight, since JupyterLab runs on this machine (http://127.0.0.1:8888/)" in str(without)


def test_the_jupyter_that_started_this_kernel_is_meant() -> None:
    assert "/base/proxy/…" in str(reach({"JPY_PARENT_PID": "12"}, (HERE, OTHER)))
    assert "through /proxy/…" in str(reach({"JPY_PARENT_PID": "99"}, (HERE, OTHER)))


def test_a_hub() -> None:
    assert "through /user/ada/proxy/…, which answers" in str(reach(HUB, (HERE,)))
    assert "trying it from here is not allowed" in str(reach(HUB, (HERE,), "denied"))
    assert "trying it from here is not allowed" in str(reach(HUB, ()))
    broken = reach(HUB, (HERE,), "HTTP 404")
    assert broken.state is State.PROBLEM
    assert "install jupyter-server-proxy" in str(broken)


def test_other_machines() -> None:
    assert is_remote({"SSH_CONNECTION": "1 2 3 4"})
    assert is_remote({"CODESPACES": "true"})
    assert not is_remote({"HOME": "/home/ada", "SSH_CONNECTION": ""})
    assert reach({"SSH_CONNECTION": "1 2"}, (HERE,), "HTTP 404").state is State.PROBLEM


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [(200, b"wslab doctor", ""), (200, b"login", "HTTP 200"), (404, b"", "HTTP 404"), (403, b"", "denied")],
)
def test_the_proxy_is_asked_with_the_token(status: int, body: bytes, answer: str) -> None:
    seen: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["Authorization"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        jupyter = Jupyter(f"http://127.0.0.1:{server.server_port}/user/ada/", "abc")
        assert environment._through_proxy(jupyter, 4711) == answer
        thread.join(10)
    assert seen == [("/user/ada/proxy/4711/", "token abc")]


def test_a_jupyter_that_is_gone_is_no_traceback() -> None:
    port = unused_port()
    assert environment._through_proxy(Jupyter(f"http://127.0.0.1:{port}/"), 4711).startswith("ConnectError")


def test_every_text_exists_in_every_language() -> None:
    texts = {name: value for name, value in vars(environment).items() if isinstance(value, Text)}
    assert len(texts) > 30
    for name, text in texts.items():
        assert text.languages == set(LANGUAGES), name
