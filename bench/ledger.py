"""One line of JSON for each run of a benchmark, so that figures can be compared over time.

    with measured("serving") as figures:
        figures["start_ms"] = 12.3

appends to `bench/results/serving.jsonl` when the block ends, and prints each figure beside the median of the last runs
on the same machine with the same Python. Git ignores these files: times of different machines say nothing together.
The names of figures end in their unit: `_ms`, `_us`, `_s`, `_bytes`, `_mb_per_s`; `_ratio` and `_share` have none.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "bench" / "results"
COMPARED = 5
"""How many earlier runs a figure is compared with."""

_PACKAGES = ("wslab", "fastapi", "starlette", "uvicorn", "websockets")


def machine() -> dict[str, str]:
    """What two runs must share for their figures to be comparable."""
    return {
        "system": platform.system(),
        "cpu": platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
    }


def commit() -> str:
    """The checkout's commit, with `+` behind it where tracked files differ from it; empty without Git."""
    try:
        asked = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
        return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def line(figures: Mapping[str, float]) -> dict[str, Any]:
    """The record of one run: when, where, of which commit and versions, and its figures."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "figures": {name: round(value, 6) for name, value in figures.items()},
    }


def runs(path: Path) -> list[dict[str, Any]]:
    """The runs in `path`, oldest first; a line that was cut off is left out."""
    found = []
    for text in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def comparison(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """The figures of the last run, each beside the median of up to `COMPARED` earlier runs on the same machine."""
    if not history:
        return []
    last = history[-1]
    earlier = [run for run in history[:-1] if run["machine"] == last["machine"]][-COMPARED:]
    lines = [f"{'figure':<44}{'this run':>12}{'before':>12}{'change':>9}   median of {len(earlier)} earlier runs"]
    for name, value in last["figures"].items():
        before = [run["figures"][name] for run in earlier if name in run["figures"]]
        told = f"{name:<44}{value:>12.4g}"
        if before:
            median = statistics.median(before)
            change = f"{value / median - 1:+.0%}" if median else "-"
            told += f"{median:>12.4g}{change:>9}"
        lines.append(told)
    return lines


@contextmanager
def measured(name: str, folder: Path = FOLDER) -> Iterator[dict[str, float]]:
    """Collect a benchmark's figures; they are kept only if it ends without an exception.

    Args:
        name: the benchmark; its runs are in `folder/name.jsonl`.
    """
    figures: dict[str, float] = {}
    yield figures
    path = folder / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(line(figures), ensure_ascii=False) + "\n")
    print("\n".join(comparison(runs(path))))
