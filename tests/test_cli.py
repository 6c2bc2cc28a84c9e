"""The `wslab` command, as somebody types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wslab import cli, launcher
from wslab.language import LANGUAGES

ROOT = Path(__file__).parent.parent
run = CliRunner().invoke


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_help_lists_every_command() -> None:
    shown = run(cli.app, ["--help"]).output
    for command in ("lab", "build", "adopt", "doctor", "progress", "schedule"):
        assert command in shown


def test_doctor_finds_this_environment_whole() -> None:
    result = run(cli.app, ["--in", "en", "doctor"])
    assert result.exit_code == 0, result.output
    assert "Everything the course needs is here." in result.output


def test_an_unknown_language_is_a_sentence() -> None:
    result = run(cli.app, ["--in", "de", "progress"])
    assert result.exit_code == 1
    assert "'de' is not an edition of this course" in result.output


def test_outside_a_course_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(cli.app, ["schedule"])
    assert result.exit_code == 2
    assert "There is no course here" in result.output


def test_progress_names_what_comes_next() -> None:
    result = run(cli.app, ["--in", "tr", "progress"])
    assert result.exit_code == 0
    assert "00" in result.output


def test_the_schedule_adds_the_minutes_up() -> None:
    whole = run(cli.app, ["--in", "en", "schedule"]).output
    assert "0:20" in whole
    short = run(cli.app, ["--in", "en", "schedule", "--minutes", "30"]).output
    assert len(short.splitlines()) < len(whole.splitlines())


@pytest.mark.parametrize(
    "command",
    [
        ["check", "--rounds", "0"],
        ["check", "--busy", "-1"],
        ["grade", "submitted", "--workers", "0"],
        ["grade", "submitted", "--most", "0"],
        ["lab", "--port", "99999"],
        ["watch", ".", "--every", "0"],
    ],
    ids=" ".join,
)
def test_a_number_that_means_nothing_is_refused(command: list[str]) -> None:
    result = run(cli.app, command)
    assert result.exit_code == 2
    assert f"Invalid value for '{command[-2]}'" in result.output


def test_build_check_and_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "course" / "notebooks").mkdir(parents=True)
    (tmp_path / "course" / "glossary.yml").write_text((ROOT / "course" / "glossary.yml").read_text("utf-8"), "utf-8")
    (tmp_path / "course" / "notebooks" / "00-empty.md").write_text("nothing\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    result = run(cli.app, ["build", "--check"])
    assert result.exit_code == 1
    assert "course/notebooks/00-empty.md:1:" in result.output


@pytest.mark.parametrize("language", LANGUAGES)
def test_lab_opens_unit_00_of_the_edition(language: str) -> None:
    command = launcher.command(ROOT, language, browser=False, port=9999)
    assert command[:3] == [sys.executable, "-m", "wslab.jupyterlab"]
    assert f"--LabApp.default_url=/lab/tree/notebooks/{language}/00-setup.ipynb" in command
    assert "--no-browser" in command
    assert "--ServerApp.port=9999" in command
    assert ("--allow-root" in command) == (hasattr(os, "geteuid") and os.geteuid() == 0)


def test_lab_puts_the_course_s_python_first_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that `python -m wslab.seed.server` in a terminal of JupyterLab is the course's, with no environment active."""
    environment = launcher.environment("tr")
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert environment["WSLAB_LANG"] == "tr"


def test_a_sentence_in_an_encoding_that_lacks_its_letters(tmp_path: Path) -> None:
    """As on Windows, where what is written into a file or a pipe is in the system's own encoding."""
    command = [sys.executable, "-m", "wslab", "--in", "tr", "schedule"]
    small = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    said = subprocess.run(command, cwd=tmp_path, env=small, capture_output=True, check=False, timeout=60)
    assert said.returncode == 2
    assert b"Burada kurs yok" in said.stdout


@pytest.mark.parametrize(("readme", "language"), [("README.md", "en"), ("README.tr.md", "tr")])
def test_the_readme_lists_the_course_as_it_is(readme: str, language: str) -> None:
    listed = run(cli.app, ["--in", language, "schedule", "--markdown"]).output.strip()
    text = (ROOT / readme).read_text(encoding="utf-8")
    between = text.partition("tests/test_cli.py -->\n")[2].partition("\n<!-- end of units")[0]
    assert between == listed, f"put this between the marks of {readme}:\n{listed}"
