"""export(): the app of a notebook's cells as a file, which uvicorn runs in a process of its own."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from websockets.sync.client import connect

from wslab import cells
from wslab.errors import LabError
from wslab.export import _defined, export

ROOT = Path(__file__).parents[1]
SETUP = "import json\nfrom fastapi import FastAPI, WebSocket, WebSocketDisconnect\nfrom wslab import serve, use"
GREETING = "%config Completer.use_jedi = False\ngreeting = 'Selam '\n\n\ndef greet(text):\n    return greeting + text"
APP = "clients = []\napp = FastAPI()"
HANDLER = """
@app.websocket("/ws")
async def talk(websocket: WebSocket):
    await websocket.accept()
    clients.append(websocket)
    try:
        while True:
            await websocket.send_text(greet(await websocket.receive_text()))
    except WebSocketDisconnect:
        clients.remove(websocket)
"""
EXPORT = "written = export('chat.py', app)"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A notebook's shell in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cells, "_runs", [])
    made = InteractiveShell.instance()
    cells.watch_cells()
    made.user_ns["export"] = export
    yield made
    made.reset()
    InteractiveShell.clear_instance()


def run(shell: InteractiveShell, *sources: str) -> None:
    for source in sources:
        shell.run_cell(source, store_history=True).raise_error()


def test_the_file_runs_by_uvicorn_and_answers(shell: InteractiveShell, tmp_path: Path) -> None:
    run(shell, SETUP, GREETING, APP, "ws = 1  # nothing that the app needs", HANDLER, EXPORT)
    written = shell.user_ns["written"]
    source = (tmp_path / "chat.py").read_text("utf-8")
    assert "from fastapi import FastAPI, WebSocket, WebSocketDisconnect" in source
    for left_out in ("wslab import", "json", "config", "ws = 1"):
        assert left_out not in source
    assert "python -m uvicorn chat:app --port 8000" in repr(written)
    assert "python -m websockets ws://127.0.0.1:8000/ws" in repr(written)
    command = [sys.executable, "-m", "uvicorn", "chat:app", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as server:
        try:
            assert server.stderr is not None
            said = next(line for line in server.stderr if "Uvicorn running" in line)
            (port,) = re.findall(r":(\d+)", said.partition("http://")[2])
            with connect(f"ws://127.0.0.1:{port}/ws", open_timeout=10) as client:
                client.send("Ada")
                assert client.recv(timeout=10) == "Selam Ada"
        finally:
            server.terminate()
            server.communicate(timeout=20)


def test_its_own_file_is_renewed_and_a_learners_is_not(shell: InteractiveShell, tmp_path: Path) -> None:
    run(shell, SETUP, GREETING, APP, HANDLER, EXPORT, GREETING.replace("Selam", "Merhaba"), EXPORT)
    file = tmp_path / "chat.py"
    assert "Merhaba" in file.read_text("utf-8")
    file.write_text(file.read_text("utf-8") + "# mine\n", encoding="utf-8")
    with pytest.raises(LabError, match=r'Nothing was changed. Take another name: export\("chat_2.py", app\)'):
        run(shell, EXPORT)
    assert file.read_text("utf-8").endswith("# mine\n")


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ((SETUP, APP, HANDLER), "no cell that ran defines `greet`"),
        ((SETUP, APP), "`app` has no route from a cell that ran"),
        (
            (SETUP, GREETING, HANDLER.replace("@app", "app = FastAPI()\n@app").replace("greet(", "hi + (")),
            "no cell that ran defines `clients`, `hi`",
        ),
        ((SETUP, "import asyncio\ngreet = await asyncio.sleep(0, str)", APP, HANDLER), "awaits outside of a function"),
    ],
)
def test_an_app_that_is_not_whole_is_a_sentence(shell: InteractiveShell, sources: tuple[str, ...], says: str) -> None:
    with pytest.raises(LabError, match=says):
        run(shell, *sources, EXPORT)
    assert not Path("chat.py").exists()


@pytest.mark.parametrize("name", ["chat.txt", "my-chat.py", "json.py", "websockets.py"])
def test_a_name_that_uvicorn_could_not_import_is_a_sentence(shell: InteractiveShell, name: str) -> None:
    with pytest.raises(LabError, match="can't be imported by uvicorn"):
        run(shell, SETUP, GREETING, APP, HANDLER, f"export({name!r}, app)")


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks/en").glob("*.ipynb")), ids=lambda path: path.stem[:2])
def test_a_notebook_that_ran_to_its_end_exports_the_same_app_again(path: Path) -> None:
    """No later cell makes anew what the cell before `export("chat.py", app)` made."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for number, source in enumerate(cells):
        if not (exported := re.search(r"^export\(.*, (\w+)\)", source, re.MULTILINE)):
            continue
        made = max((defined(one) for one in cells[:number] if exported[1] in defined(one)), key=len)
        again = [made & defined(one) for one in cells[number + 1 :]]
        assert not set().union(*again), f"{path.stem}: made anew after {source}"


def defined(source: str) -> set[str]:
    return {name for node in ast.parse(source).body for name in _defined(node)}


def test_outside_of_a_notebook_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[export.__module__], "ipython_shell", lambda: None)
    with pytest.raises(LabError, match="collects the cells of a notebook"):
        export("chat.py", None)  # type: ignore[arg-type]
