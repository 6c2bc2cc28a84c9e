"""A real JupyterLab, and what a person does in it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import TimeoutError
from tests.kernels import TRANSPORT
from tests.ports import free_port

from wslab import launcher

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Error, Page

ROOT = Path(__file__).parents[1]
_MOST_SHOTS = 40
_LOOK = 200  # milliseconds between two looks at a running notebook; Playwright's default is every animation frame
_SEEN_IS_DRAWN = """async (notebook) => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const box = notebook.getBoundingClientRect();
    const drawn = (y) => document.elementFromPoint(box.left + box.width / 2, y)?.closest(".jp-Cell");
    const last = [...notebook.querySelectorAll(".jp-Cell")].at(-1)?.getBoundingClientRect();
    return drawn(box.top + 80) && (drawn(box.bottom - 80) || (last && last.bottom < box.bottom));
}"""
# JupyterLab lets one scroll past the end; then back to where the last cell ends the picture.
_AT_THE_END = """(notebook) => {
    const last = [...notebook.querySelectorAll(".jp-Cell")].at(-1).getBoundingClientRect();
    const past = notebook.getBoundingClientRect().bottom - last.bottom;
    if (past > 40) notebook.scrollBy(0, 40 - past);
    return past >= 0;
}"""
_CODE_CELLS = """() => [...jupyterapp.shell.currentWidget.content.model.cells]
    .filter((cell) => cell.type === "code" && cell.sharedModel.source.trim())"""
_COUNTS = f"() => ({_CODE_CELLS})().map((cell) => cell.executionCount)"
_BEGUN = f"""() => ({_CODE_CELLS})()
    .some((cell) => cell.executionState !== "idle" || cell.executionCount !== null)"""
_RAISED = f"""() => ({_CODE_CELLS})().flatMap((cell) => cell.sharedModel.outputs)
    .filter((output) => output.output_type === "error").map((output) => `${{output.ename}}: ${{output.evalue}}`)"""
_STATE = f"""() => {{
    const session = jupyterapp.shell.currentWidget.sessionContext;
    const kernel = session.session?.kernel;
    const told = (cell) =>
        `[${{cell.executionCount}}] ${{cell.executionState}} ${{cell.sharedModel.source.slice(0, 200)}}`;
    const dialogs = [...document.querySelectorAll("dialog.jp-Dialog")].map((dialog) => dialog.innerText);
    return [`kernel: ${{kernel?.status}}, ${{kernel?.connectionStatus}}`, "dialogs:", ...dialogs,
        "errors:", ...({_RAISED})(), "cells:", ...({_CODE_CELLS})().map(told)].join("\\n");
}}"""
_CLOSE_ALL = """() => {
    for (const widget of [...jupyterapp.shell.widgets("main")]) {
        if (widget.context) widget.context.model.dirty = false;
        widget.dispose();
    }
}"""
SHOTS = ROOT / "artefacts" / "screenshots"


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that runs, and the folder it shows."""

    url: str
    folder: Path


def until_it_answers(url: str, process: subprocess.Popen[bytes], output: Path, seconds: float) -> None:
    """Wait for a server in another process; where it ends or says nothing in time, fail with what it wrote."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).read()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{process.args} did not start: {output.read_text()}")
            time.sleep(0.1)  # between two looks at another process, which sends no event


@contextlib.contextmanager
def running_lab(folder: Path, settings: Path, base_url: str = "/") -> Iterator[Lab]:
    """JupyterLab as `wslab lab` starts it, on `folder`, with configuration and data folders of its own."""
    port = free_port()
    command = launcher.command(folder, "en", browser=False, port=port)
    command += ["--IdentityProvider.token=", f"--ServerApp.base_url={base_url}"]
    command += ["--LabApp.expose_app_in_browser=True"]  # as JupyterLab's own browser tests do
    command += [f"--KernelManager.transport={TRANSPORT}"]
    runtime = tempfile.mkdtemp(prefix="wslab-")  # a socket's path has to be short
    environment = os.environ | {
        "JUPYTER_RUNTIME_DIR": runtime,
        "JUPYTER_CONFIG_DIR": str(settings / "config"),
        "JUPYTER_DATA_DIR": str(settings / "data"),
        "WSLAB_HOME": str(settings / "wslab"),
    }
    url = f"http://127.0.0.1:{port}{base_url}"
    output = settings / "jupyterlab.log"
    with output.open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            until_it_answers(f"{url}api/status", process, output, 60)
            yield Lab(url, folder)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
            shutil.rmtree(runtime, ignore_errors=True)


def close_all(page: Page, lab: Lab) -> None:
    """Close every document, unsaved, and end every kernel: else they pile up, with the servers in them."""
    page.evaluate(_CLOSE_ALL)
    requests, headers = page.context.request, _headers(page, lab)
    for session in requests.get(f"{lab.url}api/sessions").json():
        assert requests.delete(f"{lab.url}api/sessions/{session['id']}", headers=headers).ok


def trust(page: Page, lab: Lab, path: str) -> None:
    """Trust a notebook that somebody else has run: else JupyterLab shows no HTML of its outputs."""
    assert page.context.request.post(f"{lab.url}api/contents/{path}/trust", headers=_headers(page, lab)).ok


def _headers(page: Page, lab: Lab) -> dict[str, str]:
    """What a request that changes something needs; JupyterLab gives it to each window that asks for a page."""
    page.context.request.get(f"{lab.url}lab")
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies(lab.url)}
    return {"X-XSRFToken": cookies["_xsrf"]} if "_xsrf" in cookies else {}


_LOADED: weakref.WeakSet[Page] = weakref.WeakSet()
"""The pages in which a notebook was opened by its address: JupyterLab is there as a whole, with all its commands."""


class Notebook:
    """One notebook, open in JupyterLab: by its address, or by a command where `page` shows this JupyterLab already."""

    def __init__(self, page: Page, lab: Lab, path: str) -> None:
        self.page = page
        self.lab = lab
        self.path = path
        self.file = lab.folder / path
        self.errors: list[str] = []
        page.on("console", self._note_console)
        page.on("pageerror", self._note_error)
        if page in _LOADED and page.url.startswith(lab.url):
            page.evaluate("(path) => jupyterapp.commands.execute('docmanager:open', { path }).then(() => null)", path)
        else:
            page.goto(f"{lab.url}lab/tree/{path}?reset")
            # JupyterLab shows its menus, and takes keys, before every command behind them is there.
            page.wait_for_function("() => window.jupyterapp", timeout=60_000)
            page.evaluate("() => jupyterapp.allPluginsActivated.then(() => null)")
            _LOADED.add(page)
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        # JupyterLab asks for a kernel when its list of kernels comes later than the notebook, on a busy machine.
        ready = '.jp-Toolbar:has(.jp-KernelName:has-text("Python 3")) [data-status="idle"]'
        while True:
            # A narrow window hides a part of the toolbar.
            page.wait_for_selector(f"dialog.jp-Dialog, {ready}", state="attached", timeout=60_000)
            if page.locator("dialog.jp-Dialog").count() == 0:
                break
            self.answer_dialogs()

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _note_error(self, error: Error) -> None:
        self.errors.append(str(error))

    def answer_dialogs(self) -> None:
        """Accept what JupyterLab asks, as a person would."""
        for dialog in self.page.locator("dialog.jp-Dialog").all():
            dialog.locator("button.jp-mod-accept").click()
            dialog.wait_for(state="detached")

    def menu(self, menu: str, entry: str) -> None:
        """Choose an entry of a menu with the mouse."""
        self.page.click(f'.lm-MenuBar-itemLabel:text-is("{menu}")')
        self.page.click(f'.lm-Menu-itemLabel:text-is("{entry}")')

    def run_all(self, timeout: float = 120) -> None:
        """By the menu: Run → Run All Cells; returns once each cell has run, or one has stopped those after it."""
        self.answer_dialogs()
        self.menu("Run", "Run All Cells")
        self.answer_dialogs()
        try:
            self.page.wait_for_function(_BEGUN, timeout=30_000)
        except TimeoutError:  # seen once, on the first page of a new server: no cell began; a person chooses again
            self.page.keyboard.press("Escape")  # should the menu still be open
            self.menu("Run", "Run All Cells")
            self.answer_dialogs()
        # The notebook's own model: what is drawn of it may lag behind, and the sign of a busy kernel may stay
        # (JupyterLab issue 19235).
        try:
            self.page.wait_for_function(
                f"""() => {{
                    const cells = ({_CODE_CELLS})();
                    const raised = (cell) => cell.sharedModel.outputs.some((output) => output.output_type === "error");
                    return cells.every((cell) => cell.executionState === "idle")
                        && (cells.every((cell) => cell.executionCount !== null) || cells.some(raised));
                }}""",
                timeout=timeout * 1000,
                polling=_LOOK,
            )
        except TimeoutError:
            self.shot(f"unfinished-{self.file.stem}")
            pytest.fail(f"{self.file.name} did not finish in {timeout:g} s.\n{self.state()}")

    def raised(self) -> list[str]:
        """What its cells raised, also where it is not drawn yet."""
        errors: list[str] = self.page.evaluate(_RAISED)
        return errors

    def state(self) -> str:
        """What somebody who looks at it would tell: kernel, dialogs, errors, and the cells that aren't done."""
        return str(self.page.evaluate(_STATE))

    def close(self) -> None:
        """Leave the window to the next notebook."""
        self.page.remove_listener("console", self._note_console)
        self.page.remove_listener("pageerror", self._note_error)
        close_all(self.page, self.lab)

    def saved(self) -> NotebookNode:
        """Save it with Ctrl+S, and read what JupyterLab wrote; the file is put back for whoever opens it next."""
        before = self.file.read_bytes()
        counts = self.page.evaluate(_COUNTS)
        try:
            for _ in range(3):
                self.page.keyboard.press("Control+s")
                self.page.wait_for_selector(".lm-TabBar-tab.jp-mod-dirty", state="detached")
                written = nbformat.read(self.file, as_version=4)
                cells = [cell for cell in written.cells if cell.cell_type == "code" and cell.source.strip()]
                # A save of JupyterLab's own may have begun before the last cell ended; then this one did nothing.
                if [cell.execution_count for cell in cells] == counts:
                    return written
            pytest.fail(f"{self.file.name} was not saved as it is shown.\n{self.state()}")
        finally:
            self.file.write_bytes(before)

    def shots(self, name: str) -> None:
        """Pictures from top to bottom, as somebody who reads it sees it: of each screenful with `WSLAB_SHOTS=all`.

        Without, of the first, one in the middle, and the last.
        """
        notebook = self.page.locator(".jp-WindowedPanel-outer").first
        notebook.evaluate("e => e.scrollTo(0, 0)")
        for number in range(1, _MOST_SHOTS + 1):
            # Cells far from what is seen are drawn once they come near, and then the whole may be longer than it was.
            self.page.wait_for_function(_SEEN_IS_DRAWN, arg=notebook.element_handle())
            if end := notebook.evaluate(_AT_THE_END):
                self.page.wait_for_function(_SEEN_IS_DRAWN, arg=notebook.element_handle())
            self.shot(f"{name}-{number:02}")
            if end:
                break
            top, seen, whole = notebook.evaluate("e => [e.scrollTop, e.clientHeight, e.scrollHeight]")
            step = seen - 60 if os.environ.get("WSLAB_SHOTS") == "all" else max(seen - 60, whole / 2 - seen)
            notebook.evaluate("(e, top) => e.scrollTo(0, top)", top + step)

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(SHOTS / f"{re.sub(r'[^a-z0-9-]', '-', name.lower())}.png"))
