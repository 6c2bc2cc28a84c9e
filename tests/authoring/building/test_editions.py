"""What the build writes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from tests.authoring.building.small_course import LAB, NOTEBOOK, Edit

from wslab.authoring.building import BuildError, build, check, notebook, units
from wslab.language import LANGUAGES, Text

ROOT = Path(__file__).parents[3]
EDITIONS = {
    *(f"notebooks/{language}/{slug}.ipynb" for language in LANGUAGES for slug in ("00-setup", "01-server")),
    *(f"{folder}/{language}/L1-echo/L1-echo.ipynb" for folder in ("labs", "solutions") for language in LANGUAGES),
}


def relative(paths: list[Path], root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in paths}


def cells(root: Path, where: str) -> dict[str, Any]:
    return {cell["id"]: cell for cell in json.loads((root / where).read_text("utf-8"))["cells"]}


def text(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


@pytest.fixture
def built(root: Path) -> Path:
    build(root)
    return root


def test_every_edition_is_written_once(root: Path) -> None:
    assert relative(build(root), root) == EDITIONS
    assert build(root) == []
    check(root)


def test_the_bytes_are_the_same_every_time(built: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(built / "course", again / "course")
    build(again)
    for where in EDITIONS:
        content = (built / where).read_bytes()
        assert content == (again / where).read_bytes()
        assert content.endswith(b"}\n")
        assert b"\r" not in content


@pytest.mark.parametrize("where", sorted(EDITIONS))
def test_a_valid_notebook_without_outputs(built: Path, where: str) -> None:
    read = nbformat.read(built / where, as_version=nbformat.NO_CONVERT)
    nbformat.validate(read)
    assert (read.nbformat, read.nbformat_minor) == (4, 5)
    assert read.metadata.kernelspec.name == "python3"
    assert all(cell.outputs == [] and cell.execution_count is None for cell in read.cells if cell.cell_type == "code")
    # As JupyterLab saves it, so that saving an unchanged notebook changes nothing.
    assert nbformat.writes(read) + "\n" == (built / where).read_text("utf-8")


def test_nothing_of_the_source_shows_in_a_cell(built: Path) -> None:
    allowed = {"slideshow", "tags", "nbgrader", "deletable", "editable"}
    for where in EDITIONS:
        for cell in cells(built, where).values():
            assert set(cell["metadata"]) <= allowed
            assert "+++" not in text(cell)
            assert "{code-cell}" not in text(cell)


def test_a_cell_has_one_id_in_every_edition(built: Path) -> None:
    for slug in ("00-setup", "01-server"):
        english, turkish = (list(cells(built, f"notebooks/{code}/{slug}.ipynb")) for code in LANGUAGES)
        assert english == turkish
    labs = [list(cells(built, where)) for where in EDITIONS if "L1-echo" in where]
    assert all(ids == labs[0] for ids in labs)
    assert {"title", "setup", "echo", "check-echo", "summary"} <= set(labs[0])


def test_code_is_the_same_but_for_the_edition_it_names(built: Path) -> None:
    english, turkish = (cells(built, f"notebooks/{code}/01-server.ipynb") for code in LANGUAGES)
    for key, cell in english.items():
        if cell["cell_type"] == "code" and key != "setup":
            assert cell == turkish[key]
    assert 'use("en")' in text(english["setup"])
    assert 'use("tr")' in text(turkish["setup"])


def test_markdown_is_in_the_editions_language(built: Path) -> None:
    english, turkish = (
        "\n".join(text(cell) for cell in cells(built, f"notebooks/{code}/01-server.ipynb").values())
        for code in LANGUAGES
    )
    assert "A handler is a *coroutine*" in english
    assert "İşleyici" not in english
    assert "İşleyici bir *eşyordamdır (coroutine)*" in turkish
    assert "A handler" not in turkish


def test_changing_one_cell_leaves_the_other_ids_alone(built: Path, edit: Edit) -> None:
    where = "notebooks/tr/00-setup.ipynb"
    before = list(cells(built, where))
    edit("course/notebooks/00-setup.md", "asyncio.get_running_loop()\n```", "asyncio.get_event_loop()\n```")
    edit("course/notebooks/00-setup.md", "Zaten çalışan bir döngü var", "Bir döngü zaten çalışıyor")
    build(built)
    after = list(cells(built, where))
    assert len(before) == len(after)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_the_first_cell(built: Path) -> None:
    assert text(cells(built, "notebooks/tr/01-server.ipynb")["title"]) == (
        "# 01 · server.py, adım adım\n\n"
        "5 dakika | [belgenin](../../docs/document.tr.md) 1. kısmı, §1 | Önce: [00 · Kurulum](00-setup.ipynb) | "
        "[English](../en/01-server.ipynb)\n\n"
        "**Bu not defterinin sonunda**\n\n"
        "- belgedeki sunucuyu hücre hücre kurabileceksiniz"
    )
    assert text(cells(built, "labs/en/L1-echo/L1-echo.ipynb")["title"]) == (
        "# L1 · Echo and count\n\n"
        "30 minutes | 6.5 points | beyond [the document](../../../docs/document.en.md) | "
        "First: [01 · server.py, step by step](../../../notebooks/en/01-server.ipynb) | "
        "[Türkçe](../../tr/L1-echo/L1-echo.ipynb)\n\n"
        "**After this lab you can**\n\n"
        "- write an endpoint that answers every message"
    )


def test_the_last_cells(built: Path) -> None:
    server = cells(built, "notebooks/tr/01-server.ipynb")
    assert list(server)[-2:] == ["summary", "next"]
    assert text(server["summary"]) == (
        "## Özet\n\n- `accept()` çağrılmazsa bağlantı kurulmaz.\n"
        "- İşleyici nasıl biterse bitsin, listeyi `finally` temizler."
    )
    assert text(server["next"]) == "Sırada: [L1 · Yankı ve sayaç](../../labs/tr/L1-echo/L1-echo.ipynb)"
    assert list(cells(built, "solutions/tr/L1-echo/L1-echo.ipynb"))[-1] == "summary"


def test_links_between_rendered_cells_lead_somewhere(built: Path) -> None:
    for where in EDITIONS:
        for cell in cells(built, where).values():
            for target in nbformat_links(text(cell)):
                # The document is not built from course/, so the small course has none.
                root = ROOT if "docs/" in target else built
                assert ((root / where).parent / target).is_file(), f"{where}: {target}"


def nbformat_links(markdown: str) -> list[str]:
    return [part.split(")")[0] for part in markdown.split("](")[1:]]


def test_notes_for_the_instructor_are_for_the_slides(built: Path) -> None:
    learners = notebook(built, "00", "tr")
    assert not any("Çalıştırın. Bu döngüyü" in cell.source for cell in learners.cells)
    slides = notebook(built, "00-setup", "tr", notes=True)
    (note,) = [cell for cell in slides.cells if "Çalıştırın. Bu döngüyü" in cell.source]
    assert note.metadata == {"slideshow": {"slide_type": "notes"}}
    assert [cell.id for cell in slides.cells if cell.id != note.id] == [cell.id for cell in learners.cells]


def test_tags_and_slides_pass_through(built: Path) -> None:
    setup = cells(built, "notebooks/en/00-setup.ipynb")
    (failing,) = [cell for cell in setup.values() if "asyncio.run" in text(cell) and cell["cell_type"] == "code"]
    assert failing["metadata"] == {"tags": ["raises-exception"], "slideshow": {"slide_type": "fragment"}}
    heading = [cell for cell in setup.values() if text(cell).startswith("## A loop")]
    assert heading[0]["metadata"] == {"slideshow": {"slide_type": "slide"}}


def test_a_cell_without_words_stands_in_every_edition(built: Path) -> None:
    for language in LANGUAGES:
        shown = [text(cell) for cell in cells(built, f"notebooks/{language}/00-setup.ipynb").values()]
        assert "```\nRuntimeError: asyncio.run() cannot be called from a running event loop\n```" in shown


def test_stubs_and_solutions(built: Path) -> None:
    lab = cells(built, "labs/tr/L1-echo/L1-echo.ipynb")
    solution = cells(built, "solutions/tr/L1-echo/L1-echo.ipynb")
    assert text(lab["echo"]).endswith("async def endpoint(websocket: WebSocket):\n    ...")
    assert "        websocket.accept()\n    await websocket.send_text" in text(lab["mend"])
    assert text(lab["stretch"]) == "..."
    assert text(lab["reflection"]).endswith("sayı neden kendiliğinden düşüyor?\n\n...")
    assert "SOLUTION" not in (built / "labs/tr/L1-echo/L1-echo.ipynb").read_text("utf-8")
    assert "await websocket.accept()" in text(solution["mend"])
    assert "`finally` çalışır" in text(solution["reflection"])
    assert lab["check-echo"]["metadata"]["editable"] is False
    assert lab["echo"]["metadata"]["deletable"] is False
    assert "editable" not in lab["echo"]["metadata"]
    assert "deletable" not in solution["echo"]["metadata"]


def test_one_unit_alone(root: Path, edit: Edit) -> None:
    edit(LAB, "points: 4}", "points: four}")
    assert relative(build(root, ["01"]), root) == {f"notebooks/{code}/01-server.ipynb" for code in LANGUAGES}
    assert relative(build(root, ["00-setup"]), root) == {f"notebooks/{code}/00-setup.ipynb" for code in LANGUAGES}
    with pytest.raises(BuildError, match="points, 0 or more"):
        build(root, ["L1"])
    with pytest.raises(BuildError, match='the course has no unit "07"'):
        build(root, ["07"])


def test_one_unit_alone_does_not_wait_for_its_neighbours(root: Path) -> None:
    (root / "course/notebooks/00-setup.md").unlink()
    assert relative(build(root, ["01"]), root) == {f"notebooks/{code}/01-server.ipynb" for code in LANGUAGES}
    with pytest.raises(BuildError) as raised:
        build(root)
    assert {problem.message.split(":")[0] for problem in raised.value.problems} == {
        'prerequisite "00"',
        "the link 00-setup.ipynb leads nowhere",
    }


def test_what_a_schedule_needs(root: Path) -> None:
    setup, server, lab = units(root)
    assert (setup.number, setup.kind, setup.minutes) == ("00", "notebook", 5)
    assert (setup.part, setup.sections, setup.prerequisites) == (None, "", ())
    assert (server.part, server.sections, server.prerequisites) == (1, "1", ("00",))
    assert server.title == Text(en="server.py, step by step", tr="server.py, adım adım")
    assert (lab.slug, lab.kind, lab.points, lab.source) == ("L1-echo", "lab", 6.5, LAB)
    assert [objective.into("tr") for objective in lab.objectives] == [
        "her mesaja yanıt veren bir uç nokta yazabileceksiniz"
    ]


def test_a_lab_is_taught_after_the_last_notebook_it_needs(root: Path) -> None:
    later = (root / NOTEBOOK).read_text("utf-8").replace("[00](00-setup.ipynb)", "00")
    (root / "course/notebooks/02-client.md").write_text(later, "utf-8")
    assert [unit.number for unit in units(root)] == ["00", "01", "L1", "02"]


def complaints(root: Path) -> list[str]:
    with pytest.raises(BuildError) as raised:
        check(root)
    return [str(problem) for problem in raised.value.problems]


def test_check_sees_a_byte(built: Path) -> None:
    path = built / "notebooks/tr/00-setup.ipynb"
    path.write_bytes(path.read_bytes().replace(b'"display_name": "Python 3 (ipykernel)"', b'"display_name": "Python"'))
    (said,) = complaints(built)
    line = path.read_text("utf-8").split("\n").index('   "display_name": "Python",') + 1
    assert said == f"notebooks/tr/00-setup.ipynb:{line}: differs from its source; run `wslab build`"


@pytest.mark.parametrize(
    ("before", "after"), [(b"}\n", b"}"), (b"}\n", b"}\n\n"), (b"\n", b"\r\n")], ids=["short", "long", "crlf"]
)
def test_check_sees_line_ends(built: Path, before: bytes, after: bytes) -> None:
    path = built / "labs/en/L1-echo/L1-echo.ipynb"
    content = path.read_bytes()
    path.write_bytes(content[:-2] + after if before == b"}\n" else content.replace(before, after))
    (said,) = complaints(built)
    assert said.startswith("labs/en/L1-echo/L1-echo.ipynb:")


def test_check_sees_what_is_missing_and_what_is_stray(built: Path) -> None:
    (built / "notebooks/en/00-setup.ipynb").unlink()
    (built / "labs/en/L1-echo/notes.txt").write_text("mine", "utf-8")
    assert complaints(built) == [
        "labs/en/L1-echo/notes.txt:1: stray file: nothing under course/ builds it; delete it or write its source",
        "notebooks/en/00-setup.ipynb:1: missing; run `wslab build`",
    ]


def test_check_overlooks_what_using_the_course_leaves(built: Path) -> None:
    for folder in ("notebooks/en/.ipynb_checkpoints", "labs/tr/L1-echo/.wslab"):
        (built / folder).mkdir()
        (built / folder / "left").write_text("", "utf-8")
    check(built)


def test_check_tells_mistakes_in_sources(built: Path, edit: Edit) -> None:
    line = edit(NOTEBOOK, "minutes: 5", "minutes: 0")
    assert complaints(built) == [f"{NOTEBOOK}:{line}: minutes is a whole number, 1 or more"]


def test_a_renamed_source_takes_its_notebooks_along(built: Path) -> None:
    (built / LAB).rename(built / "course/labs/L1-say.md")
    changed = relative(build(built), built)
    assert changed >= {f"labs/{code}/L1-{name}/L1-{name}.ipynb" for code in LANGUAGES for name in ("echo", "say")}
    assert not (built / "labs/en/L1-echo").exists()
    check(built)


def test_a_learners_own_files_are_left_alone(built: Path) -> None:
    copy = built / "notebooks/en/00-setup-Copy1.ipynb"
    shutil.copy(built / "notebooks/en/00-setup.ipynb", copy)
    other = built / "notebooks/en/my-notes.ipynb"
    other.write_text("not even a notebook", "utf-8")
    assert build(built) == []
    assert copy.exists()
    assert other.exists()


def rewrite(path: Path, **changes: str) -> None:
    """Edits cells by id, as JupyterLab would."""
    read = nbformat.read(path, as_version=4)
    for cell in read.cells:
        cell.source = changes.get(cell.id, cell.source)
    nbformat.write(read, path)


def test_an_edit_that_nobody_adopted_is_not_overwritten(built: Path, edit: Edit) -> None:
    where = "notebooks/en/01-server.ipynb"
    rewrite(built / where, endpoint="pass")
    edit(NOTEBOOK, "server cell by cell", "server, cell by cell")
    with pytest.raises(BuildError) as raised:
        build(built)
    said = "edited since it was built; `wslab adopt {}` takes the edit into the source, deleting this file drops it"
    assert str(raised.value) == f"{where}:1: {said.format(where)}"
    assert any(said.format(where) in complaint for complaint in complaints(built))
    (built / where).unlink()
    build(built)
    check(built)


def test_a_notebook_that_was_only_run_is_overwritten(built: Path, edit: Edit) -> None:
    path = built / "notebooks/en/01-server.ipynb"
    read = nbformat.read(path, as_version=4)
    for number, cell in enumerate(cell for cell in read.cells if cell.cell_type == "code"):
        cell.execution_count = number + 1
        cell.outputs = [nbformat.v4.new_output("stream", text="hello")]
        cell.metadata["scrolled"] = True
    read.metadata["language_info"] = {"name": "python", "version": "3.13.0"}
    nbformat.write(read, path)
    edit(NOTEBOOK, "server cell by cell", "server, cell by cell")
    assert path in build(built)
    check(built)


def test_an_empty_checkout_builds_nothing(tmp_path: Path) -> None:
    assert build(tmp_path) == []
    assert units(tmp_path) == ()
    check(tmp_path)
