"""The predictions that the tests ask, and a session of their own for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wslab.predictions import asking, catalogue

DATA = Path(__file__).parent / "data"


@pytest.fixture
def restart(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What a kernel restart leaves: the file, nothing in memory."""

    def restarted() -> None:
        monkeypatch.setattr(asking, "_asked", {})
        monkeypatch.setattr(asking, "_outcome_shown", {})
        monkeypatch.setattr(asking, "_chosen", {})

    return restarted


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, restart: Callable[[], None]) -> None:
    """A kernel that has just been started, with the predictions of `data/98.yml`."""
    monkeypatch.setattr(catalogue, "FOLDER", DATA)
    restart()
