"""An instructor's own labs and questions: a folder beside the course, in one language if wanted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.grading.intake.drops import dropped, graded
from tests.grading.papers import ROOT, as_bytes

from wslab import own_course, release
from wslab.authoring.proof import proof
from wslab.errors import LabError
from wslab.grading.ledger import kit_version
from wslab.grading.reports.writing import write_reports
from wslab.labs import catalogue, notebooks
from wslab.predictions import catalogue as predictions
from wslab.predictions.__main__ import main as check_questions

MODULE = '''"""L70: answer every message."""

from __future__ import annotations

from wslab.labs.document import ECHO, is_answer
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import read_texts
from wslab.labs.stage import Stage, quoted
from wslab.language import Text, filled

texts = read_texts("L70")


async def echo(stage: Stage) -> Text:
    alice = await stage.connect("A")
    text = stage.unique("ıhlamur")
    await alice.send(text)
    came = await alice.next(is_answer)
    if came is None:
        raise await stage.silence(alice, texts.wrong("no-echo"), ended=texts.wrong("no-echo"))
    if came.data != ECHO + text:
        raise Failure(texts.wrong("no-prefix"), expected=quoted(ECHO + text), came=came)
    return filled(texts.saw("echoed"), came=came)


LAB = Lab.of(texts, "L70-selam", Check.of(texts, "echo", echo, points=4))
'''
TEXTS = """title: {tr: Selam}
checks:
  echo:
    title: {tr: Her mesaj yanıtlanıyor}
    hints:
      - says: {tr: İstemciye ne döndüğüne bakın.}
      - says: {tr: İşleyici bir döngüde alır ve gönderir.}
      - says: {tr: Döngünün iskeleti}
        code: |-
          while True:
              data = await …………
    wrong: [no-echo, no-prefix]
misconceptions:
  no-echo:
    meaning: {tr: İşleyici hiçbir şey göndermiyor.}
    next: {tr: Döngüde bir yanıt gönderin.}
  no-prefix:
    meaning: {tr: Yanıt belgedeki yanıt değil.}
    next: {tr: Yukarıdaki iki metni karşılaştırın.}
observations:
  echoed: {tr: "A şunu aldı: {came}."}
"""
QUESTIONS = """ours:
  question: {tr: Yanıt kaç harf?}
  options:
    - {id: "3", text: "3", teaches: {tr: Üç az.}}
    - {id: "4", text: "4", right: true, teaches: {tr: Dört.}}
"""
SOLVED = """app = FastAPI()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    ### BEGIN SOLUTION
    await websocket.accept()
    async for data in websocket.iter_text():
        await websocket.send_text(f"Mesajınız: {data}")
    ### END SOLUTION
"""


def cell(kind: str, id: str, source: str, **grading: object) -> dict[str, Any]:
    about = {"grade_id": id, "grade": False, "solution": False, "locked": False, "schema_version": 3, **grading}
    made: dict[str, Any] = {
        "cell_type": kind,
        "id": id,
        "source": source,
        "metadata": {"nbgrader": about} if grading else {},
    }
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def notebook() -> dict[str, Any]:
    cells = [
        cell("markdown", "title", "# Selam"),
        cell("code", "setup", "from fastapi import FastAPI, WebSocket\nfrom wslab import check\n"),
        cell("code", "server", SOLVED, solution=True),
        cell("code", "check-echo", 'await check("L70.echo", app)', grade=True, points=4, locked=True),
        cell(
            "markdown",
            "why",
            "**Neden?**\n\n<!-- BEGIN SOLUTION -->\nÇünkü.\n<!-- END SOLUTION -->",
            grade=True,
            solution=True,
            points=0,
        ),
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with lab L70 and a question, in Turkish alone."""
    folder = tmp_path / "benim kursum"
    wrong = SOLVED.replace("Mesajınız: {data}", "{data}")
    head = '"""{about}\n\n{rule}\n"""\n\nfrom fastapi import FastAPI, WebSocket\n\n'
    files = {
        "checks/l70_selam.py": MODULE,
        "texts/L70.yml": TEXTS,
        "predictions/50.yml": QUESTIONS,
        "predictions/05.yml": QUESTIONS,
        "solutions/tr/L70-selam/L70-selam.ipynb": json.dumps(notebook()),
        "corpus/L70/no_prefix.py": head.format(about="Alone.", rule="fails echo: no-prefix") + wrong,
        "corpus/L70/no_echo.py": head.format(about="Silent.", rule="fails echo: no-echo")
        + re.sub(r"(?m)^.*send_text.*$", "        pass", SOLVED),
        "corpus/L70/right_one.py": head.format(about="Right.", rule="right") + SOLVED,
        "corpus/L70/right_two.py": head.format(about="Right, too.", rule="right") + SOLVED.replace("data", "text"),
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    monkeypatch.setenv(own_course.VARIABLE, str(folder))
    return folder


def test_the_lab_is_one_of_the_course_and_proved_like_one(own: Path) -> None:
    lab = catalogue.labs()["L70"]
    assert str(lab.title) == "Selam"
    assert lab.title.into("en") == lab.title.into("tr")
    assert list(catalogue.labs())[:2] == ["L1", "L2"]
    found = proof.prove(["L70"], rounds=1, root=ROOT)
    assert found.ok, str(found)
    (one,) = found.labs
    assert {run.name for run in one.runs} == {
        "labs/tr",
        "solutions/tr",
        "no_prefix",
        "no_echo",
        "right_one",
        "right_two",
    }


def test_a_class_is_graded_in_it(own: Path, tmp_path: Path) -> None:
    solved = notebooks.solved(ROOT, catalogue.labs()["L70"], "en")
    document = json.loads(solved)
    # As a student has it: the metadata of the build is gone, the checks' names are not.
    del document["metadata"]["wslab"]
    document["cells"][4]["source"] = "**Neden?**\n\nBence öyle."
    batch = graded(dropped(tmp_path / "in", **{"ayse/L70.ipynb": as_bytes(document)}), tmp_path / "out")
    (row,) = batch.rows
    assert row.lab is catalogue.labs()["L70"]
    assert row.result is not None
    assert [one.text for one in row.answers] == ["Bence öyle."]
    write_reports(batch, tmp_path / "out", None, ROOT)
    assert "L70" in (tmp_path / "out/class.html").read_text("utf-8")
    before = kit_version()
    (own / "texts/L70.yml").write_text(TEXTS.replace("Döngüde", "Bir döngüde"), encoding="utf-8")
    assert kit_version() != before


def test_it_is_handed_out_without_its_solution(own: Path, tmp_path: Path) -> None:
    release.release(ROOT, tmp_path / "kurs.zip", "00,L70", "tr")
    with zipfile.ZipFile(tmp_path / "kurs.zip") as archive:
        text = archive.read("labs/tr/L70-selam/L70-selam.ipynb").decode()
    assert "iter_text" not in text
    assert "Çünkü" not in text
    assert 'check(\\"L70.echo\\", app)' in text


def test_questions_stand_beside_the_courses(own: Path) -> None:
    asked = predictions.find("50.ours")
    assert asked.question.into("en") == "Yanıt kaç harf?"
    assert predictions.find("05.ours").key == "05.ours"
    assert predictions.find("05.status").key == "05.status"
    assert "50" in predictions.units()
    assert "ours" in predictions.names()["05"]


def test_the_command_for_questions_reads_them_too(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_questions(["50", str(own / "predictions/50.yml")]) == 0
    assert capsys.readouterr().out == 2 * "50.yml: 1 predictions, no problem\n"
    assert check_questions([]) == 0
    (own / "predictions/05.yml").write_text(QUESTIONS.replace("ours:", "status:"), encoding="utf-8")
    (own / "predictions/50.yml").write_text(QUESTIONS.replace("right: true, ", ""), encoding="utf-8")
    assert check_questions([]) == 1
    told = capsys.readouterr().out
    assert f"{own / 'predictions/05.yml'}:1: status: the course has a prediction of this name" in told
    assert f'{own / "predictions/50.yml"}:4: ours: exactly one option is marked "right: true"; none has it' in told
    assert check_questions(["51"]) == 1
    assert capsys.readouterr().out == "there is no 51.yml\n"


def test_the_courses_own_names_stay_the_courses(own: Path) -> None:
    mine = QUESTIONS.replace("ours:", "status:")
    (own / "predictions/05.yml").write_text(mine, encoding="utf-8")
    assert predictions.find("05.status").question.into("tr") != "Yanıt kaç harf?"
    _, problems = predictions.load("05")
    (problem,) = problems
    assert str(problem) == f"{own / 'predictions/05.yml'}:1: status: the course has a prediction of this name"
    module = own / "checks/l1_echo.py"
    (own / "texts/L1.yml").write_text(TEXTS, encoding="utf-8")
    module.write_text(MODULE.replace("L70", "L1"), encoding="utf-8")
    with pytest.raises(LabError, match="l1_echo"):
        catalogue.labs()
    module.unlink()
    assert "L70" in catalogue.labs()


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("checks/l71_x.py", "def f(:", "SyntaxError"),
        ("checks/l71_x.py", "x = 1", "LAB"),
        ("checks/l71_x.py", "LAB = 1", "no Lab"),
        ("checks/l71_x.py", "1 / 0", "ZeroDivisionError"),
        ("texts/L70.yml", TEXTS.replace("no-prefix]", "no-such-name]"), "L70.yml"),
        ("texts/L70.yml", TEXTS.replace("{tr: Selam}", "{de: Hallo}"), "L70.yml:1"),
    ],
)
def test_a_mistake_is_named_with_its_file(own: Path, file: str, text: str, said: str) -> None:
    (own / file).write_text(text, encoding="utf-8")
    # In a process of its own, as an instructor meets it: what was read before is kept.
    run = subprocess.run(
        [sys.executable, "-c", "from wslab.cli import app; app()", "--course", str(own), "progress"],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONUTF8": "1", "COLUMNS": "300"},
    )
    assert run.returncode == 1
    assert said in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


def test_without_the_folder_there_is_the_course_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for named in ("", str(tmp_path / "nowhere")):
        monkeypatch.setenv(own_course.VARIABLE, named)
        assert "L70" not in catalogue.labs()
        assert own_course.files("checks/*.py") == ()
