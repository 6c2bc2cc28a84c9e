"""Where a package is missing, the kit says which one and what to do, instead of a page of traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent

# A Python in which one package can't be found, neither as a module nor in the list of what is installed.
WITHOUT = """
import importlib.abc, importlib.metadata, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
version = importlib.metadata.version

def without(name):
    if name.replace("-", "_").lower() == {package!r}:
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)

importlib.metadata.version = without
"""
COMMAND = """
sys.argv = ["wslab", "--in", "en", "doctor"]
from wslab.cli import app
app()
"""


def run(package: str, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(package=package) + program],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        cwd=ROOT,
        env=os.environ | {"WSLAB_LANG": "en", "PYTHONUTF8": "1"},
    )


@pytest.mark.parametrize("package", ["uvicorn", "fastapi", "ipywidgets"])
def test_the_doctor_names_what_is_missing(package: str) -> None:
    result = run(package, COMMAND)
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{package} is missing" in result.stdout
    assert "-m pip install" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_what_the_command_itself_needs_is_named_too() -> None:
    result = run("typer", COMMAND)
    assert result.returncode == 1
    assert "The package typer is missing." in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_a_name_that_needs_it_is_refused_in_a_sentence() -> None:
    program = """
import wslab
try:
    from wslab import serve
except wslab.LabError as error:
    print(error)
print(hasattr(wslab, "nonsense"))
"""
    result = run("uvicorn", program)
    assert "The package uvicorn is missing here, so `serve` can't be used." in result.stdout, result.stderr
    assert result.stdout.endswith("False\n")


def test_a_command_for_authors_says_so_in_a_learners_installation() -> None:
    result = run("jupytext", COMMAND.replace("doctor", "build"))
    assert result.returncode == 1, result.stderr
    assert "jupytext is missing" in result.stdout
    assert "make develop" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_what_only_instructors_use_is_named_with_its_extra() -> None:
    program = "import wslab\ntry:\n    from wslab import classroom\nexcept wslab.LabError as error:\n    print(error)"
    for package, result in (
        ("segno", run("segno", program)),
        ("psutil", run("psutil", COMMAND.replace('"doctor"', '"grade", "."'))),
    ):
        assert package in result.stdout, result.stderr
        assert 'pip install "wslab[class]"' in result.stdout
        assert "Traceback" not in result.stdout + result.stderr
