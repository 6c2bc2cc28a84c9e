"""A course in somebody's folder is laid out and renewed, and what was typed in it is never lost."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslab import course_update
from wslab.course_update import LOCK, MANIFEST, STAGING, Changes, UpdateError, read_manifest, update

LAB = "labs/en/L1-echo/L1-echo.ipynb"
BESIDE = "labs/en/L1-echo/L1-echo (new).ipynb"
UNIT = "notebooks/en/00-setup.ipynb"
PAGE = "docs/document.en.md"


def notebook(*sources: str, title: str = "# Title", version: str = "1") -> bytes:
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": [title]}]
    cells += [
        {"cell_type": "code", "id": f"c{number}", "metadata": {}, "outputs": [], "source": source.splitlines(True)}
        for number, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {"wslab": {"version": version}}, "nbformat": 4}).encode()


def course(lab: str = "one", **other: Any) -> dict[str, bytes]:
    return {LAB: notebook(lab, "check()", **other), UNIT: notebook("use()", **other), PAGE: lab.encode()}


def change(path: Path, to: Callable[[dict[str, Any]], None]) -> bytes:
    content = json.loads(path.read_bytes())
    to(content)
    path.write_text(json.dumps(content), "utf-8")
    return path.read_bytes()


def type_in(path: Path, text: str = "mine") -> bytes:
    return change(path, lambda content: content["cells"][1].update(source=[text]))


def run_only(path: Path) -> bytes:
    """As JupyterLab leaves it: outputs, numbers, metadata of its own, an empty cell below the last one."""

    def ran(content: dict[str, Any]) -> None:
        for number, cell in enumerate(content["cells"]):
            cell["source"] = "".join(cell["source"])
            cell["metadata"]["trusted"] = True
            if cell["cell_type"] == "code":
                cell.update(execution_count=number, outputs=[{"output_type": "stream", "name": "stdout", "text": "!"}])
        content["cells"].append({"cell_type": "code", "id": "x", "metadata": {}, "outputs": [], "source": []})

    return change(path, ran)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "my course ş"


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (MANIFEST, LOCK)
    }


def test_a_first_course_is_as_shipped(folder: Path) -> None:
    done = update(folder, course(), "1")
    assert everything(folder) == course()
    assert done.first
    assert set(done.added) == course().keys()
    manifest = read_manifest(folder)
    assert manifest is not None
    assert (manifest.source, manifest.version, manifest.files.keys()) == ("wslab", "1", course().keys())


def test_nothing_new_changes_nothing(folder: Path) -> None:
    update(folder, course(), "1")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    done = update(folder, course(), "1")
    assert done == Changes(folder)
    assert done.told() == []
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_what_nobody_touched_is_renewed(folder: Path) -> None:
    update(folder, course("one"), "1")
    done = update(folder, course("two", version="2"), "2")
    assert everything(folder) == course("two", version="2")
    assert set(done.renewed) == course().keys()
    assert done.beside == ()


def test_what_was_only_run_is_renewed_where_its_cells_are_new_and_else_keeps_its_outputs(folder: Path) -> None:
    update(folder, course("one"), "1")
    run_only(folder / LAB)
    unit = run_only(folder / UNIT)
    done = update(folder, course("two", title="# Other minutes", version="2"), "2")
    assert (folder / LAB).read_bytes() == course("two", title="# Other minutes", version="2")[LAB]
    assert (folder / UNIT).read_bytes() == unit
    assert set(done.renewed) == {LAB, PAGE}
    assert update(folder, course("two", title="# Other minutes", version="2"), "2") == Changes(folder)


def test_what_was_typed_stays_and_the_new_version_is_beside_it(folder: Path) -> None:
    update(folder, course("one"), "1")
    mine = type_in(folder / LAB)
    done = update(folder, course("two"), "2")
    assert (folder / LAB).read_bytes() == mine
    assert (folder / BESIDE).read_bytes() == course("two")[LAB]
    assert done.beside == ((LAB, BESIDE),)
    assert BESIDE in " ".join(done.told())
    assert update(folder, course("two"), "2") == Changes(folder)


def test_an_edited_lab_whose_cells_are_the_same_in_the_new_version_gets_no_copy(folder: Path) -> None:
    update(folder, course("one"), "1")
    mine = type_in(folder / LAB)
    assert update(folder, course("one", title="# 45 minutes", version="2"), "2").beside == ()
    assert (folder / LAB).read_bytes() == mine
    assert not (folder / BESIDE).exists()
    # and the version after that, in which they differ, is offered
    assert update(folder, course("three"), "3").beside == ((LAB, BESIDE),)


@pytest.mark.parametrize("where", [0, 1])
def test_text_in_any_cell_counts_the_title_s_too(folder: Path, where: int) -> None:
    update(folder, course("one"), "1")
    mine = change(folder / LAB, lambda content: content["cells"][where].update(source=["note to myself"]))
    update(folder, course("two"), "2")
    assert (folder / LAB).read_bytes() == mine


def test_a_copy_that_was_offered_is_renewed_until_somebody_writes_in_it(folder: Path) -> None:
    update(folder, course("one"), "1")
    type_in(folder / LAB)
    update(folder, course("two"), "2")
    update(folder, course("three"), "3")
    assert (folder / BESIDE).read_bytes() == course("three")[LAB]
    mine = type_in(folder / BESIDE, "in the copy")
    done = update(folder, course("four"), "4")
    assert (folder / BESIDE).read_bytes() == mine
    assert done.beside == ((LAB, BESIDE.replace("(new)", "(new 2)")),)


def test_a_learner_who_took_the_new_version_is_in_step_again(folder: Path) -> None:
    update(folder, course("one"), "1")
    type_in(folder / LAB)
    update(folder, course("two"), "2")
    (folder / BESIDE).replace(folder / LAB)
    assert LAB in update(folder, course("three"), "3").renewed


@pytest.mark.parametrize("damage", [b"", b"{", b'{"cells": 3}', b"[]", b'{"cells": [{"cell_type": 1}]}', b"\xff\xfe"])
def test_a_file_that_is_no_notebook_any_more_stays(folder: Path, damage: bytes) -> None:
    update(folder, course("one"), "1")
    (folder / LAB).write_bytes(damage)
    update(folder, course("two"), "2")
    assert (folder / LAB).read_bytes() == damage
    assert (folder / BESIDE).read_bytes() == course("two")[LAB]


def test_a_file_that_was_deleted_comes_back(folder: Path) -> None:
    update(folder, course(), "1")
    (folder / LAB).unlink()
    assert update(folder, course(), "1").added == (LAB,)


def test_a_folder_in_the_way_stays(folder: Path) -> None:
    (folder / LAB).mkdir(parents=True)
    (folder / LAB / "own.txt").write_text("mine", "utf-8")
    assert update(folder, course(), "1").beside == ((LAB, BESIDE),)
    assert (folder / LAB / "own.txt").read_text("utf-8") == "mine"


def test_files_of_the_same_name_from_before_stay(folder: Path) -> None:
    (folder / "docs").mkdir(parents=True)
    (folder / PAGE).write_text("mine", "utf-8")
    update(folder, course(), "1")
    assert (folder / PAGE).read_text("utf-8") == "mine"
    assert (folder / "docs/document.en (new).md").is_file()


def test_what_the_course_no_longer_has_goes_if_untouched(folder: Path) -> None:
    update(folder, course(), "1")
    type_in(folder / LAB)
    done = update(folder, {PAGE: b"one"}, "2")
    assert done.removed == (UNIT,)
    assert done.left == (LAB,)
    assert everything(folder).keys() == {LAB, PAGE}


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"files": {"x": 3}, "source": "", "version": ""}'])
def test_without_a_readable_manifest_nothing_is_taken_for_untouched(folder: Path, damage: str) -> None:
    update(folder, course("one"), "1")
    (folder / MANIFEST).write_text(damage, "utf-8")
    before = everything(folder)
    update(folder, course("two"), "2")
    after = everything(folder)
    assert before.items() <= after.items()
    assert after[BESIDE] == course("two")[LAB]


@pytest.mark.parametrize(
    "path",
    ["../own.txt", "docs/../../own.txt", "{here}/own.txt", "C:/own.txt", "..\\own.txt", "docs//../own.txt", "", "."],
)
def test_a_manifest_that_names_what_is_outside_is_not_believed(folder: Path, tmp_path: Path, path: str) -> None:
    """It comes with a release that somebody else packed: a file that it knows the digest of would be removed."""
    update(folder, course(), "1")
    own = tmp_path / "own.txt"
    own.write_text("mine", "utf-8")
    manifest = json.loads((folder / MANIFEST).read_bytes())
    kept = course_update.Shipped.of("own.txt", b"mine")
    manifest["files"][path.format(here=tmp_path)] = {"file": kept.file, "text": kept.text, "lesson": kept.lesson}
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    update(folder, course("two"), "2")
    assert own.read_text("utf-8") == "mine"
    assert read_manifest(folder).files.keys() == course().keys()  # type: ignore[union-attr]


def test_a_manifest_that_a_later_version_wrote_more_into_is_read(folder: Path) -> None:
    update(folder, course(), "1")
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest |= {"more": 1, "files": {path: {**kept, "more": 2} for path, kept in manifest["files"].items()}}
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    assert set(update(folder, course("two", version="2"), "2").renewed) == course().keys()


def test_an_older_kit_leaves_a_newer_course_alone(folder: Path) -> None:
    update(folder, course("two"), "0.10.0")
    done = update(folder, course("one"), "0.9.0")
    assert everything(folder) == course("two")
    (said,) = done.told()
    assert "0.10.0" in said
    assert "0.9.0" in said


def test_the_source_is_kept(folder: Path) -> None:
    update(folder, course(), "1", source="class")
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.source == "class"


# What goes wrong on the way


class Killed(BaseException):
    pass


def fail_at(monkeypatch: pytest.MonkeyPatch, name: str, count: int, error: BaseException) -> None:
    """The `count`-th call of a function of the module fails; a killed process cleans nothing up."""
    real, calls = getattr(course_update, name), iter(range(count))

    def failing(*given: Any) -> Any:
        if next(calls, None) is None:
            raise error
        return real(*given)

    monkeypatch.setattr(course_update, name, failing)
    if isinstance(error, Killed):
        monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)


@pytest.mark.parametrize("name", ["_write", "_replace"])
@pytest.mark.parametrize("count", range(6))
@pytest.mark.parametrize("first", [True, False])
def test_a_killed_update_can_be_repeated(folder: Path, name: str, count: int, first: bool) -> None:
    mine = b""
    if not first:
        update(folder, course("one"), "1")
        mine = type_in(folder / LAB)
    with pytest.MonkeyPatch.context() as patch:
        fail_at(patch, name, count, Killed())
        try:
            update(folder, course("two"), "2")
        except Killed:
            assert first or read_manifest(folder).version == "1"  # type: ignore[union-attr]
    update(folder, course("two"), "2")
    wanted = course("two") if first else {**course("two"), LAB: mine, BESIDE: course("two")[LAB]}
    assert everything(folder) == wanted
    assert not (folder / STAGING).exists()
    assert update(folder, course("two"), "2") == Changes(folder)


@pytest.mark.parametrize("count", range(3))
def test_a_full_disk_is_a_sentence_and_nothing_is_half_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    update(folder, course("one"), "1")
    type_in(folder / LAB)
    before = everything(folder)
    fail_at(monkeypatch, "_write", count, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(UpdateError, match="full"):
        update(folder, course("two"), "2")
    after = everything(folder)
    assert after[LAB] == before[LAB]
    assert set(after.values()) <= set(before.values()) | set(course("two").values())
    assert not (folder / STAGING).exists()


def test_a_first_course_on_a_full_disk_leaves_no_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_at(monkeypatch, "_write", 1, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(UpdateError, match="full"):
        update(folder / "below", course("one"), "1")
    assert not folder.exists()


def test_a_disk_too_full_for_the_lock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite wants a page of its own, and says so by an error of its own."""
    update(folder, course("one"), "1")
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL

    def full(*given: Any, **more: Any) -> None:
        raise error

    monkeypatch.setattr(course_update.sqlite3, "connect", full)
    with pytest.raises(UpdateError, match="The disk that holds"):
        update(folder, course("two"), "2")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_disk_that_is_really_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def opened(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
        return real(Path("/dev/full") if STAGING in path.parts else path, mode, *more, **named)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(UpdateError, match="full"):
        update(folder, course("one"), "1")
    assert not folder.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(UpdateError, match="can't be written"):
            update(tmp_path / "here", course(), "1")
    finally:
        tmp_path.chmod(0o755)


def test_a_read_only_course_that_is_up_to_date_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update(folder, course(), "1")
    monkeypatch.setattr(course_update, "_locked", None)  # nothing is even locked
    assert update(folder, course(), "1") == Changes(folder)


def test_a_file_where_the_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(UpdateError, match="can't be written"):
        update(tmp_path / "file", course(), "1")


def test_a_file_that_another_program_holds_is_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a file that is open elsewhere can't be replaced."""
    update(folder, course("one"), "1")
    real = os.replace
    with monkeypatch.context() as patch:

        def held(new: Path, target: Path) -> None:
            if target.name == Path(UNIT).name:
                raise PermissionError(errno.EACCES, "held")
            real(new, target)

        patch.setattr(os, "replace", held)
        patch.setattr(course_update, "_TRIES", 1)
        done = update(folder, course("two", version="2"), "2")
    assert done.held == (UNIT,)
    assert set(done.renewed) == {LAB, PAGE}
    assert (folder / UNIT).read_bytes() == course("one")[UNIT]
    assert update(folder, course("two", version="2"), "2").renewed == (UNIT,)


def test_a_notebook_that_is_saved_meanwhile_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update(folder, course("one"), "1")
    real, saved = course_update._write, []

    def writing(path: Path, content: bytes) -> None:
        if not saved:
            saved.append(type_in(folder / LAB))
        real(path, content)

    monkeypatch.setattr(course_update, "_write", writing)
    done = update(folder, course("two"), "2")
    assert done.held == (LAB,)
    assert (folder / LAB).read_bytes() == saved[0]
    assert update(folder, course("two"), "2").beside == ((LAB, BESIDE),)


def test_two_at_once_take_turns(folder: Path) -> None:
    done: list[Changes] = []
    both = [threading.Thread(target=lambda: done.append(update(folder, course(), "1"))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(20)
    assert sorted(len(one.added) for one in done) == [0, len(course())]
    assert everything(folder) == course()


def test_one_that_never_ends_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update(folder, course("one"), "1")
    monkeypatch.setattr(course_update, "_PATIENCE", 0.05)
    holder = sqlite3.connect(folder / LOCK, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UpdateError, match="right now"):
            update(folder, course("two"), "2")
    finally:
        holder.close()


@pytest.fixture(scope="module")
def somewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("properties")


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ship"), st.sampled_from("abc")),
        st.tuples(st.just("kill"), st.tuples(st.sampled_from("abc"), st.integers(0, 9))),
        st.tuples(st.just("type"), st.sampled_from((LAB, UNIT, BESIDE))),
        st.tuples(st.just("run"), st.sampled_from((LAB, UNIT, BESIDE))),
        st.tuples(st.just("take"), st.just(None)),
        st.tuples(st.just("forget"), st.just(None)),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(steps=_STEPS)
def test_whatever_happens_what_was_typed_is_in_the_folder(steps: list[tuple[str, Any]], somewhere: Path) -> None:
    folder = somewhere / "course"
    shutil.rmtree(folder, ignore_errors=True)
    typed: set[str] = set()

    def ship(lab: str) -> Mapping[str, bytes]:
        return {LAB: notebook(lab), UNIT: notebook(f"use {lab}", title=f"# {lab}")}

    for number, (step, what) in enumerate(steps, 1):
        version = f"0.{number}"
        if step == "ship":
            update(folder, ship(what), version)
        elif step == "kill":
            with pytest.MonkeyPatch.context() as patch:
                fail_at(patch, "_replace", what[1], Killed())
                with contextlib.suppress(Killed):
                    update(folder, ship(what[0]), version)
        elif step == "forget":
            (folder / MANIFEST).unlink(missing_ok=True)
        elif step == "take" and (folder / BESIDE).is_file():
            typed -= {text for text in typed if text in (folder / LAB).read_text("utf-8")}
            (folder / BESIDE).replace(folder / LAB)
        elif step in ("type", "run") and (folder / what).is_file():
            if step == "run":
                run_only(folder / what)
            else:
                typed -= {text for text in typed if text in (folder / what).read_text("utf-8")}
                type_in(folder / what, f"typed {number}")
                typed.add(f"typed {number}")
        there = "".join(path.read_text("utf-8") for path in folder.rglob("*.ipynb"))
        assert [text for text in typed if text not in there] == []
    update(folder, ship("z"), "1")
    after = [path.read_bytes() for path in folder.rglob("*.ipynb")]
    assert {LAB: notebook("z")}[LAB] in after
