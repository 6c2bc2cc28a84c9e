"""Drops that somebody made who had read only the documents: each kind that once moved a mark or lost a row."""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from pathlib import Path

import pytest
from tests.grading.intake.drops import LATER, dropped, graded, mark_of, rows, work, zipped
from tests.grading.papers import ROOT, as_bytes, paper

from wslab.errors import LabError
from wslab.grading.batch import Selection
from wslab.grading.intake.roster import Roster, read_roster
from wslab.grading.intake.submissions import take_in
from wslab.grading.intake.whose import folded
from wslab.grading.reports import feedback, written_answers
from wslab.grading.reports.writing import write_reports

MINE, EVIL = work("a"), work("c")
assert mark_of(MINE) != mark_of(EVIL)
L1 = "L1-echo.ipynb"


def marks(top: Path, out: Path) -> dict[tuple[str, str], float]:
    found = rows(graded(top, out))
    return {key: float(row.result.score) for key, row in found.items() if row.result is not None}


def roster(folder: Path, text: str) -> Roster:
    """The class list that this table is."""
    path = folder / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return read_roster(path)


@pytest.mark.parametrize("packed", [True, False])
def test_folders_of_somebodys_own_choice_make_no_level_of_what_stands_beside_them(tmp_path: Path, packed: bool) -> None:
    """Jane keeps two labs in two folders, so nothing lies directly in her own; Mal packs a folder `bob`."""
    if packed:
        jane = zipped(("first/" + L1, MINE), ("second/L6-loop.ipynb", work("mine", "L6")))
        files = {"jane.zip": jane, "mal.zip": zipped(("jane/" + L1, EVIL), ("bob/" + L1, EVIL), when=LATER)}
    else:
        files = {f"jane/first/{L1}": MINE, "jane/second/L6-loop.ipynb": work("mine", "L6")}
        files |= {f"mal/{who}/{L1}": EVIL for who in ("jane", "bob")}
    found = marks(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert set(found) == {("jane", "L1"), ("jane", "L6"), ("mal", "L1")}
    assert found["jane", "L1"] == mark_of(MINE)


def test_one_inner_folder_in_a_zip_is_its_owners_own_work(tmp_path: Path) -> None:
    evil = zipped(("jane/" + L1, EVIL), ("bob/" + L1, EVIL), when=LATER)
    top = dropped(tmp_path / "in", **{"eve.zip": zipped(("x y/" + L1, MINE)), "mal.zip": evil})
    assert set(marks(top, tmp_path / "out")) == {("eve", "L1"), ("mal", "L1")}


@pytest.mark.parametrize("second", ["eve.zip", "eve/"])
def test_who_handed_in_earlier_is_a_person_in_a_later_drop(tmp_path: Path, second: str) -> None:
    first = {f"jane/{L1}": MINE, f"eve/{L1}": work("eve")}
    marks(dropped(tmp_path / "1", **first), tmp_path / "out")
    evil = {f"jane/{L1}": EVIL, f"bob/{L1}": EVIL}
    if second.endswith(".zip"):
        files = {second: zipped(*evil.items(), when=LATER)}
    else:
        files = {f"{second}{place}": data for place, data in evil.items()}
    found = marks(dropped(tmp_path / "2", **files), tmp_path / "out")
    # A zip does not replace what she handed in before: it is kept apart, and a question.
    apart = {("eve.zip", "L1"): mark_of(EVIL)} if second.endswith(".zip") else {}
    mine = mark_of(work("eve") if apart else EVIL)
    assert found == {("jane", "L1"): mark_of(MINE), ("eve", "L1"): mine, **apart}


def test_one_other_name_in_somebodys_folder_is_told(tmp_path: Path) -> None:
    files = {f"jane/{L1}": MINE, f"eve/{L1}": EVIL, f"eve/jane/{L1}": EVIL}
    found = rows(graded(dropped(tmp_path / "in", **files), tmp_path / "out"))
    assert "names of others (jane)" in " ".join(map(str, found["eve", "L1"].notes))


def test_nobody_says_when_their_own_work_was_handed_in(tmp_path: Path) -> None:
    """An early `timestamp.txt`, and early times in a zip: they would take back what lateness costs."""
    stamp = b"2026-01-01 00:00:00 UTC"
    folder = "{}_{}_assignsubmission_file_"
    early = zipped((L1, MINE), ("timestamp.txt", stamp), when=(2026, 1, 1, 0, 0, 0))
    export = zipped(
        (f"{folder.format('Ayşe Ak', 1)}/{L1}", MINE),
        (f"{folder.format('Ayşe Ak', 1)}/timestamp.txt", stamp),
        (f"{folder.format('Can Er', 2)}/work.zip", early),
        when=LATER,
    )
    top = dropped(tmp_path / "in", **{"moodle.zip": export, "eve.zip": early})
    found = {one.student.id: one.timestamp for one in take_in(top).handed}
    assert found == {"1": "2026-11-25 10:00:00", "2": "2026-11-25 10:00:00", "eve": "2027-01-15 08:00:00"}


@pytest.mark.parametrize(("inside", "top"), [("submitted/", "in"), ("", "submitted"), ("2026/submitted/", "in")])
def test_nbgraders_timestamp_is_that_of_the_folder_it_collects_into(tmp_path: Path, inside: str, top: str) -> None:
    files = {f"{inside}ayse/L1-echo/{L1}": MINE, f"{inside}ayse/L1-echo/timestamp.txt": b"2026-10-01 12:00:00 UTC"}
    files[f"{inside}bora/L1-echo/x/{L1}"] = MINE
    files[f"{inside}bora/L1-echo/x/timestamp.txt"] = b"2026-10-01 12:00:00 UTC"
    found = {one.student.id: one.timestamp for one in take_in(dropped(tmp_path / top, **files)).handed}
    assert found == {"ayse": "2026-10-01 12:00:00", "bora": "2027-01-15 08:00:00"}


def test_of_two_in_one_zip_the_newer_is_still_the_newer(tmp_path: Path) -> None:
    packed = io.BytesIO(zipped(("b.ipynb", EVIL)))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(zipfile.ZipInfo("a.ipynb", LATER), MINE)
    (one,) = take_in(dropped(tmp_path, **{"eve.zip": packed.getvalue()})).handed
    assert one.place == "eve.zip/a.ipynb"


@pytest.mark.parametrize("where", ["results", "eve/results"])
def test_results_inside_the_drop_are_nobodys_work(tmp_path: Path, where: str) -> None:
    top = dropped(tmp_path, **{f"jane/{L1}": MINE, f"eve/{L1}": EVIL})
    for _ in range(2):
        batch = graded(top, top / where)
        write_reports(batch, top / where)
        assert set(rows(batch)) == {("jane", "L1"), ("eve", "L1")}
    assert batch.kept == 2, "what the reports hold is no part of a submission"


def test_the_drop_itself_takes_no_results(tmp_path: Path) -> None:
    top = dropped(tmp_path, **{f"jane/{L1}": MINE})
    with pytest.raises(LabError, match="another folder"):
        graded(top, top)
    assert [path.name for path in top.iterdir()] == ["jane"]


@pytest.mark.parametrize("name", ["class.zip", "jane-L1-echo.ipynb"])
def test_a_file_that_is_no_zip_is_no_student(tmp_path: Path, name: str) -> None:
    top = dropped(tmp_path, **{name: MINE}) / name
    with pytest.raises(LabError, match="no zip"):
        graded(top, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_carriage_return_begins_no_row(tmp_path: Path) -> None:
    """`csv` leaves it without quotes, and a table that is read again would lose the mark behind it."""
    document = paper()
    document["cells"].append({"cell_type": "markdown", "id": "own", "metadata": {}, "source": "one\rtwo\r\nthree"})
    files = {f"x\ry/{L1}": as_bytes(document), f"jane/{L1}": MINE}
    top, out = dropped(tmp_path / "in", **files), tmp_path / "out"
    write_reports(graded(top, out), out, root=ROOT)
    for name in ("scores.csv", "totals.csv", "written.csv"):
        text = (out / name).read_bytes().decode("utf-8-sig")
        assert len({len(row) for row in csv.reader(io.StringIO(text, newline="")) if row}) == 1, name
    table = out / written_answers.TABLE
    text = table.read_bytes().decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    (mine,) = [line for line in lines if line["question"] == "beside"]
    mine["points"] = "2"
    file = io.StringIO()
    writer = csv.DictWriter(file, list(mine))
    writer.writeheader()
    writer.writerows(lines)
    table.write_bytes(file.getvalue().encode())
    assert [one.points for one in written_answers.read_marks(out).by_key.values()] == [2.0]


def test_no_page_has_a_sign_that_turns_the_direction_of_writing(tmp_path: Path) -> None:
    names = ["ev\u202ee", "\x1b[31mred", "a\u2066b", "bell\x07"]
    top, out = dropped(tmp_path / "in", **{f"{name}/{L1}": work(name) for name in names}), tmp_path / "out"
    write_reports(graded(top, out), out, root=ROOT)
    pages = [path for path in out.rglob("*") if path.suffix in (".html", ".md")]
    assert len(pages) >= 2 * len(names)
    hidden = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
    assert not [path for path in pages if hidden.search(path.read_text(encoding="utf-8"))]


def test_only_takes_a_name_with_a_bracket_as_it_stands(tmp_path: Path) -> None:
    top = dropped(tmp_path / "in", **{f"a[b]/{L1}": MINE, f"jane/{L1}": EVIL})
    found = rows(graded(top, tmp_path / "out", selection=Selection(only=("a[b]/L1",))))
    assert [key for key, row in found.items() if row.result is not None] == [("a[b]", "L1")]


def test_a_folder_of_hidden_files_is_not_called_empty(tmp_path: Path) -> None:
    found = rows(graded(dropped(tmp_path / "in", **{f"eve/.{L1}": MINE, f"jane/{L1}": MINE}), tmp_path / "out"))
    assert "hidden files" in str(found["eve", ""].reason)


@pytest.mark.parametrize(("one", "other"), [("सीता", "सोता"), ("😀", "🎉"), ("-", "_")])
def test_names_that_differ_in_vowel_signs_or_have_no_letters_stay_two(tmp_path: Path, one: str, other: str) -> None:
    assert folded(one) != folded(other)
    folder = "{}_{}_assignsubmission_file_/{}"
    files = {
        "L1.zip": zipped((folder.format(one, 1, L1), MINE)),
        "L6.zip": zipped((folder.format(other, 2, "L6-loop.ipynb"), work("x", "L6"))),
    }
    found = rows(graded(dropped(tmp_path / "in", **files), tmp_path / "out"))
    assert {row.student.name for row in found.values()} == {one, other}


@pytest.mark.parametrize("name", ["con", "con.er", "AUX.txt", "nul .x"])
def test_no_page_is_called_like_a_device_of_windows(name: str) -> None:
    found = feedback.file_names([name])[name]
    assert found.partition(".")[0].strip().casefold() not in ("con", "aux", "nul")


EXPORTED = "{}_{}_assignsubmission_file_"
VANISHING: dict[str, tuple[dict[str, bytes], str]] = {
    "hidden": ({EXPORTED.format("Can Er", 7) + "/.hidden": b"x"}, "7"),
    "of a Mac": ({EXPORTED.format("Can Er", 7) + "/__MACOSX/._L1-echo.ipynb": b"x"}, "7"),
    "a checkpoint": ({EXPORTED.format("Can Er", 7) + "/.ipynb_checkpoints/L1-echo-checkpoint.ipynb": work("c")}, "7"),
    "a lock of Word": ({EXPORTED.format("Can Er", 7) + "/~$L1.docx": b"x"}, "7"),
    "a text of Moodle": ({"Can Er_7_assignsubmission_onlinetext.html": b"<p>x"}, "7"),
    "another plugin of Moodle": ({"Can Er_7_assignsubmission_geogebra_/x.ggb": b"x"}, "7"),
    "a text of Canvas": ({"ercan_1007_text.html": b"<p>x"}, "1007"),
    "a late text of Canvas": ({"ercan_LATE_1007_text.html": b"<p>x"}, "1007"),
    "a link in Canvas": ({"ercan_1007_link.html": b"<a>"}, "1007"),
}


@pytest.mark.parametrize(("files", "who"), VANISHING.values(), ids=VANISHING)
def test_who_handed_in_what_nobody_looks_at_has_a_row(tmp_path: Path, files: dict[str, bytes], who: str) -> None:
    members = {EXPORTED.format("Ada Su", 1) + "/L1-echo.ipynb": work("a"), **files}
    top = dropped(tmp_path / "in", **{"export.zip": zipped(*members.items())})
    found = rows(graded(top, tmp_path / "out"))
    assert {key[0] for key in found} == {"1", who}
    (row,) = [row for key, row in found.items() if key[0] == who]
    assert row.result is None
    assert row.reason is not None


def test_blackboards_export_is_a_person_for_each_name(tmp_path: Path) -> None:
    stamp = "attempt_2026-11-20-10-00-00"
    members = (
        (f"L1_ada_{stamp}_L1-echo.ipynb", work("a")),
        (f"L1_ada_{stamp}.txt", b"Name: Ada"),
        (f"L1_can_{stamp}_chat.py", b"x = 1"),
        (f"L1_can_{stamp}.txt", b"Name: Can"),
        (f"L1_ece_{stamp}.txt", b"Name: Ece"),
        (f"L1_ida_{stamp}_L1-echo.ipynb", work("i")),
        (f"L1_ida_{stamp}_chat.py", b"x = 1"),
    )
    top = dropped(tmp_path / "in", **{"gradebook.zip": zipped(*members)})
    found = rows(graded(top, tmp_path / "out"))
    assert {key[0]: row.result is not None for key, row in found.items()} == {
        "ada": True,
        "can": False,
        "ece": False,
        "ida": True,
    }
    reasons = {key[0]: str(row.reason) for key, row in found.items() if row.reason is not None}
    assert "chat.py" in reasons["can"]
    assert "Nothing was handed in" in reasons["ece"]
    files = {one.student.id: one.files for one in take_in(top).handed}
    assert files == {"ada": (), "ida": (("chat.py", b"x = 1"),)}


def test_in_blackboard_the_name_of_a_file_speaks_for_nobody(tmp_path: Path) -> None:
    head = "L1_{}_attempt_{}-11-20-10-00-00_{}"
    files = {
        head.format("ayse", 2026, L1): MINE,
        head.format("eve", 2026, head.format("ayse", 2027, L1)): EVIL,
        head.format("mal", 2026, "w.zip"): zipped((head.format("ayse", 2027, L1), EVIL), when=LATER),
    }
    for place, data in (("folder", files), ("zip", {"gradebook.zip": zipped(*files.items())})):
        found = marks(dropped(tmp_path / place / "in", **data), tmp_path / place / "out")
        assert set(found) == {("ayse", "L1"), ("eve", "L1"), ("mal", "L1")}
        assert found["ayse", "L1"] == mark_of(MINE)


def test_people_of_blackboard_whose_names_end_alike_stay_two(tmp_path: Path) -> None:
    stamp = "attempt_2026-11-20-10-00-00"
    one = f"L1_can_su_{stamp}_work.zip"
    files = {f"L1_ada_su_{stamp}_{L1}": MINE, f"L1_ada_su_{stamp}.txt": b"x", one: zipped((L1, EVIL))}
    files[f"L1_ada_ak_{stamp}_{L1}"] = work("b")
    found = marks(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert found == {
        (who, "L1"): mark_of(work(mark)) for who, mark in (("ada_su", "a"), ("can_su", "c"), ("ada_ak", "b"))
    }
    # One person in two assignments stays one.
    files = {f"Lab_1_su_{stamp}_{L1}": MINE, f"Lab_2_su_{stamp}_L6-loop.ipynb": work("a", "L6")}
    assert set(marks(dropped(tmp_path / "two", **files), tmp_path / "out2")) == {("su", "L1"), ("su", "L6")}
    # In two assignments that ask for the same lab, too, where a class is in them.
    files = {f"{task}_{who}_{stamp}_{L1}": work(who) for task in ("L1", "L1 again") for who in ("su", "ali")}
    assert set(marks(dropped(tmp_path / "again", **files), tmp_path / "out3")) == {("su", "L1"), ("ali", "L1")}


def test_beside_notebooks_that_are_called_after_people_other_files_are_somebodys_too(tmp_path: Path) -> None:
    files = {
        "Ada Su L1.ipynb": work("a"),
        "Can Er - L1 (1).ipynb": work("c"),
        "Ece Ak L1.pdf": b"%PDF",
        "notes.txt": b"x",
    }
    found = rows(graded(dropped(tmp_path / "in", **files), tmp_path / "out"))
    assert {key: row.result is not None for key, row in found.items()} == {
        ("Ada Su", "L1"): True,
        ("Can Er", "L1"): True,
        ("Ece Ak", "L1"): False,
    }


@pytest.mark.parametrize("stray", ["/" + L1, "{}/../{}/" + L1, "C:/x/" + L1, "\\x.ipynb"])
def test_a_name_that_leads_out_of_an_export_makes_nobody_of_its_people(tmp_path: Path, stray: str) -> None:
    homes = [EXPORTED.format("Ada Su", 1), EXPORTED.format("Can Er", 2)]
    export = zipped((f"{homes[0]}/{L1}", MINE), (stray.format(*homes), EVIL), (f"{homes[1]}/{L1}", work("b")))
    batch = graded(dropped(tmp_path / "in", **{"Echo.zip": export}), tmp_path / "out")
    assert {key: row.result is not None for key, row in rows(batch).items()} == {("1", "L1"): True, ("2", "L1"): True}
    assert "leads out of the zip" in " ".join(map(str, batch.ownerless.values()))


def test_a_colon_in_a_display_name_leads_nowhere(tmp_path: Path) -> None:
    export = zipped((f"{EXPORTED.format('Ada: Su', 1)}/{L1}", MINE), (f"{EXPORTED.format('Can Er', 2)}/{L1}", EVIL))
    found = rows(graded(dropped(tmp_path / "in", **{"Echo.zip": export}), tmp_path / "out"))
    assert {row.student.name: row.result is not None for row in found.values()} == {"Ada: Su": True, "Can Er": True}


@pytest.mark.parametrize("inside", ["", "x/"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_later_drop_of_one_student_speaks_for_nobody(tmp_path: Path, inside: str, packed: bool) -> None:
    """Eve, whom no earlier drop has, packs folders of people who are there: alone in a drop that looks like a class."""
    files = {f"{inside}{who}/{L1}": EVIL for who in ("JANE", "bob", "new")}
    late = {"eve.zip": zipped(*files.items(), when=LATER)} if packed else {f"eve/{at}": it for at, it in files.items()}
    marks(dropped(tmp_path / "1", **{f"jane/{L1}": MINE, f"bob/{L1}": work("b")}), tmp_path / "out")
    found = marks(dropped(tmp_path / "2", **late), tmp_path / "out")
    assert set(found) == {("jane", "L1"), ("bob", "L1"), ("eve", "L1")}
    assert (found["jane", "L1"], found["bob", "L1"]) == (mark_of(MINE), mark_of(work("b")))


def test_what_was_a_level_is_one_again(tmp_path: Path) -> None:
    top = dropped(tmp_path / "in", **{f"hand-ins/{who}/{L1}": work(who) for who in ("jane", "bob")})
    for more in ("jane", "eve"):
        dropped(top, **{f"hand-ins/{more}/{L1}": work(f"new {more}")})
        found = marks(top, tmp_path / "out")
    assert found == {
        (who, "L1"): mark_of(work(said)) for who, said in (("jane", "new jane"), ("bob", "bob"), ("eve", "new eve"))
    }


def test_nobody_takes_the_page_of_somebody_else(tmp_path: Path) -> None:
    """By the same name in other letters in a later drop, or by the name that somebody's page has."""
    page = feedback.file_names(["a:b"])["a:b"]
    out = tmp_path / "out"
    write_reports(graded(dropped(tmp_path / "1", **{f"{who}/{L1}": work(who) for who in ("ada", "a:b")}), out), out)
    batch = graded(dropped(tmp_path / "2", **{f"{who}/{L1}": EVIL for who in ("ADA", page.upper())}), out)
    write_reports(batch, out)
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (out / "feedback").glob("*.html")}
    assert len({name.casefold() for name in pages}) == len(pages) == 4
    assert "ada" not in {name.casefold() for name in pages}
    for who, name in feedback.file_names(["ada", "ADA", "a:b", page.upper()]).items():
        assert who in pages[name]


@pytest.mark.parametrize("other", ["ada ", " ada", "ada.", "Ada", "ada ".replace(" ", "\u00a0")])
def test_a_folder_that_is_called_almost_as_somebodys_is_another_persons(tmp_path: Path, other: str) -> None:
    top = dropped(tmp_path / "in", **{f"ada/{L1}": MINE, f"{other}/{L1}": EVIL})
    os.utime(top / other / L1, (1_900_000_000, 1_900_000_000))
    out = tmp_path / "out"
    batch = graded(top, out)
    write_reports(batch, out)
    assert {row.student.id: row.result and row.result.score for row in batch.rows} == {
        "ada": mark_of(MINE),
        other: mark_of(EVIL),
    }
    assert len(list((out / "feedback").glob("*.html"))) == 2


NEWER = zipped((L1, EVIL), when=LATER)
OF_CANVAS = (f"suada_101_9001_{L1}", f"ercan_102_9002_{L1}")
OF_MOODLE = f"{EXPORTED.format('Ada Su', 7)}/{L1}"
CHOSEN: dict[str, tuple[dict[str, bytes], str, dict[str, bytes]]] = {
    "a zip beside a folder": ({f"Ada Su/{L1}": MINE, "Ada Su.zip": NEWER}, "", {"Ada Su": MINE, "Ada Su.zip": EVIL}),
    "in a section": (
        {f"section-a/Ada Su/{L1}": MINE, "section-a/Ada Su.zip": NEWER},
        "",
        {"Ada Su": MINE, "section-a/Ada Su.zip": EVIL},
    ),
    "a file beside a folder": (
        {f"Ada Su/{L1}": MINE, "Ada Su L1.ipynb": EVIL},
        "",
        {"Ada Su": MINE, "Ada Su L1.ipynb": EVIL},
    ),
    "a file beside a zip": (
        {"Ada Su.zip": zipped((L1, MINE)), "Ada Su L1.ipynb": EVIL},
        "",
        {"Ada Su.zip": MINE, "Ada Su L1.ipynb": EVIL},
    ),
    "an older version of one's own": (
        {f"Ada Su/{L1}": MINE, "Ada Su/L1 (0).ipynb": EVIL, "Ada Su.zip": NEWER},
        "",
        {"Ada Su": MINE, "Ada Su.zip": EVIL},
    ),
    "with a roster": ({f"ada.su/{L1}": MINE, "Ada Su.zip": NEWER}, "7,Ada Su", {"7": MINE, "Ada Su.zip": EVIL}),
    "a zip beside an export": ({OF_MOODLE: MINE, "Ada Su.zip": NEWER}, "1,Ada Su", {"1": MINE, "Ada Su.zip": EVIL}),
    "a zip beside an export in a zip": (
        {"export.zip": zipped((OF_MOODLE, MINE)), "Ada Su.zip": NEWER},
        "1,Ada Su",
        {"1": MINE, "Ada Su.zip": EVIL},
    ),
    "a zip outside of the section": (
        {f"section-a/Ada Su/{L1}": MINE, "Ada Su.zip": NEWER},
        "",
        {"Ada Su": MINE, "Ada Su.zip": EVIL},
    ),
    "a zip outside of the section, with a roster": (
        {f"section-a/ada.su/{L1}": MINE, "Ada Su.zip": NEWER},
        "7,Ada Su",
        {"7": MINE, "Ada Su.zip": EVIL},
    ),
    "a file beside the files of an export": (
        {
            OF_CANVAS[0]: MINE,
            OF_CANVAS[1]: work("b"),
            "Ada Su.ipynb": EVIL,
        },
        "1,Ada Su\n2,Can Er",
        {"1": MINE, "2": work("b"), "Ada Su.ipynb": EVIL},
    ),
}
JOINED: dict[str, dict[str, bytes]] = {
    "a zip and what was unpacked from it": {f"Ada Su/{L1}": MINE, "Ada Su.zip": zipped((L1, MINE), when=LATER)},
    "another lab": {f"Ada Su/{L1}": MINE, "Ada Su.zip": zipped(("L6-loop.ipynb", work("c", "L6")), when=LATER)},
}


@pytest.mark.parametrize(("files", "listed", "wanted"), CHOSEN.values(), ids=CHOSEN)
def test_a_name_that_anybody_can_choose_replaces_nothing_beside_it(
    tmp_path: Path, files: dict[str, bytes], listed: str, wanted: dict[str, bytes]
) -> None:
    people = roster(tmp_path, f"id,name\n{listed}\n") if listed else None
    found = rows(graded(dropped(tmp_path / "in", **files), tmp_path / "out", roster=people))
    assert {who: row.result and row.result.score for (who, _), row in found.items()} == {
        who: mark_of(data) for who, data in wanted.items()
    }
    asked = {who for (who, _), row in found.items() if "Is this Ada Su?" in " ".join(map(str, row.notes))}
    assert asked == {who for who, _ in found if who.endswith((".zip", ".ipynb"))}


@pytest.mark.parametrize("outside", ["Ada Su.zip", "Ada Su.ipynb"])
def test_what_lies_outside_of_a_zip_counts_and_is_asked_about(tmp_path: Path, outside: str) -> None:
    """Who packs a zip with everybody's names, and called as a class, speaks for nobody whose own work lies outside."""
    names = ("Ada Su", "Can Er", "Eve X", "Nil Ok")
    inside = zipped(*((f"{who}/{L1}", EVIL) for who in names), when=(2028, 1, 1, 0, 0, 0))
    files = {outside: zipped((L1, MINE)) if outside.endswith(".zip") else MINE, "class.zip": inside}
    found = rows(graded(dropped(tmp_path / "in", **files), tmp_path / "out"))
    assert {key[0] for key in found} == set(names)
    mine = found["Ada Su", "L1"]
    assert mine.result is not None
    assert mine.result.score == mark_of(MINE)
    assert "Is this Ada Su? `class.zip/Ada Su` has that name, too" in " ".join(map(str, mine.notes))


MOODLE_FILE = "{}_{}_assignsubmission_file_" + L1
STAMPED = "L1_{}_attempt_2026-11-20-10-00-00_" + L1


@pytest.mark.parametrize(
    ("export", "forged", "who"),
    [
        (OF_CANVAS, "suada_101_9999_" + L1, "101"),
        (OF_CANVAS, "suada_101_9999_w.zip", "101"),
        (OF_CANVAS, "101.zip", "101"),
        ((MOODLE_FILE.format("Ada Su", 7), MOODLE_FILE.format("Can Er", 8)), MOODLE_FILE.format("Ada Su", 7), "7"),
        ((STAMPED.format("ada"), STAMPED.format("can")), "ada.zip", "ada"),
        ((STAMPED.format("ada"), STAMPED.format("can")), "ada.ipynb", "ada"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_file_that_is_called_as_in_an_export_replaces_nothing_of_the_export(
    tmp_path: Path, export: tuple[str, str], forged: str, who: str, packed: bool
) -> None:
    """Eve gives her file or zip the name that Ada has in the export, or her number, and it lies beside that."""
    class_of = dict(zip(export, (MINE, work("b")), strict=True))
    files = {"export.zip": zipped(*class_of.items())} if packed else {f"export/{at}": it for at, it in class_of.items()}
    files[forged] = NEWER if forged.endswith(".zip") else EVIL
    found = rows(graded(dropped(tmp_path / "in", **files), tmp_path / "out"))
    assert len(found) == 3
    (mine,) = [row for row in found.values() if "mine = 'a'" in row.code]
    assert mine.student.id == who
    assert mine.result is not None
    assert mine.result.score == mark_of(MINE)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("forged", [f"suada_101_9999_{L1}", MOODLE_FILE.format("Ada Su", 7)])
def test_what_goes_back_to_an_export_goes_by_the_owners_name(
    tmp_path: Path, forged: str, packed: bool, listed: bool
) -> None:
    """Eve's folder holds a file that is called as Ada's in an export: nothing of it goes back as Ada's."""
    both = "id,name,email\n1,Ada Su,ada@example.edu\n2,Eve X,eve@example.edu\n"
    people = roster(tmp_path, both) if listed else None
    files = (
        {"Eve X/w.zip": zipped((f"more/{forged}", EVIL), when=(2028, 1, 1, 0, 0, 0))}
        if packed
        else {f"Eve X/{forged}": EVIL}
    )
    files["Eve X/A.ipynb"] = work("b")
    export = {f"{EXPORTED.format('Ada Su', 7)}/{L1}": MINE, f"{EXPORTED.format('Can Er', 8)}/{L1}": work("b")}
    out = tmp_path / "out"
    top = dropped(tmp_path / "in", **{"moodle.zip": zipped(*export.items())}, **files)
    write_reports(graded(top, out, roster=people), out)
    assert sorted(path.name for path in out.glob("[mc]*/*.csv")) == [
        "L1-echo-grades.csv",
        *(["gradebook.csv"] if listed else []),
    ]
    table = csv.reader(io.StringIO((out / "moodle" / "L1-echo-grades.csv").read_text(encoding="utf-8")))
    assert {row[0]: row[2] for row in table if row[0] != "Identifier"} == {
        "Participant 7": f"{mark_of(MINE):g}",
        "Participant 8": f"{mark_of(work('b')):g}",
    }
    with zipfile.ZipFile(out / "moodle" / "L1-echo-feedback.zip") as feedback_zip:
        assert len(feedback_zip.namelist()) == 2


@pytest.mark.parametrize("inside", ["{}/", "{}_1_assignsubmission_file_/"])
def test_a_zip_by_itself_that_has_the_name_of_somebody_is_theirs(tmp_path: Path, inside: str) -> None:
    first = {f"{who}/{L1}": work(who) for who in ("Ada Su", "Can Er", "Eve X")}
    marks(dropped(tmp_path / "1", **first), tmp_path / "out")
    evil = zipped(*((f"{inside.format(who)}{L1}", EVIL) for who in ("Ada Su", "Can Er")), when=(2028, 1, 1, 0, 0, 0))
    found = rows(graded(dropped(tmp_path / "2", **{"Eve X.zip": evil}) / "Eve X.zip", tmp_path / "out"))
    assert {key[0]: row.result and row.result.score for key, row in found.items()} == {
        "Ada Su": mark_of(work("Ada Su")),
        "Can Er": mark_of(work("Can Er")),
        "Eve X": mark_of(EVIL),
    }
    assert "names of others" in " ".join(map(str, found["Eve X", "L1"].notes))


def test_one_students_zip_can_be_graded_by_itself(tmp_path: Path) -> None:
    top = dropped(tmp_path / "in", **{"eve.zip": zipped((L1, MINE))}) / "eve.zip"
    assert marks(top, tmp_path / "out") == {("eve", "L1"): mark_of(MINE)}


def moodle_export(mark: str, at: int) -> bytes:
    people = ((at + 1, "Ada Su"), (at + 2, "Can Er"))
    return zipped(*((f"{EXPORTED.format(who, number)}/{L1}", work(f"{mark} {who}")) for number, who in people))


def test_an_export_that_is_graded_by_itself_changes_a_mark_and_says_so_at_the_row(tmp_path: Path) -> None:
    """Who names an export names its people: what is in it replaces what an earlier drop brought."""
    first = dropped(tmp_path / "1", **{"moodle.zip": moodle_export("a", 70)}) / "moodle.zip"
    marks(first, tmp_path / "out")
    again = dropped(tmp_path / "2", **{"again.zip": moodle_export("c", 0)}) / "again.zip"
    for _ in range(2):
        found = rows(graded(again, tmp_path / "out"))
        assert set(found) == {("71", "L1"), ("72", "L1")}
        notes = " ".join(map(str, found["71", "L1"].notes))
        assert f"An earlier drop had another one (moodle.zip/{EXPORTED.format('Ada Su', 71)}/{L1})" in notes
        assert "mine = 'c Ada Su'" in found["71", "L1"].code
    # The same file once more, downloaded a week later.
    os.utime(dropped(tmp_path / "1", **{"moodle.zip": moodle_export("b", 70)}) / "moodle.zip", (1_900_000_000,) * 2)
    found = rows(graded(first, tmp_path / "out"))
    assert {key: row.code.splitlines()[0] for key, row in found.items()} == {
        ("71", "L1"): "mine = 'b Ada Su'",
        ("72", "L1"): "mine = 'b Can Er'",
    }


LATE: dict[str, dict[str, bytes]] = {
    "a zip": {"Ada Su.zip": NEWER},
    "a file": {"Ada Su L1.ipynb": EVIL},
    "a zip that looks like an export": {"CS101-L1-4711.zip": moodle_export("evil", 0)},
    "a zip in a zip": {"all.zip": zipped(("moodle.zip", moodle_export("evil", 70)), when=LATER)},
    "a zip of folders": {"class.zip": zipped((f"Ada Su/{L1}", EVIL), (f"Can Er/{L1}", EVIL), when=LATER)},
    "a file that is called as in an export": {MOODLE_FILE.format("Ada Su", 71): EVIL},
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("first", ["moodle.zip", "folders", "zips"])
def test_what_anybody_can_have_made_asks_before_it_replaces_what_an_earlier_drop_brought(
    tmp_path: Path, first: str, late: dict[str, bytes], listed: bool
) -> None:
    people = roster(tmp_path, "id,name\n71,Ada Su\n72,Can Er\n73,Nil Ok\n") if listed else None
    drops: dict[str, dict[str, bytes]] = {
        "moodle.zip": {"moodle.zip": moodle_export("a", 70)},
        "folders": {f"{who}/{L1}": work(f"a {who}") for who in ("Ada Su", "Can Er")},
        "zips": {f"{who}.zip": zipped((L1, work(f"a {who}"))) for who in ("Ada Su", "Can Er")},
    }
    out = tmp_path / "out"
    earlier = dropped(tmp_path / "1", **drops[first])
    for path in earlier.rglob("*"):
        os.utime(path, (1_780_000_000, 1_780_000_000))
    before = rows(graded(earlier, out, roster=people))
    # Beside it lies the work of somebody else, so that the drop is no export.
    top = dropped(tmp_path / "2", **late, **{"Nil Ok.zip": zipped((L1, work("n")))})
    for _ in range(2):
        found = rows(graded(top, out, roster=people))
        for key, row in before.items():
            if row.result is not None:
                assert (found[key].code, found[key].timestamp) == (row.code, row.timestamp)
        # Without a roster a name in an export is no other name's.
        if listed:
            assert any("--trust" in str(note) for key, row in found.items() if key not in before for note in row.notes)
    everything = graded(top, out, roster=people, selection=Selection(trust=("*",)))
    assert not any("--trust" in str(note) for row in everything.rows for note in row.notes)
    if listed:
        assert "mine = 'a " not in rows(everything)["71", "L1"].code
        assert {row.student.id for row in everything.rows} == {"71", "72", "73"}


@pytest.mark.parametrize("how", ["trusted", "by itself", "in a folder"])
def test_what_was_asked_about_is_accepted(tmp_path: Path, how: str) -> None:
    """And then counts without being told again, and has no row of its own any more."""
    out = tmp_path / "out"
    first = dropped(tmp_path / "1", **{f"Ada Su/{L1}": MINE, f"Can Er/{L1}": work("b")})
    for path in first.rglob("*"):
        os.utime(path, (1_780_000_000, 1_780_000_000))
    graded(first, out)
    late = dropped(tmp_path / "2", **{"Ada Su.zip": NEWER, "Can Er.zip": NEWER})
    assert {key[0] for key in rows(graded(late, out))} == {"Ada Su", "Can Er", "Ada Su.zip", "Can Er.zip"}
    if how == "trusted":
        graded(late, out, selection=Selection(trust=("Ada Su.zip",)))
    elif how == "by itself":
        graded(late / "Ada Su.zip", out)
    else:
        # Beside it lies the zip that it came as.
        graded(dropped(tmp_path / "3", **{f"Ada Su/{L1}": EVIL, "Ada Su.zip": NEWER}), out)
    for _ in range(2):
        found = rows(graded(late, out) if how != "in a folder" else graded(tmp_path / "3", out))
        assert {key[0]: row.code.splitlines()[0] for key, row in found.items()} == {
            "Ada Su": "mine = 'c'",
            "Can Er": "mine = 'b'",
            "Can Er.zip": "mine = 'c'",
        }


def test_what_is_trusted_has_to_be_there(tmp_path: Path) -> None:
    top = dropped(tmp_path / "in", **{f"Ada Su/{L1}": MINE, "Can Er.zip": NEWER})
    with pytest.raises(LabError, match=r"Can\.zip names no zip and no file .* There is: Can Er\.zip"):
        graded(top, tmp_path / "out", selection=Selection(trust=("Can.zip",)))


def test_what_lies_where_it_lay_is_the_same_ones_newer_work(tmp_path: Path) -> None:
    """The folder of a class grows, and zips in it are replaced: nobody but the instructor can have done that."""
    top = dropped(tmp_path / "in", **{"Ada Su.zip": zipped((L1, MINE)), "L1.zip": moodle_export("a", 70)})
    graded(top, tmp_path / "out")
    dropped(top, **{"Ada Su.zip": NEWER, "L1.zip": moodle_export("b", 70)})
    for name in ("Ada Su.zip", "L1.zip"):
        os.utime(top / name, (1_900_000_000, 1_900_000_000))
    found = rows(graded(top, tmp_path / "out"))
    assert {key[0] for key in found} == {"Ada Su", "71", "72"}
    assert "mine = 'c'" in found["Ada Su", "L1"].code
    assert "mine = 'b Ada Su'" in found["71", "L1"].code


def test_the_same_once_more_is_no_later_and_brings_no_progress(tmp_path: Path) -> None:
    base = b"SQLite format 3\0"
    first = {f"Ada Su/{L1}": MINE, "Ada Su/.wslab/progress.sqlite": base + b"hers"}
    out = tmp_path / "out"
    top = dropped(tmp_path / "1", **first)
    os.utime(top / "Ada Su" / L1, (1_790_000_000, 1_790_000_000))
    (row,) = graded(top, out).rows
    same, alone = zipped((L1, MINE), when=LATER), zipped((".wslab/progress.sqlite", base + b"forged"), when=LATER)
    for at, late in enumerate((same, alone)):
        batch = graded(dropped(tmp_path / f"later {at}", **{"Ada Su.zip": late}), out)
        assert [(one.student.id, one.timestamp) for one in batch.rows] == [("Ada Su", row.timestamp)]
        assert batch.progress == {"Ada Su": base + b"hers"}
        # Beside the folder, too.
        beside = graded(dropped(top, **{"Ada Su.zip": late}), tmp_path / f"out {at}")
        assert [(one.student.id, one.timestamp) for one in beside.rows] == [("Ada Su", row.timestamp)]
        assert beside.progress == {"Ada Su": base + b"hers"}


def test_who_is_on_the_roster_and_has_a_doubled_name_is_not_called_absent(tmp_path: Path) -> None:
    export = zipped(*((f"{EXPORTED.format('Ada Su', at)}/{L1}", work(str(at))) for at in (1, 2)))
    people = roster(tmp_path, "id,name\n2023001,Ada Su\n")
    found = rows(
        graded(dropped(tmp_path / "in", **{"moodle.zip": export}) / "moodle.zip", tmp_path / "out", roster=people)
    )
    said = str(found["2023001", ""].reason)
    assert "Somebody who handed in may be this person" in said
    assert "nothing was handed in" not in said


@pytest.mark.parametrize("look", ["ADA SU", "Ada\u200b Su", "Su Ada", "2023001", "Ad\u00e1 Su"])
def test_a_display_name_that_only_looks_like_one_on_the_roster_takes_nothing_from_it(tmp_path: Path, look: str) -> None:
    names = ((1, "Ada Su", "a"), (2, look, "c"))
    export = zipped(*((f"{EXPORTED.format(who, at)}/{L1}", work(mark)) for at, who, mark in names))
    people = roster(tmp_path, "id,name\n2023001,Ada Su\n")
    top = dropped(tmp_path / "in", **{"moodle.zip": export}) / "moodle.zip"
    found = rows(graded(top, tmp_path / "out", roster=people))
    assert set(found) == {("2023001", "L1"), ("2", "L1")}
    assert "mine = 'a'" in found["2023001", "L1"].code
    assert "was not taken for that person" in " ".join(map(str, found["2", "L1"].notes))


def test_canvas_writes_the_last_name_first(tmp_path: Path) -> None:
    people = roster(tmp_path, "id,name\n2023003,Işıl Yılmaz\n")
    files = {f"yilmazisil_4103_90003_{L1}": MINE, f"isilyilmaz_4109_90009_{L1}": EVIL}
    found = rows(graded(dropped(tmp_path / "in", **files), tmp_path / "out", roster=people))
    assert {key[0]: row.code.splitlines()[0] for key, row in found.items()} == {
        "2023003": "mine = 'a'",
        "4109": "mine = 'c'",
    }


@pytest.mark.parametrize("nothing", [b"PK\3\4 broken", zipped(("why.txt", b"no")), zipped((".wslab/x.sqlite", b"x"))])
def test_a_zip_without_a_notebook_stands_before_nothing(tmp_path: Path, nothing: bytes) -> None:
    inside = zipped(*((f"{who}/{L1}", work(who)) for who in ("Ada Su", "Can Er")))
    found = rows(graded(dropped(tmp_path / "in", **{"class.zip": inside, "Ada Su.zip": nothing}), tmp_path / "out"))
    assert {key: row.code.splitlines()[0] for key, row in found.items()} == {
        (who, "L1"): f"mine = {who!r}" for who in ("Ada Su", "Can Er")
    }


BESIDE: dict[str, tuple[dict[str, bytes], str]] = {
    "a folder, and a zip of another section": (
        {f"section-a/Ada Su/{L1}": MINE, "section-b.zip": zipped((f"Ada Su/{L1}", EVIL), (f"Can Er/{L1}", EVIL))},
        "",
    ),
    "nbgrader's folder, and what looks like an export": (
        {f"submitted/ada/L1-echo/{L1}": MINE, "moodle.zip": moodle_export("c", 0)},
        "7,Ada Su,ada\n8,Can Er,can",
    ),
    "files of a class, and a zip": ({"Ada Su.ipynb": MINE, "Can Er.ipynb": work("b"), "Ada Su.zip": NEWER}, ""),
    "zips of a class, and a file": (
        {"Ada Su.zip": zipped((L1, MINE)), "Can Er.zip": zipped((L1, work("b"))), "Ada Su.ipynb": EVIL},
        "",
    ),
    "two exports, unpacked into one folder": (
        {
            "L1_ada_attempt_2026-11-20-10-00-00_" + L1: MINE,
            "L1_can_attempt_2026-11-20-10-00-00_" + L1: work("b"),
            EXPORTED.format("Ada Su", 7) + ".zip": NEWER,
        },
        "7,Ada Su,ada\n8,Can Er,can",
    ),
    "an export's folder, and a zip of its name": (
        {f"{EXPORTED.format('Ada Su', 7)}/{L1}": MINE, EXPORTED.format("Ada Su", 7) + ".zip": NEWER},
        "",
    ),
    "two exports, of which one has more people": (
        {
            "L1.zip": zipped(
                *((f"{EXPORTED.format(who, at)}/{L1}", MINE) for at, who in enumerate(("Ada Su", "Can Er", "Nil Ok")))
            ),
            "moodle.zip": moodle_export("c", 70),
        },
        "",
    ),
    "folders in further ones, and a zip that is called as a lab": (
        {
            **{f"2026/autumn/{who}/{L1}": work(mark) for who, mark in (("Ada Su", "a"), ("Can Er", "b"))},
            "L6.zip": zipped((f"Ada Su/{L1}", EVIL), (f"Can Er/{L1}", EVIL)),
        },
        "",
    ),
    "two zips of folders, of which one has more people": (
        {
            "class.zip": zipped(*((f"{who}/{L1}", MINE) for who in ("Ada Su", "Can Er", "Nil Ok"))),
            "week 3.zip": zipped((f"Ada Su/{L1}", EVIL), (f"Can Er/{L1}", EVIL)),
        },
        "",
    ),
}


@pytest.mark.parametrize(("files", "listed"), BESIDE.values(), ids=BESIDE)
def test_of_two_in_one_drop_the_one_that_says_less_is_kept_apart(
    tmp_path: Path, files: dict[str, bytes], listed: str
) -> None:
    people = roster(tmp_path, f"id,name,aliases\n{listed}\n") if listed else None
    found = rows(graded(dropped(tmp_path / "in", **files), tmp_path / "out", roster=people))
    (mine,) = [row for row in found.values() if row.student.name == "Ada Su"]
    assert "mine = 'a'" in mine.code
    assert any(
        "Is this Ada Su?" in str(note) and "--trust" in str(note) for row in found.values() for note in row.notes
    )


@pytest.mark.parametrize("files", JOINED.values(), ids=JOINED)
def test_what_agrees_is_one_persons(tmp_path: Path, files: dict[str, bytes]) -> None:
    found = marks(dropped(tmp_path / "in", **files), tmp_path / "out")
    assert {who for who, _ in found} == {"Ada Su"}
    assert found["Ada Su", "L1"] == mark_of(MINE)


def test_of_two_files_of_one_name_the_newer_one_counts(tmp_path: Path) -> None:
    top = dropped(tmp_path / "in", **{"Ada Su L1.ipynb": EVIL, "Ada Su L1 (1).ipynb": MINE})
    os.utime(top / "Ada Su L1 (1).ipynb", (1_900_000_000, 1_900_000_000))
    assert marks(top, tmp_path / "out") == {("Ada Su", "L1"): mark_of(MINE)}
