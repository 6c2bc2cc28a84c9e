"""Makes a release of the checkout, up to the tag: `make release VERSION=0.2.0`, or `make release DRY=1` for a trial.

1. The tree is clean, the version is newer than the last one, and *Unreleased* in CHANGELOG.md has something.
2. The version goes into pyproject.toml, CITATION.cff and CHANGELOG.md; `wslab build` writes it into the notebooks.
3. A source distribution and a wheel are built into `dist/`, and `twine check --strict` looks at them.
4. `make installed`: the package in empty environments. (Not in a trial.)
5. A commit and a tag. Nothing is pushed: pushing the tag is what publishes (`.github/workflows/release.yml`).

A trial does 1 to 3 in a copy, whether or not the tree is clean, and leaves the checkout as it is.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[1]


def current(root: Path) -> str:
    """The version that pyproject.toml says."""
    found = re.search(r'^version = "(.+)"$', (root / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def why_not(root: Path, version: str) -> str | None:
    """What stands in the way of a release, None where nothing does.

    Args:
        root: the checkout.
        version: the new version.
    """
    try:
        if Version(version) <= Version(current(root)) or str(Version(version)) != version:
            return f"{version} is no version above {current(root)} in its normal form"
    except InvalidVersion:
        return f"{version} is no version (https://peps.python.org/pep-0440/)"
    if not _unreleased(root).strip():
        return "CHANGELOG.md has nothing under Unreleased"
    return None


def _unreleased(root: Path) -> str:
    text = (root / "CHANGELOG.md").read_text("utf-8")
    return text.partition("\n## Unreleased\n")[2].partition("\n## ")[0]


def write_version(root: Path, version: str) -> None:
    """Write a version to where it stands: pyproject.toml, CITATION.cff, CHANGELOG.md, and every notebook.

    Args:
        root: the checkout.
        version: the new version.
    """
    _replace(root / "pyproject.toml", f'version = "{current(root)}"', f'version = "{version}"')
    _replace(root / "CITATION.cff", f"version: {current_citation(root)}\n", f"version: {version}\n")
    _replace(root / "CHANGELOG.md", "\n## Unreleased\n", f"\n## Unreleased\n\n## {version}\n")
    subprocess.run([sys.executable, "-m", "wslab", "--in", "en", "build"], cwd=root, check=True)


def current_citation(root: Path) -> str:
    """The version that CITATION.cff says."""
    return (root / "CITATION.cff").read_text("utf-8").partition("\nversion: ")[2].partition("\n")[0]


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path} has {text.count(old)} times: {old}"
    path.write_text(text.replace(old, new), "utf-8", newline="\n")


def build(root: Path, out: Path) -> None:
    """Make the source distribution and the wheel, and have twine look at them.

    Args:
        root: the checkout.
        out: the folder for both; what lies in it goes.
    """
    shutil.rmtree(out, ignore_errors=True)
    hatchling = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--target", "wheel"]
    subprocess.run([*hatchling, "--directory", str(out)], cwd=root, check=True)
    made = sorted(map(str, out.iterdir()))
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *made], check=True)


def copy_of(root: Path, target: Path) -> Path:
    """Copy what git knows of a checkout, as it stands now, into another folder.

    Args:
        root: the checkout.
        target: the folder.
    """
    for name in git(root, "ls-files", "-z").split("\0"):
        if name and (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, target / name)
    return target


def git(root: Path, *command: str) -> str:
    """Run git and return what it prints."""
    return subprocess.run(["git", *command], cwd=root, check=True, capture_output=True, encoding="utf-8").stdout


def main() -> None:
    """Make a release, or try to."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("version", nargs="?", help="the new version; in a trial the next minor one")
    options.add_argument("--dry-run", action="store_true", help="steps 1 to 3, in a copy")
    given = options.parse_args()
    if given.dry_run:
        old = Version(current(ROOT))
        with tempfile.TemporaryDirectory() as folder:
            trial = copy_of(ROOT, Path(folder) / "checkout")
            release(trial, given.version or f"{old.major}.{old.minor + 1}.0", Path(folder) / "dist")
        print("Nothing was released: this was a trial.")
        return
    if not given.version:
        options.error("which version? make release VERSION=0.2.0")
    if git(ROOT, "status", "--porcelain").strip():
        sys.exit("The tree has changes that are not committed.")
    release(ROOT, given.version, ROOT / "dist")
    subprocess.run(["make", "installed"], cwd=ROOT, check=True)
    git(ROOT, "commit", "--quiet", "--all", "--message", f"Release {given.version}")
    git(ROOT, "tag", "--annotate", f"v{given.version}", "--message", f"WebSocket Lab {given.version}")
    print(f"Tagged v{given.version}. To publish it: git push --follow-tags")


def release(root: Path, version: str, out: Path) -> None:
    """Steps 1 to 3, or exit with the reason."""
    if (reason := why_not(root, version)) is not None:
        sys.exit(reason)
    write_version(root, version)
    build(root, out)


if __name__ == "__main__":
    main()
