"""The unit of a module `test_change_it_NN`, in a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.executed import Executed
from tests.notebooks.changing import Unit
from tests.notebooks.in_a_kernel import IN_KERNELS, ROOT, running


@pytest.fixture(scope="module")
def unit(
    request: pytest.FixtureRequest, executed: Executed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Unit]:
    """It has run from top to bottom, but for what stops its servers."""
    number = request.module.__name__[-2:]
    (path,) = Path(ROOT, "notebooks", IN_KERNELS).glob(f"{number}-*.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WSLAB_HOME", str(tmp_path_factory.mktemp("home")))
        with running(path) as run:
            for index in run.code_cells:
                if index not in run.stopping_cells:
                    run.cell(index)
            run.measures_what_it_teaches()
            executed.keep(path, run.notebook)
            yield Unit(run)
