"""The page “a semester with WebSocket Lab”, its commands run one after the other."""

from __future__ import annotations

import csv
import io
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.grading.intake.drops import work, zipped
from tests.grading.papers import as_bytes, fake_grade, paper
from typer.testing import CliRunner

from wslab import cli
from wslab.language import LANGUAGES, use_language
from wslab.progress.database import Store

ROOT = Path(__file__).parents[1]
FILE = "_assignsubmission_file_"


def page(language: str) -> str:
    name = "semester.md" if language == "en" else f"semester.{language}.md"
    return (ROOT / "docs" / name).read_text("utf-8")


def blocks(language: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page(language), re.DOTALL | re.MULTILINE)


def commands(language: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for block in blocks(language, "console") for line in block.splitlines()]


def answered(text: str) -> bytes:
    document: dict[str, Any] = paper("L1", "en", "labs")
    for cell in document["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "reflection":
            cell["source"] = "".join(cell["source"]).replace("...", text)
    return as_bytes(document)


def test_both_languages_say_the_same_commands() -> None:
    for language in LANGUAGES[1:]:
        assert commands(language) == commands(LANGUAGES[0])
        for kind in ("csv", "toml"):
            assert blocks(language, kind) == blocks(LANGUAGES[0], kind)


@pytest.mark.slow
def test_the_commands_lead_from_the_roster_to_the_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("course", "notebooks", "labs", "solutions", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("wslab.grading.grading.grade", fake_grade)
    (roster,), (rules,) = blocks("en", "csv"), blocks("en", "toml")
    (tmp_path / "course/roster.csv").write_text(roster, encoding="utf-8")
    (tmp_path / "course/grading.toml").write_text(rules, encoding="utf-8")
    kept = Store(tmp_path / "homes/ayse/websocket-lab/.wslab/progress.sqlite")
    kept.attempt("L1", "echo", points=0, max=2, verdict="no-echo")
    (tmp_path / "drops").mkdir()
    first = [
        (f"Ayşe Ak_100{FILE}/L1-echo.ipynb", answered("The loop notices.")),
        (f"Can Er_101{FILE}/L1.ipynb", work("b")),
    ]
    (tmp_path / "drops/L1.zip").write_bytes(zipped(*first))
    (tmp_path / "drops/L2.zip").write_bytes(zipped((f"Ayşe Ak_200{FILE}/L2-cleanup.ipynb", work("c", "L2"))))

    done: list[Sequence[str]] = []
    for command in commands("en"):
        if command in done:  # between the two an instructor has marked the answers
            table = tmp_path / "results/written.csv"
            rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8-sig"), newline="")))
            rows[0] |= {"points": "2", "comment": "Good."}
            said = io.StringIO()
            writer = csv.DictWriter(said, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
            table.write_text(said.getvalue(), encoding="utf-8")
        run = CliRunner().invoke(cli.app, command)
        assert run.exit_code == 0, (command, run.output)
        done.append(command)
        use_language(None)

    assert (tmp_path / "student/labs/en/L1-echo/L1-echo.ipynb").is_file()
    totals = {
        row["student_id"]: row for row in csv.DictReader((tmp_path / "results/totals.csv").open(encoding="utf-8"))
    }
    assert set(totals) == {"2023001", "2023002", "2023003"}
    assert "written answers: 2 of 2 points" in totals["2023001"]["how"]
    assert float(totals["2023001"]["total_percent"]) > 0
    assert float(totals["2023003"]["total_percent"]) == 0
    head, *people = csv.reader((tmp_path / "results/moodle/gradebook.csv").open(encoding="utf-8", newline=""))
    assert head == ["First name", "Last name", "ID number", "Email address", "L1-echo", "L2-cleanup"]
    assert [row[2] for row in people] == ["2023001", "2023002", "2023003"]
    for name in ("class.html", "written.html", "alike.html", "results.sqlite"):
        assert (tmp_path / "results" / name).is_file()
