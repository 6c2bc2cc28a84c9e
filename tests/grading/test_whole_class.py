"""Whatever one submission is, it is a row of its own, and the class has its reports."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.grading.papers import ROOT, as_bytes, code, failed, fake_grade, hand_in, paper

from wslab.grading import batch
from wslab.grading.batch import Selection
from wslab.grading.command import grade_class
from wslab.grading.intake import submissions
from wslab.grading.intake.dropped import walk
from wslab.grading.intake.opening import opened
from wslab.grading.intake.submissions import take_in
from wslab.grading.intake.utf8 import known_as, whole
from wslab.grading.reports import handed_progress
from wslab.grading.task import Result, Task
from wslab.language import Text
from wslab.progress.database import Store

HALF = "\ud83d"


def graded(top: Path, out: Path, grader: object = fake_grade) -> tuple[int, Mapping[str, Mapping[str, str]]]:
    """The exit status of a run in which all goes through, and the rows of scores.csv by student."""
    output = io.StringIO()
    console = Console(file=output, width=200)
    status = grade_class(top, out, ROOT, console, selection=Selection(), language="en", grader=grader)  # type: ignore[arg-type]
    output.getvalue().encode()
    assert "<h1>The class</h1>" in (out / "class.html").read_text(encoding="utf-8")
    with (out / "scores.csv").open(encoding="utf-8", newline="") as file:
        return status, {row["student_id"]: row for row in csv.DictReader(file)}


def put(folder: Path, place: str, data: bytes) -> Path:
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_points_that_no_float_holds_are_none(tmp_path: Path) -> None:
    document = paper()
    for cell in document["cells"]:
        if "points" in cell["metadata"].get("nbgrader", {}):
            cell["metadata"]["nbgrader"]["points"] = 10**400
    put(tmp_path / "in", "ayse/L1-echo.ipynb", as_bytes(document))
    hand_in(tmp_path / "in", "bora")
    status, rows = graded(tmp_path / "in", tmp_path / "out")
    assert status == 0
    assert float(rows["ayse"]["score"]) == float(rows["bora"]["score"]) > 0


def test_half_a_character_costs_nothing_and_is_told(tmp_path: Path) -> None:
    document = paper()
    document["cells"][1:1] = [code(f"face = '{HALF}'"), code("x = 1", f"mine{HALF}", solution=True)]
    put(tmp_path / "in", "ayse/L1-echo.ipynb", json.dumps(document).encode())
    hand_in(tmp_path / "in", "bora")
    seen: dict[str, Task] = {}

    def grader(task: Task) -> Result:
        seen[task.student] = task
        return fake_grade(task)

    status, rows = graded(tmp_path / "in", tmp_path / "out", grader)
    assert status == 0
    assert set(rows) == {"ayse", "bora"}
    assert float(rows["ayse"]["score"]) > 0
    assert "its escape `\\ud83d`: cell 2." in rows["ayse"]["remarks"]
    # It is the same text to Python.
    assert seen["ayse"].cells[0].source == "face = '\\ud83d'"


def test_half_a_character_in_what_a_notebook_claims_to_be(tmp_path: Path) -> None:
    document = {"nbformat": 4, "cells": [code("x")], "metadata": {"wslab": {"unit": f"07{HALF}-x"}}}
    put(tmp_path / "in", "ayse/work.ipynb", json.dumps(document).encode())
    put(tmp_path / "in", "ece/work.ipynb", json.dumps(document).replace("07", "07-").encode())
    hand_in(tmp_path / "in", "bora")
    status, rows = graded(tmp_path / "in", tmp_path / "out")
    assert status == 0
    assert "no lab of this course" in rows["ayse"]["remarks"]
    assert "07-\\ud83d-x" in rows["ece"]["remarks"]


def test_half_a_character_in_what_a_server_said(tmp_path: Path) -> None:
    hand_in(tmp_path / "in", "ayse")

    def grader(task: Task) -> Result:
        result = fake_grade(task)
        said = failed("L1", result.verdicts[0].check, Text.of(f"it said {HALF}"))
        return replace(result, verdicts=(said, *result.verdicts[1:]))

    assert graded(tmp_path / "in", tmp_path / "out", grader)[0] == 0
    assert graded(tmp_path / "in", tmp_path / "out")[1]["ayse"]["student_id"] == "ayse"  # the kept one, read again
    assert "it said \\ud83d" in (tmp_path / "out" / "feedback" / "ayse.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_of_a_zip(tmp_path: Path, method: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("ayse/L1-echo.ipynb", as_bytes(paper()))
        archive.writestr("bora/L1-echo.ipynb", as_bytes(paper()))
        begin = archive.getinfo("bora/L1-echo.ipynb").header_offset
    data = bytearray(file.getvalue())
    for place in range(200, begin - 50, 7):
        data[place] ^= 0x5A
    put(tmp_path / "in", "class.zip", bytes(data))
    status, rows = graded(tmp_path / "in", tmp_path / "out")
    assert status == 0
    assert "It can't be read from the zip, which may be damaged" in rows["ayse"]["remarks"]
    assert float(rows["bora"]["score"]) > 0


def test_a_member_that_a_decoder_stumbles_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class ZstdError(Exception):
        """As a newer Python's: a bare exception."""

    def damaged(*_: object, **__: object) -> None:
        raise ZstdError

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("L1-echo.ipynb", as_bytes(paper()))
    put(tmp_path / "in", "ayse.zip", file.getvalue())
    hand_in(tmp_path / "in", "bora")
    monkeypatch.setattr(zipfile.ZipFile, "open", damaged)
    assert "damaged: ZstdError" in graded(tmp_path / "in", tmp_path / "out")[1]["ayse"]["remarks"]


def test_a_member_that_stands_where_no_file_reaches(tmp_path: Path) -> None:
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("L1-echo.ipynb", as_bytes(paper()))
        archive.getinfo("L1-echo.ipynb").header_offset = 2**63 + 1
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("ayse/work.zip", inner.getvalue())
        archive.writestr("bora/L1-echo.ipynb", as_bytes(paper()))
    put(tmp_path / "in", "class.zip", outer.getvalue())
    status, rows = graded(tmp_path / "in", tmp_path / "out")
    assert status == 0
    assert "damaged" in rows["ayse"]["remarks"]
    assert float(rows["bora"]["score"]) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file systems take UTF-8 alone")
def test_names_in_another_encoding_are_two_students(tmp_path: Path) -> None:
    top = os.fsencode(tmp_path / "in")
    for name in (b"\xdeeyda", b"\xfeeyda"):
        os.makedirs(os.path.join(top, name))
        with open(os.path.join(top, name, b"L1-echo.ipynb"), "wb") as file:
            file.write(as_bytes(paper()))
    os.makedirs(os.path.join(top, b"\xe7a\xf0la"))  # and hands in nothing
    for name in (b"I\xfe\xfdk-L1-echo.ipynb", b"I\xfe\xfdk-L3-codes.ipynb"):
        with open(os.path.join(top, name), "wb") as file:
            file.write(as_bytes(paper("L3" if b"L3" in name else "L1")))
    hand_in(tmp_path / "in", "ayşe")
    status, rows = graded(tmp_path / "in", tmp_path / "out")
    assert status == 0
    assert len(rows) == 5
    assert sum(name.startswith("\ufffdeyda-") for name in rows) == 2
    assert sum(name.startswith("I\ufffd\ufffdk-") for name in rows) == 1
    (empty,) = (row for name, row in rows.items() if name.startswith("\ufffda\ufffdla-"))
    assert "folder is empty" in empty["remarks"]
    taken = take_in(tmp_path / "in")
    assert len([one for one in taken.handed if one.student.name.startswith("I")]) == 2


def test_what_names_become() -> None:
    assert known_as("ays\u0327e") == "ayşe"
    assert known_as("L1-echo.ipynb") == "L1-echo.ipynb"
    mended = known_as("\udcdeeyda. Y\udcfdlmaz")
    assert mended.startswith("\ufffdeyda. Y\ufffdlmaz-")
    assert known_as("\udcde.ipynb").endswith(".ipynb")
    # Two names whose legible part is one, even where a name has the sign that stands for what is not legible.
    assert len({known_as(name) for name in ("\udcde", "\udcfe", "\ufffd\udcde", "\udcde\ufffd", "\ufffd")}) == 5
    assert whole(known_as("\udcde\ud83d")) == known_as("\udcde\ud83d")


def test_a_folder_that_is_spelled_in_pieces_is_not_an_empty_one(tmp_path: Path) -> None:
    hand_in(tmp_path / "in", "ays\u0327e")
    assert list(graded(tmp_path / "in", tmp_path / "out")[1]) == ["ayşe"]


def test_a_name_of_thousands_of_digits(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{'9' * 5000}.ipynb", as_bytes(paper()))
    put(tmp_path / "in", "ayse/work.zip", file.getvalue())
    hand_in(tmp_path / "in", "bora")
    status, rows = graded(tmp_path / "in", tmp_path / "out")
    assert status == 0
    assert set(rows) == {"ayse", "bora"}


def test_a_file_of_a_year_that_no_calendar_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = hand_in(tmp_path / "in", "ayse").lstat()
    # Not every file system keeps such a time.
    monkeypatch.setattr(Path, "lstat", lambda _: os.stat_result((*found[:7], 1 << 60, 1 << 60, 1 << 60)))
    assert [one.fault for one in walk(tmp_path / "in")] == [None, None]


@pytest.mark.parametrize("unit", ["05\0", "../../../etc/passwd", "/etc/passwd", "05.status", "", "L" + "1" * 300])
def test_a_progress_file_whose_units_are_nonsense(tmp_path: Path, unit: str) -> None:
    store = Store(tmp_path / "progress.sqlite")
    store.answer(
        "05.status", "500", asked=store.ask("05.status", kind="selection", language="en", question="?", options=())
    )
    with sqlite3.connect(tmp_path / "progress.sqlite") as connection:
        connection.execute("UPDATE answers SET unit = ?", (unit,))
    connection.close()
    data = (tmp_path / "progress.sqlite").read_bytes()
    assert [one.unit for one in handed_progress.predictions([handed_progress.read(data)])] == [unit[:20]]
    hand_in(tmp_path / "in", "ayse")
    put(tmp_path / "in", "ayse/.wslab/progress.sqlite", data)
    assert graded(tmp_path / "in", tmp_path / "out")[0] == 0


def test_what_the_kit_stumbles_over_when_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(tmp_path / "in", "ayse", more="spoiled")
    hand_in(tmp_path / "in", "bora")

    def stumbles(data: bytes) -> object:
        if b"spoiled" in data:
            raise ZeroDivisionError("over {it}")
        return opened(data)

    monkeypatch.setattr(submissions, "opened", stumbles)
    _, rows = graded(tmp_path / "in", tmp_path / "out")
    assert "The kit itself stumbled over this (ZeroDivisionError: over {it})" in rows["ayse"]["remarks"]
    assert float(rows["bora"]["score"]) > 0


@pytest.mark.parametrize("error", [ZeroDivisionError("no {luck}"), ValueError("no {luck}"), OSError("no {luck}")])
def test_what_the_kit_stumbles_over_when_it_is_put_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    hand_in(tmp_path / "in", "ayse", more="spoiled")
    hand_in(tmp_path / "in", "bora")
    assemble = batch.assemble

    def stumbles(handed: object, kit: object) -> object:
        if "spoiled" in str(handed):
            raise error
        return assemble(handed, kit)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "assemble", stumbles)
    status, rows = graded(tmp_path / "in", tmp_path / "out")
    assert status == 1
    assert f"The kit itself stumbled over this ({type(error).__name__}: no {{luck}})" in rows["ayse"]["remarks"]
    assert float(rows["bora"]["score"]) > 0
