"""The course as the kit carries it, and what it is for a learner of one edition."""

from __future__ import annotations

import json
import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wslab import shipped
from wslab.errors import LabError
from wslab.language import LANGUAGES
from wslab.notebooks import Origin, digest

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"""\]\(<?([^)<>\s]+)|(?:src|href)=["']([^"']+)""")


def links(path: str, content: bytes) -> Iterator[str]:
    """Every file that a page or a notebook links to, as a path from the course's folder."""
    text = content.decode()
    if path.endswith(".ipynb"):
        cells = json.loads(content)["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for link in _LINK.finditer(re.sub(r"`[^`\n]*`", "", text)):
        target = (link[1] or link[2]).partition("#")[0]
        if target and not re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
            yield posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


@pytest.mark.parametrize("languages", [("en",), ("tr",), LANGUAGES])
def test_every_link_leads_somewhere_in_each_edition_alone(languages: tuple[str, ...]) -> None:
    files = shipped.files(languages)
    found = [(path, link) for path, content in files.items() for link in links(path, content)]
    assert len(found) > 100
    assert [pair for pair in found if pair[1] not in files] == []
    assert {path.split("/")[1] for path in files if path.startswith(("notebooks/", "labs/"))} == set(languages)


def test_one_edition_alone_says_how_to_get_the_other_and_keeps_its_lesson() -> None:
    alone, both = shipped.files(("tr",)), shipped.files(LANGUAGES)
    first = json.loads(alone["notebooks/tr/00-setup.ipynb"])
    assert "English: `wslab lab --language en`" in "".join(first["cells"][0]["source"])
    origin = Origin.of(first)
    assert origin is not None
    assert digest(first["cells"]) == origin.content
    assert alone.keys() < both.keys()
    assert both["notebooks/tr/00-setup.ipynb"] == (ROOT / "notebooks/tr/00-setup.ipynb").read_bytes()


def test_own_files_in_a_checkout_are_not_the_course_s(tmp_path: Path) -> None:
    folder = tmp_path / "labs" / "en" / "L1-echo"
    folder.mkdir(parents=True)
    for name in ("L1-echo.ipynb", "L1-echo-fresh.ipynb", "L1-echo (new).ipynb"):
        (folder / name).write_bytes((ROOT / "labs/en/L1-echo/L1-echo.ipynb").read_bytes())
    for content in ("", "{", "[]", '{"metadata": 3}'):
        (folder / "own.ipynb").write_text(content, "utf-8")
        assert list(shipped.paths(tmp_path)) == ["labs/en/L1-echo/L1-echo.ipynb"]


def test_an_installation_without_a_course_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shipped, "__file__", str(tmp_path / "a" / "b" / "shipped.py"))
    monkeypatch.setattr(shipped, "PACKAGED", tmp_path)
    with pytest.raises(LabError, match="holds no course"):
        shipped.files(("en",))


def test_solutions_come_from_the_archive_of_a_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / shipped.SOLUTIONS, "w") as archive:
        archive.writestr("solutions/en/x.ipynb", "solved")
    monkeypatch.setattr(shipped, "PACKAGED", tmp_path)
    assert shipped.solution("solutions/en/x.ipynb") == b"solved"
    with pytest.raises(FileNotFoundError):
        shipped.solution("solutions/en/y.ipynb")
