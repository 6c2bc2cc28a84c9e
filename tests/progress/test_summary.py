"""progress(): what the store holds, told."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console
from tests.progress.asked import progress

from wslab.language import use_language
from wslab.predictions import predict
from wslab.progress import LabProgress, Progress, UnitProgress, store

pytestmark = pytest.mark.usefixtures("session")


def terminal(shown: object, width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(shown)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks 97 and 98; only 98 has predictions."""
    for language, titles in {"en": ("The door", "On the wire"), "tr": ("Kapı", "Hatta")}.items():
        folder = tmp_path / "notebooks" / language
        folder.mkdir(parents=True)
        for number, title in zip(("97", "98"), titles, strict=True):
            cells = [
                {"cell_type": "code", "source": "# no title"},
                {"cell_type": "markdown", "source": [f"# {number} · {title}\n", "x"]},
            ]
            (folder / f"{number}-x.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    (tmp_path / "notebooks" / "en" / "99-broken.ipynb").write_text("{", encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def test_at_the_beginning() -> None:
    shown = progress()
    assert [(unit.unit, unit.title, unit.questions) for unit in shown.units] == [
        ("97", "The door", 0),
        ("98", "On the wire", 4),
        ("99", "", 0),
    ]
    assert shown.next == "Begin with unit 97 · The door."
    assert not store().path.exists()


def test_predictions_are_counted_once() -> None:
    predict("98.status").answer("failed").outcome(500)
    predict("98.status").answer("refused").outcome(500)  # late
    predict("98.bytes").answer("9").answer("11").outcome(11)  # the first counts
    predict("98.speed").skip()
    unit = progress().units[1]
    assert (unit.made, unit.right, unit.skipped, unit.questions, unit.done) == (2, 1, 1, 4, False)
    assert progress().next == "Go on with unit 98 · On the wire."
    predict("98.exception").outcome("WebSocketDisconnect")  # run past
    assert progress().units[1].done
    assert progress().next == "Everything here is done."


def test_an_undecided_outcome_leaves_the_next_one_to_decide() -> None:
    predict("98.status").answer("failed").outcome(418)
    assert (progress().units[1].made, progress().units[1].right) == (1, 0)
    predict("98.status").outcome(500)
    assert progress().units[1].right == 1
    predict("98.status").outcome(403)
    assert progress().units[1].right == 1


def test_an_answer_given_before_its_outcome_counts_as_made() -> None:
    predict("98.status").answer("failed")
    assert (progress().units[1].made, progress().units[1].right) == (1, 0)


def test_labs_count_the_best_of_each_check() -> None:
    kept = store()
    kept.attempt("L1", "echo", points=1, max=4, verdict="wrong")
    kept.attempt("L1", "echo", points=4, max=4, verdict="right")
    kept.attempt("L1", "echo", points=2, max=4, verdict="partly")
    kept.attempt("L1", "count", points=0.5, max=6, verdict="partly")
    kept.hint("L1", "count", 1)
    assert progress().labs == (LabProgress("L1", 4.5, 10.0, 4, 1),)
    known = progress({"L1": {"echo": 4, "count": 6}, "L2": {"abort": 14}})
    assert known.labs == (LabProgress("L1", 4.5, 10.0, 4, 1), LabProgress("L2", 0, 14.0, 0, 0))
    assert "Lab L1 has 4.5 of 10 points; try it again." in known.next
    kept.attempt("L1", "count", points=6, max=6, verdict="right")
    assert "L1" not in progress().next


def test_next_is_where_the_learner_was_last() -> None:
    def at(unit: str, last: str, made: int) -> UnitProgress:
        return UnitProgress(unit, "", 2, made=made, last=last)

    def after(*units: UnitProgress) -> str:
        return Progress(units, ()).next

    assert after(at("00", "", 0), at("01", "", 0)) == "Begin with unit 00."
    assert after(at("00", "2026-01-01", 2), at("01", "2026-01-03", 1), at("02", "", 0)) == "Go on with unit 01."
    assert after(at("00", "2026-01-01", 2), at("01", "2026-01-03", 2), at("02", "", 0)) == "Go on with unit 02."
    assert after(at("00", "2026-01-01", 1), at("01", "2026-01-03", 2)) == "Go on with unit 00."
    assert after() == "There are no units here yet."


def test_in_a_terminal() -> None:
    predict("98.status").answer("failed").outcome(500)
    store().attempt("L1", "echo", points=3, max=4, verdict="partly")
    text = terminal(progress())
    assert re.search(r"98 · On the wire\s*│\s*1/4\s*│\s*1\s*│\s*0", text)
    assert re.search(r"L1\s*│\s*3/4\s*│\s*1\s*│\s*0", text)
    assert "Next: Go on with unit 98 · On the wire. Lab L1 has 3 of 4 points; try it again." in text
    assert "98 · On the wire: Predictions: 1/4 made, 1 right, 0 skipped" in repr(progress())


def test_in_turkish_and_in_a_narrow_terminal() -> None:
    use_language("tr")
    text = terminal(progress(), width=40)
    assert "Kapı" in text
    assert "yapılan" in text
    assert max(map(len, text.splitlines())) <= 40


def test_as_a_card() -> None:
    store().attempt("L<1>", "echo", points=3, max=4, verdict="partly")
    card = progress()._repr_html_()
    assert "L&lt;1&gt;" in card
    assert "<script" not in card
    assert "On the wire" in card


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blocked").write_text("a file")
    monkeypatch.setenv("WSLAB_HOME", str(tmp_path / "blocked"))
    predict("98.status").answer("failed").outcome(500)
    shown = progress()
    assert shown.units[1].right == 1
    for text in (repr(shown), terminal(shown, 1000), shown._repr_html_()):
        assert "Not saved, because" in text
