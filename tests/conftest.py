"""What every test shares: no server outlives its test, and no test depends on who runs it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from wslab.language import use_language
from wslab.serving import stop_all

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several workers share the run, a module stays in one; the notebooks, a kernel each, are shared out."""
    for item in items:
        path = item.path.relative_to(ROOT).as_posix()
        if path == "tests/seed/test_systems.py" or "02-client" in item.nodeid or "test_02_client" in path:
            group = "port 8000"  # the document's own port, which these look for or take
        elif "notebooks" in path or "test_runs_from_the_menu" in item.nodeid:
            continue
        else:
            group = path
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def _english_and_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("WSLAB_HOME", str(tmp_path / "wslab-home"))
    use_language("en")
    yield
    use_language(None)
    stop_all()


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
