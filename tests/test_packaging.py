"""The ways in agree with each other: pyproject.toml, environment.yml, the locks and the README."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ASKED_FOR = {"jupyterlab", "fastapi", "uvicorn", "websockets", "nest-asyncio"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert found
    return found[0].lower().replace("_", "-")


def test_conda_lists_the_five_packages_as_pyproject_does() -> None:
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    python = next(entry for entry in conda if isinstance(entry, str) and entry.startswith("python"))
    assert python == f"python{PROJECT['requires-python']}"
    listed = [entry for part in conda if isinstance(part, dict) for entry in part["pip"] if not entry.startswith("-e")]
    assert {name_of(entry) for entry in listed} == ASKED_FOR
    assert set(listed) <= set(PROJECT["dependencies"])


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_has_an_exact_version_of_every_dependency(lock: str) -> None:
    lines = [line for line in (ROOT / lock).read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert all("==" in line for line in lines)
    wanted = list(PROJECT["dependencies"])
    if "dev" in lock:
        wanted += [entry for extra in PROJECT["optional-dependencies"].values() for entry in extra]
    assert {name_of(entry) for entry in wanted} <= {name_of(line) for line in lines}


def test_both_locks_agree() -> None:
    def versions(lock: str) -> set[str]:
        return {line.partition(";")[0].strip() for line in (ROOT / lock).read_text(encoding="utf-8").splitlines()}

    assert versions("requirements.lock") <= versions("requirements-dev.lock")


def test_importing_the_kit_starts_nothing_and_imports_no_development_package() -> None:
    script = (
        "import wslab, sys, threading;"
        "print(threading.active_count(), 'pytest' in sys.modules, 'nbgrader' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["1", "False", "False"]


@pytest.mark.slow
def test_a_wheel_holds_neither_solved_labs_nor_the_authors_code(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "wslab/labs/l1_echo.py" in names
    assert "wslab/predictions/questions/05.yml" in names
    assert not [name for name in names if re.search(r"/(authoring|corpus|submissions|solutions|reveal)/", name)]
