"""`wslab lab`: where the course is put, what is opened, and what is said about it."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wslab import cli, course_update, launcher, shipped
from wslab.course_update import read_manifest, update
from wslab.language import LANGUAGES

ROOT = Path(__file__).parents[1]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Each JupyterLab that would have been started: its command line and its environment."""
    found: list[tuple[list[str], dict[str, str]]] = []

    class Started:
        def __init__(self, command: list[str], env: dict[str, str]) -> None:
            found.append((command, env))

        def __enter__(self) -> Started:
            return self

        def __exit__(self, *of: object) -> None: ...

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(launcher.subprocess, "Popen", Started)
    monkeypatch.setattr(launcher.signal, "signal", lambda *_: None)
    return found


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "Masaüstü ş" / "my course"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def lab(*options: str, status: int = 0) -> str:
    result = CliRunner().invoke(cli.app, ["lab", "--no-browser", *options])
    assert result.exit_code == status, result.output
    return result.output


def editions(root: Path) -> set[str]:
    return {path.name for path in (root / "notebooks").iterdir()}


def test_an_empty_folder_gets_the_reader_s_edition(here: Path, started: list[tuple[list[str], dict[str, str]]]) -> None:
    said = lab("--language", "tr")
    assert f"{here / 'websocket-lab'} klasörüne konuyor" in said
    assert editions(here / "websocket-lab") == {"tr"}
    ((command, environment),) = started
    assert f"--ServerApp.root_dir={here / 'websocket-lab'}" in command
    assert "--LabApp.default_url=/lab/tree/notebooks/tr/00-setup.ipynb" in command
    assert environment["WSLAB_LANG"] == "tr"


@pytest.mark.usefixtures("started")
def test_the_second_start_opens_what_is_there_and_says_nothing_more(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab()
    root = here / "websocket-lab"
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    for folder in (here, root, root / "labs" / "en"):
        monkeypatch.chdir(folder)
        said = lab().splitlines()
        assert all("00-setup.ipynb" in line or "root" in line for line in said), said
    monkeypatch.chdir(here)
    lab("websocket-lab")
    assert before == {path: path.stat().st_mtime_ns for path in root.rglob("*")}


@pytest.mark.usefixtures("started")
def test_both_editions_at_once_or_one_after_the_other(here: Path) -> None:
    lab("both of them", "--language", "both")
    assert editions(here / "both of them") == {"en", "tr"}
    lab("one", "--language", "en")
    assert "Renewed" in lab("one", "--language", "tr").replace("Yenilenen", "Renewed")
    lab("one")
    for path in shipped.paths(ROOT):
        assert (here / "one" / path).read_bytes() == (here / "both of them" / path).read_bytes()
        assert (here / "one" / path).read_bytes() == (ROOT / path).read_bytes()


def test_the_edition_that_is_there_is_opened(started: list[tuple[list[str], dict[str, str]]]) -> None:
    lab("--language", "tr")
    lab()
    assert "--LabApp.default_url=/lab/tree/notebooks/tr/00-setup.ipynb" in started[1][0]


@pytest.mark.usefixtures("started")
def test_a_newer_kit_renews_and_lists_what_it_laid_beside(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab()
    own = here / "websocket-lab/labs/en/L1-echo/L1-echo.ipynb"
    mine = own.read_bytes().replace(b"...", b"my answer")
    own.write_bytes(mine)
    shipped_now = shipped.files(("en",))
    newer = {path: content.replace(b"the", b"THE") for path, content in shipped_now.items()}
    monkeypatch.setattr(shipped, "files", lambda _: newer)
    monkeypatch.setattr(shipped, "version", lambda: "99.0")
    said = lab()
    assert own.read_bytes() == mine
    assert "L1-echo (new).ipynb" in said
    assert "Renewed files" in said
    manifest = read_manifest(here / "websocket-lab")
    assert manifest is not None
    assert manifest.version == "99.0"
    monkeypatch.setattr(shipped, "version", lambda: "98.0")
    assert "99.0" in lab()


def test_a_checkout_and_somebody_else_s_course_stay_as_they_are(
    here: Path, monkeypatch: pytest.MonkeyPatch, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    (here / "course" / "notebooks").mkdir(parents=True)
    update(here / "class", {"notebooks/en/00-a.ipynb": b"{}"}, "1", source="class")
    monkeypatch.setattr(launcher, "update", None)
    lab()
    lab("class")
    assert [command[3] for command, _ in started] == [
        f"--ServerApp.root_dir={here}",
        f"--ServerApp.root_dir={here / 'class'}",
    ]


@pytest.mark.usefixtures("started")
def test_a_first_layout_that_was_killed_is_finished(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    real, left = course_update._replace, iter(range(5))

    def dying(new: Path, target: Path) -> None:
        if next(left, None) is None:
            raise Killed
        real(new, target)

    with monkeypatch.context() as patch:
        patch.setattr(course_update, "_replace", dying)
        with pytest.raises(Killed):
            CliRunner().invoke(cli.app, ["lab", "--language", "en"], catch_exceptions=False)
    assert len(list((here / "websocket-lab").rglob("*.ipynb"))) == 4
    lab()
    assert {path: (here / "websocket-lab" / path).read_bytes() for path in shipped.files(("en",))} == shipped.files(
        ("en",)
    )


def test_a_folder_that_cannot_be_written_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, started: list[tuple[list[str], dict[str, str]]]
) -> None:
    def denied(path: Path, content: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(course_update, "_write", denied)
        assert "can't be written" in lab(status=1)
    assert started == []
    lab()
    # A course that is there opens though it can't be renewed.
    monkeypatch.setattr(course_update, "_write", denied)
    monkeypatch.setattr(shipped, "version", lambda: "99.0")
    assert "can't be written" in lab()
    assert len(started) == 2


def test_no_such_edition_is_a_sentence(started: list[tuple[list[str], dict[str, str]]], here: Path) -> None:
    assert "'de' is no edition" in lab("--language", "de", status=1)
    assert started == []
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("language", ["en", "tr"])
def test_jupyterlab_s_menus_are_those_of_the_edition_in_this_run_alone(
    language: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from jupyterlab_server.settings_utils import _get_overrides

    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path / "other"))
    for name, value in launcher.environment(language).items():
        monkeypatch.setenv(name, value)
    assert os.environ["JUPYTER_CONFIG_PATH"].endswith(str(tmp_path / "other"))
    overrides, error = _get_overrides(str(tmp_path))
    assert not error
    chosen = overrides.get("@jupyterlab/translation-extension:plugin", {})
    assert chosen == ({"locale": "tr_TR"} if language == "tr" else {})
    assert not (tmp_path / "config").exists()


def test_the_language_pack_is_there_and_knows_this_jupyterlab_s_menus() -> None:
    from jupyterlab_server.translation_utils import get_language_pack

    pack, _ = get_language_pack("tr_TR")
    menus = pack["jupyterlab"]
    assert menus["Run All Cells"]
    assert len(menus) > 500


_ASKS_TWICE = """
import signal, sys
from wslab import launcher
answered = "import signal, sys; signal.signal(2, signal.SIG_IGN); print('up', flush=True); sys.exit(int(input()))"
sys.exit(launcher.run([sys.executable, "-c", answered], "en"))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals a process group")
def test_ctrl_c_is_for_jupyterlab_to_answer() -> None:
    """JupyterLab asks whether Ctrl+C is meant: nobody kills it before it has an answer."""
    command = [sys.executable, "-c", _ASKS_TWICE]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == b"up\n"
        os.killpg(process.pid, signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)  # longer than subprocess.call() gives a child after Ctrl+C
        process.communicate(b"7\n", timeout=20)
    assert process.returncode == 7


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without a signal")
def test_the_signal_to_end_is_handed_on_to_jupyterlab() -> None:
    program = "import time; print('up', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", f"import sys; from wslab import launcher\n"
               f"sys.exit(abs(launcher.run([sys.executable, '-c', {program!r}], 'en')))"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.terminate()
        assert process.wait(20) == signal.SIGTERM


def test_jupyterlab_s_process_ends_with_it_though_threads_wait(tmp_path: Path) -> None:
    """As JupyterLab leaves them where it is ended during a request."""
    (tmp_path / "jupyterlab").mkdir()
    waits = "threading.Thread(target=threading.Event().wait).start()"
    program = f"import threading\n\ndef main():\n    {waits}\n    print('over', flush=True)\n"
    (tmp_path / "jupyterlab" / "__init__.py").touch()
    (tmp_path / "jupyterlab" / "labapp.py").write_text(program)
    command = [sys.executable, "-m", "wslab.jupyterlab"]
    ended = subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.PIPE, timeout=60)
    assert ended.stdout.strip() == b"over"


@pytest.mark.parametrize("base", ["here", "elsewhere"])
def test_another_environment_that_is_active_gives_the_kernels_nothing(
    base: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "another"))
    monkeypatch.setattr(sys, "base_prefix", sys.prefix if base == "here" else str(tmp_path))
    assert launcher.environment("en").get("VIRTUAL_ENV") == (None if base == "here" else sys.prefix)


def test_paths_of_the_course_fit_every_system() -> None:
    paths = list(shipped.files(LANGUAGES))
    assert len({path.lower() for path in paths}) == len(paths), "two names that differ in their case alone"
    # Windows has 260 characters for a whole path; JupyterLab's checkpoints and a "(new 2)" are longer than the file.
    assert max(map(len, paths)) < 70
    assert all(re.fullmatch(r"[A-Za-z0-9._/-]+", path) for path in paths)


def test_turkish_texts_name_the_entries_of_turkish_menus() -> None:
    found = importlib.util.find_spec("jupyterlab_language_pack_tr_TR")
    assert found is not None
    assert found.origin is not None
    messages = Path(found.origin).parent / "locale" / "tr_TR" / "LC_MESSAGES" / "jupyterlab.json"
    names = json.loads(messages.read_text(encoding="utf-8"))
    text = (ROOT / "course" / "notebooks" / "00-setup.md").read_text(encoding="utf-8")
    for menu, entry in (("Run", "Run All Above Selected Cell"), ("Kernel", "Restart Kernel…")):
        way = " → ".join(names[key][0] for key in (f"menu\x04{menu}", entry))
        assert f"“{way}”" in text
