"""The workflow of GitHub Actions runs what `make test` runs, on every system and every Python of the course."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text("utf-8"))
JOBS: dict[str, Any] = WORKFLOW["jobs"]


def commands(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_every_python_of_pyproject_on_three_systems() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    low, high = map(int, re.findall(r"3\.(\d+)", project["requires-python"]))
    matrix = JOBS["test"]["strategy"]["matrix"]
    assert matrix["python"] == [f"3.{minor}" for minor in range(low, high)]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}


def recipe(target: str) -> list[str]:
    lines = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert lines is not None
    return [line.strip().replace("$(BIN)/", "") for line in lines[1].splitlines()]


def test_the_steps_are_those_of_make_test() -> None:
    for target in ("lint", "busy", "aside", "judged"):
        assert target in " ".join(recipe("test"))
    assert [line for line in recipe("lint") if line not in commands("test")] == []
    # Together `make test` selects `-m "not proof and not elsewhere and not installed"`, and so do the two jobs.
    left_out = "not proof and not elsewhere and not installed"
    assert recipe("busy")[0].endswith(f'-m "(browser or notebook) and {left_out}"')
    assert recipe("waiting")[-1].endswith(f'-m "not browser and not notebook and {left_out}"')
    # What one of them leaves out by its path, the other one takes.
    assert "$(JUDGING:%=--ignore=%)" in recipe("waiting")[0]
    assert recipe("judged")[0].endswith('$(JUDGING) -m "not browser and not notebook and not proof"')
    assert sum("pytest" in command for job in JOBS for command in commands(job)) == 2
    assert commands("test")[-1].endswith('-m "not proof and not elsewhere and not installed and not browser"')
    assert commands("browser")[-1].endswith('-m "browser and not proof and not installed"')


def test_the_screenshots_are_kept_whatever_happens() -> None:
    (upload,) = (step for step in JOBS["browser"]["steps"] if "upload-artifact" in step.get("uses", ""))
    assert upload["if"] == "always()"
    assert upload["with"]["path"] == "artefacts/screenshots"


def test_every_action_is_pinned_to_a_major_version() -> None:
    used = [step["uses"] for job in JOBS.values() for step in job["steps"] if "uses" in step]
    assert used
    assert [one for one in used if not re.fullmatch(r"actions/[\w-]+@v\d+", one)] == []


def test_no_job_may_write_and_each_ends() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 60 for job in JOBS.values())


def test_the_package_is_tried_on_three_systems() -> None:
    matrix = JOBS["installed"]["strategy"]["matrix"]
    assert matrix["os"] == JOBS["test"]["strategy"]["matrix"]["os"]
    assert set(matrix["python"]) <= set(JOBS["test"]["strategy"]["matrix"]["python"])
    *_, built, installed, tried = commands("installed")
    assert "pip wheel" in built
    assert "-e" not in installed.split()
    assert "tests/installed/try_course.py" in tried
    assert JOBS["installed"]["steps"][-1]["working-directory"] == "${{ runner.temp }}", "outside the checkout"


def test_a_release_publishes_only_what_was_built_for_its_tag_and_keeps_no_password() -> None:
    release: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))
    assert release[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads "on" as true
    assert release["permissions"] == {"contents": "read"}
    build, publish = release["jobs"]["build"], release["jobs"]["publish"]
    assert "permissions" not in build
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["needs"] == "build"
    assert not any("run" in step for step in publish["steps"])
    steps = " ".join(step.get("run", "") for step in build["steps"])
    assert "twine check --strict" in steps
    assert "GITHUB_REF_NAME#v" in steps
    assert "secrets." not in (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
