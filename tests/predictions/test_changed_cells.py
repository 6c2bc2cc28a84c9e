"""A re-run, a changed cell, a cell of one's own: the card says so, and blames no installation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving.kernels import Kernel

from wslab.authoring.building.shipped_cells import PATH
from wslab.cells import source_digest

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"
SERVER, MEASURE = "value = 500", 'predict("98.status").outcome(value)'
BLAME = "wslab doctor"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    shipped = tmp_path_factory.mktemp("shipped") / "cells.json"
    digests = {"server": source_digest(SERVER), "measure": source_digest(MEASURE)}
    shipped.write_text(json.dumps({"98": digests}), encoding="utf-8")
    kernel = Kernel()
    kernel.run(
        "import os, tempfile; os.environ['WSLAB_HOME'] = tempfile.mkdtemp()\n"
        "from pathlib import Path\nfrom wslab import predict, use\n"
        "from wslab.predictions import as_shipped, asking, catalogue\n"
        f"catalogue.FOLDER, as_shipped.FILE = Path({str(DATA)!r}), Path({str(shipped)!r})\nuse('en')"
    )
    yield kernel
    kernel.stop()


@pytest.fixture
def fresh(kernel: Kernel) -> Kernel:
    """The kernel as after a restart."""
    kernel.run("import wslab.cells; wslab.cells._ran.clear(); asking._outcome_shown.clear(); None")
    kernel.run("wslab.cells._ran.clear()")
    return kernel


def test_an_unchanged_cell_is_judged(fresh: Kernel) -> None:
    fresh.run(SERVER, "server")
    assert "For next time" in fresh.run(MEASURE, "measure")
    assert "For next time" in fresh.run(MEASURE, "measure"), "the same again"


def test_a_changed_cell_gives_a_measurement_and_no_verdict(fresh: Kernel) -> None:
    fresh.run(SERVER, "server")
    fresh.run(MEASURE, "measure")
    fresh.run("value = 403", "server")
    shown = fresh.run(MEASURE, "measure")
    assert "HTTP 403" in shown
    assert "Measured in your version. You have changed or added In[" in shown
    assert "The first run gave: HTTP 500." in shown
    assert BLAME not in shown


def test_a_changed_cell_has_the_number_that_stands_beside_it(fresh: Kernel) -> None:
    fresh.run("value = 403", "server")
    changed = fresh.count
    assert f"You have changed or added In[{changed}], so" in fresh.run(MEASURE, "measure")
    own = 'predict("98.status").outcome(403)'
    assert f"You have changed or added In[{changed + 2}], so" in fresh.run(own, "measure")


def test_a_changed_cell_before_the_first_run_is_no_fault_of_the_installation(fresh: Kernel) -> None:
    fresh.run("value = 'nonsense'", "server")
    shown = fresh.run(MEASURE, "measure")
    assert "Measured in your version." in shown
    assert BLAME not in shown


def test_what_is_put_back_is_judged_again(fresh: Kernel) -> None:
    fresh.run("value = 403", "server")
    fresh.run(MEASURE, "measure")
    fresh.run(SERVER, "server")
    assert "Measured in your version" not in fresh.run(MEASURE, "measure")


def test_the_measuring_cell_itself(fresh: Kernel) -> None:
    fresh.run(SERVER, "server")
    shown = fresh.run('predict("98.status").outcome(500)', "measure")
    assert "Measured in your version." in shown


def test_the_same_cells_with_another_outcome_are_measured_again(fresh: Kernel) -> None:
    fresh.run(SERVER, "server")
    fresh.run(MEASURE, "measure")
    fresh.run("value = 101; wslab.cells._ran.popitem(); None")
    shown = fresh.run(MEASURE, "measure")
    assert "Measured again. The first run gave: HTTP 500." in shown
    assert BLAME not in shown


def test_an_unchanged_first_run_that_nobody_expects_is_told_of_versions(fresh: Kernel) -> None:
    fresh.run("value = 'nonsense'; wslab.cells._ran.popitem(); None")
    assert BLAME in fresh.run(MEASURE, "measure")


def test_a_front_end_that_names_no_cells(fresh: Kernel) -> None:
    fresh.run(SERVER)
    assert "For next time" in fresh.run(MEASURE)
    fresh.run("value = 403")
    assert "Measured in your version." in fresh.run(MEASURE)


def test_spaces_at_the_end_of_a_line_change_nothing(fresh: Kernel) -> None:
    fresh.run(f"\n{SERVER}   \n\n", "server")
    assert "For next time" in fresh.run(MEASURE, "measure")


def test_every_code_cell_of_the_course_is_known() -> None:
    known = json.loads((ROOT / PATH).read_text(encoding="utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*/*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                digest = source_digest("".join(cell["source"]))
                assert digest in known[path.name[:2]][cell["id"]].split(), f"{path.name} {cell['id']}"
