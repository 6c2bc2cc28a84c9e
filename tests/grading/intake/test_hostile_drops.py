"""Drops by somebody who wants another mark than they have earned: none moves anybody else's."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import pytest
from rich.console import Console
from tests.grading.intake.drops import dropped, graded, mark_of, work, zipped
from tests.grading.papers import ROOT, fake_grade

from wslab.grading.batch import Batch, Selection
from wslab.grading.command import grade_class
from wslab.grading.intake.roster import read_roster

FILE = "_assignsubmission_file_"
ROSTER = """id,name,email,section,aliases
1,Ayşe Ak,ayse@x,,ayse
2,Bora Er,bora@x,,bora
3,Eve Mal,eve@x,,eve
4,Son Min,son@x,,son
"""
MINE, EVIL = work("a"), work("c")


def batch_of(folder: Path, files: dict[str, bytes], roster: str = ROSTER) -> Batch:
    people = None
    if roster:
        (folder / "roster.csv").write_text(roster, encoding="utf-8")
        people = read_roster(folder / "roster.csv")
    return graded(dropped(folder / "in", **files), folder / "out", roster=people)


def marks(batch: Batch) -> dict[str, float]:
    """By the place of what was graded."""
    return {row.place: float(row.result.score) for row in batch.rows if row.result is not None}


def test_the_two_marks_differ() -> None:
    assert mark_of(MINE) != mark_of(EVIL)


@pytest.mark.parametrize("roster", [ROSTER, ""], ids=["roster", "none"])
@pytest.mark.parametrize(
    ("victim", "evil"),
    [
        # A display name that people may choose: somebody else's, or one that speaks as Moodle does.
        (f"L1.zip/Ayşe Ak_100{FILE}/L1-echo.ipynb", f"L1.zip/Ayşe Ak_200{FILE}/L1-echo.ipynb"),
        (f"Ayşe Ak_100{FILE}/L1-echo.ipynb", f"Ayşe Ak_200{FILE}/L1-echo.ipynb"),
        (f"Ayşe Ak_100{FILE}/L1-echo.ipynb", f"Ayşe Ak_100{FILE}x Eve_200{FILE}/L1-echo.ipynb"),
        (f"Ayşe Ak_100{FILE}L1-echo.ipynb", f"Ayşe Ak_100{FILE}x Eve_200{FILE}L1-echo.ipynb"),
        ("akayse_100_9001_L1-echo.ipynb", "akayse_200_9002_L1-echo.ipynb"),
        ("akayse_100_9001_L1-echo.ipynb", "evemal_200_9002_akayse_100_9001_L1-echo.ipynb"),
        # A folder of one's own with folders that bear others' names.
        ("ayse/L1-echo.ipynb", "mallory/ayse/L1-echo.ipynb"),
        ("ayse/L1-echo.ipynb", "eve/ayse/L1-echo.ipynb"),
        ("ayse/L1-echo.ipynb", "eve/ayse-L1-echo.ipynb"),
        (f"Ayşe Ak_100{FILE}/L1-echo.ipynb", f"Eve Mal_200{FILE}/Ayşe Ak_100{FILE}/L1-echo.ipynb"),
        (f"Ayşe Ak_100{FILE}/L1-echo.ipynb", f"Eve Mal_200{FILE}/ayse/L1-echo.ipynb"),
        # Ids that another origin has given.
        (f"Ayşe Ak_100001{FILE}/L1-echo.ipynb", "100001/L1-echo.ipynb"),
        ("ayse/L1-echo.ipynb", "ayse (2)/L1-echo.ipynb"),
        # Names of devices, and of what Windows takes for the same.
        ("ayse/L1-echo.ipynb", "CON/L1-echo.ipynb"),
        ("ayse/L1-echo.ipynb", "NUL.zip/L1-echo.ipynb"),
    ],
)
def test_nobody_speaks_for_somebody_else(tmp_path: Path, victim: str, evil: str, roster: str) -> None:
    files: dict[str, bytes] = {}
    zips: dict[str, list[tuple[str, bytes]]] = {}
    other = "bora/L1-echo.ipynb" if victim.startswith("ayse/") else ""
    if evil.startswith(("mallory/", "eve/ayse/")):
        # With two names in it, it looks like a level.
        other, more = "bora/L1-echo.ipynb", evil.replace("ayse", "bora")
        files[more] = EVIL
    for place, data in ((victim, MINE), (evil, EVIL), (other, work("b"))):
        outer, zip, inner = place.partition(".zip/")
        if zip:
            zips.setdefault(f"{outer}.zip", []).append((inner, data))
        elif place:
            files[place] = data
    files |= {name: zipped(*members) for name, members in zips.items()}
    found = marks(batch_of(tmp_path, files, roster))
    assert found[victim] == mark_of(MINE)
    if other:
        assert found[other] == mark_of(work("b"))
    assert sum(place == victim for place in found) == 1


def test_two_of_one_name_are_a_question_and_neither_is_the_one_on_the_roster(tmp_path: Path) -> None:
    files = {
        "L1.zip": zipped((f"Ayşe Ak_100{FILE}/L1-echo.ipynb", MINE), (f"Ayşe Ak_200{FILE}/L1-echo.ipynb", EVIL)),
    }
    batch = batch_of(tmp_path, files)
    assert {row.student.id for row in batch.rows if row.result is not None} == {"100", "200"}
    for row in batch.rows:
        if row.result is not None:
            assert any("was not taken for that person" in str(note) for note in row.notes)


def test_one_person_of_two_exports_in_a_folder_stays_one(tmp_path: Path) -> None:
    files = {
        f"Ayşe Ak_100{FILE}/L1-echo.ipynb": MINE,
        f"Ayşe Ak_250{FILE}/L3-codes.ipynb": work("b", "L3"),
    }
    rows = [row for row in batch_of(tmp_path, files).rows if row.result is not None]
    assert [(row.student.id, row.lab.number if row.lab else "") for row in rows] == [("1", "L1"), ("1", "L3")]


def test_ones_own_earlier_download_is_ones_own_again(tmp_path: Path) -> None:
    files = {
        f"Ayşe Ak_100{FILE}/Ayşe Ak_90{FILE}L1-echo.ipynb": MINE,
        f"Bora Er_200{FILE}Bora Er_90{FILE}L1.ipynb": EVIL,
    }
    rows = [row for row in batch_of(tmp_path, files).rows if row.result is not None]
    assert {row.student.id: row.result.score for row in rows if row.result} == {"1": mark_of(MINE), "2": mark_of(EVIL)}


def test_a_section_by_the_roster_is_a_level_where_nobodys_own_work_stands_beside_it(tmp_path: Path) -> None:
    files = {"Hoca Nur/ayse/L1-echo.ipynb": MINE, "Hoca Nur/bora/L1-echo.ipynb": EVIL}
    rows = [row for row in batch_of(tmp_path, files).rows if row.result is not None]
    assert [row.student.id for row in rows] == ["1", "2"]


def test_names_of_several_forms_move_nobody(tmp_path: Path) -> None:
    forms = [unicodedata.normalize(form, "Ayşe") for form in ("NFC", "NFD")]
    files = {f"{name}/L1-echo.ipynb": MINE for name in forms} | {"bora/L1-echo.ipynb": EVIL, "BORA./x.pdf": b""}
    found = {row.student.name: row.result for row in batch_of(tmp_path, files, "").rows}
    assert found["bora"] is not None
    assert found["bora"].score == mark_of(EVIL)


def test_a_roster_that_gives_one_alias_twice_decides_nothing(tmp_path: Path) -> None:
    doubled = ROSTER.replace(",bora\n", ",ayse\n")
    batch = batch_of(tmp_path, {"ayse/L1-echo.ipynb": MINE, "bora/L1-echo.ipynb": EVIL}, doubled)
    found = {row.student.id: row for row in batch.rows if row.result is not None}
    assert set(found) == {"ayse", "2"}
    assert any("can be 1, 2" in str(note) for note in found["ayse"].notes)


@pytest.mark.parametrize(
    "member", ["../ayse/L1-echo.ipynb", "..\\ayse\\L1-echo.ipynb", "/ayse/L1.ipynb", "C:\\ayse\\L1.ipynb"]
)
def test_a_name_in_a_zip_leads_nowhere(tmp_path: Path, member: str) -> None:
    files = {"eve.zip": zipped((member, EVIL)), "ayse.zip": zipped(("L1-echo.ipynb", MINE))}
    batch = batch_of(tmp_path, files)
    assert {row.student.id: row.result.score for row in batch.rows if row.result} == {"1": mark_of(MINE)}
    assert any(row.student.id == "3" and row.notes for row in batch.rows)


def test_no_name_moves_the_cursor_of_the_terminal(tmp_path: Path) -> None:
    files = {
        "eve/\x1b[2J\u202e.ipynb": b"{",
        "mal/\x1b[2J\u202e.ipynb": b"{",
        "eve/w.zip": zipped(("\x1b[31m/L1-echo.ipynb", MINE)),
        "\x1b]0;owned\x07/L1-echo.ipynb": EVIL,
    }
    dropped(tmp_path / "in", **files)
    said = io.StringIO()
    console = Console(file=said, force_terminal=False, width=200)
    grade_class(tmp_path / "in", tmp_path / "out", ROOT, console, selection=Selection(), grader=fake_grade, workers=1)
    assert not {"\x1b", "\x07", "\u202e"} & set(said.getvalue())
    assert "mal: " in said.getvalue()
