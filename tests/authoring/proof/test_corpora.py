"""Each program of each lab's corpus becomes what it says of itself; the lab's own stub and solution, too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wslab.authoring.proof.corpus import Submission, program, submissions
from wslab.authoring.proof.proof import cell_names, judged, prove, shape_faults
from wslab.labs import catalogue, notebooks
from wslab.labs.lab import Lab
from wslab.labs.verdict import Outcome, Verdict
from wslab.language import LANGUAGES

ROOT = Path(__file__).parents[3]
LABS = catalogue.labs()

# Every wrong program waits for a deadline or several, and there are a hundred: the everyday tier looks at one lab's,
# `make test` at the right ones of all labs as well, and the proof at everything.
QUICK = {"L1"}


def tier(lab: Lab, one: Submission) -> list[pytest.MarkDecorator]:
    if lab.number in QUICK:
        return []
    return [pytest.mark.slow] if one.expected.right else [pytest.mark.proof]


def programs() -> list[object]:
    return [
        pytest.param(
            lab,
            one,
            id=f"{lab.number}-{one.name}",
            marks=tier(lab, one),
        )
        for lab in LABS.values()
        for one in submissions(lab.number)
    ]


def found(verdicts: list[Verdict]) -> dict[str, str]:
    return {
        verdict.check: {Outcome.PASSED: "", Outcome.BLOCKED: "…"}.get(verdict.outcome, verdict.misconception)
        for verdict in verdicts
    }


@pytest.mark.parametrize(("lab", "one"), programs())
async def test_a_program_becomes_what_it_says(lab: Lab, one: Submission) -> None:
    graded = [check for check in lab.checks if check.points]
    verdicts = await judged(lab, graded, program(one.source, f"{one.name}.py"))
    expected = {check.name: one.expected.fails.get(check.name, "") for check in graded}
    expected |= dict.fromkeys(one.expected.waits, "…")
    assert found(verdicts) == expected
    for verdict in verdicts:
        if not verdict.passed:
            assert verdict.points == one.expected.earns.get(verdict.check, 0)


@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
def test_nothing_is_missing(lab: Lab) -> None:
    assert shape_faults(lab, ROOT) == []


@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
@pytest.mark.parametrize("language", [LANGUAGES[0], pytest.param(LANGUAGES[1], marks=pytest.mark.slow)])
async def test_the_solution_earns_everything(lab: Lab, language: str) -> None:
    path = notebooks.path_of(ROOT, lab, "solutions", language)
    verdicts = await judged(lab, lab.checks, await cell_names(notebooks.code_cells(path), "solution"))
    failed = [(one.check, one.misconception, one.observed.into(LANGUAGES[0])) for one in verdicts if not one.passed]
    assert failed == []
    assert sum(verdict.points for verdict in verdicts) == lab.points


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
async def test_the_stub_earns_nothing(lab: Lab) -> None:
    path = notebooks.path_of(ROOT, lab, "labs", LANGUAGES[0])
    verdicts = await judged(lab, lab.checks, await cell_names(notebooks.code_cells(path), "stub"))
    assert sum(verdict.points for verdict in verdicts) == 0
    assert [verdict.check for verdict in verdicts if verdict.passed] == []


@pytest.mark.proof
@pytest.mark.parametrize("busy", [0, 1])
@pytest.mark.parametrize("number", LABS)
def test_proven_twenty_times(number: str, busy: int) -> None:
    proof = prove([number], rounds=20, root=ROOT, busy=busy)
    assert proof.complaints == ()


def test_the_matrix_in_the_docs_says_of_every_program_what_it_says_of_itself() -> None:
    page = (ROOT / "docs" / "labs.md").read_text(encoding="utf-8")
    for lab in LABS.values():
        section = page.partition(f"### {lab.slug}\n")[2].partition("\n### ")[0]
        for one in submissions(lab.number):
            rows = [line for line in section.splitlines() if line.startswith(f"| `{one.name}` ")]
            told = [set(re.findall(r"✗ `([^`]+)`", row)) for row in rows]
            renew = f"{lab.number}, {one.name}; run `wslab check {lab.number} --write docs/labs.md`"
            # Where the app does not start, no check is begun.
            assert told == [set(one.expected.fails.values()) - {"does-not-start"}], renew
