"""hint(), solution(), reset()."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

import wslab.seed.server
from wslab import shipped
from wslab.errors import LabError
from wslab.labs import check, hint, reset, solution
from wslab.labs.catalogue import find_check, labs
from wslab.labs.helping import solution_code
from wslab.language import use_language
from wslab.progress import store

ROOT = Path(__file__).parents[2]
Printed = pytest.CaptureFixture[str]


def test_each_call_opens_one_more_rung(capsys: Printed) -> None:
    rungs = [hint.says.into("en") for hint in find_check("L1.echo")[1].hints]
    for opened in (1, 2, 3, 3):
        hint("L1.echo")
        out = capsys.readouterr().out
        assert [rung in out for rung in rungs] == [number <= opened for number in (1, 2, 3)]
    assert "await websocket.send_text(" in out  # the skeleton
    assert [kept.rung for kept in store().hints("L1", "echo")] == [1, 2, 3]


def test_a_rung_can_be_asked_for(capsys: Printed) -> None:
    hint("L1.echo", 2)
    assert "hint 2 of 3" in capsys.readouterr().out
    assert [kept.rung for kept in store().hints("L1", "echo")] == [1, 2]


@pytest.mark.parametrize("rung", [0, 4, True, "2"])
def test_another_rung_is_one_sentence(rung: int) -> None:
    with pytest.raises(LabError, match="from 1 to 3"):
        hint("L1.echo", rung)


def test_a_hint_of_a_whole_lab_names_the_checks() -> None:
    with pytest.raises(LabError, match=r"L1\.accept.*L1\.relay"):
        hint("L1")


def test_hints_in_turkish(capsys: Printed) -> None:
    use_language("tr")
    hint("L1.echo")
    assert "L1.echo: ipucu 1/3" in capsys.readouterr().out


async def test_the_solution_opens_after_success(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    solution("L1.echo")
    out = capsys.readouterr().out
    assert "3 to go" in out
    assert "send_text" not in out
    await check("L1.echo", wslab.seed.server.app)
    capsys.readouterr()
    solution("L1.echo")
    out = capsys.readouterr().out
    assert 'await websocket.send_text(f"Mesajınız: {data}")' in out
    assert "SOLUTION" not in out


def test_the_solution_opens_after_three_honest_attempts(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for verdict in ("no-echo", "-no-app", "no-prefix", "-needs-another"):
        store().attempt("L1", "echo", points=0, max=2, verdict=verdict)
    solution("L1.echo")
    assert "1 to go" in capsys.readouterr().out
    store().attempt("L1", "echo", points=0, max=2, verdict="dotted-i")
    solution("L1.echo")
    assert "connected_clients.remove(websocket)" in capsys.readouterr().out


def test_a_solution_is_the_cell_that_makes_the_checks_own_app() -> None:
    lab, warmup = find_check("L1.warmup")
    code = solution_code(ROOT, lab, warmup)
    assert "door = FastAPI()" in code
    assert "connected_clients" not in code
    assert "await websocket.accept()" in code
    lab, warmup = find_check("L2.warmup")
    code = solution_code(ROOT, lab, warmup)
    assert code.index("receive_text") < code.index("members.remove")
    assert "STUB" not in code


def not_there(path: str) -> bytes:
    raise FileNotFoundError(path)


def test_without_the_solutions_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "solution", not_there)
    store().attempt("L1", "echo", points=2, max=2, verdict="passed")
    with pytest.raises(LabError, match="not on this machine"):
        solution("L1.echo")


def test_reset_writes_beside_and_never_over(capsys: Printed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "notebooks" / "tr").mkdir(parents=True)
    folder = tmp_path / "labs" / "tr" / "L1-echo"
    folder.mkdir(parents=True)
    own = folder / "L1-echo.ipynb"
    own.write_text("my work")
    monkeypatch.chdir(folder)
    use_language("tr")
    reset("L1")
    reset("L1")
    assert own.read_text() == "my work"
    fresh = folder / "L1-echo-fresh.ipynb"
    assert fresh.read_bytes() == (ROOT / "labs/tr/L1-echo/L1-echo.ipynb").read_bytes()
    assert (folder / "L1-echo-fresh-2.ipynb").is_file()
    nbformat.validate(nbformat.read(fresh, as_version=4))
    assert "L1-echo-fresh.ipynb" in capsys.readouterr().out


def test_reset_without_the_labs_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "solution", not_there)
    with pytest.raises(LabError, match="not on this machine"):
        reset("L1")
    assert list(tmp_path.iterdir()) == []


def test_every_lab_has_what_the_progress_needs() -> None:
    assert {number: lab.points for number, lab in labs().items()}["L1"] == 10
    assert {number: lab.points for number, lab in labs().items()}["L2"] == 14
