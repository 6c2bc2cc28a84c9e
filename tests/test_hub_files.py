"""The recipe for a Hub and for Binder: what can be looked at is, and what can be run without Docker is run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from wslab import release

ROOT = Path(__file__).parents[1]
HUB = ROOT / "hub"
KNOWN = {"FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "CMD"}
L1 = "labs/en/L1-echo/L1-echo.ipynb"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions and what they say."""
    lines = (HUB / "Dockerfile").read_text("utf-8").splitlines()
    return [
        (word, rest) for line in lines if line and not line.startswith("#") for word, _, rest in [line.partition(" ")]
    ]


def configuration() -> Any:
    """What JupyterHub reads from the recipe."""
    config = Config()
    code = compile((HUB / "jupyterhub_config.py").read_text("utf-8"), "jupyterhub_config.py", "exec")
    exec(code, {"get_config": lambda: config})
    return config


def command(*said: str, **options: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(said, capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_dockerfile_is_one_and_ends_as_nobody_special() -> None:
    said = instructions()
    assert {word for word, _ in said} == KNOWN
    assert said[0][0] == "FROM"
    assert re.fullmatch(r"python:3\.1[1-4]-slim", said[0][1])
    assert [rest for word, rest in said if word == "USER"] == ["student"]
    assert said[-1][0] == "CMD"
    assert json.loads(said[-1][1])[:2] == ["/bin/sh", "-c"]
    copied = {name for word, rest in said if word == "COPY" for name in rest.split()[:-1]}
    # What is not in hub/ is made by the commands at its top.
    assert copied - {path.name for path in HUB.iterdir()} <= {"*.whl", "course.zip"}
    assert all("--no-cache-dir" in rest for word, rest in said if word == "RUN" and "pip" in rest)


def test_all_three_start_a_server_in_the_same_way() -> None:
    config, values = configuration(), yaml.safe_load((HUB / "values.yaml").read_text("utf-8"))
    assert values["singleuser"]["cmd"] == config.Spawner.cmd
    take = config.Spawner.cmd[2].partition(";")[0]
    assert json.loads(instructions()[-1][1])[2].startswith(f"{take};")
    environment = {
        **dict(part.split("=", 1) for word, rest in instructions() if word == "ENV" for part in rest.split())
    }
    assert values["singleuser"]["extraEnv"]["WSLAB_RELEASE"] == environment["WSLAB_RELEASE"]
    assert values["singleuser"]["memory"]["limit"] == config.Spawner.mem_limit


@pytest.mark.skipif(os.name == "nt", reason="the recipe's shell is a Hub's")
def test_a_server_starts_also_where_nothing_is_handed_out(tmp_path: Path) -> None:
    start = configuration().Spawner.cmd
    for name in ("wslab", "jupyterhub-singleuser"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho {name} "$@"\n[ {name} != wslab ]\n', encoding="utf-8")
        path.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": "/home/a b",
        "WSLAB_RELEASE": "/no such.zip",
    }
    done = command(*start, "--port=1", "--x=a b", env=environment)
    assert done.stdout.splitlines() == [
        "wslab take /no such.zip /home/a b/websocket-lab",
        "jupyterhub-singleuser --port=1 --x=a b",
    ]


def git(folder: Path, *said: str) -> None:
    command("git", "-c", "user.name=x", "-c", "user.email=x@example.edu", *said, cwd=folder)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_an_edited_lab_survives_nbgitpuller(tmp_path: Path) -> None:
    pull = pytest.importorskip("nbgitpuller.pull")
    ours, home = tmp_path / "repository", tmp_path / "home"
    release.release(ROOT, ours, "00,L1", "en")
    git(tmp_path, "init", "-q", "-b", "main", "repository")
    git(ours, "add", "-A")
    git(ours, "commit", "-q", "-m", "first week")
    list(pull.GitPuller(ours.as_uri(), str(home), branch="main").pull())
    lab = json.loads((home / L1).read_text("utf-8"))
    lab["cells"][6]["source"] = "app = 'mine'"
    (home / L1).write_text(json.dumps(lab, indent=1), encoding="utf-8")
    # The next week changes the same file, and adds another one.
    (ours / L1).write_text((ours / L1).read_text("utf-8").replace("## ", "### "), encoding="utf-8")
    release.release(ROOT, ours, "01", "en")
    git(ours, "add", "-A")
    git(ours, "commit", "-q", "-m", "second week")
    list(pull.GitPuller(ours.as_uri(), str(home), branch="main").pull())
    assert "app = 'mine'" in (home / L1).read_text("utf-8")
    assert (home / "notebooks/en/01-server.ipynb").is_file()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An empty environment, first on the path."""
    venv.create(tmp_path / "env", with_pip=True)
    path = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WSLAB", "PYTHON", "VIRTUAL"))}
    return kept | {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path / "home")}


@pytest.mark.proof
@pytest.mark.skipif(os.name == "nt", reason="an image's shell")
def test_the_steps_of_the_dockerfile_in_a_clean_folder(tmp_path: Path, environment: dict[str, str]) -> None:
    context, root = tmp_path / "context", tmp_path / "root"
    shutil.copytree(HUB, context)
    release.release(ROOT, context / "course.zip", "00-01,L1", "en")
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    command(*wheel, "--wheel-dir", str(context), str(ROOT))
    (tmp_path / "home").mkdir()

    def here(text: str) -> str:
        return text.replace("/srv/", f"{root}/srv/").replace("/home/student", str(tmp_path / "home"))

    for word, rest in instructions():
        if word == "COPY":
            *names, target = rest.split()
            folder = Path(here(target))
            folder.mkdir(parents=True, exist_ok=True)
            for name in names:
                for path in context.glob(name):
                    shutil.copy(path, folder)
        elif word == "ENV":
            environment |= dict(here(part).split("=", 1) for part in rest.split())
        elif word == "RUN" and "useradd" not in rest:
            command("/bin/sh", "-c", here(rest), env=environment, cwd=tmp_path)
    start = json.loads(instructions()[-1][1])[2].replace(
        "exec jupyterhub-singleuser", "jupyterhub-singleuser --version;:"
    )
    done = command("/bin/sh", "-c", start, env=environment, cwd=tmp_path / "home")
    assert "The course is in" in done.stdout
    assert (tmp_path / "home/websocket-lab" / L1).is_file()
    command("python", "-c", "from wslab import serve; import jupyter_server_proxy, nbgitpuller", env=environment)


@pytest.mark.proof
@pytest.mark.skipif(os.name == "nt", reason="Binder's shell")
def test_binders_steps_in_a_clean_folder(tmp_path: Path, environment: dict[str, str]) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".git", ".venv", "build", ".*_cache", ".hypothesis"))
    command("bash", str(checkout / ".binder" / "postBuild"), env=environment, cwd=checkout)
    where = command("python", "-c", "import wslab; print(wslab.__file__)", env=environment, cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(checkout)
    command("wslab", "doctor", env=environment, cwd=checkout)
