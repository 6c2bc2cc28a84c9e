"""Loops that are run inside a running step: nest_asyncio 1 and 2, each in a process of its own since they patch it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PROGRAM = Path(__file__).parent / "nested_program.py"


@pytest.mark.parametrize("package", ["nest_asyncio", "nest_asyncio2"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_nested_loops(package: str, when: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    run = subprocess.run(
        [sys.executable, str(PROGRAM), package, when], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
