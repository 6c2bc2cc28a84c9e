"""Everybody in a drop has a row, and nobody's mark comes from somebody else's files."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.grading.intake.drops import LATER, dropped, graded, mark_of, rows, work, zipped
from typer.testing import CliRunner

from wslab import cli
from wslab.errors import LabError
from wslab.grading.batch import Batch, Selection
from wslab.grading.intake.submissions import take_in
from wslab.grading.ledger import Ledger

MOODLE = "{}_{}_assignsubmission_file_"


def marks(batch: Batch) -> dict[tuple[str, str], float | None]:
    return {key: None if row.result is None else float(row.result.score) for key, row in rows(batch).items()}


def said(batch: Batch, student: str, lab: str = "L1") -> str:
    return " ".join(map(str, rows(batch)[student, lab].notes))


@pytest.mark.parametrize("origin", ["canvas", "moodle", "folder"])
def test_a_zip_is_its_owners_whatever_name_stands_in_it(tmp_path: Path, origin: str) -> None:
    right, wrong = work("right"), work("wrong")
    if origin == "canvas":
        forged = zipped(("doejane_11112_99999_L1-echo.ipynb", wrong), when=LATER)
        members = ("doejane_11112_90000_L1-echo.ipynb", right), ("evex_22222_90001_work.zip", forged)
        batch = graded(dropped(tmp_path / "in", **{"canvas.zip": zipped(*members)}), tmp_path / "out")
        jane, eve, name = "11112", "22222", "doejane"
    elif origin == "moodle":
        forged = zipped(("Ayşe Ak_100001_assignsubmission_file_/L1-echo.ipynb", wrong), when=LATER)
        members = (
            ("Ayşe Ak_100001_assignsubmission_file_L1-echo.ipynb", right),
            ("Eve X_100009_assignsubmission_file_w.zip", forged),
        )
        batch = graded(dropped(tmp_path / "in", **{"moodle.zip": zipped(*members)}), tmp_path / "out")
        jane, eve, name = "100001", "100009", "Ayşe Ak"
    else:
        files = {"jane/L1-echo.ipynb": right, "eve/w.zip": zipped(("jane_11_22_L1-echo.ipynb", wrong), when=LATER)}
        batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out")
        jane, eve, name = "jane", "eve", "jane"
    assert marks(batch) == {(jane, "L1"): mark_of(right), (eve, "L1"): mark_of(wrong)}
    assert name in said(batch, eve)
    assert "nothing as theirs" in said(batch, eve)


def test_a_forged_name_in_the_only_folder_is_no_row(tmp_path: Path) -> None:
    for number, members in enumerate([["ghost_33333_44444_L1.ipynb"], ["a_11_22_L1.ipynb", "b_33_44_L1.ipynb"]]):
        inner = zipped(*((name, work(name)) for name in members))
        batch = graded(dropped(tmp_path / f"in{number}", **{"eve/w.zip": inner}), tmp_path / f"out{number}")
        assert list(rows(batch)) == [("eve", "L1")]


def test_everybody_in_an_export_has_a_row_with_a_reason(tmp_path: Path) -> None:
    def of(name: str, number: int, file: str) -> str:
        return f"{name}_{number}_assignsubmission_file_/{file}"

    members = (
        (of("Ayşe Yılmaz", 101, "L1-echo.ipynb"), work()),
        (of("Bora Kaya", 102, "L1-echo.ipynb.txt"), work()),
        (of("Can Demir", 103, "L1-echo.json"), work()),
        (of("Deniz Ak", 104, "L1-echo.rar"), b"Rar!"),
        (of("Ece Su", 105, ""), b""),
        (of("Ferit Öz", 106, "L1-echo.py"), b"print(1)"),
        (of("Gül Er", 107, "report.pdf"), b"%PDF"),
        ("Işık Ay_108_assignsubmission_onlinetext_/onlinetext.html", b"<p>sorry</p>"),
        (of("İnci Su", 109, "L1-echo.ipynb.txt"), b"<html>"),
        (of("Jale Su", 110, "notes.txt"), b"x" * 5_000_000),
        (of("Kaan Su", 111, "w.zip"), b"PK no zip"),
        (of("Lale Su", 112, "settings.json"), b'{"cells": 5}'),
        (of("Mert Su", 113, "L1-echo.ipynb.tar.gz"), b"\x1f\x8b"),
    )
    batch = graded(dropped(tmp_path / "in", **{"moodle.zip": zipped(*members)}), tmp_path / "out")
    found = {row.student.id: row for row in batch.rows}
    assert sorted(found, key=int) == [str(number) for number in range(101, 114)]
    assert {id for id, row in found.items() if row.result is not None} == {"101", "102", "103"}
    parts = {
        "102": "It is called L1-echo.ipynb.txt",
        "104": "L1-echo.rar can't be looked into",
        "105": "the folder is empty",
        "106": "No notebook was handed in, but L1-echo.py.",
        "107": "report.pdf",
        "108": "a text written online",
        "109": "JSON is broken",
        "110": "notes.txt",
        "111": "no zip file",
        "112": "settings.json",
        "113": "L1-echo.ipynb.tar.gz can't be looked into",
    }
    for id, part in parts.items():
        assert part in " ".join(map(str, found[id].notes)), id
    assert all(row.reason.into("tr") != row.reason.into("en") for row in batch.rows if row.reason)
    assert batch.graded + batch.kept + sum(row.result is None for row in batch.rows) == len(batch.rows) == 13


def test_the_same_in_folders_and_in_canvas(tmp_path: Path) -> None:
    files = {
        "canvas/yilmazayse_101_9001_L1-echo.ipynb": work(),
        "canvas/kayabora_102_9002_L1-echo.ipynb.txt": work(),
        "canvas/demircan_103_9003_L1-echo.json": work(),
        "canvas/akdeniz_LATE_104_9004_L1-echo.pdf": b"%PDF",
    }
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert {key: mark is None for key, mark in marks(batch).items()} == {
        ("101", "L1"): False, ("102", "L1"): False, ("103", "L1"): False, ("104", "L1"): True,
    }  # fmt: skip
    files = {"a/L1.ipynb": work(), "b/L1.py": b"", "c/": b"", "d/deep/er/x.pdf": b"", "e/L1-echo.ipynb.json": work()}
    batch = graded(dropped(tmp_path / "in2", **files), tmp_path / "out2")
    assert [row.student.id for row in batch.rows] == ["a", "b", "c", "d", "e"]
    assert [row.result is not None for row in batch.rows] == [True, False, False, False, True]


def test_a_notebook_under_its_own_name_goes_before_a_copy_under_another(tmp_path: Path) -> None:
    top = dropped(tmp_path / "in", **{"a/L1-echo.ipynb": work("mine"), "a/L1-echo.ipynb.txt": work("copy")})
    os.utime(top / "a/L1-echo.ipynb", (1e9, 1e9))
    assert marks(graded(top, tmp_path / "out")) == {("a", "L1"): mark_of(work("mine"))}


@pytest.mark.parametrize(
    "level", ["section-a", "2026/fall/section-a", "10-B", "Algorithms", "Algorithms/Beta", "submitted", "x/submitted"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_students_folders_is_a_level(tmp_path: Path, level: str, packed: bool) -> None:
    people = ("zeynep", "can", "dana")
    files: dict[str, bytes] = {}
    for who in people:
        if packed:
            files[f"{level}/{who}.zip"] = zipped(("L1-echo.ipynb", work(who)))
        else:
            files[f"{level}/{who}/L1-echo.ipynb"] = work(who)
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert marks(batch) == {(who, "L1"): mark_of(work(who)) for who in people}


@pytest.mark.parametrize("people", [("20231234", "20231235"), ("101", "102"), ("7", "8"), ("x", "y")])
@pytest.mark.parametrize("level", ["", "section-a/", "section-a/2/"])
def test_numbers_and_letters_are_people_too(tmp_path: Path, people: tuple[str, str], level: str) -> None:
    files = {f"{level}{who}/L1-echo.ipynb": work(who) for who in people}
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert marks(batch) == {(who, "L1"): mark_of(work(who)) for who in people}


def test_two_sections_one_of_them_small(tmp_path: Path) -> None:
    files = {f"Alpha/{who}/L1.ipynb": work(who) for who in ("zeynep", "can")} | {"Beta/dana/L1.ipynb": work("dana")}
    assert [row.student.id for row in graded(dropped(tmp_path / "in", **files), tmp_path / "out").rows] == [
        "can", "dana", "zeynep",
    ]  # fmt: skip


@pytest.mark.parametrize("below", ["old", "week 3", "Desktop/ws", "L1-echo", "my work/L1"])
def test_one_students_own_folders_are_no_level(tmp_path: Path, below: str) -> None:
    files = {f"ayse/{below}/L1-echo.ipynb": work("a"), "bora/L1-echo.ipynb": work("b")}
    files |= {"ayse/new/L3-codes.ipynb": work("c", "L3")}
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert set(rows(batch)) == {("ayse", "L1"), ("ayse", "L3"), ("bora", "L1")}


@pytest.mark.parametrize(("one", "two"), [("L1", "L6"), ("CS101-Echo-1234", "CS101-Loop-1235"), ("echo", "loop")])
def test_one_person_in_two_moodle_exports(tmp_path: Path, one: str, two: str) -> None:
    files = {
        f"{one}.zip": zipped((f"{MOODLE.format('Ayşe Ak', 100001)}/L1-echo.ipynb", work())),
        f"{two}.zip": zipped((f"{MOODLE.format('Ayşe Ak', 200011)}/L6-loop.ipynb", work(lab="L6"))),
    }
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert set(rows(batch)) == {("100001", "L1"), ("100001", "L6")}
    assert "Who is this" not in said(batch, "100001")


def test_a_name_that_is_there_twice_is_a_question_and_no_one_person(tmp_path: Path) -> None:
    first = [(f"{MOODLE.format('Ayşe Ak', number)}/L1-echo.ipynb", work(str(number))) for number in (100001, 100002)]
    second = (f"{MOODLE.format('Ayşe Ak', 200011)}/L6-loop.ipynb", work(lab="L6"))
    top = dropped(tmp_path / "in", **{"L1.zip": zipped(*first), "L6.zip": zipped(second)})
    batch = graded(top, tmp_path / "out")
    assert set(rows(batch)) == {("100001", "L1"), ("100002", "L1"), ("200011", "L6")}
    assert all("Who is this?" in " ".join(map(str, row.notes)) for row in batch.rows)


def test_one_name_in_two_sections_is_a_question(tmp_path: Path) -> None:
    files = {f"section-{s}/{who}/L1.ipynb": work(s + who) for s, who in ("aa", "ab", "bb", "bc")}
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert set(rows(batch)) == {("a", "L1"), ("section-a/b", "L1"), ("section-b/b", "L1"), ("c", "L1")}
    assert "Is this one person?" in said(batch, "section-a/b")
    files = {"week 1/ayse/L1.ipynb": work("1"), "week 2/ayse/L3.ipynb": work("3", "L3")}
    files |= {"week 1/bora/L1.ipynb": work("4"), "week 2/bora/L3.ipynb": work("5", "L3")}
    batch = graded(dropped(tmp_path / "in2", **files), tmp_path / "out2")
    assert set(rows(batch)) == {(who, lab) for who in ("ayse", "bora") for lab in ("L1", "L3")}


def test_one_number_with_two_names_is_two_people(tmp_path: Path) -> None:
    files = {
        "moodle/Ayşe Ak_12345_assignsubmission_file_/L1.ipynb": work("a"),
        "moodle/Can Er_12345_assignsubmission_file_/L1.ipynb": work("b"),
        "canvas/akayse_12345_99_L1.ipynb": work("c"),
        "12345/L1.ipynb": work("d"),
    }
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert len({row.student.id for row in batch.rows}) == 4
    found = sorted(mark for mark in marks(batch).values() if mark is not None)
    assert found == sorted(mark_of(data) for data in files.values())


@pytest.mark.parametrize("packed", [False, True])
def test_newest_or_best(tmp_path: Path, packed: bool) -> None:
    works = sorted((work(str(number)) for number in range(6)), key=mark_of)
    worst, best = works[0], works[-1]
    assert mark_of(worst) < mark_of(best)
    top = dropped(tmp_path / "in", **{"zeynep/L1-echo.ipynb": best, "zeynep/L1-echo (1).ipynb": worst})
    os.utime(top / "zeynep/L1-echo.ipynb", (1e9, 1e9))
    newest = graded(top, tmp_path / "out")
    assert marks(newest) == {("zeynep", "L1"): mark_of(worst)}
    assert "Graded was the newest, zeynep/L1-echo (1).ipynb, and not zeynep/L1-echo.ipynb" in said(newest, "zeynep")
    chosen = graded(top, tmp_path / "out", selection=Selection(best=True))
    assert marks(chosen) == {("zeynep", "L1"): mark_of(best)}
    assert "The best, zeynep/L1-echo.ipynb, counts" in said(chosen, "zeynep")
    assert (chosen.graded, chosen.kept) == (1, 0)


def test_a_zip_with_more_people_than_a_class_has(tmp_path: Path) -> None:
    data = zipped(*((f"s{number:05}_1{number:05}_9{number:05}_notes.txt", b"") for number in range(2500)))
    top = dropped(tmp_path / "in", **{"many.zip": data})
    for place in (top, top / "many.zip"):
        with pytest.raises(LabError, match=r"many.zip holds work of 2500 people, more than 2000.*--most 2500"):
            graded(place, tmp_path / "out")
    assert len(take_in(top, most=2500).problems) == 2500


def test_only_names_people_too_and_fails_where_it_names_nothing(tmp_path: Path) -> None:
    files = {f"{MOODLE.format(name, 100 + at)}/L1-echo.ipynb": work(name) for at, name in enumerate(["Işıl Ak", "Can"])}
    top = dropped(tmp_path / "in", **{"moodle.zip": zipped(*files.items())})
    for at, only in enumerate(["isil ak", "IŞIL AK", "Işıl*/L1", "100", "100/l1", "isil ak/L1"]):
        batch = graded(top, tmp_path / f"out{at}", selection=Selection(only=(only,)))
        assert {key: mark is None for key, mark in marks(batch).items()} == {("100", "L1"): False, ("101", "L1"): True}
    for only in ("zeynep", "L3", "isil/L3", "100/L2", "*/L9"):
        with pytest.raises(LabError, match=r"There is: 100/L1, 101/L1"):
            graded(top, tmp_path / "out", selection=Selection(only=("can", only)))


def test_a_second_drop_adds_and_fresh_begins_anew(tmp_path: Path) -> None:
    ayse = f"{MOODLE.format('Ayşe Ak', 100001)}/L1-echo.ipynb"
    bora = f"{MOODLE.format('Bora Su', 100002)}/report.pdf"
    first = dropped(tmp_path / "1", **{"L1.zip": zipped((ayse, work("a")), (bora, b"%PDF"))})
    dropped(first, **{"L1-echo.ipynb": work("whose")})
    second = dropped(
        tmp_path / "2",
        **{
            "L6.zip": zipped((f"{MOODLE.format('Ayşe Ak', 200011)}/L6-loop.ipynb", work(lab="L6"))),
            "late.zip": zipped((f"{MOODLE.format('Bora Su', 100002)}/L1-echo.ipynb", work("b"))),
        },
    )
    out = tmp_path / "out"
    assert set(rows(graded(first, out))) == {("100001", "L1"), ("100002", "L1")}
    batch = graded(second, out)
    assert set(rows(batch)) == {("100001", "L1"), ("100001", "L6"), ("100002", "L1")}
    assert (batch.graded, batch.kept, list(batch.ownerless)) == (2, 1, ["L1-echo.ipynb"])
    again = graded(second, out)
    assert (marks(again), again.graded, again.kept) == (marks(batch), 0, 3)
    assert set(rows(graded(second, out, selection=Selection(fresh=True)))) == {("200011", "L6"), ("100002", "L1")}


@pytest.mark.parametrize(
    "broken",
    ["ayse/old.zip", "ayse/more/L1-echo.zip", "ayse/L1-echo (1).ipynb", "ayse/L1-echo.ipynb.txt", "ayse/w.zip/in.zip"],
)
@pytest.mark.parametrize("later", [False, True])
def test_a_broken_file_beside_a_good_notebook_is_a_remark_and_no_second_row(
    tmp_path: Path, broken: str, later: bool
) -> None:
    damaged = {broken: b"PK\x03\x04, and then nothing"}
    if ".zip/" in broken:
        damaged = {"ayse/w.zip": zipped(("in.zip", b"PK"))}
    good = {"ayse/L1-echo.ipynb": work("a"), "ayse/L3-codes.ipynb": work("b", "L3")}
    first = dropped(tmp_path / "1", **good, **({} if later else damaged))
    batch = graded(first, tmp_path / "out")
    if later:
        second = dropped(tmp_path / "2", **damaged, **{"can/L1-echo.ipynb": work("c")})
        for _ in range(2):  # the same command once more says the same
            batch = graded(second, tmp_path / "out")
    wanted = {("ayse", "L1"): mark_of(work("a")), ("ayse", "L3"): mark_of(work("b", "L3"), "L3")}
    assert marks(batch) == wanted | ({("can", "L1"): mark_of(work("c"))} if later else {})
    assert said(batch, "ayse").count(broken) == 1
    assert broken not in said(batch, "ayse", "L3")


def test_somebody_with_nothing_but_broken_files_has_one_row(tmp_path: Path) -> None:
    top = dropped(tmp_path / "in", **{"ayse/L1-echo.ipynb": b"{", "ayse/old.zip": b"PK", "ayse/a/older.zip": b"PK"})
    batch = graded(top, tmp_path / "out")
    assert marks(batch) == {("ayse", "L1"): None}
    assert "ayse/old.zip" in said(batch, "ayse")
    assert "ayse/a/older.zip" in said(batch, "ayse")


def test_an_older_notebook_of_a_later_drop_does_not_take_the_place_of_a_newer_one(tmp_path: Path) -> None:
    new = dropped(tmp_path / "1", **{"ayse/L1-echo.ipynb": work("new")})
    old = dropped(tmp_path / "2", **{"week 1/ayse/L1-echo.ipynb": work("old"), "week 1/can/L1.ipynb": work("c")})
    os.utime(old / "week 1/ayse/L1-echo.ipynb", (1e9, 1e9))
    graded(new, tmp_path / "out")
    batch = graded(old, tmp_path / "out")
    assert marks(batch)["ayse", "L1"] == mark_of(work("new"))
    assert "it is older" in said(batch, "ayse")
    batch = graded(new, tmp_path / "out")
    assert marks(batch)["ayse", "L1"] == mark_of(work("new"))


def test_the_command_says_numbers_that_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.grading.papers import ROOT, fake_grade

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("wslab.grading.grading.grade", fake_grade)
    files = {"a/L1-echo.ipynb": work("a"), "b/x.pdf": b"", "c/": b"", "L1-echo.ipynb": work("?")}
    top = dropped(tmp_path / "in", **files)
    result = CliRunner().invoke(cli.app, ["--in", "en", "grade", str(top), "--out", str(tmp_path / "out")])
    assert "Graded: 1. Kept from before: 0. Not graded: 3. Rows: 4, people: 3." in result.output
    result = CliRunner().invoke(
        cli.app, ["--in", "en", "grade", str(top), "--out", str(tmp_path / "out"), "--only", "zz"]
    )
    assert result.exit_code == 1
    assert "There is: a/L1" in result.output


# What a student packs to speak for somebody else: zeynep and can hand in beside it, each with a mark of their own.
HOSTILE: dict[str, dict[str, bytes]] = {
    "two folders of others in a zip": {"eve.zip": zipped(("zeynep/L1.ipynb", work("e")), ("can/L1.ipynb", work("f")))},
    "zips of others in a zip": {
        "eve.zip": zipped(("zeynep.zip", zipped(("L1.ipynb", work("e")))), ("can.zip", zipped(("L1.ipynb", work("f")))))
    },
    "a zip that is called a class": {
        "class.zip": zipped(("zeynep/L1.ipynb", work("e")), ("can/L1.ipynb", work("f"))),
    },
    "another lab in a zip that is called a class": {
        "class.zip": zipped(("zeynep/L3.ipynb", work("e", "L3")), ("can/L3.ipynb", work("f", "L3"))),
    },
    "a zip that is called a lab": {"L1.zip": zipped(("zeynep/L1.ipynb", work("e")))},
    "an export in a zip": {
        "eve.zip": zipped(("zeynep_11_22_L1.ipynb", work("e")), ("can_33_44_L1.ipynb", work("f"))),
    },
    "submitted in a zip": {"eve.zip": zipped(("submitted/zeynep/L1/L1.ipynb", work("e")))},
    "submitted in a folder": {"eve/submitted/zeynep/L1/L1.ipynb": work("e")},
    "dots": {"eve.zip": zipped(("../zeynep/L1.ipynb", work("e")), ("../../in/can/L1.ipynb", work("f")))},
    "absolute": {"eve.zip": zipped(("/zeynep/L1.ipynb", work("e")), ("C:\\can\\L1.ipynb", work("f")))},
    "backslashes": {"eve.zip": zipped(("..\\zeynep\\L1.ipynb", work("e")), ("a\\zeynep\\L1.ipynb", work("e")))},
    "duplicates": {"eve.zip": zipped(("L1.ipynb", work("e")), ("L1.ipynb", work("f")), ("L1.IPYNB", work("g")))},
    "its own name in other letters": {"ZEYNEP/L1.ipynb": work("e"), "Can./L1.ipynb": work("f")},
    "its own name in other characters": {"zeynep\u200b/L1.ipynb": work("e"), "\uff43an/L1.ipynb": work("f")},
    "reserved names": {"eve.zip": zipped(("CON/L1.ipynb", work("e")), ("nul.ipynb", work("f")))},
    "timestamps": {
        "eve/L1.ipynb": work("e"),
        "eve/zeynep/timestamp.txt": b"2099-01-01 00:00:00",
        "timestamp.txt": b"2099-01-01 00:00:00",
    },
    "a bomb": {"eve.zip": zipped(*((f"d{at}/L1.ipynb", b" " * 3_000_000) for at in range(9)))},
    "a deep tree": {"eve.zip": zipped(("x/" * 3000 + "zeynep/L1.ipynb", work("e")))},
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("packed", [False, True])
def test_nobody_speaks_for_somebody_else(
    tmp_path: Path, name: str, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wslab.grading.intake.dropped._MOST_INFLATED", 5_000_000)
    honest = {who: work(who) for who in ("zeynep", "can")}
    files = {
        f"{who}.zip" if packed else f"{who}/L1-echo.ipynb": zipped(("L1-echo.ipynb", data)) if packed else data
        for who, data in honest.items()
    }
    alone = graded(dropped(tmp_path / "alone", **files), tmp_path / "out1")
    batch = graded(dropped(tmp_path / "in", **files, **HOSTILE[name]), tmp_path / "out2")
    assert len(alone.rows) == 2
    for row in alone.rows:
        assert [one.lab for one in batch.rows if one.student.id == row.student.id] == [row.lab]
        found = rows(batch)[row.student.id, "L1"]
        assert (found.place, found.timestamp) == (row.place, row.timestamp)
        assert found.result is not None
        assert row.result is not None
        assert found.result.verdicts == row.result.verdicts
    if any(place.startswith("eve") for place in HOSTILE[name]):
        assert {row.student.id for row in batch.rows} == {"zeynep", "can", "eve"}


@pytest.mark.parametrize("export", ["canvas.zip", "Algorithms.zip"])
@pytest.mark.parametrize("lab", ["L1", "L3"])
def test_a_zip_with_one_forged_name_beside_an_export(tmp_path: Path, export: str, lab: str) -> None:
    honest = [(f"{who}_{number}_90_L1-echo.ipynb", work(who)) for number, who in ((11, "jane"), (12, "bob"))]
    forged = zipped((f"jane_11_99_{lab}.ipynb", work("e", lab)), when=LATER)
    batch = graded(dropped(tmp_path / "in", **{export: zipped(*honest), "eve.zip": forged}), tmp_path / "out")
    assert set(rows(batch)) == {("11", "L1"), ("12", "L1"), ("eve", lab)}
    assert marks(batch)["11", "L1"] == mark_of(work("jane"))
    assert "jane" in said(batch, "eve", lab)


def test_a_students_number_in_the_name_of_a_zip(tmp_path: Path) -> None:
    files = {f"L1-{number}.zip": zipped(("ws/L1-echo.ipynb", work(number))) for number in ("20231234", "20231235")}
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert sorted(marks(batch).values(), key=str) == sorted(
        (mark_of(work(n)) for n in ("20231234", "20231235")), key=str
    )
    assert len(batch.rows) == 2


def test_a_bomb_takes_nothing_from_the_others_in_the_same_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.grading.intake.dropped._MOST_INFLATED", 5_000_000)
    eve = [(f"{MOODLE.format('Eve', 5)}/{at}.ipynb", b" " * 3_000_000) for at in range(5)]
    ayse = (f"{MOODLE.format('Zoe', 6)}/L1.ipynb", work("z"))
    batch = graded(dropped(tmp_path / "in", **{"moodle.zip": zipped(*eve, ayse)}), tmp_path / "out")
    assert marks(batch)["6", "L1"] == mark_of(work("z"))
    assert "more than is reasonable" in " ".join(str(note) for row in batch.rows for note in row.notes)


PEOPLE = ("ayşe", "bora", "Can Er", "deniz", "eve")
FORMS = ("folder", "zip", "moodle", "moodle flat", "canvas", "file")
CONTENTS = ("notebook", "two", "disguised", "nothing", "pdf", "forged", "packed forgery", "broken")


@st.composite
def drops(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, tuple[str, bytes | None]]]:
    """A drop, and for each owner the id and the notebook that counts, None for none."""
    whole = draw(st.sampled_from(["folder", "moodle", "moodle flat", "canvas"]))
    people = draw(st.lists(st.sampled_from(PEOPLE), min_size=2, max_size=5, unique=True))
    levels = draw(st.lists(st.sampled_from(["section-a", "2026", "week 1", "L1-echo"]), max_size=3, unique=True))
    pack_class = draw(st.booleans())
    files: list[tuple[str, bytes]] = []
    expected: dict[str, tuple[str, bytes | None]] = {}
    for at, who in enumerate(people):
        content = draw(st.sampled_from(CONTENTS))
        form = whole if whole != "folder" else draw(st.sampled_from(["folder", "zip"]))
        victim = people[(at + 1) % len(people)]
        data = work(who)
        forged = draw(
            st.sampled_from(
                [
                    f"{victim}/L1.ipynb",
                    f"{victim}_{10 + at}_77_L1.ipynb",
                    f"{victim}_{10 + (at + 1) % len(people)}_assignsubmission_file_/L1.ipynb",
                ]
            )
        )
        inside: dict[str, bytes] = {
            "notebook": {"L1-echo.ipynb": data},
            "two": {"L1-echo.ipynb": data, "b/L1-echo.ipynb": data},
            "disguised": {"L1-echo.ipynb.txt": data},
            "nothing": {},
            "pdf": {"report.pdf": b"%PDF"},
            "forged": {forged: data},
            "packed forgery": {"w.zip": zipped((forged, data), (f"x/{forged}", data))},
            "broken": {"L1-echo.ipynb": data[:900]},
        }[content]
        number = str(10 + at)
        prefix = {
            "folder": f"{who}/", "zip": f"{who}.zip", "moodle": f"{who}_{number}_assignsubmission_file_/",
            "moodle flat": f"{who}_{number}_assignsubmission_file_",
            "canvas": f"{who.replace(' ', '')}_{number}_9{number}_",
        }[form]  # fmt: skip
        if form == "zip":
            files.append((prefix, zipped(*inside.items())))
        elif form in ("folder", "moodle"):
            files += [(prefix + name, one) for name, one in inside.items()] or [(prefix, b"")]
        elif len(inside) == 1 and "/" not in next(iter(inside)):
            files += [(prefix + name, one) for name, one in inside.items()]
        else:
            files.append((f"{prefix}work.zip", zipped(*inside.items())))
        expected[who if form in ("folder", "zip") else number] = (
            who, data if content not in ("nothing", "pdf", "broken") else None,
        )  # fmt: skip
    files = draw(st.permutations(files))
    path = "/".join(levels)
    if pack_class:
        packed = zipped(*((f"{path}/{name}".lstrip("/"), one) for name, one in files))
        return {"class.zip": packed}, expected
    return {f"{path}/{name}".lstrip("/"): one for name, one in files}, expected


@given(drops())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_owner_has_one_row_and_the_mark_of_the_own_work(
    tmp_path_factory: pytest.TempPathFactory, drop: tuple[dict[str, bytes], dict[str, tuple[str, bytes | None]]]
) -> None:
    files, expected = drop
    top = tmp_path_factory.mktemp("drop")
    batch = graded(dropped(top / "in", **files), top / "out")
    assert len(batch.rows) == len(expected), [(row.student.id, row.place) for row in batch.rows]
    for id, (_, data) in expected.items():
        (row,) = (row for row in batch.rows if row.student.id == id)
        assert (row.result is None) == (data is None)
        if row.result is not None and data is not None:
            assert float(row.result.score) == mark_of(data)
    assert not batch.ownerless
    assert batch.graded + batch.kept + sum(row.result is None for row in batch.rows) == len(batch.rows)
    assert batch.failed == 0


NAMES = (
    "zeynep", "can", "eve", "L1", "L3-codes", "class", "section-a", "submitted", "moodle", "w", "7", "2026", "x y",
    "zeynep_11_21_L1", "can_12_22_", "zeynep_11_assignsubmission_file_", "Can_12_assignsubmission_file_", "..", "CON",
    "zeynep.zip", ".ipynb_checkpoints", "timestamp", "roster",
)  # fmt: skip
ENDS = (".ipynb", ".ipynb.txt", ".json", ".py", ".txt", "")


@st.composite
def anything(draw: st.DrawFn, depth: int = 3) -> dict[str, bytes]:
    """What somebody may pack: folders, zips and files under any of these names."""
    files: dict[str, bytes] = {}
    for _ in range(draw(st.integers(0, 3))):
        path = "/".join(draw(st.lists(st.sampled_from(NAMES), max_size=3)))
        name = draw(st.sampled_from(NAMES))
        kind = draw(st.sampled_from(["work", "broken", "other", "zip", "folder", "no zip"] if depth else ["work"]))
        data = {
            "work": lambda: work(draw(st.sampled_from("efg")), draw(st.sampled_from(["L1", "L3"]))),
            "broken": lambda: b"{",
            "other": lambda: b"2099-01-01 00:00:00",
            "no zip": lambda: b"PK",
            "folder": lambda: b"",
            "zip": lambda: zipped(*draw(anything(depth - 1)).items(), when=LATER),
        }[kind]()
        end = {"folder": "/", "zip": ".zip", "no zip": ".zip"}.get(kind) or draw(st.sampled_from(ENDS))
        files[f"{path}/{name}{end}".lstrip("/")] = data
    return files


@given(
    eve=anything(),
    form=st.sampled_from(["folder", "zips", "moodle", "moodle flat", "canvas"]),
    called=st.sampled_from(["eve", "class", "L1", "moodle", "submitted", "2026"]),
    packed=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobodys_mark_depends_on_what_another_one_packs(
    tmp_path_factory: pytest.TempPathFactory, eve: dict[str, bytes], form: str, called: str, packed: bool
) -> None:
    top = tmp_path_factory.mktemp("drop")
    inside = zipped(*eve.items(), when=LATER)
    honest = {who: work(who) for who in ("zeynep", "can")}
    prefix = {
        "folder": "{}/", "zips": "{}.zip", "moodle": "{}_{}_assignsubmission_file_/",
        "moodle flat": "{}_{}_assignsubmission_file_", "canvas": "{}_{}_9{}_",
    }[form]  # fmt: skip
    files: dict[str, bytes] = {}
    for number, (who, data) in enumerate(honest.items(), 11):
        place = prefix.format(who, number, number)
        files[place if form == "zips" else f"{place}L1-echo.ipynb"] = (
            zipped(("L1-echo.ipynb", data)) if form == "zips" else data
        )
    # Where an export names the zip, it can be called by its owner alone.
    own = prefix.format("eve" if form in ("folder", "moodle", "moodle flat", "canvas") else called, 99, 99)
    files[own if form == "zips" else f"{own}work.zip"] = inside
    drop = {"export.zip": zipped(*files.items())} if packed and form != "zips" else files
    batch = graded(dropped(top / "in", **drop), top / "out")
    for number, (who, data) in enumerate(honest.items(), 11):
        id = who if form in ("folder", "zips") else str(number)
        mine = [row for row in batch.rows if row.student.id == id]
        assert [row.lab.number if row.lab else "" for row in mine] == ["L1"], [(row.place, row.notes) for row in mine]
        assert mine[0].result is not None
        assert float(mine[0].result.score) == mark_of(data)
        assert "work.zip" not in mine[0].place
        # A zip that is called as a class is asked about, where the name of somebody stands in it.
        assert all("It lies further in" in str(remark) for remark in mine[0].remarks)
    if form != "zips":
        others = {row.student.id for row in batch.rows} - {"zeynep", "can", "11", "12"}
        assert others == {"eve" if form == "folder" else "99"}


def test_results_of_an_earlier_kit_are_taken_over(tmp_path: Path) -> None:
    result = {"student": "a", "lab": "L1", "verdicts": [], "protections": [], "notes": [], "seconds": 1}
    with sqlite3.connect(tmp_path / "results.sqlite") as connection:
        connection.executescript(
            "CREATE TABLE results (student TEXT NOT NULL, lab TEXT NOT NULL, fingerprint TEXT NOT NULL, "
            "result TEXT NOT NULL, graded_at TEXT NOT NULL, PRIMARY KEY (student, lab));"
            "CREATE VIEW checks AS SELECT student FROM results; PRAGMA user_version = 1;"
        )
        connection.execute("INSERT INTO results VALUES ('a', 'L1', 'print', ?, 'x')", (json.dumps(result),))
    connection.close()
    kept = Ledger(tmp_path).get("a", "L1", "print")
    assert kept is not None
    assert kept.seconds == 1
    assert not list(Ledger(tmp_path).rows())
