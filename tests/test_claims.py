"""docs/claims.md: what it quotes stands in the document, and what it names stands in a cell of that unit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs/claims.md").read_text("utf-8")
ROWS = re.findall(r"^\| “(.+)” \| .+ \| (\d\d) \| `(.+)` \|$", TABLE, re.MULTILINE)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_every_row_is_read() -> None:
    assert len(ROWS) == TABLE.count("\n| “") > 40


@pytest.mark.parametrize(("quote", "unit", "code"), ROWS, ids=[f"{unit}-{quote[:40]}" for quote, unit, _ in ROWS])
def test_a_claim_is_the_documents_and_has_its_cell(quote: str, unit: str, code: str) -> None:
    assert plain(quote) in plain((ROOT / "docs/document.tr.md").read_text("utf-8"))
    (source,) = ROOT.glob(f"course/notebooks/{unit}-*.md")
    cells = re.findall(r"^```\{code-cell\}.*?^```", source.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert any(code in cell for cell in cells)
