"""What an instructor drops: every export's names, and every way in which a file is none."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest
from tests.grading.papers import Document, as_bytes, code, paper

from wslab.grading.intake import dropped
from wslab.grading.intake.opening import Unreadable, opened
from wslab.grading.intake.submissions import Intake, take_in


def put(folder: Path, place: str, data: bytes | None = None) -> Path:
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_bytes(paper()) if data is None else data)
    return path


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def who(taken: Intake) -> list[tuple[str, str]]:
    return [(one.student.id, one.lab) for one in taken.handed]


def reasons(taken: Intake) -> list[str]:
    return [str(one.reason) for one in taken.problems]


@pytest.mark.parametrize(
    ("place", "student", "name"),
    [
        ("ayşe/L1-echo.ipynb", "ayşe", "ayşe"),
        ("ayse/week 3/L1-echo.ipynb", "ayse", "ayse"),
        ("submitted/ayse/L1-echo/L1-echo.ipynb", "ayse", "ayse"),
        ("L1-en-solution/L1-echo/L1-echo.ipynb", "L1-en-solution", "L1-en-solution"),
        ("Ayşe Nur Yılmaz_123456_assignsubmission_file_/L1-echo.ipynb", "123456", "Ayşe Nur Yılmaz"),
        ("Ayşe Yılmaz_123456_assignsubmission_file_L1-echo.ipynb", "123456", "Ayşe Yılmaz"),
        ("yilmazayse_LATE_12345_67890_L1-echo-1.ipynb", "12345", "yilmazayse"),
        ("canvas/yilmazayse_12345_67890_L1-echo.ipynb", "12345", "yilmazayse"),
        ("ayse-L1-echo.ipynb", "ayse", "ayse"),
        ("L1-echo_ayse.ipynb", "ayse", "ayse"),
    ],
)
def test_the_student_is_found_in_every_layout(tmp_path: Path, place: str, student: str, name: str) -> None:
    put(tmp_path, place)
    taken = take_in(tmp_path)
    assert who(taken) == [(student, "L1")], reasons(taken)
    assert taken.handed[0].student.name == name
    assert taken.handed[0].notebook.language == "en"
    assert ("late" in " ".join(map(str, taken.handed[0].remarks))) == ("LATE" in place)


def test_zips_of_all_of_these(tmp_path: Path) -> None:
    one = as_bytes(paper())
    put(tmp_path, "class.zip", zipped(**{"ayse/L1-echo.ipynb": one, "bora/L1-echo.ipynb": one}))
    put(tmp_path, "moodle.zip", zipped(**{"Ali Can_77_assignsubmission_file_/work.ipynb": one}))
    put(tmp_path, "canvas.zip", zipped(**{"canali_45_46_L1-echo.ipynb": one, "ekinsu_47_48_L1-echo.ipynb": one}))
    put(tmp_path, "deniz.zip", zipped(**{"my work/L1-echo.ipynb": one}))
    put(tmp_path, "ela/work.zip", zipped(**{"a/b/L1-echo.ipynb": one}))
    put(
        tmp_path,
        "archive.zip",
        zipped(**{"fuat.zip": zipped(**{"x.ipynb": one}), "gul.zip": zipped(**{"x.ipynb": one})}),
    )
    assert {student for student, _ in who(take_in(tmp_path))} == {
        "ayse", "bora", "77", "45", "47", "deniz", "ela", "fuat", "gul",
    }  # fmt: skip
    assert [student for student, _ in who(take_in(tmp_path / "class.zip"))] == ["ayse", "bora"]


def test_zips_that_lead_out_link_lock_or_swell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = as_bytes(paper())
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../out.ipynb", one)
        archive.writestr("/etc/out.ipynb", one)
        link = zipfile.ZipInfo("link.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb.ipynb", b" " * 3_000_000)
        archive.writestr("deep.zip", zipped(**{"d.zip": zipped(**{"e.zip": zipped(**{"f.ipynb": one})})}))
    put(tmp_path / "in", "ayse/work.zip", file.getvalue())
    put(tmp_path / "in", "bora/work.zip", b"PK\x03\x04 nothing")
    monkeypatch.setattr(dropped, "BIGGEST", 2_000_000)
    taken = take_in(tmp_path / "in")
    said = " ".join(reasons(taken))
    for part in ("leads out of the zip", "symbolic link", "larger than", "zips in zips", "no zip file"):
        assert part in said
    assert not taken.handed
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_on_the_disk_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "secret.json")
    (tmp_path / "in" / "ayse").mkdir(parents=True)
    (tmp_path / "in" / "ayse" / "L1-echo.ipynb").symlink_to(tmp_path / "secret.json")
    taken = take_in(tmp_path / "in")
    assert not taken.handed
    assert reasons(taken) == ["It is a symbolic link, and what it points to was not handed in."]


def test_each_problem_is_a_row_with_its_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    put(tmp_path, "good/L1-echo.ipynb")
    put(tmp_path, "broken/L1-echo.ipynb", as_bytes(paper())[:5000])
    put(tmp_path, "page/L1-echo.ipynb", b"<!DOCTYPE html><html>")
    put(tmp_path, "nothing/L1-echo.ipynb", b"")
    put(tmp_path, "bytes/L1-echo.ipynb", b"\xff\xfe\x00")
    put(tmp_path, "list/L1-echo.ipynb", b"[1, 2]")
    put(tmp_path, "deep/L1-echo.ipynb", b"[" * 200_000)
    put(tmp_path, "alien/L1-echo.ipynb", as_bytes({"nbformat": 4, "cells": [code("print(1)")], "metadata": {}}))
    notebook = json.loads(next((Path(__file__).parents[3] / "notebooks/en").glob("01-*.ipynb")).read_text("utf-8"))
    put(tmp_path, "lesson/01-server.ipynb", as_bytes(notebook))
    (tmp_path / "empty").mkdir()
    taken = take_in(tmp_path)
    assert who(taken) == [("good", "L1")]
    by = {one.student.id: (one.lab, str(one.reason)) for one in taken.problems if one.student}
    assert set(by) == {"broken", "page", "nothing", "bytes", "list", "deep", "alien", "lesson", "empty"}
    assert by["broken"][0] == "L1"
    assert "JSON is broken" in by["broken"][1]
    assert "no lab of this course" in by["alien"][1]
    assert "not graded" in by["lesson"][1]
    assert "folder is empty" in by["empty"][1]
    assert all(one.reason.into("tr") != one.reason.into("en") for one in taken.problems)


def test_the_lab_and_language_are_those_of_the_notebook_and_not_of_its_name(tmp_path: Path) -> None:
    put(tmp_path, "ayse/L1-echo.ipynb", as_bytes(paper("L3", "tr")))
    (one,) = take_in(tmp_path).handed
    assert (one.lab, one.notebook.language) == ("L3", "tr")
    assert "Its name says L1, but it is L3." in map(str, one.remarks)


def stripped(document: Document) -> Document:
    document["metadata"] = {}
    for cell in document["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    return document


def test_a_lab_without_its_metadata_is_known_by_its_cells() -> None:
    found = opened(as_bytes(stripped(paper("L2", "tr"))))
    assert (found.lab.number, found.language) == ("L2", "tr")


@pytest.mark.slow
def test_fifty_megabytes_of_output_are_dropped(tmp_path: Path) -> None:
    document = paper()
    document["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "1, 2, [3]\n" * 5_300_000}]
    put(tmp_path, "ayse/L1-echo.ipynb", as_bytes(document))
    (one,) = take_in(tmp_path).handed
    assert sum(len(cell.source) for cell in one.notebook.cells) < 50_000


@pytest.mark.slow
def test_an_older_format_is_brought_up_to_date() -> None:
    import nbformat

    node = nbformat.reads(as_bytes(paper()).decode(), 4)
    old = nbformat.convert(node, 3)
    found = opened(nbformat.v3.writes_json(old).encode())
    assert found.lab.number == "L1"
    assert [cell.source.strip() for cell in found.cells if cell.grade_id == "server"] == [
        cell.source.strip() for cell in opened(as_bytes(paper())).cells if cell.grade_id == "server"
    ]
    assert "old notebook format 3" in str(found.remarks[0])
    with pytest.raises(Unreadable, match="old notebook format"):
        opened(b'{"nbformat": 3, "worksheets": [{"cells": [7]}]}')


def test_of_two_notebooks_of_one_lab_the_newest_is_taken(tmp_path: Path) -> None:
    first = put(tmp_path, "ayse/L1-echo.ipynb")
    second = put(tmp_path, "ayse/L1-echo-Copy1.ipynb")
    os.utime(first, (2_000_000_000, 2_000_000_000))
    os.utime(second, (1_900_000_000, 1_900_000_000))
    taken = take_in(tmp_path)
    (one,) = taken.handed
    assert one.place == "ayse/L1-echo.ipynb"
    assert [older.place for older in taken.older["ayse", "L1"]] == ["ayse/L1-echo-Copy1.ipynb"]
    assert one.timestamp == "2033-05-18 03:33:20"
    put(tmp_path, "canvas_11_22_L1-echo-2.ipynb")
    put(tmp_path, "canvas_11_23_L1-echo-10.ipynb")
    for path in tmp_path.glob("canvas*"):
        os.utime(path, (1_900_000_000, 1_900_000_000))
    assert next(one for one in take_in(tmp_path).handed if one.student.id == "11").place.endswith("-10.ipynb")


def test_nbgraders_timestamp_counts_and_checkpoints_do_not(tmp_path: Path) -> None:
    put(tmp_path, "submitted/ayse/L1-echo/L1-echo.ipynb")
    put(tmp_path, "submitted/ayse/L1-echo/.ipynb_checkpoints/L1-echo-checkpoint.ipynb", b"{")
    put(tmp_path, "submitted/ayse/L1-echo/timestamp.txt", b"2026-10-01 12:00:00.5 UTC")
    put(tmp_path, "submitted/ayse/.wslab/progress.sqlite", b"abc")
    taken = take_in(tmp_path)
    assert taken.handed[0].timestamp == "2026-10-01 12:00:00.5"
    assert taken.progress == {"ayse": b"abc"}
    assert not taken.problems


def test_a_file_that_is_nobodys_says_so(tmp_path: Path) -> None:
    put(tmp_path, "L1-echo.ipynb")
    assert "whose it is" in reasons(take_in(tmp_path))[0]


@pytest.mark.parametrize(
    ("home", "files", "found"),
    [
        ("ayse/L1-echo.ipynb", ("ayse/chat.py", "ayse/data/names.txt"), ["chat.py", "data/names.txt"]),
        ("submitted/ayse/L1-echo/L1-echo.ipynb", ("submitted/ayse/L1-echo/chat.py",), ["chat.py"]),
        ("ayse/L1/L1-echo.ipynb", ("ayse/chat.py", "ayse/L2/chat.py", "bora/L1/chat.py"), []),
        ("Ay Y_12_assignsubmission_file_/L1-echo.ipynb", ("Ay Y_12_assignsubmission_file_/chat.py",), ["chat.py"]),
        ("Ay Y_12_assignsubmission_file_L1-echo.ipynb", ("Ay Y_12_assignsubmission_file_chat.py",), ["chat.py"]),
        ("yilmaz_123_67_L1-echo-1.ipynb", ("yilmaz_123_68_chat-1.py", "demir_999_69_chat.py"), ["chat.py"]),
        ("ayse/L1-echo.ipynb", ("ayse/.env", "ayse/__pycache__/chat.pyc", "ayse/.git/config", "ayse/a.pyc"), []),
    ],
)
def test_modules_and_data_beside_the_notebook_come_with_it(
    tmp_path: Path, home: str, files: tuple[str, ...], found: list[str]
) -> None:
    members = dict.fromkeys(files, b"x = 1")
    put(tmp_path / "disk", home)
    for name, data in members.items():
        put(tmp_path / "disk", name, data)
    put(tmp_path, "class.zip", zipped(**{home: as_bytes(paper())}, **members))
    for top in (tmp_path / "disk", tmp_path / "class.zip"):
        (one,) = take_in(top).handed
        assert one.files == tuple((name, b"x = 1") for name in found)


def test_another_notebook_beside_the_lab_comes_with_it_like_any_file(tmp_path: Path) -> None:
    other = as_bytes({"nbformat": 4, "nbformat_minor": 5, "cells": [code("app = 1")], "metadata": {}})
    put(tmp_path, "ayse/L1-echo.ipynb")
    put(tmp_path, "ayse/lib/helpers.ipynb", other)
    put(tmp_path, "bora/L1-echo.ipynb")
    put(tmp_path, "bora/L1-echo (1).ipynb", as_bytes(paper())[:500])
    put(tmp_path, "bora/L3-codes.ipynb", as_bytes(paper("L3")))
    handed = {(one.student.id, one.lab): one.files for one in take_in(tmp_path).handed}
    assert handed == {("ayse", "L1"): (("lib/helpers.ipynb", other),), ("bora", "L1"): (), ("bora", "L3"): ()}


def test_what_lies_beside_a_notebook_has_bounds(tmp_path: Path) -> None:
    put(tmp_path, "ayse/L1-echo.ipynb")
    put(tmp_path, "ayse/film.mp4", b"x" * (dropped.BIGGEST_BESIDE + 1))
    for number in range(120):
        put(tmp_path, f"ayse/data/{number:03}.txt", b"x")
    (tmp_path / "ayse" / "link.py").symlink_to("/etc/passwd")
    put(tmp_path, "bora/chat.py", b"app = 1")
    taken = take_in(tmp_path)
    (one,) = taken.handed
    assert [name for name, _ in one.files] == [f"data/{number:03}.txt" for number in range(100)]
    assert "from `data/100.txt` on they were left out" in str(one.remarks[-1])
    assert reasons(taken) == [
        "No notebook was handed in, but chat.py. What is graded is the lab's file, which ends in .ipynb."
    ]
