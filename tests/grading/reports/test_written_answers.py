"""Answers in words: read on a page, marked in a table, and never lost."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from tests.grading.intake.drops import dropped, graded
from tests.grading.papers import ROOT, as_bytes, code, paper

from wslab.errors import LabError
from wslab.grading.batch import Batch
from wslab.grading.marks import LabRule, Rules
from wslab.grading.reports import written_answers
from wslab.grading.reports.writing import write_reports
from wslab.labs.catalogue import labs
from wslab.language import LANGUAGES

RULES = Rules(labs={"L1": LabRule(written=3)})
ANSWER = "receive_text() notices; finally runs.\n\n=cmd|' /C calc'!A0 şğı"


def handed(answer: str, language: str = "en", beside: str = "") -> bytes:
    document = paper("L1", language, "labs")
    for at, cell in enumerate(document["cells"]):
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "reflection":
            cell["source"] = "".join(cell["source"]).replace("...", answer)
            if beside:
                own: dict[str, Any] = {"cell_type": "markdown", "id": "mine", "metadata": {}, "source": beside}
                document["cells"].insert(at + 1, own)
                break
    return as_bytes(document)


def results(folder: Path, rules: Rules | None = RULES, **files: bytes) -> tuple[Path, Batch]:
    batch = graded(dropped(folder / "in", **files), folder / "out")
    write_reports(batch, folder / "out", rules, ROOT)
    return folder / "out", batch


def table(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((out / written_answers.TABLE).read_text("utf-8-sig"), newline="")))


def rewrite(out: Path, rows: list[dict[str, str]], *, delimiter: str = ",", encoding: str = "utf-8-sig") -> None:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    (out / written_answers.TABLE).write_bytes(file.getvalue().encode(encoding, "replace"))


def total(out: Path, student: str) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO((out / "totals.csv").read_text("utf-8")))
    return next(row for row in rows if row["student_id"] == student)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_is_not_part_of_the_answer(tmp_path: Path, language: str) -> None:
    out, batch = results(tmp_path, **{"ayse/L1.ipynb": handed(ANSWER, language, beside="**Note** to you")})
    answers = {one.question: one.text for one in batch.rows[0].answers}
    assert answers == {"reflection": ANSWER, "beside": "**Note** to you"}
    page = (out / written_answers.PAGE).read_text("utf-8")
    assert "receive_text() notices" in page
    assert "**Note** to you" in page
    assert "Somebody closes the browser tab" in page
    assert "is where the handler waits" in page  # the lab's own answer


def test_an_untouched_or_cleared_cell_is_no_answer(tmp_path: Path) -> None:
    out, batch = results(tmp_path, **{"ayse/L1.ipynb": handed("..."), "bora/L1.ipynb": handed("")})
    assert [row.answers for row in batch.rows] == [(), ()]
    assert table(out) == []
    assert "Nothing written: ayse, bora." in (out / written_answers.PAGE).read_text("utf-8")


def test_marks_in_the_table_count_and_stay(tmp_path: Path) -> None:
    out, batch = results(tmp_path, **{"0042/L1.ipynb": handed(ANSWER), "bora/L1.ipynb": handed("Something.")})
    assert batch.rows[0].result is not None
    checks = float(batch.rows[0].result.score)
    assert float(total(out, "0042")["L1"]) == checks
    assert "not marked yet" in total(out, "0042")["how"]
    rows = table(out)
    rows[0] |= {"points": "2,5", "comment": "Açık ve kısa.", "student_id": "42"}  # as a spreadsheet has it
    rewrite(out, rows, delimiter=";", encoding="cp1254")
    for _ in range(2):
        results(tmp_path)
        assert float(total(out, "0042")["L1"]) == checks + 2.5
        assert "written answers: 2.5 of 3 points" in total(out, "0042")["how"]
        assert table(out)[0]["comment"] == "Açık ve kısa."
        assert table(out)[0]["answer"].startswith("receive_text() notices")
    assert "Açık ve kısa." in (out / "feedback/0042.html").read_text("utf-8")
    assert "Açık ve kısa." not in (out / "feedback/bora.html").read_text("utf-8")
    assert float(labs()["L1"].points) + 3 == RULES.most_points(labs()["L1"])


def test_a_mark_outlives_its_answer(tmp_path: Path) -> None:
    out, _ = results(tmp_path, **{"ayse/L1.ipynb": handed("First."), "bora/L1.ipynb": handed("Second.")})
    rows = table(out)
    for row in rows:
        row |= {"points": "1", "comment": "ok"}
    rewrite(out, rows)
    # One hands in another answer, the other one's folder is gone, and the results begin anew.
    (tmp_path / "in/bora/L1.ipynb").unlink()
    (tmp_path / "out/results.sqlite").unlink()
    results(tmp_path, **{"ayse/L1.ipynb": handed("First, and better.")})
    assert {(row["student_id"], row["points"], row["comment"]) for row in table(out)} == {
        ("ayse", "1", "ok"),
        ("bora", "1", "ok"),
    }
    assert "has changed since it was marked" in (out / "feedback/ayse.html").read_text("utf-8")


def test_nobodys_mark_is_moved_by_an_answer_that_looks_like_a_table(tmp_path: Path) -> None:
    forged = 'x"\nbora,bora,L1,reflection,100,gift,x,k0,v0\n"'
    out, _ = results(tmp_path, **{"ayse/L1.ipynb": handed(forged), "bora/L1.ipynb": handed("Mine.")})
    assert len(table(out)) == 2
    before = total(out, "bora")["L1"]
    results(tmp_path)
    assert total(out, "bora")["L1"] == before


@pytest.mark.parametrize(("points", "line"), [("viel", 2), ("-1", 2), ("nan", 2), ("1e9", 2)])
def test_points_that_are_none_are_told_with_their_line(tmp_path: Path, points: str, line: int) -> None:
    out, _ = results(tmp_path, **{"ayse/L1.ipynb": handed("One.")})
    rows = table(out)
    rows[0]["points"] = points
    rewrite(out, rows)
    with pytest.raises(LabError, match=f"written.csv:{line}:"):
        written_answers.read_marks(out)


def test_another_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / written_answers.TABLE).write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(LabError, match="student_id"):
        written_answers.read_marks(tmp_path)
    assert written_answers.read_marks(tmp_path / "nowhere").by_key == {}


def test_code_in_the_place_of_words_is_no_answer(tmp_path: Path) -> None:
    document = paper("L1", "en", "labs")
    document["cells"].append(code("print('hello')"))
    _, batch = results(tmp_path, **{"ayse/L1.ipynb": as_bytes(document)})
    assert batch.rows[0].answers == ()
