"""What goes back to Moodle and Canvas, read by the rules by which they read it."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

from tests.grading.intake.drops import dropped, graded, mark_of, work, zipped

from wslab.grading.batch import Batch
from wslab.grading.intake.roster import read_roster
from wslab.grading.marks import LabRule, Rules
from wslab.grading.reports.writing import write_reports


def results(folder: Path, **files: bytes) -> tuple[Path, Batch]:
    batch = graded(dropped(folder / "in", **files), folder / "out")
    write_reports(batch, folder / "out", Rules(labs={"L1": LabRule(canvas="Echo (4711)"), "L3": LabRule()}))
    return folder / "out", batch


def read_by_moodle(name: str) -> tuple[int, str] | None:
    """The participant's number and the file's name, as `assignfeedback_file_zip_importer` takes them from a path."""
    parts = name.split("/")
    if parts[-1].startswith((".", "~")):
        return None
    while parts:
        info = parts.pop(0).split("_", 4)
        if (
            len(info) < 4
            or not info[1].isdecimal()
            or info[2:4] not in (["assignsubmission", "file"], ["assignsubmission", "onlinetext"])
        ):
            continue
        return int(info[1]), "/".join([info[4] if len(info) > 4 else "", *parts]).strip("/")
    return None


def read_by_canvas(name: str) -> tuple[str, str] | None:
    """The user's and the attachment's number, as `infer_comment_context_from_filename` takes them."""
    parts = name.rpartition("/")[2].split("_")
    numbers = [part for part in parts if re.fullmatch(r"\d+", part)][:2]
    return None if len(numbers) < 2 or parts[-1].startswith("link") else (numbers[0], numbers[1])


def test_moodle_takes_marks_and_feedback_back(tmp_path: Path) -> None:
    forged = zipped(("Ayşe Ak_100001_assignsubmission_file_/L1.ipynb", work("c")))
    moodle = zipped(
        ("Ayşe Ak_100001_assignsubmission_file_/L1-echo.ipynb", work("a")),
        ("Can Er_100004_assignsubmission_file_L1-echo.ipynb", work("b")),
        (
            "=Eve_100005_assignsubmission_file_/w.zip",
            forged,
        ),
        ("Su Su_100006_assignsubmission_file_/L1-echo.py", b""),
    )
    out, _ = results(tmp_path, **{"L1.zip": moodle})
    rows = list(csv.DictReader(io.StringIO((out / "moodle/L1-echo-grades.csv").read_text("utf-8"))))
    # What the importer looks for: these columns, and the number behind “Participant ”.
    assert {"Identifier", "Grade", "Last modified (grade)"} <= set(rows[0])
    grades = {int(row["Identifier"].removeprefix("Participant ")): row["Grade"] for row in rows}
    expected = {100001: "a", 100004: "b", 100005: "c"}
    assert grades == {number: f"{mark_of(work(mine)):g}" for number, mine in expected.items()} | {100006: ""}
    assert next(row for row in rows if row["Identifier"].endswith("5"))["Full name"] == "'=Eve"
    assert not (out / "canvas").exists()
    with zipfile.ZipFile(out / "moodle/L1-echo-feedback.zip") as archive:
        read = {read_by_moodle(name): archive.read(name).decode() for name in archive.namelist()}
    assert set(read) == {(number, "feedback.html") for number in grades}
    assert "Ayşe Ak" in read[100001, "feedback.html"]
    assert "Can Er" not in read[100001, "feedback.html"]


def test_one_person_of_two_exports_has_the_number_of_each(tmp_path: Path) -> None:
    files = {
        "L1.zip": zipped(("Ayşe Ak_100001_assignsubmission_file_/L1-echo.ipynb", work("a"))),
        "L3.zip": zipped(("Ayşe Ak_200011_assignsubmission_file_/L3-codes.ipynb", work("b", "L3"))),
    }
    out, _ = results(tmp_path, **files)
    for lab, number in (("L1-echo", 100001), ("L3-codes", 200011)):
        (row,) = csv.DictReader(io.StringIO((out / f"moodle/{lab}-grades.csv").read_text("utf-8")))
        assert row["Identifier"] == f"Participant {number}"
        with zipfile.ZipFile(out / f"moodle/{lab}-feedback.zip") as archive:
            assert [read_by_moodle(name) for name in archive.namelist()] == [(number, "feedback.html")]


def test_canvas_takes_marks_and_feedback_back(tmp_path: Path) -> None:
    files = {
        "canvas/akayse_LATE_101_9001_L1-echo-2.ipynb": work("a"),
        "canvas/akayse_101_9003_L3-codes.ipynb": work("b", "L3"),
        "canvas/ercan_102_9002_w.zip": zipped(("akayse_101_9009_L1.ipynb", work("c"))),
    }
    out, _ = results(tmp_path, **files)
    head, possible, *rows = list(csv.reader(io.StringIO((out / "canvas/grades.csv").read_text("utf-8"))))
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Echo (4711)", "L3-codes"]
    assert "Points Possible" in possible[0]
    assert all(float(cell) > 0 for cell in possible[5:])
    marks = {row[1]: row[5:] for row in rows}
    expected = f"{mark_of(work('a')):g}", f"{mark_of(work('b', 'L3'), 'L3'):g}"
    assert marks == {"101": [*expected], "102": [f"{mark_of(work('c')):g}", ""]}
    assert not (out / "moodle").exists()
    with zipfile.ZipFile(out / "canvas/L1-echo-feedback.zip") as archive:
        assert {read_by_canvas(name) for name in archive.namelist()} == {("101", "9001"), ("102", "9002")}


def test_totals_are_a_row_a_student(tmp_path: Path) -> None:
    out, batch = results(tmp_path, **{"ayse/L1.ipynb": work("a"), "ayse/L3.ipynb": work("b", "L3"), "can/x.pdf": b""})
    rows = list(csv.DictReader(io.StringIO((out / "totals.csv").read_text("utf-8"))))
    assert [row["student_id"] for row in rows] == ["ayse", "can"]
    assert float(rows[0]["L1"]) == mark_of(work("a"))
    assert float(rows[1]["total_percent"]) == 0
    assert "points from the checks" in rows[0]["how"]
    assert "Mark: " in (out / "feedback/ayse.html").read_text("utf-8")
    assert {row.student.id for row in batch.rows} == {"ayse", "can"}


# What `gradeimport_csv_load_data` makes of a file: the header row, a column that says who it is, a column a grade item.


def imported_by_moodle(text: str, who: str, users: set[str]) -> dict[str, dict[str, float | None]]:
    """The grades by user and column; raises where Moodle stops the whole import.

    Args:
        text: the file.
        who: the column that is mapped to the users.
        users: those that Moodle knows by it.
    """
    head, *rows = list(csv.reader(io.StringIO(text, newline="")))
    grades: dict[str, dict[str, float | None]] = {}
    for row in rows:
        cells = dict(zip(head, row, strict=True))
        if cells[who] not in users:
            raise ValueError(f"user mapping error: {cells[who]!r}")
        taken: dict[str, float | None] = {}
        for column in head[head.index(who) + 1 :]:
            if column in ("Email address", "ID number"):
                continue
            taken[column] = None if cells[column] in ("", "-") else float(cells[column])
            if (taken[column] or 0) > 100:
                raise ValueError("grade value too big")
        grades[cells[who]] = taken
    return grades


ROSTER = """First name,Last name,ID number,Email address
Ayşe,Ak,2023001,ayse@example.edu
Can,Er,2023002,can@example.edu
Su,Su,,su@example.edu
Eve,=Eve,2023004,
"""


def test_moodles_gradebook_takes_all_labs_at_once(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    files = {
        "L1.zip": zipped(
            ("Ayşe Ak_100001_assignsubmission_file_/L1-echo.ipynb", work("a")),
            ("Can Er_100004_assignsubmission_file_/L1-echo.ipynb", work("b")),
            ("Stranger_100009_assignsubmission_file_/L1-echo.ipynb", work("c")),
        ),
        "L3.zip": zipped(("Ayşe Ak_200011_assignsubmission_file_/L3-codes.ipynb", work("b", "L3"))),
    }
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out", roster=read_roster(tmp_path / "roster.csv"))
    rules = Rules(labs={"L1": LabRule(moodle="Assignment: Echo"), "L3": LabRule()})
    write_reports(batch, tmp_path / "out", rules)
    text = (tmp_path / "out/moodle/gradebook.csv").read_text("utf-8")
    mails = {f"{name}@example.edu" for name in ("ayse", "can", "su")}
    assert imported_by_moodle(text, "Email address", mails) == {
        "ayse@example.edu": {"Assignment: Echo": mark_of(work("a")), "L3-codes": mark_of(work("b", "L3"), "L3")},
        "can@example.edu": {"Assignment: Echo": mark_of(work("b")), "L3-codes": None},
        "su@example.edu": {"Assignment: Echo": None, "L3-codes": None},
    }
    # With fewer addresses than numbers it goes by the numbers.
    (tmp_path / "roster.csv").write_text(ROSTER.replace("can@example.edu", ""), encoding="utf-8")
    batch = graded(tmp_path / "in", tmp_path / "other", roster=read_roster(tmp_path / "roster.csv"))
    write_reports(batch, tmp_path / "other", rules)
    text = (tmp_path / "other/moodle/gradebook.csv").read_text("utf-8")
    assert set(imported_by_moodle(text, "ID number", {"2023001", "2023002", "2023004"})) == {
        "2023001",
        "2023002",
        "2023004",
    }


def test_without_what_moodle_knows_people_by_there_is_no_gradebook(tmp_path: Path) -> None:
    out, _ = results(tmp_path, **{"L1.zip": zipped(("Ayşe Ak_100001_assignsubmission_file_/L1-echo.ipynb", work("a")))})
    assert not (out / "moodle/gradebook.csv").exists()
