"""What every test shares: no server outlives its test, and no test depends on who runs it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from wslab.language import use_language
from wslab.serving import stop_all

if TYPE_CHECKING:
    from tests.jupyterlab import Lab

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


# Who uses the worker's JupyterLab, beside tests/browser/test_course.py: spread over the two that its editions have.
_JUPYTERLAB = {
    "tests/browser/test_labs.py": "en",
    "tests/browser/test_start_page.py": "en",
    "tests/classroom/test_in_a_browser.py": "tr",
    "tests/predictions/test_card_in_jupyterlab.py": "tr",
    "tests/recording/test_in_jupyterlab.py": "tr",
}


class _ByModule(LoadScopeScheduling):
    """A module stays in one worker, with its course and its browser; notebooks in a kernel are shared out.

    xdist's own `loadgroup` says by a suffix of the test's name what belongs together, which is lost with pytest 9.2
    (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        module, _, test = nodeid.partition("::")
        if module == "tests/seed/test_systems.py" or "02-client" in test or "test_02_client" in module:
            # The document's own port, 8000, which these look for or take: one after the other.
            return "JupyterLab tr"
        if module == "tests/browser/test_course.py":
            return "JupyterLab en" if "[en" in test else "JupyterLab tr"
        if module in _JUPYTERLAB:
            return f"JupyterLab {_JUPYTERLAB[module]}"
        return nodeid if module.startswith("tests/notebooks/") else module


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # the order of the collection is better than by number of tests
    return _ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """JupyterLab first, then browsers, kernels and slow modules, so that no worker begins a long one at the end."""
    marks: dict[Path, set[str]] = {}
    for item in items:
        marks.setdefault(item.path, set()).update(mark.name for mark in item.iter_markers())

    def turn(item: pytest.Item) -> int:
        if item.nodeid.startswith("tests/browser/test_course.py"):
            return 0
        for number, names in enumerate(({"browser"}, {"notebook"}, {"slow"}), 1):
            if marks[item.path] & names:
                return number
        return 4

    items.sort(key=turn)


@pytest.fixture(autouse=True)
def _english_and_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("WSLAB_HOME", str(tmp_path / "wslab-home"))
    use_language("en")
    yield
    use_language(None)
    stop_all()


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
    from playwright.sync_api import sync_playwright

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
