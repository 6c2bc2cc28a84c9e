"""The corpus itself: what is handed in is what the program says, and its worth is what its header says."""

from __future__ import annotations

import pytest
from tests.grading.corpus import ROOT, corpus, edition, graded_cells, sample, server_cell

from wslab.authoring.proof.corpus import submissions
from wslab.labs import catalogue
from wslab.labs.lab import Lab
from wslab.language import LANGUAGES

LABS = catalogue.labs()


@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
def test_it_holds_everything_that_is_known_of_a_lab(lab: Lab) -> None:
    found = list(corpus(lab.number))
    assert len({one.student for one in found}) == len(found) == 2 * len(LANGUAGES) + len(submissions(lab.number))
    for one in found:
        assert set(one.points) == {check.name for check in lab.checks if check.points}
        assert {name for name, _ in graded_cells(one.notebook)} == set(one.points)
    by_name = {one.name: one.score for one in found}
    assert (by_name.pop("stub"), by_name.pop("solution")) == (0, lab.points)
    for one in submissions(lab.number):
        assert (by_name[one.name] == lab.points) is one.expected.right


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_stands_where_the_learner_writes_the_server_and_nothing_else_changes(language: str) -> None:
    notebook, handed_out = sample("L1", "dotted_i", language).notebook, edition(LABS["L1"], "labs", language)
    changed = [one.id for one, other in zip(notebook.cells, handed_out.cells, strict=True) if one != other]
    assert changed == ["server"]
    source = (ROOT / "course/labs/corpus/L1/dotted_i.py").read_text(encoding="utf-8")
    assert server_cell(notebook).source == source


def test_points_follow_the_header_to_the_decimal() -> None:
    assert dict(sample("L1", "counts_before_accept").points) == {
        "accept": 2,
        "echo": 2,
        "order": 2,
        "count": 1,
        "relay": 0,
    }
    assert sample("L1", "counts_before_accept").score == 7
