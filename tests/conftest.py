"""What every test shares: no server outlives its test, and no test depends on who runs it."""

from __future__ import annotations

import gc
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from wslab.language import use_language
from wslab.serving import stop_all

if TYPE_CHECKING:
    from tests.executed import Executed
    from tests.jupyterlab import Lab

# jsonschema compiles a grammar of international addresses whenever it is imported, which takes each process of a run
# over a second; no schema of a notebook has such an address.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

ROOT = Path(__file__).parent.parent
_MARKED = re.compile(r"\bmark\.(browser|notebook)\b")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


# What shares one worker, and so one JupyterLab or one checkout that is published.
_TOGETHER = {
    "tests/authoring/publishing/test_decks.py": "publishing",
    "tests/authoring/publishing/test_site.py": "publishing",
    "tests/browser/test_labs.py": "JupyterLab",
    "tests/browser/test_start_page.py": "JupyterLab",
    "tests/classroom/test_in_a_browser.py": "JupyterLab",
    "tests/predictions/test_card_in_jupyterlab.py": "JupyterLab",
    "tests/recording/test_in_jupyterlab.py": "JupyterLab",
}
# Modules that take minutes, in two workers: by the last digit of unit or lab.
_HALVED = re.compile(r"tests/(?:grading/test_same_points|authoring/proof/test_turns)\.py::(test_\w+)\[L?\d?(\d)[-\]]")
_OPENED = "::test_shows_what_its_cells_showed_in_a_kernel"
# These modules take minutes, so they begin first.
_LONGEST = ("tests/grading/test_same_points.py", "tests/authoring/proof/test_turns.py")
# Each notebook stands alone; a module of these is shared out test by test.
_SHARED_OUT = ("tests/browser/test_course.py", "tests/notebooks/test_run.py", "tests/test_incomplete.py")


class _ByModule(LoadScopeScheduling):
    """A module stays in one worker, with its course and its browser, unless its tests are long and share nothing.

    xdist's own `loadgroup` says by a suffix of the test's name what belongs together, which is lost with pytest 9.2
    (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        if halved := _HALVED.match(nodeid):
            return f"{halved[1]} {int(halved[2]) % 2}"
        return nodeid if module in _SHARED_OUT else _TOGETHER.get(module, module)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # the order of the collection is better than by number of tests
    return _ByModule(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only tests with a browser or a kernel are asked for, modules without any are not imported."""
    if collection_path.suffix != ".py" or not config.option.markexpr.startswith("(browser or notebook)"):
        return None
    return None if _MARKED.search(collection_path.read_text(encoding="utf-8")) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, then JupyterLab, browsers, kernels, slow modules: no worker begins a long one at the end."""
    marks: dict[Path, set[str]] = {}
    for item in items:
        marks.setdefault(item.path, set()).update(mark.name for mark in item.iter_markers())

    def turn(item: pytest.Item) -> int:
        if item.nodeid.startswith(_LONGEST):
            return 0
        if item.nodeid.startswith("tests/browser/test_course.py"):
            # What is only opened there has been run in a kernel by then.
            return 5 if _OPENED in item.nodeid else 0
        for number, names in enumerate(({"browser"}, {"notebook"}, {"slow"}), 1):
            if marks[item.path] & names:
                return number
        return 4

    items.sort(key=turn)


def pytest_collection_finish() -> None:
    """What was imported stays until the end: the garbage collector need not look at it after every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _english_and_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("WSLAB_HOME", str(tmp_path / "wslab-home"))
    use_language("en")
    yield
    use_language(None)
    stop_all()


@pytest.fixture(scope="module", autouse=True)
def _a_new_loop_for_kernels() -> None:
    """jupyter_client keeps one event loop for this thread, and a module begins with a new one.

    A socket that was closed elsewhere stays in the old loop's selector. A new socket with the same number then counts
    as registered already, and nobody is woken when a kernel answers.
    """
    if utils := sys.modules.get("jupyter_core.utils"):
        utils.ensure_event_loop().close()
        utils.ensure_event_loop()


@pytest.fixture(scope="session")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """Notebooks as they have run, kept for every worker of this run."""
    from tests.executed import Executed

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return Executed(shared / "executed")


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab for the whole run; who needs a notebook writes it into its folder, or a folder below."""
    from tests.jupyterlab import running_lab

    with running_lab(tmp_path_factory.mktemp("jupyterlab"), tmp_path_factory.mktemp("settings")) as lab:
        yield lab


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """A headless Chromium for a module; a test that needs it is skipped where there is none, but not in CI.

    Playwright keeps an event loop running in this thread as long as it is open, so asynchronous tests stand in
    modules of their own.
    """
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium found; .ci/run installs it")
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # 5 s are soon over on a busy machine, and who is there earlier waits no longer
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield chromium
        chromium.close()
