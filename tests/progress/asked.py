"""progress() with the predictions that there are."""

from __future__ import annotations

from collections.abc import Mapping

from wslab.predictions import catalogue
from wslab.progress import Progress, summary


def progress(labs: Mapping[str, Mapping[str, float]] | None = None) -> Progress:
    return summary.progress(catalogue.names(), labs)
