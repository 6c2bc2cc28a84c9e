"""The ways in agree with each other: pyproject.toml, environment.yml, the locks and the README."""

from __future__ import annotations

import importlib.util
import io
import re
import shutil
import subprocess
import sys
import tarfile
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


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The files of a source distribution, of a wheel, and of the wheel that is made from the source distribution."""
    out = tmp_path_factory.mktemp("dist")
    hatchling = [sys.executable, "-m", "hatchling", "build", "--directory", str(out)]
    subprocess.run([*hatchling, "--target", "sdist", "--target", "wheel"], cwd=ROOT, check=True, timeout=120)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    found = {"wheel": _unzipped(wheel)}
    assert max(sdist.stat().st_size, wheel.stat().st_size) < 5_000_000
    with tarfile.open(sdist) as archive:
        archive.extractall(out, filter="data")
    (source,) = (path for path in out.iterdir() if path.is_dir())
    found["sdist"] = {
        path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*") if path.is_file()
    }
    again = [*hatchling[:-1], str(out / "again"), "--target", "wheel"]
    subprocess.run(again, cwd=source, check=True, timeout=120)
    found["wheel from sdist"] = _unzipped(next((out / "again").glob("*.whl")))
    return found


def _unzipped(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.slow
def test_a_wheel_holds_neither_open_solutions_nor_the_authors_code(built: dict[str, dict[str, bytes]]) -> None:
    for files in built.values():
        secret = r"/(authoring|corpus|submissions|solutions|reveal)/|(^|/)course/(notebooks|labs)/[^/]*\.md$"
        assert not [name for name in files if re.search(secret, name)]
        assert not [name for name, content in files.items() if name.endswith(".ipynb") and b"BEGIN SOLUTION" in content]
    assert "wslab/labs/l1_echo.py" in built["wheel"]
    assert "wslab/predictions/questions/05.yml" in built["wheel"]


@pytest.mark.slow
def test_the_editions_in_the_packages_are_those_of_the_checkout(built: dict[str, dict[str, bytes]]) -> None:
    git = subprocess.run(
        [
            "git",
            "ls-files",
            "notebooks",
            "labs",
            "docs/document.*",
            "docs/glossary.*",
            "docs/scale.*",
            "docs/pictures/*.svg",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    wanted = {path: (ROOT / path).read_bytes() for path in git.stdout.split()}
    assert len(wanted) > 36
    for kind, start in (("wheel", "wslab/course/"), ("wheel from sdist", "wslab/course/"), ("sdist", "")):
        files = {name.removeprefix(start): content for name, content in built[kind].items() if name.startswith(start)}
        assert wanted.items() <= files.items()
        if start:
            assert files.keys() == wanted.keys() | {"solutions.zip"}
    with zipfile.ZipFile(io.BytesIO(built["wheel"]["wslab/course/solutions.zip"])) as solved:
        names = solved.namelist()
        assert len(names) >= 12
        assert all(solved.read(name) == (ROOT / name).read_bytes() for name in names)
    assert {name: content for name, content in built["wheel from sdist"].items() if ".dist-info" not in name} == {
        name: content for name, content in built["wheel"].items() if ".dist-info" not in name
    }


def stale(root: Path) -> list[str]:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    found: list[str] = hook.stale(root)
    return found


def test_a_package_is_refused_where_an_edition_is_stale(tmp_path: Path) -> None:
    for folder in ("course", "notebooks", "labs", "solutions"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("corpus"))
    (tmp_path / "docs").mkdir()
    for page in (ROOT / "docs").glob("glossary.*.md"):
        shutil.copy(page, tmp_path / "docs")
    assert stale(tmp_path) == []
    source, edition = tmp_path / "course/labs/L1-echo.md", tmp_path / "notebooks/tr/01-server.ipynb"
    source.write_text(source.read_text("utf-8") + "\n", "utf-8")
    edition.write_bytes(edition.read_bytes().replace(b"01", b"02", 1))
    (tmp_path / "solutions/en/L2-cleanup/L2-cleanup.ipynb").unlink()
    (tmp_path / "course/notebooks/99-new.md").write_text("new", "utf-8")
    assert stale(tmp_path) == [
        "course/labs/L1-echo.md",
        "course/notebooks/99-new.md",
        "notebooks/tr/01-server.ipynb",
        "solutions/en/L2-cleanup/L2-cleanup.ipynb",
    ]


@pytest.mark.parametrize("address", ["", "https://git.example.org/course/"])
def test_the_readme_of_the_package_leads_to_nothing_that_only_the_checkout_has(address: str) -> None:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    source = (ROOT / "README.md").read_text(encoding="utf-8")
    text = build.readme(source, ROOT, address)
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text))
    assert all(target.startswith(("https://", "http://", "#")) for target in targets), targets
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    if address:
        assert pictures == [
            f"https://git.example.org/course/raw/HEAD/{path}" for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", source)
        ]
        assert "(https://git.example.org/course/blob/HEAD/docs/grading.md)" in text
    else:
        assert not pictures
    assert "uvx wslab lab" in text
