"""A sandbox that was asked for and is not to be had: nothing is run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.grading.papers import ROOT, hand_in
from typer.testing import CliRunner

from wslab import cli
from wslab.grading.grading import grade
from wslab.grading.isolation import sandbox
from wslab.grading.task import Cell, Refused, Task

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _without_bubblewrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    if sys.platform == "linux":  # elsewhere there is none anyway
        # Where it is looked for; a worker that is started anew inherits that.
        (tmp_path / "nothing").mkdir()
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    sandbox._namespace_mode.cache_clear()
    yield
    sandbox._namespace_mode.cache_clear()


def reason() -> str:
    return "(`bwrap`) is not installed" if sys.platform == "linux" else "it takes Linux"


def test_grade_refuses(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    cell = Cell("In[1]", f"open({str(ran)!r}, 'w').close()")
    with pytest.raises(Refused) as refused:
        grade(Task("x", "L1", "en", (cell,), require_sandbox=True))
    assert reason() in str(refused.value)
    assert not ran.exists()


def test_the_command_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    hand_in(tmp_path / "in", "ayse")
    told = ["--in", "en", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--require-sandbox"]
    result = CliRunner().invoke(cli.app, told)
    assert result.exit_code == 1
    assert "A sandbox was asked for, and there is none here" in result.output
    assert reason() in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out" / "scores.csv").exists()
