"""The predictions that the tests ask, as the tests of predictions have them."""

from __future__ import annotations

from tests.predictions.conftest import restart, session

__all__ = ["restart", "session"]
