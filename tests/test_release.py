"""What students get: chosen units and labs without answers, renewed without touching what they wrote."""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wslab import cli, release, shipped
from wslab.authoring import building
from wslab.authoring.publishing.site import _edition, without_answers
from wslab.course_update import MANIFEST, read_manifest, update
from wslab.errors import LabError
from wslab.labs.catalogue import labs
from wslab.labs.helping import solution
from wslab.language import use_language
from wslab.progress.database import Store

ROOT = Path(__file__).parents[1]
L1 = "labs/tr/L1-echo/L1-echo.ipynb"
_LINK = re.compile(r"(?<!`)\[(?:[^\[\]`]|`[^`]*`)*\]\(<?([^)<>\s#]+)")


def there(folder: Path) -> set[str]:
    """The files of a release but its own bookkeeping."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {path for path in paths if not path.startswith(".wslab")}


def edit(path: Path, source: str) -> bytes:
    """Write into the first solution cell of a lab; return the file's bytes."""
    notebook = json.loads(path.read_text("utf-8"))
    cell = next(cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("solution"))
    cell["source"] = source
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path.read_bytes()


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the course, for an instructor to change."""
    root = tmp_path / "checkout"
    for name in ("course", "notebooks", "labs", "solutions", "docs"):
        shutil.copytree(ROOT / name, root / name)
    return root


def test_a_release_holds_what_was_asked_for_and_nothing_that_answers(tmp_path: Path) -> None:
    out = tmp_path / "kurs"
    changes = release.release(ROOT, out, "00-02,L1", "tr")
    assert there(out) == set(changes.added)
    notebooks = {"notebooks/tr/00-setup.ipynb", "notebooks/tr/01-server.ipynb", "notebooks/tr/02-client.ipynb", L1}
    assert {path for path in there(out) if path.endswith(".ipynb")} == notebooks
    assert {path.split("/")[0] for path in there(out)} == {"notebooks", "labs", "docs", "README.md"}
    assert not [path for path in there(out) if "guide" in path or ".en." in path]
    for path in there(out):
        text = (out / path).read_text("utf-8")
        assert "BEGIN SOLUTION" not in text
        said = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"]) if path in notebooks else text
        for target in _LINK.findall(said) if path.endswith((".ipynb", ".md")) else ():
            if not re.match(r"[a-z]+:|/", target):
                assert posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) in there(out), (path, target)
    # A lab is the one that the course hands out, but for its links.
    own, built = (json.loads((root / L1).read_text("utf-8")) for root in (out, ROOT))
    code = [[cell["source"] for cell in one["cells"] if cell["cell_type"] == "code"] for one in (own, built)]
    assert code[0] == code[1]


@pytest.mark.parametrize(
    ("said", "numbers"),
    [("00-02,L1", "00 01 02 L1"), ("l2, 05", "05 L2"), ("L1-L3", "L1 L2 L3"), ("09-L1", "09 L1"), ("02-00", "")],
)
def test_units_are_named_by_numbers_and_ranges(said: str, numbers: str) -> None:
    known = list(release.units(ROOT))
    assert known == [f"{number:02}" for number in range(10)] + list(labs())
    expected = tuple(numbers.split()) or tuple(known)
    assert release.chosen(said, known) == expected


@pytest.mark.parametrize("said", ["77", "L1-L99", "05-", "guide", "../x"])
def test_a_unit_that_is_none_is_told_with_those_that_are(said: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="00, 01"):
        release.release(ROOT, tmp_path / "out", said, "tr")
    assert not (tmp_path / "out").exists()


def test_what_an_instructor_ran_or_solved_on_the_projector_does_not_go_out(course: Path, tmp_path: Path) -> None:
    release.release(course, tmp_path / "before", "05,L1", "tr")
    edit(course / L1, "app = 'solved before the class'")
    path = course / "notebooks/tr/05-accept.ipynb"
    ran = json.loads(path.read_text("utf-8"))
    ran["metadata"]["language_info"] = {"name": "python", "version": "3.13.1"}
    for cell in ran["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "the answer"}]}
            cell["execution_count"] = 3
    path.write_text(json.dumps(ran), encoding="utf-8")
    release.release(course, tmp_path / "after", "05,L1", "tr")
    for name in there(tmp_path / "before"):
        assert (tmp_path / "before" / name).read_bytes() == (tmp_path / "after" / name).read_bytes()


@pytest.mark.parametrize("path", ["notebooks/tr/05-accept.ipynb", "solutions/tr/L1-echo/L1-echo.ipynb"])
def test_a_notebook_that_was_changed_is_named_and_nothing_is_written(course: Path, tmp_path: Path, path: str) -> None:
    notebook = json.loads((course / path).read_text("utf-8"))
    notebook["cells"][2]["source"] = "answer = 42"
    (course / path).write_text(json.dumps(notebook), encoding="utf-8")
    with pytest.raises(LabError, match=posixpath.basename(path)):
        release.release(course, tmp_path / "out", "05,L1", "tr")
    assert not (tmp_path / "out").exists()


def test_a_later_release_adds_and_leaves_what_a_student_wrote(tmp_path: Path) -> None:
    out = tmp_path / "kurs"
    release.release(ROOT, out, "00,L1", "tr")
    mine = edit(out / L1, "app = 1")
    (out / "notum.txt").write_text("benim", encoding="utf-8")
    (out / ".wslab").mkdir()
    Store(out / ".wslab/progress.sqlite").attempt("L1", "echo", points=1, max=2, verdict="no-echo")
    changes = release.release(ROOT, out, "01,L2", "en")
    assert (out / L1).read_bytes() == mine
    assert (out / "notum.txt").read_text("utf-8") == "benim"
    assert Store(out / ".wslab/progress.sqlite").attempts("L1")
    # What it had is renewed in both editions, for now one links the other.
    assert {
        f"notebooks/{code}/{name}" for code in ("en", "tr") for name in ("00-setup.ipynb", "01-server.ipynb")
    } <= there(out)
    assert "notebooks/en/01-server.ipynb" in changes.added
    assert "../en/00-setup.ipynb" in (out / "notebooks/tr/00-setup.ipynb").read_text("utf-8")
    again = release.release(ROOT, out, "01,L2", "en")
    assert (again.added, again.renewed) == ((), ())


def test_a_zip_is_taken_where_a_student_works(tmp_path: Path) -> None:
    file, folder = tmp_path / "hafta.zip", tmp_path / "ev"
    release.release(ROOT, file, "00,L1", "tr")
    assert release.take(file, folder).first
    mine = edit(folder / L1, "app = 1")
    other = tmp_path / "hafta-2.zip"
    release.release(ROOT, other, "01", "tr")
    changes = release.take(other, folder)
    # A zip of one unit takes nothing away.
    assert "notebooks/tr/01-server.ipynb" in changes.added
    assert (folder / L1).read_bytes() == mine
    assert {"notebooks/tr/00-setup.ipynb", L1} <= there(folder)
    kept = read_manifest(folder)
    assert kept is not None
    assert L1 in kept.files
    # What was unpacked by hand is known, too.
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path / "elle")
    assert release.take(file, tmp_path / "elle").told() == []
    # The same file again: what it had stays.
    release.release(ROOT, file, "02", "tr")
    with zipfile.ZipFile(file) as archive:
        assert {"notebooks/tr/00-setup.ipynb", "notebooks/tr/02-client.ipynb", L1} <= set(archive.namelist())


def forged(path: Path, *names: str) -> Path:
    """A zip whose manifest has these names."""
    with zipfile.ZipFile(path, "w") as archive:
        kept = {name: {"file": "", "text": "", "lesson": ""} for name in names}
        archive.writestr(MANIFEST, json.dumps({"source": "release", "version": "0.1.0", "files": kept}))
        for name in names:
            archive.writestr(name, "evil")
    return path


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "C:/x", "a\\..\\..\\x", "a//x", "./x"])
def test_a_zip_reaches_no_further_than_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(LabError, match=r"evil\.zip"):
        release.take(forged(tmp_path / "evil.zip", name), tmp_path / "in/kurs")
    assert {path.name for path in tmp_path.iterdir()} == {"evil.zip"}


def test_what_is_no_release_is_told_and_stays(tmp_path: Path) -> None:
    stranger = tmp_path / "photos.zip"
    with zipfile.ZipFile(stranger, "w") as archive:
        archive.writestr("cat.jpg", b"meow")
    before = stranger.read_bytes()
    for wrong in (stranger, tmp_path / "nothing.zip"):
        with pytest.raises(LabError, match=wrong.name):
            release.take(wrong, tmp_path / "kurs")
    with pytest.raises(LabError):
        release.release(ROOT, stranger, "00", "tr")
    assert stranger.read_bytes() == before
    assert not (tmp_path / "kurs").exists()


def test_the_courses_own_folder_is_no_place_for_a_release(course: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine"
    update(own, shipped.files(["tr"]), shipped.version())
    for folder in (course, own):
        with pytest.raises(LabError, match=folder.name):
            release.release(ROOT, folder, "00", "tr")


def test_in_a_release_the_instructor_keeps_the_solutions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    release.release(ROOT, tmp_path / "kurs", "L1", "en")
    monkeypatch.delenv("WSLAB_HOME", raising=False)
    monkeypatch.chdir(tmp_path / "kurs/labs/en/L1-echo")
    Store(tmp_path / "kurs/.wslab/progress.sqlite").attempt("L1", "echo", points=2, max=2, verdict="passed")
    solution("L1.echo")
    said = capsys.readouterr().out
    assert "with your instructor" in said
    assert "receive_text" not in said


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # outside of a course: the one that comes with the kit
    run = CliRunner().invoke(cli.app, ["release", "hafta.zip", "--units", "00,L1", "--language", "tr"])
    assert run.exit_code == 0, run.output
    run = CliRunner().invoke(cli.app, ["take", "hafta.zip"])
    assert run.exit_code == 0, run.output
    assert (tmp_path / "websocket-lab" / L1).is_file()
    run = CliRunner().invoke(cli.app, ["--in", "tr", "release", "x", "--units", "99"])
    assert run.exit_code == 1
    assert "99" in run.output
    use_language(None)


def test_a_site_for_students_has_no_guide_and_no_answers() -> None:
    units = building.units(ROOT, ["05"])
    whole, theirs = (_edition(ROOT, units, "en", students) for students in (False, True))
    assert set(whole.docs) - set(theirs.docs) == {"docs/instructor-guide"}
    assert set(theirs.docs) >= {"docs/glossary", "docs/document"}
    notebook: Any = building.notebook(ROOT, "05", "en")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = ["shown"]
    without_answers(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert bool(cell.outputs) != (".outcome(" in cell.source)
        else:
            assert "<details>" not in cell.source
    assert any(cell.get("outputs") for cell in notebook.cells)
