"""The class list joins the forms of a name, says who is missing, and asks about whom it does not know."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from tests.grading.intake.drops import dropped, graded, mark_of, rows, work, zipped

from wslab.errors import LabError
from wslab.grading.intake.roster import Roster, read_roster
from wslab.grading.intake.whose import Named, folded

OWN = """id,name,email,section,aliases
s1,Işıl İnci Yılmaz,isil@x.edu,A,ışıl y.; iyilmaz
s2,Can Er,can@x.edu,A,
s3,Can Er,can2@x.edu,B,can-b
s4,"Çağla Öz",cagla@x.edu,B,
"""


def roster(folder: Path, text: str | bytes = OWN) -> Roster:
    path = folder / "roster.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_roster(path)


@pytest.mark.parametrize(
    "name",
    [
        "Işıl İnci Yılmaz", "IŞIL İNCİ YILMAZ", "isil inci yilmaz", "Yılmaz Işıl İnci", "Yılmaz, Işıl İnci",
        unicodedata.normalize("NFD", "Işıl İnci Yılmaz"), "yilmazisilinci", "YılmazIşılİnci", "isil@x.edu", "isil",
        "s1", "S1", "ışıl y.", "iyilmaz",
    ],
)  # fmt: skip
def test_every_form_of_a_name_is_the_same_person(tmp_path: Path, name: str) -> None:
    assert [one.student.id for one in roster(tmp_path).find(Named("", "", name))] == ["s1"]


def test_a_name_of_two_people_is_a_question() -> None:
    assert folded("İSTANBUL") == folded("istanbul") == folded("ıstanbul")


def test_forms_are_joined_and_who_is_missing_or_unknown_is_told(tmp_path: Path) -> None:
    moodle = zipped(
        ("IŞIL İNCİ YILMAZ_9_assignsubmission_file_/L1.ipynb", work("a")),
        ("Can Er_11_assignsubmission_file_/L1.ipynb", work("b")),
        ("Gast_12_assignsubmission_file_/L1.ipynb", work("c")),
    )
    files = {"moodle.zip": moodle, "canvas/yilmazisilinci_77_88_L3.ipynb": work("d", "L3"), "can-b/L1.ipynb": work("e")}
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out", roster=roster(tmp_path))
    found = rows(batch)
    assert set(found) == {("s1", "L1"), ("s1", "L3"), ("s3", "L1"), ("11", "L1"), ("12", "L1"), ("s2", ""), ("s4", "")}
    result = found["s1", "L1"].result
    assert result is not None
    assert float(result.score) == mark_of(work("a"))
    assert "can be s2, s3" in " ".join(map(str, found["11", "L1"].notes))
    assert "Gast is not on the roster" in " ".join(map(str, found["12", "L1"].notes))
    assert "nothing was handed in" in str(found["s4", ""].reason)
    assert (found["s1", "L1"].student.email, found["s1", "L1"].student.section) == ("isil@x.edu", "A")


def test_who_handed_in_earlier_is_not_missing_in_a_later_drop(tmp_path: Path) -> None:
    people = roster(tmp_path)
    graded(dropped(tmp_path / "1", **{"cagla@x.edu/L1.ipynb": work("a")}), tmp_path / "out", roster=people)
    batch = graded(dropped(tmp_path / "2", **{"s1/L1.ipynb": work("b")}), tmp_path / "out", roster=people)
    assert set(rows(batch)) == {("s1", "L1"), ("s4", "L1"), ("s2", ""), ("s3", "")}


def test_the_roster_tells_levels_from_people(tmp_path: Path) -> None:
    files = {"Nesrin/cagla/L1.ipynb": work("a"), "s1/x/L1.ipynb": work("b"), "s1/y/L1.ipynb": work("c")}
    batch = graded(dropped(tmp_path / "in", **files), tmp_path / "out", roster=roster(tmp_path))
    assert {row.student.id for row in batch.rows if row.result is not None} == {"s1", "s4"}


CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,L1 (55),Current Score
    Points Possible,,,,,10,(read only)
"Yılmaz, Işıl",77,u77,iyilmaz,A,,
"Student, Test",99,,,A,,
"""
MOODLE = "First name,Last name,ID number,Email address,Groups\nIşıl,Yılmaz,2023001,isil@x.edu,A\n"
MOODLE_TR = "Adı;Soyadı;Kimlik numarası;E-posta adresi;Gruplar\nIşıl;Yılmaz;2023001;isil@x.edu;A\n"


@pytest.mark.parametrize(
    ("text", "id"),
    [
        (CANVAS.encode(), "77"),
        (MOODLE.encode("utf-8-sig"), "2023001"),
        (MOODLE_TR.encode("cp1254"), "2023001"),
        (MOODLE.replace(",", "\t").encode("utf-16"), "2023001"),
    ],
)
def test_exports_of_moodle_and_canvas_are_rosters(tmp_path: Path, text: bytes, id: str) -> None:
    people = roster(tmp_path, text)
    assert [(one.student.id, one.student.name, one.student.section) for one in people.people] == [
        (id, "Işıl Yılmaz", "A")
    ]
    assert len(people.find(Named("canvas", "77" if id == "77" else "5", "yılmazışıl"))) == 1


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "roster.csv:1: the roster needs"),
        ("id,email\n1,a@b\n", "roster.csv:1: the roster needs"),
        ("name,section\nA,1\n", "roster.csv:1: the roster needs"),
        ("id,name\n1,A\n\n,B\n", "roster.csv:4: 'B' has neither"),
        ("id,name\n1,A\n1,B\n", "roster.csv:3: the id '1' stands in line 2"),
    ],
)
def test_a_roster_that_can_not_be_used_says_where(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(LabError, match=match):
        roster(tmp_path, text)
