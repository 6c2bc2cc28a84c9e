"""The first card of each typical mistake names its cause; and the lists of mistakes are read with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from wslab.authoring.proof import mistakes
from wslab.authoring.proof.mistakes import BadMistakes, departures, read_mistakes
from wslab.labs import catalogue
from wslab.labs.general import GENERAL

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("number", catalogue.labs())
def test_the_first_card_names_the_most_telling_mistakes(number: str) -> None:
    lab = catalogue.labs()[number]
    assert departures(lab, ROOT, wanted=lambda mistake: mistake.often) == []


@pytest.mark.proof
@pytest.mark.parametrize("number", catalogue.labs())
def test_the_first_card_names_every_typical_mistake(number: str) -> None:
    assert departures(catalogue.labs()[number], ROOT) == []


@pytest.mark.parametrize("number", catalogue.labs())
def test_every_expected_card_is_one_that_its_check_may_show(number: str) -> None:
    lab = catalogue.labs()[number]
    for mistake in read_mistakes(lab, ROOT):
        check = lab.check(mistake.check)
        assert check is not None, mistake.name
        known = {wrong.id for wrong in (*check.wrong, *GENERAL)}
        assert mistake.misconception in known, f"{mistake.name}: {mistake.misconception}"


def test_a_damaged_list_names_each_fault_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "L1"
    folder.mkdir()
    (folder / "mistakes.yml").write_text(
        """no-change:
  first: echo no-echo
no-such-piece:
  change: {"await nothing()": "nothing()"}
  first: echo no-echo
no-card:
  change: {"while True:": "if True:"}
  first: echo
""",
        encoding="utf-8",
    )
    monkeypatch.setattr(mistakes, "corpus_folder", lambda root: tmp_path)
    with pytest.raises(BadMistakes) as raised:
        read_mistakes(catalogue.labs()["L1"], ROOT)
    lines = [line.partition("mistakes.yml:")[2] for line in str(raised.value).splitlines()]
    assert [line.split(":")[:2] for line in lines] == [["2", " no-change"], ["4", " no-such-piece"], ["8", " no-card"]]
