"""Each run of a benchmark leaves a line, and is compared with those before it on the same machine."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parent.parent / "bench"


@pytest.fixture(scope="module")
def ledger() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ledger", BENCH / "ledger.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_run_is_one_line_with_its_versions(ledger: ModuleType, tmp_path: Path) -> None:
    for value in (10.0, 12.0):
        with ledger.measured("echo", tmp_path) as figures:
            figures["trip_us"] = value
    lines = (tmp_path / "echo.jsonl").read_text("utf-8").splitlines()
    first, second = map(json.loads, lines)
    assert (first["figures"], second["figures"]) == ({"trip_us": 10.0}, {"trip_us": 12.0})
    assert {"wslab", "uvicorn", "websockets"} <= set(first["versions"])
    assert first["machine"] == ledger.machine()
    assert "commit" in first


def test_a_run_that_failed_leaves_no_line(ledger: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), ledger.measured("echo", tmp_path) as figures:
        figures["trip_us"] = 1 / 0
    assert not (tmp_path / "echo.jsonl").exists()


def test_the_last_run_is_compared_with_the_median_of_those_on_the_same_machine(
    ledger: ModuleType, tmp_path: Path
) -> None:
    here, elsewhere = {"cores": "2"}, {"cores": "8"}
    history = [
        *({"machine": here, "figures": {"trip_us": value}} for value in (999, 10, 20, 30, 40, 50)),
        {"machine": elsewhere, "figures": {"trip_us": 1}},
        {"machine": here, "figures": {"trip_us": 33, "new_ms": 5}},
    ]
    _, trip, new = ledger.comparison(history)
    assert trip.split() == ["trip_us", "33", "30", "+10%"]
    assert new.split() == ["new_ms", "5"]


def test_a_line_that_was_cut_off_is_left_out(ledger: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "echo.jsonl"
    path.write_text('{"figures": {}}\n{"figu', encoding="utf-8")
    assert ledger.runs(path) == [{"figures": {}}]


@pytest.mark.parametrize("script", sorted(BENCH.glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_keeps_its_figures(script: Path) -> None:
    if script.stem != "ledger":
        assert f'measured("{script.stem}' in script.read_text("utf-8")
