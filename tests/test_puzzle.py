"""The puzzle of unit 05 judges every order by what its visitors got."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wslab.authoring.building import notebook
from wslab.puzzle import try_out

ROOT = Path(__file__).parent.parent
RIGHT = "accept register try loop finally"


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    """The pieces, from the notebook itself."""
    cells = notebook(ROOT, "05", "en").cells
    (source,) = (cell.source for cell in cells if cell.cell_type == "code" and cell.source.startswith("blocks = {"))
    names: dict[str, Any] = {}
    exec(source, names)
    pieces: dict[str, str] = names["blocks"]
    return pieces


async def test_the_right_order(blocks: dict[str, str]) -> None:
    visit = await try_out(blocks, RIGHT.split())
    assert visit.right
    assert visit.got == {
        "Cem": "TimeoutError",
        "Ada": "Mesajınız: Merhaba",
        "Bora": "Başka bir istemciden: Merhaba",
    }
    assert visit.left == 0
    assert repr(visit).startswith("async def endpoint")
    assert repr(visit).splitlines()[-1].startswith("✓")


@pytest.mark.parametrize(
    ("order", "verdict", "left"),
    [
        pytest.param("register accept try loop finally", ["not reach Bora", "still holds 1"], 1, id="a ghost"),
        pytest.param("accept try loop finally register", ["not reach Bora"], 0, id="nobody in the list"),
        pytest.param("try loop finally accept register", ["not let in"], 0, id="accept too late"),
        pytest.param("call register try loop finally", ["not let in"], 0, id="accept not awaited"),
        pytest.param("accept register", ["no answer", "not reach Bora", "still holds 2"], 2, id="no loop"),
        pytest.param("call " + RIGHT, ["Leave it out"], 0, id="one piece too many"),
        pytest.param("accept loop", ["Not Python yet"], None, id="no Python"),
        pytest.param("accept regster", ["No piece has this name: regster"], None, id="a misspelt name"),
    ],
)
async def test_what_is_wrong(blocks: dict[str, str], order: str, verdict: list[str], left: int | None) -> None:
    visit = await try_out(blocks, order.split())
    assert not visit.right
    assert visit.left == left
    assert len(visit.verdict) == len(verdict)
    for sentence, words in zip(visit.verdict, verdict, strict=True):
        assert sentence.startswith("✗")
        assert words in sentence
