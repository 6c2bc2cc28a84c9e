"""A notebook and its kit know each other's version, and say so where they are out of step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import wslab
from wslab import edition, jupyter, shipped
from wslab.edition import out_of_step

ROOT = Path(__file__).parents[1]
UNITS = ("notebooks/tr/01-server.ipynb", "labs/en/L1-echo/L1-echo.ipynb")


def changed(path: Path, to: Callable[[dict[str, Any]], None], source: str) -> Path:
    notebook = json.loads((ROOT / source).read_bytes())
    to(notebook)
    path.write_text(json.dumps(notebook), "utf-8")
    return path


def of_version(version: str, content: str = "another") -> Callable[[dict[str, Any]], None]:
    return lambda notebook: notebook["metadata"]["wslab"].update(version=version, content=content)


@pytest.mark.parametrize("unit", UNITS)
def test_in_step_nothing_is_said(unit: str, tmp_path: Path) -> None:
    assert json.loads((ROOT / unit).read_bytes())["metadata"]["wslab"]["version"] == shipped.version()
    assert out_of_step(ROOT / unit) is None
    typed = changed(tmp_path / "own.ipynb", lambda notebook: notebook["cells"][3].update(source="mine"), unit)
    assert out_of_step(typed) is None


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    ("version", "expected"),
    [("99.0", "pip install --upgrade wslab"), ("0.0.1", "`wslab lab`"), ("mine", None), ("", None)],
)
def test_out_of_step_one_sentence_says_what_to_do(
    unit: str, version: str, expected: str | None, tmp_path: Path
) -> None:
    said = out_of_step(changed(tmp_path / "x.ipynb", of_version(version), unit))
    assert (said is None) == (expected is None)
    if said is not None and expected is not None:
        for language in ("en", "tr"):
            assert expected in said.into(language)
            assert version in said.into(language)
            assert "\n" not in said.into(language)


def test_a_newer_version_with_the_same_lesson_is_in_step(tmp_path: Path) -> None:
    def newer(notebook: dict[str, Any]) -> None:
        notebook["metadata"]["wslab"]["version"] = "99.0"

    assert out_of_step(changed(tmp_path / "x.ipynb", newer, UNITS[0])) is None


def test_a_unit_that_this_kit_does_not_have(tmp_path: Path) -> None:
    def unknown(version: str) -> Callable[[dict[str, Any]], None]:
        return lambda notebook: notebook["metadata"]["wslab"].update(version=version, unit="77-own")

    assert out_of_step(changed(tmp_path / "x.ipynb", unknown("99.0"), UNITS[0])) is not None
    assert out_of_step(changed(tmp_path / "y.ipynb", unknown("0.0.1"), UNITS[0])) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"metadata": []}', '{"metadata": {"wslab": {"unit": 3}}}'])
def test_what_is_no_notebook_of_the_course_says_nothing(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text(content, "utf-8")
    assert out_of_step(tmp_path / "x.ipynb") is None
    assert out_of_step(tmp_path / "missing.ipynb") is None


def test_use_says_it_once_in_the_reader_s_language(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(edition, "notebook_file", lambda: changed(tmp_path / "x.ipynb", of_version("99.0"), UNITS[0]))
    wslab.use("tr")
    assert capsys.readouterr().out.startswith("Bu not defteri wslab 99.0 sürümünün")
    monkeypatch.setattr(edition, "notebook_file", lambda: None)
    wslab.use("en")
    assert capsys.readouterr().out == ""


def test_the_front_end_names_the_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SimpleNamespace(kernel=object(), user_ns={})
    monkeypatch.setattr(jupyter, "ipython_shell", lambda: shell)
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ayşe/a b/01-server.ipynb")
    assert jupyter.notebook_file() == Path("/home/ayşe/a b/01-server.ipynb")
    shell.user_ns["__vsc_ipynb_file__"] = "/other/02-client.ipynb"
    assert jupyter.notebook_file() == Path("/other/02-client.ipynb")
    shell.user_ns.clear()
    monkeypatch.setenv("JPY_SESSION_NAME", "console-1")
    assert jupyter.notebook_file() is None
    shell.kernel = None
    monkeypatch.setenv("JPY_SESSION_NAME", "/x/01-server.ipynb")
    assert jupyter.notebook_file() is None
