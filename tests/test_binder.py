"""What repo2docker makes of this checkout, asked of its own code; the image itself is not built."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent


def pythons() -> tuple[str, ...]:
    """The versions that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups()  # type: ignore[union-attr]
    return tuple(f"3.{minor}" for minor in range(int(low), int(high)))


def test_the_environment_names_one_python_of_the_course() -> None:
    environment = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text("utf-8"))
    (python,) = (one for one in environment["dependencies"] if one.startswith("python"))
    assert python.removeprefix("python=") in pythons()


def test_what_is_built_afterwards_is_the_locked_course() -> None:
    script = (ROOT / ".binder" / "postBuild").read_text("utf-8")
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "-r requirements.lock" in script
    assert "-e ." in script
    assert (ROOT / "requirements.lock").is_file()
    assert os.name == "nt" or os.access(ROOT / ".binder" / "postBuild", os.X_OK)


@pytest.fixture
def detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The build pack that repo2docker chooses for the files it looks at."""
    app = pytest.importorskip("repo2docker.app")
    for name in (".binder", "environment.yml", "requirements.lock", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for kind in app.Repo2Docker().buildpacks:
        pack = kind(base_image="base")
        pack.platform = "linux/amd64"
        if pack.detect():
            return pack
    pytest.fail("repo2docker finds nothing that it can build")


def test_repo2docker_takes_the_conda_environment_with_this_python(detected: Any) -> None:
    assert type(detected).__name__ == "CondaBuildPack"
    assert detected.python_version in pythons()
    recipe = detected.render()
    assert ".binder/environment.yml" in recipe
    assert ".binder/postBuild" in recipe
