"""What comes out: the columns, the pages, and that no learner's text does anything on them."""

from __future__ import annotations

import csv
import html
import importlib.util
import io
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.grading.papers import ROOT, failed, fake_grade, hand_in
from typer.testing import CliRunner

from wslab import cli
from wslab.grading.batch import Batch, Row
from wslab.grading.intake.whose import Student
from wslab.grading.isolation import sandbox
from wslab.grading.reports import class_page, feedback, scores, writing
from wslab.grading.reports.handed_progress import Predicted, Told, predictions, read
from wslab.grading.task import Cell, Result, Task
from wslab.labs import cards
from wslab.labs.catalogue import labs
from wslab.language import LANGUAGES, Text, use_language
from wslab.picture import sentence_html
from wslab.predictions import catalogue
from wslab.predictions.question import Choice
from wslab.progress.database import Store

HOSTILE = "</p><script>alert(1)</script><img src=x onerror=alert(2)> ``` [a](javascript:alert(3))"


def row(student: str, lab: str = "L1", observed: str = "saw it", language: str = "en") -> Row:
    graded = fake_grade(Task(student, lab, language, (Cell("In[1]", student),)))
    name = graded.verdicts[0].check
    verdicts = (failed(lab, name, Text.of(observed)), *graded.verdicts[1:])
    result = Result(student, lab, verdicts, sandbox.protections(), (), 1.0)
    return Row(Student(student), labs()[lab], language, "2026-11-24 09:30:00", f"{student}/x", result)


def told(unit: str, name: str, *, right: int = 0, **wrong: int) -> dict[str, Told]:
    """Progress files of people who gave these answers."""
    answers = [("it", "right")] * right + [(answer, "wrong") for answer, count in wrong.items() for _ in range(count)]
    return {f"s{number}": Told({(unit, name): one}, {}, {}) for number, one in enumerate(answers)}


def table(batch: Batch) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(scores.scores_csv(batch))))


class Elements(HTMLParser):
    """Every element of a page, and the links and sources in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def test_the_columns_are_nbgraders_and_one_a_check() -> None:
    batch = Batch((row("ayse"), row("bora", "L2")))
    header = scores.scores_csv(batch).splitlines()[0].split(",")
    assert tuple(header[:11]) == scores.NBGRADER
    checks = [f"{lab}.{name}" for lab in ("L1", "L2") for name in labs()[lab].maxima]
    assert header[11:] == [*checks, "remarks"]
    first, second = table(batch)
    assert (first["assignment"], first["student_id"], first["max_score"]) == ("L1-echo", "ayse", "10.0")
    assert float(first["score"]) == sum(float(first[f"L1.{name}"]) for name in labs()["L1"].maxima)
    assert all(first[f"L2.{name}"] == "" for name in labs()["L2"].maxima)
    assert second["assignment"] == "L2-cleanup"


def test_nbgrader_has_these_columns() -> None:
    found = importlib.util.find_spec("nbgrader")
    if found is None or found.origin is None:
        pytest.skip("nbgrader is not installed")
    source = Path(found.origin).with_name("plugins").joinpath("export.py").read_text(encoding="utf-8")
    places = [source.index(f'"{name}"') for name in scores.NBGRADER]
    assert places == sorted(places)


def test_problems_are_rows_with_their_reason() -> None:
    broken = Row(Student("ece"), labs()["L1"], reason=Text(en="broken", tr="bozuk"))
    found = table(Batch((broken,), {"x.ipynb": Text(en="whose?", tr="kimin?")}))
    assert (found[0]["score"], found[0]["max_score"], found[0]["remarks"]) == ("0.0", "10.0", "broken")
    assert found[1]["remarks"] == "x.ipynb: whose?"


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_no_cell_is_a_formula(name: str) -> None:
    found = table(Batch((row(name),)))
    assert found[0]["student_id"] == f"'{name}"
    assert scores.guarded("ayse-1") == "ayse-1"


def test_hostile_text_is_text(tmp_path: Path) -> None:
    hostile = row(HOSTILE, observed=HOSTILE)
    batch = Batch((hostile,), {HOSTILE: Text.of(HOSTILE)}, {HOSTILE: b"SQLite format 3\0"})
    writing.write_reports(batch, tmp_path)
    pages = [tmp_path / "class.html", *(tmp_path / "feedback").glob("*.html")]
    assert len(pages) == 2
    for path in pages:
        elements = Elements(path.read_text(encoding="utf-8"))
        assert "script" not in elements.tags
        assert "img" not in elements.tags
        assert not elements.handlers
        assert all(load.startswith("feedback/") for load in elements.loads)
        assert "http:" not in path.read_text(encoding="utf-8")
        assert "default-src 'none'" in path.read_text(encoding="utf-8")
    (markdown,) = (tmp_path / "feedback").glob("*.md")
    outside, fence = [], ""
    for line in markdown.read_text(encoding="utf-8").splitlines():
        if line.startswith("```") and (not fence or line == fence):
            fence = "" if fence else line.removesuffix("text")
        elif not fence:
            outside.append(line)
    assert "<script" not in "\n".join(outside)
    assert "](javascript" not in "\n".join(outside)
    assert {path.name for path in tmp_path.iterdir()} == {"class.html", "scores.csv", "totals.csv", "feedback"}


def test_feedback_has_the_cards_of_check_in_the_learners_language() -> None:
    turkish = row("ayse", language="tr")
    assert turkish.result is not None
    page = feedback.feedback_html(turkish.student, [turkish], "tr")
    use_language("tr")
    for verdict in turkish.result.verdicts:
        assert cards.verdict_html(verdict, css=False) in page
        assert cards.verdict_text(verdict) in feedback.feedback_markdown(turkish.student, [turkish], "tr")
    assert '<html lang="tr">' in page
    assert "için geri bildirim" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_class_page_counts_misconceptions_and_names_protections(language: str) -> None:
    use_language(language)
    rows = tuple(row(f"s{number}") for number in range(5))
    page = class_page.class_html(Batch(rows), told("05", "status", right=1, x=3), {})
    assert rows[0].result is not None
    wrong = rows[0].result.verdicts[0]
    for protection in sandbox.protections():
        assert str(protection) in html.unescape(page)
    assert f'<td class="n">5</td><th scope="row"><code>{wrong.misconception}</code>' in page
    assert sentence_html(wrong.meaning) in page
    assert page.count('<th scope="row"><a href=') == 5
    assert '<td class="n">4</td><td class="n">1</td><td>x (3)</td>' in page
    assert '<th scope="col"' in page


def test_a_prediction_is_shown_in_the_courses_own_words() -> None:
    asked = next(iter(catalogue.load("05")[0].values()))
    assert isinstance(asked, Choice)
    given = told("05", asked.key.partition(".")[2], **{asked.options[0].id: 2})
    page = class_page.class_html(Batch((row("ayse"),)), given, {})
    assert sentence_html(asked.question) in page
    assert f"{sentence_html(asked.options[0].text)} (2)" in page


def test_an_empty_class_and_one_without_a_result_have_pages() -> None:
    assert "<h1>" in class_page.class_html(Batch(()), {}, {})
    lost = Row(Student("ece"), labs()["L1"], reason=Text(en="broken", tr="bozuk"))
    assert "broken" in class_page.class_html(Batch((lost,)), {}, {})


def test_file_names_are_safe_and_nobody_elses() -> None:
    given = ["Ayşe", "ayse", "AYSE", "../../etc/passwd", "CON", "a/b", "a:b", "", "x" * 300]
    names = feedback.file_names(given)
    assert len({name.casefold() for name in names.values()}) == len(given)
    assert not any(set(name) & set('/\\:*?"<>|') or name.startswith(".") for name in names.values())
    assert names["Ayşe"] == "Ayşe"
    # A file's name may have 255 bytes, and the one it is written under first is a little longer.
    assert len(f".{feedback.file_names(['𝒜' * 80])['𝒜' * 80]}.html.part".encode()) <= 255


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scores.csv"
    scores.write(path, "old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        scores.write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_predictions_come_from_progress_files(tmp_path: Path) -> None:
    files = []
    for number, (answer, verdict) in enumerate([("500", "right"), ("404", "wrong"), ("404", "wrong")]):
        kept = Store(tmp_path / f"{number}.sqlite")
        asked = kept.ask("05.status", kind="choice", language="en", question="?", options=["500", "404"])
        given = kept.answer("05.status", answer, asked=asked)
        kept.outcome("05.status", answer=given.id, measured="500", option="500", verdict=verdict)
        late = kept.answer("05.status", "500", asked=asked, late=True)
        kept.outcome("05.status", answer=late.id, measured="500", option="500", verdict="right")
        files.append((tmp_path / f"{number}.sqlite").read_bytes())
    assert predictions(map(read, files)) == (Predicted("05", "status", 3, 1, (("404", 2),)),)


def test_a_hostile_progress_file_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "evil.sqlite"
    forever = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE outcomes (answer, verdict, measured_at)")
        connection.execute(
            f"CREATE VIEW answers AS {forever} 'u' unit, 'n' name, x answer, 0 skipped, 0 late, 1 answered_at FROM r"
        )
    connection.close()
    hostile = [path.read_bytes(), b"", b"SQLite format 3\0" + b"\xff" * 5000]
    assert [read(data) for data in hostile] == [Told({}, {}, {})] * 3


def test_attempts_and_hints_of_a_progress_file_stand_on_the_page(tmp_path: Path) -> None:
    kept = Store(tmp_path / "progress.sqlite")
    for check in ("echo", "echo", "order"):
        kept.attempt("L1", check, points=0, max=2, verdict="no-echo")
    for rung in (1, 2):
        kept.hint("L1", "echo", rung)
    kept.hint("L1", "echo", 2)  # opened again
    file = read((tmp_path / "progress.sqlite").read_bytes())
    assert (file.attempts, file.hints) == ({"L1": 3}, {"L1": 2})
    page = class_page.class_html(Batch((row("ayse"),)), {"ayse": file}, {})
    assert '<th scope="row">ayse</th><td class="n">0, 0</td><td class="n">3, 2</td>' in page


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("wslab.grading.grading.grade", fake_grade)
    hand_in(tmp_path / "in", "ayse", language="tr")
    command = ["--in", "en", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--language", "tr"]
    result = CliRunner().invoke(cli.app, command)
    assert result.exit_code == 0, result.output
    assert "Graded: 1. Kept from before: 0." in result.output
    assert "<h1>Sınıf</h1>" in (tmp_path / "out" / "class.html").read_text(encoding="utf-8")
    assert "Kept from before: 1" in CliRunner().invoke(cli.app, command).output
    wrong = CliRunner().invoke(cli.app, ["--in", "en", "grade", str(tmp_path / "none")])
    assert wrong.exit_code == 1
    assert "no folder or zip" in wrong.output
