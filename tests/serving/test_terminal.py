"""terminal(): a command beside the notebook is up when its block begins; at its end all its processes are gone."""

from __future__ import annotations

from pathlib import Path

import httpx
import psutil
import pytest

from wslab.errors import LabError
from wslab.serving import terminal

SERVER = """
import sys

import uvicorn


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"Merhaba"})


if __name__ == "__main__":
    uvicorn.run("server:app", port=int(sys.argv[1]), reload=True)
"""


def test_the_reloader_and_its_child_end_with_the_block(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    with terminal("python server.py {port}", tmp_path) as program:
        assert httpx.get(program.url).text == "Merhaba"
        started = psutil.Process(program._process.pid)
        processes = [started, *started.children(recursive=True)]
        assert len(processes) > 1
    assert "reloader" in program.output
    assert not [one for one in processes if one.is_running()]


def test_a_command_that_ends_says_why(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="nowhere"), terminal("python nowhere.py {port}", tmp_path):
        pass
