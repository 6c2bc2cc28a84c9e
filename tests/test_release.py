"""The steps of a release that can go wrong before anything is built; `.ci/run` tries the whole in a copy."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "CITATION.cff", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("99.0", None),
        ("0.0.1", "no version above"),
        ("v99.0", "normal form"),
        ("99.0.0-1", "normal form"),
        ("next", "no version"),
    ],
)
def test_a_version_is_new_and_in_its_normal_form(
    release: ModuleType, checkout: Path, version: str, reason: str | None
) -> None:
    text = (checkout / "CHANGELOG.md").read_text("utf-8")
    (checkout / "CHANGELOG.md").write_text(text.replace("## Unreleased\n", "## Unreleased\n\n- x\n", 1), "utf-8")
    said = release.why_not(checkout, version)
    assert (said is None) == (reason is None)
    assert reason is None or reason in said


def test_nothing_to_tell_is_nothing_to_release(release: ModuleType, checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 0.1.0\n\n- all\n", "utf-8")
    assert "Unreleased" in release.why_not(checkout, "99.0")


def test_the_version_is_written_wherever_it_stands(
    release: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Path] = []
    monkeypatch.setattr(release.subprocess, "run", lambda *_, cwd, **__: built.append(cwd))
    before = (checkout / "CHANGELOG.md").read_text("utf-8")
    release.write_version(checkout, "99.0")
    assert release.current(checkout) == "99.0"
    assert "\nversion: 99.0\n" in (checkout / "CITATION.cff").read_text("utf-8")
    after = (checkout / "CHANGELOG.md").read_text("utf-8")
    assert after.replace("\n\n## 99.0\n", "\n", 1) == before
    assert after.index("## Unreleased") < after.index("## 99.0") < after.index("### Added")
    assert built == [checkout]
    assert release.why_not(checkout, "100.0") is not None, "what is released is no longer unreleased"


def test_a_copy_has_what_git_knows(release: ModuleType, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    (origin / "ş").mkdir(parents=True)
    (origin / "ş" / "a b.txt").write_text("known", "utf-8")
    (origin / "unknown.txt").write_text("x", "utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=origin, check=True)
    subprocess.run(["git", "add", "ş"], cwd=origin, check=True)
    copy = release.copy_of(origin, tmp_path / "copy")
    assert [path.relative_to(copy).as_posix() for path in copy.rglob("*.txt")] == ["ş/a b.txt"]
