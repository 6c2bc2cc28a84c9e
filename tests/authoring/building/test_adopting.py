"""Edits made in a built notebook find their way into the source, and the next build gives back what was saved."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from tests.authoring.building.conftest import GLOSSARY
from tests.authoring.building.small_course import LAB, NOTEBOOK, Edit

from wslab.authoring.building import BuildError, adopt, build, check
from wslab.notebooks import RENDERED, essence

SETUP = "course/notebooks/00-setup.md"
TR = "notebooks/tr/01-server.ipynb"
EN = "notebooks/en/01-server.ipynb"
# What JupyterLab gives a new cell.
UUID = "0e4c1a9e-6a53-4c0f-9a52-1d7f3a2b9c11"


@pytest.fixture
def built(root: Path) -> Path:
    build(root)
    return root


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def change(path: Path, edit: Callable[[NotebookNode], None]) -> NotebookNode:
    """Opens, edits and saves a notebook."""
    notebook = read(path)
    edit(notebook)
    nbformat.write(notebook, path)
    return notebook


def cell(notebook: NotebookNode, start: str) -> NotebookNode:
    (found,) = [cell for cell in notebook.cells if cell.source.startswith(start)]
    return found


def essences(notebook: NotebookNode) -> list[object]:
    return [(cell.id, *essence(cell)) for cell in notebook.cells]


def replace(old: str, new: str) -> Callable[[NotebookNode], None]:
    def edit(notebook: NotebookNode) -> None:
        (found,) = [cell for cell in notebook.cells if old in cell.source]
        found.source = found.source.replace(old, new)

    return edit


def line_of(root: Path, file: str, start: str) -> int:
    text = (root / file).read_text("utf-8")
    return text[: text.index(start)].count("\n") + 1


def refusal(root: Path, where: str) -> str:
    sources = {path: path.read_bytes() for path in root.glob("course/*/*.md")}
    with pytest.raises(BuildError) as raised:
        adopt(root / where, root)
    assert {path: path.read_bytes() for path in sources} == sources, "a refused edit changed a source"
    return "\n".join(problem.message for problem in raised.value.problems)


def test_nothing_edited_changes_nothing(built: Path) -> None:
    before = (built / NOTEBOOK).read_bytes(), (built / TR).read_bytes()
    assert adopt(built / TR, built) == []
    assert ((built / NOTEBOOK).read_bytes(), (built / TR).read_bytes()) == before


def test_running_a_notebook_is_no_edit(built: Path) -> None:
    def run(notebook: NotebookNode) -> None:
        for code in (cell for cell in notebook.cells if cell.cell_type == "code"):
            code.execution_count = 1
            code.outputs = [nbformat.v4.new_output("stream", text="hello")]
            code.metadata.update(scrolled=True, collapsed=False, execution={"iopub.execute_input": "now"})
            code.metadata["slideshow"] = {"slide_type": ""}
        notebook.metadata["language_info"] = {"name": "python", "version": "3.13.0"}

    before = (built / NOTEBOOK).read_bytes()
    change(built / TR, run)
    assert adopt(built / TR, built) == []
    assert (built / NOTEBOOK).read_bytes() == before


def test_links_to_the_glossary_stay_out_of_the_source(built: Path) -> None:
    shutil.copy(GLOSSARY, built / "course" / "glossary.yml")
    build(built)
    (said,) = (cell.source for cell in read(built / TR).cells if "Tek bir [iş parçacığı](" in cell.source)
    change(built / TR, replace("Tek bir [iş parçacığı](", "Yalnızca bir [iş parçacığı]("))
    adopt(built / TR, built)
    source = (built / NOTEBOOK).read_text("utf-8")
    assert "Yalnızca bir iş parçacığı (thread)" in source
    assert "docs/glossary" not in source
    build(built)
    assert said.replace("Tek bir", "Yalnızca bir") in [cell.source for cell in read(built / TR).cells]


def test_code_goes_into_the_shared_cell(built: Path) -> None:
    line = line_of(built, NOTEBOOK, "```{code-cell} ipython3\nserver")
    before = read(built / TR)
    saved = change(built / TR, replace("server = serve(app)\nserver", "server = serve(app, port=8000)\nserver"))
    assert adopt(built / TR, built) == [f"{NOTEBOOK}:{line}: changed this code cell"]
    build(built)
    check(built)
    assert essences(read(built / TR)) == essences(saved)
    assert [cell.id for cell in read(built / EN).cells] == [cell.id for cell in before.cells]
    assert "port=8000" in (built / EN).read_text("utf-8")


def test_the_bytes_come_back(built: Path) -> None:
    change(built / TR, replace("aynı anda tek bir iş yapar", "bir anda tek bir iş yapar"))
    adopt(built / TR, built)
    after = (built / TR).read_bytes()
    changed = build(built)
    assert changed == []
    assert (built / TR).read_bytes() == after
    check(built)


def test_markdown_goes_into_its_own_language(built: Path) -> None:
    line = line_of(built, NOTEBOOK, '+++ {"lang": "tr"}\n\nBelge')
    before = (built / NOTEBOOK).read_text("utf-8"), (built / EN).read_bytes()
    change(built / TR, replace("Tek bir iş parçacığı", "Bir iş parçacığı"))
    assert adopt(built / TR, built) == [f"{NOTEBOOK}:{line}: changed this markdown cell"]
    source = (built / NOTEBOOK).read_text("utf-8")
    assert source == before[0].replace("Tek bir iş parçacığı", "Bir iş parçacığı")
    build(built)
    assert (built / EN).read_bytes() == before[1]
    check(built)


def test_an_edited_cell_keeps_its_id(built: Path) -> None:
    before = cell(read(built / EN), "The document speaks").id
    saved = change(built / EN, replace("The document speaks", "Our document speaks"))
    adopt(built / EN, built)
    assert f'+++ {{"lang": "en", "id": "{before}"}}\n\nOur document' in (built / NOTEBOOK).read_text("utf-8")
    build(built)
    check(built)
    assert essences(read(built / EN)) == essences(saved)
    assert cell(read(built / TR), "Belge").id == before


def test_the_setup_cell_keeps_naming_no_edition_but_the_first(built: Path) -> None:
    change(built / TR, replace("connected_clients = []", "clients = []"))
    adopt(built / TR, built)
    source = (built / NOTEBOOK).read_text("utf-8")
    assert 'use("en")\n\napp = FastAPI()\nclients = []\n' in source
    assert 'use("tr")' not in source
    assert ":id: setup" not in source
    build(built)
    check(built)


def test_a_new_code_cell(built: Path) -> None:
    def add(notebook: NotebookNode) -> None:
        notebook.cells.insert(
            notebook.cells.index(cell(notebook, "server = ")), new_code_cell("len(app.routes)", id=UUID)
        )

    saved = change(built / TR, add)
    number = [cell.id for cell in saved.cells].index(UUID) + 1
    assert adopt(built / TR, built) == [f"{NOTEBOOK}: added cell {number} (code)"]
    build(built)
    check(built)
    assert [essence(cell) for cell in read(built / TR).cells] == [essence(cell) for cell in saved.cells]
    assert UUID not in (built / NOTEBOOK).read_text("utf-8")
    assert [cell.id for cell in read(built / TR).cells if cell.id not in {c.id for c in saved.cells}]


def test_a_new_code_cell_like_another(built: Path) -> None:
    def add(notebook: NotebookNode) -> None:
        notebook.cells.insert(-2, new_code_cell("server = serve(app)\nserver", id=UUID))

    saved = change(built / TR, add)
    adopt(built / TR, built)
    build(built)
    check(built)
    assert [essence(cell) for cell in read(built / TR).cells] == [essence(cell) for cell in saved.cells]


def test_an_empty_new_cell_is_overlooked(built: Path) -> None:
    change(built / TR, lambda notebook: notebook.cells.append(new_code_cell("\n", id=UUID)))
    before = (built / NOTEBOOK).read_bytes()
    adopt(built / TR, built)
    assert (built / NOTEBOOK).read_bytes() == before
    build(built)
    check(built)


def test_a_new_markdown_cell_asks_for_its_translation(built: Path) -> None:
    def add(notebook: NotebookNode) -> None:
        notebook.cells.insert(-2, new_markdown_cell("Şimdi *sunucuyu* durdurun.", id=UUID))

    saved = change(built / TR, add)
    (said,) = adopt(built / TR, built)
    assert said.endswith("(markdown); the other languages are still to be written, next to it")
    with pytest.raises(BuildError) as raised:
        build(built)
    (problem,) = raised.value.problems
    assert problem.line == line_of(built, NOTEBOOK, '+++ {"lang": "tr"}\n\nŞimdi')
    assert problem.message.startswith('missing translation: no "en" cell')
    source = (built / NOTEBOOK).read_text("utf-8")
    turkish = '+++ {"lang": "tr"}\n\nŞimdi'
    (built / NOTEBOOK).write_text(
        source.replace(turkish, f'+++ {{"lang": "en"}}\n\nNow stop it.\n\n{turkish}'), "utf-8", newline="\n"
    )
    build(built)
    check(built)
    assert [essence(cell) for cell in read(built / TR).cells] == [essence(cell) for cell in saved.cells]


def test_a_deleted_cell_goes_in_every_language(built: Path) -> None:
    line = line_of(built, NOTEBOOK, '+++ {"lang": "en"}\n\nThe document speaks')
    saved = change(built / TR, lambda notebook: notebook.cells.remove(cell(notebook, "Belge")))
    assert adopt(built / TR, built) == [f"{NOTEBOOK}:{line}: deleted this markdown cell, in every language"]
    build(built)
    check(built)
    assert essences(read(built / TR)) == essences(saved)
    assert "The document speaks" not in (built / EN).read_text("utf-8")


def test_moved_cells_move_in_every_language(built: Path) -> None:
    def move(notebook: NotebookNode) -> None:
        notebook.cells.insert(2, notebook.cells.pop(notebook.cells.index(cell(notebook, "Belge"))))

    saved = change(built / TR, move)
    assert adopt(built / TR, built) == [f"{NOTEBOOK}: moved cells into the notebook's order, in every edition"]
    build(built)
    check(built)
    assert essences(read(built / TR)) == essences(saved)
    assert [cell.id for cell in read(built / EN).cells] == [cell.id for cell in saved.cells]


def test_notes_for_the_instructor_stay_behind_their_cell(built: Path) -> None:
    where = "notebooks/tr/00-setup.ipynb"

    def move(notebook: NotebookNode) -> None:
        notebook.cells.insert(2, notebook.cells.pop(notebook.cells.index(cell(notebook, "asyncio.get_running_loop"))))

    saved = change(built / where, move)
    adopt(built / where, built)
    source = (built / SETUP).read_text("utf-8")
    at = source.index("asyncio.get_running_loop()\n```\n\n" + '+++ {"lang": "en", "tags": ["instructor"]}\n\nRun it.')
    assert at < source.index("## A loop is already running")
    build(built)
    check(built)
    assert essences(read(built / where)) == essences(saved)


def test_notes_outlive_the_cell_they_stood_behind(built: Path) -> None:
    where = "notebooks/en/00-setup.ipynb"
    change(built / where, lambda notebook: notebook.cells.remove(cell(notebook, "asyncio.get_running_loop")))
    adopt(built / where, built)
    assert "Run it. Ask who started this loop." in (built / SETUP).read_text("utf-8")
    build(built)
    check(built)


def test_tags_and_the_slide_type(built: Path) -> None:
    def tag(notebook: NotebookNode) -> None:
        cell(notebook, "Belge").metadata.update(tags=["aside"], slideshow={"slide_type": "subslide"})
        cell(notebook, "server = ").metadata.update(tags=["hide-input"])

    saved = change(built / TR, tag)
    adopt(built / TR, built)
    build(built)
    check(built)
    assert essences(read(built / TR)) == essences(saved)
    assert cell(read(built / EN), "The document").metadata == {
        "tags": ["aside"],
        "slideshow": {"slide_type": "subslide"},
    }


def test_a_cell_that_changes_its_kind(built: Path) -> None:
    def turn(notebook: NotebookNode) -> None:
        index = notebook.cells.index(cell(notebook, "Belge"))
        notebook.cells[index] = new_code_cell("print('Belge')", id=notebook.cells[index].id)

    saved = change(built / TR, turn)
    adopt(built / TR, built)
    build(built)
    check(built)
    assert [essence(cell) for cell in read(built / TR).cells] == [essence(cell) for cell in saved.cells]
    assert "The document speaks" not in (built / EN).read_text("utf-8")


@pytest.mark.parametrize(
    "code",
    [
        ":id: not-metadata\nx = 1",
        "---\nx = 1",
        "text = '''\n```\n+++\n'''[:3]",
        "x = '''\n\n\n'''\n\n\ny = 2",
        "%%bash\necho 'ğ'",
        "    indented = 1",
        "````\n```{code-cell} ipython3\n````",
    ],
)
def test_code_that_looks_like_the_format(built: Path, code: str) -> None:
    """Such code either comes back as it is, or is refused with nothing written."""

    def edit(notebook: NotebookNode) -> None:
        cell(notebook, "server = ").source = code

    saved = change(built / TR, edit)
    if "{code-cell}" in code or "\n+++\n" in code:
        adopt_or_refuse(built, saved)
    else:
        adopt(built / TR, built)
        build(built)
        check(built)
        assert essences(read(built / TR)) == essences(saved)


def adopt_or_refuse(built: Path, saved: NotebookNode) -> None:
    before = (built / NOTEBOOK).read_bytes()
    try:
        adopt(built / TR, built)
    except BuildError:
        assert (built / NOTEBOOK).read_bytes() == before
    else:
        build(built)
        assert essences(read(built / TR)) == essences(saved)


@pytest.mark.parametrize("text", ["+++", "a\n\n+++\n\nb", "```{code-cell}\nx\n```", "---\n\nx\n\n---"])
def test_markdown_that_looks_like_the_format(built: Path, text: str) -> None:
    def edit(notebook: NotebookNode) -> None:
        cell(notebook, "Belge").source = text

    saved = change(built / TR, edit)
    adopt_or_refuse(built, saved)


def test_what_comes_from_the_front_matter_is_pointed_to(built: Path) -> None:
    before = (built / NOTEBOOK).read_bytes()
    change(built / TR, replace("5 dakika", "10 dakika"))
    (said,) = adopt(built / TR, built)
    line = line_of(built, NOTEBOOK, "unit:")
    assert said == (
        f'{NOTEBOOK}:{line}: the "title" cell is rendered from here; its edit was not carried over, make it here'
    )
    assert (built / NOTEBOOK).read_bytes() == before


def test_a_solution_is_edited_in_the_solution(built: Path) -> None:
    where = "solutions/tr/L1-echo/L1-echo.ipynb"
    saved = change(built / where, replace("data = await websocket.receive_text()", "data = await receive(websocket)"))
    adopt(built / where, built)
    build(built)
    check(built)
    assert essences(read(built / where)) == essences(saved)
    assert "receive(websocket)" in (built / LAB).read_text("utf-8")
    assert "receive(websocket)" not in (built / "labs/tr/L1-echo/L1-echo.ipynb").read_text("utf-8")


def test_points_and_roles_are_edited_in_the_solution(built: Path) -> None:
    where = "solutions/tr/L1-echo/L1-echo.ipynb"

    def grade(notebook: NotebookNode) -> None:
        cell(notebook, 'await check("L1.echo"').metadata.nbgrader.update(points=6, checksum="0" * 32)
        role = {"grade": False, "solution": False, "locked": True, "task": False}
        added = new_code_cell(
            "import json", id=UUID, metadata={"nbgrader": {"grade_id": "tools", "schema_version": 3, **role}}
        )
        notebook.cells.insert(2, added)

    saved = change(built / where, grade)
    adopt(built / where, built)
    source = (built / LAB).read_text("utf-8")
    assert "grade_id: check-echo\n  grade: true\n  points: 6\n" in source
    assert "grade_id: tools\n  locked: true\n" in source
    build(built)
    check(built)
    assert [essence(cell) for cell in read(built / where).cells[1:]] == [essence(cell) for cell in saved.cells[1:]]


def test_a_lab_gives_everything_but_its_stubs(built: Path) -> None:
    where = "labs/tr/L1-echo/L1-echo.ipynb"
    change(built / where, replace("sayfasına dönün", "defterine dönün"))
    adopt(built / where, built)
    build(built)
    check(built)
    assert "defterine dönün" in (built / LAB).read_text("utf-8")
    change(built / where, replace("    ...", "    pass"))
    assert refusal(built, where) == (
        'the cell "echo" is a stub, made from the solution; edit solutions/tr/L1-echo/L1-echo.ipynb and adopt that'
    )


def test_a_source_that_has_changed_since(built: Path, edit: Edit) -> None:
    change(built / TR, replace("Tek bir iş parçacığı", "Bir iş parçacığı"))
    edit(NOTEBOOK, "Onları çalıştıran döngüyle", "Bunları çalıştıran döngüyle")
    assert refusal(built, TR) == (
        f"{NOTEBOOK} has changed since this notebook was built, so an edit cannot be told from older text; "
        "move the notebook away, run `wslab build 01`, and make the edit in the new one"
    )


def test_editions_are_adopted_one_after_the_other(built: Path) -> None:
    change(built / TR, replace("Tek bir iş parçacığı", "Bir iş parçacığı"))
    change(built / EN, replace("One thread", "A thread"))
    adopt(built / TR, built)
    adopt(built / EN, built)
    build(built)
    check(built)
    source = (built / NOTEBOOK).read_text("utf-8")
    assert "Bir iş parçacığı" in source
    assert "A thread" in source


def test_twice_before_a_build(built: Path) -> None:
    change(built / TR, replace("Tek bir iş parçacığı", "Bir iş parçacığı"))
    adopt(built / TR, built)
    saved = change(built / TR, replace("server = serve(app)\nserver", "server = serve(app)"))
    adopt(built / TR, built)
    build(built)
    check(built)
    assert essences(read(built / TR)) == essences(saved)


def test_a_copy_from_elsewhere(built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mine.ipynb"
    shutil.copy(built / TR, copy)
    change(copy, replace("Tek bir iş parçacığı", "Bir iş parçacığı"))
    adopt(copy, built)
    build(built)
    check(built)
    assert "Bir iş parçacığı" in (built / TR).read_text("utf-8")


def test_a_raw_cell_is_refused(built: Path) -> None:
    change(built / TR, lambda notebook: notebook.cells.insert(3, new_raw_cell("raw", id=UUID)))
    assert refusal(built, TR) == "cell 4 is a raw cell, which a source cannot hold; make it Markdown or code"


def test_a_directive_is_adopted_and_then_told_by_the_build(built: Path) -> None:
    change(built / TR, replace("Tek bir iş parçacığı", "\n\n:::{note}\nTek bir iş parçacığı"))
    adopt(built / TR, built)
    with pytest.raises(BuildError, match="plain Markdown"):
        build(built)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        ("{", "this is no notebook: "),
        (
            '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
            "this is no notebook that `wslab build` wrote",
        ),
    ],
)
def test_what_is_no_notebook_of_the_course(built: Path, content: str | None, message: str) -> None:
    if content is not None:
        (built / "other.ipynb").write_text(content, "utf-8")
    assert refusal(built, "other.ipynb").startswith(message)


def test_a_unit_that_is_gone(built: Path) -> None:
    (built / LAB).unlink()
    assert refusal(built, "labs/tr/L1-echo/L1-echo.ipynb") == 'the course has no unit "L1-echo" any more'


def test_a_source_that_cannot_be_read(built: Path, edit: Edit) -> None:
    change(built / TR, replace("Tek bir iş parçacığı", "Bir iş parçacığı"))
    edit(NOTEBOOK, "minutes: 5", "minutes: soon")
    assert refusal(built, TR) == "minutes is a whole number, 1 or more"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["code", "prose", "delete", "move", "add"]),
        st.integers(0, 50),
        st.integers(0, 50),
        st.sampled_from(["x = 1", "y = 'ğ'\n\nz = 2", ":a = 3", "# ...", "print('''\n```\n''')"]),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_any_sequence_of_edits_comes_back(steps: list[tuple[str, int, int, str]]) -> None:
    """Editing, deleting, moving and adding, in any order: build → edit → adopt → build gives what was saved."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(Path(__file__).parent / "course", root / "course")
        build(root)
        path = root / "notebooks/en/00-setup.ipynb"
        saved = read(path)
        for number, (what, one, other, text) in enumerate(steps):
            # The title stays first; the setup cell stays, and stays first among the code.
            own = [cell for cell in saved.cells if cell.id not in (*RENDERED, "setup")]
            if what == "add":
                added = new_code_cell(f"{text}\n# {number}", id=f"new-{number}")
                saved.cells.insert(2 + one % (len(own) + 1), added)
            elif own:
                chosen = own[one % len(own)]
                if what == "delete":
                    saved.cells.remove(chosen)
                elif what == "move":
                    saved.cells.remove(chosen)
                    saved.cells.insert(2 + other % len(own), chosen)
                elif what == "code" and chosen.cell_type == "code":
                    chosen.source = f"{text}\n# {number}"
                elif what == "prose" and chosen.cell_type == "markdown" and not chosen.source.startswith("```"):
                    chosen.source = f"Some *prose* {number}.\n\n- ğ\n- {other}"
        nbformat.write(saved, path)
        adopt(path, root)
        build(root)
        check(root)
        assert [essence(cell) for cell in read(path).cells] == [essence(cell) for cell in saved.cells]
        kept = {cell.id for cell in saved.cells if not cell.id.startswith("new-")}
        assert kept <= {cell.id for cell in read(path).cells}
