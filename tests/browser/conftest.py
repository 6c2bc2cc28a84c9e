"""A real JupyterLab with a copy of the course, and what a person does in it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "artefacts" / "screenshots"


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that runs, and the folder it shows."""

    url: str
    folder: Path


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab as `wslab lab` starts it, on a copy of the built notebooks, with settings of its own."""
    from wslab.cli import lab_command

    folder = tmp_path_factory.mktemp("course")
    for name in ("notebooks", "labs", "solutions"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*lab_command(folder, "en", browser=False, port=port), "--IdentityProvider.token="]
    own = {name: str(tmp_path_factory.mktemp(name.lower())) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    environment = os.environ | own | {"WSLAB_HOME": str(folder / ".wslab")}
    log = (folder / "jupyterlab.log").open("w")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/api/status", timeout=2).read()
                break
            except OSError:
                assert process.poll() is None, (folder / "jupyterlab.log").read_text()
                time.sleep(0.1)
        else:
            pytest.fail("JupyterLab did not start: " + (folder / "jupyterlab.log").read_text())
        yield Lab(url, folder)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


class Notebook:
    """One notebook, open in JupyterLab."""

    def __init__(self, page: Page, lab: Lab, path: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{lab.url}/lab/tree/{path}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        # The kernel's indicator says when it is ready to be asked.
        page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)

    def run_all(self, timeout: float = 120) -> None:
        """By the menu: Run → Run All Cells; returns once the kernel is idle again and the last cell has a number."""
        self.page.click('.lm-MenuBar-itemLabel:text-is("Run")')
        self.page.click('.lm-Menu-itemLabel:text-is("Run All Cells")')
        self.page.wait_for_function(
            """() => {
                const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
                return prompts.length > 0 && prompts.every((prompt) => /^\\[\\d+\\]:/.test(prompt.textContent));
            }""",
            timeout=timeout * 1000,
        )

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(SHOTS / f"{re.sub(r'[^a-z0-9-]', '-', name.lower())}.png"))


@pytest.fixture
def open_notebook(browser: Browser, lab: Lab) -> Iterator[Callable[[str], Notebook]]:
    contexts = []

    def opened(path: str, width: int = 1280, height: int = 900) -> Notebook:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        return Notebook(page, lab, path)

    yield opened
    for context in contexts:
        context.close()
