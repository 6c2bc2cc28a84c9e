"""What a built notebook is, without nbformat."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from wslab.notebooks import Origin, lab_of, to_bytes

ROOT = Path(__file__).parents[1]
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*/*.ipynb"))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_the_lab_of_a_solution_is_the_lab_that_is_handed_out(path: Path) -> None:
    handed_out = ROOT / "labs" / path.relative_to(ROOT / "solutions")
    solution = json.loads(path.read_bytes())
    assert to_bytes(lab_of(solution)) == handed_out.read_bytes()
    assert solution == json.loads(path.read_bytes())


def test_only_what_a_build_wrote_has_an_origin() -> None:
    path = SOLUTIONS[0]
    origin = Origin.of(nbformat.read(path, as_version=4))  # type: ignore[no-untyped-call]
    assert origin is not None
    assert (origin.unit, origin.language, origin.folder) == (path.stem, path.parts[-3], "solutions")
    with pytest.raises(ValueError, match="no built solution"):
        lab_of({"metadata": {}, "cells": []})
