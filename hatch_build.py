"""Puts the course into the package, and refuses where an edition is not what `course/` says; and the README.

A wheel gets the editions and the pages they link to in `wslab/course`, and the solved labs in one archive there. In a
source distribution they lie where a checkout has them, with the archive in place of `solutions/` and `course/`.
Whether an edition is stale is told by the digests that `wslab build` writes, so that making a wheel needs no jupytext.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ARCHIVE = "src/wslab/course/solutions.zip"
DIGESTS = "course/editions.json"


class CourseHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatch's `custom` hook."""

    PLUGIN_NAME = "custom"
    _made: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files that come with the package.

        Args:
            version: `"editable"` for an installation of the checkout, which finds the course in the checkout.
            build_data: what Hatch takes the files from.
        """
        if version == "editable":
            return
        root = Path(self.root)
        self._refuse_stale(root)
        sys.path.insert(0, str(root / "src"))
        from wslab import shipped

        wheel = self.target_name == "wheel"
        taken = {str(root / path): f"wslab/course/{path}" if wheel else path for path in shipped.paths(root)}
        if not (root / ARCHIVE).is_file():  # else this is a source distribution, and the package has it
            self._made = Path(tempfile.mkdtemp())
            solved = self._made / shipped.SOLUTIONS
            archive(root, solved)
            taken[str(solved)] = ARCHIVE.removeprefix("src/") if wheel else ARCHIVE
        build_data["force_include"].update(taken)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made for the package alone."""
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)

    def _refuse_stale(self, root: Path) -> None:
        if wrong := stale(root):
            self.app.abort("The editions are not what course/ says; run `wslab build`:\n  " + "\n  ".join(wrong))


class ReadmeHook(MetadataHookInterface):
    """Hatch's `custom` hook of metadata: the README as an index of packages can show it."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the readme.

        Args:
            metadata: the table `project`.
        """
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        address = metadata.get("urls", {}).get("Repository", "")
        metadata["readme"] = {"content-type": "text/markdown", "text": readme(text, Path(self.root), address)}


def readme(text: str, root: Path, address: str) -> str:
    """The README without what only the checkout has: each link to a file of it leads to the repository.

    Args:
        text: of the README.
        root: the checkout, or an unpacked source distribution.
        address: of the repository, as `[project.urls]` has it; where there is none, pictures are left out and links
            become words.
    """
    sys.path.insert(0, str(root / "src"))
    from wslab.links import relinked

    if not address:
        text = re.sub(r"(?m)^!\[[^\]]*\]\((?![a-z]+:)[^)]*\)\n+", "", text)
    at = f"{address.rstrip('/')}/raw/HEAD/"
    text = re.sub(r"(!\[[^\]]*\]\()(?![a-z]+:)", rf"\g<1>{at}", text)
    return relinked(text, "README.md", lambda path: f"{address.rstrip('/')}/blob/HEAD/{path}" if address else None)


def stale(root: Path) -> list[str]:
    """The sources that changed since the last build, and the built files that changed or are missing.

    Args:
        root: the checkout, or an unpacked source distribution, which has neither sources nor open solutions.
    """
    noted = json.loads((root / DIGESTS).read_bytes())
    wanted = dict(noted["built"])
    if (root / ARCHIVE).is_file():
        wanted = {path: digest for path, digest in wanted.items() if not path.startswith("solutions/")}
    else:
        wanted |= noted["sources"]
    wrong = [path for path, digest in wanted.items() if _digest(root / path) != digest]
    for pattern in ("course/notebooks/*.md", "course/labs/*.md"):
        sources = (path.relative_to(root).as_posix() for path in root.glob(pattern))
        wrong += [path for path in sources if path not in noted["sources"]]
    return sorted(wrong)


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:20] if path.is_file() else None


def archive(root: Path, target: Path) -> None:
    """The solved labs as one file, the same bytes for the same labs."""
    noted = json.loads((root / DIGESTS).read_bytes())["built"]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as solved:
        for path in sorted(path for path in noted if path.startswith("solutions/")):
            solved.writestr(zipfile.ZipInfo(path), (root / path).read_bytes(), zipfile.ZIP_DEFLATED, 9)
