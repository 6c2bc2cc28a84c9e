"""What the tests of the build share: the small course in `course/`, and how they change it."""

from __future__ import annotations

from collections.abc import Callable

NOTEBOOK = "course/notebooks/01-server.md"
LAB = "course/labs/L1-echo.md"

Edit = Callable[..., int]
"""Replaces a passage of a source that stands there once; returns the line where `at` stands then."""
